//! Models behind the chat-completions API: OpenAI, Azure OpenAI and whatever speaks like them.
//!
//! One request is one `Answer`, read as it arrives; this file decides where the
//! request goes and whether it is made again. Compatible servers differ in everything, so `wire`
//! and `assemble` read leniently. Nothing of a conversation is ever logged.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};

use super::{ChatModel, ChatRequest, Delta, ModelError, Turn};
use crate::http_client::{self, Patience};

mod answer;
mod assemble;
mod continuation;
mod data;
mod fault;
mod names;
mod request;
mod retry;
mod wire;

use answer::{Answer, Times};
use assemble::Assembler;
use continuation::Continuation;
use data::Marks;
use fault::{Extras, Fault};
use request::{Body, Wording};
use retry::Retries;

/// Most bytes of an error's body that are read.
/// Some errors quote the whole request.
const ERROR_BODY_MAX: usize = 256 * 1024;
/// How long to wait for an error's body.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(5);

/// Where a model is, and the key to it.
#[derive(Clone, Debug)]
pub enum Endpoint {
    /// OpenAI, or a server that speaks like it.
    OpenAi {
        /// For instance `https://api.openai.com/v1`.
        base_url: String,
        /// Servers on one's own network often need none.
        api_key: Option<SecretString>,
    },
    /// A deployment of Azure OpenAI.
    Azure {
        /// For instance `https://example.openai.azure.com`.
        endpoint: String,
        /// The deployment's name.
        deployment: String,
        /// For instance `2024-10-21`.
        api_version: String,
        /// The key.
        api_key: SecretString,
    },
}

/// How to ask a model.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Its name, for the provider and for [`ChatModel::name`].
    pub model: String,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long one attempt waits for the model to show itself, from the start of the request. A
    /// server that does not stream must have answered completely by then.
    pub first_token_timeout: Duration,
    /// How long the model may be silent after that. Only what the model does counts, not bytes: a
    /// provider's keep-alives do not make a dead model live.
    pub idle_timeout: Duration,
    /// How long a whole turn may take, its retries included, however busy the model seems: also
    /// endless thinking has an end.
    pub turn_timeout: Duration,
    /// How often a failed request is made again, as long as nothing of the answer was handed out.
    pub max_retries: u32,
    /// The wait before the first retry; it doubles each time, up to 8 s.
    pub backoff: Duration,
    /// Longest wait that a provider's `Retry-After` can cause.
    pub max_retry_after: Duration,
}

impl Config {
    /// The usual patience: 5 s for a connection, 60 s for a first token and between tokens, 10
    /// minutes for a turn, two retries from 500 ms, `Retry-After` up to 20 s.
    pub fn new(endpoint: Endpoint, model: impl Into<String>) -> Self {
        Self {
            endpoint,
            model: model.into(),
            connect_timeout: Duration::from_secs(5),
            first_token_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
            turn_timeout: Duration::from_secs(600),
            max_retries: 2,
            backoff: Duration::from_millis(500),
            max_retry_after: Duration::from_secs(20),
        }
    }
}

/// Why a configuration does not make a model. Never holds a key.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The address is no `http` or `https` URL.
    #[error("the model's address is not an http or https URL")]
    Address,
    /// The key cannot be sent in a header.
    #[error("the model's key has characters that no key has")]
    Key,
    /// The HTTP client cannot be built.
    #[error(transparent)]
    Client(#[from] http_client::BuildError),
}

/// A model behind the chat-completions API.
pub struct OpenAi {
    http: reqwest::Client,
    url: Url,
    auth: Option<(HeaderName, HeaderValue)>,
    /// Taken out of what providers say.
    key: Option<SecretString>,
    model: String,
    first_token_timeout: Duration,
    idle_timeout: Duration,
    turn_timeout: Duration,
    retries: Retries,
    marks: Marks,
    /// What this provider has refused once is not asked for again: any run may learn it, and all
    /// go by it. Two runs learning it at the same time do no harm.
    refuses_usage: AtomicBool,
    refuses_logprobs: AtomicBool,
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi").field("model", &self.model).finish_non_exhaustive()
    }
}

impl OpenAi {
    /// A model with a connection pool of its own. Connects to nothing yet.
    ///
    /// # Errors
    /// [`ConfigError`], for an address or a key that can never work.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let url = url(&config.endpoint)?;
        let auth = auth(&config.endpoint)?;
        let key = match config.endpoint {
            Endpoint::OpenAi { api_key, .. } => api_key,
            Endpoint::Azure { api_key, .. } => Some(api_key),
        };
        let patience = Patience {
            connect: config.connect_timeout,
            // Only a net below our own time-outs, which look at more than bytes.
            read: config.first_token_timeout.max(config.idle_timeout),
        };
        Ok(Self {
            http: http_client::build(patience)?,
            url,
            auth,
            key,
            model: config.model,
            first_token_timeout: config.first_token_timeout,
            idle_timeout: config.idle_timeout,
            turn_timeout: config.turn_timeout,
            retries: Retries {
                max: config.max_retries,
                backoff: config.backoff,
                max_retry_after: config.max_retry_after,
            },
            marks: Marks::default(),
            refuses_usage: AtomicBool::new(false),
            refuses_logprobs: AtomicBool::new(false),
        })
    }

    /// One attempt, up to the first piece of the answer.
    async fn attempt(
        &self,
        request: &ChatRequest,
        extras: Extras,
        whole: Instant,
    ) -> Result<Turn, Fault> {
        let first = Instant::now() + self.first_token_timeout;
        let assembler = Assembler::new(request);
        let wording = Wording { names: assembler.names(), marks: &self.marks };
        let body = Body::new(&self.model, request, wording, extras);
        let mut call = self
            .http
            .post(self.url.clone())
            .header(ACCEPT, "text/event-stream, application/json")
            .header(CONTENT_TYPE, "application/json")
            .json(&body);
        if let Some((name, value)) = &self.auth {
            call = call.header(name, value);
        }
        let response = match timeout_at(first.min(whole), call.send()).await {
            Ok(response) => response.map_err(Fault::of_request)?,
            Err(_) => return Err(Fault::timed_out("no answer to the request")),
        };
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        let key = self.key.clone();
        let times = Times { first, idle: self.idle_timeout, whole };
        let mut answer =
            Answer::new(response, assembler, key, times).after(Continuation::of(&request.begun));
        let first: Option<Delta> = answer.next().await?;
        Ok(answer.into_turn(first))
    }

    async fn refusal(&self, mut response: reqwest::Response) -> Fault {
        let mut body = Vec::new();
        let read = async {
            while body.len() < ERROR_BODY_MAX
                && let Ok(Some(bytes)) = response.chunk().await
            {
                let room = ERROR_BODY_MAX - body.len();
                body.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
        };
        // What has come until then is enough: the status alone says most of it.
        let _ = tokio::time::timeout(ERROR_BODY_WAIT, read).await;
        Fault::of_status(response.status(), response.headers(), &body, self.key.as_ref())
    }

    fn extras(&self) -> Extras {
        Extras {
            usage: !self.refuses_usage.load(Ordering::Relaxed),
            logprobs: !self.refuses_logprobs.load(Ordering::Relaxed),
        }
    }

    /// Notes what the provider refuses, once the same request without it was answered: a complaint
    /// alone may be about this one conversation.
    fn learn(&self, refused: Extras) {
        if refused.usage {
            self.refuses_usage.store(true, Ordering::Relaxed);
            tracing::info!(model = self.model, "the model's provider does not count tokens");
        }
        if refused.logprobs {
            self.refuses_logprobs.store(true, Ordering::Relaxed);
            tracing::info!(model = self.model, "the model's provider does not tell probabilities");
        }
    }
}

#[async_trait]
impl ChatModel for OpenAi {
    fn name(&self) -> &str {
        &self.model
    }

    async fn chat(&self, request: ChatRequest) -> Result<Turn, ModelError> {
        let whole = Instant::now() + self.turn_timeout;
        let mut retries = 0;
        let mut refused = Extras::default();
        loop {
            let extras = self.extras().without(refused);
            let fault = match self.attempt(&request, extras, whole).await {
                Ok(turn) => {
                    self.learn(refused);
                    return Ok(turn);
                }
                Err(fault) => fault,
            };
            let blamed = extras.and(fault.blamed);
            if blamed.any() {
                refused = refused.or(blamed);
                continue;
            }
            let Some(wait) = self.retries.wait(retries, fault.again) else {
                return Err(fault.error);
            };
            retries += 1;
            let (reason, wait_ms) = (fault.name(), wait.as_millis());
            tracing::warn!(model = self.model, reason, retries, wait_ms, "asking the model again");
            sleep(wait).await;
        }
    }
}

fn url(endpoint: &Endpoint) -> Result<Url, ConfigError> {
    let base = match endpoint {
        Endpoint::OpenAi { base_url, .. } => base_url,
        Endpoint::Azure { endpoint, .. } => endpoint,
    };
    let mut url = Url::parse(base.trim()).map_err(|_| ConfigError::Address)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ConfigError::Address);
    }
    let mut path = url.path_segments_mut().map_err(|()| ConfigError::Address)?;
    path.pop_if_empty();
    if let Endpoint::Azure { deployment, .. } = endpoint {
        path.extend(["openai", "deployments", deployment]);
    }
    path.extend(["chat", "completions"]);
    drop(path);
    if let Endpoint::Azure { api_version, .. } = endpoint {
        url.query_pairs_mut().append_pair("api-version", api_version);
    }
    Ok(url)
}

fn auth(endpoint: &Endpoint) -> Result<Option<(HeaderName, HeaderValue)>, ConfigError> {
    let (name, text) = match endpoint {
        Endpoint::OpenAi { api_key: None, .. } => return Ok(None),
        Endpoint::OpenAi { api_key: Some(key), .. } => {
            (AUTHORIZATION, format!("Bearer {}", key.expose_secret().trim()))
        }
        Endpoint::Azure { api_key, .. } => {
            (HeaderName::from_static("api-key"), api_key.expose_secret().trim().to_owned())
        }
    };
    let mut value = HeaderValue::try_from(text).map_err(|_| ConfigError::Key)?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}
