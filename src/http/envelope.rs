//! The platform's JSON envelope (contract, section 5.4).

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use serde::Serialize;
use serde_json::{Value, json};

use super::error::ApiError;
use crate::domain::{Clock, Language};

/// A success: `data`, and words for people.
pub fn success(clock: &dyn Clock, message: &str, data: impl Serialize) -> Response {
    let body = json!({
        "status": "SUCCESS",
        "message": message,
        "data": data,
        "success": true,
        "timestamp": local_date_time(clock),
    });
    json(&body)
}

/// A JSON document as an answer, with status 200.
pub fn json(document: &Value) -> Response {
    let mut response = Response::new(Body::from(document.to_string()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// A refusal. `detail` says which field was wrong and why.
pub fn error(clock: &dyn Clock, error: &ApiError, trace_id: &str) -> Value {
    json!({
        "status": "ERROR",
        // Always these words, whatever language streams speak (contract, section 5.4).
        "message": Language::Korean.sentences().of_code(error.code()),
        "errorCode": error.code().code(),
        "detail": error.detail(),
        "success": false,
        "timestamp": local_date_time(clock),
        "traceId": trace_id,
    })
}

/// A date-time without a zone, in UTC, to the second.
fn local_date_time(clock: &dyn Clock) -> String {
    let at = clock.now().timestamp().unwrap_or(jiff::Timestamp::MAX);
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}
