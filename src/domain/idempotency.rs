//! Idempotency keys: how a client says "this is one request, however often I send it" (contract,
//! section 3).

use thiserror::Error;

use super::caller::Caller;
use super::hash::RequestHash;
use super::ids::{SessionId, TenantId, UserId};

/// Longest key, in bytes.
const KEY_MAX: usize = 255;

/// The value of an `Idempotency-Key` header: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Box<str>);

/// Why a header's value is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 1 to {KEY_MAX} visible ASCII characters")]
pub struct NotAKey;

impl IdempotencyKey {
    /// The key, if the bytes have the form of one.
    pub fn parse(value: &[u8]) -> Result<Self, NotAKey> {
        let fits = (1..=KEY_MAX).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
        let text = std::str::from_utf8(value).ok().filter(|_| fits).ok_or(NotAKey)?;
        Ok(Self(text.into()))
    }

    /// The key as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key, and what was asked for with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The key.
    pub key: IdempotencyKey,
    /// What the request says.
    pub request: RequestHash,
}

/// A key and whose it is: two users may choose the same one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScopedKey {
    /// The caller's tenant.
    pub tenant: TenantId,
    /// The caller.
    pub user: UserId,
    /// The key.
    pub key: IdempotencyKey,
}

impl ScopedKey {
    /// That caller's key.
    pub fn of(caller: &Caller, key: &IdempotencyKey) -> Self {
        Self { tenant: caller.tenant.clone(), user: caller.user.clone(), key: key.clone() }
    }
}

/// What a key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyClaim {
    /// The session that is, or is to be, the answer. It may not have begun yet.
    pub session: SessionId,
    /// What was asked for.
    pub request: RequestHash,
}

/// What a key stands for, and for how sure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStanding {
    /// The session, and what was asked for.
    pub claim: KeyClaim,
    /// Whether the session is known to have begun. Then the key stands for it for good, also if its
    /// journal should be lost: what it was to do may have been done.
    pub begun: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_one_to_255_visible_ascii_characters() {
        let longest = "k".repeat(KEY_MAX);
        for good in ["k", "!~", "\"8e03978e\"", "a:b%{c}", &longest] {
            assert_eq!(IdempotencyKey::parse(good.as_bytes()).unwrap().as_str(), good);
        }
        let too_long = "k".repeat(KEY_MAX + 1);
        for bad in ["", " ", "a b", "a\tb", "a\u{7f}", "키", &too_long] {
            assert_eq!(IdempotencyKey::parse(bad.as_bytes()), Err(NotAKey), "{bad:?}");
        }
        assert_eq!(IdempotencyKey::parse(b"\xff"), Err(NotAKey));
    }

    #[test]
    fn the_same_request_is_the_same_however_it_is_spelled() {
        let of = |text: &str| RequestHash::of("POST", &serde_json::from_str(text).unwrap());
        let sent = of(r#"{"prompt":"a","context":{"x":1,"y":[2]}}"#);
        assert_eq!(of(r#"{ "context": {"y":[2],"x":1}, "prompt": "\u0061" }"#), sent);
        for other in [r#"{"prompt":"b"}"#, r#"{"prompt":"a","context":{"x":1,"y":[3]}}"#, "{}"] {
            assert_ne!(of(other), sent, "{other}");
        }
        let body = json!({"prompt": "a"});
        assert_ne!(RequestHash::of("GET", &body), RequestHash::of("POST", &body));
    }
}
