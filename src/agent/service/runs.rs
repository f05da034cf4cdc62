//! Where each run of this process is: one table, one state a run, and the moves between them.
//!
//! Whatever a run has in a process hangs on its entry: the permit that it works with, the token that
//! interrupts it, what it waits for, the frames that its readers share. A run that is no longer here has
//! no entry, so nothing of it can be left behind.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use super::alarms::{Alarm, AlarmGuard, Alarms};
use super::permits::{Permit, Permits};
use crate::agent::approval::pending::{OpenRequests, PendingApprovals, ResumeToken, SuspendedRun};
use crate::agent::approval::request::PendingRequest;
use crate::agent::approval::uncounted::UncountedVote;
use crate::agent::run::recent_frames::RecentFrames;
use crate::domain::{Decision, EventId, RequestId, SessionId};
use crate::telemetry::metrics::Load;

/// The runs of this process.
///
/// One lock, held for a few instructions and never over an await. Runs write when they ask, the listener
/// when it decides, the service when a run starts, is suspended, changes hands or ends.
#[derive(Debug)]
pub struct LocalRuns {
    permits: Permits,
    alarms: Arc<Alarms>,
    /// How long before its deadline somebody is warned of a request.
    warning: Duration,
    table: Mutex<HashMap<SessionId, LocalRun>>,
}

/// A run of this process.
#[derive(Debug)]
struct LocalRun {
    stage: Stage,
    /// What it has asked. It may be at work all the same: on the first of two calls, say, while people
    /// still think about the second.
    open: OpenRequests<Vec<AlarmGuard>>,
    /// The frames that its readers share; they are woken when this goes.
    frames: Option<Arc<RecentFrames>>,
}

/// Where a run is.
#[derive(Debug)]
enum Stage {
    /// It is about to work: it is being started, taken over or resumed. It can be interrupted already.
    Starting(CancellationToken),
    /// A task drives it. Its permit goes back when it leaves this stage.
    Working {
        cancel: CancellationToken,
        #[expect(dead_code, reason = "held for as long as the run works")]
        permit: Permit,
    },
    /// It waits for people: no task, no connection, no state but this.
    Suspended(SuspendedRun),
    /// This process had to release it. Whatever made it lose the run may have lost the lease too, so that
    /// is renewed once more: then somebody will look after it.
    Lost,
}

impl Stage {
    fn is_suspended(&self) -> bool {
        match self {
            Self::Suspended(_) => true,
            Self::Starting(_) | Self::Working { .. } | Self::Lost => false,
        }
    }

    fn is_lost(&self) -> bool {
        match self {
            Self::Lost => true,
            Self::Starting(_) | Self::Working { .. } | Self::Suspended(_) => false,
        }
    }

    /// What interrupts it, while it is at work or about to be.
    fn cancel(&self) -> Option<&CancellationToken> {
        match self {
            Self::Starting(cancel) | Self::Working { cancel, .. } => Some(cancel),
            Self::Suspended(_) | Self::Lost => None,
        }
    }
}

impl LocalRun {
    fn at(stage: Stage) -> Self {
        Self { stage, open: OpenRequests::default(), frames: None }
    }

    /// Hands out the right to go on, if the run is suspended: from here on it is about to work.
    fn resume(&mut self) -> Option<ResumeToken> {
        if !self.stage.is_suspended() {
            return None;
        }
        let starting = Stage::Starting(CancellationToken::new());
        match std::mem::replace(&mut self.stage, starting) {
            Stage::Suspended(suspended) => {
                Some(ResumeToken { news: self.open.take_news(), suspended })
            }
            Stage::Starting(_) | Stage::Working { .. } | Stage::Lost => None,
        }
    }
}

impl Drop for LocalRun {
    fn drop(&mut self) {
        if let Some(frames) = &self.frames {
            frames.notify();
        }
    }
}

/// What came of suspending a run.
#[derive(Debug)]
pub(super) enum Suspension {
    /// An answer had come meanwhile: the run goes on at once.
    GoOn(ResumeToken),
    /// It waits. Of so many requests the time starts to run here.
    Waits(usize),
    /// It is not here, or waits for nothing.
    Unexpected,
}

/// What came of a vote that does not count.
#[derive(Debug)]
pub(super) enum UncountedOutcome {
    /// Nobody needs to be told: it was heard before, or there were enough of its kind, or nobody waits.
    Known,
    /// The run is told of it when it is suspended next.
    WhileAtWork,
    /// The run is to tell of it now.
    Resume(ResumeToken),
}

impl LocalRuns {
    /// An empty table; `max_runs` may work at once, and who waits is warned so long before a deadline
    /// (zero: nobody is).
    pub fn new(max_runs: usize, warning: Duration) -> Self {
        let permits = Permits::new(max_runs);
        Self { permits, alarms: Arc::default(), warning, table: Mutex::default() }
    }

    /// The alarms of all that is waited for.
    pub(super) fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// The permits to work.
    pub(super) fn permits(&self) -> &Permits {
        &self.permits
    }

    /// A run is to be started or taken over here. Returns whether that is for the caller to do: it is not
    /// if the run is here already.
    pub(super) fn start(&self, session: &SessionId) -> bool {
        let mut table = self.lock();
        let is_new = table.get(session).is_none_or(|run| run.stage.is_lost());
        if is_new {
            let starting = Stage::Starting(CancellationToken::new());
            table.insert(session.clone(), LocalRun::at(starting));
        }
        is_new
    }

    /// A task drives the run from now on. Returns what interrupts it; somebody may have done so already.
    pub(super) fn work(&self, session: &SessionId, permit: Permit) -> CancellationToken {
        let mut table = self.lock();
        let run = table
            .entry(session.clone())
            .or_insert_with(|| LocalRun::at(Stage::Starting(CancellationToken::new())));
        let cancel = run.stage.cancel().cloned().unwrap_or_default();
        run.stage = Stage::Working { cancel: cancel.clone(), permit };
        cancel
    }

    /// The run waits for people from now on, unless they have answered already.
    pub(super) fn suspend(&self, session: &SessionId, suspended: SuspendedRun) -> Suspension {
        let mut table = self.lock();
        let Some(run) = table.get_mut(session) else { return Suspension::Unexpected };
        if run.stage.is_lost() || run.open.is_empty() {
            return Suspension::Unexpected;
        }
        run.stage = Stage::Suspended(suspended);
        if !run.open.has_news() {
            let started = run.open.start_timers(|request| self.alarms_for(session, request));
            return Suspension::Waits(started);
        }
        run.resume().map_or(Suspension::Unexpected, Suspension::GoOn)
    }

    fn alarms_for(&self, session: &SessionId, request: &PendingRequest) -> Vec<AlarmGuard> {
        let near = request
            .warning_at(self.warning)
            .map(|at| self.alarms.set(at, Alarm::Near(session.clone(), request.request.clone())));
        let deadline = Alarm::Deadline(session.clone(), request.clone());
        let deadline = self.alarms.set(request.deadline.at(), deadline);
        near.into_iter().chain([deadline]).collect()
    }

    /// The decision stands. Returns the right to go on, unless the run is not suspended yet (then
    /// [`LocalRuns::suspend`] will), or does not wait for that, or somebody else was handed it.
    pub(super) fn decide(
        &self,
        session: &SessionId,
        request: &RequestId,
        decision: Decision,
    ) -> Option<ResumeToken> {
        let mut table = self.lock();
        let run = table.get_mut(session)?;
        run.open.decide(request, decision).then_some(())?;
        run.resume()
    }

    /// Notes a vote on a request that does not count.
    pub(super) fn note_uncounted(
        &self,
        session: &SessionId,
        request: &RequestId,
        vote: UncountedVote,
    ) -> UncountedOutcome {
        let mut table = self.lock();
        let Some(run) = table.get_mut(session) else { return UncountedOutcome::Known };
        if !run.open.note_uncounted(request, vote) {
            return UncountedOutcome::Known;
        }
        run.resume().map_or(UncountedOutcome::WhileAtWork, UncountedOutcome::Resume)
    }

    /// The votes on a request that do not count.
    pub(super) fn uncounted(&self, session: &SessionId, request: &RequestId) -> Vec<UncountedVote> {
        self.lock().get(session).map(|run| run.open.uncounted(request)).unwrap_or_default()
    }

    /// The votes that do not count of which a former owner of the run has told people.
    pub(super) fn remember_uncounted(
        &self,
        session: &SessionId,
        told: &[(RequestId, UncountedVote)],
    ) {
        if let Some(run) = self.lock().get_mut(session) {
            run.open.remember_uncounted(told);
        }
    }

    /// Wakes a suspended run without a decision, if it still waits for `request`.
    pub(super) fn wake(&self, session: &SessionId, request: &RequestId) -> Option<ResumeToken> {
        let mut table = self.lock();
        let run = table.get_mut(session)?;
        run.open.waits_for(request).then_some(())?;
        run.resume()
    }

    /// Nothing of the run is here any more.
    pub(super) fn remove(&self, session: &SessionId) {
        let removed = self.lock().remove(session);
        drop(removed);
    }

    /// The same, if it is suspended; then returns what it waited for.
    pub(super) fn remove_suspended(&self, session: &SessionId) -> Option<Vec<PendingRequest>> {
        let mut table = self.lock();
        table.get(session).filter(|run| run.stage.is_suspended())?;
        table.remove(session).map(|run| run.open.waiting().cloned().collect())
    }

    /// The same for all runs that are suspended; returns which they were.
    pub(super) fn remove_all_suspended(&self) -> Vec<SessionId> {
        let mut table = self.lock();
        let suspended = table.extract_if(|_, run| run.stage.is_suspended());
        suspended.map(|(session, _)| session).collect()
    }

    /// The run cannot go on here; all that is left is that its lease is renewed once more.
    pub(super) fn lose(&self, session: &SessionId) {
        self.lock().insert(session.clone(), LocalRun::at(Stage::Lost));
    }

    /// The lost runs, which are forgotten with that.
    pub(super) fn take_lost(&self) -> Vec<SessionId> {
        let mut table = self.lock();
        let lost = table.extract_if(|_, run| run.stage.is_lost());
        lost.map(|(session, _)| session).collect()
    }

    /// Their leases could not be renewed: that is still to be done, unless they have come back.
    pub(super) fn put_lost_back(&self, lost: Vec<SessionId>) {
        let mut table = self.lock();
        for session in lost {
            table.entry(session).or_insert_with(|| LocalRun::at(Stage::Lost));
        }
    }

    /// The frames of a run that is here, whose journal ends at `last`; one that is not here has no readers
    /// who would look for them.
    pub(super) fn open_frames(&self, session: &SessionId, last: EventId) -> Arc<RecentFrames> {
        let mut table = self.lock();
        let new = || Arc::new(RecentFrames::starting_at(last));
        match table.get_mut(session) {
            Some(run) => Arc::clone(run.frames.get_or_insert_with(new)),
            None => new(),
        }
    }

    /// The frames at hand of a run that is here.
    pub(super) fn frames(&self, session: &SessionId) -> Option<Arc<RecentFrames>> {
        self.lock().get(session).and_then(|run| run.frames.clone())
    }

    /// Interrupts a run that is at work here, or about to be.
    pub(super) fn interrupt(&self, session: &SessionId) {
        let cancel = self.lock().get(session).and_then(|run| run.stage.cancel().cloned());
        if let Some(cancel) = cancel {
            cancel.cancel();
        }
    }

    /// Everything that this process looks after.
    pub(super) fn owned(&self) -> Vec<SessionId> {
        self.sessions(|run| !run.stage.is_lost())
    }

    /// Whether this process looks after a run.
    pub(super) fn owns(&self, session: &SessionId) -> bool {
        self.lock().get(session).is_some_and(|run| !run.stage.is_lost())
    }

    /// The runs that work here, or are about to.
    pub(super) fn at_work(&self) -> Vec<SessionId> {
        self.sessions(|run| run.stage.cancel().is_some())
    }

    /// The runs that wait for anything, or have been answered and not been told.
    pub(super) fn expecting(&self) -> Vec<SessionId> {
        self.sessions(|run| !run.open.is_empty())
    }

    /// Does something unless an answer for the session is expected; nobody can begin to expect one
    /// meanwhile. It must not wait.
    pub(super) fn unless_expected(&self, session: &SessionId, act: impl FnOnce()) -> bool {
        let table = self.lock();
        let is_free = table.get(session).is_none_or(|run| run.open.is_empty());
        if is_free {
            act();
        }
        is_free
    }

    /// What a session waits for.
    pub(super) fn waiting(&self, session: &SessionId) -> Vec<PendingRequest> {
        self.lock()
            .get(session)
            .map(|run| run.open.waiting().cloned().collect())
            .unwrap_or_default()
    }

    /// Whether a session waits for this.
    pub(super) fn waits_for(&self, session: &SessionId, request: &RequestId) -> bool {
        self.lock().get(session).is_some_and(|run| run.open.waits_for(request))
    }

    /// Which session waits for this.
    pub(super) fn session_of(&self, request: &RequestId) -> Option<SessionId> {
        let table = self.lock();
        let found = table.iter().find(|(_, run)| run.open.waits_for(request));
        found.map(|(session, _)| session.clone())
    }

    /// All that is waited for.
    pub(super) fn all_waiting(&self) -> Vec<(SessionId, PendingRequest)> {
        let table = self.lock();
        let all = table.iter().flat_map(|(session, run)| {
            run.open.waiting().map(|request| (session.clone(), request.clone()))
        });
        all.collect()
    }

    /// How many runs are here, by what they do.
    pub(super) fn load(&self) -> Load {
        let table = self.lock();
        let working = table.values().filter(|run| run.stage.cancel().is_some()).count();
        let waiting = table.values().filter(|run| !run.open.is_empty()).count();
        Load { working, waiting }
    }

    fn sessions(&self, of: impl Fn(&LocalRun) -> bool) -> Vec<SessionId> {
        let table = self.lock();
        table.iter().filter(|(_, run)| of(run)).map(|(session, _)| session.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, LocalRun>> {
        self.table.lock()
    }
}

impl PendingApprovals for LocalRuns {
    fn expect(&self, session: &SessionId, request: PendingRequest) {
        if let Some(run) = self.lock().get_mut(session).filter(|run| !run.stage.is_lost()) {
            run.open.expect(request);
        }
    }

    fn show(&self, session: &SessionId) {
        if let Some(run) = self.lock().get_mut(session) {
            run.open.show();
        }
    }

    fn withdraw(&self, session: &SessionId) -> Vec<PendingRequest> {
        let mut table = self.lock();
        let withdrawn = table.get_mut(session).map(|run| std::mem::take(&mut run.open));
        withdrawn.map(|open| open.waiting().cloned().collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
