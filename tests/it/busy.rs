//! Nobody can keep the service busy: it answers while the worst inputs that are known are worked on.

use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::app::{Options, Server, eventually};
use crate::support::model::{FakeModel, Reply};

/// Within which `/health` answers while others are worked on: much more than it takes, and much less
/// than any of these inputs took.
const BOUND: Duration = Duration::from_secs(5);

/// Does the work, and asks `/health` all the while.
async fn health_answers_during(server: &Server, work: impl Future<Output = ()>) {
    let asks = async {
        loop {
            let asked = server.anonymous(Method::GET, "/health").send();
            let answered = timeout(BOUND, asked).await.expect("/health does not answer");
            assert_eq!(answered.unwrap().status(), 200);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = work => {}
        () = asks => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_prompts_of_marks_without_a_partner_keep_nobody_waiting() {
    let server = Server::start(Options::default().set("LOG_LEVEL", "warn")).await;
    let user = server.user();
    let prompts = [
        format!("PR을 분석해주세요 {}", "'s ".repeat(20_000)),
        format!("PR을 분석해주세요 {}", "'s ".repeat(20_000)),
        format!("send an e-mail to a@b.co saying \"{}", "“".repeat(20_000)),
        format!("feature 브랜치를 main에 병합해주세요 {}", "‘".repeat(20_000)),
    ];
    let all = prompts.iter().map(|prompt| async {
        let mut stream = user.stream(prompt).await;
        loop {
            match stream.next().await {
                None => panic!("broken off: {:#?}", stream.summary()),
                // It is asked about: that is the end of the work.
                Some(frame) if frame.is("hitl") || frame.is_done() => return,
                Some(_) => {}
            }
        }
    });
    health_answers_during(&server, async { drop(join_all(all).await) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_and_arguments_that_double_at_each_level_keep_nobody_waiting() {
    let deep = (0..60).fold(json!({}), |inner, _| json!({ "a": inner }));
    let model = FakeModel::answering(move |body: &Value| {
        let last = body["messages"].as_array().unwrap().last().unwrap();
        match last["content"].as_str() {
            Some("dear") => Reply::tool_call("bad_dear", &json!({})),
            Some("twice") => Reply::tool_call("bad_twice", &deep),
            _ => Reply::text(["끝"]),
        }
    })
    .await;
    let script = format!("{}/tests/it/mcp/misbehaving.py", env!("CARGO_MANIFEST_DIR"));
    let options = Options::default()
        .model(&model)
        .set("AURA__MCP__SERVERS__BAD__COMMAND", json!(["python3", script]));
    let server = Server::start(options).await;
    let user = server.user();
    health_answers_during(&server, async {
        let left_out = async || server.log().contains("too dear");
        eventually("the tool is left out, and the log says why", left_out).await;
        for (prompt, reason) in [("dear", "there is no tool"), ("twice", "too deep ones")] {
            let mut stream = user.stream(prompt).await;
            stream.to_done().await;
            assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
            let refused = stream.all("tool_execution").pop().unwrap().data.clone();
            let error = refused["error"].as_str().unwrap();
            assert!(error.contains(reason), "{error}");
        }
    })
    .await;
}
