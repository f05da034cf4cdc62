//! `POST /aura/ag-ui`: the AG-UI protocol, as a second rendering of the same journals (`docs/AG_UI.md`).
//!
//! [`input`] reads what is asked for, [`answers`] decides what was asked, [`fold`] tells a journal in the protocol's events, [`frames`] hands
//! them out from wherever a client is. Everything else is that of the other streams.

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::HeaderMap;

pub(super) use self::event::Stamped;
use self::frames::{Frames, Seen};
use self::input::{RunInput, Wants};
use super::Shared;
use super::auth::Authenticated;
use super::body::Fields;
use super::error::ApiError;
use super::request_log::Trace;
use super::stream::{check_length, has_room_above, last_event, stream};
use crate::agent::{StartError, StartRun, Started};
use crate::domain::{Caller, EventId, SessionId};

mod answers;
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
    Extension(trace): Extension<Trace>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let input = RunInput::read(&Fields::read(&headers, body).await?)?;
    let wanted = input.wanted();
    let seen = last_event(&headers, Seen::parse).filter(|seen| has_room_above(seen.event));
    // Opened first: if the client cannot have a stream, nothing is started or decided either.
    let reader = http.readers.open(&caller).await?;
    let session = match input.wants {
        Wants::Start { prompt, context, key } => {
            check_length("messages", &prompt, http.config.prompt_bytes)?;
            let above = seen.map_or(EventId::ZERO, |seen| seen.event);
            let (thread, key, trace) = (Some(input.thread), Some(*key), trace.of_run);
            let wanted = StartRun { prompt, context, thread, above, key, trace };
            started(&http, &caller, wanted).await?
        }
        Wants::Resume(answers) => answers::take(&http, &caller, &answers).await?,
    };
    let frames = Frames::new(&session, wanted, seen);
    // From the first event: how an event is told depends on those before it.
    stream(&http, session, EventId::ZERO, frames, reader).await
}

/// The session of a run's id: the one that it has started, or a new one.
async fn started(http: &Shared, caller: &Caller, wanted: StartRun) -> Result<SessionId, ApiError> {
    match http.service.start(caller, wanted).await {
        Ok(Started::New { session, .. } | Started::Before(session)) => Ok(session),
        Err(StartError::AnotherRequest) => Err(ApiError::another_run()),
        Err(error) => Err(error.into()),
    }
}
