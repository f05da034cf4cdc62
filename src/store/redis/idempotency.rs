//! `Idempotency-Key`s: one hash for each, `session`, `request`, `wanted` and `begun`.

use std::borrow::Cow;

use async_trait::async_trait;

use super::{RedisStore, keys};
use crate::domain::{KeyClaim, KeyStanding, RequestHash, ScopedKey, SessionId};
use crate::store::{Claimed, Freed, Idempotency, StoreError, ttl};

fn text(text: &str) -> Cow<'_, [u8]> {
    Cow::Borrowed(text.as_bytes())
}

impl RedisStore {
    /// What the key stands for, unless it is `session`, which it stands for from now on if it can.
    async fn standing(
        &self,
        key: &ScopedKey,
        request: &RequestHash,
        session: Option<&SessionId>,
        withdrawn: Option<&SessionId>,
    ) -> Result<Option<KeyStanding>, StoreError> {
        let (key, seconds) = (keys::idempotency(key), ttl::IDEMPOTENCY.as_secs().to_string());
        let named = |session: Option<&SessionId>| session.map_or("", SessionId::as_str).to_owned();
        let (session, withdrawn) = (named(session), named(withdrawn));
        let args = [text(request.as_str()), text(&session), text(&withdrawn), text(&seconds)];
        let standing: Vec<String> = self.commands.script(&self.claim_key, &key, &args).await?;
        match standing.as_slice() {
            [] => Ok(None),
            [session, request, begun] => match RequestHash::parse(request) {
                Some(request) => {
                    let claim = KeyClaim { session: SessionId::new(session), request };
                    Ok(Some(KeyStanding { claim, begun: begun == "1" }))
                }
                None => Err(StoreError::Corrupt(format!("{key}: {request:?}"))),
            },
            other => Err(StoreError::Corrupt(format!("{key}: {other:?}"))),
        }
    }
}

#[async_trait]
impl Idempotency for RedisStore {
    async fn claim_key(
        &self,
        key: &ScopedKey,
        claim: &KeyClaim,
        withdrawn: Option<&SessionId>,
    ) -> Result<Claimed, StoreError> {
        let KeyClaim { session, request } = claim;
        let other = self.standing(key, request, Some(session), withdrawn).await?;
        Ok(other.map_or(Claimed::Won, Claimed::Taken))
    }

    async fn join_key(
        &self,
        key: &ScopedKey,
        request: &RequestHash,
    ) -> Result<Option<KeyStanding>, StoreError> {
        self.standing(key, request, None, None).await
    }

    async fn key_begun(&self, key: &ScopedKey, session: &SessionId) -> Result<(), StoreError> {
        let args = [text(session.as_str())];
        self.commands.script(&self.key_begun, &keys::idempotency(key), &args).await
    }

    async fn free_key(&self, key: &ScopedKey, session: &SessionId) -> Result<Freed, StoreError> {
        let args = [text(session.as_str())];
        match self.commands.script(&self.free_key, &keys::idempotency(key), &args).await? {
            1_i64 => Ok(Freed::Free),
            0 => Ok(Freed::Wanted),
            other => Err(StoreError::Corrupt(format!("freeing a key answered {other}"))),
        }
    }
}
