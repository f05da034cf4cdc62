//! JSON with one spelling for each value, so that equal values have equal hashes.
//!
//! The keys of every object are in the order of their code points, nothing stands between the
//! tokens, texts escape only what they must, numbers are as `serde_json` writes them.

use serde_json::Value;

/// The value's canonical text.
pub(super) fn text(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            // The order of UTF-8 bytes is the order of code points.
            fields.sort_by_key(|(name, _)| *name);
            list(text, ['{', '}'], fields, |(name, value), text| {
                // A string alone is JSON text of itself.
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(value, text);
            });
        }
        Value::Array(items) => list(text, ['[', ']'], items, write),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

fn list<T>(
    text: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    write: impl Fn(T, &mut String),
) {
    text.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(item, text);
    }
    text.push(close);
}
