//! Connections as proxies use them: kept while nothing comes, cut where a request stands still.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::app::{Options, Server, eventually};
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::raw::{Chunk, Raw, head};
use crate::support::redis::RedisServer;
use crate::support::stream::StreamEnd;

/// A head that does not come to its end.
const HALF: &str = "GET /aura/sessions HTTP/1.1\r\nHost: loc";
const SESSIONS: &str = "GET /aura/sessions";
/// Longer than any of these tests.
const NEVER: u32 = 3600;

/// A server with these limits, in seconds.
async fn server(head: u32, idle: u32) -> Server {
    let options = Options::default()
        .set("AURA__API__HEADER_TIMEOUT_SECONDS", head)
        .set("AURA__API__IDLE_TIMEOUT_SECONDS", idle);
    Server::start(options).await
}

/// Asks on a connection that is there, and reads the whole answer.
async fn ask(raw: &mut Raw) -> u16 {
    raw.send(head(SESSIONS, &[], None)).await;
    answered(raw).await
}

/// Reads an answer to its end.
async fn answered(raw: &mut Raw) -> u16 {
    let head = raw.head().await;
    raw.body(head.one("content-length").unwrap().parse().unwrap()).await;
    head.status()
}

/// Waits until a head that stands still has been cut, which takes the head's time limit.
async fn a_slow_head_is_cut(server: &Server) {
    let mut slow = Raw::connect(server).await;
    slow.send(HALF).await;
    assert_eq!(slow.rest().await, "", "cut without an answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_outlives_the_gateways_pool() {
    let server = server(1, NEVER).await;
    let mut kept = Raw::connect(&server).await;
    let mut unused = Raw::connect(&server).await;
    assert_eq!(ask(&mut kept).await, 200);
    for _ in 0..2 {
        a_slow_head_is_cut(&server).await;
        assert_eq!(ask(&mut kept).await, 200, "idle for longer than a head may take");
    }
    assert_eq!(ask(&mut unused).await, 200, "so may be one that was opened in advance");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_on_which_nothing_comes_is_closed_in_the_end() {
    let server = server(60, 1).await;
    let mut unused = Raw::connect(&server).await;
    let mut used = Raw::connect(&server).await;
    assert_eq!(ask(&mut used).await, 200);
    assert_eq!(unused.rest().await, "");
    assert_eq!(used.rest().await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heads_time_runs_from_its_first_byte_also_on_a_connection_that_was_idle() {
    let server = server(1, NEVER).await;
    let mut kept = Raw::connect(&server).await;
    assert_eq!(ask(&mut kept).await, 200);
    a_slow_head_is_cut(&server).await;
    kept.send(HALF).await;
    assert_eq!(kept.rest().await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_begins_together_with_the_request_before_it_is_under_way() {
    let server = server(1, NEVER).await;
    let body = json!({ "reason": "no" }).to_string();
    let first = head("POST /aura/hitl/reject/req_000000000000", &[], Some(body.len())) + &body;
    for (before, status) in [(head(SESSIONS, &[], None), 200), (first, 404)] {
        let mut raw = Raw::connect(&server).await;
        raw.send(before + HALF).await;
        assert_eq!(answered(&mut raw).await, status);
        assert_eq!(raw.rest().await, "", "a head that has begun is not idle");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_line_behind_a_request_is_no_head_that_stands_still() {
    let server = server(1, NEVER).await;
    let mut kept = Raw::connect(&server).await;
    let mut unused = Raw::connect(&server).await;
    assert_eq!(ask(&mut kept).await, 200);
    for raw in [&mut kept, &mut unused] {
        raw.send("\r\n").await;
    }
    for _ in 0..2 {
        a_slow_head_is_cut(&server).await;
    }
    for raw in [&mut kept, &mut unused] {
        assert_eq!(ask(raw).await, 200, "still idle");
    }
    kept.send("\r\n".repeat(100)).await;
    assert_eq!(kept.rest().await, "", "so many are one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_sent_ahead_are_answered_in_their_order() {
    let server = server(5, NEVER).await;
    let mut raw = Raw::connect(&server).await;
    let whole = head(SESSIONS, &[], None);
    // Two and a half, an empty line between them, and the rest once both have been answered.
    let (some, rest) = whole.split_at(whole.len() / 2);
    raw.send(format!("{whole}\r\n{}{some}", head("GET /aura/sessions/none", &[], None))).await;
    assert_eq!(answered(&mut raw).await, 200);
    assert_eq!(answered(&mut raw).await, 404);
    raw.send(rest).await;
    assert_eq!(answered(&mut raw).await, 200);
    assert_eq!(ask(&mut raw).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_not_idle_and_its_connection_can_be_used_again() {
    let server = server(1, 1).await;
    let body = json!({ "prompt": "feature 브랜치를 main에 병합해주세요" }).to_string();
    let mut raw = Raw::request(&server, "POST /aura/test/stream", &[], &body).await;
    assert_eq!(raw.head().await.status(), 200);
    let id = loop {
        let Chunk::Data(chunk) = raw.chunk().await else { panic!("ended before it asked") };
        if let Some((_, hitl)) = chunk.split_once("\nevent: hitl\ndata: ") {
            let hitl: serde_json::Value = serde_json::from_str(hitl.trim_end()).unwrap();
            break hitl["requestId"].as_str().unwrap().to_owned();
        }
    };
    for _ in 0..2 {
        a_slow_head_is_cut(&server).await;
    }
    assert_eq!(server.user().approve(&id).await.status, StatusCode::OK);
    let (_, end) = raw.chunks().await;
    assert_eq!(end, Chunk::Last);
    assert_eq!(ask(&mut raw).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_leaves_is_not_ready_and_serves_on_for_as_long_as_it_was_told() {
    let options = Options::default().set("AURA__API__DRAIN_DELAY_SECONDS", NEVER / 6);
    let server = Server::start(options).await;
    let mut kept = Raw::connect(&server).await;
    assert_eq!(ask(&mut kept).await, 200);
    server.ask_to_end();
    server.is_unready().await;

    kept.send(head(SESSIONS, &[], None)).await;
    let last = kept.head().await;
    assert_eq!((last.status(), last.one("connection")), (200, Some("close")));
    kept.rest().await;
    let mut stream = server.user().stream("안녕").await;
    assert_eq!(stream.headers["connection"], "close");
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");

    // A second signal, long before the time is over.
    assert_eq!(server.terminate().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_has_left_refuses_connections_while_its_work_ends() {
    let server = Server::start(Options::default().set("AURA__API__DRAIN_DELAY_SECONDS", 1)).await;
    let mut kept = Raw::connect(&server).await;
    assert_eq!(ask(&mut kept).await, 200);
    server.ask_to_end();
    server.is_unready().await;
    eventually("the port is closed", || server.refuses()).await;
    assert_eq!(kept.rest().await, "", "closed in good order");
    assert_eq!(server.ended().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_a_stopping_server_had_begun_to_read_is_not_refused_for_that() {
    let redis = RedisServer::start();
    let options = || Options::default().set("REDIS_URL", redis.url());
    let (first, second) = tokio::join!(Server::start(options()), Server::start(options()));
    let body = json!({ "prompt": "안녕" }).to_string();
    let mut raw = Raw::connect(&first).await;
    raw.send(head("POST /aura/test/stream", &[], Some(body.len()))).await;
    first.ask_to_end();
    eventually("it waits for its requests no longer", async || {
        first.log().contains("server stops")
    })
    .await;
    raw.send(body).await;
    let answer = raw.head().await;
    assert_eq!(answer.status(), 200);
    let (_, end) = raw.chunks().await;
    assert_ne!(end, Chunk::Last, "the run goes on elsewhere");
    assert_eq!(first.ended().await, 0);
    let mut rest = second.user().resume(answer.one("x-session-id").unwrap(), None).await;
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_does_not_end_in_time_is_told_by_the_exit_code() {
    let gate = Gate::closed();
    let model = FakeModel::always(Reply::stream().gate(&gate).ends("stop")).await;
    let options = Options::default().model(&model).set("AURA__API__SHUTDOWN_GRACE_SECONDS", 1);
    let server = Server::start(options).await;
    let mut stream = server.user().stream("안녕").await;
    model.wait_for_requests(1).await;
    let (end, code) = tokio::join!(stream.to_end(), server.terminate());
    assert_eq!((end, code), (StreamEnd::BrokenOff, 1));
    gate.open();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_ends_with_its_answer_is_not_said_to_be_kept() {
    let server = Server::embedded().await;
    let body = json!({ "prompt": "안녕하세요" }).to_string();
    let stream = "POST /aura/test/stream";
    let refused = format!("{stream} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let closing = head(stream, &["Connection: close"], Some(body.len())) + &body;
    let old = head(stream, &[], Some(body.len())).replacen("HTTP/1.1", "HTTP/1.0", 1) + &body;
    let old_pool = head(stream, &["Connection: keep-alive"], Some(body.len()));
    let old_pool = old_pool.replacen("HTTP/1.1", "HTTP/1.0", 1) + &body;
    for (request, status) in [(refused, 401), (closing, 200), (old, 200), (old_pool, 200)] {
        let mut raw = Raw::connect(&server).await;
        raw.send(&request).await;
        let answer = raw.head().await;
        assert_eq!(answer.status(), status, "{request}");
        assert_eq!(answer.one("connection"), Some("close"), "{request}: {answer:?}");
        assert!(raw.rest().await.contains("data: [DONE]"), "{request}");
    }
    // Where the length is known, a pool of HTTP/1.0 may keep its connection.
    let mut raw = Raw::connect(&server).await;
    for _ in 0..2 {
        let old = head(SESSIONS, &["Connection: keep-alive"], None);
        raw.send(old.replacen("HTTP/1.1", "HTTP/1.0", 1)).await;
        assert_eq!(answered(&mut raw).await, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_does_not_name_exactly_one_host_is_refused() {
    let server = Server::embedded().await;
    for (version, hosts, status) in [
        ("1.1", "", 400),
        ("1.1", "Host: a\r\nHost: a\r\n", 400),
        ("1.0", "Host: a\r\nHost: b\r\n", 400),
        ("1.1", "Host: a\r\n", 200),
        ("1.0", "", 200),
    ] {
        let mut raw = Raw::connect(&server).await;
        raw.send(format!("GET /health HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n")).await;
        let answer = raw.head().await;
        assert_eq!(answer.status(), status, "{version} {hosts:?}");
        let body: serde_json::Value = serde_json::from_str(&raw.rest().await).unwrap();
        let code = body["errorCode"].as_str();
        assert_eq!(code, (status == 400).then_some("E4002"), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_expressly_not_wanted_is_not_given() {
    let server = Server::embedded().await;
    for (accept, media) in [
        ("application/json, text/event-stream;q=0", "application/json"),
        ("text/event-stream; q=0.0, application/json;q=0.5", "application/json"),
        ("text/event-stream;q=0.1, application/json", "text/event-stream"),
        ("application/json;q=0", "text/event-stream"),
    ] {
        let accept = format!("Accept: {accept}");
        let mut raw = Raw::request(&server, "POST /aura/test/stream", &[&accept], "no JSON").await;
        let answer = raw.head().await;
        assert_eq!((answer.status(), answer.one("content-type")), (400, Some(media)), "{accept}");
    }
}
