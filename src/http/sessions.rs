//! Sessions over REST (contract, section 5.5).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::auth::Authenticated;
use super::error::ApiError;
use super::extract::{Params, PathId};
use super::{Shared, envelope};
use crate::agent::{CancelError, SessionDetail, SessionSummary};
use crate::domain::plan::PlanStep;
use crate::domain::{Caller, SessionId, SessionMeta, SessionStatus};

/// How many sessions a page has, unless the caller says.
const PAGE: usize = 20;
/// How many it may have at most.
const PAGE_MAX: usize = 100;

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
    let lines: Vec<Value> = sessions.iter().map(line).collect();
    let data = json!({ "sessions": lines, "next": next });
    Ok(envelope::success(&*http.clock, "Sessions retrieved", data))
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
    Ok(envelope::success(&*http.clock, "Session retrieved", full(&detail)))
}

/// `POST /aura/sessions/{sessionId}/cancel`.
pub async fn cancel(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(id): PathId,
) -> Result<Response, ApiError> {
    let meta = own(&http, &caller, &id).await?;
    let data = |status| json!({ "sessionId": meta.session_id, "status": status });
    match http.service.cancel(&meta.session_id).await {
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

fn line(session: &SessionSummary) -> Value {
    let meta = &session.meta;
    json!({
        "sessionId": meta.session_id,
        "threadId": meta.thread_id,
        "status": session.status,
        "prompt": meta.listed().prompt,
        "createdAt": meta.created_at_ms.second(),
        "updatedAt": session.updated_at,
        "lastEventId": session.last_event,
    })
}

fn full(detail: &SessionDetail) -> Value {
    let mut data = line(&detail.summary);
    if let Some(fields) = data.as_object_mut() {
        fields.insert("node".into(), json!(detail.node));
        fields.insert("plan".into(), detail.plan.iter().map(step).collect());
        fields.insert("pendingApprovals".into(), json!(detail.pending));
        fields.insert("hitlRequestId".into(), json!(detail.latest_request));
        fields.insert("usage".into(), json!(detail.usage));
    }
    data
}

/// A step as `plan_step` shows it, aliases included.
fn step(step: &PlanStep) -> Value {
    let mut shown = json!(step);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("id".into(), json!(step.step_id));
        fields.insert("content".into(), json!(step.description));
    }
    shown
}
