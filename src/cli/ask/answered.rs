//! A whole answer of the server, in the platform's envelope (contract, section 5.4).

use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::trouble::Trouble;
use crate::domain::Language;
use crate::domain::json;
use crate::domain::text::quoted_start;

/// Bytes of an answer that are looked at: a request for approval has at most a few hundred KiB.
const ANSWER_MAX: usize = 4 * 1024 * 1024;
/// Characters that are shown of an answer of which nothing is understood.
const SHOWN: usize = 80;

/// What was answered.
pub(super) struct Answered {
    status: StatusCode,
    body: Vec<u8>,
}

/// An answer that comes from the server, and not from something that stands before it.
#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "UPPERCASE")]
enum Envelope {
    Success { data: Value },
    Error,
}

/// The words of a refusal, in whatever form.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    detail: Option<String>,
    message: Option<String>,
}

impl Answered {
    /// Reads an answer to its end.
    pub(super) async fn read(mut response: Response) -> Result<Self, Trouble> {
        let (status, mut body) = (response.status(), Vec::new());
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_MAX {
                return Err(Trouble::Lost(format!("the answer is larger than {ANSWER_MAX} bytes")));
            }
        }
        Ok(Self { status, body })
    }

    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Its bytes.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// What it holds; `None` if it says no, or is none of the server's.
    pub(super) fn data(&self) -> Option<Value> {
        let value = json::read_document(&self.body).ok()?;
        match serde_json::from_value(value).ok()? {
            Envelope::Success { data } => Some(data),
            Envelope::Error => None,
        }
    }

    /// Why it is not `what` was asked for.
    pub(super) fn is_no(&self, what: &str) -> Trouble {
        let status = self.status;
        if !status.is_success() {
            return Trouble::Refused { status, detail: self.why(), is_final: false };
        }
        let body = String::from_utf8_lossy(&self.body);
        let shown = quoted_start(body.trim(), SHOWN, Language::English);
        Trouble::Nonsense(format!("{} without {what}: {shown}", status.as_u16()))
    }

    /// What it says of itself, or else what its status means.
    pub(super) fn why(&self) -> String {
        let value = json::read_document(&self.body).unwrap_or_default();
        let Words { detail, message } = serde_json::from_value(value).unwrap_or_default();
        let words: Vec<_> = [detail, message].into_iter().flatten().collect();
        match words.is_empty() {
            true => self.status.canonical_reason().unwrap_or_default().to_owned(),
            false => words.join("; "),
        }
    }
}

#[cfg(test)]
impl Answered {
    /// An answer of this status and body.
    pub(super) fn of(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status: StatusCode::from_u16(status).unwrap(), body: body.into() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_says_success_and_holds_something_is_an_answer() {
        let success = br#"{"status":"SUCCESS","message":"","data":{"a":1},"success":true}"#;
        assert_eq!(Answered::of(200, success).data(), Some(json!({"a": 1})));
        for body in [
            r#"{"status":"ERROR","data":{"a":1},"success":false}"#,
            r#"{"status":"SUCCESS","success":true}"#,
            r#"{"data":{"a":1}}"#,
            "<html>",
            "",
        ] {
            assert_eq!(Answered::of(200, body).data(), None, "{body}");
        }
    }

    #[test]
    fn a_refusal_says_why_in_its_own_words_or_in_those_of_its_status() {
        let of = |status, body| Answered::of(status, body).is_no("a decision").to_string();
        assert_eq!(of(429, r#"{"detail":"full","message":"later"}"#), "429 full; later");
        assert_eq!(of(302, "<html>"), "302 Found");
        assert_eq!(
            of(200, "<html>hello</html>\n"),
            "200 without a decision: \"<html>hello</html>\""
        );
    }
}
