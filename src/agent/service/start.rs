//! Starting a run: before anybody is told of it, it is in the store, and somebody looks after it.
//!
//! A process may die, stand still or be cut off between any two of these steps:
//!
//! 1. The lease is taken, the run counted, and the session registered. Who claims the lease now finds a run that has
//!    not begun, and leaves it to its start (`leases.rs`).
//! 2. The first entry is appended to the empty journal: the run exists. Or else the start has been
//!    given up meanwhile, because it took too long, and nothing of it ever runs (`withdraw.rs`).
//! 3. The run works, the lease is taken once more, and the client's key stands for the run for good
//!    (`once.rs`). Only then the client is told.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::drive::AgentService;
use super::fate::Fate;
use super::permits::Permit;
use crate::agent::run::history::recent;
use crate::agent::run::journal::{Writer, opening};
use crate::agent::run::record::{Opened, Record};
use crate::agent::run::state::State;
use crate::agent::run::step::Run;
use crate::domain::{
    Allowance, Caller, Entry, EventId, Full, Holds, Message, PageContext, Refused, RequestKey,
    RequestTrace, ScopedKey, SessionId, SessionMeta, ThreadId,
};
use crate::store::{AppendError, StoreError, StoreFull};

/// For how long a first append is repeated whose outcome is unknown: the client waits for it.
const IN_DOUBT: Duration = Duration::from_secs(2);

/// What a caller wants of a new run.
#[derive(Clone, Debug)]
pub struct StartRun {
    /// The prompt, not blank.
    pub prompt: String,
    /// The page.
    pub context: PageContext,
    /// The conversation, if it is to go on.
    pub thread: Option<ThreadId>,
    /// The new run's ids are above this one.
    pub above: EventId,
    /// What makes one request of all that have it.
    pub key: Option<RequestKey>,
    /// By which names the platform follows the request.
    pub trace: RequestTrace,
}

/// The run that a request is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// A new one.
    New {
        /// The session.
        session: SessionId,
        /// Its first entry; clients see nothing of that.
        opened: EventId,
    },
    /// The one that an earlier request with the same key has started.
    Before(SessionId),
}

/// Why a run was not started. Nothing of it goes on then.
#[derive(Debug, Error)]
pub enum StartError {
    /// As many runs work here as may.
    #[error("this server has as many runs at work as it may ({0})")]
    TooMany(usize),
    /// An operator has stopped new runs.
    #[error("an operator has put new runs on hold: {reason}")]
    Held {
        /// Why.
        reason: String,
    },
    /// The user or the tenant has as much as may be.
    #[error("{0}")]
    Full(Full),
    /// The user has started as many runs as may be, for now.
    #[error("this user has started as many runs within a minute as may be; the limit is {}, \
             limits.starts_per_minute_per_user", .0.limit)]
    TooOften(Allowance),
    /// The process is about to end, and the run that the key stands for has not begun yet.
    #[error("this server is shutting down")]
    Stopping,
    /// The task that was to do it panicked, or was stopped with the process.
    #[error("the run could not be started")]
    TaskFailed,
    /// It took so long that it was given up.
    #[error("the start took too long and was given up")]
    Withdrawn,
    /// The key was used for another request.
    #[error("the Idempotency-Key was used with another request")]
    AnotherRequest,
    /// The store has no room for it.
    #[error(transparent)]
    StoreFull(#[from] StoreFull),
    /// The store did not take it, or did not say so.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came of the first append.
enum First {
    /// The journal ends with our entry: the run is ours to drive.
    Ours,
    /// The journal goes on after our entry: another process has taken the run over.
    Elsewhere,
    /// The start was given up before: there is no run.
    Withdrawn,
    /// Nobody can tell.
    Unknown(StoreError),
}

impl First {
    fn of(fate: Fate, first: EventId) -> Self {
        match fate {
            Fate::Begun { last } if last == first => Self::Ours,
            Fate::Begun { .. } => Self::Elsewhere,
            Fate::Withdrawn => Self::Withdrawn,
        }
    }
}

impl AgentService {
    /// Starts a run for `caller`, or finds the one that its key has started. When this returns, the
    /// run is in the store, somebody looks after it, and it goes on by itself.
    ///
    /// A client that leaves meanwhile does not leave half a run behind: what was begun is finished.
    /// A process that stops refuses nothing for that: the run is handed over before its first step.
    pub async fn start(
        self: &Arc<Self>,
        caller: &Caller,
        wanted: StartRun,
    ) -> Result<Started, StartError> {
        let tasks = &self.ctx.tasks;
        let (service, caller) = (Arc::clone(self), caller.clone());
        let started = tasks.spawn("start", async move {
            match wanted.key.clone() {
                Some(key) => service.start_once(&caller, wanted, &key).await,
                None => {
                    let permit = service.permit().ok_or(service.too_many())?;
                    service.begin(&caller, wanted, service.new_session(&caller), permit).await
                }
            }
        });
        started.await.unwrap_or(Err(StartError::TaskFailed))
    }

    /// A permit to work for one more run, if there is one.
    pub(super) fn permit(&self) -> Option<Permit> {
        self.runs.permits().take()
    }

    /// The refusal where there is none.
    pub(super) fn too_many(&self) -> StartError {
        StartError::TooMany(self.runs.permits().most())
    }

    /// A session's id, which nobody else has.
    pub(super) fn new_session(&self, caller: &Caller) -> SessionId {
        SessionId::generate(&caller.user, self.ctx.clock.now().second())
    }

    /// Takes the steps of a start. On an error nothing of it goes on, as soon as the store can be
    /// told, and its key stands for nothing.
    pub(super) async fn begin(
        self: &Arc<Self>,
        caller: &Caller,
        wanted: StartRun,
        session: SessionId,
        permit: Permit,
    ) -> Result<Started, StartError> {
        let key = wanted.key.as_ref().map(|key| ScopedKey::of(caller, &key.key));
        let starting = Starting::of(self, &session);
        let opened = match self.prepare(caller, wanted, &session).await {
            Ok(opened) => opened,
            Err(error) => {
                self.free_unused(key.as_ref(), &session).await;
                return Err(error);
            }
        };
        let first = opening(opened.meta.first_event, &Record::Opened(Box::new(opened.clone())));
        let lease = self.ctx.terms.lease;
        let store = &self.ctx.store;
        let ctx = &self.ctx;
        let run = std::slice::from_ref(&session);
        let leased = match self.append_first(&session, &first).await {
            First::Ours => {
                starting.drive(&opened, permit);
                ctx.retry_unavailable(|| store.renew(run, lease)).await
            }
            First::Elsewhere => ctx.retry_unavailable(|| store.ensure(run, lease)).await,
            First::Withdrawn => return Err(StartError::Withdrawn),
            First::Unknown(error) => Err(error),
        };
        let kept = match (leased, &key) {
            (Ok(()), Some(key)) => ctx.retry_unavailable(|| store.key_begun(key, &session)).await,
            (leased, _) => leased,
        };
        match kept {
            Ok(()) => Ok(Started::New { session, opened: first.id }),
            Err(error) => {
                self.give_up(session, key);
                Err(error.into())
            }
        }
    }

    /// Takes the lease, and a start of the caller's, and registers the session.
    async fn prepare(
        &self,
        caller: &Caller,
        wanted: StartRun,
        session: &SessionId,
    ) -> Result<Opened, StartError> {
        self.ctx.store.room()?;
        // As a rule it is known here; what was put just now is seen once the start is taken.
        self.refuse_held(caller, &*self.ctx.holds_at_hand().await)?;
        self.take_start(caller, session).await?;
        let now = self.ctx.clock.now();
        let meta = SessionMeta {
            session_id: session.clone(),
            tenant: caller.tenant.clone(),
            user: caller.user.clone(),
            thread_id: wanted.thread.clone().unwrap_or_else(ThreadId::generate),
            prompt: wanted.prompt,
            prompt_hash: None,
            created_at_ms: now,
            first_event: wanted.above.next(now),
            trace: wanted.trace,
        };
        let (listed, store) = (meta.listed(), &self.ctx.store);
        let history = self.history(caller, wanted.thread.as_ref());
        let ((), history) = tokio::try_join!(store.register(&listed), history)?;
        let (instructions, language) =
            (self.ctx.instructions.clone(), self.ctx.language.of(&meta.prompt));
        Ok(Opened { meta, context: wanted.context, history, instructions, language })
    }

    /// Takes the lease, and a start of what the caller may. From this moment somebody looks after the run:
    /// should this process die, another will.
    async fn take_start(&self, caller: &Caller, session: &SessionId) -> Result<(), StartError> {
        let (store, run) = (&self.ctx.store, std::slice::from_ref(session));
        let quota = &self.ctx.limits.quota;
        // In this order: what is counted is live because it has a lease.
        let lease = store.renew(run, self.ctx.terms.lease);
        let taken = store.take_start(&caller.tenant, &caller.user, session, quota);
        let ((), taken, holds) = tokio::try_join!(lease, taken, self.ctx.holds())?;
        let taken = taken.map_err(|refused| match refused {
            Refused::Full(full) => StartError::Full(full),
            Refused::TooOften(allowance) => StartError::TooOften(allowance),
        });
        let taken = taken.and_then(|()| self.refuse_held(caller, &holds));
        if taken.is_err() {
            // Whoever finds the lease, should it stay, finds no run and ends it.
            let _ = store.end(run).await;
        }
        taken
    }

    /// Refuses a start that an operator has stopped (contract, section 5.7).
    fn refuse_held(&self, caller: &Caller, holds: &Holds) -> Result<(), StartError> {
        let Some(hold) = holds.of_runs(&caller.tenant) else { return Ok(()) };
        self.ctx.metrics.held("run");
        Err(StartError::Held { reason: hold.reason.clone() })
    }

    /// What was said in the thread that a run is to go on with.
    async fn history(
        &self,
        caller: &Caller,
        thread: Option<&ThreadId>,
    ) -> Result<Vec<Message>, StoreError> {
        let Some(thread) = thread else { return Ok(Vec::new()) };
        let history = self.ctx.store.history(&caller.tenant, &caller.user, thread).await?;
        Ok(recent(history))
    }

    /// Appends the first entry. An attempt whose outcome is unknown is repeated for a moment; if that
    /// does not tell either, the journal is asked to decide: it has begun, or it never will.
    async fn append_first(&self, session: &SessionId, first: &Entry) -> First {
        let store = &self.ctx.store;
        let append = || async {
            match store.append(session, EventId::ZERO, std::slice::from_ref(first)).await {
                Ok(()) => Ok(true),
                // Nobody else knows the session's id: the entry that is there is ours, or says that
                // the start was given up.
                Err(AppendError::Conflict | AppendError::Gone) => Ok(false),
                Err(AppendError::Store(error)) => Err(error),
            }
        };
        let mut appended = append().await;
        if appended.is_err() {
            // The moment begins here: the first attempt may have taken long, if this process stood still.
            appended = self.ctx.retry_unavailable_for(IN_DOUBT, append).await;
        }
        match appended {
            Ok(true) => First::Ours,
            Ok(false) | Err(_) => match self.withdraw(session).await {
                Ok(fate) => First::of(fate, first.id),
                Err(error) => First::Unknown(error),
            },
        }
    }
}

/// A start under way. From its beginning this process renews its lease, and does not take it over
/// from itself; if it comes to nothing, dropping this ends that.
struct Starting<'a> {
    service: &'a Arc<AgentService>,
    /// `None` once the run drives itself.
    session: Option<SessionId>,
}

impl<'a> Starting<'a> {
    fn of(service: &'a Arc<AgentService>, session: &SessionId) -> Self {
        service.runs.start(session);
        Self { service, session: Some(session.clone()) }
    }

    /// The run exists, and works from now on.
    fn drive(mut self, opened: &Opened, permit: Permit) {
        let Some(session) = self.session.take() else { return };
        let (service, first) = (self.service, opened.meta.first_event);
        service.ctx.metrics.runs_started.inc();
        let frames = service.runs.open_frames(&session, first);
        let writer = Writer::open(&service.ctx, &session, first, frames);
        service.spawn(State::open(opened), writer, permit, Run::drive);
    }
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        if let Some(session) = &self.session {
            self.service.forget(session);
        }
    }
}
