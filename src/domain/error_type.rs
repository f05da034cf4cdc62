//! The classes of errors that clients are told (contract, section 4.2: `errorType`).

use std::fmt;

use super::words::words;

words! {
    /// The class of an error, finer than its [code](super::ErrorCode).
    ///
    /// It is only ever written: stored events are replayed byte for byte, so the name of a class that an
    /// older or a newer process wrote never has to be one of these.
    pub enum ErrorType, name {
        /// Nobody said who is asking, or not in a way that can be believed.
        Authentication = "AuthenticationError",
        /// No tenant was named, or another one than the token's.
        Tenant = "TenantError",
        /// The caller may not do this.
        Authorization = "AuthorizationError",
        /// It is not there, or not for this caller.
        NotFound = "NotFoundError",
        /// The route does not take this method.
        Method = "MethodError",
        /// It was done already, or otherwise.
        Conflict = "ConflictError",
        /// The request is not as it has to be.
        Validation = "ValidationError",
        /// More was asked for than is allowed for now.
        RateLimit = "RateLimitError",
        /// An operator has stopped it for now.
        Held = "HoldError",
        /// Something failed inside.
        Internal = "InternalError",
        /// The store cannot be worked with now.
        Store = "StoreError",
        /// What the store holds cannot be read.
        StoreCorrupt = "StoreCorruptError",
        /// Events that the reader asked for have been cut from the log.
        Gap = "GapError",
        /// The store has lost the session.
        SessionLost = "SessionLostError",
        /// The run's servers were lost during one and the same step, again and again.
        RunLost = "RunLostError",
        /// The model cannot be reached, or not used now.
        ModelUnavailable = "ModelUnavailableError",
        /// The model takes no more requests for now.
        ModelRateLimit = "ModelRateLimitError",
        /// The model did not answer in time.
        ModelTimeout = "ModelTimeoutError",
        /// The model, or its provider, does not want to answer.
        ModelRefused = "ModelRefusedError",
        /// The model's answer broke off, or makes no sense.
        ModelStream = "ModelStreamError",
        /// The model answered with nothing.
        EmptyAnswer = "EmptyAnswerError",
        /// The model got the arguments of a tool wrong again and again.
        InvalidArguments = "InvalidArgumentsError",
        /// The run has asked the model as often as it may.
        StepBudget = "StepBudgetError",
        /// The tokens of the run, or of its tenant's day, are used up.
        TokenBudget = "TokenBudgetError",
        /// A person said no.
        Rejection = "RejectionError",
        /// Nobody answered in time.
        Timeout = "TimeoutError",
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
