//! What a provider says of an error, in whichever form it says it.

use http::StatusCode;
use serde_json::{Map, Value};

use crate::llm::ModelError;

/// Levels of objects and lists that are searched for words.
const LEVELS_MAX: usize = 4;
/// Where an error is that stands in an object of its own.
const ERROR_FIELDS: [&str; 5] = ["error", "errors", "fault", "exception", "base_resp"];
/// Where the words of an error are.
const TEXT_FIELDS: [&str; 14] = [
    "message",
    "msg",
    "detail",
    "details",
    "error_msg",
    "error_message",
    "errorMessage",
    "error_description",
    "faultstring",
    "status_msg",
    "reason",
    "description",
    "title",
    "metadata",
];
/// Where its number or its short name is.
const CODE_FIELDS: [&str; 7] =
    ["code", "status_code", "statusCode", "error_code", "errorCode", "http_code", "status"];
/// Where its kind is.
const KIND_FIELDS: [&str; 4] = ["type", "error_type", "status", "kind"];

/// What a provider says of an error.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Its words, possibly empty.
    pub(super) message: String,
    /// The number or short name that it gives the error, possibly empty.
    pub(super) code: String,
    kind: String,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unavailable,
    RateLimited,
    TimedOut,
    Denied,
    Refused,
    Filtered,
    Unknown,
}

impl Said {
    /// Of any JSON: an object, a list of them, or a text.
    pub(super) fn of(body: &Value) -> Self {
        Self {
            message: message(body, LEVELS_MAX).unwrap_or_default(),
            code: scalar(body, &CODE_FIELDS, LEVELS_MAX).unwrap_or_default(),
            kind: scalar(body, &KIND_FIELDS, LEVELS_MAX).unwrap_or_default(),
        }
    }

    /// Whether what should be a part of a turn is an error instead, or beside it. What complains of
    /// nothing, for instance says only that the connection is alive, is none.
    pub(super) fn is_error(body: &Map<String, Value>) -> bool {
        let carries = ERROR_FIELDS.iter().filter_map(|name| body.get(*name));
        if carries.into_iter().any(is_telling) || is_named_error(body) || is_choice_failed(body) {
            return true;
        }
        if is_answer(body) {
            return false;
        }
        // With nothing else said, an error without words is one all the same. Beside an answer it is an empty
        // form, and `null` is none anywhere.
        if body.get("error").is_some_and(Value::is_object) {
            return true;
        }
        match scalar_of(body, &CODE_FIELDS).and_then(|code| code.parse::<f64>().ok()) {
            Some(code) if (100.0..600.0).contains(&code) => code >= 400.0,
            Some(0.0) => false,
            Some(_) | None => is_complaint(body),
        }
    }

    /// Whether it was the content filter that said no.
    pub(super) fn is_filter(&self) -> bool {
        self.code.contains("content_filter") || self.kind.contains("content_filter")
    }

    /// The kind of an error that came without a status of its own.
    pub(super) fn kind(&self) -> Kind {
        let status = self.code.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
        if let Some(status) = status.filter(|status| status.as_u16() >= 400) {
            return Kind::of_status(status);
        }
        let (code, kind) = (self.code.to_ascii_lowercase(), self.kind.to_ascii_lowercase());
        let says =
            |words: &[&str]| words.iter().any(|word| code.contains(word) || kind.contains(word));
        if says(&["content_filter"]) {
            Kind::Filtered
        } else if says(&[
            "rate_limit",
            "too_many_requests",
            "insufficient_quota",
            "resource_exhausted",
        ]) {
            Kind::RateLimited
        } else if says(&["timeout", "deadline_exceeded"]) {
            Kind::TimedOut
        } else if says(&["server_error", "internal", "overloaded", "unavailable"]) {
            Kind::Unavailable
        } else if says(&["authentication", "unauthenticated", "not_found", "invalid_api_key"]) {
            Kind::Denied
        } else if says(&[
            "invalid_request",
            "invalid_argument",
            "context_length",
            "permission",
            "badrequest",
        ]) {
            Kind::Refused
        } else {
            Kind::Unknown
        }
    }
}

impl Kind {
    /// The kind of an error with a status.
    pub(super) fn of_status(status: StatusCode) -> Self {
        /// What Cloudflare answers for a server that it has waited for in vain.
        const CLOUDFLARE_TIMEOUT: u16 = 524;
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
    pub(super) fn passes(self) -> bool {
        match self {
            Self::Unavailable | Self::RateLimited | Self::Unknown => true,
            Self::TimedOut | Self::Denied | Self::Refused | Self::Filtered => false,
        }
    }

    /// The error, with these words.
    pub(super) fn error(self, text: String) -> ModelError {
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

/// Whether something is there that is not just an empty form.
fn is_telling(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => items.iter().any(is_telling),
        Value::Object(fields) => fields.values().any(is_telling),
    }
}

/// Whether it calls itself an error, or says that it was no success.
fn is_named_error(body: &Map<String, Value>) -> bool {
    let named = ["object", "type", "event", "status"].iter().filter_map(|name| body.get(*name));
    let is_bad = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains("error") || name.contains("fail")
    };
    named.filter_map(Value::as_str).any(is_bad) || body.get("success") == Some(&Value::Bool(false))
}

/// Whether the answer that was asked for is an error.
fn is_choice_failed(body: &Map<String, Value>) -> bool {
    let choices = body.get("choices").and_then(Value::as_array);
    choices.and_then(|choices| choices.first()?.get("error")).is_some_and(is_telling)
}

/// Whether something of a turn is there.
fn is_answer(body: &Map<String, Value>) -> bool {
    let has_choices =
        body.get("choices").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    has_choices || body.get("usage").is_some_and(Value::is_object)
}

/// Whether what is no part of a turn tells something: only an error has words of its own.
fn is_complaint(body: &Map<String, Value>) -> bool {
    let is_ping = body.get("type").is_some_and(|kind| kind == "ping");
    let texts =
        ["message", "msg", "error_msg", "error_message", "errorMessage", "error_description"];
    let has_text =
        |name: &&str| body.get(*name).is_some_and(|text| text.is_string() && is_telling(text));
    !is_ping && (texts.iter().any(has_text) || body.get("detail").is_some_and(is_telling))
}

/// The words of an error, wherever they are.
fn message(value: &Value, levels: usize) -> Option<String> {
    let levels = levels.checked_sub(1)?;
    let found = match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Array(items) => items.iter().find_map(|item| message(item, levels)),
        Value::Object(fields) => {
            let inner = |names: &[&str]| {
                let named = names.iter().filter_map(|name| fields.get(*name));
                named.into_iter().find_map(|value| message(value, levels))
            };
            match (inner(&ERROR_FIELDS), inner(&TEXT_FIELDS)) {
                // `{"error":"Bad Request","message":"no such model"}`
                (Some(error), Some(text)) if fields.get("error").is_some_and(Value::is_string) => {
                    Some(format!("{error}: {text}"))
                }
                (error, text) => error.or(text).or_else(|| choice_message(fields, levels)),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    };
    found.filter(|text| !text.is_empty())
}

fn choice_message(fields: &Map<String, Value>, levels: usize) -> Option<String> {
    message(fields.get("choices")?.get(0)?.get("error")?, levels)
}

/// A number or short text of an error: what stands deepest is about the error itself.
fn scalar(value: &Value, names: &[&str], levels: usize) -> Option<String> {
    let levels = levels.checked_sub(1)?;
    match value {
        Value::Array(items) => items.iter().find_map(|item| scalar(item, names, levels)),
        Value::Object(fields) => {
            let mut inner = ERROR_FIELDS.iter().filter_map(|name| fields.get(*name));
            let choice = || scalar(fields.get("choices")?.get(0)?.get("error")?, names, levels);
            inner
                .find_map(|value| scalar(value, names, levels))
                .or_else(choice)
                .or_else(|| scalar_of(fields, names))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn scalar_of(fields: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match fields.get(*name)? {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_error(body: &Value) -> bool {
        Said::is_error(body.as_object().unwrap())
    }

    #[test]
    fn errors_are_known_in_every_form() {
        let forms = [
            json!({"error": "why"}),
            json!({"error": {"message": "why"}}),
            json!({"error": [{"message": "why"}]}),
            json!({"error": {"error": {"message": "why"}}}),
            json!({"errors": [{"message": "why"}]}),
            json!({"detail": "why"}),
            json!({"detail": [{"loc": ["body"], "msg": "why"}]}),
            json!({"message": "why", "code": 500}),
            json!({"message": "why"}),
            json!({"code": "InternalError", "msg": "why"}),
            json!({"type": "error", "code": "500", "message": "why"}),
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "why"}}),
            json!({"object": "error", "message": "why"}),
            json!({"error_code": 336_501, "error_msg": "why"}),
            json!({"base_resp": {"status_code": 1004, "status_msg": "why"}}),
            json!({"fault": {"faultstring": "why"}}),
            json!({"success": false, "errors": [{"code": 7, "message": "why"}]}),
            json!({"choices": [{"index": 0, "error": {"message": "why"}, "delta": {"content": ""}}]}),
            json!({"choices": [{"delta": {"content": "a"}}], "error": {"message": "why"}}),
            json!({"choices": [], "usage": {"prompt_tokens": 1}, "error": "why"}),
        ];
        for form in forms {
            assert_eq!(Said::of(&form).message, "why", "{form}");
            assert!(is_error(&form), "{form}");
        }
        assert!(is_error(&json!({"code": 500})) && is_error(&json!({"status": "failed"})));
    }

    #[test]
    fn an_error_without_words_is_one_of_an_unknown_kind_that_may_pass() {
        for form in [
            json!({"error": {}}),
            json!({"error": {"message": "", "code": null}}),
            json!({"id": "x", "object": "chat.completion.chunk", "choices": [], "error": {}}),
        ] {
            assert!(is_error(&form), "{form}");
            let kind = Said::of(&form).kind();
            assert!(kind == Kind::Unknown && kind.passes(), "{form}");
        }
    }

    #[test]
    fn what_complains_of_nothing_is_no_error() {
        let forms = [
            json!({}),
            json!({"error": null}),
            json!({"error": {}, "choices": [{"delta": {}}]}),
            json!({"error": {}, "choices": [], "usage": {"prompt_tokens": 1}}),
            json!({"error": "", "object": "chat.completion.chunk"}),
            json!({"type": "ping"}),
            json!({"type": "ping", "message": "still here"}),
            json!({"code": 0, "msg": "success"}),
            json!({"code": 200, "message": "OK"}),
            json!({"choices": [{"delta": {"content": "error"}}], "message": "of no concern"}),
            json!({"base_resp": {"status_code": 0, "status_msg": ""}}),
            json!({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}),
            json!({"usage": {"prompt_tokens": 1}}),
            json!({"id": "x", "object": "chat.completion.chunk", "model": "m", "created": 1}),
        ];
        for form in forms {
            assert!(!is_error(&form), "{form}");
        }
    }

    #[test]
    fn the_code_and_kind_of_the_error_itself_count() {
        let said = Said::of(&json!([{"error": {"code": 503, "message": "overloaded"}}]));
        assert_eq!((said.code.as_str(), said.kind()), ("503", Kind::Unavailable));
        let said = Said::of(&json!({"type": "error", "error": {"type": "overloaded_error"}}));
        assert_eq!(said.kind(), Kind::Unavailable);
        let said = Said::of(&json!({"error": {"status": "RESOURCE_EXHAUSTED", "message": "x"}}));
        assert_eq!(said.kind(), Kind::RateLimited);
        assert_eq!(Said::of(&json!({"code": 200, "type": "surprise"})).kind(), Kind::Unknown);
    }
}
