//! The page for people: it shows both documents. It is one file without a framework, loads nothing from
//! elsewhere, and shows whatever the documents say as text, never as HTML.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use http::{HeaderValue, header};

use crate::domain::hash::digest_of;

const STYLE: &str = include_str!("docs/page.css");
const SCRIPT: &str = include_str!("docs/page.js");

static PAGE: LazyLock<Page> = LazyLock::new(Page::make);

/// `GET /aura/docs`.
pub(super) async fn show() -> Response {
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let caching = HeaderValue::from_static("public, max-age=60");
    let referrer = HeaderValue::from_static("no-referrer");
    let frames = HeaderValue::from_static("DENY");
    let headers = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, caching),
        (CONTENT_SECURITY_POLICY, PAGE.policy.clone()),
        (REFERRER_POLICY, referrer),
        (header::X_FRAME_OPTIONS, frames),
    ];
    (headers, PAGE.html.clone()).into_response()
}

/// The page, and what a browser may do for it.
struct Page {
    html: Bytes,
    policy: HeaderValue,
}

impl Page {
    fn make() -> Self {
        let html =
            include_str!("docs/page.html").replace("{style}", STYLE).replace("{script}", SCRIPT);
        // Nothing but this very style and this very script; and the script may read the two documents.
        let policy = format!(
            "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            source(SCRIPT),
            source(STYLE)
        );
        let strictest = HeaderValue::from_static("default-src 'none'");
        let policy = HeaderValue::from_str(&policy).unwrap_or(strictest);
        Self { html: html.into(), policy }
    }
}

/// How a policy names a text that stands in the page.
fn source(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(digest_of(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_its_script_and_style_and_names_nothing_that_is_elsewhere() {
        let html = std::str::from_utf8(&PAGE.html).unwrap();
        assert!(html.contains(SCRIPT) && html.contains(STYLE));
        for elsewhere in ["http:", "https:", "src=", "@import", "url(", "innerHTML", "eval("] {
            assert!(!html.contains(elsewhere), "{elsewhere}");
        }
        let policy = PAGE.policy.to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
