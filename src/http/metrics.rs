//! What a Prometheus scrapes.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};

use super::Shared;
use super::accept::Accept;
use super::error::ApiError;
use crate::telemetry::metrics::TextFormat;

/// `GET /metrics`: every number of the process (`docs/METRICS.md`).
pub async fn show(State(http): State<Shared>, headers: HeaderMap) -> Result<Response, ApiError> {
    let format = wanted(&Accept::of(&headers));
    let text =
        http.metrics.render(http.service.load(), format).map_err(|_| ApiError::internal())?;
    let kind = HeaderValue::from_static(format.content_type());
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// OpenMetrics for those who ask for it, and would not rather have the other.
fn wanted(accept: &Accept<'_>) -> TextFormat {
    let weight = |format: TextFormat| accept.weight(format.media_type());
    let open_metrics = weight(TextFormat::OpenMetrics);
    match open_metrics > 0.0 && open_metrics >= weight(TextFormat::Prometheus) {
        true => TextFormat::OpenMetrics,
        false => TextFormat::Prometheus,
    }
}
