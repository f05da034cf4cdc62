//! Behind the gateway: the repository's own nginx configuration changes nothing of a stream, keeps
//! nothing back, and forwards nothing but `/api/aura/**`.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::app::{Caller, Options, PATIENCE, Server, client};
use crate::support::nginx::Gateway;
use crate::support::stream::{SseStream, StreamEnd};

const MERGE: &str = "feature 브랜치를 main에 병합해주세요";
/// What the Gateway lets through (contract, section 1).
const BODY_MAX: usize = 256 * 1024;
/// Far below every time-out of the configuration.
const AT_ONCE: Duration = Duration::from_secs(10);

/// A gateway before this server, and a caller who comes through it; `None` without nginx.
async fn before(server: &Server) -> Option<(Gateway, Caller)> {
    let upstream = server.base().trim_start_matches("http://").parse().unwrap();
    let gateway = Gateway::to(upstream).await?;
    let base = format!("{}/api", gateway.base());
    let caller = Caller::new(client(), &base, "tenant1", "user123");
    Some((gateway, caller))
}

fn request_id(hitl: &Value) -> &str {
    hitl["requestId"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_arrive_while_the_run_still_waits_and_are_the_very_bytes() {
    let server = Server::embedded().await;
    let Some((_gateway, user)) = before(&server).await else {
        return;
    };
    let mut stream = user.stream(MERGE).await;
    // The run waits for an answer that comes only after these events have been read.
    let hitl = stream.until("hitl").await;
    assert_eq!(stream.frames[0].event.as_deref(), Some("start"));
    let answer = user.approve(request_id(&hitl.data)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");

    let mut direct = server.user().resume(&stream.session(), None).await;
    direct.to_done().await;
    assert_eq!(stream.bytes(), direct.bytes());
    for name in ["content-type", "cache-control", "x-accel-buffering", "x-session-id"] {
        assert_eq!(stream.headers.get(name), direct.headers.get(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keep_alive_passes_at_once_and_unaltered() {
    let options = Options::default().set("AURA__STREAM__KEEP_ALIVE_SECONDS", 1);
    let server = Server::start(options).await;
    let Some((_gateway, user)) = before(&server).await else {
        return;
    };
    let mut response = user.post_stream(json!({ "prompt": MERGE })).send().await.unwrap();
    let mut seen = Vec::new();
    let read = async {
        while !seen.ends_with(b"\n\n: keep-alive id:\n\n: keep-alive id:\n\n") {
            seen.extend_from_slice(&response.chunk().await.unwrap().unwrap());
        }
    };
    timeout(PATIENCE, read).await.expect("no keep-alive came through");
    let text = String::from_utf8(seen).unwrap();
    assert!(text.contains("\nevent: hitl\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_does_not_stop_the_run() {
    let server = Server::embedded().await;
    let Some((_gateway, user)) = before(&server).await else {
        return;
    };
    let mut stream = user.stream(MERGE).await;
    let hitl = stream.until("hitl").await;
    let (session, seen) = (stream.session(), stream.bytes());
    drop(stream);

    assert_eq!(user.approve(request_id(&hitl.data)).await.status, StatusCode::OK);
    let mut rest = user.resume(&session, Some(hitl.id)).await;
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
    let mut whole = server.user().resume(&session, None).await;
    whole.to_done().await;
    assert_eq!(seen + &rest.bytes(), whole.bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_off_is_not_taken_for_a_whole_one() {
    let server = Server::embedded().await;
    let Some((_gateway, user)) = before(&server).await else {
        return;
    };
    let mut stream = user.stream(MERGE).await;
    stream.until("hitl").await;
    server.kill().await;
    assert_eq!(stream.to_end().await, StreamEnd::BrokenOff);
    assert!(!stream.frames.iter().any(|frame| frame.is_done()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_pass_up_to_256_kib_and_no_further() {
    let server = Server::embedded().await;
    let Some((_gateway, user)) = before(&server).await else {
        return;
    };
    let ask = |size: usize| {
        let empty = json!({"prompt": "안녕", "context": {"metadata": {"pad": ""}}}).to_string();
        let body =
            empty.replace(r#""pad":"""#, &format!(r#""pad":"{}""#, "x".repeat(size - empty.len())));
        assert_eq!(body.len(), size);
        let request = user.request(Method::POST, "/aura/test/stream");
        request.header("Content-Type", "application/json").body(body).send()
    };
    let response = ask(BODY_MAX).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    SseStream::of(response).to_done().await;
    let response = ask(BODY_MAX + 1).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_header_is_forwarded_and_the_prefix_is_not() {
    let mut upstream = Upstream::listen().await;
    let Some(gateway) = Gateway::to(upstream.address).await else {
        return;
    };
    let sent = [
        ("Authorization", "Bearer aaa.bbb.ccc"),
        ("X-Tenant-ID", "tenant1"),
        ("X-User-ID", "user123"),
        ("X-DWP-Source", "FRONTEND"),
        ("X-Agent-ID", "agent-7"),
        ("Last-Event-ID", "1706152860000"),
        ("X-Correlation-ID", "corr-1"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("X_Under_Score", "too"),
    ];
    let url = format!("{}/api/aura/test/stream?message=a%20b&x=%2F", gateway.base());
    let mut request = client().get(url);
    for (name, value) in sent {
        request = request.header(name, value);
    }
    let answer = request.send();
    let seen = timeout(PATIENCE, upstream.serve_one());
    let (answer, seen) = tokio::join!(answer, seen);
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
    let (line, headers) = seen.expect("nothing was forwarded");
    assert_eq!(line, "GET /aura/test/stream?message=a%20b&x=%2F HTTP/1.1");
    for (name, value) in sent {
        assert_eq!(headers.get(name).map(|seen| seen.to_str().unwrap()), Some(value), "{name}");
    }
    // The connection to the service is kept, as HTTP/1.1 does unless it is told otherwise.
    assert_eq!(headers.get("connection"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_the_services_own_paths_is_forwarded() {
    let server = Server::embedded().await;
    let Some((gateway, user)) = before(&server).await else {
        return;
    };
    let health = user.request(Method::GET, "/aura/health").send().await.unwrap();
    assert_eq!(health.status(), StatusCode::OK);
    for path in [
        "/metrics",
        "/health",
        "/health/ready",
        "/aura/health",
        "/api/metrics",
        "/api/health",
        "/api/health/ready",
        "/api/aura",
        "/api/auraX/health",
        "/api/aura/../health",
        "/api/aura/%2e%2e/health",
        "/api/aura/..%2fhealth",
        "/api/aura//../../health",
    ] {
        // Written by hand: a client's own library would tidy the path up.
        let head = raw_get(gateway.address(), path).await;
        let refused = ["HTTP/1.1 404 ", "HTTP/1.1 301 ", "HTTP/1.1 400 "];
        assert!(refused.iter().any(|line| head.starts_with(line)), "{path}: {head}");
    }
    let log = server.logged("request received", 1).await;
    assert_eq!(log.matches("request received").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_down_is_a_502_at_once_and_used_again_once_it_is_up() {
    // A bound socket that does not listen yet: connections are refused, and the port is ours.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let Some(gateway) = Gateway::to(socket.local_addr().unwrap()).await else {
        return;
    };
    let url = format!("{}/api/aura/health", gateway.base());
    for _ in 0..3 {
        let answer = timeout(AT_ONCE, client().get(&url).send()).await;
        assert_eq!(answer.expect("no answer").unwrap().status(), StatusCode::BAD_GATEWAY);
    }
    let mut upstream = Upstream::of(socket.listen(8).unwrap());
    let (answer, _) = tokio::join!(client().get(&url).send(), upstream.serve_one());
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_replicas_a_refused_connection_goes_to_the_next_also_with_a_post() {
    let refusing = TcpSocket::new_v4().unwrap();
    refusing.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let mut upstream = Upstream::listen().await;
    let addresses = [refusing.local_addr().unwrap(), upstream.address];
    let Some(gateway) = Gateway::to_replicas(addresses).await else {
        return;
    };
    let url = format!("{}/api/aura/test/stream", gateway.base());
    // In turn they would be asked first; whoever was away is not left alone afterwards.
    for _ in 0..4 {
        let ask = client().post(&url).body("{}").send();
        let seen = timeout(AT_ONCE, upstream.serve_one());
        let (answer, seen) = tokio::join!(timeout(AT_ONCE, ask), seen);
        assert_eq!(answer.expect("no answer").unwrap().status(), StatusCode::OK);
        assert_eq!(seen.expect("not asked").0, "POST /aura/test/stream HTTP/1.1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_replicas_a_post_that_was_sent_is_not_sent_again() {
    let (first, second) = tokio::join!(Upstream::listen(), Upstream::listen());
    let Some(gateway) = Gateway::to_replicas([first.address, second.address]).await else {
        return;
    };
    let url = format!("{}/api/aura/test/stream", gateway.base());
    let losing = |upstream: Upstream| tokio::spawn(upstream.lose_all());
    let (first, second) = (losing(first), losing(second));
    let ask = client().post(&url).body("{}").send();
    let answer = timeout(AT_ONCE, ask).await.expect("no answer").unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    // What only reads may be asked for again: both are asked, after which nothing is left to come.
    let ask = client().get(&url).send();
    let answer = timeout(AT_ONCE, ask).await.expect("no answer").unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    let mut lines = Vec::new();
    for upstream in [first, second] {
        lines.extend(timeout(PATIENCE, upstream).await.unwrap().unwrap());
    }
    let posts = lines.iter().filter(|line| line.starts_with("POST ")).count();
    assert_eq!((posts, lines.len()), (1, 3), "{lines:?}");
}

/// A service that does nothing but show what it was asked.
struct Upstream {
    listener: TcpListener,
    address: SocketAddr,
}

impl Upstream {
    async fn listen() -> Self {
        Self::of(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap())
    }

    fn of(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    /// Reads requests and closes their connections without an answer, until it has read a GET; the
    /// first lines of all.
    async fn lose_all(self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while !lines.last().is_some_and(|line| line.starts_with("GET ")) {
            let (mut stream, _) = self.listener.accept().await.unwrap();
            let head = read_head(&mut stream).await;
            lines.push(head.lines().next().unwrap().to_owned());
        }
        lines
    }

    /// Answers one request with an empty 200; its first line and its headers.
    async fn serve_one(&mut self) -> (String, HeaderMap) {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        let mut lines = head.lines();
        let line = lines.next().unwrap().to_owned();
        let headers = lines.take_while(|line| !line.is_empty()).map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.parse().unwrap(), value.parse().unwrap())
        });
        (line, headers.collect())
    }
}

async fn raw_get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    timeout(PATIENCE, read_head(&mut stream)).await.expect("no answer")
}

/// Everything up to the blank line.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut head).await.unwrap(), 0, "the connection was closed");
    }
    String::from_utf8(head).unwrap()
}
