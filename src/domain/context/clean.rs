//! Values of a web page as they may stand in a line: visible, on one line, and not endless.

use serde_json::Value;

use crate::domain::text::{first_chars, is_unseen};

/// Longest value in a line, in characters.
const VALUE_MAX: usize = 500;

/// A value as it may stand in a line; nested ones as compact JSON.
pub(super) fn told(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => clean(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            clean(&value.to_string())
        }
    }
}

/// The text without what breaks lines or can hide text, trimmed and cut; `None` if nothing is left. Emoji
/// and some scripts lose a joiner by it; nobody loses a word.
pub(super) fn clean(text: &str) -> Option<String> {
    let visible: String = text.chars().filter(|&c| !is_unseen(c)).collect();
    let (cut, _) = first_chars(visible.trim(), VALUE_MAX);
    // Where it was cut there may be a blank: what is cleaned already stays as it is.
    let cut = cut.trim_end();
    (!cut.is_empty()).then(|| cut.to_owned())
}
