//! THE composition root: picks the adapters, puts everything together, serves, and drains.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::agent::AgentService;
use crate::agent::journal::Desk;
use crate::agent::listener;
use crate::agent::ownership::Terms;
use crate::agent::run::{Env, Limits};
use crate::domain::{Clock, SystemClock};
use crate::http::{self, Http, listen};
use crate::llm::ChatModel;
use crate::llm::openai::{self, OpenAi};
use crate::llm::planner::Planner;
use crate::settings::{
    Approval, Listening, McpServerSettings, McpTransport, Mode, Provider, Settings, ToolSettings,
};
use crate::shutdown::{Drained, Tasks};
use crate::store::memory::{self, MemoryStore};
use crate::store::redis::{self, RedisStore};
use crate::store::{Store, StoreError, StoreEvent};
use crate::tools::registry::{PolicyError, Rule};
use crate::tools::{ApprovalPolicy, Tool, Tools, drafts, git, mcp};

/// How long a run waits for a store that is away before this process gives it up.
const STORE_PATIENCE: Duration = Duration::from_secs(30);

/// How often a process looks for runs whose owner is gone.
const SCAN: Duration = Duration::from_secs(1);

/// Why the service could not run.
#[derive(Debug, Error)]
pub enum AppError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// Host and port.
        address: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The Redis URL cannot be used.
    #[error("redis.url (REDIS_URL): {0}")]
    Store(#[from] StoreError),
    /// The model's settings cannot be used.
    #[error("the model: {0}")]
    Model(#[from] openai::ConfigError),
    /// The git tools cannot work.
    #[error("workspace.root (WORKSPACE_ROOT): {0}")]
    Git(#[from] git::SetupError),
    /// The MCP servers cannot be looked after.
    #[error("mcp.servers: {0}")]
    Mcp(#[from] mcp::ConfigError),
    /// The sample workspace cannot be made.
    #[error("the sample workspace: {0}")]
    Sample(#[from] git::sample::SampleError),
    /// The approval policy cannot be kept.
    #[error("tools.approval: {0}")]
    Policy(#[from] PolicyError),
    /// The process cannot hear signals.
    #[error("signals cannot be heard: {0}")]
    Signals(std::io::Error),
}

/// Serves until the process is told to stop (SIGTERM, SIGINT), then drains.
pub async fn serve(settings: Settings, mode: Mode) -> Result<(), AppError> {
    let app = App::build(settings, &mode).await?;
    let listening = Listening { address: app.address, workspace: app.workspace.clone() };
    if let Mode::Dev(setup) = mode {
        (setup.announce)(&listening);
        // The sample workspace lives as long as the server.
        let _scratch = setup.scratch;
        app.run(told_to_stop()?).await;
    } else {
        app.run(told_to_stop()?).await;
    }
    Ok(())
}

/// A service that has been put together and bound, and does not serve yet.
struct App {
    listener: TcpListener,
    address: SocketAddr,
    workspace: PathBuf,
    service: Arc<AgentService>,
    router: axum::Router,
    listen: listen::Config,
    grace: Duration,
    tasks: Tasks,
}

impl App {
    async fn build(settings: Settings, mode: &Mode) -> Result<Self, AppError> {
        let tasks = Tasks::new();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let workspace = workspace(&settings, mode).await?;
        let tools = tools(&settings, mode, workspace.as_deref(), &tasks).await?;
        let model = model(&settings)?;
        let (listener, address) = bind(&settings).await?;
        let (store, events) = store(&settings, &clock, &tasks)?;
        tracing::info!(
            store = store.kind(), model = model.name(), %address,
            version = env!("CARGO_PKG_VERSION"), "server starts"
        );
        let desk = Desk {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            tasks: tasks.clone(),
            patience: STORE_PATIENCE,
        };
        let limits = limits(&settings);
        let terms = Terms { lease: settings.agent.lease, scan: SCAN };
        let env = Arc::new(Env { desk, model, tools, gate: Arc::default(), limits, terms });
        let service = listener::start(env, settings.agent.max_runs, events);
        let config = http::Config {
            key: settings.auth.key,
            leeway: settings.auth.leeway,
            keep_alive: settings.keep_alive,
        };
        let shared = Arc::clone(&service);
        let stopping = tasks.stopping();
        let router = http::router(Http { service: shared, store, clock, config, stopping });
        Ok(Self {
            listener,
            address,
            workspace: workspace.unwrap_or_default(),
            service,
            router,
            listen: listen::Config {
                max_connections: settings.api.max_connections,
                header_timeout: settings.api.header_timeout,
            },
            grace: settings.api.shutdown_grace,
            tasks,
        })
    }

    async fn run(self, told_to_stop: impl Future<Output = ()>) {
        let serving = listen::serve(self.listener, self.router, self.listen, self.tasks.clone());
        let stopping = async {
            told_to_stop.await;
            tracing::info!(grace_secs = self.grace.as_secs(), "server stops");
            let drained = self.tasks.drain(self.grace).await;
            // What has not come to an end of its step goes on elsewhere from its last entry.
            self.service.hand_over_all().await;
            drained
        };
        tokio::select! {
            () = serving => {}
            drained = stopping => match drained {
                Drained::Clean => tracing::info!("server stopped"),
                Drained::Abandoned(tasks) => {
                    tracing::warn!(tasks, "server stopped with work left");
                }
            }
        }
    }
}

fn store(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    tasks: &Tasks,
) -> Result<(Arc<dyn Store>, mpsc::Receiver<StoreEvent>), AppError> {
    let clock = Arc::clone(clock);
    let max_events = settings.journal_max_events;
    match &settings.redis {
        Some(redis) => {
            let config = redis::Config {
                url: redis.url.clone(),
                max_events,
                command_timeout: redis.command_timeout,
            };
            let (store, events) = RedisStore::start(config, clock, tasks)?;
            Ok((store, events))
        }
        None => {
            tracing::info!("no REDIS_* is set: the embedded store forgets everything at the end");
            let (store, events) = MemoryStore::start(memory::Config { max_events }, clock, tasks);
            Ok((store, events))
        }
    }
}

fn model(settings: &Settings) -> Result<Arc<dyn ChatModel>, AppError> {
    let (endpoint, name) = match &settings.provider {
        Provider::Builtin => return Ok(Arc::new(Planner::new())),
        Provider::OpenAi(provider) => {
            let endpoint = openai::Endpoint::OpenAi {
                base_url: provider.base_url.to_string(),
                api_key: provider.api_key.clone(),
            };
            (endpoint, provider.model.clone())
        }
        Provider::AzureOpenAi(provider) => {
            let endpoint = openai::Endpoint::Azure {
                endpoint: provider.endpoint.to_string(),
                deployment: provider.deployment.clone(),
                api_version: provider.api_version.clone(),
                api_key: provider.api_key.clone(),
            };
            (endpoint, provider.deployment.clone())
        }
    };
    let patience = &settings.model;
    let config = openai::Config {
        connect_timeout: patience.connect_timeout,
        first_token_timeout: patience.first_token_timeout,
        idle_timeout: patience.idle_timeout,
        max_retries: u32::try_from(patience.max_retries).unwrap_or(u32::MAX),
        ..openai::Config::new(endpoint, name)
    };
    Ok(Arc::new(OpenAi::new(config)?))
}

async fn tools(
    settings: &Settings,
    mode: &Mode,
    workspace: Option<&Path>,
    tasks: &Tasks,
) -> Result<Arc<Tools>, AppError> {
    let mut tools: Vec<Arc<dyn Tool>> = match workspace {
        Some(root) => {
            let mut config = git::Config {
                timeout: settings.tools.timeout,
                max_output_bytes: settings.tools.max_output_bytes,
                ..git::Config::new(root)
            };
            if let Some(path) = &settings.tools.git_path {
                config.search_path = path.into();
            }
            git::tools(config, tasks.clone()).await?
        }
        None => git::unconfigured(tasks.clone()),
    };
    let github = draft_mode(mode, settings.github.token.is_some(), "GITHUB_TOKEN");
    let mail = draft_mode(mode, settings.smtp_url.is_some(), "SMTP_URL");
    tools.extend(drafts::tools(github, mail));
    let (used, unused): (Vec<_>, Vec<_>) =
        settings.mcp_servers.iter().partition(|server| server.enabled);
    let is_of_unused = |tool: &str| {
        tool.split_once('.').is_some_and(|(of, _)| unused.iter().any(|server| server.name == of))
    };
    let approval = settings.tools.approval.iter().filter(|(tool, _)| !is_of_unused(tool));
    let rules = approval.map(|(tool, approval)| {
        let rule = match approval {
            Approval::Required => Rule::Required,
            Approval::None => Rule::None,
        };
        (tool.clone(), rule)
    });
    let policy: ApprovalPolicy = rules.collect();
    let servers = used.into_iter().map(|server| mcp_server(server, &settings.tools)).collect();
    let sources = mcp::start(servers, tasks)?;
    Ok(Arc::new(Tools::with_sources(tools, sources, policy)?))
}

fn mcp_server(server: &McpServerSettings, tools: &ToolSettings) -> mcp::ServerConfig {
    let transport = match server.transport.clone() {
        McpTransport::Command { program, arguments, env, cwd } => {
            mcp::Transport::Command { program, arguments, env, cwd }
        }
        McpTransport::Url { url, headers } => mcp::Transport::Http { url, headers },
    };
    mcp::ServerConfig {
        name: server.name.clone(),
        transport,
        read_only: server.read_only.clone(),
        timeout: server.timeout.unwrap_or(tools.timeout),
        max_output_bytes: tools.max_output_bytes,
        pace: mcp::Pace::default(),
    }
}

/// What a tool does that nothing can be sent with yet, whether its service is configured or not.
fn draft_mode(mode: &Mode, configured: bool, setting: &str) -> drafts::Mode {
    match mode {
        Mode::Dev(_) => drafts::Mode::DryRun,
        Mode::Production if configured => {
            tracing::warn!(setting, "service configured, but its tool only runs dry as yet");
            drafts::Mode::DryRun
        }
        Mode::Production => drafts::Mode::Refuse,
    }
}

/// The directory that the git tools may use: the configured one, or the sample of `--dev`.
async fn workspace(settings: &Settings, mode: &Mode) -> Result<Option<PathBuf>, AppError> {
    match mode {
        Mode::Dev(setup) => match &setup.scratch {
            Some(scratch) => Ok(Some(git::sample::create(scratch.path()).await?)),
            None => Ok(settings.workspace_root.clone()),
        },
        Mode::Production => Ok(settings.workspace_root.clone()),
    }
}

fn limits(settings: &Settings) -> Limits {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Limits {
        max_turns: count(settings.agent.max_turns),
        max_tool_calls: count(settings.agent.max_tool_calls),
        hitl_timeout: settings.hitl_timeout,
    }
}

async fn bind(settings: &Settings) -> Result<(TcpListener, SocketAddr), AppError> {
    let (host, port) = (settings.api.host.as_str(), settings.api.port);
    let refused = |cause| AppError::Listen { address: format!("{host}:{port}"), cause };
    let listener = TcpListener::bind((host, port)).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

fn told_to_stop() -> Result<impl Future<Output = ()>, AppError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(AppError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(AppError::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
