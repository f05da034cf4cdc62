//! The server that is asked, over HTTP.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use super::asker::Asker;
use crate::cli::CliError;
use crate::domain::event::told::{Told, ToldEvent};
use crate::domain::{RequestId, SessionId, json};
use crate::http_client::{self, Patience};
use crate::sse::parse::Parser;

/// A connection, and the longest silence of a stream: the server breaks it several times a minute.
const PATIENCE: Patience =
    Patience { connect: Duration::from_secs(10), read: Duration::from_secs(90) };
/// A whole answer that is no stream.
const ANSWER: Duration = Duration::from_secs(20);
/// Bytes of an answer that are looked at: a request for approval has at most a few hundred KiB.
const ANSWER_MAX: usize = 4 * 1024 * 1024;

/// The server, and whoever asks it.
pub(super) struct Server {
    http: reqwest::Client,
    base: Url,
    /// The same as people read it, without a slash at its end.
    shown: String,
    asker: Asker,
}

/// Why an answer did not come, or is of no use.
#[derive(Debug, Error)]
pub(super) enum Trouble {
    /// Nobody listens there.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The connection was lost on the way.
    #[error("{0}")]
    Lost(String),
    /// The server says no.
    #[error("{} {detail}", status.as_u16())]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// Why.
        detail: String,
    },
    /// What it says makes no sense, and would not if it were asked again.
    #[error("{0}")]
    Nonsense(String),
    /// It cannot even be asked.
    #[error(transparent)]
    Own(#[from] CliError),
}

impl Trouble {
    /// Whether it may have passed in a moment.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Lost(_) => true,
            Self::Refused { status, .. } => matches!(
                *status,
                StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            ),
            Self::Nonsense(_) | Self::Own(_) => false,
        }
    }

    /// Whether a decision may be taken that is sent once more.
    pub(super) fn may_pass_for_decisions(&self) -> bool {
        let is_too_often = |status| status == StatusCode::TOO_MANY_REQUESTS;
        self.may_pass() || matches!(self, Self::Refused { status, .. } if is_too_often(*status))
    }
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        let cause = http_client::root_cause(&error);
        if error.is_connect() { Self::Unreachable(cause) } else { Self::Lost(cause) }
    }
}

/// What a person says to a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// As it was asked.
    Approve,
    /// With these arguments, which are an object.
    ApproveWith(Value),
    /// No, and why.
    Reject(Option<String>),
}

/// What an answer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decided {
    /// It decided the question.
    Done,
    /// Somebody was faster: so stands the question.
    Before(String),
    /// One yes of several.
    OneOf { given: u64, needed: u64 },
    /// Another person is asked about the changed arguments.
    AnotherAsked,
}

/// A stored question: how it stands, and its arguments, whole.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Standing {
    #[serde(default)]
    status: String,
    #[serde(default)]
    outcome: Option<String>,
    #[serde(default)]
    pub(super) context: Value,
}

impl Standing {
    /// Whether an answer may still count.
    pub(super) fn is_open(&self) -> bool {
        self.status == "pending" && self.outcome.is_none()
    }
}

/// The address of a server, without a slash at its end.
pub(super) fn address(text: &str) -> Result<String, String> {
    if !text.contains("://") {
        return Err("http:// or https:// is missing at its beginning".to_owned());
    }
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("must begin with http:// or https://".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must have neither ? nor #".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// The platform's envelope, as far as it is looked at.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    data: Value,
    detail: Option<String>,
    message: Option<String>,
}

/// `data` of an answer to a decision.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DecisionData {
    #[serde(default)]
    status: String,
    approvals: Option<u64>,
    approvals_needed: Option<u64>,
    supersedes: Option<String>,
}

impl Server {
    /// The server at this [`address`].
    pub(super) fn new(base: &str, asker: Asker) -> Result<Self, CliError> {
        let http = http_client::build(PATIENCE).map_err(CliError::failed)?;
        let url = Url::parse(base).map_err(CliError::failed)?;
        Ok(Self { http, base: url, shown: base.to_owned(), asker })
    }

    /// The address.
    pub(super) fn base(&self) -> &str {
        &self.shown
    }

    /// The stream of a run that is started with this, once for each key.
    pub(super) async fn start(&self, body: &Value, key: &str) -> Result<Response, Trouble> {
        let request = self.request(Method::POST, &["aura", "test", "stream"])?;
        stream(request.header("Idempotency-Key", key).json(body)).await
    }

    /// The stream of a run, after this event.
    pub(super) async fn join(
        &self,
        session: &SessionId,
        after: Option<&str>,
    ) -> Result<Response, Trouble> {
        let session = session.as_str();
        let path = ["aura", "sessions", session, "stream"];
        let request = self.request(Method::GET, &path)?.header("X-Session-ID", session);
        stream(match after {
            Some(id) => request.header("Last-Event-ID", id),
            None => request,
        })
        .await
    }

    /// How a question stands, and its arguments without anything left out.
    pub(super) async fn standing(&self, request: &RequestId) -> Result<Standing, Trouble> {
        let path = ["aura", "hitl", "requests", request.as_str()];
        let (_, envelope) = self.answer(Method::GET, &path, None).await?;
        let stored = match &envelope.data {
            Value::String(text) => json::read_document(text.as_bytes()).unwrap_or_default(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => Value::Null,
        };
        serde_json::from_value(stored).map_err(|_| Trouble::Lost("an answer of no use".into()))
    }

    /// Answers a question. One that is answered already is not decided again.
    pub(super) async fn decide(
        &self,
        request: &RequestId,
        answer: &Answer,
    ) -> Result<Decided, Trouble> {
        let (verb, body) = match answer {
            Answer::Approve => ("approve", json!({})),
            Answer::ApproveWith(arguments) => ("approve", json!({ "args": arguments })),
            Answer::Reject(None) => ("reject", json!({})),
            Answer::Reject(Some(reason)) => ("reject", json!({ "reason": reason })),
        };
        let path = ["aura", "hitl", verb, request.as_str()];
        let (status, envelope) = self.answer(Method::POST, &path, Some(&body)).await?;
        Ok(decided(status, envelope.data))
    }

    async fn answer(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<(StatusCode, Envelope), Trouble> {
        let request = self.request(method, path)?.timeout(ANSWER);
        let request = request.header("Accept", "application/json");
        let response = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = response.send().await?;
        let status = response.status();
        let envelope = envelope(&whole(response).await?);
        // 409 is an answer, too: the decision that stands.
        if status.is_success() || (status == StatusCode::CONFLICT && envelope.detail.is_none()) {
            return Ok((status, envelope));
        }
        Err(Trouble::Refused { status, detail: envelope.why() })
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, CliError> {
        let request = self.http.request(method, below(&self.base, path));
        let tenant = self.asker.tenant().as_str();
        let token = self.asker.token()?;
        Ok(request.bearer_auth(token.expose_secret()).header("X-Tenant-ID", tenant))
    }
}

/// The address of a path below this one. Whatever a segment has in it, it stays one segment.
fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    // An address with a host has segments.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

impl Envelope {
    fn why(self) -> String {
        let words = [self.detail, self.message].into_iter().flatten();
        words.collect::<Vec<_>>().join("; ")
    }
}

fn envelope(bytes: &[u8]) -> Envelope {
    let value = json::read_document(bytes).unwrap_or_default();
    serde_json::from_value(value).unwrap_or_default()
}

fn decided(status: StatusCode, data: Value) -> Decided {
    let Ok(data) = serde_json::from_value::<DecisionData>(data) else { return Decided::Done };
    if status == StatusCode::CONFLICT {
        return Decided::Before(data.status);
    }
    match (data.supersedes, data.approvals, data.approvals_needed) {
        (Some(_), ..) => Decided::AnotherAsked,
        (None, Some(given), Some(needed)) => Decided::OneOf { given, needed },
        (None, ..) => Decided::Done,
    }
}

async fn stream(request: RequestBuilder) -> Result<Response, Trouble> {
    let response = request.header("Accept", "text/event-stream").send().await?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = whole(response).await?;
    Err(Trouble::Refused { status, detail: why_no_stream(&body) })
}

/// What a refusal of a stream says: it is a stream itself, or, from whatever stands before the server,
/// something else.
fn why_no_stream(body: &[u8]) -> String {
    let mut events = Vec::new();
    let told = Parser::new().push(body, &mut events).ok().and_then(|()| events.into_iter().next());
    match told.and_then(|told| Told::read(told.data.as_bytes())) {
        Some(Told { event: ToldEvent::Error(error), .. }) => {
            format!("{}; {}", error.error, error.message)
        }
        Some(_) | None => envelope(body).why(),
    }
}

async fn whole(mut response: Response) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_MAX {
            return Err(Trouble::Lost(format!("the answer is larger than {ANSWER_MAX} bytes")));
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_with_a_host_and_perhaps_a_path() {
        assert_eq!(address("http://127.0.0.1:9000/").unwrap(), "http://127.0.0.1:9000");
        assert_eq!(address("https://portal.example/api").unwrap(), "https://portal.example/api");
        for bad in ["", "127.0.0.1:9000", "ftp://host", "http://host/?x=1", "http://host/#x"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_without_its_scheme_is_told_what_is_missing() {
        for text in ["127.0.0.1:9101", "localhost:9101", "portal.example/api", ""] {
            let wrong = address(text).unwrap_err();
            assert_eq!(wrong, "http:// or https:// is missing at its beginning", "{text}");
        }
    }

    #[test]
    fn no_id_makes_another_path_of_a_path() {
        let of = |base: &str, id: &str| below(&base.parse().unwrap(), &["hitl", id]).to_string();
        assert_eq!(of("http://host", "req_1"), "http://host/hitl/req_1");
        assert_eq!(of("http://host/api", "req_1"), "http://host/api/hitl/req_1");
        let hostile = of("http://host/api", "../../sessions/victim/cancel?x=#y");
        assert_eq!(hostile, "http://host/api/hitl/..%2F..%2Fsessions%2Fvictim%2Fcancel%3Fx=%23y");
    }

    #[test]
    fn what_a_decision_came_to_is_read_from_status_and_data() {
        let of = |status: u16, data: Value| decided(StatusCode::from_u16(status).unwrap(), data);
        assert_eq!(of(200, json!({"status": "approved"})), Decided::Done);
        assert_eq!(of(409, json!({"status": "timed_out"})), Decided::Before("timed_out".into()));
        let one = json!({"status": "pending", "approvals": 1, "approvalsNeeded": 2});
        assert_eq!(of(200, one), Decided::OneOf { given: 1, needed: 2 });
        let next = json!({"status": "pending", "requestId": "req_2", "supersedes": "req_1"});
        assert_eq!(of(200, next), Decided::AnotherAsked);
    }

    #[test]
    fn a_refused_stream_says_why_in_whatever_form() {
        let stream = "id: 1\nevent: error\ndata: {\"type\":\"error\",\"error\":\"prompt: missing or blank\",\
                      \"errorType\":\"ValidationError\",\"errorCode\":\"E4001\",\"message\":\"no\",\"retryable\":false}\n\n";
        assert_eq!(why_no_stream(stream.as_bytes()), "prompt: missing or blank; no");
        assert_eq!(why_no_stream(br#"{"detail":"full","message":"later"}"#), "full; later");
        assert_eq!(why_no_stream(b"<html>"), "");
    }
}
