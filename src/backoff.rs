//! Pauses between attempts: longer and longer up to a limit, and never in step with others who lost
//! the same thing at the same moment.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// The pauses between attempts at one thing.
#[derive(Clone, Debug)]
pub struct Backoff {
    start: Duration,
    first: Duration,
    most: Duration,
    next: Duration,
    /// Ends a pause at once; never cancelled unless [`Backoff::cut_by`] names one.
    hurry: CancellationToken,
}

impl Backoff {
    /// Pauses that double from `first` to `most`; each is taken at random from its upper half.
    pub fn new(first: Duration, most: Duration) -> Self {
        Self::starting(first, first, most)
    }

    /// The same, but the first attempt is made at once.
    pub fn eager(first: Duration, most: Duration) -> Self {
        Self::starting(Duration::ZERO, first, most)
    }

    fn starting(start: Duration, first: Duration, most: Duration) -> Self {
        Self { start, first, most, next: start, hurry: CancellationToken::new() }
    }

    /// The same pauses, none of which outlasts this token's cancellation.
    pub fn cut_by(self, hurry: CancellationToken) -> Self {
        Self { hurry, ..self }
    }

    /// The next pause.
    pub fn pause(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).clamp(self.first, self.most);
        whole.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Waits for the next pause. Cancel-safe: a wait that was cut short counts as one.
    pub async fn wait(&mut self) {
        let pause = tokio::time::sleep(self.pause());
        self.hurry.run_until_cancelled(pause).await;
    }

    /// Makes the attempt until it succeeds, or fails in a way of which `worth_another` says that another
    /// attempt would not help; pauses between two.
    pub async fn retry<T, E, F, Fut>(
        mut self,
        attempt: F,
        mut worth_another: impl FnMut(&E) -> bool,
    ) -> Result<T, E>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        loop {
            match attempt().await {
                Err(error) if worth_another(&error) => self.wait().await,
                result => return result,
            }
        }
    }

    /// The attempt succeeded: the next failure is a new one.
    pub fn reset(&mut self) {
        self.next = self.start;
    }
}

/// The pause after so many failures in a row, where these are counted elsewhere: doubled from `first` to `most`, and
/// taken at random from its upper half.
pub fn pause_after(failures: u32, first: Duration, most: Duration) -> Duration {
    let whole = first.saturating_mul(2_u32.saturating_pow(failures)).min(most);
    Backoff::new(whole, whole).pause()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_attempt_is_made_again_until_it_succeeds_or_would_only_fail_again() {
        let (first, most) = (Duration::from_secs(1), Duration::from_secs(8));
        let attempts = AtomicU32::new(0);
        let attempt = || async { Err::<(), _>(attempts.fetch_add(1, Ordering::Relaxed)) };
        let began = Instant::now();
        let result = Backoff::new(first, most).retry(attempt, |failed| *failed < 3).await;
        assert_eq!(result, Err(3));
        // 1 s, 2 s and 4 s, or at least half of each.
        assert!((first * 7 / 2..=first * 7).contains(&began.elapsed()), "{:?}", began.elapsed());
        let succeeds = || async { Ok::<_, u32>("done") };
        assert_eq!(Backoff::new(first, most).retry(succeeds, |_| true).await, Ok("done"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_when_the_token_is_cancelled_that_cuts_it() {
        let (hour, hurry) = (Duration::from_secs(3600), CancellationToken::new());
        let mut backoff = Backoff::new(hour, hour).cut_by(hurry.clone());
        let began = Instant::now();
        let (cancelled, ()) = tokio::join!(async { hurry.cancel() }, backoff.wait());
        assert_eq!((cancelled, began.elapsed()), ((), Duration::ZERO));
    }

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
        for (failures, whole) in [(0, first), (2, 4 * first), (9, most), (u32::MAX, most)] {
            let pause = pause_after(failures, first, most);
            assert!((whole / 2..=whole).contains(&pause), "{pause:?} after {failures}");
        }
        let pauses = [(); 20].map(|()| Backoff::new(most, most).pause());
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
