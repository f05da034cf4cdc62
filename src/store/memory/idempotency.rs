//! The `Idempotency-Key`s of the embedded store.

use async_trait::async_trait;

use super::expiring::Expiring;
use super::{MemoryStore, lock};
use crate::domain::{KeyClaim, RequestHash, ScopedKey, SessionId};
use crate::store::{Claimed, Freed, Idempotency, StoreError, ttl};

/// What each key stands for.
pub(super) type KeyTable = Expiring<ScopedKey, Standing>;

/// What a key stands for.
#[derive(Debug)]
pub(super) struct Standing {
    claim: KeyClaim,
    /// Whether another request has come back for it.
    wanted: bool,
}

impl Standing {
    fn join(&mut self, request: &RequestHash) -> KeyClaim {
        self.wanted |= self.claim.request == *request;
        self.claim.clone()
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
            Some(standing) if standing.claim.session == claim.session => return Ok(Claimed::Won),
            Some(standing) if withdrawn != Some(&standing.claim.session) => {
                return Ok(Claimed::Taken(standing.join(&claim.request)));
            }
            Some(_) | None => {}
        }
        let standing = Standing { claim: claim.clone(), wanted: false };
        table.put(key.clone(), standing, now, ttl::IDEMPOTENCY);
        Ok(Claimed::Won)
    }

    async fn join_key(
        &self,
        key: &ScopedKey,
        request: &RequestHash,
    ) -> Result<Option<KeyClaim>, StoreError> {
        let mut table = lock(&self.keys);
        Ok(table.get_mut(key, self.clock.now_ms()).map(|standing| standing.join(request)))
    }

    async fn free_key(&self, key: &ScopedKey, session: &SessionId) -> Result<Freed, StoreError> {
        let mut table = lock(&self.keys);
        let standing = table.get(key, self.clock.now_ms());
        match standing.filter(|standing| standing.claim.session == *session) {
            Some(Standing { wanted: true, .. }) => return Ok(Freed::Wanted),
            Some(Standing { wanted: false, .. }) => table.remove(key),
            None => {}
        }
        Ok(Freed::Free)
    }
}
