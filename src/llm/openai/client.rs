//! Where requests go, and what goes with each of them.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{timeout, timeout_at};

use super::answer::{Answer, Deadlines};
use super::assemble::Assembler;
use super::continuation::Continuation;
use super::extras::{Extra, Extras, Refused};
use super::fault::Fault;
use super::limit::Limits;
use super::request::{Asked, Body, OutputLimitName, Wording};
use super::retry::Retries;
use super::secrets::Secrets;
use super::untrusted::Marks;
use super::{ConfigError, Endpoint, OpenAiConfig, Parameters};
use crate::http_client::{self, Patience};
use crate::llm::ChatRequest;

/// Most bytes of an error's body that are read.
/// Some errors quote the whole request.
const ERROR_BODY_MAX: usize = 256 * 1024;
/// How long to wait for an error's body.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(5);
/// Where OpenAI's own models are, all of which take the newer name of the output limit.
const OPENAI_HOST: &str = "api.openai.com";

/// One provider's model, and how to ask it.
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    headers: HeaderMap,
    secrets: Arc<Secrets>,
    model: String,
    parameters: Parameters,
    output_limit: OutputLimitName,
    limits: Limits,
    retries: Retries,
    marks: Marks,
    refused: Refused,
}

impl Client {
    /// A client with a connection pool of its own. Connects to nothing yet.
    pub(super) fn new(config: OpenAiConfig) -> Result<Self, ConfigError> {
        let url = url(&config.endpoint)?;
        let key = key(&config.endpoint);
        let patience = Patience {
            connect: config.connect_timeout,
            // Only a net below our own limits, which look at more than bytes.
            read: config.turn_timeout,
        };
        Ok(Self {
            http: http_client::build(patience)?,
            headers: headers(&config)?,
            secrets: Arc::new(Secrets::new(key, config.headers.values())),
            output_limit: match url.host_str() {
                Some(OPENAI_HOST) => OutputLimitName::MaxCompletionTokens,
                Some(_) | None => OutputLimitName::MaxTokens,
            },
            url,
            model: config.model,
            parameters: config.parameters,
            limits: Limits {
                connect: config.connect_timeout,
                first_token: config.first_token_timeout,
                idle: config.idle_timeout,
                turn: config.turn_timeout,
            },
            retries: Retries::new(config.max_retries, config.backoff, config.max_retry_after),
            marks: Marks::default(),
            refused: Refused::default(),
        })
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn retries(&self) -> Retries {
        self.retries.clone()
    }

    /// The optional parts of a request that are wanted and that the provider has not refused.
    pub(super) fn extras(&self) -> Extras {
        let wanted = Extras::which(|extra| match extra {
            Extra::Usage => true,
            Extra::Logprobs => self.parameters.logprobs,
            Extra::Temperature => self.parameters.temperature.is_some(),
            Extra::ReasoningEffort => self.parameters.reasoning_effort.is_some(),
            Extra::OutputLimitName => self.parameters.max_output_tokens.is_some(),
        });
        wanted.without(self.refused.all())
    }

    /// Notes what the provider refuses, once the same request without it was answered: a complaint
    /// alone may be about this one conversation.
    pub(super) fn learn(&self, refused: Extras) {
        self.refused.note(refused, &self.model);
    }

    /// Makes one request, and returns its answer as soon as its head is there.
    pub(super) async fn request(
        &self,
        request: &ChatRequest,
        extras: Extras,
        deadlines: Deadlines,
    ) -> Result<Answer, Fault> {
        let assembler = Assembler::new(request);
        let wording = Wording { names: assembler.names(), marks: &self.marks };
        let body = Body::new(self.asked(extras), request, wording);
        let call = self.http.post(self.url.clone()).headers(self.headers.clone()).json(&body);
        let (until, limit) = deadlines.soonest();
        let response = match timeout_at(until, call.send()).await {
            Ok(response) => {
                response.map_err(|error| Fault::of_request(error, self.limits.connect))?
            }
            Err(_) => return Err(Fault::timed_out(limit, self.limits.of(limit))),
        };
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        let secrets = Arc::clone(&self.secrets);
        let answer = Answer::new(response, assembler, (self.limits, deadlines), secrets);
        Ok(answer.after(Continuation::of(&request.partial)))
    }

    fn asked(&self, extras: Extras) -> Asked<'_> {
        let output_limit = match extras.has(Extra::OutputLimitName) {
            true => self.output_limit,
            false => self.output_limit.other(),
        };
        Asked { model: &self.model, parameters: &self.parameters, extras, output_limit }
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
        let _ = timeout(ERROR_BODY_WAIT, read).await;
        Fault::of_status(response.status(), response.headers(), &body, &self.secrets)
    }
}

fn key(endpoint: &Endpoint) -> Option<&SecretString> {
    match endpoint {
        Endpoint::OpenAi { api_key, .. } => api_key.as_ref(),
        Endpoint::Azure { api_key, .. } => Some(api_key),
    }
}

/// The headers of every request: the settings' own, and over them those of the protocol.
fn headers(config: &OpenAiConfig) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &config.headers {
        let refused = || ConfigError::Header(name.clone());
        let mut value = HeaderValue::try_from(value.expose_secret()).map_err(|_| refused())?;
        value.set_sensitive(true);
        headers.insert(HeaderName::try_from(name).map_err(|_| refused())?, value);
    }
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream, application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.extend(auth(&config.endpoint)?);
    Ok(headers)
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
