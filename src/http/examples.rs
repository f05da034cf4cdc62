//! What a server has really said, as examples for the documents: `tests/it/described.rs` records it.

use std::sync::LazyLock;

use serde_json::Value;

/// A line of JSON that is no JSON leaves the documents without examples; a test would say so.
static RECORDED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

/// What an operation answered with this status, by media type.
pub(super) fn answers(
    operation: &str,
    status: &str,
) -> impl Iterator<Item = (&'static str, &'static Value)> {
    let kinds = [("application/json", "answers"), ("text/event-stream", "streams")];
    let recorded =
        kinds.map(|(media, kind)| Some((media, RECORDED[kind].get(operation)?.get(status)?)));
    recorded.into_iter().flatten()
}

/// Events of one type, each with another status.
pub(super) fn events(kind: &str) -> impl Iterator<Item = &'static Value> {
    RECORDED["events"][kind].as_array().into_iter().flatten()
}
