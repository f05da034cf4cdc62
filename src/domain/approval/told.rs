//! A request as REST tells it (contract, section 5.4): its status is the outcome.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{ApprovalRequest, Resolution, Standing, Verdict, Vote};
use crate::domain::approvers::Quorum;
use crate::domain::deadline::Deadline;
use crate::domain::hash::ArgumentsHash;
use crate::domain::ids::{RequestId, SessionId, TenantId, ToolCallId, UserId};
use crate::domain::language::Language;
use crate::domain::preview::Preview;
use crate::domain::time::UnixMs;

/// A request for approval, with how it ended as its status.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RequestDetails")]
pub struct ToldRequest<'a> {
    /// The request.
    request_id: &'a RequestId,
    /// The run that waits for it.
    session_id: &'a SessionId,
    /// Who asks: who started the run, or who changed the arguments of an earlier request.
    user_id: &'a UserId,
    /// Whose people may decide.
    tenant_id: &'a TenantId,
    /// The tool that is to run.
    action_type: &'a str,
    /// The tool's arguments as they are asked about: exactly these will be used, unless others are approved (`args`).
    #[schemars(with = "Map<String, Value>")]
    context: &'a Value,
    /// What the person is asked, in words.
    message: &'a str,
    /// The language of these words; only there if it is not Korean.
    #[serde(skip_serializing_if = "Language::is_default")]
    #[schemars(default)]
    language: Language,
    #[serde(flatten)]
    standing: ToldStanding,
    /// When it was asked, in Unix milliseconds.
    created_at: UnixMs,
    #[serde(flatten)]
    deadline: Deadline,
    #[serde(flatten)]
    quorum: &'a Quorum,
    /// The call that is to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a ToolCallId>,
    /// The hash of the tool and these arguments: what runs has it, or was approved as `args`.
    #[serde(skip_serializing_if = "Option::is_none")]
    args_hash: Option<&'a ArgumentsHash>,
    /// What will happen if it is approved; only there if the tool could say.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<&'a Preview>,
    #[serde(flatten)]
    #[schemars(with = "Resolution")]
    more: &'a Map<String, Value>,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
struct ToldStanding {
    /// Where the request stands.
    status: RequestStatus,
    /// How it ended, once it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Verdict>,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestStatus {
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

impl From<Verdict> for RequestStatus {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approved => Self::Approved,
            Verdict::Rejected => Self::Rejected,
            Verdict::TimedOut => Self::TimedOut,
            Verdict::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Standing> for ToldStanding {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Pending => Self { status: RequestStatus::Pending, outcome: None },
            Standing::Voted(Vote::Approve) => {
                Self { status: RequestStatus::Approved, outcome: None }
            }
            Standing::Voted(Vote::Reject) => {
                Self { status: RequestStatus::Rejected, outcome: None }
            }
            Standing::Decided(verdict) => Self { status: verdict.into(), outcome: Some(verdict) },
        }
    }
}

impl<'a> From<&'a ApprovalRequest> for ToldRequest<'a> {
    fn from(request: &'a ApprovalRequest) -> Self {
        Self {
            request_id: &request.request_id,
            session_id: &request.session_id,
            user_id: &request.user_id,
            tenant_id: &request.tenant_id,
            action_type: &request.action_type,
            context: &request.context,
            message: &request.message,
            language: request.language,
            standing: request.standing.into(),
            created_at: request.created_at,
            deadline: request.deadline,
            quorum: &request.quorum,
            tool_call_id: request.tool_call_id.as_ref(),
            args_hash: request.args_hash.as_ref(),
            preview: request.preview.as_ref(),
            more: &request.more,
        }
    }
}
