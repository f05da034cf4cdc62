//! The `Idempotency-Key`s of the embedded store.

use std::collections::HashSet;

use async_trait::async_trait;

use super::MemoryStore;
use super::expiring::Expiring;
use super::usage::Weight;
use crate::domain::{KeyClaim, KeyStanding, RequestHash, ScopedKey, SessionId};
use crate::store::{Claimed, Freed, Idempotency, StoreError, ttl};

/// What each key stands for.
pub(super) type KeyTable = Expiring<ScopedKey, Kept>;

/// What is kept of a key.
#[derive(Debug)]
pub(super) struct Kept {
    standing: KeyStanding,
    /// Whether another request has come back for it.
    wanted: bool,
}

impl Weight for Kept {
    fn weight(&self) -> usize {
        self.standing.weight()
    }
}

impl Kept {
    fn session(&self) -> &SessionId {
        &self.standing.claim.session
    }

    fn join(&mut self, request: &RequestHash) -> KeyStanding {
        self.wanted |= self.standing.claim.request == *request;
        self.standing.clone()
    }
}

impl KeyTable {
    /// Lets go of the keys of these sessions: whoever comes back with one starts anew.
    pub(super) fn let_go(&mut self, sessions: &HashSet<SessionId>) {
        self.forget(|kept| sessions.contains(kept.session()));
    }
}

#[async_trait]
impl Idempotency for MemoryStore {
    async fn claim_key(
        &self,
        key: &ScopedKey,
        claim: &KeyClaim,
        withdrawn: Option<&SessionId>,
    ) -> Result<Claimed, StoreError> {
        let (now, mut table) = (self.clock.now(), self.keys.lock());
        let stands = table.change(key, now, |kept| {
            if *kept.session() == claim.session {
                return Some(Claimed::Won);
            }
            let stays = kept.standing.begun || withdrawn != Some(kept.session());
            stays.then(|| Claimed::Taken(kept.join(&claim.request)))
        });
        if let Some(stands) = stands.flatten() {
            return Ok(stands);
        }
        let standing = KeyStanding { claim: claim.clone(), begun: false };
        let kept = Kept { standing, wanted: false };
        table.put(key.clone(), kept, now, ttl::IDEMPOTENCY);
        Ok(Claimed::Won)
    }

    async fn join_key(
        &self,
        key: &ScopedKey,
        request: &RequestHash,
    ) -> Result<Option<KeyStanding>, StoreError> {
        let mut table = self.keys.lock();
        Ok(table.change(key, self.clock.now(), |kept| kept.join(request)))
    }

    async fn key_begun(&self, key: &ScopedKey, session: &SessionId) -> Result<(), StoreError> {
        let mut table = self.keys.lock();
        table.change(key, self.clock.now(), |kept| {
            kept.standing.begun |= kept.session() == session;
        });
        Ok(())
    }

    async fn free_key(&self, key: &ScopedKey, session: &SessionId) -> Result<Freed, StoreError> {
        let mut table = self.keys.lock();
        let kept = table.get(key, self.clock.now());
        match kept.filter(|kept| kept.session() == session) {
            Some(Kept { wanted: true, .. }) => return Ok(Freed::Wanted),
            Some(Kept { wanted: false, .. }) => drop(table.remove(key)),
            None => {}
        }
        Ok(Freed::Free)
    }
}
