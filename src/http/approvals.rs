//! The inbox over REST: what waits for the caller's tenant, and what was decided lately (contract,
//! section 5.6).

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::auth::Authenticated;
use super::error::ApiError;
use super::extract::Params;
use super::{Shared, envelope};
use crate::agent::InboxLine;
use crate::domain::approval::RequestStatus;
use crate::domain::{
    ApprovalRequest, Caller, Preview, RequestId, SessionId, Standing, TenantId, UnixMs,
    UnixSeconds, UserId, Verdict, Who,
};
use crate::store::{InboxPlace, Noted};

/// How many requests a page has, unless the caller says.
pub(super) const PAGE: usize = 50;
/// How many it may have at most.
pub(super) const PAGE_MAX: usize = 100;

/// One page of the inbox.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ApprovalsPage {
    /// The requests, newest first.
    approvals: Vec<Approval>,
    /// How many requests of the tenant wait for which this caller's yes would count.
    count: usize,
    /// The `before` of the next page; null if there is none.
    next: Option<RequestId>,
}

/// A request for approval as this caller sees it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
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
    /// The tool's arguments. Long ones are cut, and `contextBytes` is there; the stored request has all.
    context: Value,
    /// How many bytes of JSON the arguments have, where they are cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    context_bytes: Option<u64>,
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
    /// How many have.
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
    superseded_by: Option<String>,
    /// Whether this caller's yes would count: the policy lets them, nobody has decided, and they have not said
    /// yes before.
    can_decide: bool,
    /// Whether this caller has decided it, or is one of those who have said yes.
    decided_by_me: bool,
    /// What the run was asked to do, at most 200 characters of it.
    #[schemars(length(max = 200))]
    prompt: String,
    /// Who asks; the same as `userId`.
    requested_by: UserId,
}

impl From<InboxLine> for Approval {
    fn from(line: InboxLine) -> Self {
        let InboxLine { item, can_decide, decided_by_me } = line;
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
            superseded_by: text("supersededBy"),
            context_bytes: number("contextBytes"),
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
            can_decide,
            decided_by_me,
            prompt: item.prompt,
        }
    }
}

/// `GET /aura/approvals`: the requests of the caller's tenant, newest first.
pub async fn list(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    params: Params,
) -> Result<Response, ApiError> {
    let which = status(&params)?;
    let limit = params.limit(PAGE, PAGE_MAX)?;
    let before = before(&http, &caller, which, &params).await?;
    let page = http.service.inbox(&caller, which, before.as_ref(), limit).await?;
    let approvals = page.lines.into_iter().map(Approval::from).collect();
    let data = ApprovalsPage { approvals, count: page.count, next: page.next };
    Ok(envelope::success(&*http.clock, "Approvals retrieved", data))
}

fn status(params: &Params) -> Result<Noted, ApiError> {
    match params.first_of(&["status"]) {
        Some("pending") | None => Ok(Noted::Waiting),
        Some("decided") => Ok(Noted::Decided),
        Some(_) => Err(ApiError::invalid("status", "must be pending or decided")),
    }
}

async fn before(
    http: &Shared,
    caller: &Caller,
    which: Noted,
    params: &Params,
) -> Result<Option<InboxPlace>, ApiError> {
    let Some(text) = params.first_of(&["before"]) else { return Ok(None) };
    let place = match RequestId::parse(text) {
        Some(id) => http.service.place_in_inbox(caller, which, &id).await?,
        None => None,
    };
    let unknown = || ApiError::invalid("before", "must be the id of a request of this list");
    place.map(Some).ok_or_else(unknown)
}
