//! SHA-256, and what it names here.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical;
use crate::domain::ids::TenantId;

const LENGTH: usize = 32;

/// The SHA-256 of some bytes.
pub fn digest_of(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// The same in lower-case hex.
fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

pub(in crate::domain) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 0xf)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// The text, if it could be such a hash.
fn parse(text: &str) -> Option<String> {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (text.len() == 2 * LENGTH && text.bytes().all(is_digit)).then(|| text.to_owned())
}

macro_rules! hash {
    ($(#[$doc:meta])* $name:ident) => {
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String")]
        #[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
        $(#[$doc])*
        pub struct $name(String);

        impl $name {
            /// The hash, if the text is 64 hex digits in lower case.
            pub fn parse(text: &str) -> Option<Self> {
                parse(text).map(Self)
            }

            /// 64 hex digits in lower case.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text).ok_or("not the hex digits of a SHA-256")
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

hash!(
    /// What binds a decision to what was shown: the hash of a tool and its arguments.
    ArgumentsHash
);
hash!(
    /// What binds an entry of an audit stream to all entries before it.
    EntryHash
);
hash!(
    /// What shows that a holder of the audit key has recorded an entry, or how far a stream goes.
    EntryMac
);
hash!(
    /// What a request with an `Idempotency-Key` asked for (contract, section 3).
    RequestHash
);

hash!(
    /// What names the version of a document that is served.
    DocumentHash
);
hash!(
    /// What stands for a whole prompt where only its beginning is kept.
    PromptHash
);

impl ArgumentsHash {
    /// The hash of the canonical JSON `["<tool>",<arguments>]`, an array, so that the tool's name
    /// and the arguments cannot run into each other.
    pub fn of(tool: &str, arguments: &Value) -> Self {
        let shown = Value::from(vec![Value::from(tool), arguments.clone()]);
        Self(sha256(canonical::text(&shown).as_bytes()))
    }
}

impl RequestHash {
    /// The hash of the canonical JSON `["<method>",<what was sent>]`: neither blanks nor the order of
    /// fields make another request of it, the other form of the stream (contract, section 4.3) does.
    pub fn of(method: &str, sent: &Value) -> Self {
        let request = Value::from(vec![Value::from(method), sent.clone()]);
        Self(sha256(canonical::text(&request).as_bytes()))
    }
}

impl EntryMac {
    /// What a [`MacKey`](crate::domain::mac::MacKey) has made.
    pub(super) fn of(mac: String) -> Self {
        Self(mac)
    }
}

impl DocumentHash {
    /// The hash of the text.
    pub fn of(document: &str) -> Self {
        Self(sha256(document.as_bytes()))
    }
}

impl PromptHash {
    /// The hash of the text.
    pub fn of(prompt: &str) -> Self {
        Self(sha256(prompt.as_bytes()))
    }
}

impl EntryHash {
    /// What stands in the place of the hash before the first entry: the hash of
    /// `aura:audit:<tenant>`, so that one tenant's entries do not fit into another's stream.
    pub(super) fn genesis(tenant: &TenantId) -> Self {
        Self(sha256(format!("aura:audit:{tenant}").as_bytes()))
    }

    /// The hash of `<number>\n<previous>\n<fact>`. Canonical JSON has no line breaks.
    pub(super) fn of_entry(number: u64, previous: &Self, fact: &str) -> Self {
        Self(sha256(format!("{number}\n{previous}\n{fact}").as_bytes()))
    }
}
