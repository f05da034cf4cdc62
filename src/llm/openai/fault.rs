//! What went wrong with one attempt, and whether another one may help.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::domain::json::mended;
use crate::domain::text::one_line;
use crate::llm::ModelError;

use super::extras::Extras;
use super::limit::Limit;
use super::provider_error::{Kind, ProviderError};
use super::retry::{self, Again};
use super::secrets::Secrets;

/// Longest text of a provider that goes into an error, in bytes.
const MESSAGE_MAX: usize = 512;

/// A failed attempt.
#[derive(Debug)]
pub(super) struct Fault {
    /// What the caller is told, if it stays at this.
    pub(super) error: ModelError,
    /// Whether to try again.
    pub(super) again: Again,
    /// Which optional parameters the provider complained about.
    pub(super) blamed: Extras,
}

impl Fault {
    fn new(error: ModelError, again: Again) -> Self {
        Self { error, again, blamed: Extras::default() }
    }

    /// There was no answer: no connection, or one that broke before the head of an answer.
    pub(super) fn of_request(error: reqwest::Error, connect_timeout: Duration) -> Self {
        if error.is_connect() && error.is_timeout() {
            let text = Limit::Connect.reached(connect_timeout);
            return Self::new(ModelError::Unavailable(text), Again::Soon);
        }
        let error = error.without_url();
        let text = one_line(&innermost(&error), MESSAGE_MAX);
        if error.is_builder() {
            Self::new(ModelError::Refused(text), Again::Never)
        } else {
            Self::new(ModelError::Unavailable(text), Again::Soon)
        }
    }

    /// The answer broke off on the way.
    pub(super) fn of_body(error: reqwest::Error) -> Self {
        Self::broken(&one_line(&innermost(&error.without_url()), MESSAGE_MAX))
    }

    /// A limit was reached. Asking the same model again would cost the same time, and be billed
    /// once more.
    pub(super) fn timed_out(limit: Limit, after: Duration) -> Self {
        Self::new(ModelError::TimedOut(limit.reached(after)), Again::Never)
    }

    /// The stream broke off or cannot be understood.
    pub(super) fn broken(what: &str) -> Self {
        Self::new(ModelError::Broken(what.to_owned()), Again::Soon)
    }

    /// The answer grows beyond all measure. Another one would be as long, and be billed once more.
    pub(super) fn boundless(what: &str) -> Self {
        Self::new(ModelError::Broken(what.to_owned()), Again::Never)
    }

    /// The content filter stopped the answer.
    pub(super) fn filtered() -> Self {
        let text = "the provider's content filter stopped the answer".to_owned();
        Self::new(ModelError::Filtered(text), Again::Never)
    }

    /// The provider answered with a status that is no success.
    pub(super) fn of_status(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        secrets: &Secrets,
    ) -> Self {
        let body = serde_json::from_slice(&mended(body))
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()));
        let said = ProviderError::of(&body);
        let kind = if said.is_filter() { Kind::Filtered } else { Kind::of_status(status) };
        let again = match kind {
            // No money comes in within seconds.
            Kind::RateLimited if said.code == "insufficient_quota" => Again::Never,
            // A 408 is about the request, which took too long to arrive; no model has seen it.
            _ if matches!(status, StatusCode::CONFLICT | StatusCode::REQUEST_TIMEOUT)
                || kind.passes() =>
            {
                retry::asked_for(headers).map_or(Again::Soon, Again::After)
            }
            _ => Again::Never,
        };
        let text = match said.message.as_str() {
            message if message.is_empty() || is_markup(message) => status.to_string(),
            message => format!("{status}: {}", presentable(message, secrets)),
        };
        Self { error: kind.error(text), again, blamed: blamed(status, &body) }
    }

    /// An error that an answer with a good status brings, alone or in the middle of a turn.
    pub(super) fn reported(body: &Value, secrets: &Secrets) -> Self {
        let said = ProviderError::of(body);
        let kind = said.kind();
        let again = if kind.passes() { Again::Soon } else { Again::Never };
        let text = match presentable(&said.message, secrets) {
            text if !text.is_empty() => text,
            _ if said.code.is_empty() => "the provider reported an error".to_owned(),
            _ => {
                format!("the provider reported the error {}", presentable(&said.code, secrets))
            }
        };
        Self { error: kind.error(text), again, blamed: complaints_of(body) }
    }

    /// A part of the answer that is no JSON; words are told, half a document is not.
    pub(super) fn unreadable(text: &str, secrets: &Secrets) -> Self {
        let what = "a part of the answer is not the JSON that it should be";
        match presentable(text, secrets) {
            text if text.is_empty() || is_markup(&text) => Self::broken(what),
            text => Self::broken(&format!("{what}: {text}")),
        }
    }

    /// The model stopped, and the reason that it gives is a failure.
    pub(super) fn stopped(reason: &str, secrets: &Secrets) -> Self {
        let reason = presentable(reason, secrets);
        Self::broken(&format!("the model stopped for the reason {reason:?}"))
    }

    /// The name of the kind of failure, for the log.
    pub(super) fn name(&self) -> &'static str {
        match self.error {
            ModelError::Unavailable(_) => "unavailable",
            ModelError::RateLimited(_) => "rate_limited",
            ModelError::TimedOut(_) => "timed_out",
            ModelError::Denied(_) => "denied",
            ModelError::Refused(_) => "refused",
            ModelError::Filtered(_) => "filtered",
            ModelError::Broken(_) => "broken",
            ModelError::Both { .. } => "both_failed",
        }
    }
}

/// The parameters that a refusal complains about, whatever its status: servers that pass on what
/// another one says answer 403 or 500. It costs one more request to find out that it was something
/// else.
fn blamed(status: StatusCode, body: &Value) -> Extras {
    let is_about_request = match status {
        // These are about who asks, how often, and for what.
        StatusCode::UNAUTHORIZED
        | StatusCode::PAYMENT_REQUIRED
        | StatusCode::NOT_FOUND
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_MANY_REQUESTS => false,
        status => status.is_client_error() || status.is_server_error(),
    };
    if is_about_request { complaints_of(body) } else { Extras::default() }
}

/// Only what the provider itself says counts: many quote the request beside it, and with it
/// whatever a prompt says.
fn complaints_of(body: &Value) -> Extras {
    let mut complaints = Vec::new();
    collect_complaints(body, &mut complaints);
    Extras::blamed(&complaints)
}

/// The texts in which providers say what they refuse: `message`, `param` and `msg`, the path in
/// `loc`, and the same in an `error` or a list of `detail`; or all of it, where it is just words.
fn collect_complaints<'a>(body: &'a Value, into: &mut Vec<&'a str>) {
    match body {
        Value::String(text) => into.push(text),
        Value::Array(parts) => parts.iter().for_each(|part| collect_complaints(part, into)),
        Value::Object(fields) => {
            let telling =
                ["error", "errors", "message", "param", "detail", "loc", "msg", "error_msg"];
            let told = telling.iter().filter_map(|name| fields.get(*name));
            told.for_each(|value| collect_complaints(value, into));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether it is a page for people, or a piece of a document, rather than words.
fn is_markup(text: &str) -> bool {
    text.starts_with(['<', '{', '[', '"'])
}

/// A provider's text as one bounded line without keys.
fn presentable(text: &str, secrets: &Secrets) -> String {
    one_line(&secrets.redact(text), MESSAGE_MAX)
}

/// The cause at the bottom: what is above it only says that a request failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
