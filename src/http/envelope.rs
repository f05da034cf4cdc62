//! The platform's JSON envelope (contract, section 5.4).

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use schemars::JsonSchema;
use serde::Serialize;

use super::error::ApiError;
use crate::domain::{Clock, ErrorCode, Language};

/// An answer of this service, with `data`, and words for people.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Response")]
pub struct ApiResponse<T> {
    /// Always the same, also with status 409.
    status: Success,
    /// What was done, in words.
    message: String,
    /// What was asked for.
    data: T,
    /// Always true.
    #[schemars(extend("const" = true))]
    success: bool,
    timestamp: LocalDateTime,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
enum Success {
    #[serde(rename = "SUCCESS")]
    Success,
}

/// A refusal. Which `errorCode`s can come with which status, and why, each operation says.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorResponse {
    /// Always the same.
    status: Failure,
    /// What the code means, in Korean; where an operator has stopped something, with the reason.
    message: String,
    /// The platform's code.
    error_code: ErrorCode,
    /// What exactly was wrong.
    detail: String,
    /// Always false.
    #[schemars(extend("const" = false))]
    success: bool,
    timestamp: LocalDateTime,
    /// The trace id of `traceparent` if that was sent, else the `X-Correlation-ID`.
    trace_id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
enum Failure {
    #[serde(rename = "ERROR")]
    Error,
}

/// When the answer was made: a date-time without a zone, in UTC, to the second.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"))]
struct LocalDateTime(String);

impl LocalDateTime {
    fn now(clock: &dyn Clock) -> Self {
        let at = clock.now().timestamp().unwrap_or(jiff::Timestamp::MAX);
        Self(at.strftime("%Y-%m-%dT%H:%M:%S").to_string())
    }
}

/// A success: `data`, and words for people.
pub fn success(clock: &dyn Clock, message: &str, data: impl Serialize) -> Response {
    json(&ApiResponse {
        status: Success::Success,
        message: message.to_owned(),
        data,
        success: true,
        timestamp: LocalDateTime::now(clock),
    })
}

/// A JSON document as an answer, with status 200.
pub fn json(document: &impl Serialize) -> Response {
    let body = match serde_json::to_vec(document) {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "request failed: the answer is no JSON");
            return ApiError::internal().into_response();
        }
    };
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// A refusal. `detail` says which field was wrong and why.
pub fn error(clock: &dyn Clock, error: &ApiError, trace_id: &str) -> ErrorResponse {
    ErrorResponse {
        status: Failure::Error,
        // Always these words, whatever language streams speak (contract, section 5.4).
        message: error.message(Language::Korean),
        error_code: error.code(),
        detail: error.detail().to_owned(),
        success: false,
        timestamp: LocalDateTime::now(clock),
        trace_id: trace_id.to_owned(),
    }
}
