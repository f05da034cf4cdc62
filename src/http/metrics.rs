//! What a Prometheus scrapes.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use super::Shared;
use super::error::ApiError;
use crate::telemetry::metrics::CONTENT_TYPE;

/// `GET /metrics`: every number of the process (`docs/METRICS.md`).
pub async fn show(State(http): State<Shared>) -> Result<Response, ApiError> {
    let text = http.metrics.render(http.service.load()).map_err(|_| ApiError::internal())?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}
