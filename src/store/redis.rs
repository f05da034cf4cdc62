//! ADAPTER: Redis 7 or Valkey, for any number of processes.
//!
//! Two connections, never mixed: one for commands (`commands.rs`), one for all subscriptions
//! (`hub.rs`). Both are kept by tracked tasks that connect in the background, notice a server that
//! hangs as well as one that is gone, and try again for ever. Every atomic step touches one key.

use std::hash::RandomState;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::sync::mpsc;

use self::commands::{AtomicStep, Commands};
use self::connection::Connector;
use self::hub::Hub;
use super::outbox::Outbox;
use super::{Store, StoreError, StoreEvent};
use crate::domain::Clock;
use crate::shutdown::Tasks;
use crate::telemetry::metrics::Metrics;

mod approvals;
mod commands;
mod connection;
mod hub;
mod journal;
mod json;
mod keys;
mod leases;
mod sessions;
mod spending;

/// How Redis is reached.
#[derive(Clone, Debug)]
pub struct Config {
    /// `redis://` or `rediss://`, with user, password and database where needed.
    pub url: SecretString,
    /// How many of a journal's newest entries are kept, at least; at least 1.
    pub max_events: usize,
    /// Longest that a command or the confirmation of a subscription is waited for.
    pub command_timeout: Duration,
    /// Where the connections are counted.
    pub metrics: Metrics,
}

impl Config {
    /// That server, with 100,000 entries (contract, section 4.5), 2 s and metrics of its own.
    pub fn new(url: SecretString) -> Self {
        let command_timeout = Duration::from_secs(2);
        Self { url, max_events: 100_000, command_timeout, metrics: Metrics::default() }
    }
}

/// The store in Redis.
#[derive(Debug)]
pub struct RedisStore {
    commands: Commands,
    hub: Arc<Hub>,
    clock: Arc<dyn Clock>,
    max_events: usize,
    append: AtomicStep,
    remember: AtomicStep,
    hold: AtomicStep,
    release: AtomicStep,
    claim: AtomicStep,
    /// Random for each store, so that the nonces of two owners never agree (`journal.rs`).
    nonces: RandomState,
}

impl RedisStore {
    /// A store, and what it tells its process. It connects in the background: an error means that
    /// the URL cannot be used, not that the server is away. While it is away every operation
    /// returns [`StoreError::Unavailable`] at once.
    ///
    /// When `tasks` stop, commands keep the connection that they have; subscriptions end.
    pub fn start(
        config: Config,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Result<(Arc<Self>, mpsc::Receiver<StoreEvent>), StoreError> {
        let Config { url, max_events, command_timeout: patience, metrics } = config;
        let connector = Connector::new(&url, patience)?;
        let (outbox, events) = Outbox::new();
        let (commands, keep) =
            Commands::new(connector.clone(), patience, metrics.clone(), tasks.stopping());
        let hub = Arc::new(Hub::new(outbox, patience, metrics));
        tasks.spawn(keep);
        tasks.spawn(hub::supervisor::supervise(Arc::clone(&hub), connector, tasks.stopping()));
        let store = Self {
            commands,
            hub,
            clock,
            max_events: max_events.max(1),
            append: AtomicStep::new(include_str!("redis/append.lua")),
            remember: AtomicStep::new(include_str!("redis/remember.lua")),
            hold: AtomicStep::new(include_str!("redis/hold_leases.lua")),
            release: AtomicStep::new(include_str!("redis/release_leases.lua")),
            claim: AtomicStep::new(include_str!("redis/claim_leases.lua")),
            nonces: RandomState::new(),
        };
        Ok((Arc::new(store), events))
    }
}

#[async_trait]
impl Store for RedisStore {
    fn kind(&self) -> &'static str {
        "redis"
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.commands.query(&redis::cmd("PING")).await
    }
}
