//! What the checks work with: two processes on one store, and things to put into it.

use std::future::Future;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, MutexGuard, Once};
use std::time::{Duration, Instant};

use aura_platform::domain::{
    ApprovalRequest, Approvers, Clock, Deadline, Entry, EventId, Language, ManualClock, Quorum,
    RequestId, RequestTrace, Sealed, SessionId, SessionMeta, Shown, Standing, TenantId, ThreadId,
    UnixMs, UnixSeconds, UserId,
};
use aura_platform::shutdown::Tasks;
use aura_platform::store::memory::{MemoryStore, MemoryStoreConfig};
use aura_platform::store::redis::RedisStore;
use aura_platform::store::{Store, StoreEvent};
use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;

use crate::cluster::ClusterServers;
use aura_testing::defaults::{memory_store, redis_store};
use aura_testing::redis::RedisServer;

/// What the clock of every process shows.
pub(crate) const NOW_MS: u64 = 1_706_152_860_000;
/// Entries that the stores of a bench keep, small enough to be exceeded.
pub(crate) const MAX_EVENTS: usize = 100;

/// One process: its store and what that tells it.
pub(crate) struct Process {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) events: mpsc::Receiver<StoreEvent>,
    pub(crate) tasks: Tasks,
}

impl Process {
    pub(crate) fn on_redis(url: &str) -> Self {
        Self::with_authority(url, None)
    }

    /// Over TLS, to servers whose certificates this authority (PEM) signs.
    pub(crate) fn with_authority(url: &str, ca: Option<&str>) -> Self {
        let tasks = Tasks::new();
        let mut config = redis_store(url);
        config.max_events = MAX_EVENTS;
        config.ca = ca.map(|pem| pem.as_bytes().to_vec());
        let (store, events) =
            RedisStore::start(config, Arc::new(ManualClock::at(UnixMs::new(NOW_MS))), &tasks)
                .expect("a usable URL");
        Self { store, events, tasks }
    }

    pub(crate) fn in_memory(clock: Arc<dyn Clock>) -> Self {
        let tasks = Tasks::new();
        let config = MemoryStoreConfig { max_events: MAX_EVENTS, ..memory_store() };
        let (store, events) = MemoryStore::start(config, clock, &tasks);
        Self { store, events, tasks }
    }

    /// The next event; leases that anybody gave up are left out.
    pub(crate) async fn event(&mut self) -> StoreEvent {
        loop {
            match self.events.recv().await.expect("the store goes on") {
                // On a shared cluster one may still be under way from the check before.
                StoreEvent::Released => {}
                event => return event,
            }
        }
    }

    /// Returns once somebody has given leases up.
    pub(crate) async fn released(&mut self) {
        self.told(&StoreEvent::Released).await;
    }

    /// Returns once the process was told of this.
    pub(crate) async fn told(&mut self, event: &StoreEvent) {
        while self.events.recv().await.expect("the store goes on") != *event {}
    }

    /// The next signal: its session and its text.
    pub(crate) async fn heard(&mut self) -> (SessionId, String) {
        match self.event().await {
            StoreEvent::Signal { session, payload } => {
                (session, String::from_utf8(payload).expect("text"))
            }
            other => panic!("expected a signal, got {other:?}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

/// A store as the checks see it.
pub(crate) struct Bench {
    /// The process whose events are looked at.
    pub(crate) one: Process,
    /// The store as another process has it; the very same for the embedded one.
    pub(crate) other: Arc<dyn Store>,
    _second: Option<Process>,
    _server: Option<RedisServer>,
    /// The cluster is shared: each check has it to itself.
    _turn: Option<MutexGuard<'static, ClusterServers>>,
}

impl Bench {
    pub(crate) fn memory() -> Option<Self> {
        let one = Process::in_memory(Arc::new(ManualClock::at(UnixMs::new(NOW_MS))));
        let other = Arc::clone(&one.store);
        Some(Self { one, other, _second: None, _server: None, _turn: None })
    }

    pub(crate) fn redis() -> Option<Self> {
        Some(Self::on(RedisServer::start()))
    }

    /// `None`, and a line that says so, where Valkey is not installed.
    pub(crate) fn valkey() -> Option<Self> {
        let named = std::env::var_os("VALKEY_SERVER").map(PathBuf::from);
        let in_path = || {
            let path = std::env::var_os("PATH")?;
            std::env::split_paths(&path).map(|dir| dir.join("valkey-server")).find(|it| it.exists())
        };
        let Some(program) = named.or_else(in_path) else {
            static TOLD: Once = Once::new();
            TOLD.call_once(|| {
                let why = "valkey-server is not in the PATH, and VALKEY_SERVER is not set";
                // Past the harness, which keeps to itself what a passing test prints.
                let _ = writeln!(std::io::stderr(), "NOT TESTED on Valkey: {why}");
            });
            return None;
        };
        Some(Self::on(RedisServer::of(&program)))
    }

    fn on(server: RedisServer) -> Self {
        let (one, second) = (Process::on_redis(&server.url()), Process::on_redis(&server.url()));
        let other = Arc::clone(&second.store);
        Self { one, other, _second: Some(second), _server: Some(server), _turn: None }
    }

    pub(crate) fn on_cluster() -> Option<Self> {
        let cluster = ClusterServers::shared();
        let (one, second) = (Process::on_redis(&cluster.url()), Process::on_redis(&cluster.url()));
        let other = Arc::clone(&second.store);
        Some(Self { one, other, _second: Some(second), _server: None, _turn: Some(cluster) })
    }
}

/// Asks again and again until it is so.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !so().await {
        assert!(Instant::now() < deadline, "{what}: still not so");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn some_session() -> SessionId {
    SessionId::generate(&UserId::new("user123"), UnixSeconds::new(1_706_152_860))
}

pub(crate) fn id(id: u64) -> EventId {
    EventId::new(id)
}

/// An entry that clients see, with its number in it.
pub(crate) fn entry(number: u64) -> Entry {
    let payload = Bytes::from(format!("{{\"n\":{number}}}"));
    Entry {
        id: id(number),
        shown: Some(Shown::Event { kind: "thought".into(), payload }),
        record: None,
    }
}

pub(crate) fn entries(numbers: impl IntoIterator<Item = u64>) -> Vec<Entry> {
    numbers.into_iter().map(entry).collect()
}

pub(crate) fn meta(tenant: &str, user: &str, first_event: u64) -> SessionMeta {
    SessionMeta {
        session_id: some_session(),
        tenant: TenantId::new(tenant),
        user: UserId::new(user),
        thread_id: ThreadId::new("thread_1"),
        prompt: "GitHub PR을 생성해주세요".into(),
        prompt_hash: None,
        created_at_ms: UnixMs::new(first_event),
        first_event: id(first_event),
        trace: RequestTrace::default(),
    }
}

/// The session's own record.
pub(crate) fn meta_of(session: &SessionId) -> SessionMeta {
    SessionMeta { session_id: session.clone(), ..meta("tenant1", "user123", NOW_MS) }
}

/// 300 s after the request was asked.
/// A decision, or a yes, as a store sees it: bytes.
pub(crate) fn sealed<T>(bytes: impl AsRef<[u8]>) -> Sealed<T> {
    Sealed::stored(bytes.as_ref())
}

pub(crate) fn deadline() -> Deadline {
    Deadline::after(UnixMs::new(NOW_MS), Duration::from_secs(300))
}

pub(crate) fn request(session: &SessionId) -> ApprovalRequest {
    ApprovalRequest {
        request_id: RequestId::generate(),
        session_id: session.clone(),
        user_id: UserId::new("user123"),
        tenant_id: TenantId::new("tenant1"),
        action_type: "github_create_pr".into(),
        context: json!({"title": "제목"}),
        message: "PR을 생성할까요?".into(),
        language: Language::default(),
        standing: Standing::Pending,
        created_at: UnixMs::new(1_706_152_860_000),
        deadline: deadline(),
        quorum: Quorum::from(&Approvers::default()),
        tool_call_id: None,
        args_hash: None,
        preview: None,
        more: serde_json::Map::new(),
    }
}
