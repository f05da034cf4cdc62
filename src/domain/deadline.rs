//! When a request ends by itself, to the millisecond.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::number::whole;
use super::time::{UnixMs, UnixSeconds};

/// The end of a wait.
///
/// On the wire it is `expiresAt`, whole seconds, rounded up so that nobody is told less than the time
/// promised; beside it stands `deadlineMs`, which older processes do not write.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "Stored", into = "Told")]
pub struct Deadline(UnixMs);

impl Deadline {
    /// The longest that a person may be given (contract, section 5.3, 4).
    pub const LONGEST_WAIT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// The deadline of what was `asked` then with this much time.
    pub fn after(asked: UnixMs, wait: Duration) -> Self {
        Self(asked.after(wait))
    }

    /// The moment that it comes at.
    pub fn at(self) -> UnixMs {
        self.0
    }

    /// The same in whole seconds, rounded up.
    pub fn expires_at(self) -> UnixSeconds {
        self.0.next_second()
    }

    /// Whether it has come.
    pub fn has_passed(self, now: UnixMs) -> bool {
        now >= self.0
    }

    /// The time that is left; zero once it has come.
    pub fn left(self, now: UnixMs) -> Duration {
        self.0.since(now)
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// Until when somebody may decide, in Unix seconds, rounded up.
    expires_at: UnixSeconds,
    /// The same to the millisecond.
    deadline_ms: UnixMs,
}

impl From<Deadline> for Told {
    fn from(deadline: Deadline) -> Self {
        Self { expires_at: deadline.expires_at(), deadline_ms: deadline.at() }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Stored {
    expires_at: Value,
    #[serde(default)]
    deadline_ms: Value,
}

impl TryFrom<Stored> for Deadline {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let of_seconds = || whole(&stored.expires_at).map(|at| UnixSeconds::new(at).ms());
        let at = whole(&stored.deadline_ms).map(UnixMs::new).or_else(of_seconds);
        at.map(Self).ok_or_else(|| format!("expiresAt {} is no time", stored.expires_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_told_in_whole_seconds_and_kept_to_the_millisecond() {
        let deadline = Deadline::after(UnixMs::new(1_706_152_860_123), Duration::from_secs(300));
        let text = serde_json::to_string(&deadline).unwrap();
        assert_eq!(text, r#"{"expiresAt":1706153161,"deadlineMs":1706153160123}"#);
        let anew = r#"{"expiresAt":1.706153161E9,"deadlineMs":1.706153160123E12}"#;
        for text in [text.as_str(), anew] {
            assert_eq!(serde_json::from_str::<Deadline>(text).unwrap(), deadline);
        }
        let has_passed = |ms| deadline.has_passed(UnixMs::new(ms));
        assert!(!has_passed(1_706_153_160_122) && has_passed(1_706_153_160_123));
    }

    #[test]
    fn what_an_older_process_asked_ends_with_the_second_that_it_wrote() {
        let older: Deadline = serde_json::from_str(r#"{"expiresAt":1706153161}"#).unwrap();
        assert_eq!(older.at(), UnixMs::new(1_706_153_161_000));
        assert!(serde_json::from_str::<Deadline>("{}").is_err());
    }
}
