//! Section `platform`: what the platform's other services are told.

use super::check::Check;
use super::key::keys;
use super::kinds::Flag;

keys! { KEYS;
    AUDIT_EVENTS: Flag = "platform.audit_events", Flag;
}

/// Section `platform`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlatformSettings {
    /// Whether every audit entry is published for the platform's own log.
    pub audit_events: bool,
}

impl PlatformSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        Self { audit_events: AUDIT_EVENTS.read(check) }
    }
}
