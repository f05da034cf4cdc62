//! Values of a web page as they may stand in a line: visible, on one line, and not endless.

use serde_json::Value;

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

/// The text without what is not to be trusted, trimmed and cut; `None` if nothing is left.
pub(super) fn clean(text: &str) -> Option<String> {
    let visible: String = text.chars().filter(|&c| !is_hidden(c)).collect();
    let cut: String = visible.trim().chars().take(VALUE_MAX).collect();
    (!cut.is_empty()).then_some(cut)
}

/// Whether a character breaks lines or can hide text.
///
/// These are all control characters (line breaks and U+0085 among them), the two Unicode
/// separators of lines and paragraphs, the marks of interlinear annotations, and everything that
/// Unicode calls default-ignorable: zero-width and bidirectional marks, tags, variation selectors,
/// fillers. Emoji and some scripts lose a joiner by it; nobody loses a word.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}'
            | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}
