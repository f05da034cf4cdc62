//! Starting, finding, watching and cancelling runs: all that `http` knows of the agent.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::join_all;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::ask::patiently;
use super::finish::{breakdown, panic_error};
use super::gate::{Release, Waiting};
use super::journal::{JournalError, Writer, opening};
use super::live::{LiveLog, LiveLogs};
use super::record::{Opened, Record};
use super::run::{Env, Exit, Run};
use super::state::{State, last_id};
use super::votes::keep_request;
use crate::domain::event::EndStatus;
use crate::domain::{
    Caller, Decision, Entry, EventId, Message, PageContext, RequestId, SessionId, SessionMeta,
    ThreadId, Verdict,
};
use crate::store::{AppendError, ReadError, StoreError};
use crate::telemetry::metrics::Load;

/// Entries read at a time when a journal is folded.
const PAGE: usize = 1000;
/// Sessions searched at a time for an event id.
const SEARCHED: usize = 100;
/// How much of a thread a run starts with, in bytes; what is older stays in the thread.
const HISTORY_MAX: usize = 64 * 1024;

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

/// Why a run was not started. Nothing of it goes on then.
#[derive(Debug, Error)]
pub enum StartError {
    /// As many runs live here as may.
    #[error("this server has as many live runs as it may ({0})")]
    TooMany(usize),
    /// The process is about to end.
    #[error("this server is shutting down")]
    Stopping,
    /// It broke down on the way.
    #[error("the run could not be started")]
    Broken,
    /// The store did not take it, or did not say so.
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
    ///
    /// A client that leaves meanwhile does not leave half a run behind: what was begun is finished.
    pub async fn start(
        self: &Arc<Self>,
        caller: &Caller,
        ask: Ask,
    ) -> Result<SessionId, StartError> {
        let tasks = &self.env.desk.tasks;
        if tasks.stopping().is_cancelled() {
            return Err(StartError::Stopping);
        }
        let permit = Arc::clone(&self.permits)
            .try_acquire_owned()
            .map_err(|_| StartError::TooMany(self.max_runs))?;
        let (service, caller) = (Arc::clone(self), caller.clone());
        let begun = tasks.spawn(async move {
            let (opened, first) = service.open(&caller, ask).await?;
            let session = opened.meta.session_id.clone();
            service.env.metrics.runs_started.inc();
            let live = service.live.open(&session, first);
            let writer = Writer::open(&service.env.desk, &session, first, live);
            service.spawn(State::open(&opened), writer, permit, Run::drive);
            Ok(session)
        });
        begun.await.unwrap_or(Err(StartError::Broken))
    }

    /// Writes the beginning of a run; returns it with the id of its first entry.
    async fn open(&self, caller: &Caller, ask: Ask) -> Result<(Opened, EventId), StartError> {
        let (store, clock) = (&self.env.desk.store, &self.env.desk.clock);
        let (thread_id, history) = match ask.thread {
            Some(thread) => {
                let history = store.history(&caller.tenant, &caller.user, &thread).await?;
                (thread, recent(history))
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
        let (session, id) = (&opened.meta.session_id, opened.meta.first_event);
        let first = opening(id, &Record::Opened(Box::new(opened.clone())));
        store.register(&opened.meta).await?;
        let appended = self.append_first(session, &first).await;
        match appended {
            Ok(()) => Ok((opened, id)),
            Err(AppendError::Store(error)) => {
                // It may exist all the same. Whoever finds it is told not to run it.
                if let Err(error) = store.request_cancel(session).await {
                    tracing::warn!(%session, %error, "a run that may exist was refused");
                }
                Err(error.into())
            }
            // A fresh random id that exists already: as good as impossible, and never ours.
            Err(AppendError::Conflict) => {
                Err(StoreError::Corrupt("a new session's journal exists already".into()).into())
            }
        }
    }

    /// Appends the first entry; an attempt whose outcome is unknown is repeated for a moment.
    async fn append_first(&self, session: &SessionId, first: &Entry) -> Result<(), AppendError> {
        let store = &self.env.desk.store;
        let first = std::slice::from_ref(first);
        match store.append(session, EventId::ZERO, first).await {
            Err(AppendError::Store(_)) => store.append(session, EventId::ZERO, first).await,
            appended => appended,
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
        // From here on it can be interrupted.
        self.running().entry(session.clone()).or_default();
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
                self.break_down(session).await;
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
        let cancel = self.running().entry(session.clone()).or_default().clone();
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
                if matches!(error, JournalError::StoreAway(_)) {
                    self.env.metrics.runs_abandoned.inc();
                }
                self.forget(&session);
            }
            None => self.break_down(&session).await,
        }
    }

    /// Ends a run that panicked, or cannot be understood any more: its stream has an end like any
    /// other, and its request can be decided no more.
    async fn break_down(&self, session: &SessionId) {
        tracing::error!(%session, "run broke down");
        if let Some(waiting) = self.env.gate.withdraw(session) {
            let at_ms = self.env.desk.clock.now_ms();
            let proposal = Decision { verdict: Verdict::Cancelled, by: None, reason: None, at_ms };
            let decided = self.env.desk.store.decide(&waiting.request, &proposal).await;
            if let Ok(decided) = decided {
                keep_request(&self.env, &waiting.request, &decided.standing(proposal)).await;
            }
        }
        if let Err(error) = self.write_breakdown(session).await {
            tracing::error!(%session, %error, "the end of a broken run cannot be written");
        }
        self.forget(session);
    }

    async fn write_breakdown(&self, session: &SessionId) -> Result<(), JournalError> {
        let (store, patience) = (&self.env.desk.store, self.env.desk.patience);
        let newest = patiently(patience, || store.newest(session, 1)).await;
        let last = last_id(&newest.map_err(JournalError::StoreAway)?);
        let entries = self.journal(session).await.unwrap_or_default();
        let live = self.live.open(session, last);
        let (mut writer, _) = Writer::open(&self.env.desk, session, last, live);
        let now_ms = self.env.desk.clock.now_ms();
        let state = State::fold(&entries);
        writer.append(&breakdown(state.as_ref(), panic_error(), now_ms)).await?;
        writer.flush().await?;
        self.env.metrics.run_ended(EndStatus::Failed);
        Ok(())
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

    /// The session, if it exists for this caller, whether or not its journal is still there.
    pub async fn known_session(
        &self,
        caller: &Caller,
        id: &SessionId,
    ) -> Result<Option<SessionMeta>, StoreError> {
        let meta = self.env.desk.store.session(id).await?;
        Ok(meta.filter(|meta| meta.belongs_to(caller)))
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
                store.sessions_of(&caller.tenant, &caller.user, before.as_ref(), SEARCHED).await?;
            let Some(last) = page.last().cloned() else { return Ok(None) };
            let candidates: Vec<_> =
                page.into_iter().filter(|meta| meta.first_event <= event).collect();
            let held = candidates.iter().map(|meta| store.holds(&meta.session_id, event));
            for (meta, held) in candidates.iter().zip(join_all(held).await) {
                if held? {
                    return Ok(Some(meta.clone()));
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

    /// The runs at work here.
    pub(super) fn at_work(&self) -> Vec<SessionId> {
        self.running().keys().cloned().collect()
    }

    /// How many runs live here, by what they do.
    pub fn load(&self) -> Load {
        Load { working: self.running().len(), waiting: self.env.gate.count() }
    }

    /// Nothing of the run is left here.
    fn forget(&self, session: &SessionId) {
        self.running().remove(session);
        self.live.close(session);
        self.env.desk.store.unwatch(session);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<SessionId, CancellationToken>> {
        // No code that could panic runs under this lock, so a poisoned one is still whole.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The newest messages of a thread, as many as a run starts with, from a question on.
fn recent(history: Vec<Message>) -> Vec<Message> {
    let mut left = HISTORY_MAX;
    let fits = |message: &&Message| {
        let size = message.text().len();
        let fits = size <= left;
        left = left.saturating_sub(size);
        fits
    };
    let kept = history.iter().rev().take_while(fits).count();
    let newest = history.into_iter().rev().take(kept).collect::<Vec<_>>().into_iter().rev();
    newest.skip_while(|message| !matches!(message, Message::User { .. })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_starts_with_as_much_of_its_thread_as_fits_from_a_question_on() {
        let user = |content: String| Message::User { content };
        let said = |content: String| Message::Assistant { content, tool_calls: Vec::new() };
        let long = "가".repeat(HISTORY_MAX / 6);
        let history = vec![
            user("first".into()),
            said(long.clone()),
            user("second".into()),
            said(long.clone()),
            user("third".into()),
            said("short".into()),
        ];
        assert_eq!(recent(history.clone()), history[2..], "the first answer does not fit");
        assert_eq!(recent(history[..2].to_vec()), history[..2]);
        assert_eq!(recent(vec![user("x".repeat(HISTORY_MAX + 1))]), []);
    }
}
