//! What may be sent to the stream route, and what is said of everything else (contract, section 3).

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::excess::kept;
use crate::support::app::{Answer, Caller, Options, Server, answer};
use crate::support::model::{FakeModel, Reply};
use crate::support::raw::{Raw, head};
use crate::support::stream::SseStream;
use crate::support::world::World;
use crate::with_both_stores;

const STREAM: &str = "/aura/test/stream";

pub(crate) async fn server() -> (Server, FakeModel) {
    let model = FakeModel::always(Reply::text(["네."])).await;
    (Server::start(Options::default().model(&model)).await, model)
}

fn post(user: &Caller, content_type: &str, body: impl Into<Body>) -> RequestBuilder {
    user.request(Method::POST, STREAM).header(CONTENT_TYPE, content_type).body(body)
}

fn post_json(user: &Caller, body: impl Into<Body>) -> RequestBuilder {
    post(user, "application/json", body)
}

/// Checks that a fault comes as one `error` event and the trailer, and returns the event.
pub(crate) async fn error_event(response: Response, status: u16, code: &str) -> Value {
    assert_eq!(response.status().as_u16(), status);
    let headers = response.headers().clone();
    assert_eq!(headers[CONTENT_TYPE], "text/event-stream");
    assert_eq!(headers["cache-control"], "no-cache");
    assert_eq!(headers["x-accel-buffering"], "no");
    assert!(!headers.contains_key("x-session-id"));
    let mut stream = SseStream::of(response);
    stream.to_done().await;
    assert_eq!(stream.frames.len(), 2, "{:#?}", stream.summary());
    assert!(stream.frames[0].is("error"));
    let data = match &stream.frames[0].data {
        enveloped if enveloped.get("data").is_some() => {
            assert_eq!(enveloped["type"], "error");
            enveloped["data"].clone()
        }
        flat => flat.clone(),
    };
    assert_eq!(data["errorCode"], code, "{data}");
    assert_eq!((&data["version"], &data["type"]), (&json!("1.0"), &json!("error")));
    assert_eq!(data["sessionId"], Value::Null);
    assert!(data["timestamp"].is_u64() && data["message"].is_string());
    data
}

/// Sends the same request for each of the two forms and checks both; the words about the fault.
pub(crate) async fn refused(
    request: &dyn Fn() -> RequestBuilder,
    status: u16,
    code: &str,
) -> String {
    let event = error_event(request().send().await.unwrap(), status, code).await;
    for accept in ["text/event-stream", "application/json, text/event-stream", "*/*"] {
        let response = request().header(ACCEPT, accept).send().await.unwrap();
        error_event(response, status, code).await;
    }
    let json = answer(request().header(ACCEPT, "application/json").send().await.unwrap()).await;
    check_refusal(&json, status, code);
    assert_eq!(json.body["message"], event["message"]);
    assert_eq!(json.body["detail"], event["error"]);
    event["error"].as_str().unwrap().to_owned()
}

pub(crate) fn check_refusal(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status.as_u16(), &answer.body["errorCode"]),
        (status, &json!(code)),
        "{answer:?}"
    );
    assert_eq!((&answer.body["status"], &answer.body["success"]), (&json!("ERROR"), &json!(false)));
    let timestamp = answer.body["timestamp"].as_str().unwrap();
    assert!(timestamp.len() == 19 && timestamp.as_bytes()[10] == b'T', "{timestamp}");
    assert!(answer.body["traceId"].is_string());
}

/// What is wrong, the body, the code of its refusal, and what its words name.
type Fault = (&'static str, Vec<u8>, &'static str, &'static str);

fn faults() -> Vec<Fault> {
    let deep = format!(r#"{{"prompt":"p","context":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    vec![
        ("no body", b"".into(), "E4002", "empty"),
        ("blank body", b" \n".into(), "E4002", "empty"),
        ("not JSON", b"prompt=hi".into(), "E4002", "JSON"),
        ("cut JSON", br#"{"prompt":"#.into(), "E4002", "JSON"),
        ("two documents", br#"{"prompt":"a"}{}"#.into(), "E4002", "JSON"),
        ("invalid UTF-8", b"{\"prompt\":\"\xff\"}".into(), "E4002", "JSON"),
        ("nested deeply", deep.into(), "E4000", "context"),
        ("a prompt twice", br#"{"prompt":"a","prompt":"b"}"#.into(), "E4000", "prompt"),
        (
            "a key twice within",
            br#"{"prompt":"p","context":{"metadata":{"a":1,"a":2}}}"#.into(),
            "E4000",
            "a: stands twice",
        ),
        ("NaN", br#"{"prompt":"p","context":{"itemId":NaN}}"#.into(), "E4002", "JSON"),
        ("1e999", br#"{"prompt":"p","context":{"itemId":1e999}}"#.into(), "E4002", "JSON"),
        ("an array", b"[]".into(), "E4000", "body"),
        ("a text", br#""hi""#.into(), "E4000", "body"),
        ("null", b"null".into(), "E4000", "body"),
        ("no prompt", b"{}".into(), "E4001", "prompt"),
        ("prompt null", br#"{"prompt":null}"#.into(), "E4001", "prompt"),
        ("prompt empty", br#"{"prompt":""}"#.into(), "E4001", "prompt"),
        ("prompt blank", "{\"prompt\":\" \\n\\t\u{3000}\"}".into(), "E4001", "prompt"),
        ("prompt a number", br#"{"prompt":7}"#.into(), "E4000", "prompt"),
        ("prompt a list", br#"{"prompt":["a"]}"#.into(), "E4000", "prompt"),
        ("context a list", br#"{"prompt":"p","context":[]}"#.into(), "E4000", "context"),
        ("context a text", br#"{"prompt":"p","context":"mail"}"#.into(), "E4000", "context"),
        (
            "activeApp a list",
            br#"{"prompt":"p","context":{"activeApp":["mail"]}}"#.into(),
            "E4000",
            "context.activeApp",
        ),
        (
            "metadata a text",
            br#"{"prompt":"p","context":{"metadata":"x"}}"#.into(),
            "E4000",
            "context.metadata",
        ),
        ("sessionId a number", br#"{"prompt":"p","sessionId":1}"#.into(), "E4000", "sessionId"),
        ("thread_id a list", br#"{"prompt":"p","thread_id":[]}"#.into(), "E4000", "thread_id"),
        ("threadId a number", br#"{"prompt":"p","threadId":1}"#.into(), "E4000", "threadId"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_of_a_body_has_its_status_and_its_code() {
    let (server, model) = server().await;
    let user = server.user();
    for (what, body, code, named) in faults() {
        let detail = refused(&|| post_json(&user, body.clone()), 400, code).await;
        assert!(detail.contains(named), "{what}: {detail}");
    }
    assert_eq!(model.requests().len(), 0, "nothing of this reached the model");
    assert_eq!(user.get("/aura/sessions").await.data()["sessions"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_another_media_type_is_refused_and_json_by_any_of_its_names_is_not() {
    let (server, _model) = server().await;
    let user = server.user();
    let body = r#"{"prompt":"안녕"}"#;
    for media in
        ["text/plain", "application/x-www-form-urlencoded", "text/json", "application/jsonp"]
    {
        refused(&|| post(&user, media, body), 415, "E4002").await;
    }
    for media in [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/vnd.dwp+json",
    ] {
        let response = post(&user, media, body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{media}");
    }
    let silent = user.request(Method::POST, STREAM).body(body).send().await.unwrap();
    assert_eq!(silent.status(), StatusCode::OK, "a body that says nothing is taken for JSON");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_may_have_256_kib_and_not_a_byte_more() {
    let (server, _model) = server().await;
    let user = server.user();
    let sized = |bytes: usize| {
        let frame = r#"{"prompt":"p","padding":""}"#;
        frame.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - frame.len())))
    };
    let limit = 256 * 1024;
    let fits = post_json(&user, sized(limit)).send().await.unwrap();
    assert_eq!(fits.status(), StatusCode::OK);
    let chunked = |body: String| {
        let pieces: Vec<_> = body.into_bytes().chunks(10_000).map(<[u8]>::to_vec).collect();
        Body::wrap_stream(futures::stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>)))
    };
    let fits = post_json(&user, chunked(sized(limit))).send().await.unwrap();
    assert_eq!(fits.status(), StatusCode::OK);
    let detail = refused(&|| post_json(&user, sized(limit + 1)), 413, "E4000").await;
    assert!(detail.contains("262144"), "{detail}");
    refused(&|| post_json(&user, chunked(sized(limit + 1))), 413, "E4000").await;

    // What is announced is refused before it is sent.
    let mut raw = Raw::connect(&server).await;
    raw.send(head("POST /aura/test/stream", &["Expect: 100-continue"], Some(limit + 1))).await;
    assert_eq!(raw.head().await.status(), 413);
}

with_both_stores! {
    async fn of_a_long_context_the_run_keeps_what_it_tells_of_it(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let state = json!({ "cache": "x".repeat(100_000), "viewState": { "sort": "date" } });
        let context = json!({
            "activeApp": "mail", "remoteState": state, "metadata": { "note": "y".repeat(100_000) },
        });
        let body = json!({ "prompt": "안녕", "context": context });
        let mut stream = world.server.user().stream_with(body).await;
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
        let told = model.requests()[0].message(0)["content"].as_str().unwrap().to_owned();
        assert!(told.contains("현재 사용자가 보고 있는 화면: mail"), "{told}");
        assert!(told.contains(&format!("note: {}, sort: date", "y".repeat(500))), "{told}");
        let kept = kept(&world).await;
        assert!((1..64 * 1024).contains(&kept), "{kept} bytes kept");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_body_of_the_platforms_frontend_is_taken_as_it_is() {
    let (server, model) = server().await;
    let user = server.user();
    let mut stream = user
        .stream_with(json!({
            "prompt": "GitHub PR을 생성해주세요",
            "context": {
                "activeApp": "mail", "selectedItemIds": [1, "2", 3], "url": "http://localhost:4200/mail",
                "pathname": "/mail", "title": "메일 인박스", "itemId": "msg-123",
                "metadata": {"folder": "inbox"}, "unknown": {"kept": true},
            },
            "threadId": "thread-7",
            "model": "ignored", "temperature": 3, "messages": [null],
        }))
        .await;
    stream.to_done().await;
    assert_eq!(stream.status, 200);
    assert_eq!(stream.all("start")[0].data["threadId"], "thread-7");
    let requests = model.requests();
    let system = requests[0].message(0)["content"].as_str().unwrap();
    for line in [
        "현재 사용자가 보고 있는 화면: mail",
        "선택된 항목 ID: 1, 2, 3",
        "경로: /mail",
        "추가 정보: folder: inbox",
    ] {
        assert!(system.lines().any(|found| found == line), "no {line:?} in {system}");
    }
    assert_eq!(requests[0].message(-1)["content"], "GitHub PR을 생성해주세요");

    let bodies = [
        json!({"prompt": "p", "thread_id": "a", "threadId": "b"}),
        json!({"prompt": "p", "thread_id": null, "threadId": "a"}),
        json!({"prompt": "p", "thread_id": " ", "threadId": "a"}),
    ];
    for body in bodies {
        let mut stream = user.stream_with(body.clone()).await;
        assert_eq!(stream.until("start").await.data["threadId"], "a", "{body}");
    }
    for body in [
        json!({"prompt": "p", "context": null, "sessionId": null}),
        json!({"prompt": "p", "sessionId": " "}),
    ] {
        let mut stream = user.stream_with(body.clone()).await;
        stream.to_done().await;
        assert_eq!(stream.status, 200, "{body}");
        let own = stream.all("start")[0].data["threadId"].as_str().unwrap().to_owned();
        assert!(own.starts_with("thread_"), "{own}");
    }
}

/// The platform's agent studio calls the prompt a message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_counts_where_there_is_no_prompt() {
    let (server, model) = server().await;
    let user = server.user();
    let studio = json!({"message": "안녕", "system_prompt": "x", "model": "y", "temperature": 1});
    for body in [
        studio,
        json!({"prompt": " ", "message": "안녕"}),
        json!({"prompt": null, "message": "안녕"}),
        json!({"prompt": "안녕", "message": "아니"}),
        json!({"prompt": "안녕", "message": 7}),
    ] {
        let mut stream = user.stream_with(body.clone()).await;
        stream.to_done().await;
        assert_eq!(model.requests().last().unwrap().message(-1)["content"], "안녕", "{body}");
        // The session's own prompt, however it is called.
        let mut again = json!({"message": "안녕", "sessionId": stream.session()});
        assert_eq!(user.stream_with(again.clone()).await.status, 200);
        again["message"] = json!("아니");
        refused(&|| user.post_stream(again.clone()), 409, "E3006").await;
    }
    refused(&|| post_json(&user, r#"{"message":7}"#), 400, "E4000").await;
    let detail = refused(&|| post_json(&user, r#"{"message":" "}"#), 400, "E4001").await;
    assert!(detail.contains("prompt"), "{detail}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_the_head_of_a_stream_starts_no_run() {
    let (server, model) = server().await;
    let user = server.user();
    for (path, allowed) in
        [("/aura/test/stream?message=hi", "GET, POST"), ("/aura/sessions/session_x/stream", "GET")]
    {
        let response = user.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(response.headers()["allow"], allowed, "{path}");
        assert_eq!(response.bytes().await.unwrap(), "");
        let response = user.request(Method::PUT, path).send().await.unwrap();
        assert_eq!(response.headers()["allow"], allowed, "{path}");
    }
    assert_eq!(user.get("/aura/sessions").await.data()["sessions"], json!([]));
    assert_eq!(model.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_get_form_needs_a_message() {
    let (server, model) = server().await;
    let user = server.user();
    for query in ["", "?message=", "?message=%20%0A", "?prompt=hi"] {
        let path = format!("{STREAM}{query}");
        let detail = refused(&|| user.request(Method::GET, &path), 400, "E4001").await;
        assert!(detail.contains("message"), "{detail}");
    }
    let path = format!("{STREAM}?message=%EC%95%88%EB%85%95%20%26&threadId=thread-7");
    let mut stream = SseStream::of(user.request(Method::GET, &path).send().await.unwrap());
    stream.to_done().await;
    assert_eq!(stream.frames[0].data["data"]["threadId"], "thread-7");
    assert_eq!(model.requests()[0].message(-1)["content"], "안녕 &");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_keeps_an_answer_or_takes_it_for_something_else() {
    let server = Server::embedded().await;
    let user = server.user();
    let header = |answer: &reqwest::Response, name: &str| {
        answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    for path in ["/aura/sessions", "/aura/nothing", "/health", "/metrics"] {
        let answer = user.request(Method::GET, path).send().await.unwrap();
        let said = (header(&answer, "x-content-type-options"), header(&answer, "cache-control"));
        assert_eq!(said, ("nosniff".to_owned(), "no-store".to_owned()), "{path}");
    }
    let stream = user.post_stream(json!({ "prompt": "안녕" })).send().await.unwrap();
    assert_eq!(header(&stream, "cache-control"), "no-cache", "as the contract says of streams");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_line_does_not_grow_with_what_a_client_sends() {
    let server = Server::embedded().await;
    let user = server.user();
    let (path, id) = (format!("/aura/{}", "x".repeat(20_000)), "c".repeat(20_000));
    let answer = user.request(Method::GET, &path).header("x-correlation-id", &id).send().await;
    assert_eq!(answer.unwrap().status(), 404);
    let log = server.logged("request received", 1).await;
    let longest = log.lines().map(str::len).max().unwrap();
    assert!(longest < 2_000, "{longest} bytes");
}
