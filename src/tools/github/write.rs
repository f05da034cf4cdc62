//! The tools that change something.

use serde_json::{Value, json};

use super::client::{API_VERSION, JSON};

pub(super) mod create;
pub(super) mod merge;

/// A request as it would go over the wire, but for the token.
fn shown(method: &str, url: &reqwest::Url, body: &Value) -> Value {
    json!({
        "method": method,
        "url": url.as_str(),
        "headers": {"accept": JSON, "x-github-api-version": API_VERSION},
        "body": body,
    })
}
