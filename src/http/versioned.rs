//! Bodies that are the same for everybody, and are not sent again to whoever has them.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::domain::DocumentHash;

/// A body, its type, and the name of its version.
#[derive(Clone, Debug)]
pub(super) struct Versioned {
    body: Bytes,
    kind: &'static str,
    caching: &'static str,
    tag: String,
}

impl Versioned {
    /// `kind`: for `Content-Type`; `caching`: for `Cache-Control`.
    pub(super) fn of(text: impl Into<String>, kind: &'static str, caching: &'static str) -> Self {
        let text = text.into();
        let tag = format!("\"{}\"", DocumentHash::of(&text));
        Self { body: text.into(), kind, caching, tag }
    }

    /// The body, or that the client has it already.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let is_known = self.is_named_by(headers);
        let mut response =
            Response::new(if is_known { Body::empty() } else { self.body.clone().into() });
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            let kind = HeaderValue::from_static(self.kind);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        let caching = HeaderValue::from_static(self.caching);
        response.headers_mut().insert(header::CACHE_CONTROL, caching);
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
