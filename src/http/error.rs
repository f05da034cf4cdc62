//! One table of faults: their status, code and class (contract, sections 2, 3 and 5.4).

use std::any::Any;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::agent::{DecisionError, StartError};
use crate::domain::event::ErrorEvent;
use crate::domain::{Allowance, ErrorCode, ErrorType, Full, Language};
use crate::store::StoreError;

/// When a client comes again that finds everything taken.
const BUSY: Duration = Duration::from_secs(5);

/// A refusal. The cause goes to the log; the client gets the code and, where it can do something
/// about it, what exactly was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    code: ErrorCode,
    status: StatusCode,
    kind: ErrorType,
    detail: String,
    retry_after_secs: Option<u32>,
    /// What is left of a rate, where that is the reason.
    allowance: Option<Allowance>,
    /// The methods that the route takes, where the router does not tell them itself.
    allowed: Option<&'static str>,
    /// What an operator says of it; it stands in the message too.
    told: Option<String>,
}

impl ApiError {
    fn new(code: ErrorCode, kind: ErrorType, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            code,
            status: status_of(code),
            kind,
            detail,
            retry_after_secs: None,
            allowance: None,
            allowed: None,
            told: None,
        }
    }

    /// Nobody said who is asking.
    pub fn unauthenticated(detail: &str) -> Self {
        Self::new(ErrorCode::Unauthenticated, ErrorType::Authentication, detail)
    }

    /// The token is not valid.
    pub fn token_invalid() -> Self {
        Self::new(ErrorCode::TokenInvalid, ErrorType::Authentication, "the token is not valid")
    }

    /// The token was valid once.
    pub fn token_expired() -> Self {
        Self::new(ErrorCode::TokenExpired, ErrorType::Authentication, "the token has expired")
    }

    /// No tenant was named.
    pub fn tenant_missing() -> Self {
        Self::new(ErrorCode::TenantMissing, ErrorType::Tenant, "X-Tenant-ID is missing or blank")
    }

    /// The tenant named is not the token's.
    pub fn tenant_mismatch() -> Self {
        let detail = "X-Tenant-ID is not the token's tenant_id";
        Self::new(ErrorCode::TenantMismatch, ErrorType::Tenant, detail)
    }

    /// The caller may not do this.
    pub fn forbidden(detail: &str) -> Self {
        Self::new(ErrorCode::Forbidden, ErrorType::Authorization, detail)
    }

    /// It is not there, or not for this caller.
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, ErrorType::NotFound, format!("no such {what}"))
    }

    /// The route does not take this method.
    pub fn method_not_allowed() -> Self {
        Self::new(
            ErrorCode::MethodNotAllowed,
            ErrorType::Method,
            "this route does not take this method",
        )
    }

    /// The route takes these methods, HEAD not among them.
    pub fn head_not_allowed(allowed: &'static str) -> Self {
        Self { allowed: Some(allowed), ..Self::method_not_allowed() }
    }

    /// A session was named with a prompt that is not its own.
    pub fn another_prompt() -> Self {
        let detail = "the session named was started with another prompt; \
                      go on with a conversation by thread_id";
        Self::new(ErrorCode::AlreadyProcessed, ErrorType::Conflict, detail)
    }

    /// An `Idempotency-Key` was used with another request.
    pub fn another_request() -> Self {
        let detail = "Idempotency-Key: it was used with another request; \
                      send that one again, or choose another key";
        Self::new(ErrorCode::AlreadyProcessed, ErrorType::Conflict, detail)
    }

    /// A `runId` of AG-UI was used with another input.
    pub fn another_run() -> Self {
        let detail = "runId: it was used with another prompt, conversation or page; \
                      send that again, or choose another runId";
        Self::new(ErrorCode::AlreadyProcessed, ErrorType::Conflict, detail)
    }

    /// A field has the wrong type or value.
    pub fn invalid(field: &str, wrong: &str) -> Self {
        let detail = format!("{field}: {wrong}");
        Self::new(ErrorCode::InvalidInput, ErrorType::Validation, detail)
    }

    /// A required field is missing.
    pub fn missing(field: &str) -> Self {
        let detail = format!("{field}: missing or blank");
        Self::new(ErrorCode::MissingField, ErrorType::Validation, detail)
    }

    /// The body cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::Malformed, ErrorType::Validation, detail)
    }

    /// The body is of another media type than JSON.
    pub fn media_type() -> Self {
        let detail = "the body must be application/json";
        let error = Self::new(ErrorCode::Malformed, ErrorType::Validation, detail);
        Self { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, ..error }
    }

    /// The body is larger than the Gateway would let through.
    pub fn too_large(limit: usize) -> Self {
        let detail = format!("the body is larger than {limit} bytes");
        let error = Self::new(ErrorCode::InvalidInput, ErrorType::Validation, detail);
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, ..error }
    }

    /// The body did not arrive in time.
    pub fn too_slow() -> Self {
        let detail = "the body did not arrive in time";
        let error = Self::new(ErrorCode::Malformed, ErrorType::Validation, detail);
        Self { status: StatusCode::REQUEST_TIMEOUT, ..error }
    }

    /// Something failed inside; the log says what.
    pub fn internal() -> Self {
        Self::new(ErrorCode::Internal, ErrorType::Internal, "internal error")
    }

    /// Too many of something for now.
    fn too_many(detail: String) -> Self {
        let error = Self::new(ErrorCode::LimitExceeded, ErrorType::RateLimit, detail);
        Self { retry_after_secs: Some(whole_secs(BUSY)), ..error }
    }

    /// Too often for now.
    fn too_often(allowance: Allowance, detail: String) -> Self {
        let wait = allowance.wait.map(whole_secs);
        Self { retry_after_secs: wait, allowance: Some(allowance), ..Self::too_many(detail) }
    }

    /// As many connections are open as may be.
    pub fn too_many_connections(most: usize) -> Self {
        Self::too_many(format!("this server has as many connections as it may ({most})"))
    }

    /// More runs, streams or requests than the caller may have, of whichever limit.
    pub fn too_often_for_now() -> Self {
        let allowance = Allowance { limit: 60, remaining: 0, whole_in: BUSY, wait: Some(BUSY) };
        Self::too_often(allowance, "more than the caller's limit".to_owned())
    }

    /// The store cannot be worked with now.
    pub fn store_unavailable() -> Self {
        Self::unavailable("the store cannot be reached")
    }

    /// An operator has stopped new runs (contract, section 5.7).
    pub fn runs_held(reason: &str) -> Self {
        let detail = format!("an operator has put new runs on hold: {reason}");
        let error = Self::new(ErrorCode::ExternalFailure, ErrorType::Held, detail);
        Self { told: Some(reason.to_owned()), ..error }
    }

    /// An operator has stopped the tool that a request is about (contract, section 5.7).
    pub fn tool_held(tool: &str, reason: &str) -> Self {
        let detail = format!("an operator has put {tool} on hold: {reason}");
        let error = Self::new(ErrorCode::AlreadyProcessed, ErrorType::Held, detail);
        Self { told: Some(reason.to_owned()), ..error }
    }

    /// A request cannot be decided for now; by then the poll of the process that has the run has come round.
    pub fn request_spoilt(detail: &str) -> Self {
        Self { retry_after_secs: Some(5), ..Self::unavailable(detail) }
    }

    /// This process cannot do it now.
    fn unavailable(detail: &str) -> Self {
        Self::new(ErrorCode::ExternalFailure, ErrorType::Store, detail)
    }

    /// The same, with one thing more that the client is to know.
    #[must_use]
    pub fn with_detail(self, more: &str) -> Self {
        Self { detail: format!("{}; {more}", self.detail), ..self }
    }

    /// The platform's code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What exactly was wrong.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What the code means, and what an operator says of it, in words for people.
    pub fn message(&self, language: Language) -> String {
        let words = language.sentences();
        match &self.told {
            Some(reason) => format!("{} ({reason})", words.of_code(self.code)),
            None => words.of_code(self.code).to_owned(),
        }
    }

    /// The same as an event, for readers of streams, in the language that people read there.
    pub fn event(&self, language: Language) -> ErrorEvent {
        // Nobody knows how long an operator keeps something stopped.
        let retryable = self.told.is_none()
            && (self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error());
        ErrorEvent {
            error: self.detail.clone(),
            error_type: self.kind,
            code: self.code,
            message: self.message(language),
            retryable,
        }
    }
}

/// A time in seconds, as headers tell it: whoever waits for that long has waited for long enough.
fn whole_secs(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

const fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Unauthenticated | ErrorCode::TokenExpired | ErrorCode::TokenInvalid => {
            StatusCode::UNAUTHORIZED
        }
        ErrorCode::Forbidden | ErrorCode::TenantMismatch => StatusCode::FORBIDDEN,
        ErrorCode::TenantMissing
        | ErrorCode::InvalidInput
        | ErrorCode::MissingField
        | ErrorCode::Malformed => StatusCode::BAD_REQUEST,
        ErrorCode::AlreadyProcessed => StatusCode::CONFLICT,
        ErrorCode::LimitExceeded => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::ExternalFailure => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::ExternalTimeout => StatusCode::GATEWAY_TIMEOUT,
    }
}

/// The body is made later, by [`super::render`], which knows what the client reads.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(allowed) = self.allowed {
            headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
        if let Some(secs) = self.retry_after_secs {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        if let Some(allowance) = self.allowance {
            let reset = whole_secs(allowance.whole_in);
            headers.insert("ratelimit-limit", HeaderValue::from(allowance.limit));
            headers.insert("ratelimit-remaining", HeaderValue::from(allowance.remaining));
            headers.insert("ratelimit-reset", HeaderValue::from(reset));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(cause) => {
                tracing::warn!(cause, "request refused: the store is away");
                Self::store_unavailable()
            }
            error @ StoreError::Contended(_) => {
                tracing::warn!(%error, "request refused: the store did not get it done");
                Self::unavailable("the store is busy with this; try again")
            }
            error @ (StoreError::Corrupt(_)
            | StoreError::Truncated(_)
            | StoreError::Rejected(_)) => {
                tracing::error!(%error, "request failed: the store cannot do it");
                Self::internal()
            }
        }
    }
}

impl From<StartError> for ApiError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::TooOften(allowance) => Self::too_often(allowance, error.to_string()),
            StartError::Held { reason } => Self::runs_held(&reason),
            StartError::Full(full) => full.into(),
            StartError::TooMany(_) => Self::too_many(error.to_string()),
            StartError::Stopping => Self::unavailable("this server is shutting down"),
            StartError::StoreFull(_) => Self::unavailable(&error.to_string()),
            StartError::TaskFailed => Self::internal(),
            StartError::Withdrawn => Self::unavailable(&error.to_string()),
            StartError::AnotherRequest => Self::another_request(),
            StartError::Store(error) => error.into(),
        }
    }
}

impl From<Full> for ApiError {
    /// How long it stays so nobody knows: it is asked again after the usual time.
    fn from(full: Full) -> Self {
        let (limit, whole_in) = (full.limit.get(), BUSY);
        let allowance = Allowance { limit, remaining: 0, whole_in, wait: Some(BUSY) };
        Self::too_often(allowance, full.to_string())
    }
}

impl From<DecisionError> for ApiError {
    fn from(error: DecisionError) -> Self {
        match error {
            DecisionError::NotFound => Self::not_found("request"),
            error @ DecisionError::NotAnApprover { .. } => Self::forbidden(&error.to_string()),
            DecisionError::Held { tool, reason } => Self::tool_held(&tool, &reason),
            error @ (DecisionError::Spoilt | DecisionError::NotYetAsked) => {
                Self::request_spoilt(&error.to_string())
            }
            DecisionError::BadArguments(wrong) => Self::invalid("args", &wrong),
            DecisionError::TaskFailed => Self::internal(),
            DecisionError::Store(error) => error.into(),
        }
    }
}

/// Why a stream ends without the end of its run: nothing more can come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CutShort {
    /// Its reader asked for what has been cut; why, in words.
    Gap(String),
    /// The journal is gone for good.
    Gone,
}

impl CutShort {
    /// What the reader is told, in the language that people read on streams.
    pub fn event(self, language: Language) -> ErrorEvent {
        let (error, error_type) = match self {
            Self::Gap(why) => (why, ErrorType::Gap),
            Self::Gone => (
                "the store has lost this session: nothing more will come of it".to_owned(),
                ErrorType::SessionLost,
            ),
        };
        let code = ErrorCode::NotFound;
        let message = language.sentences().of_code(code).to_owned();
        ErrorEvent { error, error_type, code, message, retryable: false }
    }
}

/// The answer to a path that is in no line of the table.
pub async fn no_such_route() -> ApiError {
    ApiError::not_found("route")
}

/// The answer to a method that a route does not take.
pub async fn no_such_method() -> ApiError {
    ApiError::method_not_allowed()
}

/// A handler panicked: the client learns no more than that.
pub fn from_panic(_cause: Box<dyn Any + Send>) -> Response {
    tracing::error!("request handler panicked");
    ApiError::internal().into_response()
}
