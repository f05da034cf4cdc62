//! GitHub, for agents: four tools that read and two that change something, over GitHub's REST API.
//!
//! What reads is repeated when GitHub or the network fails; what changes something is sent once
//! and never again (`requests`). Everything that comes back is bounded before it is looked at, and
//! again before a model sees it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;
use thiserror::Error;

use super::Tool;
use super::write_tool::{Delivery, WriteToolAdapter};
use crate::domain::Unconfigured;
use crate::http_client;

mod client;
mod fault;
mod names;
mod pages;
mod rate;
mod read;
mod requests;
mod text;
mod wire;
mod write;

use client::Client;

/// What nothing can be written without.
const TOKEN_SETTING: &str = "GITHUB_TOKEN";

/// Where GitHub is and how it is asked.
#[derive(Clone, Debug)]
pub struct GitHubConfig {
    /// The REST API's base, for instance `https://api.github.com` or, of an Enterprise server,
    /// `https://github.example.com/api/v3`.
    pub api: Url,
    /// For whom the tools act.
    pub token: Option<SecretString>,
    /// Whether to read without a token, as far as GitHub allows it.
    pub anonymous: bool,
    /// How long one call of a tool may take, with all its requests and the waits between them.
    pub timeout: Duration,
    /// How many bytes of text one result has.
    pub max_output_bytes: usize,
}

/// Why there are no GitHub tools. Never holds the token.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The token cannot be sent in a header.
    #[error("the token has characters that no token has")]
    Token,
    /// The HTTP client cannot be built.
    #[error(transparent)]
    Client(#[from] http_client::BuildError),
}

/// The six GitHub tools. Without a token, those that write do what `unconfigured` says; those that
/// read fail with [`super::ToolError::NotConfigured`] unless they may go without.
///
/// # Errors
/// [`SetupError`]; nothing of it depends on the network.
pub fn tools(
    config: GitHubConfig,
    unconfigured: Unconfigured,
) -> Result<Vec<Arc<dyn Tool>>, SetupError> {
    let (has_token, anonymous) = (config.token.is_some(), config.anonymous);
    let client = Arc::new(Client::new(config)?);
    let reader = (has_token || anonymous).then(|| Arc::clone(&client));
    let delivery = if has_token {
        Delivery::Real(Arc::clone(&client))
    } else {
        Delivery::Missing(unconfigured)
    };
    let mut tools = read::tools(reader.as_ref());
    tools.push(WriteToolAdapter::<write::create::CreatePull>::tool(&client, delivery.clone()));
    tools.push(WriteToolAdapter::<write::merge::MergePull>::tool(&client, delivery));
    Ok(tools)
}
