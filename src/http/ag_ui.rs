//! `POST /aura/ag-ui`: the AG-UI protocol, as a second rendering of the same journals (`docs/AG_UI.md`).
//!
//! [`input`] reads what is asked for, [`fold`] tells a journal in the protocol's events, [`frames`] hands
//! them out from wherever a client is. Everything else is that of the other streams.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde_json::Value;

use self::frames::{Frames, Seen};
use self::input::{Answer, RunInput, Wants};
use super::auth::Authenticated;
use super::body::Fields;
use super::error::ApiError;
use super::stream::{check_length, last_event, room_above, stream};
use super::{Shared, sessions};
use crate::agent::{StartRun, Started};
use crate::domain::{Caller, EventId, RequestId, SessionId, json};

mod calls;
mod event;
mod fold;
mod frames;
mod input;
mod spans;

/// Starts a run, joins it, or goes on with one that waits.
pub async fn post(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let input = RunInput::read(&Fields::read(&headers, body).await?)?;
    let (wanted, seen) = (input.wanted(), last_event(&headers, Seen::parse));
    // Before anything is done: there is to be nothing whose stream the client does not get.
    let reader = http.readers.open(&caller).await?;
    let session = match input.wants {
        Wants::Start { prompt, context, key } => {
            check_length("messages", &prompt, http.config.prompt_bytes)?;
            let above = seen.map_or(EventId::ZERO, |seen| room_above(seen.event));
            let (thread, key) = (Some(input.thread), Some(*key));
            started(&http, &caller, StartRun { prompt, context, thread, above, key }).await?
        }
        Wants::Resume(answers) => answered(&http, &caller, &answers).await?,
    };
    let frames = Frames::new(&session, wanted, seen);
    // From the first event: what a client is told of any depends on those before it.
    stream(&http, session, EventId::ZERO, frames, reader).await
}

/// The session of a run's id: the one that it has started, or a new one.
async fn started(http: &Shared, caller: &Caller, wanted: StartRun) -> Result<SessionId, ApiError> {
    match http.service.start(caller, wanted).await? {
        Started::New { session, .. } | Started::Before(session) => Ok(session),
    }
}

/// The session whose questions are answered. An answer to what is decided already changes nothing, and the
/// run goes on with what stands.
async fn answered(
    http: &Shared,
    caller: &Caller,
    answers: &[Answer],
) -> Result<SessionId, ApiError> {
    let mut found: Option<SessionId> = None;
    for answer in answers {
        let session = session_of(http, caller, &answer.request).await?;
        match &found {
            Some(other) if *other != session => {
                return Err(ApiError::invalid("resume", "the interrupts are of several runs"));
            }
            Some(_) | None => found = Some(session),
        }
    }
    for Answer { request, review } in answers {
        http.service.decide(caller, request, review.clone()).await?;
    }
    found.ok_or_else(|| ApiError::missing("resume"))
}

/// The caller's own session that has asked this.
async fn session_of(
    http: &Shared,
    caller: &Caller,
    request: &RequestId,
) -> Result<SessionId, ApiError> {
    let stored = http.service.request(caller, request).await?;
    let stored = json::read_document(stored.as_bytes()).map_err(|_| ApiError::internal())?;
    let session = stored.get("sessionId").and_then(Value::as_str).unwrap_or_default();
    Ok(sessions::own(http, caller, session).await?.session_id)
}
