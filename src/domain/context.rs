//! The page that the user looks at (contract, sections 3 and 6).
use serde_json::{Map, Value};
/// The page context as the frontend sent it: an object, unknown keys kept.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PageContext(pub Map<String, Value>);
