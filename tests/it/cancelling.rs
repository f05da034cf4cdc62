//! Cancelling means now (contract, section 4.4): nothing is waited for but a side effect under way.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::app::{Caller, Options, Server, eventually};
use crate::support::git::HeldGit;
use crate::support::github::{self, FakeGitHub};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::redis::RedisServer;
use crate::support::stream::SseStream;
use crate::support::world::World;
use crate::with_both_stores;

async fn cancel(user: &Caller, stream: &SseStream) {
    let path = format!("/aura/sessions/{}/cancel", stream.session());
    let answer = user.post(&path, Value::Null).await;
    assert_eq!((answer.status, &answer.data()["status"]), (StatusCode::OK, &json!("cancelled")));
}

/// The stream of a cancelled run whose only call was at work: the call is closed, then the run.
fn check_stopped(stream: &SseStream) {
    let calls = stream.all("tool_execution");
    let statuses: Vec<&Value> = calls.iter().map(|call| &call.data["status"]).collect();
    assert_eq!(statuses, ["running", "cancelled"], "{:#?}", stream.summary());
    let stopped = &calls[1].data;
    assert!(stopped["durationMs"].is_u64() && stopped["result"].is_null(), "{stopped}");
    assert_eq!(stopped["toolCallId"], calls[0].data["toolCallId"]);
    assert_eq!(stream.status_at_end(), "cancelled");
    let last = stream.all("plan_step_update").pop().unwrap();
    assert_eq!(last.data["status"], "skipped", "{:#?}", stream.summary());
}

/// A GitHub that never answers, and a model that reads a pull request there.
async fn reading_a_pull() -> (FakeGitHub, FakeModel, Options) {
    let github = FakeGitHub::always(|| github::Reply::Silence).await;
    let arguments = json!({"owner": "acme", "repo": "shop", "number": 12});
    let model = FakeModel::always(Reply::tool_call("github_get_pr", &arguments)).await;
    let options = Options::default()
        .model(&model)
        .set("GITHUB_API_URL", github.api())
        .set("GITHUB_TOKEN", github::TOKEN);
    (github, model, options)
}

async fn asked(github: &FakeGitHub) {
    eventually("GitHub is asked", async || !github.requests().is_empty()).await;
}

with_both_stores! {
    async fn cancel_does_not_wait_for_a_tool_that_reads(kind: Kind) {
        let (github, model, options) = reading_a_pull().await;
        let world = World::with(kind, options).await;
        let user = world.server.user();
        let mut stream = user.stream("PR을 읽어줘").await;
        asked(&github).await;
        cancel(&user, &stream).await;
        stream.to_done().await;
        check_stopped(&stream);
        eventually("the request to GitHub has ended", async || github.hung_up() == 1).await;
        assert_eq!(model.requests().len(), 1, "the model is not asked what to do about it");

        // Its end is recorded as that of every other call.
        let audit = user.in_role("auditor").get("/aura/audit").await;
        let facts = audit.data()["entries"].as_array().unwrap().clone();
        let kinds: Vec<&Value> = facts.iter().map(|entry| &entry["fact"]["kind"]).collect();
        assert_eq!(kinds, ["execution_started", "execution_finished"], "{facts:?}");
        assert_eq!(facts[1]["fact"]["outcome"], "failed");
    }

    async fn cancel_does_not_wait_for_a_model_that_has_not_begun_to_answer(kind: Kind) {
        let model = FakeModel::always(Reply::silence()).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let mut stream = user.stream("안녕").await;
        model.wait_for_requests(1).await;
        cancel(&user, &stream).await;
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "cancelled");
        model.wait_for_hang_ups(1).await;
    }

    async fn cancel_does_not_wait_for_a_model_that_talks(kind: Kind) {
        let gate = Gate::closed();
        let model =
            FakeModel::always(Reply::stream().piece("하나 ").gate(&gate).ends("stop")).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let mut stream = user.stream("세어줘").await;
        stream.until("content").await;
        cancel(&user, &stream).await;
        stream.to_done().await;
        assert_eq!((stream.status_at_end().as_str(), stream.answer().as_str()), ("cancelled", "하나 "));
        model.wait_for_hang_ups(1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_git_that_reads_ends_with_its_cancelled_run() {
    let git = HeldGit::new();
    let model = FakeModel::always(Reply::tool_call("git_status", &json!({}))).await;
    let options = Options::default().model(&model).set("AURA__TOOLS__GIT_PATH", git.path());
    let server = Server::start(options).await;
    git.hold();
    let user = server.user();
    let mut stream = user.stream("상태").await;
    eventually("git is at work", async || git.waits()).await;
    cancel(&user, &stream).await;
    stream.to_done().await;
    check_stopped(&stream);
    eventually("the process has ended", async || git.is_gone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_mcp_server_is_told_that_its_call_is_cancelled() {
    let script = format!("{}/tests/it/mcp/misbehaving.py", env!("CARGO_MANIFEST_DIR"));
    let model = FakeModel::scripted([
        Reply::tool_call("bad_hang", &json!({})),
        Reply::tool_call("bad_cancelled", &json!({})),
        Reply::text(["네."]),
    ])
    .await;
    let options = Options::default()
        .model(&model)
        .set("AURA__MCP__SERVERS__BAD__COMMAND", json!(["python3", script]))
        .set("AURA__MCP__SERVERS__BAD__READ_ONLY", "hang cancelled");
    let server = Server::start(options).await;
    let told = "MCP server tells its tools";
    eventually("the tools are known", async || server.log().contains(told)).await;
    let user = server.user();
    let mut stream = user.stream("기다려").await;
    while stream.until("tool_execution").await.data["status"] != "running" {}
    cancel(&user, &stream).await;
    stream.to_done().await;
    check_stopped(&stream);
    let mut after = user.stream("취소됐어?").await;
    after.to_done().await;
    let heard = after.all("tool_execution").pop().unwrap().data["result"]["text"].clone();
    assert_ne!(heard, "[]", "the server was told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_cancels_what_reads_as_well() {
    let (github, _model, options) = reading_a_pull().await;
    let redis = RedisServer::start();
    let options = options.set("REDIS_URL", redis.url());
    let (first, second) = tokio::join!(Server::start(options.clone()), Server::start(options));
    let mut stream = first.user().stream("PR을 읽어줘").await;
    asked(&github).await;
    cancel(&second.user(), &stream).await;
    stream.to_done().await;
    check_stopped(&stream);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_whose_message_was_lost_is_found_by_the_poll() {
    let (github, _model, options) = reading_a_pull().await;
    let redis = RedisServer::start();
    let server = Server::start(options.set("REDIS_URL", redis.url())).await;
    let mut stream = server.user().stream("PR을 읽어줘").await;
    asked(&github).await;
    let wish = format!("aura:cancel:{}", stream.session());
    Keys::of(&redis).await.set(&wish, &json!(1), 300).await;
    stream.to_done().await;
    check_stopped(&stream);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_whose_message_was_lost_before_anybody_was_asked_is_found_when_the_run_asks()
{
    let gate = Gate::closed();
    let mail = json!({"to": ["kim@example.com"], "subject": "보고", "body": "끝"}).to_string();
    let asks = Reply::stream()
        .gate(&gate)
        .call("call_a", "send_email", [mail.as_str()])
        .ends("tool_calls");
    let model = FakeModel::always(asks).await;
    let redis = RedisServer::start();
    let options = Options::default().model(&model).set("REDIS_URL", redis.url());
    let server = Server::start(options).await;
    let mut stream = server.user().stream("메일").await;
    model.wait_for_requests(1).await;
    let wish = format!("aura:cancel:{}", stream.session());
    Keys::of(&redis).await.set(&wish, &json!(1), 300).await;
    gate.open();
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "cancelled");
    let hitl = stream.all("hitl");
    let request = hitl.first().map(|hitl| hitl.data["requestId"].as_str().unwrap().to_owned());
    if let Some(request) = request {
        let stored = Keys::of(&redis).await.json(&format!("hitl:request:{request}")).await;
        assert_eq!(stored["outcome"], "cancelled", "{stored}");
    }
}
