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

/// The usual caller, with a token that counts for some seconds more: time for one request.
fn briefly(server: &Server) -> Caller {
    let exp = SystemClock.now().second().get() + 5;
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
    let user = server.user();
    let mut own = user.stream("메일").await;
    let hitl = own.until("hitl").await;
    let briefly = briefly(&server);
    let mut stream = briefly.resume(&own.session(), None).await;
    assert_eq!(stream.to_end().await, StreamEnd::BrokenOff);
    assert!(refused(&briefly).await, "the token itself has come to its end");
    assert_eq!(stream.bytes(), own.bytes(), "whole frames, without the trailer");

    let mut resumed = user.resume(&own.session(), Some(hitl.id)).await;
    user.approve(hitl.data["requestId"].as_str().unwrap()).await;
    resumed.to_done().await;
    assert_eq!(resumed.status_at_end(), "completed");
    // Another token's stream was not touched.
    own.to_done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_default_a_stream_outlives_its_token() {
    let (server, _model) = server(Options::default()).await;
    let user = server.user();
    let mut own = user.stream("메일").await;
    let hitl = own.until("hitl").await;
    let briefly = briefly(&server);
    let mut stream = briefly.resume(&own.session(), None).await;
    eventually("the token has expired", || refused(&briefly)).await;
    user.approve(hitl.data["requestId"].as_str().unwrap()).await;
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
