//! Pauses between attempts: longer and longer up to a limit, and never in step with others who lost
//! the same thing at the same moment.

use std::time::Duration;

/// The pauses between attempts at one thing.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    start: Duration,
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// Pauses that double from `first` to `most`; each is taken at random from its upper half.
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { start: first, first, most, next: first }
    }

    /// The same, but the first attempt is made at once.
    pub fn eager(first: Duration, most: Duration) -> Self {
        Self { start: Duration::ZERO, first, most, next: Duration::ZERO }
    }

    /// The next pause.
    pub fn pause(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).clamp(self.first, self.most);
        whole.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Waits for the next pause. Cancel-safe: a wait that was cut short counts as one.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.pause()).await;
    }

    /// The attempt succeeded: the next failure is a new one.
    pub fn reset(&mut self) {
        self.next = self.start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_differ_from_those_of_others() {
        let (first, most) = (Duration::from_millis(100), Duration::from_secs(1));
        let mut backoff = Backoff::new(first, most);
        for whole in [100, 200, 400, 800, 1000, 1000].map(Duration::from_millis) {
            let pause = backoff.pause();
            assert!((whole / 2..=whole).contains(&pause), "{pause:?} of {whole:?}");
        }
        backoff.reset();
        assert!(backoff.pause() <= first);
        let mut eager = Backoff::eager(first, most);
        assert_eq!(eager.pause(), Duration::ZERO);
        assert!(eager.pause() >= first / 2);
        eager.reset();
        assert_eq!(eager.pause(), Duration::ZERO);
        let pauses = [(); 20].map(|()| Backoff::new(most, most).pause());
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
