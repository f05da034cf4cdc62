//! A calendar day, as budgets count it.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::time::UnixMs;

/// A day of the calendar in UTC. It is written `2026-11-21`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcDay(Date);

impl UtcDay {
    /// The day of a moment.
    pub fn of(moment: UnixMs) -> Self {
        Self(moment.timestamp().unwrap_or(jiff::Timestamp::MAX).to_zoned(TimeZone::UTC).date())
    }
}

impl fmt::Display for UtcDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_utc() {
        const MIDNIGHT: u64 = 1_709_164_800_000;
        let day = |ms| UtcDay::of(UnixMs::new(ms)).to_string();
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(MIDNIGHT - 1), "2024-02-28");
        assert_eq!(day(MIDNIGHT), "2024-02-29");
        assert_eq!(day(u64::MAX), "9999-12-30");
    }
}
