//! What is refused whatever the body says: wrong routes, too many runs, a store that is away.

use reqwest::header::{ACCEPT, ALLOW, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::bodies::{check_refusal, error_event, refused, server};
use crate::support::app::{Options, Server, answer, eventually};
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::raw::{Chunk, Raw, head};
use crate::support::redis::RedisServer;

const STREAM: &str = "/aura/test/stream";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_paths_and_methods_are_told_in_the_form_that_the_client_reads() {
    let (server, _model) = server().await;
    let user = server.user();
    let wrong_methods = [
        (Method::PUT, STREAM, "GET,POST"),
        (Method::DELETE, "/aura/sessions/session_x/stream", "GET"),
    ];
    for (method, path, allowed) in wrong_methods {
        refused(&|| user.request(method.clone(), path), 405, "E1002").await;
        let response = user.request(method, path).send().await.unwrap();
        let mut allow: Vec<&str> =
            response.headers()[ALLOW].to_str().unwrap().split(',').map(str::trim).collect();
        allow.sort_unstable();
        assert_eq!(allow.join(","), allowed);
    }
    for (method, path, status, code) in [
        (Method::POST, "/aura/sessions", 405, "E1002"),
        (Method::GET, "/aura/hitl/approve/req_000000000000", 405, "E1002"),
        (Method::POST, "/health", 405, "E1002"),
        (Method::GET, "/aura/nowhere", 404, "E1004"),
        (Method::POST, "/aura/test/stream/", 404, "E1004"),
    ] {
        // These are no streams: JSON, unless the client reads nothing but streams.
        let json = answer(user.request(method.clone(), path).send().await.unwrap()).await;
        check_refusal(&json, status, code);
        let reader = user.request(method, path).header(ACCEPT, "text/event-stream");
        error_event(reader.send().await.unwrap(), status, code).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_too_many_is_told_when_to_come_again() {
    let gate = Gate::closed();
    let works = Reply::stream().piece("네.").gate(&gate).ends("stop");
    let model = FakeModel::scripted([works, Reply::text(["네."])]).await;
    let server =
        Server::start(Options::default().model(&model).set("AURA__AGENT__MAX_RUNS", 1)).await;
    let user = server.user();
    let mut works = user.stream("일").await;
    works.until("content").await;
    let request = || user.post_stream(json!({"prompt": "하나 더"}));
    refused(&request, 429, "E4290").await;
    let response = request().send().await.unwrap();
    let seconds: u64 = response.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    let event = error_event(response, 429, "E4290").await;
    assert_eq!(event["retryable"], true);
    // Watching needs no place among the runs, and a place that is free again is given away again.
    assert_eq!(user.resume(&works.session(), None).await.status, 200);
    gate.open();
    works.to_done().await;
    eventually("there is room again", || async {
        request().send().await.unwrap().status() == StatusCode::OK
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_store_the_server_says_so_and_recovers_by_itself() {
    let model = FakeModel::always(Reply::text(["네."])).await;
    let mut redis = RedisServer::absent();
    let options = Options::default()
        .model(&model)
        .set("REDIS_URL", redis.url())
        .set("AURA__REDIS__COMMAND_TIMEOUT_MS", 300);
    let server = Server::start(options).await;
    let user = server.user();
    let ready = || async {
        let response = server.anonymous(Method::GET, "/health/ready").send().await.unwrap();
        let status = response.status();
        (status, response.json::<Value>().await.unwrap())
    };
    let (status, body) = ready().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        (&body["status"], &body["components"]["store"]["status"]),
        (&json!("DOWN"), &json!("DOWN"))
    );
    assert_eq!(
        body["components"]["store"]["kind"], "redis",
        "it never falls back to another store"
    );
    let live = server.anonymous(Method::GET, "/health").send().await.unwrap();
    assert_eq!(live.status(), StatusCode::OK);

    let event = error_event(
        user.post_stream(json!({"prompt": "안녕"})).send().await.unwrap(),
        503,
        "E5000",
    )
    .await;
    assert_eq!(event["retryable"], true);
    assert!(!event["error"].as_str().unwrap().contains("127.0.0.1"), "causes are for the log");
    for path in
        ["/aura/sessions", "/aura/sessions/session_x", "/aura/hitl/requests/req_000000000000"]
    {
        check_refusal(&user.get(path).await, 503, "E5000");
    }

    redis.restart();
    eventually("the store is found", || async { ready().await.0 == StatusCode::OK }).await;
    let mut stream = user.stream("안녕").await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_serves_the_next_request_after_a_refusal() {
    let (server, _model) = server().await;
    let body = r#"{"prompt":7}"#;
    let mut raw = Raw::request(&server, "POST /aura/test/stream", &[], body).await;
    let refused = raw.head().await;
    assert_eq!(refused.status(), 400);
    raw.body(refused.one("content-length").unwrap().parse().unwrap()).await;
    let body = r#"{"prompt":"안녕"}"#;
    raw.send(head("POST /aura/test/stream", &[], Some(body.len())) + body).await;
    assert_eq!(raw.head().await.status(), 200);
    assert_eq!(raw.chunks().await.1, Chunk::Last);
    raw.send(head("GET /health", &[], None)).await;
    assert_eq!(raw.head().await.status(), 200, "also after a whole stream");
}
