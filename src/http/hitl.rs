//! Approvals over REST (contract, section 5.4).

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;

use super::auth::Authenticated;
use super::body::Fields;
use super::error::ApiError;
use super::extract::PathId;
use super::{Shared, envelope};
use crate::agent::{Review, ReviewOutcome};
use crate::domain::approval::ToldRequest;
use crate::domain::signal::{PublishedSignal, reason_of};
use crate::domain::{Caller, Decision, RequestId, SessionId, Verdict};

/// A request for approval: a JSON text.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct StoredRequest(
    #[schemars(schema_with = "json_text::<ToldRequest<'static>>")] String,
);

/// The last signal of a session: a JSON text, as whoever published it has written it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct StoredSignal(#[schemars(schema_with = "json_text::<PublishedSignal>")] String);

fn json_text<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": generator.subschema_for::<T>(),
    })
}

/// What came of an answer to a request for approval.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "ReviewResult")]
pub(super) enum Answered {
    /// It counted as one of several that are needed.
    Endorsed(Endorsed),
    /// It changed the arguments, and another person is asked about those.
    Superseded(Superseded),
    /// The request is decided.
    Decided(Decided),
}

/// A yes that counts as one of several that are needed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Endorsed {
    /// The request.
    request_id: RequestId,
    /// The session that waits.
    session_id: SessionId,
    status: Pending,
    /// How many have approved.
    approvals: usize,
    /// How many have to.
    approvals_needed: usize,
}

/// Changed arguments, about which another person is asked.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Superseded {
    /// The request that asks about the changed arguments.
    request_id: RequestId,
    /// The session that waits.
    session_id: SessionId,
    status: Pending,
    /// The request that was answered.
    supersedes: RequestId,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Pending {
    Pending,
}

/// The decision that stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "StandingDecision")]
pub(super) struct Decided {
    /// The request.
    request_id: RequestId,
    /// Its session.
    session_id: SessionId,
    /// How the request ended.
    status: Verdict,
    /// Why, where there is a reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The request that asks about changed arguments instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_by: Option<RequestId>,
}

/// `GET /aura/hitl/requests/{requestId}`: the stored request, as a JSON string.
pub async fn request(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(id): PathId,
) -> Result<Response, ApiError> {
    let request = http.service.request(&caller, &request_id(&id)?).await?;
    Ok(envelope::success(&*http.clock, "Approval request retrieved", StoredRequest(request)))
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
    Ok(envelope::success(&*http.clock, "Signal retrieved", StoredSignal(signal)))
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
    approved(&http, &caller, &id, &fields).await
}

/// A yes to a request, which may change the arguments.
pub(super) async fn approved(
    http: &Shared,
    caller: &Caller,
    id: &str,
    fields: &Fields,
) -> Result<Response, ApiError> {
    check_user(fields, caller)?;
    let id = request_id(id)?;
    let review = Review { verdict: Verdict::Approved, reason: None, args: args(fields)? };
    let outcome = http.service.decide(caller, &id, review).await?;
    Ok(answer(http, &id, outcome, "Request approved successfully"))
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
    rejected(&http, &caller, &id, &fields).await
}

/// A no to a request.
pub(super) async fn rejected(
    http: &Shared,
    caller: &Caller,
    id: &str,
    fields: &Fields,
) -> Result<Response, ApiError> {
    check_user(fields, caller)?;
    let reason = fields.text("reason")?.and_then(reason_of);
    let reason = Some(reason.unwrap_or_else(|| "User rejected".to_owned()));
    let id = request_id(id)?;
    let review = Review { verdict: Verdict::Rejected, reason, args: None };
    let outcome = http.service.decide(caller, &id, review).await?;
    Ok(answer(http, &id, outcome, "Request rejected"))
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
fn answer(http: &Shared, id: &RequestId, outcome: ReviewOutcome, message: &str) -> Response {
    let clock = &*http.clock;
    let (request_id, status) = (id.clone(), Pending::Pending);
    match outcome {
        ReviewOutcome::Endorsed { session: session_id, given, needed } => {
            let message = format!("Approval recorded: {given} of {needed}");
            let (approvals, approvals_needed) = (given, needed);
            let data = Endorsed { request_id, session_id, status, approvals, approvals_needed };
            envelope::success(clock, &message, Answered::Endorsed(data))
        }
        ReviewOutcome::Superseded { session: session_id, next } => {
            let message = "Arguments changed: another person has to approve them";
            let data = Superseded { request_id: next, session_id, status, supersedes: request_id };
            envelope::success(clock, message, Answered::Superseded(data))
        }
        ReviewOutcome::Decided { session: session_id, decision, won } => {
            let Decision { verdict: status, reason, superseded_by, .. } = decision;
            let data = Decided { request_id, session_id, status, reason, superseded_by };
            if won {
                return envelope::success(clock, message, Answered::Decided(data));
            }
            let message = "Request was already processed (idempotent)";
            (StatusCode::CONFLICT, envelope::success(clock, message, data)).into_response()
        }
    }
}
