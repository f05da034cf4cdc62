//! What others write into an inbox and beside it (contract, sections 5.3 and 5.6): who may decide, how far a
//! request has come and whose it is come from us alone.

use reqwest::StatusCode;
use serde_json::json;

use crate::inbox::{PENDING, asked, ids, mailer, only, page};
use crate::resume::request_of;
use crate::support::app::{Options, Server};
use crate::support::keys::Keys;
use crate::support::model::FakeModel;
use crate::support::redis::RedisServer;

const DECIDED: &str = "/aura/approvals?status=decided";

async fn served(model: &FakeModel, approvers: &str) -> (RedisServer, Server, Keys) {
    let redis = RedisServer::start();
    let options = Options::default().model(model).set("REDIS_URL", redis.url());
    let server = Server::start(options.set("AURA__TOOLS__APPROVERS__SEND_EMAIL", approvers)).await;
    let keys = Keys::of(&redis).await;
    (redis, server, keys)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_copied_from_another_tenants_inbox_is_not_shown() {
    let model = mailer().await;
    let (_redis, server, mut keys) = served(&model, "tenant").await;
    let (user, stranger) = (server.user(), server.as_user("tenant2", "user123"));
    let (_stream, hitl) = asked(&user, "메일").await;
    only(&user, PENDING).await;
    let id = request_of(&hitl);
    let copied = |keys: Keys| async move {
        let mut keys = keys;
        for part in ["waiting", "decided", "requests", "changes"] {
            let [from, to] = ["1", "2"].map(|n| format!("aura:inbox:{{tenant{n}}}:{part}"));
            let _: usize = keys.command(&["COPY", &from, &to, "REPLACE"]).await;
        }
        keys
    };
    keys = copied(keys).await;
    let waits = stranger.get(PENDING).await;
    assert!(ids(&waits).is_empty() && waits.data()["count"] == 0, "{waits:?}");
    user.approve(id).await;
    only(&user, DECIDED).await;
    copied(keys).await;
    assert!(ids(&stranger.get(DECIDED).await).is_empty());
    let live = stranger.request(reqwest::Method::GET, "/aura/approvals/stream");
    let live = live.header("Last-Event-ID", 0).send().await.unwrap();
    let mut live = crate::support::stream::SseStream::of(live);
    let (_own, hitl) = asked(&stranger, "메일").await;
    let first = live.next().await.expect("the stream goes on");
    assert_eq!(first.data["request"]["requestId"], hitl.data["requestId"], "{first:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_decide_and_how_far_it_has_come_is_not_read_from_the_stored_request() {
    let model = mailer().await;
    let (_redis, server, mut keys) = served(&model, "2 of tenant").await;
    let user = server.user();
    let [kim, lee] = ["kim", "lee"].map(|name| server.as_user("tenant1", name));
    let (mut stream, hitl) = asked(&user, "메일").await;
    let true_line = only(&kim, PENDING).await;
    let (id, key) = (request_of(&hitl), format!("hitl:request:{}", request_of(&hitl)));
    let mut forge = json!({
        "userId": "mallory", "createdAt": 5, "approvals": 4_000_000_000_u32,
        "approvers": "requester", "approvalsNeeded": 1, "tenantId": "tenant2",
    });
    let mut stored = keys.json(&key).await;
    stored.as_object_mut().unwrap().extend(forge.as_object().unwrap().clone());
    keys.set(&key, &stored, 600).await;
    let told = ["userId", "actionType", "createdAt", "approvers", "approvalsNeeded", "tenantId"];
    assert_eq!(kim.approve(id).await.status, StatusCode::OK);
    let once = page(&lee, PENDING, |data| data["approvals"][0]["approvals"] == 1).await;
    for field in told {
        assert_eq!(once["approvals"][0][field], true_line[field], "{field}");
    }
    assert_eq!((&once["count"], &once["approvals"][0]["canDecide"]), (&json!(1), &json!(true)));
    forge["actionType"] = json!("harmless");
    let mut stored = keys.json(&key).await;
    stored.as_object_mut().unwrap().extend(forge.as_object().unwrap().clone());
    keys.set(&key, &stored, 600).await;
    assert_eq!(lee.reject(id, "아니요").await.status, StatusCode::OK);
    stream.to_done().await;
    let decided = only(&lee, DECIDED).await;
    for field in told {
        assert_eq!(decided[field], true_line[field], "{field}");
    }
    let waits: usize = keys.command(&["ZCARD", "aura:inbox:{tenant1}:waiting"]).await;
    assert_eq!(waits, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rank_that_somebody_makes_up_hides_no_yes() {
    let model = mailer().await;
    let (_redis, server, mut keys) = served(&model, "2 of tenant").await;
    let [kim, lee] = ["kim", "lee"].map(|name| server.as_user("tenant1", name));
    let (_stream, hitl) = asked(&server.user(), "메일").await;
    only(&kim, PENDING).await;
    let (hash, id) = ("aura:inbox:{tenant1}:requests", request_of(&hitl));
    let kept: String = keys.command(&["HGET", hash, id]).await;
    let _: usize = keys.command(&["HSET", hash, id, &format!("{:020}{}", 77, &kept[20..])]).await;
    assert_eq!(kim.approve(id).await.status, StatusCode::OK);
    let once = page(&lee, PENDING, |data| data["approvals"][0]["approvals"] == 1).await;
    assert_eq!(once["approvals"][0]["requestId"], id);
}

/// Nobody can decide a request that is gone with its journal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_of_which_nothing_is_left_is_not_counted() {
    let model = mailer().await;
    let (_redis, server, mut keys) = served(&model, "tenant").await;
    let user = server.user();
    let (stream, hitl) = asked(&user, "메일").await;
    let (_second, other) = asked(&user, "또").await;
    page(&user, PENDING, |data| data["count"] == 2).await;
    for key in [
        format!("hitl:request:{}", request_of(&hitl)),
        format!("aura:journal:{}", stream.session()),
    ] {
        let _: usize = keys.command(&["DEL", &key]).await;
    }
    let left = user.get(PENDING).await;
    assert_eq!((ids(&left), &left.data()["count"]), (vec![request_of(&other)], &json!(1)));
    page(&user, DECIDED, |data| data["count"] == 1).await;
}

/// The policy of the tool that will run counts, whatever tool the stored request names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tool_in_the_stored_request_is_no_other_policy() {
    let model = mailer().await;
    let (_redis, server, mut keys) = served(&model, "2 of tenant").await;
    let (user, kim) = (server.user(), server.as_user("tenant1", "kim"));
    let (mut stream, hitl) = asked(&user, "메일").await;
    only(&user, PENDING).await;
    let (id, key) = (request_of(&hitl), format!("hitl:request:{}", request_of(&hitl)));
    let mut stored = keys.json(&key).await;
    stored["actionType"] = json!("harmless");
    keys.set(&key, &stored, 600).await;
    let answer = kim.approve(id).await;
    let decided = keys.command::<usize>(&["EXISTS", &format!("aura:decision:{id}")]).await;
    assert_eq!(decided, 0, "one of two is no decision: {answer:?}");
    user.reject(id, "아니요").await;
    stream.to_done().await;
}
