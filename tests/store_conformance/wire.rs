//! What others see in Redis, and what the store makes of what others do there.

use aura_platform::domain::{ApprovalRequest, Decision, EventId, SessionId, UnixMs, Verdict};
use aura_platform::store::{AppendError, StoreError};
use futures::StreamExt;
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};

use crate::bench::{NOW_MS, Process, entries, eventually, meta, meta_of, request, some_session};
use crate::within;
use aura_testing::redis::RedisServer;

/// A neighbour's connection.
pub(crate) async fn admin(server: &RedisServer) -> MultiplexedConnection {
    let client = redis::Client::open(server.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

pub(crate) async fn ask<T: redis::FromRedisValue>(
    admin: &mut MultiplexedConnection,
    words: &[&str],
) -> T {
    redis::cmd(words[0]).arg(&words[1..]).query_async(admin).await.unwrap()
}

/// The channels that somebody is subscribed to.
pub(crate) async fn channels(admin: &mut MultiplexedConnection) -> Vec<String> {
    let mut channels: Vec<String> = ask(admin, &["PUBSUB", "CHANNELS"]).await;
    channels.sort();
    channels
}

#[tokio::test]
async fn the_platform_reads_the_request_the_pointer_and_the_checkpoint_as_agreed() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let session = SessionId::new("session_user123_1706152860_0123456789abcdef");
        let mut request = request(&session);
        request.request_id = aura_platform::domain::RequestId::new("req_0123456789ab");
        process
            .store
            .open(
                &meta_of(&request.session_id),
                &request,
                r#"{"pending_approvals":["x"],"messages":[]}"#,
            )
            .await
            .unwrap();
        let mut admin = admin(&server).await;
        let mut get = async |key: &str| -> Value {
            let text: String = ask(&mut admin, &["GET", key]).await;
            serde_json::from_str(&text).unwrap()
        };
        assert_eq!(
            get("hitl:request:req_0123456789ab").await,
            json!({
                "requestId": "req_0123456789ab",
                "sessionId": "session_user123_1706152860_0123456789abcdef",
                "userId": "user123", "tenantId": "tenant1", "actionType": "github_create_pr",
                "context": {"title": "제목"}, "message": "PR을 생성할까요?", "status": "pending",
                "createdAt": 1_706_152_860_000_u64, "expiresAt": 1_706_153_160,
                "deadlineMs": 1_706_153_160_000_u64, "approvers": "tenant", "approvalsNeeded": 1,
                "approvals": 0,
            })
        );
        assert_eq!(
            get("hitl:session:session_user123_1706152860_0123456789abcdef").await,
            json!({
                "sessionId": "session_user123_1706152860_0123456789abcdef",
                "requestId": "req_0123456789ab", "userId": "user123", "tenantId": "tenant1",
            })
        );
        assert_eq!(
            get("checkpoint:session_user123_1706152860_0123456789abcdef").await,
            json!({"pending_approvals": ["x"], "messages": []})
        );
    })
    .await;
}

#[tokio::test]
async fn a_tenant_hears_of_what_is_asked_and_of_every_change() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let client = redis::Client::open(server.url()).unwrap();
        let mut hears = client.get_async_pubsub().await.unwrap();
        hears.subscribe("hitl:requests:tenant1").await.unwrap();
        let mut heard = hears.on_message();
        let request = request(&some_session());
        let meta = meta_of(&request.session_id);
        process.store.open(&meta, &request, "{}").await.unwrap();
        process.store.tell_asked(&request).await.unwrap();
        let resolved = request.resolved(&Decision::of(Verdict::TimedOut, UnixMs::new(7)));
        process.store.save_request(&resolved).await.unwrap();
        // One that is gone has not changed.
        let gone = crate::bench::request(&some_session());
        process.store.save_request(&gone).await.unwrap();
        let again = request.reopened();
        process.store.save_request(&again).await.unwrap();
        for expected in [request, resolved, again] {
            let message: String = heard.next().await.unwrap().get_payload().unwrap();
            assert_eq!(serde_json::from_str::<ApprovalRequest>(&message).unwrap(), expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_plain_publish_by_somebody_else_is_heard_whatever_it_says() {
    within(async {
        let server = RedisServer::start();
        let mut process = Process::on_redis(&server.url());
        let session = some_session();
        process.store.watch(&session).await.unwrap();
        let (mut admin, channel) = (admin(&server).await, format!("hitl:channel:{session}"));
        let heard: i64 = ask(&mut admin, &["PUBLISH", &channel, "not JSON"]).await;
        assert_eq!(heard, 1);
        assert_eq!(process.heard().await, (session, "not JSON".into()));
    })
    .await;
}

#[tokio::test]
async fn a_journal_entry_has_the_id_of_its_event() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let session = some_session();
        process.store.append(&session, EventId::ZERO, &entries([17, 18])).await.unwrap();
        let (mut admin, key) = (admin(&server).await, format!("aura:journal:{session}"));
        let found: Vec<(String, Vec<String>)> = ask(&mut admin, &["XRANGE", &key, "-", "+"]).await;
        let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["17-0", "18-0"]);
        assert_eq!(found[0].1, ["t", "thought", "d", "{\"n\":17}", "p", "0"]);
    })
    .await;
}

#[tokio::test]
async fn two_owners_that_write_the_very_same_are_still_two() {
    within(async {
        let server = RedisServer::start();
        let (one, other) = (Process::on_redis(&server.url()), Process::on_redis(&server.url()));
        let session = some_session();
        one.store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
        let same = other.store.append(&session, EventId::ZERO, &entries([1])).await;
        assert!(matches!(same, Err(AppendError::Conflict)), "{same:?}");
    })
    .await;
}

#[tokio::test]
async fn a_server_that_has_forgotten_the_scripts_is_told_again() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let (mut admin, session) = (admin(&server).await, some_session());
        for number in 1..=3 {
            let expected = EventId::new(number - 1);
            process.store.append(&session, expected, &entries([number])).await.unwrap();
            let _: () = ask(&mut admin, &["SCRIPT", "FLUSH"]).await;
        }
        assert_eq!(process.store.newest(&session, 9).await.unwrap(), entries([1, 2, 3]));
    })
    .await;
}

#[tokio::test]
async fn a_session_whose_record_is_gone_leaves_its_list() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let mut admin = admin(&server).await;
        let metas: Vec<_> = (0..10).map(|n| meta("tenant1", "user123", NOW_MS + n)).collect();
        for meta in &metas {
            process.store.register(meta).await.unwrap();
        }
        for gone in &metas[2..9] {
            let _: () =
                ask(&mut admin, &["DEL", &format!("aura:session:{}", gone.session_id)]).await;
        }
        let (tenant, user) = (&metas[0].tenant, &metas[0].user);
        let found = process.store.sessions_of(tenant, user, None, 3).await.unwrap();
        assert_eq!(found, [metas[9].clone(), metas[1].clone(), metas[0].clone()]);
        let left: i64 = ask(&mut admin, &["ZCARD", "aura:sessions:tenant1:user123"]).await;
        assert_eq!(left, 3);
    })
    .await;
}

#[tokio::test]
async fn a_list_is_cleared_of_what_is_too_old_when_a_session_is_added() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let mut admin = admin(&server).await;
        // A week, and the time that a run may have waited for an answer.
        let kept_ms = (7 + 30) * 24 * 60 * 60 * 1_000;
        for began in [NOW_MS - kept_ms - 1, NOW_MS - kept_ms, NOW_MS] {
            process.store.register(&meta("tenant1", "user123", began)).await.unwrap();
        }
        let left: i64 = ask(&mut admin, &["ZCARD", "aura:sessions:tenant1:user123"]).await;
        assert_eq!(left, 2);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_somebody_has_spoilt_hides_nobody_elses_votes() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let mut admin = admin(&server).await;
        let waiting: Vec<_> = (0..3)
            .map(|_| (some_session(), aura_platform::domain::RequestId::generate()))
            .collect();
        for (session, _) in &waiting {
            process.store.store_signal(session, "yes").await.unwrap();
        }
        let spoilt =
            [format!("hitl:signal:{}", waiting[1].0), format!("hitl:request:{}", waiting[1].1)];
        for key in spoilt {
            let _: () = ask(&mut admin, &["DEL", &key]).await;
            let _: () = ask(&mut admin, &["LPUSH", &key, "what"]).await;
        }
        let stored = process.store.signals(&waiting).await.unwrap();
        let signals: Vec<_> = stored.iter().map(|stored| stored.signal.as_deref()).collect();
        assert_eq!(signals, [Some("yes"), None, Some("yes")]);
        let requests: Vec<_> = stored.iter().map(|stored| stored.request.as_deref()).collect();
        assert_eq!(requests, [None, Some(""), None], "not taken for one that is gone");
        let alone = process.store.signal(&waiting[1].0).await;
        assert!(matches!(alone, Err(StoreError::Corrupt(_))), "{alone:?}");
    })
    .await;
}

#[tokio::test]
async fn two_thousand_watches_and_followers_need_two_connections() {
    within(async {
        let server = RedisServer::start();
        let mut process = Process::on_redis(&server.url());
        let sessions: Vec<_> = (0..2_000).map(|_| some_session()).collect();
        let store = &process.store;
        let watches = sessions.iter().map(|session| async move {
            store.watch(session).await.unwrap();
            store.follow(session).await.unwrap()
        });
        let followers = futures::future::join_all(watches).await;
        let mut admin = admin(&server).await;
        assert_eq!(channels(&mut admin).await.len(), 4_001);
        let clients: String = ask(&mut admin, &["CLIENT", "LIST"]).await;
        assert_eq!(clients.lines().count(), 2 + 1, "two and the one that asks:\n{clients}");
        process.store.publish_signal(&sessions[1_234], "you").await.unwrap();
        assert_eq!(process.heard().await, (sessions[1_234].clone(), "you".into()));

        drop(followers);
        for session in &sessions {
            process.store.unwatch(session);
        }
        eventually("only the control channel is left", || {
            let mut admin = admin.clone();
            async move { channels(&mut admin).await == ["aura:control"] }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_password_and_a_database_in_the_url_are_used() {
    within(async {
        let server = RedisServer::with_password("correct-horse");
        let url = server.url().replace("/0", "/3");
        let process = Process::on_redis(&url);
        process.store.ping().await.unwrap();
        process.store.save_checkpoint(&some_session(), "{}").await.unwrap();
        process.store.watch(&some_session()).await.unwrap();
        let mut admin = admin(&server).await;
        let space: String = ask(&mut admin, &["INFO", "keyspace"]).await;
        assert!(space.contains("db3:keys=1") && !space.contains("db0"), "{space}");
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_is_an_unavailable_store_and_not_repeated() {
    within(async {
        let server = RedisServer::with_password("correct-horse");
        let url = format!("redis://:battery-staple@127.0.0.1:{}", server.port());
        let process = Process::on_redis(&url);
        let error = process.store.ping().await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        assert!(!error.to_string().contains("battery-staple"), "{error}");
    })
    .await;
}
