//! What a run that waits keeps in Redis, however much a person is asked about.

use serde_json::{Value, json};

use crate::support::app::Options;
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Reply};
use crate::support::world::{Kind, World};

/// Bytes of the mail that is asked about.
const BODY: usize = 99_000;

/// What a key holds, in bytes, as Redis counts it.
async fn held(keys: &mut Keys, key: &str) -> usize {
    keys.command(&["MEMORY", "USAGE", key, "SAMPLES", "0"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_repeats_no_long_arguments_and_the_run_goes_on_with_the_whole_ones() {
    let mail = json!({"to": ["kim@example.com"], "subject": "보고", "body": "x".repeat(BODY)});
    let call = Reply::tool_call("send_email", &mail);
    let model = FakeModel::scripted([call, Reply::text(["끝"])]).await;
    let options = Options::default().model(&model).set("AURA__TOOLS__UNCONFIGURED", "dry_run");
    let world = World::with(Kind::Redis, options).await;
    let mut keys = Keys::of(world.redis.as_ref().unwrap()).await;
    let user = world.server.user();
    let mut stream = user.stream("메일을 보내줘").await;
    let hitl = stream.until("hitl").await;
    let (session, id) = (stream.session(), hitl.data["requestId"].as_str().unwrap().to_owned());

    let key = format!("checkpoint:{session}");
    let checkpoint = keys.json(&key).await;
    let asked = &checkpoint["pending_approvals"][0];
    assert_eq!((&asked["requestId"], &asked["status"]), (&json!(id), &json!("pending")));
    assert_eq!(asked["context"]["subject"], "보고");
    assert!(asked["contextBytes"].as_u64().unwrap() > BODY as u64, "{asked}");
    let said = checkpoint["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(said["tool_calls"][0]["name"], "send_email");
    let size = held(&mut keys, &key).await;
    assert!(size < 16 * 1024, "a checkpoint of {size} bytes");

    // The journal has them as the model wrote them and as they were asked about, the request has them once.
    let all: Vec<String> = keys.command(&["KEYS", "*"]).await;
    let mut sum = 0;
    for key in &all {
        sum += held(&mut keys, key).await;
    }
    assert!(sum < BODY * 9 / 2, "{sum} bytes for {BODY}");

    assert_eq!(user.approve(&id).await.status, 200);
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
    let request: Value = keys.json(&format!("hitl:request:{id}")).await;
    assert_eq!(request["context"], mail, "nothing is lost of what was asked");
    let result = model.requests()[1].message(-1)["content"].as_str().unwrap().to_owned();
    assert!(result.contains(&"x".repeat(1_000)), "{result:.300}");
}
