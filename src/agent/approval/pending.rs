//! What a run waits for, and what came for it meanwhile.
//!
//! The one decision about a request is not made here but in the store
//! ([`crate::store::Approvals::decide`]); this only says which requests a run has open, and hands over
//! what was decided, once.

use std::mem::take;

use super::request::PendingRequest;
use super::uncounted::{TOLD_MAX, UncountedVote};
use crate::domain::{Decision, Entry, EventId, RequestId, SessionId};

/// The open requests of all runs of this process, as far as a run has to do with them.
pub trait PendingApprovals: Send + Sync {
    /// Expects an answer from now on, though the run has not been suspended yet.
    fn expect(&self, session: &SessionId, request: PendingRequest);

    /// From now on somebody may see the requests of the session.
    fn show(&self, session: &SessionId);

    /// Expects no answer any more; returns what was waited for.
    fn withdraw(&self, session: &SessionId) -> Vec<PendingRequest>;
}

/// State kept of what one run has asked, until it has been told the answers. A plain value: whoever
/// holds it has the lock. `T` is what measures the time of a request, and goes with it.
#[derive(Debug)]
pub(crate) struct OpenRequests<T> {
    /// What nobody has answered yet.
    open: Vec<OpenRequest<T>>,
    /// What came, and the run has not been told.
    news: News,
    /// Votes that do not count, of which people are told once each.
    uncounted: Vec<(RequestId, UncountedVote)>,
}

/// A request that nobody has answered yet.
#[derive(Debug)]
struct OpenRequest<T> {
    request: PendingRequest,
    /// Since the run was suspended with it.
    timer: Option<T>,
}

/// An answered request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DecidedRequest {
    /// Which one.
    pub(crate) request: RequestId,
    /// The decision that stands.
    pub(crate) decision: Decision,
}

/// What came for a run that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// What was decided, in the order in which it was heard.
    pub(crate) decided: Vec<DecidedRequest>,
    /// The votes that do not count, of which the run is to tell.
    pub(crate) uncounted: Vec<(RequestId, UncountedVote)>,
}

/// State kept for a suspended run.
#[derive(Debug)]
pub(crate) struct SuspendedRun {
    /// Where its journal ended: a journal that ends before was read too early.
    pub(crate) journal_end: EventId,
}

impl SuspendedRun {
    /// Whether a journal was read after the run had been suspended. While somebody read ahead, it may
    /// have worked, and been suspended again.
    pub(crate) fn is_covered_by(&self, journal: &[Entry]) -> bool {
        journal.last().is_some_and(|newest| newest.id >= self.journal_end)
    }
}

/// The right to go on with a suspended run, handed out once.
#[derive(Debug)]
pub(crate) struct ResumeToken {
    /// What came meanwhile; nothing: the run is only to look around.
    pub(crate) news: News,
    /// What was kept for it.
    pub(crate) suspended: SuspendedRun,
}

impl<T> Default for OpenRequests<T> {
    fn default() -> Self {
        Self { open: Vec::new(), news: News::default(), uncounted: Vec::new() }
    }
}

impl<T> OpenRequests<T> {
    /// Expects an answer to one more.
    pub(crate) fn expect(&mut self, request: PendingRequest) {
        self.open.retain(|open| open.request.request != request.request);
        self.open.push(OpenRequest { request, timer: None });
        // From now on an answer must say which of them it means.
        if self.open.len() > 1 {
            self.open.iter_mut().for_each(|open| open.request.alone = false);
        }
    }

    /// From now on somebody may see them.
    pub(crate) fn show(&mut self) {
        self.open.iter_mut().for_each(|open| open.request.shown = true);
    }

    /// What nobody has answered yet.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &PendingRequest> {
        self.open.iter().map(|open| &open.request)
    }

    /// Whether nobody has answered this one yet.
    pub(crate) fn waits_for(&self, request: &RequestId) -> bool {
        self.waiting().any(|waiting| &waiting.request == request)
    }

    /// Whether nothing is open, and the run has been told of everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && !self.has_news()
    }

    /// Whether something came that the run has not been told.
    pub(crate) fn has_news(&self) -> bool {
        self.news != News::default()
    }

    /// What the run is told now.
    pub(crate) fn take_news(&mut self) -> News {
        take(&mut self.news)
    }

    /// The decision about this one stands. Returns whether it was open.
    pub(crate) fn decide(&mut self, request: &RequestId, decision: Decision) -> bool {
        let Some(at) = self.waiting().position(|waiting| &waiting.request == request) else {
            return false;
        };
        self.open.remove(at);
        self.news.decided.push(DecidedRequest { request: request.clone(), decision });
        true
    }

    /// Notes a vote that does not count. Returns whether the run is to tell of it: not if it was heard
    /// before, or there were enough of its kind, or nobody waits.
    pub(crate) fn note_uncounted(&mut self, request: &RequestId, vote: UncountedVote) -> bool {
        let told = self.uncounted.iter().filter(|(known, _)| known == request);
        let is_known = told.clone().any(|(_, known)| known.is_same(&vote));
        if !self.waits_for(request) || is_known || told.count() >= TOLD_MAX {
            return false;
        }
        self.uncounted.push((request.clone(), vote.clone()));
        self.news.uncounted.push((request.clone(), vote));
        true
    }

    /// The votes on a request that do not count.
    pub(crate) fn uncounted(&self, request: &RequestId) -> Vec<UncountedVote> {
        let told = self.uncounted.iter().filter(|(known, _)| known == request);
        told.map(|(_, vote)| vote.clone()).collect()
    }

    /// The votes that do not count of which a former owner of the run has told people.
    pub(crate) fn remember_uncounted(&mut self, told: &[(RequestId, UncountedVote)]) {
        self.uncounted = told.to_vec();
    }

    /// Starts the timers of the requests that have none yet; returns how many those were.
    pub(crate) fn start_timers(&mut self, start: impl Fn(&PendingRequest) -> T) -> usize {
        let new = self.open.iter_mut().filter(|open| open.timer.is_none());
        new.map(|open| open.timer = Some(start(&open.request))).count()
    }
}

#[cfg(test)]
mod tests;
