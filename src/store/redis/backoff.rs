//! When to try again to connect.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How long to wait before the next attempt to connect: at once, then longer and longer up to 1 s.
///
/// Each wait is drawn from the upper half of what is due, so that the processes that lost one
/// server together do not come back to it together.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
    /// Random for each backoff.
    dice: RandomState,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(1);

    /// Waits for as long as is due.
    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    fn next(&mut self) -> Duration {
        let due = self.due();
        self.attempts = self.attempts.saturating_add(1);
        let share = (self.dice.hash_one(self.attempts) % 1_000) as u32;
        due / 2 + due / 2 * share / 1_000
    }

    fn due(&self) -> Duration {
        self.attempts.checked_sub(1).map_or(Duration::ZERO, |doublings| {
            Self::FIRST.saturating_mul(1 << doublings.min(10)).min(Self::LONGEST)
        })
    }

    /// The connection held: the next loss is a new one.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_first_attempt_is_made_at_once_and_later_ones_at_most_a_second_apart() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(), Duration::ZERO);
        for due in [50, 100, 200, 400, 800, 1_000, 1_000].map(Duration::from_millis) {
            let wait = backoff.next();
            assert!(due / 2 <= wait && wait <= due, "{wait:?} of {due:?}");
        }
        backoff.reset();
        assert_eq!(backoff.next(), Duration::ZERO);
    }

    #[test]
    fn processes_that_lost_the_same_server_come_back_at_different_times() {
        let third_wait = |_| {
            let mut backoff = Backoff::default();
            (backoff.next(), backoff.next(), backoff.next()).2
        };
        let waits: HashSet<_> = (0..50).map(third_wait).collect();
        assert!(waits.len() > 10, "{waits:?}");
    }
}
