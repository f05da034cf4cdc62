//! Settings: what there is to set, where it came from, and that it makes sense.
//!
//! Five layers, the later ones win: `config/default.toml`, compiled in; what `--dev` changes; a file;
//! the environment; the command line. Everything is checked before anything starts, and every fault
//! is told.
//!
//! Each section has a file of its own: the type that others get, its keys, each declared once (`key`), and
//! how they are read. All lists of settings are made from these declarations (`catalog`).

use std::fmt;

use thiserror::Error;

mod admin;
mod agent;
mod api;
mod approvals;
mod audit;
mod auth;
mod azure_openai;
mod catalog;
mod check;
mod console;
mod embedded;
mod files;
mod found;
mod github;
mod hitl;
mod journal;
mod key;
mod kinds;
mod layers;
mod limits;
mod log;
mod mcp;
mod mode;
mod model;
mod network;
mod openai;
mod platform;
mod provider;
mod redis;
mod secret;
mod smtp;
mod source;
mod stream;
mod tables;
mod tools;
mod workspace;

pub use self::redis::{RedisServer, RedisSettings};
pub use admin::AdminSettings;
pub use agent::AgentSettings;
pub use api::ApiSettings;
pub use approvals::{ApprovalMailSettings, ApprovalSettings, WebhookSettings};
pub use audit::AuditSettings;
pub use auth::{AuthSettings, KeyOrigin};
pub use azure_openai::AzureOpenAiSettings;
pub use console::ConsoleSettings;
pub use embedded::EmbeddedSettings;
pub use found::Fault;
pub use github::GitHubSettings;
pub use hitl::HitlSettings;
pub use journal::JournalSettings;
pub use layers::Layers;
pub use limits::LimitSettings;
pub use mcp::{McpServerSettings, McpTransport};
pub use mode::{DevSetup, Listening, Mode, Scratch, StoreInUse};
pub use model::{FallbackSettings, ModelSettings};
pub use openai::OpenAiSettings;
pub use platform::PlatformSettings;
pub use provider::Provider;
pub use smtp::SmtpSettings;
pub use source::Environment;
pub use stream::StreamSettings;
pub use tools::ToolSettings;
pub use workspace::WorkspaceSettings;

use crate::telemetry::log::LogSettings;
use check::Check;
use network::NetworkSettings;

/// What the settings are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To work with the deployment's key: without one, there is a fault.
    Production,
    /// To try the service out: a throw-away key where none is set, and the defaults of `--dev`.
    Dev,
    /// To look at them: as in production, but a missing key is no fault.
    Inspection,
}

/// Settings that do not make sense, with every reason.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Faults(Vec<Fault>);

impl fmt::Display for Faults {
    /// One line for each fault.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let line_break = if index > 0 { "\n" } else { "" };
            write!(f, "{line_break}{fault}")?;
        }
        Ok(())
    }
}

impl Faults {
    /// The faults, in the order of the settings.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

/// Checked settings.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The settings.
    pub settings: Settings,
    /// What is not wrong but worth a line in the log, for instance a setting that another overrides.
    pub notes: Vec<String>,
}

/// Every setting, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How to listen.
    pub api: ApiSettings,
    /// The page for people.
    pub console: ConsoleSettings,
    /// How to check tokens.
    pub auth: AuthSettings,
    /// Where runs are kept.
    pub redis: RedisSettings,
    /// How people are asked.
    pub hitl: HitlSettings,
    /// What goes out on streams besides events.
    pub stream: StreamSettings,
    /// What callers may send and have.
    pub limits: LimitSettings,
    /// What is kept of a session.
    pub journal: JournalSettings,
    /// The store of a process without Redis.
    pub embedded: EmbeddedSettings,
    /// Who may read the audit streams, and what seals them.
    pub audit: AuditSettings,
    /// What the platform's other services are told.
    pub platform: PlatformSettings,
    /// Who may operate the service.
    pub admin: AdminSettings,
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
    /// Who outside is told of approvals.
    pub approvals: ApprovalSettings,
    /// Where the git tools work.
    pub workspace: WorkspaceSettings,
    /// The limits of tools, and who has to approve them.
    pub tools: ToolSettings,
    /// The MCP servers whose tools are offered too, by name.
    pub mcp_servers: Vec<McpServerSettings>,
    /// What is logged, and how.
    pub log: LogSettings,
}

impl Settings {
    /// Reads every section. `None` only together with a fault.
    fn read(check: &mut Check, purpose: Purpose) -> Option<Self> {
        let network = NetworkSettings::read(check);
        let api = ApiSettings::read(check);
        let console = ConsoleSettings::read(check);
        let auth = AuthSettings::read(check, purpose);
        let redis = RedisSettings::read(check);
        let hitl = HitlSettings::read(check);
        let stream = StreamSettings::read(check);
        let limits = LimitSettings::read(check);
        let journal = JournalSettings::read(check);
        let embedded = EmbeddedSettings::read(check);
        let audit = AuditSettings::read(check);
        let platform = PlatformSettings::read(check);
        let admin = AdminSettings::read(check);
        let agent = AgentSettings::read(check);
        let model = ModelSettings::read(check, &network);
        let provider = Provider::read(check, &network, &model);
        let github = GitHubSettings::read(check, &network);
        let smtp = SmtpSettings::read(check);
        let approvals = ApprovalSettings::read(check, &smtp);
        let workspace = WorkspaceSettings::read(check);
        let tools = ToolSettings::read(check);
        let mcp_servers = mcp::read(check, &network);
        let log = log::read(check);
        if matches!(provider, Some(Provider::Builtin)) {
            model.refuse_fallback_alone(check);
        }
        Some(Self {
            api: api?,
            console,
            auth: auth?,
            redis: redis?,
            hitl,
            stream,
            limits,
            journal,
            embedded,
            audit,
            platform,
            admin,
            agent,
            model,
            provider: provider?,
            github: github?,
            smtp,
            approvals,
            workspace,
            tools: tools?,
            mcp_servers,
            log: log?,
        })
    }
}

#[cfg(test)]
mod tests;
