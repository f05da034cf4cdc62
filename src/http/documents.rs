//! The documents that describe the interface. They are made once, from the code alone, and are the same
//! whatever is set.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::{asyncapi, openapi, routes};
use crate::domain::DocumentHash;

/// How long a document may be used without asking again: whether it has changed is quickly told.
const CACHING: HeaderValue = HeaderValue::from_static("public, max-age=60");

static OPENAPI: LazyLock<Document> = LazyLock::new(|| Document::of(openapi_json()));
static ASYNCAPI: LazyLock<Document> = LazyLock::new(|| Document::of(asyncapi_json()));

/// The OpenAPI document, for people to read.
pub fn openapi_json() -> String {
    pretty(&openapi::document(&routes()))
}

/// The AsyncAPI document, for people to read.
pub fn asyncapi_json() -> String {
    pretty(&asyncapi::document())
}

/// Names and texts only: nothing of it can fail to be written.
fn pretty(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// `GET /aura/openapi.json`.
pub(super) async fn show_openapi(headers: HeaderMap) -> Response {
    OPENAPI.answer(&headers)
}

/// `GET /aura/asyncapi.json`.
pub(super) async fn show_asyncapi(headers: HeaderMap) -> Response {
    ASYNCAPI.answer(&headers)
}

/// A document, and the name of its version.
struct Document {
    text: Bytes,
    tag: String,
}

impl Document {
    fn of(text: String) -> Self {
        let tag = format!("\"{}\"", DocumentHash::of(&text));
        Self { text: text.into(), tag }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let is_known = self.is_named_by(headers);
        let mut response =
            Response::new(if is_known { Body::empty() } else { self.text.clone().into() });
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        response.headers_mut().insert(header::CACHE_CONTROL, CACHING);
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }

    /// Whether `If-None-Match` has this version.
    fn is_named_by(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(header::IF_NONE_MATCH).iter();
        let mut tags = values.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        tags.any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.tag
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_in_docs_are_those_that_are_served() {
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        for (name, served) in [("openapi.json", openapi_json()), ("asyncapi.json", asyncapi_json())]
        {
            let file = directory.join(name);
            if std::env::var_os("BLESS").is_some() {
                std::fs::write(&file, &served).unwrap();
            }
            let kept = std::fs::read_to_string(&file).unwrap_or_default();
            let how = "`BLESS=1 cargo test --lib documents::` writes it anew";
            let differs = kept.lines().zip(served.lines()).position(|(kept, new)| kept != new);
            assert!(kept == served, "docs/{name}, line {differs:?} (from 0): {how}");
        }
    }
}
