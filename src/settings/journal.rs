//! Section `journal`: what is kept of a session.

use super::check::Check;
use super::key::keys;
use super::kinds::{Whole, whole};

keys! { KEYS;
    MAX_EVENTS: Whole<usize> = "journal.max_events", whole(100..=10_000_000);
}

/// Section `journal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// How many events are kept of one session.
    pub max_events: usize,
}

impl JournalSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        Self { max_events: MAX_EVENTS.read(check) }
    }
}
