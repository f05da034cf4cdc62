//! Who looks after which run: leases are kept, runs whose owner is gone are taken over, and runs are
//! handed over when the process stops.
//!
//! A lease only says who should look after a run; that nobody but its owner writes is the journal's
//! business (compare-and-append). So a lease may be late, lost or held twice, and nothing breaks.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::drive::AgentService;
use super::fate::Fate;
use super::permits::Permit;
use crate::agent::approval::pending::SuspendedRun;
use crate::agent::run::context::Terms;
use crate::agent::run::errors::unreadable;
use crate::agent::run::fold::FoldError;
use crate::agent::run::journal::{Draft, JournalError, Writer};
use crate::agent::run::state::{Node, State};
use crate::agent::run::step::Run;
use crate::domain::{ApprovalRequest, Entry, EventId, SessionId, last_id};
use crate::store::StoreError;
use crate::ticks::at_once_and_every;

/// Runs that are claimed at a time.
const CLAIMED_AT_ONCE: usize = 100;
/// Runs that are claimed at a time where there is no room for their work: those that wait need none.
const LOOKED_AT_WITHOUT_ROOM: usize = 20;
/// Renewals within the term of a lease: two may fail.
pub(super) const RENEWALS: u32 = 3;

/// What a journal leaves to do.
enum Left {
    /// Its start: the journal is empty.
    Start,
    /// Nothing: the run is over, or will never begin.
    Nothing,
    /// The trailer after its end.
    Trailer,
    /// People are asked.
    Answers(Box<State>),
    /// The next step.
    Work(Box<State>),
    /// Its end: the journal is damaged.
    Unreadable(FoldError),
}

/// Keeps the leases of this process and takes over what others have left, until the process stops.
pub(super) async fn keep(service: Arc<AgentService>) {
    let Terms { lease, scan, start: _ } = service.ctx.terms;
    let stopping = service.ctx.tasks.stopping();
    let mut keeper = LeaseKeeper { service, claims_from: Instant::now() };
    let mut renewals = at_once_and_every(lease / RENEWALS);
    let mut scans = at_once_and_every(scan);
    let released = Arc::clone(&keeper.service.released);
    loop {
        tokio::select! {
            biased;
            // What is given up from now on is not claimed again by whoever gave it up.
            () = stopping.cancelled() => return,
            _ = renewals.tick() => keeper.renew().await,
            _ = scans.tick() => keeper.scan().await,
            () = released.notified() => keeper.scan().await,
        }
    }
}

struct LeaseKeeper {
    service: Arc<AgentService>,
    /// While the store was away nobody could renew anything: every lease may have run out. Owners
    /// get a term to be heard of again before this process claims.
    claims_from: Instant,
}

impl LeaseKeeper {
    async fn renew(&mut self) {
        let Terms { lease, .. } = self.service.ctx.terms;
        let runs = &self.service.runs;
        let (mut held, lost) = (runs.owned(), runs.take_lost());
        held.extend(lost.iter().cloned());
        if self.service.ctx.store.renew(&held, lease).await.is_err() {
            self.note_store(true);
            self.service.runs.put_lost_back(lost);
        }
    }

    async fn scan(&mut self) {
        if self.service.store_is_away() {
            if self.service.ctx.store.ping().await.is_err() {
                return;
            }
            self.note_store(false);
            self.claims_from = Instant::now() + self.service.ctx.terms.lease;
            self.renew().await;
        }
        if Instant::now() >= self.claims_from {
            self.claim().await;
        }
    }

    fn note_store(&self, is_away: bool) {
        self.service.store_away.store(is_away, Ordering::Relaxed);
    }

    /// Claims runs: of those that wait for people any number, of those with work to do as many as there is
    /// room for. Which they are shows only once they are claimed, so without room a few are looked at.
    async fn claim(&mut self) {
        loop {
            let limit =
                self.service.runs.permits().room().clamp(LOOKED_AT_WITHOUT_ROOM, CLAIMED_AT_ONCE);
            match self.service.ctx.store.claim(limit, self.service.ctx.terms.lease).await {
                Ok(claimed) => {
                    let all = claimed.len() < limit;
                    claimed.into_iter().for_each(|session| self.service.take_over_claimed(session));
                    if all || self.service.runs.permits().room() == 0 {
                        return;
                    }
                }
                Err(_) => {
                    // The store says itself, once, that it is away.
                    self.note_store(true);
                    return;
                }
            }
        }
    }
}

impl AgentService {
    /// Looks after a run from now on. One that is here already had only been late to renew.
    fn take_over_claimed(self: &Arc<Self>, session: SessionId) {
        if !self.runs.start(&session) {
            return;
        }
        let service = Arc::clone(self);
        let tasks = &self.ctx.tasks;
        tasks.spawn("take-over", async move { service.take_over(session).await });
    }

    /// Goes on with a run by what its journal says.
    async fn take_over(self: &Arc<Self>, session: SessionId) {
        let read = self.ctx.retry_unavailable(|| self.journal(&session)).await;
        let entries = match read {
            Ok(entries) => entries,
            Err(error) if error.is_transient() => {
                // Its lease runs out again, and somebody tries again.
                tracing::warn!(%session, %error, "run not taken over");
                return self.forget(&session);
            }
            Err(error) => {
                return self.abort_run(&session, None, unreadable(&error)).await;
            }
        };
        self.announce_again(&session, &entries);
        self.tell_decided(&session, &entries);
        self.take_back_unasked(&session, &entries);
        let last = last_id(&entries);
        let claimed = &self.ctx.metrics.runs_claimed;
        match left_to_do(&entries) {
            Left::Start => self.leave_to_its_start(&session).await,
            Left::Nothing => self.over(&session).await,
            Left::Trailer => self.write_trailer(&session, last).await,
            Left::Answers(state) => {
                claimed.inc();
                let suspended = SuspendedRun { journal_end: last };
                self.wait_again(&session, &state, suspended).await;
            }
            Left::Work(state) => match (state.refuses_take_over(), self.permit()) {
                (Some(why), _) => {
                    claimed.inc();
                    self.abort_run(&session, Some(last), why).await;
                }
                (None, Some(permit)) => {
                    claimed.inc();
                    self.work_again(*state, last, permit).await;
                }
                // Its lease runs out again, and somebody has room for it.
                (None, None) => self.forget(&session),
            },
            Left::Unreadable(error) => {
                self.abort_run(&session, Some(last), unreadable(&error)).await;
            }
        }
    }

    /// A run that has not begun is never run from here: its lease runs out again, and somebody looks
    /// again. Once its start has had its time, its lease ends.
    async fn leave_to_its_start(&self, session: &SessionId) {
        if self.may_still_begin(session).await.unwrap_or(true) {
            return self.forget(session);
        }
        self.over(session).await;
        // A start that comes to its end at this very moment may have lost the lease that it took.
        if let Ok(Some(Fate::Begun { .. })) = self.fate(session).await {
            self.ensure_leased(vec![session.clone()]);
        }
    }

    /// Whether a start that has not come to its end may yet do so. Without a record it has not even
    /// been heard of for a whole lease. (An old record without a journal has lost it for good.)
    async fn may_still_begin(&self, session: &SessionId) -> Result<bool, StoreError> {
        let Some(meta) = self.ctx.store.session(session).await? else { return Ok(false) };
        Ok(self.ctx.clock.now().since(meta.created_at_ms) < self.ctx.terms.start)
    }

    /// The run waits here from now on. Its deadlines are those that it had.
    async fn wait_again(
        self: &Arc<Self>,
        session: &SessionId,
        state: &State,
        suspended: SuspendedRun,
    ) {
        if self.listen_again(session, state).await.is_ok() {
            let requests = state.pending_requests().count();
            tracing::info!(%session, requests, "run taken over: it waits for answers");
            self.suspended(session.clone(), suspended).await;
            // What came while nobody listened.
            self.look_after(session).await;
        }
    }

    /// Makes answers to a run's questions heard here.
    async fn listen_again(&self, session: &SessionId, state: &State) -> Result<(), StoreError> {
        let store = &self.ctx.store;
        let requests: Vec<ApprovalRequest> = state.pending_requests().cloned().collect();
        for request in &requests {
            self.ctx.expect(session, request, requests.len() == 1);
        }
        self.runs.remember_uncounted(session, &state.uncounted);
        self.ctx.pending.show(session);
        self.ctx.note_again(session, requests);
        let watched = self.ctx.retry_unavailable(|| store.watch(session)).await;
        if let Err(error) = &watched {
            tracing::warn!(%session, %error, "run not taken over");
            self.forget(session);
        }
        watched
    }

    async fn work_again(self: &Arc<Self>, state: State, last: EventId, permit: Permit) {
        let session = state.meta.session_id.clone();
        let store = &self.ctx.store;
        match self.ctx.retry_unavailable(|| store.cancel_requested(&session)).await {
            Ok(true) => self.runs.interrupt(&session),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%session, %error, "run not taken over");
                return self.forget(&session);
            }
        }
        // Of several questions some may be open still, while the run works on others.
        if state.pending_requests().next().is_some() {
            if self.listen_again(&session, &state).await.is_err() {
                return;
            }
            // Before the run asks anything more, which forgets the last signal.
            self.look_after(&session).await;
        }
        tracing::info!(%session, node = ?state.node, "run taken over: checkpoint restored");
        let frames = self.runs.open_frames(&session, last);
        let writer = Writer::open(&self.ctx, &session, last, frames);
        self.spawn(state, writer, permit, Run::take_up);
    }

    async fn write_trailer(&self, session: &SessionId, last: EventId) {
        let frames = self.runs.open_frames(session, last);
        let (mut writer, _) = Writer::open(&self.ctx, session, last, frames);
        let written: Result<(), JournalError> = async {
            writer.append(&[Draft::Done], None).await?;
            writer.flush().await
        }
        .await;
        match written {
            Ok(()) => self.over(session).await,
            Err(error) => {
                tracing::warn!(%session, %error, "trailer not written");
                self.forget(session);
            }
        }
    }

    /// The run needs nobody any more.
    pub(super) async fn over(&self, session: &SessionId) {
        self.runs.remove(session);
        self.unwatch_unless_late(session);
        // If it cannot be told, whoever claims the run finds that it is over.
        let _ = self.ctx.store.end(std::slice::from_ref(session)).await;
    }
}

fn left_to_do(entries: &[Entry]) -> Left {
    let Some(newest) = entries.last() else { return Left::Start };
    if newest.is_done() {
        return Left::Nothing;
    }
    let state = match State::fold(entries) {
        Ok(state) => state,
        Err(error) => return Left::Unreadable(error),
    };
    if state.ended.is_some() {
        return Left::Trailer;
    }
    match state.node {
        Node::AwaitApproval => Left::Answers(Box::new(state)),
        Node::Analyze | Node::Plan | Node::Execute | Node::Tools | Node::Reflect | Node::Done => {
            Left::Work(Box::new(state))
        }
    }
}
