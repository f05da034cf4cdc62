//! The body of every refusal: an event stream for those who read streams, JSON for the rest.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use super::accept::Accept;
use super::body_watch::BodyRead;
use super::error::ApiError;
use super::refusal_body::RefusalBody;
use super::request_log::Trace;
use super::{Route, Shared, envelope};
use crate::domain::event::ErrorEvent;
use crate::domain::{Clock, EventId, SessionId};
use crate::sse::frame::{self, Form};

/// The header that says which session a stream is of.
pub const SESSION_ID: &str = "x-session-id";

/// What gives faults their bodies.
pub struct Faults {
    http: Shared,
    /// By path.
    bodies: HashMap<&'static str, RefusalBody>,
}

impl Faults {
    /// As these routes say.
    pub(super) fn new(http: Shared, routes: &[Route]) -> Arc<Self> {
        let bodies = routes.iter().map(|route| (route.path, route.refusal_body)).collect();
        Arc::new(Self { http, bodies })
    }

    fn wanted(&self, request: &Request) -> Option<Form> {
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let body = path.and_then(|path| self.bodies.get(path)).copied();
        let accept = Accept::of(request.headers());
        body.unwrap_or(RefusalBody::Envelope).wanted(request.method(), &accept)
    }
}

/// Gives every fault its body.
pub async fn faults(State(faults): State<Arc<Faults>>, request: Request, next: Next) -> Response {
    let wanted = faults.wanted(&request);
    let trace = request.extensions().get::<Trace>().map(|trace| trace.trace_id.clone());
    let (request, body) = BodyRead::watch(request);
    let mut response = next.run(request).await;
    let Some(fault) = response.extensions_mut().remove::<ApiError>() else { return response };
    let (head, _) = response.into_parts();
    let http = &faults.http;
    let mut rendered = match wanted {
        None => {
            let trace = trace.unwrap_or_default();
            envelope::json(&envelope::error(&*http.clock, &fault, &trace))
        }
        Some(form) => {
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
