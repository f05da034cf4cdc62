//! ADAPTER: Redis 7 or Valkey, for any number of processes.
//!
//! One server, the primary that Sentinel names, or a cluster (`connector.rs`). Two connections,
//! never mixed: one for commands (`commands.rs`; on a cluster one to each primary), one for all
//! subscriptions (`hub.rs`). Both are kept by tracked tasks that connect in the background, notice
//! a server that hangs or is no longer the primary as well as one that is gone, and try again for
//! ever. Every atomic step touches one key, so that it is one on a cluster too.

use std::hash::RandomState;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::sync::mpsc;
use uuid::Uuid;

use self::audit::Recorder;
use self::commands::{AtomicStep, Commands};
use self::connector::Connector;
use self::hub::Hub;
use self::inbox::ForeignChanges;
use super::event_channel::EventChannel;
use super::{NotReady, Store, StoreError, StoreEvent};
use crate::domain::{AuditKey, Clock};
use crate::shutdown::Tasks;
use crate::telemetry::metrics::Metrics;

mod announcements;
mod approvals;
mod audit;
mod commands;
mod connection;
mod connector;
mod dialer;
mod fault;
mod holds;
mod hub;
mod idempotency;
mod inbox;
mod journal;
mod json;
mod keys;
mod leases;
mod quotas;
mod run_index;
mod sentinel;
mod sessions;
mod spending;

/// How Redis is reached.
#[derive(Clone, Debug)]
pub struct RedisStoreConfig {
    /// Any form that [`RedisUrl`](crate::redis_url::RedisUrl) has, with the login where needed.
    pub url: SecretString,
    /// PEM: the authorities that sign the servers' certificates. `None`: the public ones.
    pub ca: Option<Vec<u8>>,
    /// How many of a journal's newest entries are kept, at least; at least 1.
    pub max_events: usize,
    /// Longest that a command or the confirmation of a subscription is waited for.
    pub command_timeout: Duration,
    /// What seals audit entries, if anything does.
    pub audit_key: Option<AuditKey>,
    /// Whether every audit entry is published for the platform's own log (contract, section 5.8).
    pub publishes_audit: bool,
    /// Where the connections are counted.
    pub metrics: Metrics,
}

/// A script of the queues of announcements, behind what all of them begin with.
macro_rules! announcements {
    ($script:literal) => {
        concat!(include_str!("redis/announcements.lua"), include_str!($script))
    };
}

/// The store in Redis.
#[derive(Debug)]
pub struct RedisStore {
    commands: Commands,
    hub: Arc<Hub>,
    clock: Arc<dyn Clock>,
    max_events: usize,
    append: AtomicStep,
    glimpse: AtomicStep,
    remember: AtomicStep,
    claim_key: AtomicStep,
    key_begun: AtomicStep,
    free_key: AtomicStep,
    decide: AtomicStep,
    note_request: AtomicStep,
    place_announcement: AtomicStep,
    take_announcements: AtomicStep,
    keep_announcement: AtomicStep,
    noted_requests: AtomicStep,
    endorse: AtomicStep,
    save_request: AtomicStep,
    hold: AtomicStep,
    ensure: AtomicStep,
    spend: AtomicStep,
    take_places: AtomicStep,
    count_streams: AtomicStep,
    heard_of: AtomicStep,
    release: AtomicStep,
    claim: AtomicStep,
    put_hold: AtomicStep,
    lift_hold: AtomicStep,
    reseal_hold: AtomicStep,
    list_run: AtomicStep,
    recorder: Arc<Recorder>,
    foreign_changes: ForeignChanges,
    metrics: Metrics,
    /// Random for each store, so that the nonces of two owners never agree (`journal.rs`).
    nonces: RandomState,
    /// What this process is called where processes are counted; random, too.
    process: String,
}

impl RedisStore {
    /// A store, and what it tells its process. It connects in the background: an error means that
    /// the URL cannot be used, not that the server is away. While it is away every operation
    /// returns [`StoreError::Unavailable`] at once.
    ///
    /// When `tasks` stop, subscriptions end. Commands are sent, and their connection is made again if it
    /// is lost, until `tasks` have ended: what is at work still has something to say.
    pub fn start(
        config: RedisStoreConfig,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Result<(Arc<Self>, mpsc::Receiver<StoreEvent>), StoreError> {
        let (max_events, patience) = (config.max_events.max(1), config.command_timeout);
        let (metrics, audit_key) = (config.metrics.clone(), config.audit_key.clone());
        let publishes_audit = config.publishes_audit;
        let connector = Connector::new(config)?;
        let (event_channel, events) = EventChannel::new();
        let (commands, keep) = Commands::new(connector.clone(), patience, metrics.clone());
        let hub = Arc::new(Hub::new(event_channel, patience, metrics.clone()));
        tasks.spawn_support(keep);
        let subscriptions =
            hub::supervisor::supervise(Arc::clone(&hub), connector, tasks.stopping());
        tasks.spawn("subscriptions", subscriptions);
        let recorder = Recorder::new(commands.clone(), tasks.clone(), audit_key, publishes_audit);
        let store = Self {
            commands,
            hub,
            clock,
            max_events,
            append: AtomicStep::new(include_str!("redis/append.lua")),
            glimpse: AtomicStep::new(include_str!("redis/glimpse.lua")),
            remember: AtomicStep::new(include_str!("redis/remember.lua")),
            claim_key: AtomicStep::new(include_str!("redis/claim_key.lua")),
            key_begun: AtomicStep::new(include_str!("redis/key_begun.lua")),
            free_key: AtomicStep::new(include_str!("redis/free_key.lua")),
            decide: AtomicStep::new(include_str!("redis/decide.lua")),
            note_request: AtomicStep::new(include_str!("redis/note_request.lua")),
            place_announcement: AtomicStep::new(announcements!("redis/place_announcement.lua")),
            take_announcements: AtomicStep::new(announcements!("redis/take_announcements.lua")),
            keep_announcement: AtomicStep::new(announcements!("redis/keep_announcement.lua")),
            noted_requests: AtomicStep::new(include_str!("redis/noted_requests.lua")),
            endorse: AtomicStep::new(include_str!("redis/endorse.lua")),
            save_request: AtomicStep::new(include_str!("redis/save_request.lua")),
            hold: AtomicStep::new(include_str!("redis/hold_leases.lua")),
            ensure: AtomicStep::new(include_str!("redis/ensure_leases.lua")),
            spend: AtomicStep::new(include_str!("redis/spend.lua")),
            take_places: AtomicStep::new(include_str!("redis/take_places.lua")),
            count_streams: AtomicStep::new(include_str!("redis/count_streams.lua")),
            heard_of: AtomicStep::new(include_str!("redis/heard_of.lua")),
            release: AtomicStep::new(include_str!("redis/release_leases.lua")),
            claim: AtomicStep::new(include_str!("redis/claim_leases.lua")),
            put_hold: AtomicStep::new(include_str!("redis/put_hold.lua")),
            lift_hold: AtomicStep::new(include_str!("redis/lift_hold.lua")),
            reseal_hold: AtomicStep::new(include_str!("redis/reseal_hold.lua")),
            list_run: AtomicStep::new(include_str!("redis/list_run.lua")),
            recorder: Arc::new(recorder),
            foreign_changes: ForeignChanges::default(),
            metrics,
            nonces: RandomState::new(),
            process: Uuid::new_v4().simple().to_string(),
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

    async fn ready(&self) -> Result<(), NotReady> {
        let mut write = redis::cmd("SET");
        write.arg(keys::PROBE).arg(1).arg("PX").arg(1);
        self.commands.try_write(&write).await
    }
}
