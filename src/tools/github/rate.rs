//! GitHub's rate limits: whether an answer is one, and from when on it takes requests again.
//!
//! The primary limit says so with `x-ratelimit-remaining: 0` and `x-ratelimit-reset`, the secondary
//! one with `Retry-After` or only in words; both come as 403 or 429. The secondary one was called
//! abuse detection, and still is by older servers; of what was written too quickly it speaks as 422.

use crate::domain::{UnixMs, UnixSeconds};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use jiff::fmt::rfc2822;

/// What GitHub wants callers to wait where it does not say.
const UNSAID: Duration = Duration::from_secs(60);

/// How GitHub speaks of its limits, in small letters.
const WORDS: [&str; 5] = [
    "rate limit",
    "abuse detection",
    "temporarily blocked",
    "submitted too quickly",
    "wait a few minutes",
];

/// How long GitHub takes no more requests, 0 if by its own account it should; `None` if the answer is about something else.
pub(super) fn limited(
    status: StatusCode,
    headers: &HeaderMap,
    message: &str,
    now: UnixMs,
) -> Option<Duration> {
    let says_so = || {
        let message = message.to_ascii_lowercase();
        status == StatusCode::TOO_MANY_REQUESTS || WORDS.iter().any(|words| message.contains(words))
    };
    match status {
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {}
        StatusCode::UNPROCESSABLE_ENTITY => return says_so().then_some(UNSAID),
        _ => return None,
    }
    retry_after(headers, now)
        .or_else(|| until_reset(headers, now))
        .or_else(|| says_so().then_some(UNSAID))
}

/// The moment from which on requests are taken again, for a person.
pub(super) fn moment(now: UnixMs, wait: Duration) -> String {
    let at = now.after(wait).next_second().timestamp();
    at.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string())
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: UnixMs) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(UnixMs::from(date).since(now))
}

fn until_reset(headers: &HeaderMap, now: UnixMs) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if number("x-ratelimit-remaining")? > 0 {
        return None;
    }
    let at = UnixSeconds::new(number("x-ratelimit-reset")?).ms();
    Some(at.since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs::new(1_700_000_000_000);

    fn limit(status: u16, given: &[(&'static str, &str)], message: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.insert(*name, value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        limited(status, &headers, message, NOW).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_limit_is_told_from_a_lack_of_rights() {
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000042")];
        let left = [("x-ratelimit-remaining", "17"), ("x-ratelimit-reset", "1700000042")];
        assert_eq!(limit(403, &spent, "API rate limit exceeded"), Some(42));
        assert_eq!(limit(403, &left, "Resource not accessible by personal access token"), None);
        assert_eq!(limit(403, &[("retry-after", "7")], "slow down"), Some(7));
        assert_eq!(limit(403, &left, "You have exceeded a secondary rate limit"), Some(60));
        assert_eq!(limit(429, &[], ""), Some(60));
        let abuse = "You have triggered an abuse detection mechanism. Please wait a few minutes before \
                     you try again.";
        assert_eq!(limit(403, &[], abuse), Some(60));
        assert_eq!(limit(403, &left, abuse), Some(60));
        assert_eq!(limit(403, &[("retry-after", "7")], abuse), Some(7));
        assert_eq!(limit(422, &[], "was submitted too quickly after a previous one"), Some(60));
        assert_eq!(limit(422, &spent, "Validation Failed"), None);
        assert_eq!(limit(404, &spent, "Not Found"), None);
        assert_eq!(limit(401, &[("retry-after", "7")], ""), None);
    }

    #[test]
    fn a_limit_that_is_over_is_no_wait() {
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1600000000")];
        assert_eq!(limit(429, &spent, ""), Some(0));
        assert_eq!(moment(NOW, Duration::from_secs(42)), "2023-11-14T22:14:02Z");
        assert_eq!(
            moment(NOW.after(Duration::from_millis(1)), Duration::from_millis(41_999)),
            "2023-11-14T22:14:02Z"
        );
    }
}
