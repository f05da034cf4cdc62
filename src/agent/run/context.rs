//! What all runs of a process share, and how far each may go.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::announcers::Announcers;
use crate::agent::approval::known_holds::KnownHolds;
use crate::agent::approval::pending::PendingApprovals;
use crate::agent::approval::policy::{AnswerTimes, ApproverPolicy};
use crate::agent::approval::request::PendingRequest;
use crate::agent::approval::seals::Seals;
use crate::backoff::Backoff;
use crate::domain::{
    ApprovalRequest, Asking, Clock, Entry, Instructions, LanguageChoice, OnReject, Quota,
    SessionId, last_id,
};
use crate::llm::ChatModel;
use crate::shutdown::Tasks;
use crate::store::{ReadError, Store, StoreError};
use crate::telemetry::metrics::Metrics;
use crate::tools::Tools;

/// Entries read at a time when a whole journal is read.
const PAGE: usize = 1000;

/// What all runs of a process share.
pub struct RunContext {
    /// Where journals are kept.
    pub store: Arc<dyn Store>,
    /// Who gives the time.
    pub clock: Arc<dyn Clock>,
    /// Who knows all tasks.
    pub tasks: Tasks,
    /// How long a run waits for a store that is away.
    pub store_timeout: Duration,
    /// What is counted.
    pub metrics: Metrics,
    /// What seals and opens decisions.
    pub seals: Arc<Seals>,
    /// What operators have stopped, as it was last read.
    pub known_holds: KnownHolds,
    /// Who thinks.
    pub model: Arc<dyn ChatModel>,
    /// What can be done.
    pub tools: Arc<Tools>,
    /// Who may approve what.
    pub approvers: ApproverPolicy,
    /// How long a person may think.
    pub answer_times: AnswerTimes,
    /// Where runs say what they wait for.
    pub pending: Arc<dyn PendingApprovals>,
    /// What the assistant is told before all else; new runs begin with it.
    pub instructions: Option<Instructions>,
    /// In which language new runs speak to people.
    pub language: LanguageChoice,
    /// How far a run may go.
    pub limits: Limits,
    /// Whether a run that ends without an answer says so in a `content` event.
    pub notices: bool,
    /// How long this process looks after a run without being heard of.
    pub terms: Terms,
    /// Who outside of the service is told of what happens.
    pub announcers: Announcers,
}

/// How far a run may go.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How often the model may be asked.
    pub max_turns: u32,
    /// How many tools may be called.
    pub max_tool_calls: u32,
    /// How long before the end of that a thought warns; zero: none does.
    pub hitl_warning: Duration,
    /// How people are asked about several calls.
    pub asking: Asking,
    /// What a rejection leads to.
    pub on_reject: OnReject,
    /// How many tokens may be used.
    pub budget: Budget,
    /// How much users and tenants may have at once, and how often users may start a run.
    pub quota: Quota,
    /// The estimated tokens of one request to the model above which the conversation is trimmed;
    /// `None`: never.
    pub context_tokens: Option<u64>,
}

/// How many tokens may be used; `None`: any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// By one run.
    pub per_run: Option<u64>,
    /// By all runs of a tenant in one UTC day.
    pub per_day: Option<u64>,
}

/// How long a process looks after a run without being heard of, and how soon it finds others'.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// For how long a lease is taken.
    pub lease: Duration,
    /// How often runs without an owner are looked for.
    pub scan: Duration,
    /// For how long a start may take all in all, by the process that takes it: its commands each take
    /// their time-out, and its lease is waited for as long as anything is. A start of which nothing
    /// is stored but its record is left to itself for so long.
    pub start: Duration,
}

impl Terms {
    /// How long others wait for a start of which nothing is heard. Giving it up earlier than it ends
    /// does no harm: it is then theirs.
    pub fn silent_start(self) -> Duration {
        self.lease.min(self.start)
    }
}

impl RunContext {
    /// The whole journal of a session.
    pub(crate) async fn journal(&self, session: &SessionId) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        loop {
            match self.store.read(session, last_id(&entries), PAGE).await {
                Ok(page) => {
                    let whole = page.len() < PAGE;
                    entries.extend(page);
                    if whole {
                        return Ok(entries);
                    }
                }
                Err(ReadError::Store(error)) => return Err(error),
                Err(gap @ ReadError::Gap { .. }) => {
                    return Err(StoreError::Truncated(gap.to_string()));
                }
            }
        }
    }

    /// Repeats a store operation that is safe to repeat, for as long as a run waits for the store.
    /// Once the process is to stop, it is not repeated: somebody else will do it.
    pub(crate) async fn retry_unavailable<T, F, Fut>(&self, operation: F) -> Result<T, StoreError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, StoreError>>,
    {
        self.retry_unavailable_for(self.store_timeout, operation).await
    }

    /// The same, with a time-out of its own.
    pub(crate) async fn retry_unavailable_for<T, F, Fut>(
        &self,
        store_timeout: Duration,
        operation: F,
    ) -> Result<T, StoreError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, StoreError>>,
    {
        let (gives_up, stopping) = (Instant::now() + store_timeout, self.tasks.stopping());
        let again = |error: &StoreError| {
            error.is_transient() && Instant::now() < gives_up && !stopping.is_cancelled()
        };
        while_store_is_away().cut_by(stopping.clone()).retry(operation, again).await
    }
}

impl RunContext {
    /// Expects an answer to a request, asked alone or together with others.
    pub(crate) fn expect(&self, session: &SessionId, request: &ApprovalRequest, alone: bool) {
        let approvers = self.approvers.of(&request.action_type);
        let waiting = PendingRequest::for_request(request, approvers);
        self.pending.expect(session, PendingRequest { alone, ..waiting });
    }
}

/// The pauses between attempts while the store is away.
pub(super) fn while_store_is_away() -> Backoff {
    Backoff::new(Duration::from_millis(50), Duration::from_secs(1))
}
