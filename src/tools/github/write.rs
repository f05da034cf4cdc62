//! The tools that change something.

use serde_json::{Value, json};

use super::client::{API_VERSION, JSON};
use super::wire::Line;
use crate::domain::Language;
use crate::domain::sentences::Listed;
use crate::tools::ToolError;

pub(super) mod create;
pub(super) mod merge;

/// How many things of a kind a preview names.
const LISTED_MAX: usize = 50;

/// A request as it would go over the wire, but for the token.
fn shown(method: &str, url: &reqwest::Url, body: &Value) -> Value {
    json!({
        "method": method,
        "url": url.as_str(),
        "headers": {"accept": JSON, "x-github-api-version": API_VERSION},
        "body": body,
    })
}

/// Adds a part of a preview: how many there are, and the first of them. What GitHub would not tell is
/// said to be unknown, and is no reason not to ask.
fn push_list<T: Line>(
    text: &mut String,
    what: Listed,
    items: Result<Vec<T>, ToolError>,
    all: Option<u64>,
    language: Language,
) {
    let words = language.sentences();
    let items = match items {
        Ok(items) => items,
        Err(error) => {
            text.push_str(&format!("\n{}\n", words.not_listed(what, &error)));
            return;
        }
    };
    let listed = u64::try_from(items.len()).unwrap_or(u64::MAX);
    let all = all.unwrap_or(listed).max(listed);
    text.push_str(&format!("\n{}\n", words.listed(what, &all)));
    let shown = items.len().min(LISTED_MAX);
    for item in &items[..shown] {
        text.push_str(&format!("{}\n", item.line(language)));
    }
    if let Some(rest @ 1..) = all.checked_sub(shown as u64) {
        text.push_str(&format!("{}\n", words.and_more(rest)));
    }
}
