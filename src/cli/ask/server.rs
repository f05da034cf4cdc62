//! The server that is asked, over HTTP.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::address::Address;
use super::answered::Answered;
use super::asker::Asker;
use super::decision::{Answer, Decided, Standing};
use super::run_stream::{self, RunStream};
use super::trouble::Trouble;
use crate::cli::CliError;
use crate::domain::{EventId, RequestId, SessionId};
use crate::http_client::{self, Patience};

/// A connection, and the longest silence of a stream: the server breaks it several times a minute.
const PATIENCE: Patience =
    Patience { connect: Duration::from_secs(10), read: Duration::from_secs(90) };
/// A whole answer that is no stream.
const ANSWER: Duration = Duration::from_secs(20);

/// The server, and whoever asks it.
pub(super) struct Server {
    http: reqwest::Client,
    address: Address,
    asker: Asker,
}

impl Server {
    /// The server at this address.
    pub(super) fn new(address: Address, asker: Asker) -> Result<Self, CliError> {
        let http = http_client::build(PATIENCE).map_err(CliError::failed)?;
        Ok(Self { http, address, asker })
    }

    /// The address.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// The stream of a run that is started with this, once for each key.
    pub(super) async fn start(&self, body: &Value, key: &str) -> Result<RunStream, Trouble> {
        let request = self.request(Method::POST, &["aura", "test", "stream"])?;
        RunStream::of(stream(request.header("Idempotency-Key", key).json(body)).await?)
    }

    /// The stream of a run, after this event; `None` if nothing comes after it.
    pub(super) async fn join(
        &self,
        session: &SessionId,
        after: Option<EventId>,
    ) -> Result<Option<RunStream>, Trouble> {
        let path = ["aura", "sessions", session.as_str(), "stream"];
        let request = self.request(Method::GET, &path)?;
        let response = stream(match after {
            Some(id) => request.header("Last-Event-ID", id.to_string()),
            None => request,
        })
        .await?;
        if response.status() == StatusCode::NO_CONTENT && after.is_some() {
            return Ok(None);
        }
        let joined = RunStream::of(response)?;
        if joined.session() != session {
            let other = format!("it answers with another run, {}", joined.session());
            return Err(Trouble::Nonsense(other));
        }
        Ok(Some(joined))
    }

    /// How a question stands, and its arguments without anything left out.
    pub(super) async fn standing(&self, request: &RequestId) -> Result<Standing, Trouble> {
        let path = ["aura", "hitl", "requests", request.as_str()];
        let answered = answered(self.request(Method::GET, &path)?).await?;
        Standing::of(request, &answered).ok_or_else(|| answered.is_no("the request"))
    }

    /// Answers a question. One that is answered already is not decided again.
    ///
    /// Not below `/aura/hitl/`, which the Gateway sends to the Main Service: that one knows no changed
    /// arguments, and would have the original ones run.
    pub(super) async fn decide(
        &self,
        request: &RequestId,
        answer: &Answer,
    ) -> Result<Decided, Trouble> {
        let (verb, body) = answer.message();
        let path = ["aura", "approvals", request.as_str(), verb];
        let answered = answered(self.request(Method::POST, &path)?.json(&body)).await?;
        answer.came_to(request, &answered).ok_or_else(|| answered.is_no("a decision"))
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, CliError> {
        let request = self.http.request(method, self.address.below(path));
        let tenant = self.asker.tenant().as_str();
        let token = self.asker.token()?;
        Ok(request.bearer_auth(token.expose_secret()).header("X-Tenant-ID", tenant))
    }
}

async fn answered(request: RequestBuilder) -> Result<Answered, Trouble> {
    let request = request.timeout(ANSWER).header("Accept", "application/json");
    Answered::read(request.send().await?).await
}

async fn stream(request: RequestBuilder) -> Result<Response, Trouble> {
    let response = request.header("Accept", "text/event-stream").send().await?;
    if response.status().is_success() {
        return Ok(response);
    }
    Err(run_stream::refused(&Answered::read(response).await?))
}
