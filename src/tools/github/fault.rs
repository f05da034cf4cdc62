//! What GitHub's refusals mean, in words for a model and a person.

use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::TOKEN_SETTING;
use crate::domain::json::mended;
use crate::domain::text::one_line;
use crate::tools::ToolError;

/// Longest text of GitHub that goes into an error, in bytes.
const MESSAGE_MAX: usize = 512;

/// GitHub's own words for what it refuses: its message, and what it says of single fields.
pub(super) fn message(body: &[u8], token: Option<&SecretString>) -> String {
    let body: Value = serde_json::from_slice(&mended(body)).unwrap_or_default();
    let mut said: Vec<&str> = body.get("message").and_then(Value::as_str).into_iter().collect();
    let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten();
    said.extend(errors.filter_map(|error| {
        error.as_str().or_else(|| error.get("message").or_else(|| error.get("code"))?.as_str())
    }));
    presentable(&said.join(": "), token)
}

/// The error for an answer that is no success and no rate limit. `what` was asked for.
pub(super) fn of_status(
    status: StatusCode,
    message: &str,
    what: &str,
    has_token: bool,
) -> ToolError {
    let said = if message.is_empty() { String::new() } else { format!(": {message}") };
    let code = status.as_u16();
    match status {
        StatusCode::UNAUTHORIZED if has_token => ToolError::Denied(format!(
            "GitHub does not accept the token of {TOKEN_SETTING} ({code}){said}"
        )),
        StatusCode::UNAUTHORIZED => {
            ToolError::Denied(format!("GitHub wants a token: set {TOKEN_SETTING} ({code}){said}"))
        }
        StatusCode::FORBIDDEN => ToolError::Denied(format!(
            "GitHub does not allow this to the token of {TOKEN_SETTING} ({code}){said}"
        )),
        StatusCode::NOT_FOUND => ToolError::NotFound(format!(
            "GitHub finds no {what}: it is not there, or the token may not see it ({code}){said}"
        )),
        StatusCode::CONFLICT => {
            ToolError::Conflict(format!("GitHub has a conflict over {what} ({code}){said}"))
        }
        StatusCode::UNPROCESSABLE_ENTITY => {
            ToolError::InvalidArguments(format!("GitHub refuses them for {what} ({code}){said}"))
        }
        StatusCode::NOT_ACCEPTABLE => ToolError::Failed(format!(
            "GitHub does not show {what} in this form, most likely because it is too large \
             ({code}){said}"
        )),
        status if status.is_redirection() => ToolError::NotFound(format!(
            "{what} is under another name now ({code}): use the name that GitHub shows"
        )),
        _ => ToolError::Failed(format!("GitHub answered {status} about {what}{said}")),
    }
}

/// The cause at the bottom of a failed request: what is above it only says that it failed.
pub(super) fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    presentable(&cause.to_string(), None)
}

/// A text from outside as one bounded line without the token.
fn presentable(text: &str, token: Option<&SecretString>) -> String {
    let token = token.map(ExposeSecret::expose_secret).filter(|token| !token.is_empty());
    let text = token.map_or_else(|| text.to_owned(), |token| text.replace(token, "[token]"));
    one_line(&text, MESSAGE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_github_says_is_one_bounded_line_without_the_token() {
        let token = SecretString::from("ghp_hunter2");
        let body = br#"{"message":"Validation Failed","errors":[{"message":"no\ncommits ghp_hunter2"},{"code":"invalid"},"x"]}"#;
        let expected = "Validation Failed: no commits [token]: invalid: x";
        assert_eq!(message(body, Some(&token)), expected);
        assert_eq!(message(b"<html>", Some(&token)), "");
        let long = format!(r#"{{"message":"{}"}}"#, "가".repeat(1000));
        let told = message(long.as_bytes(), None);
        assert!(told.len() < MESSAGE_MAX + 20 && told.ends_with("가… (3000 bytes)"), "{told}");
    }
}
