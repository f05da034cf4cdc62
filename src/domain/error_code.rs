//! The platform's error codes (contract, section 5.4). Their words are among the
//! [sentences](super::sentences), status codes are `http`'s.

/// One of the platform's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// Something failed inside.
    Internal,
    /// The route does not take this method.
    MethodNotAllowed,
    /// It is not there, or not for this caller.
    NotFound,
    /// Nobody said who is asking.
    Unauthenticated,
    /// The caller may not do this.
    Forbidden,
    /// The token was valid once.
    TokenExpired,
    /// The token is not valid.
    TokenInvalid,
    /// No tenant was named.
    TenantMissing,
    /// The tenant named is not the token's.
    TenantMismatch,
    /// It was done already, or otherwise.
    AlreadyProcessed,
    /// A field has the wrong type or value.
    InvalidInput,
    /// A required field is missing.
    MissingField,
    /// The body cannot be read at all.
    Malformed,
    /// More was asked for than is allowed.
    LimitExceeded,
    /// Something that this service needs failed.
    ExternalFailure,
    /// Something that this service needs did not answer in time.
    ExternalTimeout,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Internal,
        Self::MethodNotAllowed,
        Self::NotFound,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::TokenExpired,
        Self::TokenInvalid,
        Self::TenantMissing,
        Self::TenantMismatch,
        Self::AlreadyProcessed,
        Self::InvalidInput,
        Self::MissingField,
        Self::Malformed,
        Self::LimitExceeded,
        Self::ExternalFailure,
        Self::ExternalTimeout,
    ];

    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Internal => "E1000",
            Self::MethodNotAllowed => "E1002",
            Self::NotFound => "E1004",
            Self::Unauthenticated => "E2000",
            Self::Forbidden => "E2001",
            Self::TokenExpired => "E2002",
            Self::TokenInvalid => "E2003",
            Self::TenantMissing => "E2006",
            Self::TenantMismatch => "E2007",
            Self::AlreadyProcessed => "E3006",
            Self::InvalidInput => "E4000",
            Self::MissingField => "E4001",
            Self::Malformed => "E4002",
            Self::LimitExceeded => "E4290",
            Self::ExternalFailure => "E5000",
            Self::ExternalTimeout => "E5001",
        }
    }
}
