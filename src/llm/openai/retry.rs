//! Whether to make another attempt, and how long to wait before it.

use std::time::Duration;

use http::HeaderMap;
use http::header::{HeaderName, RETRY_AFTER};
use jiff::fmt::rfc2822;

use crate::backoff::Backoff;
use crate::domain::{Clock, SystemClock, UnixMs};

/// Longest wait that the back-off comes to by itself.
const BACKOFF_MAX: Duration = Duration::from_secs(8);
/// Milliseconds; sent by OpenAI and Azure beside `Retry-After`, and finer.
static RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// Whether to try again after a failure, provided that nothing has been shown yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It would only fail again.
    Never,
    /// After the usual back-off.
    Soon,
    /// After the time that the provider asked for.
    After(Duration),
}

/// The retries that one turn has left.
#[derive(Clone, Debug)]
pub(super) struct Retries {
    left: u32,
    backoff: Backoff,
    max_retry_after: Duration,
}

impl Retries {
    /// So many, with pauses that begin with `first_pause`; a provider can ask for a longer one, up to
    /// `max_retry_after`.
    pub(super) fn new(left: u32, first_pause: Duration, max_retry_after: Duration) -> Self {
        let backoff = Backoff::new(first_pause, BACKOFF_MAX);
        Self { left, backoff, max_retry_after }
    }

    /// The wait before the next one; `None`: give up.
    pub(super) fn next_wait(&mut self, again: Again) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        match again {
            Again::Never => None,
            Again::Soon => Some(self.backoff.pause()),
            // All who were told the same time would come back at once.
            Again::After(asked) => {
                Some(asked.saturating_add(self.backoff.pause()).min(self.max_retry_after))
            }
        }
    }
}

/// What the provider asks for, in milliseconds, in seconds or as a date.
pub(super) fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    read_headers(headers, SystemClock.now())
}

fn read_headers(headers: &HeaderMap, now: UnixMs) -> Option<Duration> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name| text(name)?.parse::<f64>().ok();
    if let Some(millis) = number(&RETRY_AFTER_MS) {
        return Duration::try_from_secs_f64(millis / 1000.0).ok();
    }
    if let Some(seconds) = number(&RETRY_AFTER) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text(&RETRY_AFTER)?).ok()?;
    Some(UnixMs::from(date).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs::new(784_111_777_000);

    fn asked(name: &'static str, value: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        read_headers(&headers, NOW)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_or_milliseconds() {
        assert_eq!(asked("retry-after", "3"), Some(Duration::from_secs(3)));
        assert_eq!(asked("retry-after", " 0.5 "), Some(Duration::from_millis(500)));
        assert_eq!(asked("retry-after-ms", "20"), Some(Duration::from_millis(20)));
        let in_five_seconds = asked("retry-after", "Sun, 06 Nov 1994 08:49:42 GMT");
        assert_eq!(in_five_seconds, Some(Duration::from_secs(5)));
        let long_ago = asked("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT");
        assert_eq!(long_ago, Some(Duration::ZERO));
    }

    #[test]
    fn a_retry_after_that_makes_no_sense_is_none() {
        for value in ["", "soon", "-1", "NaN", "inf", "1e300"] {
            assert_eq!(asked("retry-after", value), None, "{value:?}");
        }
    }

    #[test]
    fn the_backoff_doubles_is_spread_and_ends() {
        let second = Duration::from_secs(1);
        let mut retries = Retries::new(5, second, 30 * second);
        assert_eq!(retries.clone().next_wait(Again::Never), None);
        for most in [1, 2, 4, 8, 8] {
            let wait = retries.next_wait(Again::Soon).unwrap();
            assert!((second * most / 2..=second * most).contains(&wait), "{most}: {wait:?}");
        }
        assert_eq!(retries.next_wait(Again::Soon), None);
    }

    #[test]
    fn the_providers_wish_is_a_lower_bound_up_to_the_cap() {
        let second = Duration::from_secs(1);
        let mut retries = Retries::new(2, second, 30 * second);
        let wait = retries.next_wait(Again::After(10 * second)).unwrap();
        assert!((10 * second..=11 * second).contains(&wait), "{wait:?}");
        assert_eq!(retries.next_wait(Again::After(Duration::MAX)), Some(30 * second));
    }
}
