//! A calendar day, as budgets count it.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A day of the calendar in UTC. It is written `2026-11-21`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcDay(Date);

impl UtcDay {
    /// The day of a moment, in milliseconds since the Unix epoch.
    pub fn of_ms(ms: u64) -> Self {
        let moment =
            i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        Self(moment.unwrap_or(jiff::Timestamp::MAX).to_zoned(TimeZone::UTC).date())
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
        assert_eq!(UtcDay::of_ms(0).to_string(), "1970-01-01");
        assert_eq!(UtcDay::of_ms(MIDNIGHT - 1).to_string(), "2024-02-28");
        assert_eq!(UtcDay::of_ms(MIDNIGHT).to_string(), "2024-02-29");
        assert_eq!(UtcDay::of_ms(u64::MAX).to_string(), "9999-12-30");
    }
}
