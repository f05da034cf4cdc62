//! How often a server is tried that brings nothing, and for how long.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;

/// Pauses between two connections.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// The attempts since something new has come.
pub(super) struct Attempts {
    backoff: Backoff,
    /// When the first of them was made.
    since: Option<Instant>,
}

impl Attempts {
    /// Before the first.
    pub(super) fn none() -> Self {
        Self { backoff: Backoff::new(PAUSES.0, PAUSES.1), since: None }
    }

    /// Whether there was one.
    pub(super) fn has_any(&self) -> bool {
        self.since.is_some()
    }

    /// Something new has come: what is lost after it is a new loss.
    pub(super) fn reset(&mut self) {
        self.backoff.reset();
        self.since = None;
    }

    /// The pause before another attempt, after one that has brought nothing; `None` once they have gone on
    /// for longer than this.
    pub(super) fn another(&mut self, gives_up_after: Duration) -> Option<Duration> {
        let since = *self.since.get_or_insert_with(Instant::now);
        (since.elapsed() <= gives_up_after).then(|| self.backoff.pause())
    }
}
