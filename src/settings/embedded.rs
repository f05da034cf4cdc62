//! Section `embedded`: the store of a process without Redis.

use super::check::Check;
use super::key::keys;
use super::kinds::{Whole, whole};

keys! { KEYS;
    MAX_BYTES: Whole<u64> = "embedded.max_bytes", whole(1024 * 1024..=1 << 50);
}

/// Section `embedded`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedSettings {
    /// How many bytes the embedded store may keep.
    pub max_bytes: usize,
}

impl EmbeddedSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        let max_bytes = MAX_BYTES.read(check);
        Self { max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX) }
    }
}
