//! Section `stream`: what goes out on streams besides events.

use std::time::Duration;

use super::check::Check;
use super::key::keys;
use super::kinds::{Flag, Time, seconds};

keys! { KEYS;
    KEEP_ALIVE: Time = "stream.keep_alive_seconds", seconds(1..=15);
    NOTICES: Flag = "stream.notices", Flag;
}

/// Section `stream`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// The silence after which a keep-alive goes out.
    pub keep_alive: Duration,
    /// Whether a run that ends without an answer says so in a `content` event.
    pub notices: bool,
}

impl StreamSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        Self { keep_alive: KEEP_ALIVE.read(check), notices: NOTICES.read(check) }
    }
}
