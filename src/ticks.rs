//! Ticks of what is done again and again in the background. One that comes late moves those after it:
//! what could not keep up is not done several times in a row.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// Ticks with this period, the first one at once.
pub fn at_once_and_every(period: Duration) -> Interval {
    starting(Instant::now(), period)
}

/// Ticks with this period, the first one after it.
pub fn every(period: Duration) -> Interval {
    starting(Instant::now() + period, period)
}

fn starting(first: Instant, period: Duration) -> Interval {
    let mut ticks = interval_at(first, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_late_tick_is_not_made_up_for() {
        let began = Instant::now();
        let (mut eager, mut later) = (at_once_and_every(PERIOD), every(PERIOD));
        eager.tick().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        later.tick().await;
        assert_eq!(began.elapsed(), PERIOD);
        tokio::time::advance(10 * PERIOD).await;
        for ticks in [&mut eager, &mut later] {
            ticks.tick().await;
            assert!(tokio::time::timeout(PERIOD / 2, ticks.tick()).await.is_err());
        }
    }
}
