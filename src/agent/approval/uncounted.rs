//! Votes that do not count: a yes through Redis where a policy narrows who may approve, because nobody
//! knows who sent it (contract, section 5.3, 8). The request is pending again, and whoever waits is told
//! who may decide, and where.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::signal::Signal;
use crate::domain::{Hold, UnixSeconds, UserId};

/// Of how many such votes on one request people are told; of more they would learn nothing new.
pub(crate) const TOLD_MAX: usize = 5;
/// How far the times lie apart that one answer leaves in the request and in the signal.
const ONE_ANSWER: Duration = Duration::from_secs(2);

/// A vote that does not count, as far as it can be told from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UncountedVote {
    /// Who it says has sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// When it says that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<UnixSeconds>,
    /// Why an operator holds the tool, where that is what it does not count for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
}

impl UncountedVote {
    /// One answer is seen several times: published, in the signal's key, in the request's. `stored` is
    /// what the request's key says of it, if it still does.
    pub(crate) fn of(signal: &Signal, stored: Option<&Signal>) -> Self {
        let by = signal.by.clone().or_else(|| stored.and_then(|stored| stored.by.clone()));
        let at = signal.timestamp.or_else(|| stored.and_then(|stored| stored.timestamp));
        Self { by, at, held: None }
    }

    /// The same, which does not count because of this hold, if there is one.
    pub(crate) fn under(self, hold: Option<&Hold>) -> Self {
        Self { held: hold.map(|hold| hold.reason.clone()), ..self }
    }

    /// Whether the two may be one answer: what both of them tell agrees. Of a vote that tells nothing
    /// every other one like it is the same, and none that tells more.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.held.is_some() == other.held.is_some() && self.is_same_answer(other)
    }

    /// The same, whatever it does not count for.
    pub(crate) fn is_same_answer(&self, other: &Self) -> bool {
        let person = self.by.as_ref().zip(other.by.as_ref()).map(|(a, b)| a == b);
        let time = self.at.zip(other.at).map(|(a, b)| a.distance(b) <= ONE_ANSWER);
        match (person, time) {
            (None, None) => (&self.by, self.at) == (&other.by, other.at),
            (person, time) => person.unwrap_or(true) && time.unwrap_or(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(by: Option<&str>, at: Option<u64>) -> UncountedVote {
        UncountedVote { by: by.map(UserId::new), at: at.map(UnixSeconds::new), held: None }
    }

    #[test]
    fn one_click_is_one_vote_wherever_it_is_seen() {
        let told = vote(Some("kim"), Some(100));
        for seen in [vote(Some("kim"), Some(100)), vote(None, Some(101)), vote(Some("kim"), None)] {
            assert!(told.is_same(&seen) && seen.is_same(&told), "{seen:?}");
        }
        for other in [vote(Some("lee"), Some(100)), vote(Some("kim"), Some(103))] {
            assert!(!told.is_same(&other), "{other:?}");
        }
    }

    #[test]
    fn a_vote_that_tells_nothing_is_not_everybodys() {
        let nobodys = vote(None, None);
        assert!(nobodys.is_same(&nobodys));
        for other in [vote(Some("kim"), Some(100)), vote(Some("kim"), None), vote(None, Some(100))]
        {
            assert!(!nobodys.is_same(&other) && !other.is_same(&nobodys), "{other:?}");
        }
    }
}
