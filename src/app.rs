//! THE composition root: picks the adapters, puts everything together, serves, and drains.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::ending::{Ending, Signals, Told};
use self::reload::Reload;
pub use self::reload::Rereading;
use crate::agent::{
    Budget, KnownHolds, Limits, LocalRuns, PendingApprovals, RunContext, Seals, Terms,
    start_service,
};
use crate::announce::webhook;
use crate::domain::{Clock, SystemClock};
use crate::http::readers::Readers;
use crate::http::{self, Http, listen};
use crate::llm::openai;
use crate::settings::{Listening, Mode, RedisServer, Settings, StoreInUse};
use crate::shutdown::Tasks;
use crate::store::memory::{self, MemoryStore};
use crate::store::redis::{self, RedisStore};
use crate::store::{Store, StoreError, StoreEvent};
use crate::telemetry::metrics::{DroppedLines, Metrics};
use crate::token::{LiveKeys, TokenKeys};
use crate::tools::registry::PolicyError;
use crate::tools::{ToolError, git};

pub mod audit;
pub mod inventory;

/// The documents that describe the interface.
pub use crate::http::documents::{asyncapi_json, openapi_json};

mod announcing;
mod ending;
mod features;
mod models;
mod reload;
mod tools;

/// Commands that a start sends to the store one after the other, before it takes its lease anew.
const START_COMMANDS: u32 = 7;

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
    #[cfg(feature = "mcp")]
    #[error("mcp.servers: {0}")]
    Mcp(#[from] crate::tools::mcp::ConfigError),
    /// The sample workspace cannot be made.
    #[error("the sample workspace: {0}")]
    Sample(#[from] git::sample::SampleError),
    /// The GitHub tools cannot work.
    #[cfg(feature = "github")]
    #[error("github: {0}")]
    GitHub(#[from] crate::tools::github::SetupError),
    /// Mails could never be sent.
    #[cfg(feature = "mail")]
    #[error(transparent)]
    Mail(#[from] crate::tools::mail::SetupError),
    /// Nobody can be told over HTTP.
    #[error(transparent)]
    Webhook(#[from] webhook::SetupError),
    /// A setting asks for what this build was made without.
    #[error("{setting}: this build was made without the feature `{feature}`")]
    LeftOut {
        /// The setting.
        setting: &'static str,
        /// The feature of the package.
        feature: &'static str,
    },
    /// The approval policy cannot be kept.
    #[error("tools.approval: {0}")]
    Policy(#[from] PolicyError),
    /// A table of the settings names a tool that is not there.
    #[error("{table}.{tool}: {error}")]
    NoSuchTool {
        /// The table.
        table: &'static str,
        /// The name in the rule.
        tool: String,
        /// What there is.
        error: ToolError,
    },
    /// The process cannot hear signals.
    #[error("signals cannot be heard: {0}")]
    Signals(std::io::Error),
    /// It was told to stop, and some of its work did not come to an end in time.
    #[error("stopped with work left after {} s (api.shutdown_grace_seconds)", .0.as_secs())]
    WorkLeft(Duration),
    /// It was told to stop a second time.
    #[error("ended at once by a second signal, whatever was at work")]
    Interrupted,
}

impl AppError {
    /// Whether a setting has to be changed before the service can run.
    pub fn is_of_settings(&self) -> bool {
        match self {
            // One that is away now may be there later.
            Self::Store(error) => !error.is_transient(),
            Self::Model(_)
            | Self::Git(_)
            | Self::Webhook(_)
            | Self::LeftOut { .. }
            | Self::Policy(_)
            | Self::NoSuchTool { .. } => true,
            #[cfg(feature = "mcp")]
            Self::Mcp(_) => true,
            #[cfg(feature = "github")]
            Self::GitHub(_) => true,
            #[cfg(feature = "mail")]
            Self::Mail(_) => true,
            Self::Listen { .. }
            | Self::Sample(_)
            | Self::Signals(_)
            | Self::WorkLeft(_)
            | Self::Interrupted => false,
        }
    }
}

/// Serves until the process is told to stop (SIGTERM, SIGINT), then stops in good order.
/// `dropped_lines` is the count of the process's log, for its metrics. SIGHUP reads keys, holds and the log level again.
///
/// # Errors
/// It could not serve; or it stopped with work left, which a second signal brings about at once.
pub async fn serve(
    settings: Settings,
    mode: Mode,
    dropped_lines: DroppedLines,
    rereading: Rereading,
) -> Result<(), AppError> {
    // From the first moment: a start that is broken off takes away what it has made, too.
    let mut signals = Signals::listen()?;
    let app = tokio::select! {
        app = App::build(settings, &mode, dropped_lines, rereading) => app?,
        () = signals.stop() => {
            tracing::info!("server stopped before it served");
            return Ok(());
        }
    };
    if let Mode::Dev(setup) = mode {
        (setup.announce)(&app.listening);
        // The sample workspace lives as long as the server.
        let _scratch = setup.scratch;
        app.run(signals).await
    } else {
        app.run(signals).await
    }
}

/// A service that has been put together and bound, and does not serve yet.
struct App {
    listener: TcpListener,
    listening: Listening,
    router: axum::Router,
    listen: listen::ListenConfig,
    reload: Reload,
    ending: Ending,
}

impl App {
    async fn build(
        settings: Settings,
        mode: &Mode,
        dropped_lines: DroppedLines,
        rereading: Rereading,
    ) -> Result<Self, AppError> {
        let tasks = Tasks::new();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let metrics = Metrics::new(dropped_lines);
        let workspace = tools::workspace(&settings, mode).await?;
        let tools = tools::tools(&settings, workspace.as_deref(), &tasks).await?;
        let model = models::model(&settings, &metrics)?;
        let announcers = announcing::announcers(&settings, &clock)?;
        let (listener, address) = bind(&settings).await?;
        let (store, events) = store(&settings, &clock, &tasks, &metrics)?;
        tracing::info!(
            store = store.kind(), model = model.name(), %address,
            version = env!("CARGO_PKG_VERSION"), "server starts"
        );
        let listening = Listening {
            address,
            store: settings.redis.server.as_ref().map_or(StoreInUse::Memory, in_redis),
            model: model.name().to_owned(),
            workspace: workspace.unwrap_or_default(),
        };
        let store_timeout = settings.redis.patience;
        let limits = limits(&settings);
        let terms = terms(&settings, store_timeout);
        let approvers = tools::approvers(&settings, &tools)?;
        let answer_times = tools::answer_times(&settings, &tools)?;
        let runs = Arc::new(LocalRuns::new(settings.agent.max_runs, limits.hitl_warning));
        let notices = settings.stream.notices;
        let instructions = settings.agent.instructions.clone();
        let language = settings.agent.language;
        let seals = Arc::new(Seals::new(settings.auth.seal.clone()));
        let ctx = Arc::new(RunContext {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            tasks: tasks.clone(),
            store_timeout,
            metrics: metrics.clone(),
            seals: Arc::clone(&seals),
            known_holds: KnownHolds::default(),
            model,
            tools,
            approvers,
            answer_times,
            pending: Arc::clone(&runs) as Arc<dyn PendingApprovals>,
            instructions,
            language,
            limits,
            notices,
            terms,
            announcers,
        });
        let service = start_service(ctx, runs, events);
        let keys = live_keys(&settings);
        let config = http_config(&settings, store_timeout, keys.clone());
        let reload = Reload { rereading, keys, seals, service: Arc::clone(&service) };
        let shared = Arc::clone(&service);
        let (leaving, stopping) = (tasks.leaving(), tasks.stopping());
        let most = settings.limits.quota.of_stream();
        let readers = Readers::start(Arc::clone(&store), most, &tasks);
        let ending = Ending {
            service,
            readers: readers.clone(),
            tasks,
            delay: settings.api.drain_delay,
            grace: settings.api.shutdown_grace,
        };
        let http =
            Http { service: shared, store, clock, config, readers, metrics, leaving, stopping };
        Ok(Self {
            listener,
            listening,
            router: http::router(http),
            listen: listen::ListenConfig {
                max_connections: settings.api.max_connections,
                header_timeout: settings.api.header_timeout,
                idle_timeout: settings.api.idle_timeout,
            },
            reload,
            ending,
        })
    }

    /// Serves until the first signal, then stops; a second one ends that at once.
    async fn run(self, mut signals: Signals) -> Result<(), AppError> {
        let (tasks, close) = (self.ending.tasks.clone(), CancellationToken::new());
        let serving = listen::serve(self.listener, self.router, self.listen, tasks, close.clone());
        let mut serving = std::pin::pin!(serving);
        loop {
            tokio::select! {
                () = serving.as_mut() => break,
                told = signals.next() => match told {
                    Told::Stop => break,
                    Told::Reread => self.reload.again().await,
                },
            }
        }
        tokio::select! {
            ended = self.ending.run(serving, close) => ended,
            () = signals.stop() => {
                tracing::warn!("server ends at once: told to stop a second time");
                Err(AppError::Interrupted)
            }
        }
    }
}

fn store(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    tasks: &Tasks,
    metrics: &Metrics,
) -> Result<(Arc<dyn Store>, mpsc::Receiver<StoreEvent>), AppError> {
    let clock = Arc::clone(clock);
    let max_events = settings.journal.max_events;
    match &settings.redis.server {
        Some(redis) => {
            let config = redis::RedisStoreConfig {
                url: redis.url.clone(),
                ca: redis.ca.clone(),
                max_events,
                command_timeout: redis.command_timeout,
                audit_key: settings.audit.key.clone(),
                publishes_audit: settings.platform.audit_events,
                metrics: metrics.clone(),
            };
            let (store, events) = RedisStore::start(config, clock, tasks)?;
            Ok((store, events))
        }
        None => {
            let max_bytes = settings.embedded.max_bytes;
            if settings.platform.audit_events {
                tracing::warn!("platform.audit_events needs Redis: nothing is published");
            }
            tracing::info!(
                max_bytes,
                "no REDIS_* is set: the embedded store forgets everything at the end"
            );
            let config =
                memory::MemoryStoreConfig { max_events, max_bytes, metrics: metrics.clone() };
            let (store, events) = MemoryStore::start(config, clock, tasks);
            Ok((store, events))
        }
    }
}

fn in_redis(redis: &RedisServer) -> StoreInUse {
    StoreInUse::Redis(redis.shown_url())
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        max_turns: settings.agent.max_turns,
        max_tool_calls: settings.agent.max_tool_calls,
        hitl_warning: settings.hitl.warning,
        asking: settings.hitl.ask,
        on_reject: settings.hitl.on_reject,
        budget: Budget {
            per_run: settings.agent.max_tokens_per_run,
            per_day: settings.agent.max_tokens_per_day,
        },
        quota: settings.limits.quota,
        context_tokens: settings.model.context_tokens,
    }
}

fn live_keys(settings: &Settings) -> LiveKeys {
    let (present, previous) = (settings.auth.key.clone(), settings.auth.previous.clone());
    LiveKeys::new(TokenKeys { present, previous })
}

fn http_config(settings: &Settings, store_timeout: Duration, keys: LiveKeys) -> http::HttpConfig {
    http::HttpConfig {
        auth: http::auth::AuthConfig {
            keys,
            leeway: settings.auth.leeway,
            roles: settings.auth.roles.clone(),
            close_streams_at_expiry: settings.auth.close_streams_at_expiry,
        },
        origins: http::cors::Origins::new(settings.api.cors_origins.clone()),
        prompt_bytes: settings.limits.prompt_bytes,
        keep_alive: settings.stream.keep_alive,
        language: settings.agent.language.without_prompt(),
        store_patience: store_timeout,
        auditors: settings.audit.role.clone(),
        operators: settings.admin.role.clone(),
        console: http::console::ConsoleConfig::new(
            settings.console.enabled,
            &settings.console.login_origins,
            settings.console.token_in_fragment,
        ),
    }
}

fn terms(settings: &Settings, store_timeout: Duration) -> Terms {
    let server = settings.redis.server.as_ref();
    let command = server.map_or(Duration::ZERO, |redis| redis.command_timeout);
    let start = store_timeout + command * START_COMMANDS;
    Terms { lease: settings.agent.lease, scan: SCAN, start }
}

async fn bind(settings: &Settings) -> Result<(TcpListener, SocketAddr), AppError> {
    let (host, port) = (settings.api.host.as_str(), settings.api.port);
    let refused = |cause| AppError::Listen { address: format!("{host}:{port}"), cause };
    let listener = TcpListener::bind((host, port)).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}
