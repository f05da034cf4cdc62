//! Headers of every answer but a stream: its type is not to be guessed, and nobody is to cache it.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};

/// Said where nothing else is.
const SAID: [(HeaderName, HeaderValue); 2] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Adds them to the answer. The head of a stream is the contract's, to the byte.
pub(super) async fn keep(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream") {
        return response;
    }
    for (name, value) in SAID {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}
