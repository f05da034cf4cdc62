//! Requests for approval and their one decision.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approvers::Quorum;
use super::audit::ArgumentsHash;
use super::ids::{RequestId, SessionId, TenantId, ToolCallId, UserId};
use super::number;

/// What became of a request (contract, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalStatus {
    /// Nobody has decided.
    Pending,
    /// A person said yes.
    Approved,
    /// A person said no.
    Rejected,
    /// Nobody said anything in time.
    TimedOut,
    /// The run was cancelled meanwhile.
    Cancelled,
}

/// The ways in which a request ends; there is no "pending" among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A person said yes.
    Approved,
    /// A person said no.
    Rejected,
    /// Nobody said anything in time.
    TimedOut,
    /// The run was cancelled meanwhile.
    Cancelled,
}

impl From<Verdict> for ApprovalStatus {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approved => Self::Approved,
            Verdict::Rejected => Self::Rejected,
            Verdict::TimedOut => Self::TimedOut,
            Verdict::Cancelled => Self::Cancelled,
        }
    }
}

/// The one decision on a request, as `aura:decision:<requestId>` keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// How the request ended.
    pub verdict: Verdict,
    /// Who decided; `None` for a deadline, and for a signal that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// Why, where a reason was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The arguments that were approved instead of those that were asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Value>,
    /// The hash of the tool and the arguments that whoever approved had before them; `None` if it
    /// is not known what that was, as with a signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args_hash: Option<ArgumentsHash>,
}

impl Decision {
    /// A decision of nobody in particular.
    pub fn of(verdict: Verdict, at_ms: u64) -> Self {
        Self { verdict, by: None, reason: None, at_ms, args: None, args_hash: None }
    }
}

/// A request for approval, as `hitl:request:<requestId>` keeps it (contract, section 5.1).
///
/// Unknown fields that another publisher wrote are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRequest {
    /// The request's id.
    pub request_id: RequestId,
    /// The run that waits for it.
    pub session_id: SessionId,
    /// Who started the run.
    pub user_id: UserId,
    /// Whose people may decide.
    pub tenant_id: TenantId,
    /// The tool that is to run.
    pub action_type: String,
    /// The tool's arguments, exactly as they will be used.
    pub context: Value,
    /// What the person is asked, in words.
    pub message: String,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// When it was asked, in milliseconds since the Unix epoch.
    #[serde(deserialize_with = "number::deserialize")]
    pub created_at: u64,
    /// When it ends by itself, in seconds since the Unix epoch.
    #[serde(deserialize_with = "number::deserialize")]
    pub expires_at: u64,
    /// Who has to say yes, and how many have.
    #[serde(flatten)]
    pub quorum: Quorum,
    /// The call that is to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<ToolCallId>,
    /// The hash of the tool and these arguments: what runs has it, or does not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args_hash: Option<ArgumentsHash>,
    /// Everything else: `approvedBy`, `approvedAt`, `rejectedBy`, `rejectedAt`, `reason`, …
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
}

impl ApprovalRequest {
    /// The same request with its decision written into it.
    #[must_use]
    pub fn resolved(&self, decision: &Decision) -> Self {
        let mut request = self.clone();
        request.status = decision.verdict.into();
        for key in ["approvedBy", "approvedAt", "rejectedBy", "rejectedAt", "reason"] {
            request.more.shift_remove(key);
        }
        let (by, at) = match decision.verdict {
            Verdict::Approved => ("approvedBy", "approvedAt"),
            Verdict::Rejected => ("rejectedBy", "rejectedAt"),
            Verdict::TimedOut | Verdict::Cancelled => return request,
        };
        if let Some(args) = &decision.args {
            request.more.insert("args".into(), args.clone());
        }
        if let Some(user) = &decision.by {
            request.more.insert(by.into(), user.as_str().into());
        }
        request.more.insert(at.into(), decision.at_ms.into());
        if let Some(reason) = &decision.reason {
            request.more.insert("reason".into(), reason.as_str().into());
        }
        request
    }
}
