//! What is refused while all connections are taken: everything but health and metrics.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use super::error::ApiError;
use super::listen::Seat;

/// Lets a request through whose connection has, or now gets, one of the port's regular places.
pub(super) async fn refuse(request: Request, next: Next) -> Result<Response, ApiError> {
    match request.extensions().get::<Seat>() {
        Some(seat) if !seat.claim() => Err(ApiError::too_many_connections(seat.most())),
        Some(_) | None => Ok(next.run(request).await),
    }
}
