//! What the embedded store as a whole keeps, and what it lets go of.

use serde_json::json;

use super::*;
use crate::domain::{
    ArgumentsHash, AuditCall, AuditFact, AuditKind, Author, ChainEnd, Entry, EventId,
    IdempotencyKey, KeyClaim, ManualClock, Message, RequestHash, RequestId, ScopedKey, Sealed,
    SessionId, SessionMeta, Shown, TenantId, ToolCallId, UnixMs, UtcDay,
};
use crate::store::{Approvals, Audit, Idempotency, Journal, Sessions, Spending};

fn small() -> MemoryStoreConfig {
    MemoryStoreConfig { max_events: 10, max_bytes: 1 << 30, metrics: Metrics::default() }
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
    store.spend(&meta.tenant, UtcDay::of(UnixMs::default()), 1).await.unwrap();
    let key = IdempotencyKey::parse(b"key").unwrap();
    let key = ScopedKey { tenant: meta.tenant.clone(), user: meta.user.clone(), key };
    let request = RequestHash::of("POST", &json!({}));
    let claim = KeyClaim { session: meta.session_id.clone(), request };
    store.claim_key(&key, &claim, None).await.unwrap();
    store.unwatch(&meta.session_id);
}

#[tokio::test]
async fn a_week_later_nothing_takes_up_memory() {
    let (clock, tasks) = (ManualClock::at(UnixMs::new(1_000)), Tasks::new());
    let (store, _events) = MemoryStore::start(small(), Arc::new(clock.clone()), &tasks);
    fill(&store).await;
    store.sweep();
    assert_eq!(store.len(), 13, "one of each kind, the caller's list, and the run in two indexes");
    clock.advance(Duration::from_secs(7 * 24 * 60 * 60));
    store.sweep();
    assert_eq!(store.len(), 0);
}

#[tokio::test]
async fn a_follower_that_has_gone_takes_up_no_memory() {
    let (clock, tasks) = (Arc::new(ManualClock::at(UnixMs::new(0))), Tasks::new());
    let (store, _events) = MemoryStore::start(small(), clock, &tasks);
    let session = crate::domain::SessionId::new("session_1");
    let first = store.follow(&session).await.unwrap();
    let second = store.follow(&session).await.unwrap();
    drop(first);
    assert_eq!(store.journals.lock().followers(), 1);
    drop(second);
    assert_eq!(store.journals.lock().followers(), 0);
}

#[tokio::test]
async fn a_follower_of_a_store_that_is_gone_does_not_wait() {
    let (clock, tasks) = (Arc::new(ManualClock::at(UnixMs::new(0))), Tasks::new());
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
    let (clock, tasks) = (Arc::new(ManualClock::at(UnixMs::new(1_000))), Tasks::new());
    let config =
        MemoryStoreConfig { max_events: 100_000, max_bytes: 100_000, metrics: Metrics::default() };
    let metrics = config.metrics.clone();
    let (store, _events) = MemoryStore::start(config, clock, &tasks);
    let alive = session(&store, 0, 10_000, false).await;
    let mut over = Vec::new();
    for number in 1..=9 {
        over.push(session(&store, number, 10_000, true).await);
    }
    assert!(store.room().is_ok());
    // Of 87.5 kB and more at least an eighth had to go, and what was above it.
    let has_gone: Vec<bool> = futures::future::join_all(over.iter().map(|id| store.newest(id, 1)))
        .await
        .into_iter()
        .map(|newest| newest.unwrap().is_empty())
        .collect();
    assert_eq!(has_gone, [true, true, true, false, false, false, false, false, false]);
    assert!(!store.newest(&alive, 1).await.unwrap().is_empty());
    assert_eq!(metrics.sessions_let_go.get(), 3);
    assert_eq!(store.session(&over[0]).await.unwrap(), None);
    assert_eq!(store.checkpoint(&over[0]).await.unwrap(), None);
    let thread = crate::domain::ThreadId::new("thread_1");
    let (tenant, user) = (crate::domain::TenantId::new("t"), crate::domain::UserId::new("u"));
    assert!(store.history(&tenant, &user, &thread).await.unwrap().is_empty());
}

#[tokio::test]
async fn where_what_lives_takes_all_room_there_is_none_for_another_run_until_some_of_it_ends() {
    let (clock, tasks) = (Arc::new(ManualClock::at(UnixMs::new(1_000))), Tasks::new());
    let config =
        MemoryStoreConfig { max_events: 100_000, max_bytes: 100_000, metrics: Metrics::default() };
    let (store, _events) = MemoryStore::start(config, clock, &tasks);
    let mut alive = Vec::new();
    while store.room().is_ok() {
        alive.push(session(&store, alive.len() as u64, 10_000, false).await);
    }
    let full = store.room().unwrap_err();
    assert!(full.used > full.max && full.max == 87_500, "{full}");
    for id in &alive {
        assert!(!store.newest(id, 1).await.unwrap().is_empty());
    }
    let done = Entry { id: EventId::new(2), shown: Some(Shown::Done), record: None };
    store.append(&alive[3], EventId::new(1), &[done]).await.unwrap();
    assert!(store.room().is_ok());
    assert!(store.newest(&alive[3], 1).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_keys_of_sessions_that_are_let_go_of_do_not_keep_others_out() {
    let (clock, tasks) = (Arc::new(ManualClock::at(UnixMs::new(1_000))), Tasks::new());
    let config =
        MemoryStoreConfig { max_events: 100_000, max_bytes: 100_000, metrics: Metrics::default() };
    let (store, _events) = MemoryStore::start(config, clock, &tasks);
    let mut keys = Vec::new();
    for number in 0..200 {
        store.room().unwrap();
        let id = session(&store, number, 10, true).await;
        let key = format!("{number:0250}");
        let key = ScopedKey {
            tenant: TenantId::new("t"),
            user: crate::domain::UserId::new("u"),
            key: IdempotencyKey::parse(key.as_bytes()).unwrap(),
        };
        let request = RequestHash::of("POST", &json!({}));
        let claim = KeyClaim { session: id, request: request.clone() };
        store.claim_key(&key, &claim, None).await.unwrap();
        store.key_begun(&key, &claim.session).await.unwrap();
        keys.push((key, request));
    }
    store.room().unwrap();
    let (first, last) = (&keys[0], &keys[199]);
    assert_eq!(store.join_key(&first.0, &first.1).await.unwrap(), None);
    assert!(store.join_key(&last.0, &last.1).await.unwrap().is_some());
}

fn fact(number: u64) -> AuditFact {
    let call = AuditCall {
        session_id: SessionId::new("session_1"),
        tool: "git_status".into(),
        tool_call_id: ToolCallId::new(format!("call_{number}")),
        arguments_hash: ArgumentsHash::of("git_status", &json!({})),
        dry_run: false,
    };
    let request = RequestId::new(format!("req_{number:012}"));
    let who = Author::Known(crate::domain::UserId::new("u"));
    AuditFact::of_request(&request, AuditKind::ApprovalRequested, call, who, UnixMs::new(number))
}

#[tokio::test]
async fn the_audit_streams_keep_their_newest_entries_and_nobody_out() {
    let (clock, tasks) = (Arc::new(ManualClock::at(UnixMs::new(1_000))), Tasks::new());
    let config =
        MemoryStoreConfig { max_events: 100_000, max_bytes: 100_000, metrics: Metrics::default() };
    let metrics = config.metrics.clone();
    let (store, _events) = MemoryStore::start(config, clock, &tasks);
    let (loud, quiet) = (TenantId::new("loud"), TenantId::new("quiet"));
    store.record(&quiet, &fact(1)).await.unwrap();
    for number in 1..=1_000 {
        store.record(&loud, &fact(number)).await.unwrap();
        store.room().unwrap();
    }
    assert!(store.audit.lock().bytes() <= 12_500);
    assert_eq!(store.audit_reached(&loud).await.unwrap(), 1_000);
    let kept = store.audit(&loud, 0, 1_000).await.unwrap();
    let first = kept.first().unwrap();
    assert!(kept.len() > 10 && first.number > 1, "{} from {}", kept.len(), first.number);
    assert_eq!(metrics.audit_let_go.get(), first.number - 1);
    // What is kept is one chain, and pages begin wherever they are asked to.
    let before = ChainEnd { number: first.number - 1, hash: first.previous.clone() };
    let end = kept.iter().try_fold(before, |end, entry| end.check(entry)).unwrap();
    assert_eq!(end.number, 1_000);
    let page = store.audit(&loud, 998, 1).await.unwrap();
    assert_eq!(page, kept[kept.len() - 2..kept.len() - 1]);
    assert!(store.audit(&loud, 1_000, 9).await.unwrap().is_empty());
    // Whoever records little loses nothing by it.
    assert_eq!(store.audit(&quiet, 0, 9).await.unwrap().len(), 1);
    assert_eq!(store.audited_tenants().await.unwrap(), [loud, quiet]);
}
