//! Fields of a result, each as far as it is there.

use serde_json::Value;

/// A text that is not blank.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str().filter(|text| !text.trim().is_empty())
}

pub(super) fn number(value: &Value, name: &str) -> Option<u64> {
    value.get(name)?.as_u64()
}

pub(super) fn flag(value: &Value, name: &str) -> Option<bool> {
    value.get(name)?.as_bool()
}

/// A list, empty if it is not there.
pub(super) fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// One of a list, whatever it is a list of: `abc1234 Add login (kim, 2026-01-16)`,
/// `src/a.rs (+3 −1)`, `#12 Add login (open, kim)`.
pub(super) fn entry(value: &Value) -> String {
    let number = |name| number(value, name);
    let id = number("number").map(|number| format!("#{number}"));
    let id = id.or_else(|| text(value, "shortHash").map(str::to_owned));
    let name = ["path", "title", "subject", "name"].into_iter().find_map(|name| text(value, name));
    let name = name.or(value.as_str()).map(str::to_owned);
    let counts = number("added").zip(number("deleted"));
    let counts = counts.map(|(added, deleted)| format!("(+{added} −{deleted})"));
    let about = ["state", "author", "date"].into_iter().filter_map(|name| text(value, name));
    let about: Vec<&str> = about.collect();
    let about = (!about.is_empty()).then(|| format!("({})", about.join(", ")));
    let known: Vec<String> = [id, name, counts, about].into_iter().flatten().collect();
    if known.is_empty() { value.to_string() } else { known.join(" ") }
}
