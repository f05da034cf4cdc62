//! The platform's own audit log hears of every entry (contract, section 5.8).

use std::time::Duration;

use futures::StreamExt;
use redis::aio::PubSub;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::resume::request_of;
use crate::support::app::{Caller, Options, PATIENCE, Server};
use crate::support::keys::Keys;
use crate::support::redis::RedisServer;
use crate::support::stream::SseStream;

const MERGE: &str = "feature 브랜치를 main에 병합해주세요";
const CHANNEL: &str = "audit:events:ingest";

/// A listener as the platform's, which has heard nothing yet.
async fn listening(redis: &RedisServer) -> PubSub {
    let mut listener = redis::Client::open(redis.url()).unwrap().get_async_pubsub().await.unwrap();
    listener.subscribe(CHANNEL).await.unwrap();
    listener
}

async fn next(listener: &mut PubSub) -> Value {
    let message = tokio::time::timeout(PATIENCE, listener.on_message().next()).await;
    serde_json::from_slice(message.expect("nothing is published").unwrap().get_payload_bytes())
        .unwrap()
}

async fn with_events(redis: &RedisServer) -> Server {
    let options = Options::default().set("REDIS_URL", redis.url());
    Server::start(options.set("AURA__PLATFORM__AUDIT_EVENTS", true)).await
}

/// A merge that is asked for with these headers, and the id of its question.
async fn asked(user: &Caller) -> (SseStream, String) {
    let request = user.post_stream(json!({ "prompt": MERGE }));
    let request = request.header("X-Trace-ID", "trace-1").header("X-Gateway-Request-Id", "gw-1");
    let mut stream = SseStream::of(request.send().await.unwrap());
    let hitl = stream.until("hitl").await;
    (stream, request_of(&hitl).to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_platform_hears_of_every_entry_in_its_own_fields() {
    let redis = RedisServer::start();
    let server = with_events(&redis).await;
    let (user, mut listener) = (server.as_user("1", "7"), listening(&redis).await);
    let (mut stream, request) = asked(&user).await;
    let proposed = next(&mut listener).await;
    let evidence = proposed["evidence_json"].clone();
    let expected = json!({
        "tenant_id": 1, "event_category": "ACTION", "event_type": "ACTION_PROPOSED", "outcome": "PENDING",
        "severity": "INFO", "resource_type": "AGENT_REQUEST", "resource_id": request,
        "created_at": proposed["created_at"], "actor_type": "AGENT", "actor_user_id": 7,
        "actor_agent_id": "aura", "channel": "AGENT", "trace_id": "trace-1", "gateway_request_id": "gw-1",
        "evidence_json": {"message": "approval requested", "tool": "git_merge",
            "sessionId": stream.session(), "argsHash": evidence["argsHash"]},
    });
    assert_eq!(proposed, expected);
    assert_eq!(evidence["argsHash"].as_str().unwrap().len(), 64);
    let created_at = proposed["created_at"].as_str().unwrap();
    assert!(created_at.len() == 24 && created_at.ends_with('Z'), "{created_at}");

    assert_eq!(user.approve(&request).await.status, StatusCode::OK);
    let mut heard =
        vec![next(&mut listener).await, next(&mut listener).await, next(&mut listener).await];
    stream.to_done().await;
    let told = |event: &Value| {
        ["event_type", "outcome", "severity", "actor_type"]
            .map(|name| event[name].as_str().unwrap().to_owned())
    };
    assert_eq!(
        heard.iter().map(told).collect::<Vec<_>>(),
        [
            ["ACTION_APPROVED", "SUCCESS", "INFO", "USER"],
            ["ACTION_EXECUTED", "PENDING", "INFO", "AGENT"],
            ["ACTION_EXECUTED", "SUCCESS", "INFO", "AGENT"],
        ]
    );
    assert_eq!(heard[0]["evidence_json"]["via"], "rest");
    heard.push(proposed);
    for event in &heard {
        assert_eq!(
            [&event["resource_id"], &event["trace_id"], &event["actor_user_id"]],
            [&json!(request), &json!("trace-1"), &json!(7)]
        );
        let text = event.to_string();
        assert!(
            !text.contains("feature") && !text.contains("\"main\""),
            "a value of an argument: {text}"
        );
    }
    // Every entry, and nothing else.
    let mut keys = Keys::of(&redis).await;
    assert_eq!(keys.command::<usize>(&["XLEN", "aura:audit:1"]).await, heard.len());
    server
        .as_user("1", "auditor")
        .in_role("operator")
        .put("/aura/admin/holds/stop", json!({"tool": "git_merge", "reason": "점검"}))
        .await;
    let put = next(&mut listener).await;
    assert_eq!(told(&put), ["ACTION_EXECUTED", "SUCCESS", "WARN", "USER"]);
    assert_eq!((put.get("resource_id"), put.get("actor_user_id")), (None, None), "{put}");
    assert_eq!(put["evidence_json"]["message"], "hold put: stop (점검)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_is_no_number_is_left_out_and_a_no_is_denied() {
    let redis = RedisServer::start();
    let server = with_events(&redis).await;
    let (user, mut listener) = (server.as_user("acme", "kim"), listening(&redis).await);
    let (mut stream, request) = asked(&user).await;
    user.reject(&request, "feature 는 아직 아닙니다").await;
    stream.to_done().await;
    let heard = [next(&mut listener).await, next(&mut listener).await];
    for event in &heard {
        assert_eq!((event.get("tenant_id"), event.get("actor_user_id")), (None, None), "{event}");
    }
    let told = ["event_type", "outcome", "severity"].map(|name| &heard[1][name]);
    assert_eq!(told, ["ACTION_REJECTED", "DENIED", "WARN"]);
    assert!(!heard[1].to_string().contains("feature"), "{}", heard[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_published_unless_it_is_asked_for() {
    let redis = RedisServer::start();
    let server = Server::start(Options::default().set("REDIS_URL", redis.url())).await;
    let mut listener = listening(&redis).await;
    let (mut stream, request) = asked(&server.user()).await;
    server.user().approve(&request).await;
    stream.to_done().await;
    // What is published before this one would come before it.
    let mut keys = Keys::of(&redis).await;
    let _: u64 = keys.command(&["PUBLISH", CHANNEL, "\"last\""]).await;
    assert_eq!(next(&mut listener).await, "last");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_not_publish_there_records_all_the_same_and_without_redis_it_is_told_at_the_start()
 {
    let redis = RedisServer::start();
    let mut keys = Keys::of(&redis).await;
    let rule = ["ACL", "SETUSER", "default", "resetchannels", "&aura:*", "&hitl:*"];
    let _: () = keys.command(&rule).await;
    let server = with_events(&redis).await;
    let (mut stream, request) = asked(&server.as_user("1", "7")).await;
    server.as_user("1", "7").approve(&request).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
    assert_eq!(keys.command::<usize>(&["XLEN", "aura:audit:1"]).await, 4);

    let embedded =
        Server::start(Options::default().set("AURA__PLATFORM__AUDIT_EVENTS", true)).await;
    embedded.logged("platform.audit_events needs Redis", 1).await;
    let health =
        embedded.anonymous(Method::GET, "/health").timeout(Duration::from_secs(30)).send().await;
    assert_eq!(health.unwrap().status(), StatusCode::OK);
}
