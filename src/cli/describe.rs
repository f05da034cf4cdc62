//! `openapi` and `asyncapi`: the documents that describe the interface.

use super::{CliError, print};
use crate::app;

/// Prints the OpenAPI document.
pub(super) fn openapi() -> Result<(), CliError> {
    print(app::openapi_json().trim_end())
}

/// Prints the AsyncAPI document.
pub(super) fn asyncapi() -> Result<(), CliError> {
    print(app::asyncapi_json().trim_end())
}
