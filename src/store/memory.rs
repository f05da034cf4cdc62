//! ADAPTER: the embedded store, for one process and as long as it lives.
//!
//! It is what `serve --dev` runs on, so it keeps every promise of the port, expiry included: what
//! has expired by the injected clock is never seen, and a sweep frees it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use self::approvals::ApprovalTable;
use self::audit::AuditTable;
use self::idempotency::KeyTable;
use self::journals::Journals;
use self::leases::LeaseTable;
use self::quotas::{LiveTable, StartTable, StreamTable};
use self::sessions::SessionTable;
use self::spending::SpendingTable;
use self::usage::Usage;
use super::outbox::Outbox;
use super::{NotReady, Store, StoreError, StoreEvent, StoreFull};
use crate::domain::Clock;
use crate::shutdown::Tasks;
use crate::telemetry::metrics::Metrics;

mod approvals;
mod audit;
mod expiring;
mod idempotency;
mod journals;
mod leases;
mod packed;
mod quotas;
mod sessions;
mod spending;
mod usage;

/// How often the outbox is given a chance to catch up.
const BEAT: Duration = Duration::from_secs(1);
/// Beats between two sweeps.
const SWEEP_BEATS: u32 = 30;

/// How the embedded store is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// How many of a journal's newest entries are kept; at least 1.
    pub max_events: usize,
    /// How many bytes may be kept, approximately: above that, sessions that are over go before their
    /// time, the oldest first. What lives does not.
    pub max_bytes: usize,
    /// What is counted.
    pub metrics: Metrics,
}

impl Default for Config {
    /// 100,000 entries of a journal, 512 MiB in all.
    fn default() -> Self {
        let (max_events, max_bytes) = (100_000, 512 * 1024 * 1024);
        Self { max_events, max_bytes, metrics: Metrics::default() }
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
    leases: Mutex<LeaseTable>,
    audit: Mutex<AuditTable>,
    spending: Mutex<SpendingTable>,
    starts: Mutex<StartTable>,
    live: Mutex<LiveTable>,
    streams: Mutex<StreamTable>,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    usage: Usage,
    config: Config,
}

impl MemoryStore {
    /// An empty store, and what it tells its process. A tracked task sweeps it until the process
    /// stops or the store is dropped.
    pub fn start(
        config: Config,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> (Arc<Self>, mpsc::Receiver<StoreEvent>) {
        let (outbox, events) = Outbox::new();
        let usage = Usage::default();
        let store = Arc::new(Self {
            journals: Arc::new(Mutex::new(Journals::new(&usage))),
            sessions: Mutex::new(SessionTable::new(&usage)),
            keys: Mutex::new(KeyTable::new(&usage)),
            approvals: Mutex::new(ApprovalTable::new(&usage)),
            leases: Mutex::default(),
            audit: Mutex::default(),
            spending: Mutex::new(SpendingTable::new(&usage)),
            starts: Mutex::new(StartTable::new(&usage)),
            live: Mutex::default(),
            streams: Mutex::new(StreamTable::new(&usage)),
            outbox,
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
        let now = self.clock.now_ms();
        lock(&self.journals).sweep(now);
        lock(&self.sessions).sweep(now);
        lock(&self.keys).sweep(now);
        lock(&self.approvals).sweep(now);
        lock(&self.spending).sweep(now);
        lock(&self.starts).sweep(now);
        lock(&self.streams).sweep(now);
        self.sweep_live();
    }

    /// Lets go of sessions that are over, the oldest first, if more is kept than may be: until an eighth
    /// of the room is free, so that this is not done all the time.
    fn make_room(&self) {
        let Config { max_bytes, metrics, .. } = &self.config;
        let before = self.usage.bytes();
        if before > *max_bytes {
            let let_go = self.let_go_until(max_bytes - max_bytes / 8);
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
        metrics.embedded_bytes.set(i64::try_from(self.usage.bytes()).unwrap_or(i64::MAX));
    }

    /// Lets go of the oldest sessions that are over until no more than so many bytes are kept, or until
    /// none is left; how many that were.
    fn let_go_until(&self, bytes: usize) -> usize {
        let now = self.clock.now_ms();
        let mut gone = HashSet::new();
        while self.usage.bytes() > bytes {
            let Some(session) = lock(&self.journals).let_go_of_oldest() else { break };
            lock(&self.sessions).let_go(&session, now);
            lock(&self.approvals).let_go(&session);
            gone.insert(session);
        }
        if !gone.is_empty() {
            lock(&self.approvals).let_go_of_questions(&gone);
        }
        gone.len()
    }

    /// How many records of any kind take up memory.
    #[cfg(test)]
    fn len(&self) -> usize {
        let journals = lock(&self.journals).len();
        let rates = lock(&self.spending).len() + lock(&self.starts).len();
        let quotas = lock(&self.live).len() + lock(&self.streams).len();
        let others = lock(&self.approvals).len() + rates + quotas;
        journals + lock(&self.sessions).len() + lock(&self.keys).len() + others
    }
}

async fn keep_tidy(store: Weak<MemoryStore>) {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut beats = 0_u32;
    loop {
        beat.tick().await;
        let Some(store) = store.upgrade() else { return };
        store.outbox.catch_up();
        store.make_room();
        beats = beats.wrapping_add(1);
        if beats.is_multiple_of(SWEEP_BEATS) {
            store.sweep();
        }
    }
}

/// Takes a lock. A panic elsewhere leaves every table usable: each change is one insertion.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (used, max) = (self.usage.bytes(), self.config.max_bytes);
        if used > max { Err(StoreFull { used, max }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{
        Entry, EventId, IdempotencyKey, KeyClaim, ManualClock, Message, RequestHash, ScopedKey,
        Sealed, SessionId, SessionMeta, Shown, UtcDay,
    };
    use crate::store::{Approvals, Idempotency, Journal, Sessions, Spending};

    fn small() -> Config {
        Config { max_events: 10, ..Config::default() }
    }

    async fn fill(store: &MemoryStore) {
        let request = serde_json::from_value(json!({
            "requestId": "req_1", "sessionId": "session_1", "userId": "u", "tenantId": "t",
            "actionType": "send_email", "context": {}, "message": "?", "status": "pending",
            "createdAt": 0, "expiresAt": 300,
        }));
        let request: crate::domain::ApprovalRequest = request.unwrap();
        let meta = json!({
            "sessionId": "session_1", "tenant": "t", "user": "u", "threadId": "thread_1",
            "prompt": "p", "createdAtMs": 0, "firstEvent": 1,
        });
        let meta: SessionMeta = serde_json::from_value(meta).unwrap();
        let entry = Entry { id: EventId::new(1), shown: None, record: None };
        let said = [Message::User { content: "p".into() }];
        store.append(&meta.session_id, EventId::ZERO, &[entry]).await.unwrap();
        store.register(&meta).await.unwrap();
        store.remember(&meta, &said).await.unwrap();
        store.request_cancel(&meta.session_id).await.unwrap();
        store.open(&meta, &request, "{}").await.unwrap();
        store.publish_signal(&meta.session_id, "{}").await.unwrap();
        store
            .decide(&request.request_id, request.deadline, &Sealed::stored(*b"no"), None)
            .await
            .unwrap();
        store.spend(&meta.tenant, UtcDay::of_ms(0), 1).await.unwrap();
        let key = IdempotencyKey::parse(b"key").unwrap();
        let key = ScopedKey { tenant: meta.tenant.clone(), user: meta.user.clone(), key };
        let request = RequestHash::of("POST", &json!({}));
        let claim = KeyClaim { session: meta.session_id.clone(), request };
        store.claim_key(&key, &claim, None).await.unwrap();
        store.unwatch(&meta.session_id);
    }

    #[tokio::test]
    async fn a_week_later_nothing_takes_up_memory() {
        let (clock, tasks) = (ManualClock::at(1_000), Tasks::new());
        let (store, _events) = MemoryStore::start(small(), Arc::new(clock.clone()), &tasks);
        fill(&store).await;
        store.sweep();
        assert_eq!(store.len(), 11, "one of each kind, and the caller's list");
        clock.advance_ms(7 * 24 * 60 * 60 * 1_000);
        store.sweep();
        assert_eq!(store.len(), 0);
    }

    #[tokio::test]
    async fn a_follower_that_has_gone_takes_up_no_memory() {
        let (clock, tasks) = (Arc::new(ManualClock::at(0)), Tasks::new());
        let (store, _events) = MemoryStore::start(small(), clock, &tasks);
        let session = crate::domain::SessionId::new("session_1");
        let first = store.follow(&session).await.unwrap();
        let second = store.follow(&session).await.unwrap();
        drop(first);
        assert_eq!(lock(&store.journals).followers(), 1);
        drop(second);
        assert_eq!(lock(&store.journals).followers(), 0);
    }

    #[tokio::test]
    async fn a_follower_of_a_store_that_is_gone_does_not_wait() {
        let (clock, tasks) = (Arc::new(ManualClock::at(0)), Tasks::new());
        let (store, _events) = MemoryStore::start(small(), clock, &tasks);
        let mut follower = store.follow(&crate::domain::SessionId::new("session_1")).await.unwrap();
        drop(store);
        let end = tokio::time::timeout(Duration::from_secs(10), follower.changed()).await;
        assert!(end.is_ok());
    }

    /// A session of this number with a journal of so many bytes.
    async fn session(store: &MemoryStore, number: u64, bytes: usize, is_over: bool) -> SessionId {
        let id = SessionId::new(format!("session_{number}"));
        let meta = json!({
            "sessionId": id, "tenant": "t", "user": "u", "threadId": format!("thread_{number}"),
            "prompt": "p", "createdAtMs": 0, "firstEvent": number,
        });
        let meta: SessionMeta = serde_json::from_value(meta).unwrap();
        store.register(&meta).await.unwrap();
        let record = Some(vec![b'x'; bytes].into());
        let first = Entry { id: EventId::new(1), shown: None, record };
        let last = Entry { id: EventId::new(2), shown: Some(Shown::Done), record: None };
        let entries = if is_over { vec![first, last] } else { vec![first] };
        store.append(&id, EventId::ZERO, &entries).await.unwrap();
        store.save_checkpoint(&id, "{}").await.unwrap();
        store.remember(&meta, &[Message::User { content: "p".into() }]).await.unwrap();
        id
    }

    #[tokio::test]
    async fn a_full_store_lets_go_of_what_is_over_the_oldest_first_and_of_nothing_that_lives() {
        let (clock, tasks) = (Arc::new(ManualClock::at(1_000)), Tasks::new());
        let config = Config { max_bytes: 100_000, ..Config::default() };
        let metrics = config.metrics.clone();
        let (store, _events) = MemoryStore::start(config, clock, &tasks);
        let alive = session(&store, 0, 10_000, false).await;
        let mut over = Vec::new();
        for number in 1..=9 {
            over.push(session(&store, number, 10_000, true).await);
        }
        assert!(store.room().is_ok());
        // Of 100 kB and more at least 12.5 had to go.
        let has_gone: Vec<bool> =
            futures::future::join_all(over.iter().map(|id| store.newest(id, 1)))
                .await
                .into_iter()
                .map(|newest| newest.unwrap().is_empty())
                .collect();
        assert_eq!(has_gone, [true, true, false, false, false, false, false, false, false]);
        assert!(!store.newest(&alive, 1).await.unwrap().is_empty());
        assert_eq!(metrics.sessions_let_go.get(), 2);
        assert_eq!(store.session(&over[0]).await.unwrap(), None);
        assert_eq!(store.checkpoint(&over[0]).await.unwrap(), None);
        let thread = crate::domain::ThreadId::new("thread_1");
        let (tenant, user) = (crate::domain::TenantId::new("t"), crate::domain::UserId::new("u"));
        assert!(store.history(&tenant, &user, &thread).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn where_what_lives_takes_all_room_there_is_none_for_another_run_until_some_of_it_ends() {
        let (clock, tasks) = (Arc::new(ManualClock::at(1_000)), Tasks::new());
        let config = Config { max_bytes: 100_000, ..Config::default() };
        let (store, _events) = MemoryStore::start(config, clock, &tasks);
        let mut alive = Vec::new();
        while store.room().is_ok() {
            alive.push(session(&store, alive.len() as u64, 10_000, false).await);
        }
        let full = store.room().unwrap_err();
        assert!(full.used > full.max && full.max == 100_000, "{full}");
        for id in &alive {
            assert!(!store.newest(id, 1).await.unwrap().is_empty());
        }
        let done = Entry { id: EventId::new(2), shown: Some(Shown::Done), record: None };
        store.append(&alive[3], EventId::new(1), &[done]).await.unwrap();
        assert!(store.room().is_ok());
        assert!(store.newest(&alive[3], 1).await.unwrap().is_empty());
    }
}
