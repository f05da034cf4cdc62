//! How long a receiver asks to be left alone.

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};

use crate::domain::UnixMs;

/// What `Retry-After` says, in seconds or as a date, of one that has too much to do.
pub(super) fn asked_for(response: &Response, now: UnixMs) -> Option<Duration> {
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            read(response.headers().get(RETRY_AFTER)?.to_str().ok()?, now)
        }
        _ => None,
    }
}

fn read(text: &str, now: UnixMs) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than can be counted is for ever.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(UnixMs::from(date).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = UnixMs::new(784_111_777_000);
        assert_eq!(read(" 3 ", now), Some(Duration::from_secs(3)));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:42 GMT", now), Some(Duration::from_secs(5)));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(read("99999999999999999999999", now), Some(Duration::from_secs(u64::MAX)));
        for nonsense in ["", "soon", "-1", "1.5"] {
            assert_eq!(read(nonsense, now), None, "{nonsense:?}");
        }
    }
}
