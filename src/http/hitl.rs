//! Approvals over REST (contract, section 5.4).

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::auth::Authenticated;
use super::body::Fields;
use super::error::ApiError;
use super::extract::PathId;
use super::{Shared, envelope};
use crate::agent::{Review, ReviewOutcome};
use crate::domain::signal::reason_of;
use crate::domain::{Caller, RequestId, SessionId, Verdict};

/// `GET /aura/hitl/requests/{requestId}`: the stored request, as a JSON string.
pub async fn request(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(id): PathId,
) -> Result<Response, ApiError> {
    let request = http.service.request(&caller, &request_id(&id)?).await?;
    Ok(envelope::success(&*http.clock, "Approval request retrieved", request))
}

/// `GET /aura/hitl/signals/{sessionId}`: the last signal, as a JSON string.
pub async fn signal(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(id): PathId,
) -> Result<Response, ApiError> {
    let session = SessionId::parse(&id).ok_or_else(|| ApiError::not_found("session"))?;
    let signal = http.service.signal(&caller, &session).await?;
    let signal = signal.ok_or_else(|| ApiError::not_found("signal"))?;
    Ok(envelope::success(&*http.clock, "Signal retrieved", signal))
}

/// `POST /aura/hitl/approve/{requestId}`.
pub async fn approve(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(id): PathId,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let fields = Fields::read(&headers, body).await?;
    check_user(&fields, &caller)?;
    let id = request_id(&id)?;
    let review = Review { verdict: Verdict::Approved, reason: None, args: args(&fields)? };
    let outcome = http.service.decide(&caller, &id, review).await?;
    Ok(answer(&http, &id, &outcome, "Request approved successfully"))
}

/// `POST /aura/hitl/reject/{requestId}`.
pub async fn reject(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(id): PathId,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let fields = Fields::read(&headers, body).await?;
    check_user(&fields, &caller)?;
    let reason = fields.text("reason")?.and_then(reason_of);
    let reason = Some(reason.unwrap_or_else(|| "User rejected".to_owned()));
    let id = request_id(&id)?;
    let review = Review { verdict: Verdict::Rejected, reason, args: None };
    let outcome = http.service.decide(&caller, &id, review).await?;
    Ok(answer(&http, &id, &outcome, "Request rejected"))
}

fn request_id(id: &str) -> Result<RequestId, ApiError> {
    RequestId::parse(id).ok_or_else(|| ApiError::not_found("request"))
}

fn check_user(fields: &Fields, caller: &Caller) -> Result<(), ApiError> {
    match fields.text("userId")? {
        Some(user) if user != caller.user.as_str() => {
            Err(ApiError::forbidden("userId is not the caller"))
        }
        Some(_) | None => Ok(()),
    }
}

/// The arguments that are to be used instead of those that were asked about.
fn args(fields: &Fields) -> Result<Option<Value>, ApiError> {
    match fields.value("args") {
        None | Some(Value::Null) => Ok(None),
        Some(args @ Value::Object(_)) => Ok(Some(args.clone())),
        Some(_) => Err(ApiError::invalid("args", "must be an object")),
    }
}

/// 200 for the review that decided, that is one of several needed, or that has another person asked
/// about changed arguments; 409 with the decision that stands for every other one.
fn answer(http: &Shared, id: &RequestId, outcome: &ReviewOutcome, message: &str) -> Response {
    match outcome {
        ReviewOutcome::Endorsed { session, given, needed } => {
            let data = json!({
                "requestId": id,
                "sessionId": session,
                "status": "pending",
                "approvals": given,
                "approvalsNeeded": needed,
            });
            let message = format!("Approval recorded: {given} of {needed}");
            envelope::success(&*http.clock, &message, data)
        }
        ReviewOutcome::Superseded { session, next } => {
            let data = json!({
                "requestId": next,
                "sessionId": session,
                "status": "pending",
                "supersedes": id,
            });
            let message = "Arguments changed: another person has to approve them";
            envelope::success(&*http.clock, message, data)
        }
        ReviewOutcome::Decided { session, decision, won } => {
            let mut data = json!({
                "requestId": id,
                "sessionId": session,
                "status": decision.verdict.word(),
            });
            if let (Some(reason), Some(fields)) = (&decision.reason, data.as_object_mut()) {
                fields.insert("reason".into(), reason.as_str().into());
            }
            if *won {
                return envelope::success(&*http.clock, message, data);
            }
            let message = "Request was already processed (idempotent)";
            let body = envelope::success(&*http.clock, message, data);
            (StatusCode::CONFLICT, body).into_response()
        }
    }
}
