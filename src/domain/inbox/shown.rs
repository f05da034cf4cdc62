//! A request for approval as people see it who may decide it (contract, section 5.6), without what is one person's.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::InboxItem;
use crate::domain::approval::{ApprovalRequest, RequestStatus, Standing, Verdict};
use crate::domain::approvers::Who;
use crate::domain::ids::{RequestId, SessionId, TenantId, UserId};
use crate::domain::preview::Preview;
use crate::domain::time::{UnixMs, UnixSeconds};

/// A request for approval.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownApproval {
    /// The request's id.
    request_id: RequestId,
    /// The run that waits for it, or did.
    session_id: SessionId,
    /// Who asks: who started the run, or who changed the arguments of an earlier request.
    user_id: UserId,
    /// Whose people may decide.
    tenant_id: TenantId,
    /// The tool that is to run.
    action_type: String,
    /// The tool's arguments as they are asked about. Long ones are cut, and `contextBytes` is there; the stored request
    /// has all.
    #[schemars(with = "Map<String, Value>")]
    context: Value,
    /// How many bytes of JSON the arguments have, where they are cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    context_bytes: Option<u64>,
    /// The arguments that were approved, or are asked about, instead of those that were shown. Long ones are cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    args: Option<Value>,
    /// How many bytes of JSON these have, where they are cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    args_bytes: Option<u64>,
    /// What people are asked, in words.
    message: String,
    /// Where it stands.
    status: RequestStatus,
    /// The same, once it is decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Verdict>,
    /// When it was asked, in Unix milliseconds.
    created_at: UnixMs,
    /// When it ends by itself, in Unix seconds.
    expires_at: UnixSeconds,
    /// Who may say yes.
    approvers: Who,
    /// How many different people have to.
    approvals_needed: u32,
    /// How many have; once it is approved, whoever decided it included.
    approvals: u32,
    /// What will happen if it is approved, where the tool could say.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<Preview>,
    /// Who approved it, or is said to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<String>,
    /// When that was, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_at: Option<u64>,
    /// Who rejected it, or is said to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_by: Option<String>,
    /// When that was, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_at: Option<u64>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The request that asks about changed arguments instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_by: Option<RequestId>,
    /// What the run was asked to do, at most 200 characters of it.
    #[schemars(length(max = 200))]
    prompt: String,
    /// Who asks; the same as `userId`.
    requested_by: UserId,
}

impl From<InboxItem> for ShownApproval {
    fn from(item: InboxItem) -> Self {
        let ApprovalRequest { quorum, more, standing, .. } = item.request;
        let text = |name: &str| more.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| more.get(name).and_then(Value::as_u64);
        let outcome = match standing {
            Standing::Decided(verdict) => Some(verdict),
            Standing::Pending | Standing::Voted(_) => None,
        };
        Self {
            approved_by: text("approvedBy"),
            approved_at: number("approvedAt"),
            rejected_by: text("rejectedBy"),
            rejected_at: number("rejectedAt"),
            reason: text("reason"),
            superseded_by: text("supersededBy").and_then(|id| RequestId::parse(&id)),
            context_bytes: number("contextBytes"),
            args: more.get("args").filter(|args| args.is_object()).cloned(),
            args_bytes: number("argsBytes"),
            request_id: item.request.request_id,
            session_id: item.request.session_id,
            requested_by: item.request.user_id.clone(),
            user_id: item.request.user_id,
            tenant_id: item.request.tenant_id,
            action_type: item.request.action_type,
            context: item.request.context,
            message: item.request.message,
            status: outcome.map_or(RequestStatus::Pending, RequestStatus::from),
            outcome,
            created_at: item.request.created_at,
            expires_at: item.request.deadline.expires_at(),
            approvers: quorum.approvers,
            approvals_needed: quorum.approvals_needed.get(),
            approvals: quorum.approvals,
            preview: item.request.preview,
            prompt: item.prompt,
        }
    }
}

impl ShownApproval {
    /// The request's id.
    pub fn id(&self) -> &RequestId {
        &self.request_id
    }
}
