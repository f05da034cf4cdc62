//! The agent, and how it drives runs: they work, wait, go on and are released.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::inbox::inboxes::TenantInboxes;
use super::permits::Permit;
use super::recently_decided::RecentlyDecided;
use super::runs::{LocalRuns, Suspension};
use super::seen::SeenRequests;
use crate::agent::approval::pending::{DecidedRequest, News, ResumeToken, SuspendedRun};
use crate::agent::run::context::RunContext;
use crate::agent::run::errors::{panicked, unreadable};
use crate::agent::run::fold::FoldError;
use crate::agent::run::inbox::keep_decision;
use crate::agent::run::journal::{JournalError, Writer};
use crate::agent::run::recent_frames::RecentFrames;
use crate::agent::run::state::{Node, State};
use crate::agent::run::step::{Exit, Run};
use crate::domain::{Entry, EventId, SessionId, last_id};
use crate::store::StoreError;
use crate::telemetry::metrics::Load;

/// What tasks are called that hear an answer, a deadline or a cancellation.
pub(super) const ANSWER: &str = "answer";

/// The agent.
pub struct AgentService {
    pub(super) ctx: Arc<RunContext>,
    pub(super) runs: Arc<LocalRuns>,
    /// Notified when another process has given runs up.
    pub(super) released: Arc<Notify>,
    /// Notified when the holds have changed.
    pub(super) holds_changed: Notify,
    /// Whether the store did not answer when it was last asked. The lease keeper, which asks at least
    /// once a second, writes it; readers that nothing else would tell of an outage look at it.
    pub(super) store_away: AtomicBool,
    /// Sessions that are listened to a little longer, for answers that come too late.
    pub(super) recently_decided: RecentlyDecided,
    /// What the poll has seen of stored requests.
    pub(super) seen: SeenRequests,
    /// The inboxes that somebody reads here.
    pub(super) inboxes: Arc<TenantInboxes>,
}

impl AgentService {
    /// A service of these runs, which the context knows too.
    pub(super) fn new(ctx: Arc<RunContext>, runs: Arc<LocalRuns>) -> Self {
        Self {
            ctx,
            runs,
            released: Arc::default(),
            holds_changed: Notify::new(),
            store_away: AtomicBool::new(false),
            recently_decided: RecentlyDecided::default(),
            seen: SeenRequests::default(),
            inboxes: Arc::default(),
        }
    }

    /// Goes on with a run whose request was decided. `read_ahead` is its journal, where the caller
    /// has read it already; it may have been read too early.
    pub(super) async fn resume(
        self: &Arc<Self>,
        session: &SessionId,
        token: ResumeToken,
        read_ahead: Option<Vec<Entry>>,
    ) {
        self.unwatch_later(session);
        match self.restore(session, &token, read_ahead).await {
            Ok(Restored::Waits(state, last)) => {
                tracing::info!(%session, node = ?state.node, "checkpoint restored");
                let frames = self.runs.open_frames(session, last);
                let writer = Writer::open(&self.ctx, session, last, frames);
                let news = token.news;
                self.spawn(*state, writer, self.runs.permits().take_beyond_most(), move |run| {
                    run.wake(news)
                });
            }
            Ok(Restored::MovedOn) => self.abandon(session, &JournalError::Lost).await,
            Ok(Restored::Gone) => self.abandon(session, &JournalError::Gone).await,
            Ok(Restored::Unreadable(error, last)) => {
                self.abort_run(session, Some(last), unreadable(&error)).await;
            }
            Err(error) if error.is_transient() => {
                self.abandon(session, &JournalError::Transient(error)).await;
            }
            Err(error) => self.abort_run(session, None, unreadable(&error)).await,
        }
    }

    /// What the journal says of a run that waits here, and of which this was decided.
    async fn restore(
        &self,
        session: &SessionId,
        token: &ResumeToken,
        read_ahead: Option<Vec<Entry>>,
    ) -> Result<Restored, StoreError> {
        let read_ahead = read_ahead.filter(|entries| token.suspended.is_covered_by(entries));
        if let Some(entries) = read_ahead
            && let restored @ Restored::Waits(..) = Restored::from(&entries, token)
        {
            return Ok(restored);
        }
        let entries = self.ctx.retry_unavailable(|| self.journal(session)).await?;
        Ok(Restored::from(&entries, token))
    }

    /// The whole journal of a session.
    pub(super) async fn journal(&self, session: &SessionId) -> Result<Vec<Entry>, StoreError> {
        self.ctx.journal(session).await
    }

    /// Lets a run work, as a task of its own.
    pub(super) fn spawn<W, F>(
        self: &Arc<Self>,
        state: State,
        (writer, committing): (Writer, JoinHandle<EventId>),
        permit: Permit,
        work: W,
    ) where
        W: FnOnce(Run) -> F + Send + 'static,
        F: Future<Output = Exit> + Send + 'static,
    {
        let session = state.meta.session_id.clone();
        let run = Run::new(Arc::clone(&self.ctx), state, writer, self.runs.work(&session, permit));
        let service = Arc::clone(self);
        self.ctx.tasks.spawn("run", async move {
            let exit = AssertUnwindSafe(work(run)).catch_unwind().await;
            // What the run had queued is stored before anybody else writes; it cannot panic.
            let stored = committing.await.ok();
            match exit {
                // Whoever tried again would find the same.
                Ok(Exit::Abandoned(error @ JournalError::Permanent(_))) => {
                    service.abort_run(&session, stored, unreadable(&error)).await;
                }
                Ok(exit) => {
                    let journal_end = stored.unwrap_or(EventId::ZERO);
                    service.left(session, exit, SuspendedRun { journal_end }).await;
                }
                Err(_panic) => service.abort_run(&session, stored, panicked()).await,
            }
        });
    }

    /// What follows when a run has stopped working.
    async fn left(self: &Arc<Self>, session: SessionId, exit: Exit, suspended: SuspendedRun) {
        match exit {
            Exit::Over => self.over(&session).await,
            Exit::Parked if !self.is_stopping() => self.suspended(session, suspended).await,
            Exit::Parked | Exit::HandedOver => {
                self.hand_over(&[session]).await;
            }
            Exit::Abandoned(error) => self.abandon(&session, &error).await,
        }
    }

    /// The run waits from now on, and is nothing but its entry among the local runs.
    pub(super) async fn suspended(self: &Arc<Self>, session: SessionId, suspended: SuspendedRun) {
        match self.runs.suspend(&session, suspended) {
            Suspension::Waits(new) => {
                if new > 0 {
                    let (service, asked) = (Arc::clone(self), session.clone());
                    let look = async move { service.look_for_cancellation(&asked).await };
                    self.ctx.tasks.spawn(ANSWER, look);
                }
                // Whoever gives up all that waits when the process stops may have been here before.
                if self.is_stopping() && self.runs.remove_suspended(&session).is_some() {
                    self.hand_over(&[session]).await;
                }
            }
            // The answer came before the run was suspended.
            Suspension::GoOn(token) => {
                for DecidedRequest { request, decision } in &token.news.decided {
                    keep_decision(&self.ctx, &session, request, decision).await;
                }
                Box::pin(self.resume(&session, token, None)).await;
            }
            Suspension::Unexpected => {
                tracing::error!(%session, "a run waits that nobody expects");
                self.forget(&session);
            }
        }
    }

    /// Whether the process comes to its end.
    fn is_stopping(&self) -> bool {
        self.ctx.tasks.stopping().is_cancelled()
    }

    /// Lets go of a run that cannot go on here. If nobody else has it, its lease runs out; where there
    /// is nothing left to go on with, it ends.
    pub(super) async fn abandon(&self, session: &SessionId, error: &JournalError) {
        match error {
            JournalError::Gone => return self.drop_gone(session).await,
            JournalError::Lost => {
                self.ctx.metrics.runs_lost.inc();
                tracing::warn!(%session, "run lost to another owner");
            }
            // A server that stops tries nothing twice, and its subscriptions have ended: the store may
            // well be there for another.
            JournalError::Transient(_) if self.is_stopping() => {
                tracing::info!(%session, %error, "run breaks its step off: the server stops");
                return self.hand_over(std::slice::from_ref(session)).await;
            }
            JournalError::Transient(_) | JournalError::Permanent(_) => {
                self.ctx.metrics.runs_abandoned.inc();
                tracing::error!(%session, %error, "run abandoned");
            }
        }
        self.runs.lose(session);
        self.ctx.store.unwatch(session);
    }

    /// Whether the store is known to be away.
    pub fn store_is_away(&self) -> bool {
        self.store_away.load(Ordering::Relaxed)
    }

    /// The frames at hand of a run that this process drives.
    pub fn recent_frames(&self, session: &SessionId) -> Option<Arc<RecentFrames>> {
        self.runs.frames(session)
    }

    /// How many runs live here, by what they do.
    pub fn load(&self) -> Load {
        self.runs.load()
    }

    /// Nothing of the run is left here.
    pub(super) fn forget(&self, session: &SessionId) {
        self.runs.remove(session);
        self.ctx.store.unwatch(session);
    }
}

/// What the journal says of a run that waited.
enum Restored {
    /// It still waits; this is its state and the last id of its journal.
    Waits(Box<State>, EventId),
    /// Another owner has gone on with it.
    MovedOn,
    /// It has no journal any more.
    Gone,
    /// Its journal, which ends here, is damaged, and nobody else has gone on with it.
    Unreadable(FoldError, EventId),
}

impl Restored {
    /// Folds a journal; the run waits if all that was decided is still open in it.
    fn from(entries: &[Entry], token: &ResumeToken) -> Self {
        let ResumeToken { news: News { decided, .. }, suspended } = token;
        if entries.is_empty() {
            return Self::Gone;
        }
        let waits = |state: &State| {
            state.node == Node::AwaitApproval
                && decided.iter().all(|decided| state.is_pending(&decided.request))
        };
        let last = last_id(entries);
        match State::fold(entries) {
            Ok(state) if waits(&state) => Self::Waits(Box::new(state), last),
            Ok(_) => Self::MovedOn,
            // A newer owner may write what this process cannot read.
            Err(_) if last > suspended.journal_end => Self::MovedOn,
            Err(error) => Self::Unreadable(error, last),
        }
    }
}
