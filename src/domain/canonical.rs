//! JSON with one spelling for each value, so that equal values have equal hashes.
//!
//! The keys of every object are in the order of their code points, nothing stands between the
//! tokens, texts escape only what they must. A number without a fraction is written as an integer:
//! the platform's other services make `5.0` of `5` when they write a request back, and that is the
//! same number. All other numbers are as `serde_json` writes them.

use serde_json::{Number, Value};

/// The value's canonical text.
pub(in crate::domain) fn text(value: &Value) -> String {
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
                // A key is written as the text that it is.
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(value, text);
            });
        }
        Value::Array(items) => list(text, ['[', ']'], items, write),
        Value::Number(number) => text.push_str(&number_text(number)),
        Value::Null | Value::Bool(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

fn number_text(number: &Number) -> String {
    /// Up to here every integer is exact as a float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let is_integer = |float: &f64| float.fract() == 0.0 && float.abs() < EXACT;
    match number.as_f64().filter(|_| number.is_f64()).filter(is_integer) {
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction")]
        Some(float) => (float as i64).to_string(),
        None => number.to_string(),
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

#[cfg(test)]
mod tests;
