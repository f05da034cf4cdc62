//! Values as the JSON text that is stored.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::StoreError;

/// The text to store.
pub(super) fn to_json(value: &(impl Serialize + ?Sized)) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Rejected(error.to_string()))
}

/// The value that was stored as `what`, which only an error mentions.
pub(super) fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("{what}: {error}")))
}
