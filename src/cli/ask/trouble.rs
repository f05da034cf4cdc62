//! Why an answer of the server did not come, or is of no use.

use reqwest::StatusCode;
use thiserror::Error;

use crate::cli::CliError;
use crate::http_client;

/// Why an answer did not come, or is of no use.
#[derive(Debug, Error)]
pub(super) enum Trouble {
    /// Nobody listens there.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The connection was lost on the way.
    #[error("{0}")]
    Lost(String),
    /// The server says no.
    #[error("{} {detail}", status.as_u16())]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// Why.
        detail: String,
        /// Whether it says itself that the same has no better chance soon.
        is_final: bool,
    },
    /// What it says makes no sense: most likely it is not the server that says it.
    #[error("{0}")]
    Nonsense(String),
    /// It cannot even be asked.
    #[error(transparent)]
    Own(#[from] CliError),
}

impl Trouble {
    /// Whether it may have passed in a moment.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Lost(_) => true,
            Self::Refused { is_final: true, .. } => false,
            Self::Refused { status, .. } => matches!(
                *status,
                StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            ),
            Self::Nonsense(_) | Self::Own(_) => false,
        }
    }

    /// Whether a decision may be taken that is sent once more. Sending it again does no harm, so it is also
    /// tried where something else than the server has answered.
    pub(super) fn may_pass_for_decisions(&self) -> bool {
        match self {
            Self::Refused { status, .. } if *status == StatusCode::TOO_MANY_REQUESTS => true,
            Self::Nonsense(_) => true,
            Self::Unreachable(_) | Self::Lost(_) | Self::Refused { .. } | Self::Own(_) => {
                self.may_pass()
            }
        }
    }
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        let cause = http_client::root_cause(&error);
        if error.is_connect() { Self::Unreachable(cause) } else { Self::Lost(cause) }
    }
}
