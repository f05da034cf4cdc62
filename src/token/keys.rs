//! The keys of a process: the one that signs, and a former or a coming one that verifies as well.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use super::{Claims, TokenError, TokenKey};
use crate::domain::UnixSeconds;

/// The key of the tokens, and another one that verifies too (contract, section 2).
#[derive(Clone, Debug)]
pub struct TokenKeys {
    /// What signs and verifies.
    pub present: TokenKey,
    /// What only verifies.
    pub previous: Option<TokenKey>,
}

impl TokenKeys {
    /// What a token says, if one of the keys signed it and it is valid at `now`, give or take `leeway`.
    ///
    /// # Errors
    /// Those of the key that has signed it; if none has, those of the present one.
    pub fn verify(
        &self,
        token: &str,
        leeway: Duration,
        now: UnixSeconds,
    ) -> Result<Claims, TokenError> {
        let refused = match self.present.verify(token, leeway, now) {
            Err(refused @ TokenError::Malformed(_)) => refused,
            verified => return verified,
        };
        match self.previous.as_ref().map(|key| key.verify(token, leeway, now)) {
            Some(verified @ (Ok(_) | Err(TokenError::Expired))) => verified,
            Some(Err(TokenError::Malformed(_))) | None => Err(refused),
        }
    }
}

/// The keys, which are replaced while the process works. Cloning shares them.
#[derive(Clone, Debug)]
pub struct LiveKeys(Arc<RwLock<Arc<TokenKeys>>>);

impl LiveKeys {
    /// These keys, for now. One lock, held to copy a pointer.
    pub fn new(keys: TokenKeys) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(keys))))
    }

    /// These keys from now on.
    pub fn replace(&self, keys: TokenKeys) {
        *self.0.write() = Arc::new(keys);
    }

    /// The keys as they are now.
    pub fn now(&self) -> Arc<TokenKeys> {
        Arc::clone(&self.0.read())
    }
}
