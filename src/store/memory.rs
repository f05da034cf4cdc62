//! ADAPTER: the embedded store, for one process and as long as it lives.
//!
//! It is what `serve --dev` runs on, so it keeps every promise of the port, expiry included: what
//! has expired by the injected clock is never seen, and a sweep frees it.

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
use super::outbox::Outbox;
use super::{NotReady, Store, StoreError, StoreEvent};
use crate::domain::Clock;
use crate::shutdown::Tasks;

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

/// How often the outbox is given a chance to catch up.
const BEAT: Duration = Duration::from_secs(1);
/// Beats between two sweeps.
const SWEEP_BEATS: u32 = 30;

/// How the embedded store is set up.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How many of a journal's newest entries are kept; at least 1.
    pub max_events: usize,
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
    max_events: usize,
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
        let store = Arc::new(Self {
            journals: Arc::default(),
            sessions: Mutex::default(),
            keys: Mutex::default(),
            approvals: Mutex::default(),
            leases: Mutex::default(),
            audit: Mutex::default(),
            spending: Mutex::default(),
            starts: Mutex::default(),
            live: Mutex::default(),
            streams: Mutex::default(),
            outbox,
            clock,
            max_events: config.max_events.max(1),
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
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{
        Entry, EventId, IdempotencyKey, KeyClaim, ManualClock, Message, RequestHash, ScopedKey,
        Sealed, SessionMeta, UtcDay,
    };
    use crate::store::{Approvals, Idempotency, Journal, Sessions, Spending};

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
        let (store, _events) =
            MemoryStore::start(Config { max_events: 10 }, Arc::new(clock.clone()), &tasks);
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
        let (store, _events) = MemoryStore::start(Config { max_events: 10 }, clock, &tasks);
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
        let (store, _events) = MemoryStore::start(Config { max_events: 10 }, clock, &tasks);
        let mut follower = store.follow(&crate::domain::SessionId::new("session_1")).await.unwrap();
        drop(store);
        let end = tokio::time::timeout(Duration::from_secs(10), follower.changed()).await;
        assert!(end.is_ok());
    }
}
