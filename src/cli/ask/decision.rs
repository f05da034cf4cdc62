//! What is said to a question, how the question stands, and what came of what was said.

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answered::Answered;
use crate::domain::{RequestId, Verdict, json};

/// What a person says to a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// As it was asked.
    Approve,
    /// With these arguments, which are an object.
    ApproveWith(Value),
    /// No, and why.
    Reject(Option<String>),
}

/// What an answer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decided {
    /// It decided the question.
    Done,
    /// The question had ended before.
    Before(Verdict),
    /// One yes of several.
    OneOf { given: u64, needed: u64 },
    /// Another question, about changed arguments, has taken the place of this one.
    AskedAnew,
}

/// A stored question: how it stands, and its arguments, whole.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Standing {
    request_id: RequestId,
    status: Status,
    #[serde(default)]
    outcome: Option<Verdict>,
    pub(super) context: Value,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Status {
    Pending(Pending),
    Over(Verdict),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Pending {
    Pending,
}

/// `data` of an answer that was taken.
#[derive(Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Taken {
    Superseding {
        #[serde(rename = "status")]
        _status: Pending,
        supersedes: RequestId,
    },
    OneOf {
        #[serde(rename = "status")]
        _status: Pending,
        request_id: RequestId,
        approvals: u64,
        approvals_needed: u64,
    },
    Deciding {
        status: Verdict,
        request_id: RequestId,
    },
}

/// `data` of an answer that came too late.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Before {
    request_id: RequestId,
    status: Verdict,
    #[serde(default)]
    superseded_by: Option<RequestId>,
}

impl Answer {
    /// The end of the path that it is sent to, and its body.
    pub(super) fn message(&self) -> (&'static str, Value) {
        match self {
            Self::Approve => ("approve", json!({})),
            Self::ApproveWith(arguments) => ("approve", json!({ "args": arguments })),
            Self::Reject(None) => ("reject", json!({})),
            Self::Reject(Some(reason)) => ("reject", json!({ "reason": reason })),
        }
    }

    fn verdict(&self) -> Verdict {
        match self {
            Self::Approve | Self::ApproveWith(_) => Verdict::Approved,
            Self::Reject(_) => Verdict::Rejected,
        }
    }

    /// What the server says came of it; `None` if what it says is not about that.
    pub(super) fn came_to(&self, request: &RequestId, answered: &Answered) -> Option<Decided> {
        let data = answered.data()?;
        match answered.status() {
            StatusCode::OK => self.taken(request, serde_json::from_value(data).ok()?),
            StatusCode::CONFLICT => too_late(request, &serde_json::from_value(data).ok()?),
            _ => None,
        }
    }

    fn taken(&self, request: &RequestId, taken: Taken) -> Option<Decided> {
        let (id, decided) = match taken {
            Taken::Superseding { supersedes, .. } => (supersedes, Decided::AskedAnew),
            Taken::OneOf { request_id, approvals: given, approvals_needed: needed, .. } => {
                (request_id, Decided::OneOf { given, needed })
            }
            Taken::Deciding { status, request_id } if status == self.verdict() => {
                (request_id, Decided::Done)
            }
            Taken::Deciding { .. } => return None,
        };
        (id == *request).then_some(decided)
    }
}

fn too_late(request: &RequestId, before: &Before) -> Option<Decided> {
    let decided = match &before.superseded_by {
        Some(_) => Decided::AskedAnew,
        None => Decided::Before(before.status),
    };
    (before.request_id == *request).then_some(decided)
}

impl Standing {
    /// How this question stands; `None` if the answer does not say that.
    pub(super) fn of(request: &RequestId, answered: &Answered) -> Option<Self> {
        let data = answered.data().filter(|_| answered.status() == StatusCode::OK)?;
        let stored = json::read_document(data.as_str()?.as_bytes()).ok()?;
        let standing: Self = serde_json::from_value(stored).ok()?;
        (standing.request_id == *request).then_some(standing)
    }

    /// Whether an answer may still count.
    pub(super) fn is_open(&self) -> bool {
        match self.status {
            Status::Pending(Pending::Pending) => self.outcome.is_none(),
            Status::Over(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, data: &Value) -> Answered {
        let envelope = json!({"status": "SUCCESS", "data": data, "success": true});
        Answered::of(status, envelope.to_string())
    }

    fn came_to(answer: &Answer, status: u16, data: &Value) -> Option<Decided> {
        answer.came_to(&RequestId::new("req_1"), &answered(status, data))
    }

    #[test]
    fn what_a_decision_came_to_is_read_from_status_and_data() {
        let of = |status, data| came_to(&Answer::Approve, status, &data);
        assert_eq!(
            of(200, json!({"requestId": "req_1", "status": "approved"})),
            Some(Decided::Done)
        );
        let late = json!({"requestId": "req_1", "status": "timed_out"});
        assert_eq!(of(409, late), Some(Decided::Before(Verdict::TimedOut)));
        let one = json!({"requestId": "req_1", "status": "pending", "approvals": 1, "approvalsNeeded": 2});
        assert_eq!(of(200, one), Some(Decided::OneOf { given: 1, needed: 2 }));
        let next = json!({"status": "pending", "requestId": "req_2", "supersedes": "req_1"});
        assert_eq!(of(200, next), Some(Decided::AskedAnew));
        // The same, once its first answer was lost.
        let next = json!({"status": "rejected", "requestId": "req_1", "supersededBy": "req_2"});
        assert_eq!(of(409, next), Some(Decided::AskedAnew));
        let rejected = json!({"requestId": "req_1", "status": "rejected"});
        assert_eq!(came_to(&Answer::Reject(None), 200, &rejected), Some(Decided::Done));
    }

    #[test]
    fn what_is_not_about_this_decision_is_none() {
        let of = |status, data| came_to(&Answer::Approve, status, &data);
        for data in [
            Value::Null,
            json!({}),
            json!({"status": "approved"}),
            json!({"requestId": "req_2", "status": "approved"}),
            json!({"requestId": "req_1", "status": "rejected"}),
            json!({"requestId": "req_1", "status": "pending"}),
            json!({"requestId": "req_2", "status": "pending", "supersedes": "req_3"}),
        ] {
            assert_eq!(of(200, data.clone()), None, "{data}");
        }
        assert_eq!(of(409, json!({"requestId": "req_2", "status": "approved"})), None);
        assert_eq!(of(202, json!({"requestId": "req_1", "status": "approved"})), None);
    }

    #[test]
    fn a_question_stands_open_until_the_server_says_how_it_ended() {
        let of = |stored: Value| {
            let text = Value::String(stored.to_string());
            Standing::of(&RequestId::new("req_1"), &answered(200, &text))
        };
        let is_open = |stored| of(stored).map(|standing| standing.is_open());
        let stored = |status: &str| json!({"requestId": "req_1", "status": status, "context": {}});
        assert_eq!(is_open(stored("pending")), Some(true));
        assert_eq!(is_open(stored("timed_out")), Some(false));
        let mut cancelled = stored("rejected");
        cancelled["outcome"] = "cancelled".into();
        assert_eq!(is_open(cancelled), Some(false));
        for said in [json!({}), stored(""), json!({"requestId": "req_2", "status": "rejected"})] {
            assert_eq!(of(said.clone()), None, "{said}");
        }
    }
}
