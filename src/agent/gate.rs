//! Who waits for a person, and what counts as an answer.
//!
//! A waiting run is an entry of this table and nothing else: no task, no connection, no state. The
//! one decision is not made here but in the store ([`crate::store::Approvals::decide`]); the gate
//! only says which request a signal speaks of, and hands over the right to go on, once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use crate::domain::signal::{Signal, Vote};
use crate::domain::{
    ApprovalRequest, Approvers, Decision, Entry, EventId, RequestId, SessionId, Verdict,
};

/// A request that somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Which one.
    pub request: RequestId,
    /// When it was asked, in milliseconds since the Unix epoch.
    pub created_at_ms: u64,
    /// When it ends by itself, in seconds since the Unix epoch.
    pub expires_at: u64,
    /// Whether anybody can have seen it: an answer that names no request counts only then.
    pub shown: bool,
    /// Whether it was asked alone: a stored answer that names no request counts only then.
    pub alone: bool,
    /// Who may say yes.
    pub approvers: Approvers,
    /// Whether the timer wheel has it.
    pub timed: bool,
}

impl Waiting {
    /// What is to be remembered of a request.
    pub fn for_request(request: &ApprovalRequest, approvers: Approvers) -> Self {
        Self {
            request: request.request_id.clone(),
            created_at_ms: request.created_at,
            expires_at: request.expires_at,
            shown: false,
            alone: true,
            approvers,
            timed: false,
        }
    }

    /// When to warn that the deadline comes, in milliseconds since the Unix epoch; `None` if the
    /// whole wait is no longer than the warning.
    pub fn warning_ms(&self, before: Duration) -> Option<u64> {
        let before_ms = u64::try_from(before.as_millis()).unwrap_or(u64::MAX);
        let at = self.deadline_ms().checked_sub(before_ms)?;
        (before_ms > 0 && at > self.created_at_ms).then_some(at)
    }

    /// Whether this answer can decide anything. Nothing is certain of who published or stored it, so
    /// where not everybody may approve it can only reject.
    pub fn counts(&self, signal: &Signal) -> bool {
        self.approvers.is_anybody() || signal.vote == Vote::Reject
    }

    /// The deadline, in milliseconds since the Unix epoch.
    pub fn deadline_ms(&self) -> u64 {
        self.expires_at.saturating_mul(1000)
    }

    /// What a vote that is seen at `now_ms` amounts to: a click that comes after the deadline is
    /// no click, it is the deadline.
    pub fn decision(&self, signal: &Signal, now_ms: u64) -> Decision {
        if now_ms >= self.deadline_ms() {
            return Self::timed_out(now_ms);
        }
        self.decision_in_time(signal, now_ms)
    }

    /// What a vote amounts to that was found stored when the deadline came. The store keeps it, so
    /// it was cast before somebody looked; it counts if it says of itself that it came in time.
    pub fn stored_decision(&self, signal: &Signal, now_ms: u64) -> Decision {
        let asked_at = self.created_at_ms / 1000;
        let stamped = signal.timestamp.is_some_and(|at| (asked_at..=self.expires_at).contains(&at));
        if stamped || now_ms < self.deadline_ms() {
            self.decision_in_time(signal, now_ms)
        } else {
            Self::timed_out(now_ms)
        }
    }

    /// The deadline's own proposal.
    pub fn timed_out(now_ms: u64) -> Decision {
        Decision::of(Verdict::TimedOut, now_ms)
    }

    fn decision_in_time(&self, signal: &Signal, now_ms: u64) -> Decision {
        let verdict = match signal.vote {
            Vote::Approve => Verdict::Approved,
            Vote::Reject => Verdict::Rejected,
        };
        let reason = match verdict {
            Verdict::Rejected => signal.reason.clone(),
            Verdict::Approved | Verdict::TimedOut | Verdict::Cancelled => None,
        };
        let args_hash = signal.shown.clone().filter(|_| verdict == Verdict::Approved);
        Decision { by: signal.by.clone(), reason, args_hash, ..Decision::of(verdict, now_ms) }
    }
}

/// The table of this process's waiting runs.
///
/// One lock, held for a few instructions: the runs write when they ask, the listener when it
/// decides; nothing is awaited under it.
#[derive(Debug, Default)]
pub struct Gate(Mutex<HashMap<SessionId, Place>>);

/// A run that has asked. It may be at work all the same: on the first of two calls, say, while the
/// second is still being thought about.
#[derive(Debug, Default)]
struct Place {
    /// What nobody has answered yet.
    waiting: Vec<Waiting>,
    /// What was answered, and the run has not been told.
    decided: Vec<Decided>,
    /// What the run has left here, while it has parked.
    parked: Option<Parking>,
}

impl Place {
    /// Hands out the run, if it has parked.
    fn wake(&mut self) -> Option<Release> {
        let parking = self.parked.take()?;
        Some(Release { decided: std::mem::take(&mut self.decided), parking })
    }
}

/// An answered request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Which one.
    pub request: RequestId,
    /// The decision that stands.
    pub decision: Decision,
}

/// What a run leaves here when it parks.
#[derive(Debug)]
pub struct Parking {
    /// Its place among the live runs of this process.
    pub permit: OwnedSemaphorePermit,
    /// Where its journal ended: a journal that ends before was read too early.
    pub journal_end: EventId,
}

impl Parking {
    /// Whether a journal was read after the run had parked. While somebody read ahead, it may have
    /// worked, and parked again.
    pub fn is_covered_by(&self, journal: &[Entry]) -> bool {
        journal.last().is_some_and(|newest| newest.id >= self.journal_end)
    }
}

/// The right to go on with a run, handed out once.
#[derive(Debug)]
pub struct Release {
    /// What was decided, in the order in which it was heard; empty: the run is only to look around.
    pub decided: Vec<Decided>,
    /// What the run had left here.
    pub parking: Parking,
}

/// What came of parking.
#[derive(Debug)]
pub enum Parked {
    /// An answer had come meanwhile: the run goes on at once.
    GoOn(Release),
    /// It waits. These are the requests whose time starts to run here.
    Waits(Vec<Waiting>),
    /// Nobody expects an answer.
    Unexpected,
}

impl Gate {
    /// Expects an answer from now on, though the run has not parked yet.
    pub fn expect(&self, session: &SessionId, waiting: Waiting) {
        let mut places = self.lock();
        let place = places.entry(session.clone()).or_default();
        place.waiting.retain(|known| known.request != waiting.request);
        place.waiting.push(waiting);
        // From now on an answer must say which of them it means.
        if place.waiting.len() > 1 {
            place.waiting.iter_mut().for_each(|waiting| waiting.alone = false);
        }
    }

    /// From now on somebody may see the requests of the session.
    pub fn show(&self, session: &SessionId) {
        if let Some(place) = self.lock().get_mut(session) {
            place.waiting.iter_mut().for_each(|waiting| waiting.shown = true);
        }
    }

    /// Expects no answer any more; returns what was waited for.
    pub fn withdraw(&self, session: &SessionId) -> Vec<Waiting> {
        self.lock().remove(session).map(|place| place.waiting).unwrap_or_default()
    }

    /// The run has parked and holds nothing but what it leaves here.
    pub fn park(&self, session: &SessionId, parking: Parking) -> Parked {
        let mut places = self.lock();
        let Some(place) = places.get_mut(session) else { return Parked::Unexpected };
        place.parked = Some(parking);
        if place.decided.is_empty() {
            let new = place.waiting.iter_mut().filter(|waiting| !waiting.timed);
            return Parked::Waits(
                new.map(|waiting| {
                    waiting.timed = true;
                    waiting.clone()
                })
                .collect(),
            );
        }
        let release = place.wake();
        if place.waiting.is_empty() {
            places.remove(session);
        }
        release.map_or(Parked::Unexpected, Parked::GoOn)
    }

    /// Expects nothing any more for the run, if it has parked; returns whether it had.
    pub fn take_back(&self, session: &SessionId) -> bool {
        let mut places = self.lock();
        let parked = places.get(session).is_some_and(|place| place.parked.is_some());
        parked && places.remove(session).is_some()
    }

    /// Expects nothing any more for all runs that have parked; returns which they were.
    pub fn take_parked(&self) -> Vec<SessionId> {
        let mut places = self.lock();
        let parked = places.extract_if(|_, place| place.parked.is_some());
        parked.map(|(session, _)| session).collect()
    }

    /// The decision stands. Returns the right to go on, unless the run has not parked yet (then
    /// [`Gate::park`] will), or does not wait for that, or somebody else was handed it.
    pub fn release(
        &self,
        session: &SessionId,
        request: &RequestId,
        decision: Decision,
    ) -> Option<Release> {
        let mut places = self.lock();
        let place = places.get_mut(session)?;
        let at = place.waiting.iter().position(|waiting| &waiting.request == request)?;
        place.waiting.remove(at);
        place.decided.push(Decided { request: request.clone(), decision });
        let release = place.wake()?;
        if place.waiting.is_empty() {
            places.remove(session);
        }
        Some(release)
    }

    /// Wakes a run that has parked, without a decision, if it still waits for `request`.
    pub fn wake(&self, session: &SessionId, request: &RequestId) -> Option<Release> {
        let mut places = self.lock();
        let place = places.get_mut(session)?;
        place.waiting.iter().any(|waiting| &waiting.request == request).then_some(())?;
        place.wake()
    }

    /// What a session waits for.
    pub fn waiting(&self, session: &SessionId) -> Vec<Waiting> {
        self.lock().get(session).map(|place| place.waiting.clone()).unwrap_or_default()
    }

    /// Whether a session waits for anything, or has been answered and not been told.
    pub fn expects(&self, session: &SessionId) -> bool {
        self.lock().contains_key(session)
    }

    /// Whether a session waits for this.
    pub fn waits_for(&self, session: &SessionId, request: &RequestId) -> bool {
        let places = self.lock();
        let place = places.get(session);
        place.is_some_and(|place| place.waiting.iter().any(|known| &known.request == request))
    }

    /// The sessions that wait.
    pub fn sessions(&self) -> Vec<SessionId> {
        self.lock().keys().cloned().collect()
    }

    /// All that is waited for.
    pub fn all(&self) -> Vec<(SessionId, Waiting)> {
        let places = self.lock();
        let all = places.iter().flat_map(|(id, place)| {
            place.waiting.iter().map(|waiting| (id.clone(), waiting.clone()))
        });
        all.collect()
    }

    /// How many runs wait.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Place>> {
        // No code that could panic runs under this lock, so a poisoned one is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    fn session() -> SessionId {
        SessionId::new("session_u_1_ab")
    }

    fn waiting(request: &str) -> Waiting {
        Waiting {
            request: RequestId::new(request),
            created_at_ms: 0,
            expires_at: 300,
            shown: false,
            alone: true,
            approvers: Approvers::default(),
            timed: false,
        }
    }

    /// A run's only place, and how many such places are free.
    fn parking() -> (Parking, Arc<Semaphore>) {
        let permits = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&permits).try_acquire_owned().unwrap();
        (Parking { permit, journal_end: EventId::ZERO }, permits)
    }

    fn yes() -> Decision {
        Decision::of(Verdict::Approved, 1)
    }

    #[test]
    fn a_question_that_was_asked_alone_is_not_alone_any_more_beside_another() {
        let gate = Gate::default();
        gate.expect(&session(), waiting("req_a"));
        assert!(gate.waiting(&session())[0].alone);
        gate.expect(&session(), Waiting { alone: false, ..waiting("req_b") });
        assert!(gate.waiting(&session()).iter().all(|waiting| !waiting.alone));
    }

    #[test]
    fn an_answer_that_comes_while_the_run_works_on_another_is_handed_out_when_it_parks() {
        let gate = Gate::default();
        let (parking, permits) = parking();
        gate.expect(&session(), waiting("req_a"));
        gate.expect(&session(), waiting("req_b"));
        assert!(matches!(gate.park(&session(), parking), Parked::Waits(new) if new.len() == 2));
        let release = gate.release(&session(), &RequestId::new("req_a"), yes()).unwrap();
        assert!(gate.release(&session(), &RequestId::new("req_b"), yes()).is_none());
        assert!(gate.expects(&session()), "the run has not been told of the second");
        let Parked::GoOn(release) = gate.park(&session(), release.parking) else {
            panic!("nobody told the run of the second answer")
        };
        assert_eq!(release.decided[0].request, RequestId::new("req_b"));
        assert!(!gate.expects(&session()), "nothing is left behind");
        drop(release);
        assert_eq!(permits.available_permits(), 1);
    }

    #[test]
    fn only_a_run_that_has_parked_is_taken_back_and_only_once() {
        let gate = Gate::default();
        let (parking, permits) = parking();
        gate.expect(&session(), waiting("req_a"));
        gate.expect(&session(), waiting("req_b"));
        assert!(!gate.take_back(&session()), "it is at work");
        gate.park(&session(), parking);
        let release = gate.release(&session(), &RequestId::new("req_a"), yes()).unwrap();
        assert!(!gate.take_back(&session()), "somebody goes on with it");
        gate.park(&session(), release.parking);
        assert!(gate.take_back(&session()));
        assert!(!gate.take_back(&session()));
        assert!(gate.take_parked().is_empty());
        assert_eq!(permits.available_permits(), 1);
    }

    #[test]
    fn a_journal_that_was_read_before_the_run_parked_again_is_not_gone_on_from() {
        let entry = |id| Entry { id: EventId::new(id), shown: None, record: None };
        let (parking, _permits) = parking();
        let parking = Parking { journal_end: EventId::new(7), ..parking };
        assert!(!parking.is_covered_by(&[]));
        assert!(!parking.is_covered_by(&[entry(5), entry(6)]));
        assert!(parking.is_covered_by(&[entry(6), entry(7)]));
    }
}
