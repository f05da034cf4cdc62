//! The AG-UI rendering where it has to hold what all streams do: on another replica, and behind the guard.
//! What the protocol's own client makes of it is tested in `tests/ag_ui`.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::app::{Caller, Options, PATIENCE, Server};
use crate::support::git::Workspace;
use crate::support::redis::RedisServer;

const PATH: &str = "/aura/ag-ui";

/// A run's bytes, to its end.
async fn run(user: &Caller, input: &Value) -> String {
    let response = user.request(Method::POST, PATH).json(input).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    timeout(PATIENCE, response.text()).await.expect("the run has no end").unwrap()
}

/// The events in these bytes.
fn events(bytes: &str) -> Vec<Value> {
    let data = bytes.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn merge(run: &str) -> Value {
    let content = "feature 브랜치를 main에 병합해주세요";
    json!({"threadId": "t", "runId": run, "messages": [{"id": "1", "role": "user", "content": content}]})
}

fn approval(run: &str, bytes: &str) -> Value {
    let last = events(bytes).pop().unwrap();
    let id = &last["outcome"]["interrupts"][0]["id"];
    let entry = json!({"interruptId": id, "status": "resolved", "payload": {"approved": true}});
    json!({"threadId": "t", "runId": run, "messages": [], "resume": [entry]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_the_same_to_the_byte_and_goes_on_on_another_replica() {
    let (redis, workspace) = (RedisServer::start(), Workspace::with_sample("sample").await);
    let options =
        || Options::default().set("REDIS_URL", redis.url()).set("AURA__AGENT__LEASE_SECONDS", 1);
    let root = workspace.root();
    let (first, second) =
        tokio::join!(Server::start_in(options(), &root), Server::start_in(options(), &root));
    let asked = run(&first.user(), &merge("r1")).await;
    assert_eq!(events(&asked).pop().unwrap()["outcome"]["type"], "interrupt");
    first.kill().await;
    assert_eq!(run(&second.user(), &merge("r1")).await, asked);
    let done = run(&second.user(), &approval("r2", &asked)).await;
    assert_eq!(events(&done).pop().unwrap()["outcome"]["type"], "success", "{done}");
    assert_eq!(run(&second.user(), &approval("r2", &asked)).await, done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_nothing_happens_on_is_kept_alive_and_is_broken_off_when_the_server_stops() {
    let options = Options::default()
        .set("AURA__TOOLS__APPROVERS__GIT_MERGE", "2 of tenant")
        .set("AURA__STREAM__KEEP_ALIVE_SECONDS", 1);
    let server = Server::start(options).await;
    let user = server.user();
    let asked = run(&user, &merge("r1")).await;
    // One yes of two: the run goes on to wait, and so does its stream.
    let request = user.request(Method::POST, PATH).json(&approval("r2", &asked));
    let mut response = request.send().await.unwrap();
    let mut text = String::new();
    while !text.contains(": keep-alive id:\n\n") {
        let chunk = timeout(PATIENCE, response.chunk()).await.expect("silence").unwrap().unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert_eq!(events(&text)[0]["type"], "RUN_STARTED");
    server.ask_to_end();
    let rest = timeout(PATIENCE, async {
        while let Some(chunk) = response.chunk().await? {
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        Ok::<_, reqwest::Error>(())
    });
    assert!(rest.await.expect("it is not broken off").is_err(), "{text}");
    assert!(!text.contains("RUN_FINISHED") && !text.contains("RUN_ERROR"), "{text}");
    assert_eq!(server.ended().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_json_also_for_who_reads_streams() {
    let server = Server::embedded().await;
    let anonymous = server.anonymous(Method::POST, PATH).header("Accept", "text/event-stream");
    let refused = anonymous.json(&merge("r1")).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers()["content-type"], "application/json");
    assert_eq!(refused.json::<Value>().await.unwrap()["errorCode"], "E2000");
    let other = server.user().request(Method::GET, PATH).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::METHOD_NOT_ALLOWED);
}
