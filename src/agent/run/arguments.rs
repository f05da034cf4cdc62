//! The arguments of a call, read from what a model wrote.

use serde_json::{Value, json};

use crate::domain::json::{self, JsonFault};
use crate::domain::{ToolCall, excerpt};

/// So much of what a model wrote is quoted to it, in bytes.
const QUOTED_MAX: usize = 400;

/// The arguments as JSON, if the call is one that can be run; none at all are an empty object.
pub(super) fn parse_arguments(call: &ToolCall) -> Result<Value, String> {
    if let Some(excess) = call.excess {
        return Err(excess.to_string());
    }
    let text = call.arguments.trim();
    if text.is_empty() {
        return Ok(json!({}));
    }
    let why = match json::read(text.as_bytes()) {
        Ok(value) if value.is_object() => return Ok(value),
        Ok(_) => "the arguments are not valid: they must be a JSON object".to_owned(),
        Err(JsonFault::Syntax(error)) => format!("the arguments are not valid JSON: {error}"),
        Err(fault @ (JsonFault::Twice(_) | JsonFault::TooDeep { .. })) => {
            format!("the arguments are not valid: {fault}")
        }
    };
    Err(format!("{why}; they were: {}", excerpt(text, QUOTED_MAX)))
}
