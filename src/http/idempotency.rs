//! The `Idempotency-Key` header (contract, section 3).

use http::HeaderMap;

use super::error::ApiError;
use crate::domain::IdempotencyKey;

/// The header as clients write it.
const NAME: &str = "Idempotency-Key";

/// The key, if the request has one; a fault if it has none that can be told apart from others.
pub fn key_of(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, ApiError> {
    let mut values = headers.get_all(NAME).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ApiError::invalid(NAME, "was sent more than once"));
    }
    let key = IdempotencyKey::parse(value.as_bytes());
    key.map(Some).map_err(|error| ApiError::invalid(NAME, &error.to_string()))
}
