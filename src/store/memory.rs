//! ADAPTER: the embedded store, for one process and as long as it lives.
//!
//! It is what `serve --dev` runs on, so it keeps every promise of the port, expiry included: what
//! has expired by the injected clock is never seen, and a sweep frees it.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use self::announcements::AnnouncementTable;
use self::approvals::ApprovalTable;
use self::audit::AuditTable;
use self::holds::HoldTable;
use self::idempotency::KeyTable;
use self::inbox::InboxTable;
use self::journals::Journals;
use self::leases::LeaseTable;
use self::quotas::{LiveTable, StartTable, StreamTable};
use self::sessions::SessionTable;
use self::spending::SpendingTable;
use self::usage::Usage;
use super::event_channel::EventChannel;
use super::{NotReady, Store, StoreError, StoreEvent, StoreFull};
use crate::domain::Clock;
use crate::shutdown::Tasks;
use crate::telemetry::metrics::Metrics;
use crate::ticks::at_once_and_every;

mod announcements;
mod approvals;
mod audit;
mod expiring;
mod holds;
mod idempotency;
mod inbox;
mod journals;
mod leases;
mod packed;
mod quotas;
mod run_index;
mod sessions;
mod spending;
mod usage;

/// How often the event channel is given a chance to catch up.
const TICK: Duration = Duration::from_secs(1);
/// Beats between two sweeps.
const TICKS_PER_SWEEP: u32 = 30;

/// How the embedded store is set up.
#[derive(Clone, Debug)]
pub struct MemoryStoreConfig {
    /// How many of a journal's newest entries are kept; at least 1.
    pub max_events: usize,
    /// How many bytes may be kept, approximately: above that, sessions that are over go before their
    /// time, the oldest first. What lives does not. An eighth is for the audit streams, whose oldest
    /// entries go above that.
    pub max_bytes: usize,
    /// What is counted.
    pub metrics: Metrics,
}

impl MemoryStoreConfig {
    /// How many bytes all audit streams may take, so that neither they nor what lives take the other's room.
    fn bytes_of_audit(&self) -> usize {
        self.max_bytes / 8
    }

    /// How many bytes all else may take.
    fn bytes_of_sessions(&self) -> usize {
        self.max_bytes - self.bytes_of_audit()
    }
}

/// Everything in memory. Each part has its own lock, and none is held across an await. No call holds two of
/// them, but for those that count what is live: they take another after `live`.
#[derive(Debug)]
pub struct MemoryStore {
    journals: Arc<Mutex<Journals>>,
    sessions: Mutex<SessionTable>,
    keys: Mutex<KeyTable>,
    approvals: Mutex<ApprovalTable>,
    inbox: Arc<Mutex<InboxTable>>,
    announcements: Mutex<AnnouncementTable>,
    leases: Mutex<LeaseTable>,
    audit: Mutex<AuditTable>,
    spending: Mutex<SpendingTable>,
    starts: Mutex<StartTable>,
    live: Mutex<LiveTable>,
    streams: Mutex<StreamTable>,
    holds: Mutex<HoldTable>,
    event_channel: EventChannel,
    clock: Arc<dyn Clock>,
    usage: Usage,
    config: MemoryStoreConfig,
}

impl MemoryStore {
    /// An empty store, and what it tells its process. A tracked task sweeps it until the process
    /// stops or the store is dropped.
    pub fn start(
        config: MemoryStoreConfig,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> (Arc<Self>, mpsc::Receiver<StoreEvent>) {
        let (event_channel, events) = EventChannel::new();
        let usage = Usage::default();
        let store = Arc::new(Self {
            journals: Arc::new(Mutex::new(Journals::new(&usage))),
            sessions: Mutex::new(SessionTable::new(&usage)),
            keys: Mutex::new(KeyTable::new(&usage)),
            approvals: Mutex::new(ApprovalTable::new(&usage)),
            inbox: Arc::new(Mutex::new(InboxTable::new(&usage))),
            announcements: Mutex::default(),
            leases: Mutex::default(),
            audit: Mutex::default(),
            spending: Mutex::new(SpendingTable::new(&usage)),
            starts: Mutex::new(StartTable::new(&usage)),
            live: Mutex::default(),
            streams: Mutex::new(StreamTable::new(&usage)),
            holds: Mutex::default(),
            event_channel,
            clock,
            usage,
            config,
        });
        let (weak, stopping) = (Arc::downgrade(&store), tasks.stopping());
        tasks.spawn("embedded store", async move {
            stopping.run_until_cancelled(keep_tidy(weak)).await
        });
        (store, events)
    }

    /// Frees what has expired.
    fn sweep(&self) {
        let now = self.clock.now();
        self.journals.lock().sweep(now);
        self.sessions.lock().sweep(now);
        self.keys.lock().sweep(now);
        self.approvals.lock().sweep(now);
        self.inbox.lock().sweep(now);
        self.announcements.lock().sweep(now);
        self.spending.lock().sweep(now);
        self.starts.lock().sweep(now);
        self.streams.lock().sweep(now);
        self.sweep_live();
    }

    /// Lets go of audit entries and of sessions that are over, the oldest first, if more is kept than may
    /// be: until an eighth of the room is free, so that this is not done all the time.
    fn make_room(&self) {
        self.make_room_for_audit();
        self.make_room_for_sessions();
        let bytes = self.usage.bytes() + self.audit.lock().bytes();
        self.config.metrics.embedded_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    fn make_room_for_sessions(&self) {
        let MemoryStoreConfig { max_bytes, metrics, .. } = &self.config;
        let (before, room) = (self.usage.bytes(), self.config.bytes_of_sessions());
        if before <= room {
            return;
        }
        let let_go = self.let_go_until(room - room / 8);
        if let_go > 0 {
            let freed_bytes = before.saturating_sub(self.usage.bytes());
            tracing::warn!(
                sessions = let_go,
                freed_bytes,
                max_bytes,
                "the embedded store is full: sessions that are over are let go of, the oldest first"
            );
            metrics.sessions_let_go.inc_by(u64::try_from(let_go).unwrap_or(u64::MAX));
        }
    }

    fn make_room_for_audit(&self) {
        let MemoryStoreConfig { max_bytes, metrics, .. } = &self.config;
        let room = self.config.bytes_of_audit();
        let let_go = {
            let mut table = self.audit.lock();
            let is_full = table.bytes() > room;
            if is_full { table.let_go_until(room - room / 8) } else { 0 }
        };
        if let_go > 0 {
            tracing::warn!(
                entries = let_go,
                max_bytes,
                "the audit streams take more than an eighth of what the embedded store may keep: their \
                 oldest entries are let go of"
            );
            metrics.audit_let_go.inc_by(u64::try_from(let_go).unwrap_or(u64::MAX));
        }
    }

    /// Lets go of the oldest sessions that are over until no more than so many bytes are kept, or until
    /// none is left; how many that were.
    fn let_go_until(&self, bytes: usize) -> usize {
        let now = self.clock.now();
        let mut gone = HashSet::new();
        while self.usage.bytes() > bytes {
            let Some(session) = self.journals.lock().let_go_of_oldest() else { break };
            self.sessions.lock().let_go(&session, now);
            self.approvals.lock().let_go(&session);
            gone.insert(session);
        }
        if !gone.is_empty() {
            self.approvals.lock().let_go_of_questions(&gone);
            self.inbox.lock().let_go(&gone);
            self.announcements.lock().let_go(&gone);
            self.keys.lock().let_go(&gone);
        }
        gone.len()
    }

    /// How many records of any kind take up memory.
    #[cfg(test)]
    fn len(&self) -> usize {
        let journals = self.journals.lock().len();
        let rates = self.spending.lock().len() + self.starts.lock().len();
        let quotas = self.live.lock().len() + self.streams.lock().len();
        let queued = self.announcements.lock().len();
        let others =
            self.approvals.lock().len() + self.inbox.lock().len() + rates + quotas + queued;
        journals + self.sessions.lock().len() + self.keys.lock().len() + others
    }
}

async fn keep_tidy(store: Weak<MemoryStore>) {
    let (mut ticks, mut count) = (at_once_and_every(TICK), 0_u32);
    loop {
        ticks.tick().await;
        let Some(store) = store.upgrade() else { return };
        store.event_channel.catch_up();
        store.make_room();
        count = count.wrapping_add(1);
        if count.is_multiple_of(TICKS_PER_SWEEP) {
            store.sweep();
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn kind(&self) -> &'static str {
        "memory"
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn ready(&self) -> Result<(), NotReady> {
        Ok(())
    }

    fn room(&self) -> Result<(), StoreFull> {
        self.make_room();
        let (used, max) = (self.usage.bytes(), self.config.bytes_of_sessions());
        if used > max { Err(StoreFull { used, max }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
