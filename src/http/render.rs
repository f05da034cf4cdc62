//! The body of every refusal: an event stream for those who read streams, JSON for the rest.

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};

use super::body_watch::BodyRead;
use super::error::ApiError;
use super::request_log::Trace;
use super::{Shared, envelope};
use crate::domain::event::ErrorEvent;
use crate::domain::{Clock, EventId, SessionId};
use crate::sse::frame::{self, Form};

/// The header that says which session a stream is of.
pub const SESSION_ID: &str = "x-session-id";

/// Gives every fault its body (contract, section 4.1: errors before the stream starts).
pub async fn faults(State(http): State<Shared>, request: Request, next: Next) -> Response {
    let wants = Wants::of(&request);
    let trace = request.extensions().get::<Trace>().map(|trace| trace.trace_id.clone());
    let (request, body) = BodyRead::watch(request);
    let mut response = next.run(request).await;
    let Some(fault) = response.extensions_mut().remove::<ApiError>() else { return response };
    let (head, _) = response.into_parts();
    let mut rendered = match wants {
        Wants::Json => {
            let trace = trace.unwrap_or_default();
            envelope::json(&envelope::error(&*http.clock, &fault, &trace))
        }
        Wants::Stream(form) => {
            let event = fault.event(http.config.language);
            stream_of(&event, &*http.clock, form)
        }
    };
    *rendered.status_mut() = head.status;
    for (name, value) in &head.headers {
        if name != header::CONTENT_LENGTH {
            rendered.headers_mut().insert(name, value.clone());
        }
    }
    if !body.to_the_end() {
        // Unless it is told, a client sends its next request where nobody will read it.
        rendered.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    rendered
}

/// What the client reads.
enum Wants {
    Json,
    Stream(Form),
}

impl Wants {
    fn of(request: &Request) -> Self {
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        // Its clients know events of their own only, and show a JSON body of any other status.
        if path == Some("/aura/ag-ui") {
            return Self::Json;
        }
        let is_stream = path.is_some_and(|path| path.ends_with("/stream"));
        let accept = Accept::of(request.headers());
        if (is_stream && !accept.only_json) || accept.stream {
            Self::Stream(form_of(request.method(), request.uri().path()))
        } else {
            Self::Json
        }
    }
}

/// GET of the stream route speaks the enveloped form (contract, section 4.3); joining does not.
fn form_of(method: &Method, path: &str) -> Form {
    if method == Method::GET && path == "/aura/test/stream" { Form::Enveloped } else { Form::Flat }
}

struct Accept {
    stream: bool,
    only_json: bool,
}

impl Accept {
    fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT);
        let has = |media: &str| {
            values
                .iter()
                .filter_map(|value| value.to_str().ok())
                .any(|value| value.split(',').any(|item| is_wanted(item, media)))
        };
        let stream = has("text/event-stream");
        Self { stream, only_json: has("application/json") && !stream }
    }
}

/// Whether an item of `Accept` names this media type, and not as unwanted (`q=0`).
fn is_wanted(item: &str, media: &str) -> bool {
    let mut parts = item.split(';').map(str::trim);
    let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(media));
    let is_zero = |parameter: &str| {
        let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
        value.and_then(|value| value.parse::<f32>().ok()).is_some_and(|weight| weight <= 0.0)
    };
    is_named && !parts.any(is_zero)
}

fn stream_of(error: &ErrorEvent, clock: &dyn Clock, form: Form) -> Response {
    let frames = closing_frames(error, None, clock, (ids_after(EventId::ZERO, clock), form));
    let mut response = Response::new(Body::from(frames.concat()));
    set_stream_headers(response.headers_mut());
    response
}

/// An error that belongs to no journal, and a trailer.
pub fn closing_frames(
    error: &ErrorEvent,
    session: Option<&SessionId>,
    clock: &dyn Clock,
    ([id, trailer], form): ([EventId; 2], Form),
) -> [Bytes; 2] {
    let payload = error.payload(session, clock.now().second());
    [frame::event(id, ErrorEvent::KIND, &payload, form), frame::done(trailer)]
}

/// Ids for [`closing_frames`], where nothing more will follow `last`.
pub fn ids_after(last: EventId, clock: &dyn Clock) -> [EventId; 2] {
    let now = clock.now();
    let id = last.next(now);
    [id, id.next(now)]
}

/// The headers of every stream (contract, section 4.1).
pub fn set_stream_headers(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
}
