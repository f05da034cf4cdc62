//! The typed settings, section by section; `config/default.toml` says what each one means.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::mcp::McpServerSettings;
use crate::telemetry::log::LogSettings;
use crate::token::TokenKey;

/// Every setting, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How to listen.
    pub api: ApiSettings,
    /// How to check tokens.
    pub auth: AuthSettings,
    /// The Redis to use; `None`: the embedded store.
    pub redis: Option<RedisSettings>,
    /// How long a request for approval waits for a person.
    pub hitl_timeout: Duration,
    /// The silence on a stream after which a keep-alive goes out.
    pub keep_alive: Duration,
    /// How many events are kept of one session.
    pub journal_max_events: usize,
    /// The limits of runs.
    pub agent: AgentSettings,
    /// How patient to be with the model.
    pub model: ModelSettings,
    /// Which model to ask.
    pub provider: Provider,
    /// GitHub.
    pub github: GitHubSettings,
    /// The mail server, with its credentials; `None`: not configured.
    pub smtp_url: Option<SecretString>,
    /// The directory that the git tools may use; it exists. `None`: not configured.
    pub workspace_root: Option<PathBuf>,
    /// The limits of tools, and who has to approve them.
    pub tools: ToolSettings,
    /// The MCP servers whose tools are offered too, by name.
    pub mcp_servers: Vec<McpServerSettings>,
    /// What is logged, and how.
    pub log: LogSettings,
}

/// Section `api`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiSettings {
    /// An IP address or a host name, without brackets.
    pub host: String,
    /// 0: any free port.
    pub port: u16,
    /// What open streams get to end in.
    pub shutdown_grace: Duration,
    /// Connections open at once.
    pub max_connections: usize,
    /// What a client gets to send its request head in.
    pub header_timeout: Duration,
}

/// Section `auth`.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// The key of the tokens.
    pub key: TokenKey,
    /// By how much clocks may differ.
    pub leeway: Duration,
}

/// Section `redis`.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// A `redis://` or `rediss://` URL, with the password where there is one.
    pub url: SecretString,
    /// What one command may take.
    pub command_timeout: Duration,
}

/// Section `agent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentSettings {
    /// Times that one run may ask the model.
    pub max_turns: usize,
    /// Tools that one run may call.
    pub max_tool_calls: usize,
    /// Runs alive in this process at once.
    pub max_runs: usize,
    /// For how long a process that is not heard of keeps its runs.
    pub lease: Duration,
}

/// Section `model`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSettings {
    /// To connect.
    pub connect_timeout: Duration,
    /// To the first piece of an answer.
    pub first_token_timeout: Duration,
    /// Between two pieces.
    pub idle_timeout: Duration,
    /// Times that a failed request is repeated.
    pub max_retries: usize,
}

/// Which model to ask: sections `azure_openai` and `openai`, in this order.
#[derive(Clone, Debug)]
pub enum Provider {
    /// The deterministic planner: no provider is configured.
    Builtin,
    /// OpenAI, or whatever speaks its protocol.
    OpenAi(OpenAiSettings),
    /// Azure OpenAI.
    AzureOpenAi(AzureOpenAiSettings),
}

/// Section `openai`.
#[derive(Clone, Debug)]
pub struct OpenAiSettings {
    /// `None`: the endpoint needs none.
    pub api_key: Option<SecretString>,
    /// Up to and with the version, for instance `https://api.openai.com/v1`.
    pub base_url: Url,
    /// The model's name.
    pub model: String,
}

/// Section `azure_openai`.
#[derive(Clone, Debug)]
pub struct AzureOpenAiSettings {
    /// The resource's URL.
    pub endpoint: Url,
    /// The key.
    pub api_key: SecretString,
    /// The name that the model was deployed under.
    pub deployment: String,
    /// The `api-version` to ask for.
    pub api_version: String,
}

/// Section `github`.
#[derive(Clone, Debug)]
pub struct GitHubSettings {
    /// `None`: the tools are not configured.
    pub token: Option<SecretString>,
    /// The REST API's base.
    pub api_url: Url,
}

/// Section `tools`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolSettings {
    /// What one call may take.
    pub timeout: Duration,
    /// Bytes of one result that the model gets to see.
    pub max_output_bytes: usize,
    /// Where git is looked for, as in `PATH`; `None`: where programs usually are.
    pub git_path: Option<String>,
    /// Who has to approve what, by the tool's name; whether there is such a tool is not checked.
    pub approval: BTreeMap<String, Approval>,
}

/// Whether a person has to approve a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// Every call.
    Required,
    /// No call.
    None,
}
