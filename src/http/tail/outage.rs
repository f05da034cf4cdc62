//! A reader whose store is away: how long it waits between two looks, and for how long at all.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::backoff::Backoff;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The looks at the store that were not answered, since the last one that was.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// When the first look without an answer so far began; `None`: nobody is looking.
    since: Option<Instant>,
    /// The pauses so far; `None`: there was none.
    pauses: Option<Backoff>,
    /// When to look again; `None`: the store is not known to be away.
    next_look: Option<Instant>,
}

impl Outage {
    /// Whether the store is known to be away.
    pub(super) fn is_on(&self) -> bool {
        self.next_look.is_some()
    }

    /// Returns when it is time for the next look. Cancel-safe.
    pub(super) async fn pause(&self) {
        if let Some(next_look) = self.next_look {
            sleep_until(next_look).await;
        }
    }

    /// A look begins; returns until when there must be an answer.
    pub(super) fn look(&mut self, patience: Duration) -> Instant {
        *self.since.get_or_insert_with(Instant::now) + patience
    }

    /// The store has answered.
    pub(super) fn over(&mut self) {
        *self = Self::default();
    }

    /// The store has not answered; there will be another look, at `gives_up` at the latest.
    pub(super) fn unanswered(&mut self, gives_up: Instant) {
        let fresh = || Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let pause = self.pauses.get_or_insert_with(fresh).pause();
        self.next_look = Some((Instant::now() + pause).min(gives_up));
    }
}
