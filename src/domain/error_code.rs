//! The platform's error codes and their words (contract, section 5.4). Status codes are `http`'s.

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

    /// The words for people.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Internal => "내부 서버 오류가 발생했습니다.",
            Self::MethodNotAllowed => "허용되지 않은 HTTP 메서드입니다.",
            Self::NotFound => "요청한 리소스를 찾을 수 없습니다.",
            Self::Unauthenticated => "인증이 필요합니다.",
            Self::Forbidden => "권한이 없습니다.",
            Self::TokenExpired => "토큰이 만료되었습니다.",
            Self::TokenInvalid => "유효하지 않은 토큰입니다.",
            Self::TenantMissing => "테넌트 정보가 필요합니다.",
            Self::TenantMismatch => "테넌트 정보가 일치하지 않습니다.",
            Self::AlreadyProcessed => "동일 요청이 이미 처리되었습니다.",
            Self::InvalidInput => "입력값 검증에 실패했습니다.",
            Self::MissingField => "필수 필드가 누락되었습니다.",
            Self::Malformed => "잘못된 형식입니다.",
            Self::LimitExceeded => "요청 한도를 초과했습니다.",
            Self::ExternalFailure => "외부 서비스 오류가 발생했습니다.",
            Self::ExternalTimeout => "외부 서비스 응답 시간이 초과되었습니다.",
        }
    }
}
