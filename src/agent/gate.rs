//! Who waits for a person, and what counts as an answer.
//!
//! A waiting run is an entry of this table and nothing else: no task, no connection, no state. The
//! one decision is not made here but in the store ([`crate::store::Approvals::decide`]); the gate
//! only says which request a signal speaks of, and hands over the right to go on, once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

use crate::domain::signal::{Signal, Vote};
use crate::domain::{ApprovalRequest, Decision, RequestId, SessionId, Verdict};

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
}

impl Waiting {
    /// What is to be remembered of a request.
    pub fn for_request(request: &ApprovalRequest) -> Self {
        Self {
            request: request.request_id.clone(),
            created_at_ms: request.created_at,
            expires_at: request.expires_at,
            shown: false,
        }
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
        Decision { verdict: Verdict::TimedOut, by: None, reason: None, at_ms: now_ms }
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
        Decision { verdict, by: signal.by.clone(), reason, at_ms: now_ms }
    }
}

/// The table of this process's waiting runs.
///
/// One lock, held for a few instructions: the runs write when they ask, the listener when it
/// decides; nothing is awaited under it.
#[derive(Debug, Default)]
pub struct Gate(Mutex<HashMap<SessionId, Place>>);

#[derive(Debug)]
struct Place {
    waiting: Waiting,
    /// The decision, if it came before the run had parked.
    early: Option<Decision>,
    /// The run's permit, once it has parked.
    parked: Option<OwnedSemaphorePermit>,
}

/// The right to go on with a run, handed out once.
#[derive(Debug)]
pub struct Release {
    /// The request that the run waited for.
    pub request: RequestId,
    /// What was decided.
    pub decision: Decision,
    /// The run's place among the live runs of this process.
    pub permit: OwnedSemaphorePermit,
}

impl Gate {
    /// Expects an answer from now on, though the run has not parked yet.
    pub fn expect(&self, request: &ApprovalRequest) {
        let waiting = Waiting::for_request(request);
        let place = Place { waiting, early: None, parked: None };
        self.lock().insert(request.session_id.clone(), place);
    }

    /// From now on somebody may see the request.
    pub fn show(&self, session: &SessionId) {
        if let Some(place) = self.lock().get_mut(session) {
            place.waiting.shown = true;
        }
    }

    /// Expects no answer any more; returns what was waited for.
    pub fn withdraw(&self, session: &SessionId) -> Option<Waiting> {
        self.lock().remove(session).map(|place| place.waiting)
    }

    /// The run has parked and holds nothing but its permit. If the answer came meanwhile, the run
    /// goes on at once; otherwise what it waits for is returned.
    pub fn park(
        &self,
        session: &SessionId,
        permit: OwnedSemaphorePermit,
    ) -> Result<Release, Option<Waiting>> {
        let mut places = self.lock();
        let Some(place) = places.get_mut(session) else { return Err(None) };
        match place.early.take() {
            Some(decision) => {
                let request = place.waiting.request.clone();
                places.remove(session);
                Ok(Release { request, decision, permit })
            }
            None => {
                place.parked = Some(permit);
                Err(Some(place.waiting.clone()))
            }
        }
    }

    /// Expects nothing any more for all runs that have parked; returns which they were.
    pub fn take_parked(&self) -> Vec<SessionId> {
        let mut places = self.lock();
        let parked = places.extract_if(|_, place| place.parked.is_some());
        parked.map(|(session, _)| session).collect()
    }

    /// The decision stands. Returns the right to go on, unless the run has not parked yet (then
    /// [`Gate::park`] will), or waits for something else, or somebody else was handed it.
    pub fn release(
        &self,
        session: &SessionId,
        request: &RequestId,
        decision: Decision,
    ) -> Option<Release> {
        let mut places = self.lock();
        let place = places.get_mut(session).filter(|place| &place.waiting.request == request)?;
        match place.parked.take() {
            Some(permit) => {
                places.remove(session);
                Some(Release { request: request.clone(), decision, permit })
            }
            None => {
                place.early = Some(decision);
                None
            }
        }
    }

    /// What a session waits for.
    pub fn waiting(&self, session: &SessionId) -> Option<Waiting> {
        self.lock().get(session).map(|place| place.waiting.clone())
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// All that wait.
    pub fn all(&self) -> Vec<(SessionId, Waiting)> {
        let places = self.lock();
        places.iter().map(|(id, place)| (id.clone(), place.waiting.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Place>> {
        // No code that could panic runs under this lock, so a poisoned one is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
