//! How long things are kept: by the injected clock in the embedded store, by the server in Redis.

use std::sync::Arc;
use std::time::Duration;

use aura_platform::domain::{
    ApprovalRequest, Deadline, EventId, IdempotencyKey, KeyClaim, ManualClock, Message,
    ProposalOutcome, Recipient, RequestHash, RequestId, ScopedKey, SessionId, SessionMeta, UnixMs,
    UtcDay,
};
use aura_platform::store::{AnnouncementPlace, AppendError, Store, TurnStep};
use serde_json::Value;

use crate::bench::{NOW_MS, Process, entries, meta, meta_of, request, sealed, some_session};
use crate::inbox::{asked, decided};
use crate::wire::admin;
use crate::within;
use aura_testing::redis::RedisServer;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// One of everything.
struct Everything {
    meta: SessionMeta,
    request: ApprovalRequest,
    decided: RequestId,
}

fn key_and_claim(of: &SessionMeta) -> (ScopedKey, KeyClaim) {
    let key = IdempotencyKey::parse(b"key:1").unwrap();
    let key = ScopedKey { tenant: of.tenant.clone(), user: of.user.clone(), key };
    let request = RequestHash::of("POST", &Value::Null);
    (key, KeyClaim { session: of.session_id.clone(), request })
}

async fn store_everything(store: &dyn Store) -> Everything {
    let meta = meta("tenant1", "user123", NOW_MS);
    let (request, decided) = (request(&meta.session_id), RequestId::generate());
    let said = [Message::User { content: "안녕".into() }];
    store.append(&meta.session_id, EventId::ZERO, &entries([1])).await.unwrap();
    store.register(&meta).await.unwrap();
    store.remember(&meta, &said).await.unwrap();
    store.request_cancel(&meta.session_id).await.unwrap();
    store.open(&meta_of(&request.session_id), &request, "{}").await.unwrap();
    store.store_signal(&meta.session_id, "{}").await.unwrap();
    store.decide(&decided, request.deadline, &sealed("no"), None).await.unwrap();
    store.spend(&meta.tenant, UtcDay::of(UnixMs::new(NOW_MS)), 1).await.unwrap();
    let (key, claim) = key_and_claim(&meta);
    store.claim_key(&key, &claim, None).await.unwrap();
    Everything { meta, request, decided }
}

/// What is still there, by name.
async fn left(store: &dyn Store, of: &Everything) -> Vec<&'static str> {
    let Everything { meta, request, decided } = of;
    let id = &meta.session_id;
    let history = store.history(&meta.tenant, &meta.user, &meta.thread_id).await.unwrap();
    let list = store.sessions_of(&meta.tenant, &meta.user, None, 9).await.unwrap();
    let (key, claim) = key_and_claim(meta);
    let there = [
        ("signal", store.signal(id).await.unwrap().is_some()),
        ("request", store.request(&request.request_id).await.unwrap().is_some()),
        ("journal", store.holds(id, EventId::new(1)).await.unwrap()),
        ("decision", store.decision(decided).await.unwrap().is_some()),
        ("cancel", store.cancel_requested(id).await.unwrap()),
        ("key", store.join_key(&key, &claim.request).await.unwrap().is_some()),
        ("spent", store.spent(&meta.tenant, UtcDay::of(UnixMs::new(NOW_MS))).await.unwrap() > 0),
        ("checkpoint", store.checkpoint(id).await.unwrap().is_some()),
        ("session", store.session(id).await.unwrap().is_some()),
        ("list", !list.is_empty()),
        ("thread", !history.is_empty()),
    ];
    there.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
}

#[tokio::test]
async fn the_embedded_store_forgets_everything_in_its_time_and_not_before() {
    let clock = ManualClock::at(UnixMs::new(NOW_MS));
    let process = Process::in_memory(Arc::new(clock.clone()));
    let everything = store_everything(&*process.store).await;
    let mut names = left(&*process.store, &everything).await;
    assert_eq!(names.len(), 11);
    let mut past_ms = 0;
    for (ttl_secs, gone) in
        [(5 * MINUTE, 1), (30 * MINUTE, 1), (DAY, 4), (2 * DAY, 1), (7 * DAY, 4)]
    {
        clock.advance(Duration::from_millis(ttl_secs * 1_000 - 1 - past_ms));
        assert_eq!(left(&*process.store, &everything).await, names, "just before {ttl_secs} s");
        clock.advance(Duration::from_millis(1));
        past_ms = ttl_secs * 1_000;
        names.drain(..gone);
        assert_eq!(left(&*process.store, &everything).await, names, "after {ttl_secs} s");
    }
    assert!(names.is_empty());
}

#[tokio::test]
async fn in_the_embedded_store_what_is_renewed_lives_on_and_what_expired_starts_anew() {
    let clock = ManualClock::at(UnixMs::new(NOW_MS));
    let process = Process::in_memory(Arc::new(clock.clone()));
    let (store, session) = (&process.store, some_session());
    let request = request(&session);
    store.open(&meta_of(&request.session_id), &request, "{}").await.unwrap();
    store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
    clock.advance(Duration::from_millis((DAY - 1) * 1_000));
    store.append(&session, EventId::new(1), &entries([2])).await.unwrap();
    clock.advance(Duration::from_millis((DAY - 1) * 1_000));
    assert!(store.holds(&session, EventId::new(1)).await.unwrap(), "renewed by the second append");
    store.save_request(&request).await.unwrap();
    assert_eq!(store.request(&request.request_id).await.unwrap(), None, "not brought back");
    clock.advance(Duration::from_millis(1_000));
    let late = store.append(&session, EventId::new(2), &entries([3])).await;
    assert!(matches!(late, Err(AppendError::Gone)), "there is no journal any more");
    store.append(&session, EventId::ZERO, &entries([7])).await.unwrap();
    assert_eq!(store.newest(&session, 9).await.unwrap(), entries([7]));
}

/// A request that somebody has thirty days to answer.
fn patient_request(session: &SessionId, asked_ms: u64) -> ApprovalRequest {
    let deadline = Deadline::after(UnixMs::new(asked_ms), Deadline::LONGEST_WAIT);
    ApprovalRequest { deadline, ..request(session) }
}

#[tokio::test]
async fn in_the_embedded_store_a_run_that_waits_for_thirty_days_finds_all_that_it_needs() {
    let clock = ManualClock::at(UnixMs::new(NOW_MS));
    let process = Process::in_memory(Arc::new(clock.clone()));
    let store = &process.store;
    let mut everything = store_everything(&**store).await;
    let meta = everything.meta.clone();
    let request = patient_request(&meta.session_id, NOW_MS);
    store.open(&meta, &request, "{}").await.unwrap();
    let until = Some(request.deadline);
    store.append_waiting(&meta.session_id, EventId::new(1), &entries([2]), until).await.unwrap();
    store.record_approval(&request.request_id, request.deadline, &sealed("kim")).await.unwrap();
    everything.request = request.clone();

    clock.advance(Duration::from_millis(30 * DAY * 1_000));
    let waiting = ["request", "journal", "checkpoint", "session", "list", "thread"];
    assert_eq!(left(&**store, &everything).await, waiting);
    let given = store.record_approval(&request.request_id, request.deadline, &sealed("lee")).await;
    assert_eq!(given.unwrap().len(), 2, "the first yes is not forgotten");
    // What decides it outlives every copy of the request.
    let no = sealed("no");
    let won = store.decide(&request.request_id, request.deadline, &no, None).await.unwrap();
    assert_eq!(won, ProposalOutcome::Won);
    clock.advance(Duration::from_millis(600 * 1_000));
    assert_eq!(store.request(&request.request_id).await.unwrap(), None);
    assert!(store.decision(&request.request_id).await.unwrap().is_some());
    // The run goes on, and from then on its journal lives as long as any other.
    store.append(&meta.session_id, EventId::new(2), &entries([3])).await.unwrap();
    clock.advance(Duration::from_millis((DAY - 1) * 1_000));
    assert_eq!(left(&**store, &everything).await, ["journal", "session", "list", "thread"]);
    clock.advance(Duration::from_millis(1_000));
    assert!(!store.holds(&meta.session_id, EventId::new(3)).await.unwrap());
}

#[tokio::test]
async fn in_redis_a_run_that_waits_for_thirty_days_finds_all_that_it_needs() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let store = &process.store;
        let Everything { meta, .. } = store_everything(&**store).await;
        let request = patient_request(&meta.session_id, NOW_MS);
        store.open(&meta, &request, "{}").await.unwrap();
        let (session, id) = (&meta.session_id, &request.request_id);
        let until = Some(request.deadline);
        store.append_waiting(session, EventId::new(1), &entries([2]), until).await.unwrap();
        store.record_approval(id, request.deadline, &sealed("kim")).await.unwrap();
        store.decide(id, request.deadline, &sealed("no"), None).await.unwrap();
        // Others of the same caller and conversation begin and end meanwhile.
        let another = SessionMeta { session_id: some_session(), ..meta.clone() };
        store.register(&another).await.unwrap();
        store.remember(&another, &[Message::User { content: "또".into() }]).await.unwrap();
        let (past, recovery) = (30 * DAY + 10 * MINUTE, 30 * DAY + 12 * HOUR);
        // A run that goes on then has a journal for another day.
        let known = recovery + DAY;
        let mut admin = admin(&server).await;
        for (key, ttl) in [
            (format!("hitl:request:{id}"), past),
            (format!("hitl:session:{session}"), past),
            (format!("checkpoint:{session}"), recovery),
            (format!("aura:decision:{id}"), recovery),
            (format!("aura:endorsements:{id}"), recovery),
            (format!("aura:journal:{session}"), recovery),
            (format!("aura:session:{session}"), known),
            ("aura:sessions:tenant1:user123".into(), known),
            ("aura:thread:tenant1:user123:thread_1".into(), known),
        ] {
            let left: i64 = redis::cmd("TTL").arg(&key).query_async(&mut admin).await.unwrap();
            let ttl = i64::try_from(ttl).unwrap();
            assert!((ttl - MINUTE.cast_signed()..=ttl).contains(&left), "{key}: {left} s");
        }
        store.append(session, EventId::new(2), &entries([3])).await.unwrap();
        let key = format!("aura:journal:{session}");
        let left: i64 = redis::cmd("TTL").arg(&key).query_async(&mut admin).await.unwrap();
        assert!(left <= DAY.cast_signed(), "{left}");
    })
    .await;
}

/// Two sessions, of one of which everything is told.
async fn queue_announcements(store: &dyn Store) {
    for step in [TurnStep::Done { over: true }, TurnStep::Failed { after: Duration::from_secs(9) }]
    {
        let (session, after, look_in) = (some_session(), EventId::ZERO, Duration::ZERO);
        let place = AnnouncementPlace { session, after, look_in, wait: Duration::ZERO };
        store.place(Recipient::Webhook, &place).await.unwrap();
        let due = store.take_turns(Recipient::Webhook, 1, Duration::from_secs(9)).await.unwrap();
        assert!(store.keep_turn(Recipient::Webhook, &due.turns[0], step).await.unwrap());
    }
}

#[tokio::test]
async fn in_redis_every_key_has_the_time_to_live_that_was_promised() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let Everything { meta, request, decided: decided_id } =
            store_everything(&*process.store).await;
        let (session, request_id) = (&meta.session_id, &request.request_id);
        for note in [asked(&meta.tenant, 1), decided(&asked(&meta.tenant, 1), 0)] {
            process.store.note(&note).await.unwrap();
        }
        queue_announcements(&*process.store).await;
        let queue = |part: &str| (format!("aura:announcements:{{webhook}}:{part}"), 32 * DAY);
        let inbox = |part: &str| (format!("aura:inbox:{{tenant1}}:{part}"), 37 * DAY);
        let mut expected = vec![
            queue("due"),
            queue("since"),
            queue("told"),
            queue("sessions"),
            inbox("waiting"),
            inbox("decided"),
            inbox("requests"),
            inbox("changes"),
            (format!("hitl:request:{request_id}"), 30 * MINUTE),
            (format!("hitl:session:{session}"), HOUR),
            (format!("hitl:signal:{session}"), 5 * MINUTE),
            (format!("checkpoint:{session}"), 7 * DAY),
            (format!("aura:decision:{decided_id}"), DAY),
            (format!("aura:journal:{session}"), DAY),
            (format!("aura:cancel:{session}"), DAY),
            ("aura:idempotency:tenant1:user123:key%3A1".into(), DAY),
            ("aura:spent:tenant1:2024-01-25".into(), 2 * DAY),
            (format!("aura:session:{session}"), 7 * DAY),
            ("aura:sessions:tenant1:user123".into(), 7 * DAY),
            ("aura:run-index".into(), 37 * DAY),
            ("aura:run-index:tenant1".into(), 37 * DAY),
            ("aura:thread:tenant1:user123:thread_1".into(), 7 * DAY),
        ];
        let mut admin = admin(&server).await;
        for (key, ttl) in &expected {
            let left: i64 = redis::cmd("TTL").arg(key).query_async(&mut admin).await.unwrap();
            let ttl = i64::try_from(*ttl).unwrap();
            assert!((ttl - MINUTE.cast_signed()..=ttl).contains(&left), "{key}: {left} s");
        }
        let mut keys: Vec<String> =
            redis::cmd("KEYS").arg("*").query_async(&mut admin).await.unwrap();
        keys.sort();
        expected.sort();
        let expected: Vec<String> = expected.into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, expected, "there are no other keys");
    })
    .await;
}

#[tokio::test]
async fn in_redis_a_saved_request_keeps_its_time() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let request = request(&some_session());
        process.store.open(&meta_of(&request.session_id), &request, "{}").await.unwrap();
        let (key, mut admin) =
            (format!("hitl:request:{}", request.request_id), admin(&server).await);
        let cut = redis::cmd("EXPIRE").arg(&key).arg(100).exec_async(&mut admin).await;
        cut.unwrap();
        process.store.save_request(&request).await.unwrap();
        let left: i64 = redis::cmd("TTL").arg(&key).query_async(&mut admin).await.unwrap();
        assert!((1..=100).contains(&left), "{left}");
    })
    .await;
}
