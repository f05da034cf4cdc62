//! What must hold for every message that somebody publishes or stores about a request.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::*;
use crate::domain::approval::Verdict;
use crate::domain::author::Author;

/// Longest complaint about a message, in bytes: what it quotes is cut.
const FAULT_MAX: usize = 1024;

/// A message counts as a vote only where every reader of JSON sees that same vote in it, and it means
/// the same when this service publishes it. Everything else is told, in few words.
pub fn signal(message: &[u8]) {
    match Signal::parse(message) {
        Ok(signal) => {
            check_words(message, signal.vote);
            check_bounds(&signal);
            check_published(&signal);
        }
        Err(fault) => assert!(fault.to_string().len() <= FAULT_MAX, "{fault}"),
    }
    if let Ok(text) = std::str::from_utf8(message)
        && let Some(signal) = signal_of_request(text)
    {
        check_bounds(&signal);
        check_status(message, &signal);
    }
}

/// The members of an object as they stand there, also those that stand there twice.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Members {
    fn read(message: &[u8]) -> Self {
        match serde_json::from_slice(&json::mended(message)) {
            Ok(members) => members,
            Err(error) => panic!("a vote was seen in what is no JSON object: {error}"),
        }
    }

    /// All that is said under a name.
    fn named(&self, name: &str) -> Vec<&Value> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value).collect()
    }
}

fn check_words(message: &[u8], vote: Vote) {
    let members = Members::read(message);
    let said = ["type", "status", "action"].map(|name| members.named(name));
    assert!(said.iter().all(|values| values.len() <= 1), "said twice");
    let said: Vec<_> = said.into_iter().flatten().filter(|value| !value.is_null()).collect();
    let words = match vote {
        Vote::Approve => ["approval", "approved", "approve"],
        Vote::Reject => ["rejection", "rejected", "reject"],
    };
    let agrees = |value: &&Value| value.as_str().is_some_and(|word| words.contains(&word));
    assert!(!said.is_empty() && said.iter().all(agrees), "{said:?} is not {vote:?}");
}

/// A stored request holds a vote only if somebody has set its status to that, and nothing stands there
/// twice.
fn check_status(message: &[u8], signal: &Signal) {
    let members = Members::read(message);
    let expected = match signal.vote {
        Vote::Approve => "approved",
        Vote::Reject => "rejected",
    };
    assert_eq!(members.named("status"), [expected]);
    assert_eq!(members.named("requestId").len(), 1);
    assert!(signal.request_id.is_some());
}

fn check_bounds(signal: &Signal) {
    assert!(signal.reason.as_deref().is_none_or(|reason| reason.chars().count() <= REASON_MAX));
    assert!(signal.by.as_ref().is_none_or(|user| user.as_str().len() <= USER_MAX));
    assert!(signal.timestamp.is_none_or(|at| at.get() <= LAST_SECOND.max(u64::MAX / 1000)));
}

fn check_published(signal: &Signal) {
    let request = signal.request_id.clone().unwrap_or_else(RequestId::generate);
    let session = SessionId::new("session_1_1_ab");
    let session = signal.session_id.clone().unwrap_or(session);
    let verdict = match signal.vote {
        Vote::Approve => Verdict::Approved,
        Vote::Reject => Verdict::Rejected,
    };
    let at = signal.timestamp.unwrap_or_default().min(UnixSeconds::new(LAST_SECOND));
    let decision = Decision {
        author: Author::Heard(signal.by.clone()),
        reason: signal.reason.clone(),
        ..Decision::of(verdict, at.ms())
    };
    let published = Signal::for_decision(&request, &session, &decision);
    let read = published.map(|published| Signal::parse(published.as_bytes()));
    let expected = Signal {
        request_id: Some(request),
        session_id: Some(session),
        timestamp: Some(at),
        shown: None,
        ..signal.clone()
    };
    assert_eq!(read, Some(Ok(expected)));
}
