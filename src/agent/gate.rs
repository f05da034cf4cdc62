//! Who waits for a person, and what counts as an answer.
//!
//! A waiting run is an entry of this table and nothing else: no task, no connection, no state. The
//! one decision is not made here but in the store ([`crate::store::Approvals::decide`]); the gate
//! only says which request a signal speaks of, and hands over the right to go on, once.

use std::collections::HashMap;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::alarms::{Alarm, AlarmGuard, Alarms};
use super::uncounted::{TOLD_MAX, UncountedVote};
use super::waiting::Waiting;
use crate::domain::{Decision, Entry, EventId, RequestId, SessionId};

/// The table of this process's waiting runs.
///
/// One lock, held for a few instructions: the runs write when they ask, the listener when it
/// decides; nothing is awaited under it.
#[derive(Debug, Default)]
pub struct Gate {
    places: Mutex<HashMap<SessionId, Place>>,
    alarms: Arc<Alarms>,
    /// How long before its deadline somebody is warned of a request.
    warning: Duration,
}

/// A run that has asked. It may be at work all the same: on the first of two calls, say, while the
/// second is still being thought about.
#[derive(Debug, Default)]
struct Place {
    /// What nobody has answered yet.
    waiting: Vec<Asked>,
    /// What came, and the run has not been told.
    news: News,
    /// Votes that do not count, of which people are told once each.
    uncounted: Vec<(RequestId, UncountedVote)>,
    /// What the run has left here, while it has parked.
    parked: Option<Parking>,
}

/// A request that nobody has answered yet.
#[derive(Debug)]
struct Asked {
    waiting: Waiting,
    /// Its alarms, once the run has parked: they go with it.
    alarms: Vec<AlarmGuard>,
}

impl Place {
    /// Hands out the run, if it has parked.
    fn wake(&mut self) -> Option<Release> {
        let parking = self.parked.take()?;
        Some(Release { news: take(&mut self.news), parking })
    }

    fn waits_for(&self, request: &RequestId) -> bool {
        self.asked().any(|waiting| &waiting.request == request)
    }

    fn asked(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter().map(|asked| &asked.waiting)
    }

    fn asked_mut(&mut self) -> impl Iterator<Item = &mut Waiting> {
        self.waiting.iter_mut().map(|asked| &mut asked.waiting)
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

/// What came for a run that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// What was decided, in the order in which it was heard.
    pub decided: Vec<Decided>,
    /// The votes that do not count, of which the run is to tell.
    pub uncounted: Vec<(RequestId, UncountedVote)>,
}

/// What a run leaves here when it parks.
#[derive(Debug)]
pub struct Parking {
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
    /// What came meanwhile; nothing: the run is only to look around.
    pub news: News,
    /// What the run had left here.
    pub parking: Parking,
}

/// What came of a vote that does not count.
#[derive(Debug)]
pub enum Heard {
    /// Nobody needs to be told: it was heard before, or there were enough of its kind, or nobody waits.
    Known,
    /// The run is told of it when it parks.
    WhileAtWork,
    /// The run is to tell of it now.
    Wake(Release),
}

/// What came of parking.
#[derive(Debug)]
pub enum Parked {
    /// An answer had come meanwhile: the run goes on at once.
    GoOn(Release),
    /// It waits. Of so many requests the time starts to run here.
    Waits(usize),
    /// Nobody expects an answer.
    Unexpected,
}

impl Gate {
    /// Nobody waits yet. Who does will be warned so long before a deadline; zero: nobody is.
    pub fn new(warning: Duration) -> Self {
        Self { warning, ..Self::default() }
    }

    /// The alarms of all that is waited for.
    pub fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// Expects an answer from now on, though the run has not parked yet.
    pub fn expect(&self, session: &SessionId, waiting: Waiting) {
        let mut places = self.lock();
        let place = places.entry(session.clone()).or_default();
        place.waiting.retain(|known| known.waiting.request != waiting.request);
        place.waiting.push(Asked { waiting, alarms: Vec::new() });
        // From now on an answer must say which of them it means.
        if place.waiting.len() > 1 {
            place.asked_mut().for_each(|waiting| waiting.alone = false);
        }
    }

    /// From now on somebody may see the requests of the session.
    pub fn show(&self, session: &SessionId) {
        if let Some(place) = self.lock().get_mut(session) {
            place.asked_mut().for_each(|waiting| waiting.shown = true);
        }
    }

    /// Expects no answer any more; returns what was waited for.
    pub fn withdraw(&self, session: &SessionId) -> Vec<Waiting> {
        let place = self.lock().remove(session).unwrap_or_default();
        place.waiting.into_iter().map(|asked| asked.waiting).collect()
    }

    /// The run has parked and holds nothing but what it leaves here.
    pub fn park(&self, session: &SessionId, parking: Parking) -> Parked {
        let mut places = self.lock();
        let Some(place) = places.get_mut(session) else { return Parked::Unexpected };
        place.parked = Some(parking);
        if place.news == News::default() {
            let mut new = 0;
            for asked in place.waiting.iter_mut().filter(|asked| asked.alarms.is_empty()) {
                asked.alarms = self.alarms_for(session, &asked.waiting);
                new += 1;
            }
            return Parked::Waits(new);
        }
        let release = place.wake();
        if place.waiting.is_empty() {
            places.remove(session);
        }
        release.map_or(Parked::Unexpected, Parked::GoOn)
    }

    fn alarms_for(&self, session: &SessionId, waiting: &Waiting) -> Vec<AlarmGuard> {
        let near = waiting.warning_ms(self.warning).map(|at_ms| {
            self.alarms.set(at_ms, Alarm::Near(session.clone(), waiting.request.clone()))
        });
        let deadline = Alarm::Deadline(session.clone(), waiting.clone());
        let deadline = self.alarms.set(waiting.deadline.ms(), deadline);
        near.into_iter().chain([deadline]).collect()
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
        let at = place.asked().position(|waiting| &waiting.request == request)?;
        place.waiting.remove(at);
        place.news.decided.push(Decided { request: request.clone(), decision });
        let release = place.wake()?;
        if place.waiting.is_empty() {
            places.remove(session);
        }
        Some(release)
    }

    /// Notes a vote on a request that does not count.
    pub fn uncounted(
        &self,
        session: &SessionId,
        request: &RequestId,
        vote: UncountedVote,
    ) -> Heard {
        let mut places = self.lock();
        let Some(place) = places.get_mut(session).filter(|place| place.waits_for(request)) else {
            return Heard::Known;
        };
        let told = place.uncounted.iter().filter(|(known, _)| known == request);
        if told.clone().any(|(_, known)| known.is_same(&vote)) || told.count() >= TOLD_MAX {
            return Heard::Known;
        }
        place.uncounted.push((request.clone(), vote.clone()));
        place.news.uncounted.push((request.clone(), vote));
        place.wake().map_or(Heard::WhileAtWork, Heard::Wake)
    }

    /// Does something unless an answer for the session is expected; nobody can begin to expect one
    /// meanwhile. It must not wait.
    pub fn unless_expected(&self, session: &SessionId, act: impl FnOnce()) -> bool {
        let places = self.lock();
        let is_free = !places.contains_key(session);
        if is_free {
            act();
        }
        is_free
    }

    /// Wakes a run that has parked, without a decision, if it still waits for `request`.
    pub fn wake(&self, session: &SessionId, request: &RequestId) -> Option<Release> {
        let mut places = self.lock();
        let place = places.get_mut(session)?;
        place.waits_for(request).then_some(())?;
        place.wake()
    }

    /// What a session waits for.
    pub fn waiting(&self, session: &SessionId) -> Vec<Waiting> {
        self.lock().get(session).map(|place| place.asked().cloned().collect()).unwrap_or_default()
    }

    /// Whether a session waits for anything, or has been answered and not been told.
    pub fn expects(&self, session: &SessionId) -> bool {
        self.lock().contains_key(session)
    }

    /// Which session waits for this.
    pub fn session_of(&self, request: &RequestId) -> Option<SessionId> {
        let places = self.lock();
        let mut waits = places.iter().filter(|(_, place)| place.waits_for(request));
        waits.next().map(|(session, _)| session.clone())
    }

    /// Whether a session waits for this.
    pub fn waits_for(&self, session: &SessionId, request: &RequestId) -> bool {
        let places = self.lock();
        let place = places.get(session);
        place.is_some_and(|place| place.waits_for(request))
    }

    /// The sessions that wait.
    pub fn sessions(&self) -> Vec<SessionId> {
        self.lock().keys().cloned().collect()
    }

    /// All that is waited for.
    pub fn all(&self) -> Vec<(SessionId, Waiting)> {
        let places = self.lock();
        let all = places
            .iter()
            .flat_map(|(id, place)| place.asked().map(|waiting| (id.clone(), waiting.clone())));
        all.collect()
    }

    /// How many runs wait.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Place>> {
        // No code that could panic runs under this lock, so a poisoned one is still whole.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
