//! Fields of a result, each as far as it is there.

use serde_json::Value;

use crate::domain::text::first_chars;

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

/// A path, on its own or as the `path` of an object.
pub(super) fn path(value: &Value) -> String {
    let plain = value.as_str().or_else(|| text(value, "path"));
    plain.map_or_else(|| value.to_string(), str::to_owned)
}

/// `abc1234 Add login (kim, 2026-01-16)`
pub(super) fn commit(value: &Value) -> String {
    let short = |hash: &str| first_chars(hash, 7).0.to_owned();
    let hash = text(value, "shortHash").map(str::to_owned);
    let hash = hash.or_else(|| text(value, "hash").map(short));
    let about = [text(value, "author"), text(value, "date")];
    let about: Vec<&str> = about.into_iter().flatten().collect();
    let about = (!about.is_empty()).then(|| format!("({})", about.join(", ")));
    joined([hash, text(value, "subject").map(str::to_owned), about])
}

/// `src/a.rs (+3 −1)`
pub(super) fn changed_file(value: &Value) -> String {
    let name = text(value, "path").or_else(|| text(value, "filename"));
    let counts = [("added", "deleted"), ("additions", "deletions")];
    let counts = counts.into_iter().find_map(|(added, deleted)| {
        Some(format!("(+{} −{})", number(value, added)?, number(value, deleted)?))
    });
    joined([Some(name.map_or_else(|| path(value), str::to_owned)), counts, None])
}

/// `#12 Add login (open, kim)`
pub(super) fn pull_line(value: &Value) -> String {
    let author = value.get("author").or_else(|| value.get("user"));
    let author = author.and_then(|who| who.as_str().or_else(|| text(who, "login")));
    let about: Vec<&str> = [text(value, "state"), author].into_iter().flatten().collect();
    let about = (!about.is_empty()).then(|| format!("({})", about.join(", ")));
    let id = number(value, "number").map(|number| format!("#{number}"));
    joined([id, text(value, "title").map(str::to_owned), about])
}

fn joined(parts: [Option<String>; 3]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
