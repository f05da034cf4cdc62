//! Sessions over REST (contract, section 5.5).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::auth::Authenticated;
use super::error::ApiError;
use super::extract::{Params, PathId};
use super::{Shared, envelope};
use crate::agent::{CancelError, Node, SessionDetail, SessionSummary};
use crate::domain::plan::PlanStep;
use crate::domain::{
    ApprovalRequest, Caller, EventId, RequestId, SessionId, SessionMeta, SessionStatus, StepId,
    ThreadId, UnixSeconds, Usage,
};

/// How many sessions a page has, unless the caller says.
pub(super) const PAGE: usize = 20;
/// How many it may have at most.
pub(super) const PAGE_MAX: usize = 100;

/// A page of the caller's sessions.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SessionPage")]
pub(super) struct Page {
    /// Newest first.
    sessions: Vec<Line>,
    /// The `before` of the next page, if there is one.
    next: Option<SessionId>,
}

/// One session, as lists show it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SessionSummary")]
pub(super) struct Line {
    /// The session.
    session_id: SessionId,
    /// The conversation that it is part of.
    thread_id: ThreadId,
    /// Where it stands.
    status: SessionStatus,
    /// The beginning of its prompt.
    #[schemars(length(max = 200))]
    prompt: String,
    /// When it was started, in Unix seconds.
    created_at: UnixSeconds,
    /// When clients last saw something of it, in Unix seconds.
    updated_at: UnixSeconds,
    /// The id of its last event.
    last_event_id: EventId,
}

impl From<SessionSummary> for Line {
    fn from(session: SessionSummary) -> Self {
        let SessionMeta { session_id, thread_id, prompt, created_at_ms, .. } =
            session.meta.listed();
        Self {
            session_id,
            thread_id,
            status: session.status,
            prompt,
            created_at: created_at_ms.second(),
            updated_at: session.updated_at,
            last_event_id: session.last_event,
        }
    }
}

/// One session in full.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SessionDetail")]
pub(super) struct Full {
    #[serde(flatten)]
    line: Line,
    /// Where its run is.
    node: Node,
    /// The plan so far.
    plan: Vec<Step>,
    /// What a person is asked now.
    pending_approvals: Vec<ApprovalRequest>,
    /// The latest request for approval, decided or not.
    hitl_request_id: Option<RequestId>,
    /// Tokens so far.
    usage: Usage,
}

impl From<SessionDetail> for Full {
    fn from(detail: SessionDetail) -> Self {
        let SessionDetail { summary, node, plan, pending, latest_request, usage } = detail;
        Self {
            line: summary.into(),
            node,
            plan: plan.into_iter().map(Step::from).collect(),
            pending_approvals: pending,
            hitl_request_id: latest_request,
            usage,
        }
    }
}

/// A step of a plan, with the names that `plan_step` has besides.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SessionPlanStep")]
struct Step {
    #[serde(flatten)]
    step: PlanStep,
    /// The same as `stepId`.
    id: StepId,
    /// The same as `description`.
    content: String,
}

impl From<PlanStep> for Step {
    fn from(step: PlanStep) -> Self {
        Self { id: step.step_id.clone(), content: step.description.clone(), step }
    }
}

/// Where a session stands that was to be cancelled.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "CancelResult")]
pub(super) struct Cancelled {
    /// The session.
    session_id: SessionId,
    /// Where it stands: `cancelled`, unless something of it has to come to its end first, or it was over
    /// before.
    status: SessionStatus,
}

/// `GET /aura/sessions`: the caller's own, newest first.
pub async fn list(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = params.limit(PAGE, PAGE_MAX)?;
    let before = match params.first_of(&["before"]) {
        Some(id) => Some(known(&http, &caller, id).await?),
        None => None,
    };
    let (sessions, next) = http.service.sessions(&caller, before.as_ref(), limit).await?;
    let sessions = sessions.into_iter().map(Line::from).collect();
    Ok(envelope::success(&*http.clock, "Sessions retrieved", Page { sessions, next }))
}

/// `GET /aura/sessions/{sessionId}`: one session in full.
pub async fn show(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(id): PathId,
) -> Result<Response, ApiError> {
    let meta = own(&http, &caller, &id).await?;
    let detail = http.service.detail(meta).await?;
    let detail = detail.ok_or_else(|| ApiError::not_found("session"))?;
    Ok(envelope::success(&*http.clock, "Session retrieved", Full::from(detail)))
}

/// `POST /aura/sessions/{sessionId}/cancel`.
pub async fn cancel(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(id): PathId,
) -> Result<Response, ApiError> {
    let meta = own(&http, &caller, &id).await?;
    let cancelled = http.service.cancel(&meta.session_id).await;
    cancel_answer(&http, meta.session_id, cancelled)
}

/// What is said to whoever wants a run to stop.
pub(super) fn cancel_answer(
    http: &Shared,
    session_id: SessionId,
    cancelled: Result<SessionStatus, CancelError>,
) -> Result<Response, ApiError> {
    let data = |status| Cancelled { session_id, status };
    match cancelled {
        Ok(status) => {
            let message = match status {
                SessionStatus::Cancelled => "Session cancelled",
                // Whoever looks after it has not been heard of.
                SessionStatus::WaitingApproval => "Session will be cancelled",
                SessionStatus::Running
                | SessionStatus::Completed
                | SessionStatus::Failed
                | SessionStatus::Rejected => "Session will be cancelled once its tool has finished",
            };
            Ok(envelope::success(&*http.clock, message, data(status)))
        }
        Err(CancelError::Over(status)) => {
            let body = envelope::success(&*http.clock, "Session is already over", data(status));
            Ok((StatusCode::CONFLICT, body).into_response())
        }
        Err(CancelError::Store(error)) => Err(error.into()),
    }
}

/// The caller's own session of that id; to everybody else it does not exist.
pub async fn own(http: &Shared, caller: &Caller, id: &str) -> Result<SessionMeta, ApiError> {
    let missing = || ApiError::not_found("session");
    let id = SessionId::parse(id).ok_or_else(missing)?;
    http.service.session(caller, &id).await?.ok_or_else(missing)
}

/// The caller's own session of that id, also if its journal has expired.
async fn known(http: &Shared, caller: &Caller, id: &str) -> Result<SessionMeta, ApiError> {
    let missing = || ApiError::not_found("session");
    let id = SessionId::parse(id).ok_or_else(missing)?;
    http.service.known_session(caller, &id).await?.ok_or_else(missing)
}
