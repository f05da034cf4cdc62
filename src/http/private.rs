//! What every answer says of itself: it is what it says it is, and nobody keeps it.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};

/// Said where nothing else is: a stream has a `Cache-Control` of its own.
const SAID: [(HeaderName, HeaderValue); 2] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Adds them to the answer.
pub(super) async fn keep(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in SAID {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}
