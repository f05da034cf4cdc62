//! The requests of one call of a tool, within its time limit.
//!
//! A `GET` is made again when the connection or GitHub fails, and after a rate limit whose wait
//! fits into the time that is left. What changes something is sent once: GitHub's API takes no
//! idempotency key, so neither the session's nor the call's id could keep a second `POST` from
//! doing its work a second time. Where its outcome is not known, the error says so.

use std::time::Duration;

use http::StatusCode;
use http::header::LOCATION;
use reqwest::{Method, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::client::{Client, JSON};
use super::{fault, rate};
use crate::backoff::Backoff;
use crate::domain::json::mended;
use crate::domain::{Clock, SystemClock, UnixMs};
use crate::tools::ToolError;

/// How often a `GET` that failed is made again.
const RETRIES: u32 = 2;
/// How often a `GET` follows where GitHub sends it, for instance to a repository's new name.
const MOVES: u32 = 3;
/// The pauses between attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));
/// The pauses after limits that should be over and are not: GitHub's clock is not ours, and who keeps
/// asking is locked out for longer.
const LIMIT_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Most bytes of a JSON document that are read.
const JSON_MAX: usize = 16 * 1024 * 1024;
/// Most bytes of a refusal that are read.
const REFUSAL_MAX: usize = 64 * 1024;

/// The requests of one call of a tool.
pub(super) struct Requests<'a> {
    pub(super) client: &'a Client,
    deadline: Instant,
}

/// What GitHub said to a request that changes something: it was carried out, or refused for good.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

/// A failed attempt at a `GET`.
struct Failure {
    error: ToolError,
    again: Again,
}

/// Whether another attempt makes sense.
enum Again {
    Never,
    Soon,
    After(Duration),
    At(Box<Url>),
}

impl Failure {
    fn last(error: ToolError) -> Self {
        Self { error, again: Again::Never }
    }
}

impl<'a> Requests<'a> {
    /// Begins one call of a tool: its time runs from now on.
    pub(super) fn begin(client: &'a Client) -> Self {
        Self { client, deadline: Instant::now() + client.timeout }
    }

    /// Reads a JSON document. `what` names it in errors.
    pub(super) async fn get_json<T: DeserializeOwned>(
        &self,
        url: Url,
        what: &str,
    ) -> Result<T, ToolError> {
        let response = self.get(url, JSON, what).await?;
        self.json(response).await
    }

    /// Makes a `GET` until there is a good answer, an error that stays, or no time left.
    pub(super) async fn get(
        &self,
        url: Url,
        accept: &str,
        what: &str,
    ) -> Result<Response, ToolError> {
        let mut backoff = Backoff::new(PAUSES.0, PAUSES.1);
        let mut limits = Backoff::new(LIMIT_PAUSES.0, LIMIT_PAUSES.1);
        let (mut url, mut retries, mut moves) = (url, RETRIES, MOVES);
        loop {
            let failure = match self.attempt(url.clone(), accept, what).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let (pause, reason) = match failure.again {
                Again::Soon if retries > 0 => {
                    retries -= 1;
                    (backoff.pause(), "failed")
                }
                Again::After(wait) => (wait.max(limits.pause()), "rate_limited"),
                Again::At(place) if moves > 0 => {
                    (url, moves) = (*place, moves - 1);
                    continue;
                }
                Again::Never | Again::Soon | Again::At(_) => return Err(failure.error),
            };
            if Instant::now() + pause >= self.deadline {
                return Err(failure.error);
            }
            let wait_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(reason, wait_ms, "asking GitHub again");
            sleep(pause).await;
        }
    }

    async fn attempt(&self, url: Url, accept: &str, what: &str) -> Result<Response, Failure> {
        let request = self.client.request(Method::GET, url, accept).send();
        let response = match timeout_at(self.deadline, request).await {
            Err(_) => return Err(Failure::last(self.out_of_time())),
            Ok(Err(error)) => {
                let again = if error.is_builder() { Again::Never } else { Again::Soon };
                return Err(Failure { error: unreachable(error), again });
            }
            Ok(Ok(response)) if response.status().is_success() => return Ok(response),
            Ok(Ok(response)) => response,
        };
        let status = response.status();
        if let Some(place) = self.place(&response) {
            let error = fault::of_status(status, "", what, self.has_token());
            return Err(Failure { error, again: Again::At(Box::new(place)) });
        }
        let headers = response.headers().clone();
        let body = self.bytes(response, REFUSAL_MAX).await.unwrap_or_default();
        let message = fault::message(&body, self.client.token.as_ref());
        let now = SystemClock.now();
        Err(match rate::limited(status, &headers, &message, now) {
            Some(wait) => Failure { error: busy(&message, now, wait), again: Again::After(wait) },
            None => {
                let error = fault::of_status(status, &message, what, self.has_token());
                let again = if status.is_server_error() { Again::Soon } else { Again::Never };
                Failure { error, again }
            }
        })
    }

    /// Where a redirect leads, if that is to GitHub's API.
    fn place(&self, response: &Response) -> Option<Url> {
        if !response.status().is_redirection() {
            return None;
        }
        let place = response.headers().get(LOCATION)?.to_str().ok()?;
        response.url().join(place).ok().filter(|place| self.client.is_ours(place))
    }

    /// Sends something that changes something, once. An error other than
    /// [`ToolError::Uncertain`] says that nothing was changed.
    pub(super) async fn send(
        &self,
        method: Method,
        url: Url,
        body: &Value,
    ) -> Result<Answer, ToolError> {
        let request = self.client.request(method, url, JSON).json(body).send();
        let response = match timeout_at(self.deadline, request).await {
            Err(_) => return Err(uncertain("it did not answer in time")),
            Ok(Err(error)) if error.is_connect() || error.is_builder() => {
                return Err(unreachable(error));
            }
            Ok(Err(error)) => return Err(uncertain(&fault::cause(error))),
            Ok(Ok(response)) => response,
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.bytes(response, JSON_MAX).await;
        let message = || {
            let body = body.as_deref().unwrap_or_default();
            fault::message(body, self.client.token.as_ref())
        };
        if status.is_server_error() {
            return Err(uncertain(&format!("it answered {status} {}", message())));
        }
        let now = SystemClock.now();
        // Told, not waited for: a request that changes something is not made again on its own.
        if let Some(wait) = rate::limited(status, &headers, &message(), now) {
            return Err(busy(&message(), now, wait));
        }
        match body {
            Err(error) if status.is_success() => {
                Err(ToolError::Uncertain(format!("GitHub answered {status}, but then: {error}")))
            }
            body => Ok(Answer { status, body: body.unwrap_or_default() }),
        }
    }

    /// The error for an answer that refuses. `what` was to be changed.
    pub(super) fn refusal(&self, answer: &Answer, what: &str) -> ToolError {
        fault::of_status(answer.status, &self.message(answer), what, self.has_token())
    }

    /// What GitHub says in a refusal.
    pub(super) fn message(&self, answer: &Answer) -> String {
        fault::message(&answer.body, self.client.token.as_ref())
    }

    /// Reads a JSON document from a good answer.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        response: Response,
    ) -> Result<T, ToolError> {
        let body = self.bytes(response, JSON_MAX).await?;
        serde_json::from_slice(&mended(&body)).map_err(|error| {
            ToolError::Failed(format!("GitHub's answer is not understood: {error}"))
        })
    }

    async fn bytes(&self, response: Response, most: usize) -> Result<Vec<u8>, ToolError> {
        let mut body = Vec::new();
        let whole = self.pieces(response, most, |piece| body.extend_from_slice(piece)).await?;
        if whole {
            Ok(body)
        } else {
            Err(ToolError::Failed(format!("GitHub's answer is longer than {most} bytes")))
        }
    }

    /// Hands over a body piece by piece, and says whether it was all of it: what is beyond `most`
    /// bytes is not read.
    pub(super) async fn pieces(
        &self,
        mut response: Response,
        most: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Result<bool, ToolError> {
        let mut left = most;
        loop {
            let piece = timeout_at(self.deadline, response.chunk()).await;
            match piece.map_err(|_| self.out_of_time())? {
                Ok(Some(piece)) => {
                    let fits = piece.len().min(left);
                    take(&piece[..fits]);
                    if fits < piece.len() {
                        return Ok(false);
                    }
                    left -= fits;
                }
                Ok(None) => return Ok(true),
                Err(error) => {
                    let cause = fault::cause(error);
                    return Err(ToolError::Failed(format!("GitHub's answer broke off: {cause}")));
                }
            }
        }
    }

    fn has_token(&self) -> bool {
        self.client.token.is_some()
    }

    fn out_of_time(&self) -> ToolError {
        ToolError::TimedOut { seconds: self.client.timeout.as_secs() }
    }
}

fn unreachable(error: reqwest::Error) -> ToolError {
    ToolError::Failed(format!("GitHub cannot be reached: {}", fault::cause(error)))
}

fn uncertain(cause: &str) -> ToolError {
    ToolError::Uncertain(format!(
        "the request was sent to GitHub, but then {}: it may have been carried out, so look there \
         before trying again",
        cause.trim_end()
    ))
}

fn busy(message: &str, now: UnixMs, wait: Duration) -> ToolError {
    let wait = wait.max(LIMIT_PAUSES.0);
    let (at, seconds) = (rate::moment(now, wait), wait.as_millis().div_ceil(1000));
    let said = if message.is_empty() { String::new() } else { format!(": {message}") };
    ToolError::Busy(format!(
        "GitHub takes no more requests of this token until {at}, in {seconds} s{said}"
    ))
}
