//! Models behind the chat-completions API: OpenAI, Azure OpenAI and whatever speaks like them.
//!
//! A turn is an `Asking`: one or more requests, each made by the `Client` and read as an `Answer`
//! as it arrives. Compatible servers differ in everything, so `wire` and `assemble` read leniently.
//! Nothing of a conversation is ever logged.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use thiserror::Error;

use super::{ChatModel, ChatRequest, ModelError, Pieces, Turn};
use crate::http_client;

mod answer;
mod asking;
mod assemble;
mod calls;
mod client;
mod continuation;
mod extras;
mod fault;
mod finish;
mod frame;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod limit;
mod names;
mod provider_error;
mod request;
mod retry;
mod secrets;
mod untrusted;
mod usage;
mod wire;

use asking::Asking;
use client::Client;

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

/// The wait before the first retry of a request; no setting, because it depends on nothing that differs
/// between deployments.
pub const BACKOFF: Duration = Duration::from_millis(500);
/// The longest wait that a provider can ask for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(20);

/// How to ask a model.
#[derive(Clone, Debug)]
pub struct OpenAiConfig {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Its name, for the provider and for [`ChatModel::name`].
    pub model: String,
    /// How it is to answer.
    pub parameters: Parameters,
    /// Headers of every request, besides those of the protocol. The names and values are checked;
    /// that none of them is the protocol's own is for the caller to see to.
    pub headers: BTreeMap<String, SecretString>,
    /// How long one attempt waits for a connection.
    pub connect_timeout: Duration,
    /// How long the model may take to show itself, from the start of the first request, whatever is
    /// tried again in that time: a model that is too slow is asked once. A server that does not
    /// stream must have answered completely by then.
    pub first_token_timeout: Duration,
    /// How long the model may be silent after that. Only what the model does counts, not bytes: a
    /// provider's keep-alives do not make a dead model live.
    pub idle_timeout: Duration,
    /// How long a whole turn may take, its retries included, however busy the model seems: also
    /// endless thinking has an end.
    pub turn_timeout: Duration,
    /// How often a failed request is made again, as long as nothing of the answer was handed out. A
    /// request that ended by one of the time limits is not.
    pub max_retries: u32,
    /// The wait before the first retry; it doubles each time, up to 8 s.
    pub backoff: Duration,
    /// Longest wait that a provider's `Retry-After` can cause.
    pub max_retry_after: Duration,
}

/// How a model is to answer; what is not set is left to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// How freely it chooses its words, 0 to 2.
    pub temperature: Option<f64>,
    /// Most tokens of one turn, what it thinks included.
    pub max_output_tokens: Option<u64>,
    /// How long it is to think, in the provider's own words: `low`, `high`, …
    pub reasoning_effort: Option<String>,
    /// Whether it is to say how probable its words were: the confidence of a turn is made of it.
    pub logprobs: bool,
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
    /// A header cannot be sent: its name or its value has characters that none has.
    #[error("the header {0:?} of the model's requests cannot be sent")]
    Header(String),
    /// The HTTP client cannot be built.
    #[error(transparent)]
    Client(#[from] http_client::BuildError),
}

/// A model behind the chat-completions API.
pub struct OpenAi {
    client: Arc<Client>,
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi").field("model", &self.client.model()).finish_non_exhaustive()
    }
}

impl OpenAi {
    /// A model with a connection pool of its own. Connects to nothing yet.
    ///
    /// # Errors
    /// [`ConfigError`], for an address, a key or a header that can never work.
    pub fn new(config: OpenAiConfig) -> Result<Self, ConfigError> {
        Ok(Self { client: Arc::new(Client::new(config)?) })
    }
}

#[async_trait]
impl ChatModel for OpenAi {
    fn name(&self) -> &str {
        self.client.model()
    }

    async fn chat(&self, request: ChatRequest) -> Result<Turn, ModelError> {
        Asking::new(Arc::clone(&self.client), request).begin().await
    }
}
