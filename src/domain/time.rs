//! Moments in milliseconds and in seconds since the Unix epoch: two types, so that one cannot be taken for
//! the other. How long something lasts is a [`Duration`].

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A moment, in whole milliseconds since the Unix epoch. It is stored and sent as that number.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct UnixMs(u64);

/// A moment, in whole seconds since the Unix epoch. It is stored and sent as that number.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct UnixSeconds(u64);

impl UnixMs {
    /// The last moment that there is.
    pub const MAX: Self = Self(u64::MAX);

    /// The moment that so many milliseconds have passed at.
    pub const fn new(ms: u64) -> Self {
        Self(ms)
    }

    /// The number of milliseconds.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The second that it lies in.
    pub const fn second(self) -> UnixSeconds {
        UnixSeconds(self.0 / 1000)
    }

    /// The first whole second that is not before it.
    pub const fn next_second(self) -> UnixSeconds {
        UnixSeconds(self.0.div_ceil(1000))
    }

    /// So much later, or the last moment that there is.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(whole_ms(time)))
    }

    /// So much earlier, if that is not before the epoch.
    pub fn before(self, time: Duration) -> Option<Self> {
        self.0.checked_sub(whole_ms(time)).map(Self)
    }

    /// The time since an earlier moment; zero if that is not earlier.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The same moment as the calendar has it, if the calendar reaches so far.
    pub fn timestamp(self) -> Option<Timestamp> {
        Timestamp::from_millisecond(i64::try_from(self.0).ok()?).ok()
    }
}

impl UnixSeconds {
    /// The moment that so many seconds have passed at.
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The number of seconds.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Its beginning, to the millisecond; the last moment that there is if it lies beyond that.
    pub const fn ms(self) -> UnixMs {
        UnixMs(self.0.saturating_mul(1000))
    }

    /// So much later, to the second before.
    #[must_use]
    pub const fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time.as_secs()))
    }

    /// The time between the two.
    pub const fn distance(self, other: Self) -> Duration {
        Duration::from_secs(self.0.abs_diff(other.0))
    }

    /// The same moment as the calendar has it, if the calendar reaches so far.
    pub fn timestamp(self) -> Option<Timestamp> {
        Timestamp::from_second(i64::try_from(self.0).ok()?).ok()
    }
}

impl From<Timestamp> for UnixMs {
    /// What lies before the epoch counts as the epoch.
    fn from(at: Timestamp) -> Self {
        Self(u64::try_from(at.as_millisecond()).unwrap_or(0))
    }
}

impl From<u64> for UnixMs {
    fn from(ms: u64) -> Self {
        Self(ms)
    }
}

impl fmt::Display for UnixMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How long something lasts, in whole milliseconds, as far as these can be counted.
pub fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_lies_in_a_second_and_before_the_next() {
        let moment = UnixMs::new(1_706_152_860_123);
        assert_eq!(moment.second(), UnixSeconds::new(1_706_152_860));
        assert_eq!(moment.next_second(), UnixSeconds::new(1_706_152_861));
        assert_eq!(moment.second().ms().next_second(), moment.second());
        assert_eq!(moment.since(moment.second().ms()), Duration::from_millis(123));
    }

    #[test]
    fn nothing_lies_beyond_the_last_moment_or_before_the_epoch() {
        let second = Duration::from_secs(1);
        assert_eq!(UnixMs::MAX.after(second), UnixMs::MAX);
        assert_eq!(UnixSeconds::new(u64::MAX).ms(), UnixMs::MAX);
        assert_eq!(UnixMs::new(999).before(second), None);
        assert_eq!(UnixMs::new(1_000).before(second), Some(UnixMs::new(0)));
        assert_eq!(UnixMs::new(1).since(UnixMs::new(2)), Duration::ZERO);
        assert_eq!(UnixMs::MAX.timestamp(), None);
    }

    #[test]
    fn both_are_stored_as_plain_numbers() {
        assert_eq!(serde_json::to_string(&UnixMs::new(5)).unwrap(), "5");
        assert_eq!(serde_json::from_str::<UnixSeconds>("7").unwrap(), UnixSeconds::new(7));
    }
}
