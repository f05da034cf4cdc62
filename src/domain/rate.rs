//! How often something may happen, and what is left of that.

use std::num::NonZeroU32;
use std::time::Duration;

/// At most `count` times at once, and as often again in each `period`, evenly spread.
///
/// It is kept as one point in time for each who has it: when all of it will be there again. Each use
/// moves that on by an even share of the period, and none may move it beyond a whole period from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: NonZeroU32,
    period: Duration,
}

/// What came of one use, or of one that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How often it may happen at once.
    pub limit: u32,
    /// How often it may still happen now.
    pub remaining: u32,
    /// Until all of it is there again.
    pub whole_in: Duration,
    /// How long to wait before trying again; `None`: it was granted.
    pub wait: Option<Duration>,
}

impl Rate {
    /// That often a minute.
    pub fn per_minute(count: NonZeroU32) -> Self {
        Self { count, period: Duration::from_secs(60) }
    }

    /// The whole period, in microseconds.
    pub fn period_us(self) -> u64 {
        u64::try_from(self.period.as_micros()).unwrap_or(u64::MAX)
    }

    /// How far one use moves the point at which all of it is there again, in microseconds.
    pub fn share_us(self) -> u64 {
        self.period_us() / u64::from(self.count.get())
    }

    /// One use at `now_us`, where all of it is there again at `whole_at_us`: whether it is granted, and
    /// when all of it is there again after that.
    pub fn take(self, whole_at_us: u64, now_us: u64) -> (bool, u64) {
        let before = whole_at_us.max(now_us);
        let after = before.saturating_add(self.share_us());
        let granted = after - now_us <= self.period_us();
        (granted, if granted { after } else { before })
    }

    /// What that means for whoever asked; `whole_in_us`: until all of it is there again.
    pub fn allowance(self, granted: bool, whole_in_us: u64) -> Allowance {
        let (period, share) = (self.period_us(), self.share_us().max(1));
        let left = period.saturating_sub(whole_in_us) / share;
        let missing = whole_in_us.saturating_add(share).saturating_sub(period);
        Allowance {
            limit: self.count.get(),
            remaining: u32::try_from(left).unwrap_or(u32::MAX).min(self.count.get()),
            whole_in: Duration::from_micros(whole_in_us),
            wait: (!granted).then(|| Duration::from_micros(missing)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_US: u64 = 60_000_000;

    fn rate(count: u32) -> Rate {
        Rate::per_minute(NonZeroU32::new(count).unwrap())
    }

    #[test]
    fn all_of_a_rate_is_there_at_once_and_comes_back_evenly() {
        let (rate, mut whole_at) = (rate(3), 0);
        for remaining in [2, 1, 0] {
            let (granted, next) = rate.take(whole_at, MINUTE_US);
            whole_at = next;
            let allowance = rate.allowance(granted, whole_at - MINUTE_US);
            assert_eq!((allowance.remaining, allowance.wait), (remaining, None));
        }
        let (granted, whole_at) = rate.take(whole_at, MINUTE_US);
        let refused = rate.allowance(granted, whole_at - MINUTE_US);
        assert_eq!((refused.limit, refused.remaining), (3, 0));
        assert_eq!(refused.whole_in, Duration::from_secs(60));
        let wait = refused.wait.unwrap();
        assert_eq!(wait, Duration::from_secs(20));
        let then_us = MINUTE_US + u64::try_from(wait.as_micros()).unwrap();
        assert!(!rate.take(whole_at, then_us - 1).0 && rate.take(whole_at, then_us).0);
    }

    #[test]
    fn a_count_that_does_not_divide_the_period_is_kept_whole() {
        for count in [1, 7, 600, 999_999] {
            let (rate, mut whole_at, mut granted) = (rate(count), 0, 0);
            while let (true, next) = rate.take(whole_at, MINUTE_US) {
                (whole_at, granted) = (next, granted + 1);
            }
            // Of a period that cannot be shared evenly some microseconds are left.
            assert!((count..=count + count / 60 + 1).contains(&granted), "{granted} of {count}");
        }
    }
}
