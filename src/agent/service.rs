//! Starting, finding, watching and cancelling runs: all that `http` knows of the agent.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::ask::patiently;
use super::finish::{breakdown, panic_error};
use super::gate::{Release, Waiting};
use super::journal::{JournalError, Writer, opening};
use super::listener::keep_request;
use super::live::{LiveLog, LiveLogs};
use super::record::{Opened, Record};
use super::run::{Env, Exit, Run};
use super::state::{State, last_id};
use crate::domain::{
    Caller, Entry, EventId, PageContext, RequestId, SessionId, SessionMeta, ThreadId,
};
use crate::store::{AppendError, ReadError, StoreError};

/// Entries read at a time when a journal is folded.
const PAGE: usize = 1000;

/// What a caller wants of a new run.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The prompt, not blank.
    pub prompt: String,
    /// The page.
    pub context: PageContext,
    /// The conversation, if it is to go on.
    pub thread: Option<ThreadId>,
    /// The new run's ids are above this one.
    pub above: EventId,
}

/// Why a run was not started. Nothing of it exists then.
#[derive(Debug, Error)]
pub enum StartError {
    /// As many runs live here as may.
    #[error("this server has as many live runs as it may ({0})")]
    TooMany(usize),
    /// The process is about to end.
    #[error("this server is shutting down")]
    Stopping,
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The agent.
pub struct AgentService {
    pub(super) env: Arc<Env>,
    pub(super) live: LiveLogs,
    max_runs: usize,
    permits: Arc<Semaphore>,
    /// The runs at work here, and how to interrupt each; runs that wait are in the gate.
    running: Mutex<HashMap<SessionId, CancellationToken>>,
    /// Tells the listener of new deadlines.
    deadlines: mpsc::UnboundedSender<(SessionId, Waiting)>,
}

impl AgentService {
    /// A service that drives at most `max_runs` live runs; `deadlines` goes to the listener.
    pub(super) fn new(
        env: Arc<Env>,
        max_runs: usize,
        deadlines: mpsc::UnboundedSender<(SessionId, Waiting)>,
    ) -> Self {
        Self {
            env,
            live: LiveLogs::default(),
            max_runs,
            permits: Arc::new(Semaphore::new(max_runs)),
            running: Mutex::default(),
            deadlines,
        }
    }

    /// Starts a run for `caller`. When this returns, the run is in the store and goes on by itself.
    pub async fn start(
        self: &Arc<Self>,
        caller: &Caller,
        ask: Ask,
    ) -> Result<SessionId, StartError> {
        if self.env.desk.tasks.stopping().is_cancelled() {
            return Err(StartError::Stopping);
        }
        let permit = Arc::clone(&self.permits)
            .try_acquire_owned()
            .map_err(|_| StartError::TooMany(self.max_runs))?;
        let (opened, first) = self.open(caller, ask).await?;
        let session = opened.meta.session_id.clone();
        let live = self.live.open(&session, first.id);
        let writer = Writer::open(&self.env.desk, &session, first.id, live);
        self.spawn(State::open(&opened), writer, permit, Run::drive);
        Ok(session)
    }

    async fn open(&self, caller: &Caller, ask: Ask) -> Result<(Opened, Entry), StartError> {
        let (store, clock) = (&self.env.desk.store, &self.env.desk.clock);
        let (thread_id, history) = match ask.thread {
            Some(thread) => {
                let history = store.history(&caller.tenant, &caller.user, &thread).await?;
                (thread, history)
            }
            None => (ThreadId::generate(), Vec::new()),
        };
        let now_ms = clock.now_ms();
        let meta = SessionMeta {
            session_id: SessionId::generate(&caller.user, now_ms / 1000),
            tenant: caller.tenant.clone(),
            user: caller.user.clone(),
            thread_id,
            prompt: ask.prompt,
            created_at_ms: now_ms,
            first_event: ask.above.next(now_ms),
        };
        let opened = Opened { meta, context: ask.context, history };
        let first = opening(&**clock, ask.above, &Record::Opened(Box::new(opened.clone())));
        store.register(&opened.meta).await?;
        let session = &opened.meta.session_id;
        match store.append(session, EventId::ZERO, std::slice::from_ref(&first)).await {
            Ok(()) => Ok((opened, first)),
            Err(AppendError::Store(error)) => Err(error.into()),
            // A fresh random id that exists already: as good as impossible, and never ours.
            Err(AppendError::Conflict) => {
                Err(StoreError::Corrupt("a new session's journal exists already".into()).into())
            }
        }
    }

    /// Goes on with a run whose request was decided. `read_ahead` is its journal, where the caller
    /// has read it already; it may have been read too early.
    pub(super) async fn resume(
        self: &Arc<Self>,
        session: &SessionId,
        release: Release,
        read_ahead: Option<Vec<Entry>>,
    ) {
        match self.restore(session, &release.request, read_ahead).await {
            Ok((state, last)) => {
                tracing::info!(%session, node = ?state.node, "checkpoint restored");
                let live = self.live.open(session, last);
                let writer = Writer::open(&self.env.desk, session, last, live);
                let decision = release.decision;
                self.spawn(state, writer, release.permit, move |run| run.decided(decision));
            }
            Err(error) => {
                tracing::error!(%session, %error, "run cannot be resumed");
                self.forget(session);
            }
        }
    }

    /// The state of a run that waits for `request`, and the last id of its journal.
    async fn restore(
        &self,
        session: &SessionId,
        request: &RequestId,
        read_ahead: Option<Vec<Entry>>,
    ) -> Result<(State, EventId), StoreError> {
        let waits = |entries: &[Entry]| {
            let state = State::fold(entries)?;
            let pending = state.pending_request()?.request_id == *request;
            pending.then(|| (state, last_id(entries)))
        };
        if let Some(restored) = read_ahead.as_deref().and_then(waits) {
            return Ok(restored);
        }
        let entries = patiently(self.env.desk.patience, || self.journal(session)).await?;
        let missing = || format!("the journal does not end with a wait for {request}");
        waits(&entries).ok_or_else(|| StoreError::Corrupt(missing()))
    }

    /// The whole journal of a session.
    pub(super) async fn journal(&self, session: &SessionId) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        loop {
            let after = last_id(&entries);
            match self.env.desk.store.read(session, after, PAGE).await {
                Ok(page) => {
                    let whole = page.len() < PAGE;
                    entries.extend(page);
                    if whole {
                        return Ok(entries);
                    }
                }
                Err(ReadError::Store(error)) => return Err(error),
                Err(gap @ ReadError::Gap { .. }) => {
                    return Err(StoreError::Corrupt(gap.to_string()));
                }
            }
        }
    }

    fn spawn<W, F>(
        self: &Arc<Self>,
        state: State,
        (writer, committing): (Writer, JoinHandle<()>),
        permit: OwnedSemaphorePermit,
        work: W,
    ) where
        W: FnOnce(Run) -> F + Send + 'static,
        F: Future<Output = Exit> + Send + 'static,
    {
        let session = state.meta.session_id.clone();
        let cancel = CancellationToken::new();
        self.running().insert(session.clone(), cancel.clone());
        let run = Run::new(Arc::clone(&self.env), state, writer, cancel);
        let service = Arc::clone(self);
        self.env.desk.tasks.spawn(async move {
            let exit = AssertUnwindSafe(work(run)).catch_unwind().await;
            // What the run had queued is stored before anybody else writes; it cannot panic.
            let _ = committing.await;
            service.left(session, exit.ok(), permit).await;
        });
    }

    /// What follows when a run has stopped working; `None` after a panic.
    async fn left(
        self: &Arc<Self>,
        session: SessionId,
        exit: Option<Exit>,
        permit: OwnedSemaphorePermit,
    ) {
        self.running().remove(&session);
        match exit {
            Some(Exit::Over) => self.forget(&session),
            Some(Exit::Parked(request)) => match self.env.gate.park(&session, permit) {
                Err(Some(waiting)) => {
                    // The listener lives as long as the process; if it is gone, so are we.
                    let _ = self.deadlines.send((session, waiting));
                }
                // The answer came before the run had parked.
                Ok(release) => {
                    let (request, decision) = (release.request.clone(), release.decision.clone());
                    self.env.desk.store.unwatch(&session);
                    Box::pin(self.resume(&session, release, None)).await;
                    keep_request(&self.env, &request, &decision).await;
                }
                Err(None) => tracing::error!(%session, %request, "a run waits that nobody expects"),
            },
            Some(Exit::Abandoned(error)) => {
                tracing::warn!(%session, %error, "run abandoned by this process");
                self.forget(&session);
            }
            None => self.break_down(&session).await,
        }
    }

    /// Ends a run that panicked: its stream has an end like any other.
    async fn break_down(&self, session: &SessionId) {
        tracing::error!(%session, "run panicked");
        if let Err(error) = self.write_breakdown(session).await {
            tracing::error!(%session, %error, "the end of a broken run cannot be written");
        }
        self.env.gate.withdraw(session);
        self.forget(session);
    }

    async fn write_breakdown(&self, session: &SessionId) -> Result<(), JournalError> {
        let patience = self.env.desk.patience;
        let entries =
            patiently(patience, || self.journal(session)).await.map_err(JournalError::StoreAway)?;
        let Some(state) = State::fold(&entries) else { return Err(JournalError::Lost) };
        let last = last_id(&entries);
        let live = self.live.open(session, last);
        let (mut writer, _) = Writer::open(&self.env.desk, session, last, live);
        let now_ms = self.env.desk.clock.now_ms();
        writer.append(&breakdown(&state, panic_error(), now_ms)).await?;
        writer.flush().await
    }

    /// The session, if it exists for this caller and its journal is still there.
    pub async fn session(
        &self,
        caller: &Caller,
        id: &SessionId,
    ) -> Result<Option<SessionMeta>, StoreError> {
        let meta = self.env.desk.store.session(id).await?;
        let Some(meta) = meta.filter(|meta| meta.belongs_to(caller)) else { return Ok(None) };
        let kept = !self.env.desk.store.newest(id, 1).await?.is_empty();
        Ok(kept.then_some(meta))
    }

    /// The caller's session whose journal holds exactly this id; the newest, if there are several.
    pub async fn session_with_event(
        &self,
        caller: &Caller,
        event: EventId,
    ) -> Result<Option<SessionMeta>, StoreError> {
        let store = &self.env.desk.store;
        let mut before: Option<SessionMeta> = None;
        loop {
            let page =
                store.sessions_of(&caller.tenant, &caller.user, before.as_ref(), 100).await?;
            let Some(last) = page.last().cloned() else { return Ok(None) };
            for meta in page.into_iter().filter(|meta| meta.first_event <= event) {
                if store.holds(&meta.session_id, event).await? {
                    return Ok(Some(meta));
                }
            }
            before = Some(last);
        }
    }

    /// The frames at hand of a run that this process drives.
    pub fn live(&self, session: &SessionId) -> Option<Arc<LiveLog>> {
        self.live.get(session)
    }

    /// Interrupts a run that is at work here.
    pub(super) fn interrupt(&self, session: &SessionId) {
        if let Some(cancel) = self.running().get(session) {
            cancel.cancel();
        }
    }

    fn forget(&self, session: &SessionId) {
        self.live.close(session);
        self.env.desk.store.unwatch(session);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<SessionId, CancellationToken>> {
        // No code that could panic runs under this lock, so a poisoned one is still whole.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
