//! Streams and the tokens that opened them (contract, section 2).

use aura_platform::domain::{Clock, SystemClock};
use jsonwebtoken::Algorithm;
use reqwest::StatusCode;
use serde_json::json;

use crate::auth::signed;
use crate::support::app::{Caller, Options, SECRET, Server, eventually};
use crate::support::model::{FakeModel, Reply};
use crate::support::stream::StreamEnd;

const MAIL: &str = r#"{"to":["kim@example.com"],"subject":"보고","body":"끝"}"#;

/// The usual caller, with a token that counts for so many seconds.
fn for_seconds(server: &Server, seconds: u64) -> Caller {
    let exp = SystemClock.now_secs() + seconds;
    let claims = json!({"sub": "user123", "tenant_id": "tenant1", "exp": exp});
    server.user().with_token(&signed(Algorithm::HS256, SECRET, &claims))
}

async fn server(options: Options) -> (Server, FakeModel) {
    let mail = Reply::stream().call("call_a", "send_email", [MAIL]).ends("tool_calls");
    let model = FakeModel::scripted([mail, Reply::text(["보냈습니다."])]).await;
    let options = options.set("AURA__AUTH__LEEWAY_SECONDS", 0).model(&model);
    (Server::start(options).await, model)
}

async fn refused(caller: &Caller) -> bool {
    caller.get("/aura/sessions").await.status == StatusCode::UNAUTHORIZED
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_follows_its_token_is_broken_off_and_resumed_with_a_new_one() {
    let options = Options::default().set("AURA__AUTH__CLOSE_STREAMS_AT_EXPIRY", true);
    let (server, _model) = server(options).await;
    let briefly = for_seconds(&server, 4);
    let mut stream = briefly.stream("메일").await;
    let hitl = stream.until("hitl").await;
    assert_eq!(stream.to_end().await, StreamEnd::BrokenOff);
    assert!(refused(&briefly).await, "the token itself has come to its end");
    assert!(!stream.frames.iter().any(|frame| frame.is_done()), "the run goes on");

    let user = server.user();
    let mut resumed =
        user.resume(&stream.session(), stream.frames.last().map(|last| last.id)).await;
    user.approve(hitl.data["requestId"].as_str().unwrap()).await;
    resumed.to_done().await;
    assert_eq!(resumed.status_at_end(), "completed");
    assert!(resumed.frames.iter().all(|frame| frame.id > hitl.id), "nothing comes twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_default_a_stream_outlives_its_token() {
    let (server, _model) = server(Options::default()).await;
    let briefly = for_seconds(&server, 4);
    let mut stream = briefly.stream("메일").await;
    let hitl = stream.until("hitl").await;
    eventually("the token has expired", || refused(&briefly)).await;
    server.user().approve(hitl.data["requestId"].as_str().unwrap()).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_ends_before_its_token_has_its_own_end() {
    let options = Options::default().set("AURA__AUTH__CLOSE_STREAMS_AT_EXPIRY", true);
    let (server, _model) = server(options).await;
    let user = server.user();
    let mut stream = user.stream("메일").await;
    let hitl = stream.until("hitl").await;
    user.approve(hitl.data["requestId"].as_str().unwrap()).await;
    stream.to_done().await;
    assert_eq!(stream.answer(), "보냈습니다.");
}
