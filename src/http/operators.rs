//! What operators see and do: runs of all tenants, and holds (contract, section 5.7).

use super::Shared;
use super::error::ApiError;
use crate::domain::Caller;

pub mod holds;
pub mod runs;

/// Refuses whoever is no operator.
fn check_operator(http: &Shared, caller: &Caller) -> Result<(), ApiError> {
    let operators = http.config.operators.as_ref();
    if operators.is_some_and(|role| caller.roles.include(role)) {
        return Ok(());
    }
    Err(not_an_operator())
}

/// The refusal of whoever is none.
pub(super) fn not_an_operator() -> ApiError {
    ApiError::forbidden("the caller has no role that may operate this service")
}
