//! What went wrong with one attempt, and whether another one may help.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::llm::ModelError;

use super::extras::Extras;
use super::limit::Limit;
use super::retry;
use super::secrets::Secrets;

/// Longest text of a provider that goes into an error, in characters.
const MESSAGE_MAX: usize = 300;
/// What Cloudflare answers for a server that it has waited for in vain.
const CLOUDFLARE_TIMEOUT: u16 = 524;

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

/// Whether to try again, provided that nothing has been shown yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It would only fail again.
    Never,
    /// After the usual back-off.
    Soon,
    /// After the time that the provider asked for.
    After(Duration),
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
        let text = bounded(&innermost(&error));
        if error.is_builder() {
            Self::new(ModelError::Refused(text), Again::Never)
        } else {
            Self::new(ModelError::Unavailable(text), Again::Soon)
        }
    }

    /// The answer broke off on the way.
    pub(super) fn of_body(error: reqwest::Error) -> Self {
        Self::broken(&bounded(&innermost(&error.without_url())))
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
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let said = Said::in_body(&body).unwrap_or_default();
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
            "" => status.to_string(),
            message => format!("{status}: {}", presentable(message, secrets)),
        };
        Self { error: kind.error(text), again, blamed: blamed(status, &body) }
    }

    /// The error that an answer with a good status carries, if it carries one.
    pub(super) fn in_answer(answer: &Value, secrets: &Secrets) -> Option<Self> {
        let carries = match answer.get("error") {
            Some(Value::Object(error)) => !error.is_empty(),
            Some(Value::String(error)) => !error.is_empty(),
            _ => answer.get("object").is_some_and(|object| object == "error"),
        };
        let said = carries.then(|| Said::in_body(answer).unwrap_or_default())?;
        let kind = said.kind();
        let again = if kind.passes() { Again::Soon } else { Again::Never };
        let text = match said.message.as_str() {
            "" => "the provider reported an error".to_owned(),
            message => presentable(message, secrets),
        };
        Some(Self::new(kind.error(text), again))
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

/// The parameters that a 400 or 422 complains about. Only what the provider itself says counts: many
/// quote the request beside it, and with it whatever a prompt says.
fn blamed(status: StatusCode, body: &Value) -> Extras {
    if !matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY) {
        return Extras::default();
    }
    let mut complaints = Vec::new();
    collect_complaints(body, &mut complaints);
    Extras::blamed(&complaints)
}

/// The texts in which providers say what they refuse: `message`, `param` and `msg`, the path in
/// `loc`, and the same in an `error` or a list of `detail`.
fn collect_complaints<'a>(body: &'a Value, into: &mut Vec<&'a str>) {
    match body {
        Value::String(text) => into.push(text),
        Value::Array(parts) => parts.iter().for_each(|part| collect_complaints(part, into)),
        Value::Object(fields) => {
            let telling = ["error", "message", "param", "detail", "loc", "msg"];
            let told = telling.iter().filter_map(|name| fields.get(*name));
            told.for_each(|value| collect_complaints(value, into));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unavailable,
    RateLimited,
    TimedOut,
    Denied,
    Refused,
    Filtered,
    Unknown,
}

impl Kind {
    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::TOO_MANY_REQUESTS => Self::RateLimited,
            // A proxy in front of the model has waited for it in vain.
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Self::TimedOut,
            status if status.as_u16() == CLOUDFLARE_TIMEOUT => Self::TimedOut,
            StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::NOT_FOUND => {
                Self::Denied
            }
            status if status.is_server_error() => Self::Unavailable,
            // Redirects too: the address is wrong, and the key is not taken elsewhere.
            _ => Self::Refused,
        }
    }

    /// Whether it may be over in a moment. A model that was too slow for somebody is as slow again.
    fn passes(self) -> bool {
        match self {
            Self::Unavailable | Self::RateLimited | Self::Unknown => true,
            Self::TimedOut | Self::Denied | Self::Refused | Self::Filtered => false,
        }
    }

    fn error(self, text: String) -> ModelError {
        match self {
            Self::Unavailable => ModelError::Unavailable(text),
            Self::RateLimited => ModelError::RateLimited(text),
            Self::TimedOut => ModelError::TimedOut(text),
            Self::Denied => ModelError::Denied(text),
            Self::Refused => ModelError::Refused(text),
            Self::Filtered => ModelError::Filtered(text),
            Self::Unknown => ModelError::Broken(text),
        }
    }
}

/// What a provider says of an error, in whichever of the usual forms.
#[derive(Debug, Default)]
struct Said {
    message: String,
    code: String,
    kind: String,
}

impl Said {
    /// `{"error":{"message":…}}`, `{"error":"…"}`, `{"message":…}` or `{"detail":…}`.
    fn in_body(body: &Value) -> Option<Self> {
        let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(body);
        let field = |name: &str| match error.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let message = match error {
            Value::String(text) => text.clone(),
            Value::Object(_) => [field("message"), field("detail")].concat(),
            _ => return None,
        };
        Some(Self { message, code: field("code"), kind: field("type") })
    }

    /// Whether it was the content filter that said no.
    fn is_filter(&self) -> bool {
        self.code.contains("content_filter") || self.kind.contains("content_filter")
    }

    /// The kind of an error that came without a status of its own.
    fn kind(&self) -> Kind {
        let status = self.code.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
        if let Some(status) = status {
            return Kind::of_status(status);
        }
        let says = |words: &[&str]| {
            words.iter().any(|word| self.code.contains(word) || self.kind.contains(word))
        };
        if self.is_filter() {
            Kind::Filtered
        } else if says(&["rate_limit", "too_many_requests", "insufficient_quota"]) {
            Kind::RateLimited
        } else if says(&["timeout"]) {
            Kind::TimedOut
        } else if says(&["server_error", "internal", "overloaded", "unavailable"]) {
            Kind::Unavailable
        } else if says(&["authentication", "not_found", "invalid_api_key"]) {
            Kind::Denied
        } else if says(&["invalid_request", "context_length", "permission", "BadRequest"]) {
            Kind::Refused
        } else {
            Kind::Unknown
        }
    }
}

/// A provider's text as one bounded line without keys.
fn presentable(text: &str, secrets: &Secrets) -> String {
    bounded(&secrets.redact(text))
}

fn bounded(text: &str) -> String {
    match text.char_indices().nth(MESSAGE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The cause at the bottom: what is above it only says that a request failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
