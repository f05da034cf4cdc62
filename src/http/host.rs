//! Every HTTP/1.1 request must name exactly one host (RFC 9112, section 3.2). A server that reads the host
//! differently from the proxy before it can be made to answer for another one.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Version, header};

use super::error::ApiError;

/// Refuses a request with several `Host` headers, and one of HTTP/1.1 without any.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let names_one = hosts == 1 || hosts == 0 && request.version() < Version::HTTP_11;
    if names_one {
        next.run(request).await
    } else {
        ApiError::malformed("Host: must be there exactly once").into_response()
    }
}
