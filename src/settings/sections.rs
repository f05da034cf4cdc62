//! The typed settings, section by section; `config/default.toml` says what each one means.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::secret;
use crate::domain::{Approvers, AuditKey, DecisionSeal, Instructions, Quota, Role, RoleGrants};
use crate::origin::AllowedOrigin;
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
    /// How people are asked.
    pub hitl: HitlSettings,
    /// What goes out on streams besides events.
    pub stream: StreamSettings,
    /// What callers may send and have.
    pub limits: LimitSettings,
    /// How many events are kept of one session.
    pub journal_max_events: usize,
    /// How many bytes the embedded store may keep.
    pub embedded_max_bytes: usize,
    /// The role whose callers may read the audit stream; `None`: nobody.
    pub audit_role: Option<Role>,
    /// What seals the entries of audit streams; `None`: nothing.
    pub audit_key: Option<AuditKey>,
    /// The limits of runs.
    pub agent: AgentSettings,
    /// How the model is to answer, and how patient to be with it.
    pub model: ModelSettings,
    /// Which model to ask.
    pub provider: Provider,
    /// GitHub.
    pub github: GitHubSettings,
    /// Mail.
    pub smtp: SmtpSettings,
    /// The directory that the git tools may use; it exists. `None`: not configured.
    pub workspace_root: Option<PathBuf>,
    /// Whether a sample repository is made in that directory if there is nothing in it.
    pub workspace_sample: bool,
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
    /// How long the port stays open once the process was told to stop.
    pub drain_delay: Duration,
    /// What open streams get to end in.
    pub shutdown_grace: Duration,
    /// Connections open at once.
    pub max_connections: usize,
    /// What a client gets to send its request head in, from its first byte.
    pub header_timeout: Duration,
    /// How long a connection is kept on which nothing of a request has come.
    pub idle_timeout: Duration,
    /// Whose web pages may call from a browser; empty: nobody's.
    pub cors_origins: Vec<AllowedOrigin>,
}

/// Section `auth`.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// The key of the tokens.
    pub key: TokenKey,
    /// What seals decisions in the store, by the same secret.
    pub seal: DecisionSeal,
    /// Where the key came from.
    pub key_origin: KeyOrigin,
    /// By how much clocks may differ.
    pub leeway: Duration,
    /// Whether a stream is broken off when the token that opened it expires.
    pub close_streams_at_expiry: bool,
    /// The roles that users have besides those of their tokens.
    pub roles: RoleGrants,
}

/// Where the key of the tokens came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// Somebody has set it.
    Settings,
    /// It was made up, and what it signs counts for this process only.
    ThrowAway,
}

/// Section `redis`.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// A URL of any form that is understood, with the password where there is one.
    pub url: SecretString,
    /// PEM: who signs the servers' certificates; `None`: the public authorities.
    pub ca: Option<Vec<u8>>,
    /// What one command may take.
    pub command_timeout: Duration,
    /// How long runs and streams wait for a server that is away.
    pub patience: Duration,
}

impl RedisSettings {
    /// The URL without its user and password.
    pub fn shown_url(&self) -> String {
        secret::masked("redis.url", self.url.expose_secret())
    }
}

/// Section `agent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentSettings {
    /// Times that one run may ask the model.
    pub max_turns: usize,
    /// Tools that one run may call.
    pub max_tool_calls: usize,
    /// Tokens that one run may use; `None`: any number.
    pub max_tokens_per_run: Option<u64>,
    /// Tokens that all runs of a tenant may use in one UTC day; `None`: any number.
    pub max_tokens_per_day: Option<u64>,
    /// Runs alive in this process at once.
    pub max_runs: usize,
    /// For how long a process that is not heard of keeps its runs.
    pub lease: Duration,
    /// What the assistant is told before all else; `None`: nothing.
    pub instructions: Option<Instructions>,
}

/// Section `hitl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitlSettings {
    /// How long a request for approval waits for a person.
    pub timeout: Duration,
    /// The same by the tool's name; whether there is such a tool is not checked.
    pub timeouts: BTreeMap<String, Duration>,
    /// How long before the end of that a thought warns; zero: none does.
    pub warning: Duration,
    /// How people are asked about several calls of one turn.
    pub ask: Ask,
    /// What a rejection leads to.
    pub on_reject: Rejection,
}

/// How people are asked about several calls of one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// One after another.
    OneByOne,
    /// About all of them at once.
    Together,
}

/// What a rejection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The run ends.
    Stop,
    /// The model is told the reason.
    Continue,
}

/// Section `stream`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// The silence after which a keep-alive goes out.
    pub keep_alive: Duration,
    /// Whether a run that ends without an answer says so in a `content` event.
    pub notices: bool,
}

/// Section `limits`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Bytes of a prompt.
    pub prompt_bytes: usize,
    /// What one user, and one tenant, may take of the service.
    pub quota: Quota,
}

/// Section `model`.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// How freely the model chooses its words; `None`: as it does by itself.
    pub temperature: Option<f64>,
    /// Most tokens of one turn; `None`: as many as it takes.
    pub max_output_tokens: Option<u64>,
    /// How long it is to think, in its provider's own words; `None`: as it does by itself.
    pub reasoning_effort: Option<String>,
    /// Whether it is asked how probable its words were.
    pub logprobs: bool,
    /// Headers of the requests to the first model's provider.
    pub headers: BTreeMap<String, SecretString>,
    /// To connect.
    pub connect_timeout: Duration,
    /// To the first piece of an answer.
    pub first_token_timeout: Duration,
    /// Between two pieces.
    pub idle_timeout: Duration,
    /// For a whole turn.
    pub turn_timeout: Duration,
    /// Times that a failed request is repeated.
    pub max_retries: usize,
    /// The estimated tokens of one request above which the conversation is trimmed; `None`: never.
    pub context_tokens: Option<u64>,
    /// The model to ask where the first one fails; `None`: none.
    pub fallback: Option<FallbackSettings>,
}

/// The `fallback` keys of section `model`.
#[derive(Clone, Debug)]
pub struct FallbackSettings {
    /// The model's name; of Azure OpenAI, the deployment's.
    pub model: String,
    /// Another provider's address; `None`: the first model's provider.
    pub base_url: Option<Url>,
    /// Its key. At the first model's provider, `None` means the first model's key; at another one,
    /// none.
    pub api_key: Option<SecretString>,
    /// How long a first model that has failed is left alone.
    pub rest: Duration,
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
    /// Whether a person set it.
    pub own_api_url: bool,
}

/// Section `smtp`.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// The mail server, with its credentials; `None`: not configured.
    pub url: Option<SecretString>,
    /// Whom mails come from; whether it is an address is not checked.
    pub from: Option<String>,
    /// The domains that mails may go to; empty: all.
    pub allowed_domains: Vec<String>,
    /// The certificates, in PEM, to trust besides the public ones.
    pub ca: Option<Vec<u8>>,
    /// What handing over one mail may take.
    pub timeout: Duration,
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
    /// Bytes of memory that one git process may have.
    pub git_max_memory_bytes: u64,
    /// What a tool does whose service is not configured.
    pub unconfigured: Unconfigured,
    /// Who has to approve what, by the tool's name; whether there is such a tool is not checked.
    pub approval: BTreeMap<String, Approval>,
    /// Who may approve what, by the tool's name; whether there is such a tool is not checked.
    pub approvers: BTreeMap<String, Approvers>,
}

/// What a tool does whose service is not configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unconfigured {
    /// It fails, naming the missing setting, before anybody is asked.
    Refuse,
    /// It asks, and shows what it would have sent.
    DryRun,
}

/// Whether a person has to approve a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// Every call.
    Required,
    /// No call.
    None,
}

/// An MCP server: a table below `mcp.servers`.
#[derive(Clone, Debug)]
pub struct McpServerSettings {
    /// Lower-case letters, digits, `-` and `_`; its tools are called `<name>.<tool>`.
    pub name: String,
    /// How it is reached.
    pub transport: McpTransport,
    /// The tools that change nothing, so that nobody has to approve them.
    pub read_only: BTreeSet<String>,
    /// What one call may take; `None`: what every tool's call may take.
    pub timeout: Option<Duration>,
    /// Whether it is used at all.
    pub enabled: bool,
}

/// How an MCP server is reached.
#[derive(Clone, Debug)]
pub enum McpTransport {
    /// A child process, spoken to over its standard input and output.
    Command {
        /// What is run; looked for in `PATH` if it is a bare name.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
        /// Its whole environment.
        env: BTreeMap<String, SecretString>,
        /// Where it runs; `None`: where this process does.
        cwd: Option<PathBuf>,
    },
    /// Streamable HTTP.
    Url {
        /// The endpoint.
        url: Url,
        /// Headers of every request, for instance `authorization`.
        headers: BTreeMap<String, SecretString>,
    },
}
