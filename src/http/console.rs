//! The console: a page for people, served as the files that a browser runs (contract, section 10).
//!
//! It is a client of the other routes and nothing else, so what is here is open: the page has nothing to show
//! until it has a token. Nothing of it is put together here but `config.json`, and the policy that says what a
//! browser may do for it.

use std::sync::LazyLock;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;

use super::Shared;
use super::error::ApiError;
use super::extract::PathId;
use super::versioned::Versioned;
use crate::origin::ExactOrigin;

/// Asked for again each time, and sent only if it has changed: the files of one page are all of one version.
const CACHING: &str = "no-cache";
/// The page itself.
const PAGE: &str = "index.html";
/// What the page has to know before it has a token.
const CONFIG: &str = "config.json";

/// The files of `src/http/console/` with their names.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("console/", $name)))),*]
    };
}

/// All that a browser loads, in the order of their names.
const FILES: &[(&str, &str)] = files![
    "answer.js",
    "api.js",
    "approval-card.js",
    "approval-facts.js",
    "approvals.css",
    "approvals.js",
    "artifact.js",
    "ask.js",
    "audit.js",
    "aura-client.js",
    "bar.js",
    "chain.js",
    "clock.js",
    "composer.js",
    "confirm.js",
    "console.css",
    "conversation.js",
    "decided-list.js",
    "decision.js",
    "dom.js",
    "edit-form.js",
    "follow.js",
    "format.js",
    "holds.js",
    "icon.svg",
    "inbox.js",
    "index.html",
    "main.js",
    "notices.js",
    "operators.js",
    "one-of-tabs.js",
    "plan.js",
    "preview.js",
    "run-view.js",
    "runs.js",
    "session.js",
    "sessions.js",
    "shell.js",
    "signin.js",
    "storage.js",
    "timeline.js",
    "tool.js",
    "views.js",
    "words-en-approvals.js",
    "words-en.js",
    "words-ko-approvals.js",
    "words-ko.js",
    "words.js",
];

/// The same as it is served.
static SERVED: LazyLock<Vec<(&str, Versioned)>> = LazyLock::new(|| {
    let served = |(name, text): &(&'static str, &'static str)| {
        (*name, Versioned::of(*text, kind_of(name), CACHING))
    };
    FILES.iter().map(served).collect()
});

/// What of the console is settled by settings.
#[derive(Clone, Debug)]
pub struct ConsoleConfig {
    is_enabled: bool,
    file: Versioned,
    policy: HeaderValue,
    is_framed: bool,
}

/// What the page reads before anybody has signed in.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageConfig<'a> {
    version: &'static str,
    login_origins: &'a [ExactOrigin],
    token_in_fragment: bool,
}

impl ConsoleConfig {
    /// `login_origins`: whose pages may hand over tokens, and show the console in a frame; `token_in_fragment`:
    /// whether the page takes a token from its own address.
    pub fn new(is_enabled: bool, login_origins: &[ExactOrigin], token_in_fragment: bool) -> Self {
        let config =
            PageConfig { version: env!("CARGO_PKG_VERSION"), login_origins, token_in_fragment };
        let text = serde_json::to_string(&config).unwrap_or_default();
        Self {
            is_enabled,
            file: Versioned::of(text, kind_of(CONFIG), CACHING),
            policy: policy(login_origins),
            is_framed: !login_origins.is_empty(),
        }
    }

    /// The file with the headers that keep the page to itself.
    fn answer(&self, name: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
        let missing = || ApiError::not_found("file");
        let file = match name {
            _ if !self.is_enabled => return Err(missing()),
            CONFIG => &self.file,
            _ => file(name).ok_or_else(missing)?,
        };
        let mut response = file.answer(headers);
        let added = response.headers_mut();
        added.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        added.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if !self.is_framed {
            added.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        }
        Ok(response)
    }
}

/// `GET /`.
pub(super) async fn page(State(http): State<Shared>, headers: HeaderMap) -> Response {
    http.config.console.answer(PAGE, &headers).into_response()
}

/// `GET /console/{file}`.
pub(super) async fn show(
    State(http): State<Shared>,
    PathId(name): PathId,
    headers: HeaderMap,
) -> Response {
    http.config.console.answer(&name, &headers).into_response()
}

fn file(name: &str) -> Option<&'static Versioned> {
    SERVED.iter().find_map(|(known, file)| (*known == name).then_some(file))
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/json",
    }
}

/// Everything from this server and nothing from elsewhere; no text ever becomes a script or HTML; and in a frame
/// only of pages that hand over tokens.
fn policy(login_origins: &[ExactOrigin]) -> HeaderValue {
    let frames = match login_origins {
        [] => "'none'".to_owned(),
        origins => origins.iter().map(ExactOrigin::as_str).collect::<Vec<_>>().join(" "),
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors {frames}; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let strictest = HeaderValue::from_static("default-src 'none'");
    HeaderValue::from_str(&policy).unwrap_or(strictest)
}

#[cfg(test)]
mod tests;
