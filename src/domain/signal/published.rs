//! A signal as this service publishes it.

use schemars::JsonSchema;
use serde::Serialize;

use super::REASON_MAX;
use crate::domain::approval::{Decision, Verdict};
use crate::domain::ids::{RequestId, SessionId, UserId};
use crate::domain::text::first_chars;
use crate::domain::time::UnixSeconds;

/// A signal as this service publishes it. Others that publish may leave fields out, and write `action`
/// (`approve`, `reject`) instead of `type` and `status`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Signal")]
pub struct PublishedSignal<'a> {
    /// The decision.
    #[serde(rename = "type")]
    kind: Kind,
    /// The request that it is about.
    request_id: &'a RequestId,
    /// The decision once more.
    status: Status,
    /// Why, where there is a reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// When it was decided, in Unix seconds.
    timestamp: UnixSeconds,
    /// The session that waits.
    session_id: &'a SessionId,
    /// Who decided, or says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a UserId>,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Kind {
    Approval,
    Rejection,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Status {
    Approved,
    Rejected,
}

impl<'a> PublishedSignal<'a> {
    /// The signal for a decision; `None` for a deadline and for a cancelled run, which are nobody's vote.
    pub(super) fn of(
        request_id: &'a RequestId,
        session_id: &'a SessionId,
        decision: &'a Decision,
    ) -> Option<Self> {
        let (kind, status) = match decision.verdict {
            Verdict::Approved => (Kind::Approval, Status::Approved),
            Verdict::Rejected => (Kind::Rejection, Status::Rejected),
            Verdict::TimedOut | Verdict::Cancelled => return None,
        };
        Some(Self {
            kind,
            request_id,
            status,
            reason: decision.reason.as_deref().map(|reason| first_chars(reason, REASON_MAX).0),
            timestamp: decision.at_ms.second(),
            session_id,
            user_id: decision.author.named(),
        })
    }
}
