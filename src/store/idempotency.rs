//! The port of `Idempotency-Key`s (contract, section 3).

use async_trait::async_trait;

use super::errors::StoreError;
use crate::domain::{KeyClaim, KeyStanding, RequestHash, ScopedKey, SessionId};

/// Which session a client's `Idempotency-Key` stands for (contract, section 3). Each operation is one
/// atomic step over all processes.
#[async_trait]
pub trait Idempotency: Send + Sync {
    /// Makes the key stand for `claim`, if it stands for nothing yet or for `withdrawn`, a session that
    /// will never begin and is not known to have begun. Otherwise what it stands for stays, and is
    /// wanted from now on if it was claimed by the same request ([`Idempotency::free_key`]). Kept for
    /// 24 h from the claim.
    ///
    /// Repeating a claim whose outcome was unknown is safe: what stands already is won.
    async fn claim_key(
        &self,
        key: &ScopedKey,
        claim: &KeyClaim,
        withdrawn: Option<&SessionId>,
    ) -> Result<Claimed, StoreError>;

    /// What the key stands for, if anything; wanted from now on if it was claimed by the same request.
    async fn join_key(
        &self,
        key: &ScopedKey,
        request: &RequestHash,
    ) -> Result<Option<KeyStanding>, StoreError>;

    /// Notes that `session` has begun, if the key stands for it. Idempotent.
    async fn key_begun(&self, key: &ScopedKey, session: &SessionId) -> Result<(), StoreError>;

    /// Lets the key stand for nothing, if it stands for `session` and nobody wants that. Says whether
    /// anybody does: a request that has come back for it, or was told of it.
    async fn free_key(&self, key: &ScopedKey, session: &SessionId) -> Result<Freed, StoreError>;
}

/// What came of claiming an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The key stands for the claimed session.
    Won,
    /// It had been claimed before, for this.
    Taken(KeyStanding),
}

/// What came of freeing an `Idempotency-Key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freed {
    /// The key does not stand for that session.
    Free,
    /// It still does, because another request with the key wants it.
    Wanted,
}
