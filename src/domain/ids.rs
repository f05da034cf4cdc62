//! Identifiers as types, so that a request id can never be handed in where a session id belongs.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::text::first_chars;
use super::time::{UnixMs, UnixSeconds};

/// Longest part of a user id that is spelled out in a session id, in characters.
const USER_PART_MAX: usize = 64;
/// Longest session id that is looked up at all, in bytes.
const SESSION_ID_MAX: usize = 200;
/// Longest id of a call that is taken from a model, in bytes.
const CALL_ID_MAX: usize = 256;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        $(#[$doc])*
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps text that is already known to be such an id.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Arc::from(text.as_ref()))
            }

            /// The id as it goes over the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

text_id!(
    /// A tenant, as the token's `tenant_id` claim names it.
    TenantId
);
text_id!(
    /// A user, as the token's `sub` claim names it.
    UserId
);
text_id!(
    /// A conversation that several runs share (contract, section 3).
    ThreadId
);
text_id!(
    /// One run (contract, section 5.1): `session_<userId>_<unixSeconds>_<random>`.
    #[schemars(extend("pattern" = r"^session_[A-Za-z0-9._@-]+$", "maxLength" = SESSION_ID_MAX))]
    SessionId
);
text_id!(
    /// One request for approval (contract, section 5.1): `req_` and hex digits.
    #[schemars(extend("pattern" = r"^req_[0-9A-Fa-f]{12,64}$"))]
    RequestId
);
text_id!(
    /// One call of a tool, as the model named it, if it named it well.
    ToolCallId
);
text_id!(
    /// One step of a plan.
    StepId
);

impl SessionId {
    /// A new id with 122 random bits.
    ///
    /// The id travels in headers, URLs and Redis keys, so whatever of the user id is not a letter,
    /// a digit or one of `.@-` is written as `-`.
    pub fn generate(user: &UserId, now: UnixSeconds) -> Self {
        let user: String = first_chars(user.as_str(), USER_PART_MAX)
            .0
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || ".@-".contains(c) { c } else { '-' })
            .collect();
        Self::new(format!("session_{user}_{now}_{}", Uuid::new_v4().simple()))
    }

    /// The id, if the text has the form of one; what has not is no session's name.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._@-".contains(&b);
        let fits = text.len() <= SESSION_ID_MAX && text.bytes().all(plain);
        (fits && text.starts_with("session_")).then(|| Self::new(text))
    }
}

impl RequestId {
    /// A new id with 122 random bits.
    pub fn generate() -> Self {
        Self::new(format!("req_{}", Uuid::new_v4().simple()))
    }

    /// The id, if the text has the form of one; what has not is no request's name.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("req_")?;
        let fits =
            (12..=64).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| Self::new(text))
    }
}

impl ToolCallId {
    /// The id, if the model gave one that can be kept: not blank, and at most 256 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        (!text.trim().is_empty() && text.len() <= CALL_ID_MAX).then(|| Self::new(text))
    }

    /// One of ours, where the model gave none that can be kept.
    pub fn generate() -> Self {
        Self::new(format!("call_{}", Uuid::new_v4().simple()))
    }
}

impl ThreadId {
    /// A thread of its own for a run that named none.
    pub fn generate() -> Self {
        Self::new(format!("thread_{}", Uuid::new_v4().simple()))
    }
}

/// The id of one entry of a session's journal, and of the event in it (contract, section 4.1).
///
/// Ids grow strictly within a session and are at first the clock in milliseconds.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct EventId(u64);

impl EventId {
    /// Before every event.
    pub const ZERO: Self = Self(0);
    /// The largest id that a client may ask a new run to stay above: higher up, it could run out of
    /// ids.
    pub const MAX_FROM_CLIENT: u64 = i64::MAX as u64;

    /// Wraps a number.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number on the wire.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The id after this one: `max(now, last + 1)`, `now` in milliseconds.
    #[must_use]
    pub fn next(self, now: UnixMs) -> Self {
        Self(now.get().max(self.0.saturating_add(1)))
    }

    /// The id that a client sent; `None` if it is not a decimal integer, or so large that no event
    /// can have it.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok())?.map(Self)
    }

    /// Whether a new run's ids may all be above this one.
    pub fn has_room_above(self) -> bool {
        self.0 <= Self::MAX_FROM_CLIENT
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_is_safe_in_headers_and_keys_whatever_the_user_is_called() {
        let id = SessionId::generate(
            &UserId::new("kim:{민수}\n_a@b.c"),
            UnixSeconds::new(1_706_152_860),
        );
        assert!(id.as_str().starts_with("session_kim-------a@b.c_1706152860_"), "{id}");
        assert_eq!(SessionId::parse(id.as_str()), Some(id));
    }

    #[test]
    fn what_has_not_the_form_of_an_id_is_not_looked_up() {
        for text in ["", "session", "x", "session_a b", "session_a:b", "session_a\n", "session_{a}"]
        {
            assert_eq!(SessionId::parse(text), None, "{text:?}");
        }
        for text in ["", "req_", "req_0123456789a", "req_0123456789ag", "0123456789ab", "req_*"] {
            assert_eq!(RequestId::parse(text), None, "{text:?}");
        }
        assert!(RequestId::parse(RequestId::generate().as_str()).is_some());
    }

    #[test]
    fn a_model_may_name_a_call_as_it_likes_but_not_at_any_length() {
        assert_eq!(ToolCallId::parse(&"가".repeat(85)), Some(ToolCallId::new("가".repeat(85))));
        for text in ["", " ", &"x".repeat(257)] {
            assert_eq!(ToolCallId::parse(text), None, "{text:?}");
        }
        assert!(ToolCallId::parse(ToolCallId::generate().as_str()).is_some());
    }

    #[test]
    fn event_ids_follow_the_clock_and_never_repeat() {
        assert_eq!(EventId::ZERO.next(UnixMs::new(1000)), EventId::new(1000));
        assert_eq!(EventId::new(1000).next(UnixMs::new(1000)), EventId::new(1001));
        assert_eq!(EventId::new(2000).next(UnixMs::new(1000)), EventId::new(2001));
    }

    #[test]
    fn only_decimal_integers_are_event_ids() {
        assert_eq!(EventId::parse("17"), Some(EventId::new(17)));
        assert_eq!(EventId::parse("18446744073709551615"), Some(EventId::new(u64::MAX)));
        for text in ["", "-1", "+1", " 1", "1.0", "abc", "18446744073709551616"] {
            assert_eq!(EventId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_run_that_starts_as_high_as_a_client_may_ask_has_ids_that_can_be_named() {
        let highest = EventId::new(EventId::MAX_FROM_CLIENT);
        assert!(highest.has_room_above());
        let first = highest.next(UnixMs::new(1_000));
        assert!(!first.has_room_above());
        assert_eq!(EventId::parse(&first.to_string()), Some(first));
    }
}
