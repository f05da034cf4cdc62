//! The classes of errors that clients are told (contract, section 4.2: `errorType`).

use std::fmt;

use serde::{Serialize, Serializer};

/// The class of an error, finer than its [code](super::ErrorCode).
///
/// It is only ever written: stored events are replayed byte for byte, so the name of a class that an
/// older or a newer process wrote never has to be one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorType {
    /// Nobody said who is asking, or not in a way that can be believed.
    Authentication,
    /// No tenant was named, or another one than the token's.
    Tenant,
    /// The caller may not do this.
    Authorization,
    /// It is not there, or not for this caller.
    NotFound,
    /// The route does not take this method.
    Method,
    /// It was done already, or otherwise.
    Conflict,
    /// The request is not as it has to be.
    Validation,
    /// More was asked for than is allowed for now.
    RateLimit,
    /// Something failed inside.
    Internal,
    /// The store cannot be worked with now.
    Store,
    /// What the store holds cannot be read.
    StoreCorrupt,
    /// Events that the reader asked for have been cut from the log.
    Gap,
    /// The store has lost the session.
    SessionLost,
    /// The run's servers were lost during one and the same step, again and again.
    RunLost,
    /// The model cannot be reached, or not used now.
    ModelUnavailable,
    /// The model takes no more requests for now.
    ModelRateLimit,
    /// The model did not answer in time.
    ModelTimeout,
    /// The model, or its provider, does not want to answer.
    ModelRefused,
    /// The model's answer broke off, or makes no sense.
    ModelStream,
    /// The model answered with nothing.
    EmptyAnswer,
    /// The model got the arguments of a tool wrong again and again.
    InvalidArguments,
    /// The run has asked the model as often as it may.
    StepBudget,
    /// The tokens of the run, or of its tenant's day, are used up.
    TokenBudget,
    /// A person said no.
    Rejection,
    /// Nobody answered in time.
    Timeout,
}

impl ErrorType {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authentication => "AuthenticationError",
            Self::Tenant => "TenantError",
            Self::Authorization => "AuthorizationError",
            Self::NotFound => "NotFoundError",
            Self::Method => "MethodError",
            Self::Conflict => "ConflictError",
            Self::Validation => "ValidationError",
            Self::RateLimit => "RateLimitError",
            Self::Internal => "InternalError",
            Self::Store => "StoreError",
            Self::StoreCorrupt => "StoreCorruptError",
            Self::Gap => "GapError",
            Self::SessionLost => "SessionLostError",
            Self::RunLost => "RunLostError",
            Self::ModelUnavailable => "ModelUnavailableError",
            Self::ModelRateLimit => "ModelRateLimitError",
            Self::ModelTimeout => "ModelTimeoutError",
            Self::ModelRefused => "ModelRefusedError",
            Self::ModelStream => "ModelStreamError",
            Self::EmptyAnswer => "EmptyAnswerError",
            Self::InvalidArguments => "InvalidArgumentsError",
            Self::StepBudget => "StepBudgetError",
            Self::TokenBudget => "TokenBudgetError",
            Self::Rejection => "RejectionError",
            Self::Timeout => "TimeoutError",
        }
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for ErrorType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
