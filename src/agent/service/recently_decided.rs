//! Sessions that are listened to for a while longer than they wait.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::domain::SessionId;

/// How long after a decision a session is listened to, at least. Between the Main Service's reading and
/// its publishing lie some milliseconds.
const LISTEN_ON: Duration = Duration::from_secs(5);

/// The sessions that are still listened to, and from when on they need not be. One lock, held for a few
/// instructions.
#[derive(Debug, Default)]
pub(super) struct RecentlyDecided(Mutex<HashMap<SessionId, Instant>>);

impl RecentlyDecided {
    /// Listens to this one for a while from now on.
    pub(super) fn add(&self, session: &SessionId) {
        self.lock().insert(session.clone(), Instant::now() + LISTEN_ON);
    }

    /// Whether this one is listened to longer than it waits.
    pub(super) fn has(&self, session: &SessionId) -> bool {
        self.lock().contains_key(session)
    }

    /// This one is not any more.
    pub(super) fn remove(&self, session: &SessionId) {
        self.lock().remove(session);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Instant>> {
        self.0.lock()
    }

    /// The sessions whose time has passed.
    pub(super) fn stale(&self) -> Vec<SessionId> {
        let now = Instant::now();
        let sessions = self.lock();
        let stale = sessions.iter().filter(|(_, until)| **until <= now);
        stale.map(|(session, _)| session.clone()).collect()
    }
}
