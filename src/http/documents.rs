//! The documents that describe the interface. They are made once, from the code alone, and are the same
//! whatever is set.

use std::sync::LazyLock;

use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;

use super::versioned::Versioned;
use super::{asyncapi, openapi, routes};

/// How long a document may be used without asking again: whether it has changed is quickly told.
const CACHING: &str = "public, max-age=60";

static OPENAPI: LazyLock<Versioned> = LazyLock::new(|| document(openapi_json()));
static ASYNCAPI: LazyLock<Versioned> = LazyLock::new(|| document(asyncapi_json()));

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

/// A document as it is served.
fn document(text: String) -> Versioned {
    Versioned::of(text, "application/json", CACHING)
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
