//! The page that the user looks at (contract, sections 3 and 6).
use serde_json::{Map, Value};
/// The page context as the frontend sent it: an object, unknown keys kept.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PageContext(pub Map<String, Value>);

/// What is no page context.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the context must be a JSON object")]
pub struct ContextError;

impl PageContext {
    /// Being built.
    pub fn from_json(value: &Value) -> Result<Self, ContextError> {
        value.as_object().cloned().map(Self).ok_or(ContextError)
    }

    /// Being built.
    pub fn system_prompt(&self) -> String {
        let app = self.0.get("activeApp").and_then(Value::as_str);
        app.map(|app| format!("현재 사용자가 보고 있는 화면: {app}"))
            .unwrap_or_default()
    }
}
