//! Calls of web pages from other origins (CORS; contract, section 2).
//!
//! The layer of `tower-http` is not used: it answers every OPTIONS request itself, with 200 and before
//! the guard, also those of foreign origins and those that are no preflight at all.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::Shared;
use crate::origin::AllowedOrigin;

/// The methods of the contract's routes.
const METHODS: &str = "GET, HEAD, POST, PUT, DELETE";
/// What pages may send: the headers of the contract, and those of an event stream's request.
const REQUEST_HEADERS: &str = "Accept, Authorization, Cache-Control, Content-Type, Idempotency-Key, \
    Last-Event-ID, traceparent, X-Agent-ID, X-Correlation-ID, X-DWP-Caller-Type, X-DWP-Source, \
    X-Gateway-Request-Id, X-Session-ID, X-Tenant-ID, X-Trace-ID, X-User-ID";
/// What pages may read, besides what they always may.
const RESPONSE_HEADERS: &str = "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, \
                                X-Correlation-ID, X-Session-ID";
/// Seconds for which a browser may remember the answer to a preflight.
const MAX_AGE: &str = "600";

/// The pages that may call this service from a browser.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<AllowedOrigin>);

impl Origins {
    /// The pages of these origins, and no others.
    pub fn new(allowed: Vec<AllowedOrigin>) -> Self {
        Self(allowed)
    }

    /// The origin of the page that calls, if it may.
    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut sent = headers.get_all(header::ORIGIN).iter();
        let (Some(origin), None) = (sent.next(), sent.next()) else { return None };
        let text = origin.to_str().ok()?;
        self.0.iter().any(|allowed| allowed.covers(text)).then(|| origin.clone())
    }
}

/// Answers preflights from allowed origins, without a token, and lets their pages read every answer,
/// refusals included. For everybody else nothing changes.
pub async fn share(State(http): State<Shared>, request: Request, next: Next) -> Response {
    let origins = &http.config.origins;
    if origins.0.is_empty() {
        return next.run(request).await;
    }
    let origin = origins.allowed(request.headers());
    let mut response = match origin {
        Some(_) if is_preflight(&request) => preflight(),
        Some(_) | None => next.run(request).await,
    };
    let headers = response.headers_mut();
    // Also where the origin is not allowed: a cache must not serve that answer to one that is.
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let readable = HeaderValue::from_static(RESPONSE_HEADERS);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, readable);
    }
    response
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
