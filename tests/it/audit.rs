//! The audit stream as auditors meet it: over REST and on the command line (`docs/AUDIT.md`).

use std::sync::Arc;

use aura_platform::domain::{
    ArgumentsHash, AuditCall, AuditFact, AuditKey, AuditKind, Author, RequestId, SessionId,
    SystemClock, TenantId, ToolCallId, UnixMs, UserId,
};
use aura_platform::shutdown::Tasks;
use aura_platform::store::redis::RedisStore;
use aura_platform::store::{Audit, Store};
use aura_testing::defaults::redis_store;
use serde_json::json;

use crate::support::redis::RedisServer;

mod documented;
mod pages;
mod spoilt;
mod verifying;

/// When the first fact happened.
const FIRST_MS: u64 = 1_795_250_350_025;

/// The `n`th fact: one a second.
fn fact(n: u64) -> AuditFact {
    let call = AuditCall {
        session_id: SessionId::new("session_user123_1795250350_c85f8a0f"),
        tool: "git_merge".into(),
        tool_call_id: ToolCallId::new(format!("call_{n}")),
        arguments_hash: ArgumentsHash::of("git_merge", &json!({"source": "feature"})),
        dry_run: false,
    };
    let (request, who) =
        (RequestId::new(format!("req_{n:012}")), Author::Known(UserId::new("user123")));
    AuditFact::of_request(
        &request,
        AuditKind::ApprovalRequested,
        call,
        who,
        UnixMs::new(FIRST_MS + n * 1_000),
    )
}

/// Another process of the platform, which records.
struct Recorder {
    store: Arc<RedisStore>,
    tasks: Tasks,
}

impl Recorder {
    async fn on(redis: &RedisServer) -> Self {
        Self::sealing(redis, None).await
    }

    /// One that seals what it records, where there is a key.
    async fn sealing(redis: &RedisServer, key: Option<&str>) -> Self {
        let tasks = Tasks::new();
        let mut config = redis_store(&redis.url());
        config.audit_key = key.map(|key| AuditKey::new(key.as_bytes()));
        let (store, _) = RedisStore::start(config, Arc::new(SystemClock), &tasks).unwrap();
        store.ping().await.unwrap();
        Self { store, tasks }
    }

    /// Records facts with these numbers.
    async fn record(&self, tenant: &str, numbers: impl IntoIterator<Item = u64>) {
        for n in numbers {
            self.store.record(&TenantId::new(tenant), &fact(n)).await.unwrap();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}
