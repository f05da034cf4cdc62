//! The leases of the embedded store. Its one process owns every run, so they only ever run out when
//! that process has given a run up.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use crate::domain::{SessionId, UnixMs};
use crate::store::{Leases, StoreError};

/// When each lease runs out, by the injected clock.
pub(super) type LeaseTable = HashMap<SessionId, UnixMs>;

impl MemoryStore {
    fn lease_end(&self, term: Duration) -> UnixMs {
        self.clock.now().after(term)
    }
}

#[async_trait]
impl Leases for MemoryStore {
    async fn renew(&self, sessions: &[SessionId], term: Duration) -> Result<(), StoreError> {
        let (end, mut table) = (self.lease_end(term), self.leases.lock());
        table.extend(sessions.iter().map(|session| (session.clone(), end)));
        Ok(())
    }

    async fn release(&self, sessions: &[SessionId]) -> Result<(), StoreError> {
        for session in sessions {
            if let Some(end) = self.leases.lock().get_mut(session) {
                *end = UnixMs::default();
            }
        }
        self.event_channel.released();
        Ok(())
    }

    async fn end(&self, sessions: &[SessionId]) -> Result<(), StoreError> {
        let mut table = self.leases.lock();
        for session in sessions {
            table.remove(session);
        }
        Ok(())
    }

    async fn ensure(&self, sessions: &[SessionId], term: Duration) -> Result<(), StoreError> {
        let (end, mut table) = (self.lease_end(term), self.leases.lock());
        for session in sessions {
            table.entry(session.clone()).or_insert(end);
        }
        Ok(())
    }

    async fn claim(&self, limit: usize, term: Duration) -> Result<Vec<SessionId>, StoreError> {
        let (now, end) = (self.clock.now(), self.lease_end(term));
        let mut table = self.leases.lock();
        let mut taken: Vec<_> = table.iter().filter(|(_, end)| **end <= now).collect();
        taken.sort_by_key(|(_, end)| **end);
        let taken: Vec<SessionId> =
            taken.into_iter().take(limit).map(|(session, _)| session.clone()).collect();
        table.extend(taken.iter().map(|session| (session.clone(), end)));
        Ok(taken)
    }
}
