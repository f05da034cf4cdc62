//! THE composition root: picks the adapters, puts everything together, serves, and drains.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::agent::AgentService;
use crate::agent::budget::Budget;
use crate::agent::journal::Desk;
use crate::agent::listener;
use crate::agent::ownership::Terms;
use crate::agent::policy::{Asking, OnReject};
use crate::agent::run::{Env, Limits};
use crate::domain::{Clock, SystemClock};
use crate::http::{self, Http, listen};
use crate::llm::openai;
use crate::settings::{Ask, Listening, Mode, RedisSettings, Rejection, Settings, StoreInUse};
use crate::shutdown::{Drained, Tasks};
use crate::store::memory::{self, MemoryStore};
use crate::store::redis::{self, RedisStore};
use crate::store::{Store, StoreError, StoreEvent};
use crate::telemetry::metrics::Metrics;
use crate::tools::registry::PolicyError;
use crate::tools::{ToolError, git, github, mail, mcp};

pub mod audit;

mod models;
mod tools;

/// How long to wait for an embedded store that is away, which it never is.
const UNUSED_PATIENCE: Duration = Duration::from_secs(30);

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
    /// The GitHub tools cannot work.
    #[error("github: {0}")]
    GitHub(#[from] github::SetupError),
    /// Mails could never be sent.
    #[error(transparent)]
    Mail(#[from] mail::SetupError),
    /// The approval policy cannot be kept.
    #[error("tools.approval: {0}")]
    Policy(#[from] PolicyError),
    /// Nobody can approve a tool that is not there.
    #[error("tools.approvers.{tool}: {error}")]
    Approvers {
        /// The name in the rule.
        tool: String,
        /// What there is.
        error: ToolError,
    },
    /// The process cannot hear signals.
    #[error("signals cannot be heard: {0}")]
    Signals(std::io::Error),
}

/// Serves until the process is told to stop (SIGTERM, SIGINT), then drains.
pub async fn serve(settings: Settings, mode: Mode) -> Result<(), AppError> {
    let app = App::build(settings, &mode).await?;
    if let Mode::Dev(setup) = mode {
        (setup.announce)(&app.listening);
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
    listening: Listening,
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
        let metrics = Metrics::default();
        let workspace = tools::workspace(&settings, mode).await?;
        let tools = tools::tools(&settings, mode, workspace.as_deref(), &tasks).await?;
        let model = models::model(&settings, &metrics)?;
        let (listener, address) = bind(&settings).await?;
        let (store, events) = store(&settings, &clock, &tasks, &metrics)?;
        tracing::info!(
            store = store.kind(), model = model.name(), %address,
            version = env!("CARGO_PKG_VERSION"), "server starts"
        );
        let listening = Listening {
            address,
            store: settings.redis.as_ref().map_or(StoreInUse::Memory, in_redis),
            model: model.name().to_owned(),
            workspace: workspace.unwrap_or_default(),
        };
        let store_patience =
            settings.redis.as_ref().map_or(UNUSED_PATIENCE, |redis| redis.patience);
        let desk = Desk {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            tasks: tasks.clone(),
            patience: store_patience,
            metrics: metrics.clone(),
        };
        let limits = limits(&settings);
        let terms = Terms { lease: settings.agent.lease, scan: SCAN };
        let approvers = tools::approvers(&settings, &tools)?;
        let gate = Arc::default();
        let notices = settings.stream.notices;
        let env = Arc::new(Env { desk, model, tools, approvers, gate, limits, notices, terms });
        let service = listener::start(env, settings.agent.max_runs, events);
        let config = http_config(&settings, store_patience);
        let shared = Arc::clone(&service);
        let stopping = tasks.stopping();
        let router =
            http::router(Http { service: shared, store, clock, config, metrics, stopping });
        Ok(Self {
            listener,
            listening,
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
            let drained = tokio::select! {
                drained = self.tasks.drain(self.grace) => drained,
                never = self.service.hold_at_work() => match never {},
            };
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
    metrics: &Metrics,
) -> Result<(Arc<dyn Store>, mpsc::Receiver<StoreEvent>), AppError> {
    let clock = Arc::clone(clock);
    let max_events = settings.journal_max_events;
    match &settings.redis {
        Some(redis) => {
            let config = redis::Config {
                url: redis.url.clone(),
                ca: redis.ca.clone(),
                max_events,
                command_timeout: redis.command_timeout,
                metrics: metrics.clone(),
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

fn in_redis(redis: &RedisSettings) -> StoreInUse {
    StoreInUse::Redis(redis.shown_url())
}

fn limits(settings: &Settings) -> Limits {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Limits {
        max_turns: count(settings.agent.max_turns),
        max_tool_calls: count(settings.agent.max_tool_calls),
        hitl_timeout: settings.hitl.timeout,
        hitl_warning: settings.hitl.warning,
        asking: match settings.hitl.ask {
            Ask::OneByOne => Asking::OneByOne,
            Ask::Together => Asking::Together,
        },
        on_reject: match settings.hitl.on_reject {
            Rejection::Stop => OnReject::Stop,
            Rejection::Continue => OnReject::Continue,
        },
        budget: Budget {
            per_run: settings.agent.max_tokens_per_run,
            per_day: settings.agent.max_tokens_per_day,
        },
        context_tokens: settings.model.context_tokens,
    }
}

fn http_config(settings: &Settings, store_patience: Duration) -> http::Config {
    http::Config {
        auth: http::auth::Config {
            key: settings.auth.key.clone(),
            leeway: settings.auth.leeway,
            roles: settings.auth.roles.clone(),
            close_streams_at_expiry: settings.auth.close_streams_at_expiry,
        },
        origins: http::cors::Origins::new(settings.api.cors_origins.clone()),
        keep_alive: settings.stream.keep_alive,
        store_patience,
        auditors: settings.audit_role.clone(),
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
