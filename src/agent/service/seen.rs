//! Which of the stored requests of runs that wait here the poll has looked at already: it reads those
//! again that somebody has changed since, and no others.

use std::collections::{HashMap, HashSet};

use parking_lot::{Mutex, MutexGuard};

use crate::agent::approval::request::PendingRequest;
use crate::domain::{RequestId, SessionId};
use crate::store::{Polled, RequestMark};

/// State kept for the poll: of each request that waits, which text of it was weighed last. One lock, held
/// for a few instructions; only the poll takes it.
#[derive(Debug, Default)]
pub(super) struct SeenRequests(Mutex<HashMap<RequestId, RequestMark>>);

impl SeenRequests {
    /// What to ask the store about these runs.
    pub(super) fn polled(&self, waiting: &[(SessionId, PendingRequest)]) -> Vec<Polled> {
        let seen = self.lock();
        let polled = |(session, waiting): &(SessionId, PendingRequest)| Polled {
            session: session.clone(),
            request: waiting.request.clone(),
            seen: seen.get(&waiting.request).cloned(),
        };
        waiting.iter().map(polled).collect()
    }

    /// What stands stored was weighed, and says nothing until somebody changes it, if there is a mark.
    pub(super) fn weighed(&self, request: &RequestId, mark: Option<RequestMark>) {
        match mark {
            Some(mark) => drop(self.lock().insert(request.clone(), mark)),
            None => drop(self.lock().remove(request)),
        }
    }

    /// Forgets what does not wait any more.
    pub(super) fn keep(&self, waiting: &[(SessionId, PendingRequest)]) {
        let waits: HashSet<&RequestId> =
            waiting.iter().map(|(_, waiting)| &waiting.request).collect();
        self.lock().retain(|request, _| waits.contains(request));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RequestId, RequestMark>> {
        self.0.lock()
    }
}
