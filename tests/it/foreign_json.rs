//! JSON from outside means one thing, wherever it comes in, and what was accepted can be read back.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, Caller, Options, Server, answer, eventually};
use crate::support::model::{FakeModel, Reply};
use crate::support::redis::RedisServer;

/// Levels that a value from outside may have.
const LEVELS: usize = 64;

/// A server of tools that take any object.
fn with_a_tool(model: &FakeModel) -> Options {
    let script = format!("{}/tests/it/mcp/misbehaving.py", env!("CARGO_MANIFEST_DIR"));
    Options::default()
        .model(model)
        .set("AURA__MCP__SERVERS__BAD__COMMAND", json!(["python3", script]))
}

async fn start(options: Options) -> Server {
    let server = Server::start(options).await;
    let known = async || server.log().contains("MCP server tells its tools");
    eventually("the tools are known", known).await;
    server
}

/// A value of so many levels.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!([]), |inner, _| json!([inner]))
}

/// Answers a body word for word, as JSON can hold what a value cannot.
async fn approve_with(user: &Caller, request: &str, body: &str) -> Answer {
    let path = format!("/aura/hitl/approve/{request}");
    let sent = user.request(Method::POST, &path).header("content-type", "application/json");
    answer(sent.body(body.to_owned()).send().await.unwrap()).await
}

/// A model that asks for a tool with the very text of the prompt as its arguments.
fn calls_with_the_prompt(body: &Value) -> Reply {
    let last = body["messages"].as_array().unwrap().last().unwrap();
    match last["role"].as_str() {
        Some("user") => {
            let text = last["content"].as_str().unwrap();
            Reply::stream().call("call_1", "bad_harmless", [text]).ends("tool_calls")
        }
        _ => Reply::text(["끝"]),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_nested_as_deeply_as_may_be_is_read_back_after_a_restart_and_in_a_replay() {
    let redis = RedisServer::start();
    let arguments = json!({ "a": nested(LEVELS - 1) });
    let call = Reply::tool_call("bad_harmless", &arguments);
    let model = FakeModel::scripted([call, Reply::text(["끝"])]).await;
    let options = || with_a_tool(&model).set("REDIS_URL", redis.url());
    let server = start(options()).await;
    let user = server.user();
    let context = json!({"metadata": {"a": nested(LEVELS - 2)}});
    let mut stream = user.stream_with(json!({"prompt": "깊이", "context": context})).await;
    let hitl = stream.until("hitl").await;
    assert_eq!(hitl.data["context"], arguments);
    let (id, session) = (hitl.data["requestId"].as_str().unwrap().to_owned(), stream.session());

    server.kill().await;
    let server = start(options()).await;
    let user = server.user();
    let edited = json!({ "b": nested(LEVELS - 1) });
    let approved = user.post(&format!("/aura/hitl/approve/{id}"), json!({"args": edited})).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    let mut stream = user.resume(&session, None).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
    let done = stream.all("tool_execution").pop().unwrap().data.clone();
    assert_eq!((&done["status"], &done["toolArgs"]), (&json!("success"), &edited));

    server.kill().await;
    let server = start(options()).await;
    let mut replay = server.user().resume(&session, None).await;
    replay.to_done().await;
    assert_eq!(replay.bytes(), stream.bytes());
    let detail = server.user().get(&format!("/aura/sessions/{session}")).await;
    assert_eq!(detail.data()["status"], "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_level_more_is_refused_by_the_name_of_its_field() {
    let model = FakeModel::answering(calls_with_the_prompt).await;
    let server = start(with_a_tool(&model)).await;
    let user = server.user();
    for (field, body) in [
        ("context", json!({"prompt": "p", "context": {"a": nested(LEVELS)}})),
        ("other", json!({"prompt": "p", "other": nested(LEVELS + 1)})),
        ("prompt", json!({"prompt": nested(100)})),
    ] {
        let sent = user.post_stream(body).header("accept", "application/json").send().await;
        let refused = answer(sent.unwrap()).await;
        assert_eq!((refused.status.as_u16(), &refused.body["errorCode"]), (400, &json!("E4000")));
        let detail = refused.body["detail"].as_str().unwrap();
        assert_eq!(detail, format!("{field}: nested more than {LEVELS} levels deep"));
    }
    let mut stream = user.stream("{}").await;
    let id = stream.until("hitl").await.data["requestId"].as_str().unwrap().to_owned();
    let body = json!({"args": {"a": nested(LEVELS)}}).to_string();
    let refused = approve_with(&user, &id, &body).await;
    assert_eq!((refused.status.as_u16(), &refused.body["errorCode"]), (400, &json!("E4000")));
    assert!(refused.body["detail"].as_str().unwrap().starts_with("args: "), "{refused:?}");
    let deep = json!({ "a": nested(LEVELS) }).to_string();
    let mut stream = user.stream(&deep).await;
    stream.to_done().await;
    let error = stream.all("tool_execution").pop().unwrap().data["error"].to_string();
    assert!(error.contains("nested more than"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_a_json_library_keeps_for_itself_is_a_key_like_any_other() {
    let redis = RedisServer::start();
    let model = FakeModel::answering(calls_with_the_prompt).await;
    let server = start(with_a_tool(&model).set("REDIS_URL", redis.url())).await;
    let user = server.user();
    for key in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
        let deep = format!("{}{}", "[".repeat(120), "]".repeat(120));
        let odd = (0..15).fold(json!({ key: deep }), |inner, _| json!({ "in": inner }));
        let prompt = json!({ key: "[[1]]" }).to_string();
        let body = json!({"prompt": prompt, "context": {"metadata": odd}});
        let mut stream = user.stream_with(body).await;
        let hitl = stream.until("hitl").await;
        assert_eq!(hitl.data["context"], json!({ key: "[[1]]" }));
        let id = hitl.data["requestId"].as_str().unwrap();
        let edited = json!({"args": { key: deep }});
        assert_eq!(user.post(&format!("/aura/hitl/approve/{id}"), edited).await.status, 200);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
        let done = stream.all("tool_execution").pop().unwrap().data.clone();
        assert_eq!(done["toolArgs"], json!({ key: deep }));
    }
}

/// What stands in a field `a`, and what it is taken for; `None`: it is refused.
fn doubtful() -> Vec<(&'static str, Option<Value>)> {
    vec![
        (r#"{"a":"\ud83d!"}"#, Some(json!("\u{fffd}!"))),
        (r#"{"a":"\ud83d\ude00"}"#, Some(json!("😀"))),
        (
            r#"{"a":1234567890123456789012345678901234567890}"#,
            Some(json!(1.234_567_890_123_456_8e39)),
        ),
        (r#"{"a":18446744073709551615}"#, Some(json!(u64::MAX))),
        (r#"{"a":-0}"#, Some(json!(-0.0))),
        (r#"{"a":1,"a":2}"#, None),
        (r#"{"a":{"b":1,"b":1}}"#, None),
        (r#"{"a":NaN}"#, None),
        (r#"{"a":-Infinity}"#, None),
        (r#"{"a":1e999}"#, None),
        ("\u{feff}{\"a\":1}", None),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_doubtful_form_of_arguments_means_the_same_to_a_model_and_to_an_editor() {
    let model = FakeModel::answering(calls_with_the_prompt).await;
    let server = start(with_a_tool(&model)).await;
    let user = server.user();
    for (arguments, taken_for) in doubtful() {
        let mut stream = user.stream(arguments).await;
        match &taken_for {
            Some(value) => {
                let asked = stream.until("hitl").await.data["context"].clone();
                assert_eq!(asked, json!({ "a": value }), "of a model: {arguments}");
            }
            None => {
                stream.to_done().await;
                assert!(stream.all("hitl").is_empty(), "of a model: {arguments}");
                let refused = &stream.all("tool_execution").pop().unwrap().data;
                assert_eq!(refused["status"], "failed", "of a model: {arguments}");
            }
        }
        let mut stream = user.stream("{}").await;
        let id = stream.until("hitl").await.data["requestId"].as_str().unwrap().to_owned();
        let edited = approve_with(&user, &id, &format!(r#"{{"args":{arguments}}}"#)).await;
        match taken_for {
            Some(value) => {
                assert_eq!(edited.status, 200, "of an editor: {arguments}");
                stream.to_done().await;
                let done = &stream.all("tool_execution").pop().unwrap().data;
                assert_eq!(done["toolArgs"], json!({ "a": value }), "of an editor: {arguments}");
            }
            None => assert_eq!(edited.status, 400, "of an editor: {arguments}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_character_in_a_prompt_is_taken_for_one_that_cannot_be_shown() {
    let model = FakeModel::always(Reply::text(["네."])).await;
    let server = Server::start(Options::default().model(&model)).await;
    let body = r#"{"prompt":"안녕 \ud83d","context":{"title":"\ude00 메일"}}"#;
    let sent = server.user().request(Method::POST, "/aura/test/stream");
    let sent = sent.header("content-type", "application/json").body(body).send().await.unwrap();
    let mut stream = crate::support::stream::SseStream::of(sent);
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
    assert_eq!(model.requests()[0].message(-1)["content"], "안녕 \u{fffd}");
}
