//! The runs of a process: those at work, those that wait, and finding any other.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::join_all;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::finish::{panicked, unreadable};
use super::gate::{Decided, News, Parked, Parking, Release};
use super::journal::{JournalError, Writer};
use super::late_signals::Lingering;
use super::listener::ANSWER;
use super::live::{LiveLog, LiveLogs};
use super::ownership::LeftBehind;
use super::places::{Place, Places};
use super::run::{Env, Exit, Run};
use super::seen::SeenRequests;
use super::start::StartError;
use super::state::{Node, State, last_id};
use super::stored_request::keep_request;
use super::withdraw::Fate;
use crate::domain::{Caller, Entry, EventId, SessionId, SessionMeta};
use crate::store::StoreError;
use crate::telemetry::metrics::Load;

/// Sessions that are searched for an event id. Ids follow the clock, so it is as a rule in the newest
/// that had begun by then; others were at work at the same time.
const SEARCHED: usize = 64;

/// The agent.
pub struct AgentService {
    pub(super) env: Arc<Env>,
    pub(super) live: LiveLogs,
    places: Places,
    /// The runs at work here, and how to interrupt each; runs that wait are in the gate.
    running: Mutex<HashMap<SessionId, CancellationToken>>,
    /// Rung when another process has given runs up.
    pub(super) left_behind: LeftBehind,
    /// Whether the store did not answer when it was last asked. The lease keeper, which asks at least
    /// once a second, writes it; readers that nothing else would tell of an outage look at it.
    pub(super) store_away: AtomicBool,
    /// Runs that this process had to let go of. Whatever made it lose them may have lost their
    /// leases too, so they are renewed once more: then somebody will look after them.
    pub(super) let_go: Mutex<HashSet<SessionId>>,
    /// Sessions that are listened to a little longer, for answers that come too late.
    pub(super) lingering: Lingering,
    /// What the poll has seen of stored requests.
    pub(super) seen: SeenRequests,
}

impl AgentService {
    /// A service that drives at most `max_runs` runs at once.
    pub(super) fn new(env: Arc<Env>, max_runs: usize) -> Self {
        Self {
            env,
            live: LiveLogs::default(),
            places: Places::new(max_runs),
            running: Mutex::default(),
            left_behind: LeftBehind::default(),
            store_away: AtomicBool::new(false),
            let_go: Mutex::default(),
            lingering: Lingering::default(),
            seen: SeenRequests::default(),
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
        self.interruption(session);
        self.unwatch_later(session);
        match self.restore(session, &release, read_ahead).await {
            Ok(Restored::Waits(state, last)) => {
                tracing::info!(%session, node = ?state.node, "checkpoint restored");
                let live = self.live.open(session, last);
                let writer = Writer::open(&self.env.desk, session, last, live);
                let news = release.news;
                self.spawn(*state, writer, self.places.take_back(), move |run| run.wake(news));
            }
            Ok(Restored::MovedOn) => self.abandon(session, &JournalError::Lost).await,
            Ok(Restored::Gone) => self.abandon(session, &JournalError::Gone).await,
            Err(error @ StoreError::Unavailable(_)) => {
                self.abandon(session, &JournalError::StoreAway(error)).await;
            }
            Err(error @ StoreError::Corrupt(_)) => {
                self.break_down(session, None, unreadable(&error)).await;
            }
        }
    }

    /// What the journal says of a run that waits here, and of which this was decided.
    async fn restore(
        &self,
        session: &SessionId,
        Release { news: News { decided, .. }, parking }: &Release,
        read_ahead: Option<Vec<Entry>>,
    ) -> Result<Restored, StoreError> {
        let read_ahead = read_ahead.filter(|entries| parking.is_covered_by(entries));
        if let Some(entries) = read_ahead
            && let restored @ Restored::Waits(..) = Restored::from(&entries, decided)
        {
            return Ok(restored);
        }
        let entries = self.env.desk.patiently(|| self.journal(session)).await?;
        Ok(Restored::from(&entries, decided))
    }

    /// The whole journal of a session.
    pub(super) async fn journal(&self, session: &SessionId) -> Result<Vec<Entry>, StoreError> {
        self.env.desk.journal(session).await
    }

    /// Lets a run work, as a task of its own.
    pub(super) fn spawn<W, F>(
        self: &Arc<Self>,
        state: State,
        (writer, committing): (Writer, JoinHandle<EventId>),
        place: Place,
        work: W,
    ) where
        W: FnOnce(Run) -> F + Send + 'static,
        F: Future<Output = Exit> + Send + 'static,
    {
        let session = state.meta.session_id.clone();
        let run = Run::new(Arc::clone(&self.env), state, writer, self.interruption(&session));
        let service = Arc::clone(self);
        self.env.desk.tasks.spawn("run", async move {
            let exit = AssertUnwindSafe(work(run)).catch_unwind().await;
            // What the run had queued is stored before anybody else writes; it cannot panic.
            let stored = committing.await.ok();
            match exit {
                // Whoever tried again would find the same.
                Ok(Exit::Abandoned(JournalError::StoreAway(error @ StoreError::Corrupt(_)))) => {
                    service.break_down(&session, stored, unreadable(&error)).await;
                }
                Ok(exit) => {
                    let journal_end = stored.unwrap_or(EventId::ZERO);
                    drop(place);
                    service.left(session, exit, Parking { journal_end }).await;
                }
                Err(_panic) => service.break_down(&session, stored, panicked()).await,
            }
        });
    }

    /// What follows when a run has stopped working.
    async fn left(self: &Arc<Self>, session: SessionId, exit: Exit, parking: Parking) {
        match exit {
            Exit::Over => self.over(&session).await,
            Exit::Parked if !self.is_stopping() => self.parked(session, parking).await,
            Exit::Parked | Exit::HandedOver => {
                self.env.gate.withdraw(&session);
                self.hand_over(&[session]).await;
            }
            Exit::Abandoned(error) => self.abandon(&session, &error).await,
        }
    }

    /// The run is a line of the gate from now on, and nothing else.
    pub(super) async fn parked(self: &Arc<Self>, session: SessionId, parking: Parking) {
        self.running().remove(&session);
        match self.env.gate.park(&session, parking) {
            Parked::Waits(new) => {
                if new > 0 {
                    let (service, asked) = (Arc::clone(self), session.clone());
                    let look = async move { service.look_for_cancellation(&asked).await };
                    self.env.desk.tasks.spawn(ANSWER, look);
                }
                // Whoever gives up all that waits when the process stops may have been here before.
                if self.is_stopping() && self.env.gate.take_back(&session) {
                    self.hand_over(&[session]).await;
                }
            }
            // The answer came before the run had parked.
            Parked::GoOn(release) => {
                for Decided { request, decision } in &release.news.decided {
                    keep_request(&self.env, &session, request, decision).await;
                }
                Box::pin(self.resume(&session, release, None)).await;
            }
            Parked::Unexpected => {
                tracing::error!(%session, "a run waits that nobody expects");
                self.forget(&session);
            }
        }
    }

    /// Whether the process comes to its end.
    fn is_stopping(&self) -> bool {
        self.env.desk.tasks.stopping().is_cancelled()
    }

    /// Lets go of a run that cannot go on here. If nobody else has it, its lease runs out; where there
    /// is nothing left to go on with, it ends.
    pub(super) async fn abandon(&self, session: &SessionId, error: &JournalError) {
        match error {
            JournalError::Gone => return self.drop_gone(session).await,
            JournalError::Lost => {
                self.env.desk.metrics.runs_lost.inc();
                tracing::warn!(%session, "run lost to another owner");
            }
            // A server that stops tries nothing twice, and its subscriptions have ended: the store may
            // well be there for another.
            JournalError::StoreAway(error @ StoreError::Unavailable(_)) if self.is_stopping() => {
                tracing::info!(%session, %error, "run breaks its step off: the server stops");
                self.env.gate.withdraw(session);
                return self.hand_over(std::slice::from_ref(session)).await;
            }
            JournalError::StoreAway(error) => {
                self.env.desk.metrics.runs_abandoned.inc();
                tracing::error!(%session, %error, "run abandoned: the store has been away for too long");
            }
        }
        self.env.gate.withdraw(session);
        self.forget(session);
        self.let_go.lock().unwrap_or_else(PoisonError::into_inner).insert(session.clone());
    }

    /// The session, if it exists for this caller and its journal is still there.
    pub async fn session(
        &self,
        caller: &Caller,
        id: &SessionId,
    ) -> Result<Option<SessionMeta>, StoreError> {
        let meta = self.env.desk.store.session(id).await?;
        let Some(meta) = meta.filter(|meta| meta.belongs_to(caller)) else { return Ok(None) };
        let newest = self.newest(std::iter::once(id), 1).await?;
        let begun =
            newest.iter().any(|newest| matches!(Fate::of(newest), Some(Fate::Begun { .. })));
        Ok(begun.then_some(meta))
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

    /// The caller's session whose journal holds exactly this id; the newest, if there are several. Only
    /// the newest sessions that had begun by then are looked at.
    pub async fn session_with_event(
        &self,
        caller: &Caller,
        event: EventId,
    ) -> Result<Option<SessionId>, StoreError> {
        let store = &self.env.desk.store;
        let begun = store.begun_by(&caller.tenant, &caller.user, event, SEARCHED).await?;
        let held = join_all(begun.iter().map(|session| store.holds(session, event))).await;
        for (session, held) in begun.iter().zip(held) {
            if held? {
                return Ok(Some(session.clone()));
            }
        }
        Ok(None)
    }

    /// Whether the store is known to be away.
    pub fn store_is_away(&self) -> bool {
        self.store_away.load(Ordering::Relaxed)
    }

    /// The frames at hand of a run that this process drives.
    pub fn live(&self, session: &SessionId) -> Option<Arc<LiveLog>> {
        self.live.get(session)
    }

    /// A place among the runs at work in this process, if there is one.
    pub(super) fn place(&self) -> Option<Place> {
        self.places.take()
    }

    /// The refusal where there is no place.
    pub(super) fn too_many(&self) -> StartError {
        StartError::TooMany(self.places.most())
    }

    /// How many more runs may work here.
    pub(super) fn room(&self) -> usize {
        self.places.room()
    }

    /// What interrupts a run that is at work here, or is about to be.
    pub(super) fn interruption(&self, session: &SessionId) -> CancellationToken {
        self.running().entry(session.clone()).or_default().clone()
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

    /// Whether a run is at work here.
    pub(super) fn is_at_work(&self, session: &SessionId) -> bool {
        self.running().contains_key(session)
    }

    /// How many runs live here, by what they do.
    pub fn load(&self) -> Load {
        Load { working: self.running().len(), waiting: self.env.gate.count() }
    }

    /// Nothing of the run is left here.
    pub(super) fn forget(&self, session: &SessionId) {
        self.leave(session);
        self.env.desk.store.unwatch(session);
    }

    /// The run is not at work here any more.
    pub(super) fn leave(&self, session: &SessionId) {
        self.running().remove(session);
        self.live.close(session);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<SessionId, CancellationToken>> {
        // No code that could panic runs under this lock, so a poisoned one is still whole.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
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
}

impl Restored {
    /// Folds a journal; the run waits if all that was decided is still open in it.
    fn from(entries: &[Entry], decided: &[Decided]) -> Self {
        if entries.is_empty() {
            return Self::Gone;
        }
        let waits = |state: &State| {
            state.node == Node::AwaitApproval
                && decided.iter().all(|decided| state.is_pending(&decided.request))
        };
        match State::fold(entries).filter(waits) {
            Some(state) => Self::Waits(Box::new(state), last_id(entries)),
            None => Self::MovedOn,
        }
    }
}
