//! What the embedded store keeps has a bound, and it says when it lets go of something.

use serde_json::{Value, json};

use crate::support::app::{Options, Server};
use crate::support::model::{FakeModel, Reply};

/// As little as the store can be told to keep.
const ROOM: usize = 1024 * 1024;

/// A prompt as long as may be.
fn long(of: &str) -> String {
    format!("{of} {}", "x".repeat(60_000))
}

/// A model that asks for a merge where the prompt speaks of one, and answers otherwise.
fn merges_or_answers(body: &Value) -> Reply {
    let last = body["messages"].as_array().unwrap().last().unwrap();
    match last["content"].as_str() {
        Some(text) if text.starts_with("merge") => {
            let arguments = json!({"source": "feature", "target": "main"});
            Reply::tool_call("git_merge", &arguments)
        }
        _ => Reply::text(["네."]),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_lets_go_of_what_is_over_and_refuses_runs_only_where_what_lives_fills_it()
 {
    let model = FakeModel::answering(merges_or_answers).await;
    let options = Options::default().model(&model).set("AURA__EMBEDDED__MAX_BYTES", ROOM);
    let server = Server::start(options).await;
    let user = server.user();
    let mut waits = user.stream(&long("merge")).await;
    let hitl = waits.until("hitl").await;

    let mut sessions = Vec::new();
    for _ in 0..24 {
        let mut stream = user.stream(&long("안녕")).await;
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
        sessions.push(stream.session());
    }
    server.logged("the embedded store is full", 1).await;
    assert!(server.metric("aura_sessions_let_go_total").await > 0);
    let kept = server.metric("aura_embedded_bytes").await;
    assert!(kept > 0 && kept < 2 * ROOM as u64, "{kept} bytes");
    let status = async |session: &str| user.get(&format!("/aura/sessions/{session}")).await.status;
    assert_eq!(status(&sessions[0]).await, 404, "the oldest has gone");
    assert_eq!(status(&sessions[23]).await, 200, "the newest has not");
    assert_eq!(status(&waits.session()).await, 200, "nor has what waits, though it is older");

    // What waits is never let go of: at some time there is no room for more.
    let mut waiting = Vec::new();
    let refused = loop {
        let answered = user.post_stream(json!({"prompt": long("merge")})).send().await.unwrap();
        if answered.status() != 200 {
            break answered;
        }
        let mut stream = crate::support::stream::SseStream::of(answered);
        stream.until("hitl").await;
        waiting.push(stream);
        assert!(waiting.len() < 24, "no bound");
    };
    assert_eq!(refused.status(), 503);
    let body = refused.text().await.unwrap();
    assert!(body.contains("E5000") && body.contains("embedded.max_bytes"), "{body}");

    // The runs that wait go on, and what ends makes room.
    assert_eq!(user.reject(hitl.data["requestId"].as_str().unwrap(), "no").await.status, 200);
    waits.to_done().await;
    assert_eq!(waits.status_at_end(), "rejected");
    user.stream(&long("안녕")).await.to_done().await;
}
