//! Keyed hashes: what only a holder of a key can have made (HMAC-SHA256).

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use serde_json::Value;

use super::canonical;
use super::hash::hex;

/// A key for one purpose. It cannot be printed.
#[derive(Clone)]
pub(super) struct MacKey(hmac::Key);

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey([REDACTED])")
    }
}

impl MacKey {
    /// The key that this secret gives for a purpose: what is made for one purpose proves nothing for
    /// another, and nothing is learnt of the secret.
    pub(super) fn derived(secret: &[u8], purpose: &str) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = hmac::sign(&secret, purpose.as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The hash of a value's canonical JSON, 64 hex digits in lower case.
    pub(super) fn mac(&self, value: &Value) -> String {
        hex(hmac::sign(&self.0, canonical::text(value).as_bytes()).as_ref())
    }

    /// Whether `mac` is this value's. How long that takes tells nothing.
    pub(super) fn verifies(&self, value: &Value, mac: &str) -> bool {
        verify_slices_are_equal(self.mac(value).as_bytes(), mac.as_bytes()).is_ok()
    }
}
