//! The `Idempotency-Key`s of the embedded store.

use async_trait::async_trait;

use super::expiring::Expiring;
use super::{MemoryStore, lock};
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

impl Kept {
    fn session(&self) -> &SessionId {
        &self.standing.claim.session
    }

    fn join(&mut self, request: &RequestHash) -> KeyStanding {
        self.wanted |= self.standing.claim.request == *request;
        self.standing.clone()
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
        let (now, mut table) = (self.clock.now_ms(), lock(&self.keys));
        match table.get_mut(key, now) {
            Some(kept) if *kept.session() == claim.session => return Ok(Claimed::Won),
            Some(kept) if kept.standing.begun || withdrawn != Some(kept.session()) => {
                return Ok(Claimed::Taken(kept.join(&claim.request)));
            }
            Some(_) | None => {}
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
        let mut table = lock(&self.keys);
        Ok(table.get_mut(key, self.clock.now_ms()).map(|kept| kept.join(request)))
    }

    async fn key_begun(&self, key: &ScopedKey, session: &SessionId) -> Result<(), StoreError> {
        let mut table = lock(&self.keys);
        let kept = table.get_mut(key, self.clock.now_ms());
        if let Some(kept) = kept.filter(|kept| kept.session() == session) {
            kept.standing.begun = true;
        }
        Ok(())
    }

    async fn free_key(&self, key: &ScopedKey, session: &SessionId) -> Result<Freed, StoreError> {
        let mut table = lock(&self.keys);
        let kept = table.get(key, self.clock.now_ms());
        match kept.filter(|kept| kept.session() == session) {
            Some(Kept { wanted: true, .. }) => return Ok(Freed::Wanted),
            Some(Kept { wanted: false, .. }) => table.remove(key),
            None => {}
        }
        Ok(Freed::Free)
    }
}
