//! Runs whose tenant's audit stream cannot be continued: they end, visibly and once, and do nothing.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::app::Options;
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Reply};
use crate::support::stream::{Frame, SseStream};
use crate::support::world::{Kind, World};

const KEY: &str = "aura:audit:tenant1";

/// Two mails to send, in one turn.
async fn mails() -> FakeModel {
    let mail = json!({"to": ["kim@example.com"], "subject": "보고", "body": "끝"}).to_string();
    let turn = Reply::stream().call("call_a", "send_email", [mail.as_str()]);
    FakeModel::always(turn.call("call_b", "send_email", [mail.as_str()]).ends("tool_calls")).await
}

/// A server that asks about both mails at once, with its Redis, and somebody who can write to that.
async fn world(model: &FakeModel) -> (World, Keys) {
    let options = Options::default().model(model).set("AURA__AGENT__LEASE_SECONDS", 1);
    let options = options.set("AURA__HITL__ASK", "together");
    let world = World::with(Kind::Redis, options).await;
    let keys = Keys::of(world.redis.as_ref().unwrap()).await;
    (world, keys)
}

fn request_of(hitl: &Frame) -> String {
    hitl.data["requestId"].as_str().unwrap().to_owned()
}

fn statuses(stream: &SseStream) -> Vec<&str> {
    let calls = stream.all("tool_execution").into_iter();
    calls.map(|call| call.data["status"].as_str().unwrap()).collect()
}

/// The run has ended with an error that says why, and nobody tries it again.
async fn ended_and_stays_so(world: &World, keys: &mut Keys, stream: &SseStream) {
    assert_eq!(stream.status_at_end(), "failed");
    let errors = stream.all("error");
    let [error] = &errors[..] else { panic!("{:#?}", stream.summary()) };
    assert_eq!(error.data["errorType"], "StoreCorruptError");
    let told = error.data["error"].as_str().unwrap();
    assert!(told.contains("audit stream of tenant tenant1 cannot be continued"), "{told}");
    assert!(!statuses(stream).contains(&"running"), "{:#?}", stream.summary());
    crate::support::app::eventually("nobody looks after it any more", async || {
        let mut keys = Keys::of(world.redis.as_ref().unwrap()).await;
        keys.leases().await == 0
    })
    .await;
    assert_eq!(keys.leases().await, 0);
    let log = world.server.logged("run broke down", 1).await;
    assert_eq!(log.matches("run broke down").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_what_could_not_be_recorded() {
    let model = mails().await;
    let (world, mut keys) = world(&model).await;
    keys.set(KEY, &Value::from("x"), 300).await;
    let mut stream = world.server.user().stream("메일").await;
    stream.to_done().await;
    assert!(stream.all("hitl").is_empty());
    ended_and_stays_so(&world, &mut keys, &stream).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_that_cannot_be_recorded_runs_nothing_and_ends_the_run() {
    let model = mails().await;
    let (world, mut keys) = world(&model).await;
    let user = world.server.user();
    let mut stream = user.stream("메일").await;
    let (first, second) = (stream.until("hitl").await, stream.until("hitl").await);
    keys.set(KEY, &Value::from("x"), 300).await;
    assert_eq!(user.approve(&request_of(&first)).await.status, StatusCode::OK);
    stream.to_done().await;
    assert_eq!(statuses(&stream), ["pending", "pending", "cancelled", "cancelled"]);
    ended_and_stays_so(&world, &mut keys, &stream).await;
    let late = user.approve(&request_of(&second)).await;
    assert_eq!((late.status, &late.data()["status"]), (StatusCode::CONFLICT, &"cancelled".into()));
}
