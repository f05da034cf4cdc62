//! The platform's error codes (contract, section 5.4). Their words are among the
//! [sentences](super::sentences), status codes are `http`'s.

use super::words::words;

words! {
    /// One of the platform's codes.
    pub enum ErrorCode, code {
        /// Something failed inside.
        Internal = "E1000",
        /// The route does not take this method.
        MethodNotAllowed = "E1002",
        /// It is not there, or not for this caller.
        NotFound = "E1004",
        /// Nobody said who is asking.
        Unauthenticated = "E2000",
        /// The caller may not do this.
        Forbidden = "E2001",
        /// The token was valid once.
        TokenExpired = "E2002",
        /// The token is not valid.
        TokenInvalid = "E2003",
        /// No tenant was named.
        TenantMissing = "E2006",
        /// The tenant named is not the token's.
        TenantMismatch = "E2007",
        /// It was done already, or otherwise.
        AlreadyProcessed = "E3006",
        /// A field has the wrong type or value.
        InvalidInput = "E4000",
        /// A required field is missing.
        MissingField = "E4001",
        /// The body cannot be read at all.
        Malformed = "E4002",
        /// More was asked for than is allowed.
        LimitExceeded = "E4290",
        /// Something that this service needs failed.
        ExternalFailure = "E5000",
        /// Something that this service needs did not answer in time.
        ExternalTimeout = "E5001",
    }
}
