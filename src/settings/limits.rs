//! Section `limits`: what callers may send and have.

use std::num::NonZeroU32;

use super::check::Check;
use super::key::{Key, keys};
use super::kinds::{Whole, whole};
use crate::domain::{AtMost, Quota, Rate};

/// 0: any number.
const QUOTA: Whole<u32> = whole(0..=1_000_000);

keys! { KEYS;
    // A body of 256 KiB holds no more.
    PROMPT_BYTES: Whole<usize> = "limits.prompt_bytes", whole(1..=262_144);
    RUNS_PER_USER: Whole<u32> = "limits.runs_per_user", QUOTA;
    RUNS_PER_TENANT: Whole<u32> = "limits.runs_per_tenant", QUOTA;
    WAITING_PER_USER: Whole<u32> = "limits.waiting_per_user", QUOTA;
    WAITING_PER_TENANT: Whole<u32> = "limits.waiting_per_tenant", QUOTA;
    STREAMS_PER_USER: Whole<u32> = "limits.streams_per_user", QUOTA;
    STARTS_PER_MINUTE_PER_USER: Whole<u32> = "limits.starts_per_minute_per_user", QUOTA;
}

/// Section `limits`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Bytes of a prompt.
    pub prompt_bytes: usize,
    /// What one user, and one tenant, may take of the service.
    pub quota: Quota,
}

impl LimitSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        let prompt_bytes = PROMPT_BYTES.read(check);
        let mut most = |key: Key<Whole<u32>>| NonZeroU32::new(key.read(check));
        let runs = AtMost { user: most(RUNS_PER_USER), tenant: most(RUNS_PER_TENANT) };
        let waiting = AtMost { user: most(WAITING_PER_USER), tenant: most(WAITING_PER_TENANT) };
        let streams = most(STREAMS_PER_USER);
        let starts = most(STARTS_PER_MINUTE_PER_USER).map(Rate::per_minute);
        Self { prompt_bytes, quota: Quota { runs, waiting, streams, starts } }
    }
}
