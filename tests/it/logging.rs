//! The log, which nobody waits for.

use std::process::Stdio;

use futures::future::join_all;
use reqwest::{Method, StatusCode};

use crate::support::app::{Options, Server, eventually};

/// What callers send that lines of the log repeat.
const REPEATED: [&str; 11] = [
    "x-correlation-id",
    "x-trace-id",
    "x-gateway-request-id",
    "x-dwp-source",
    "x-dwp-caller-type",
    "x-agent-id",
    "x-tenant-id",
    "x-user-id",
    "last-event-id",
    "traceparent",
    "user-agent",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_line_of_the_log_is_as_long_as_what_callers_send() {
    let server = Server::embedded().await;
    let long = "x".repeat(20_000);
    let get = |path: &str| server.anonymous(Method::GET, path);
    let mut requests: Vec<_> =
        REPEATED.iter().map(|name| get("/aura/sessions").header(*name, &long)).collect();
    requests.push(get(&format!("/aura/{long}")));
    requests.push(server.user().request(Method::GET, &format!("/aura/sessions/{long}")));
    requests.push(server.anonymous(Method::from_bytes(long.as_bytes()).unwrap(), "/aura"));
    let count = requests.len();
    for request in requests {
        assert!(request.send().await.unwrap().status().is_client_error());
    }
    server.logged("request received", count).await;
    let log = server.log();
    let longest = log.lines().max_by_key(|line| line.len()).unwrap();
    assert!(longest.len() < 2000, "{} bytes: {longest:.300}", longest.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_whose_log_nobody_reads_goes_on_and_counts_what_it_drops() {
    // The reading end stays open and is never read: 64 KiB are full after some 240 requests.
    let (unread, stderr) = std::io::pipe().unwrap();
    let options = Options::default().set("LOG_LEVEL", "trace");
    let server = Server::logging_to(options, Stdio::from(stderr)).await;
    let long = "x".repeat(200);
    eventually("lines are dropped", async || {
        // Each of them is logged with all that its neighbours say of it.
        let requests = (0..200).map(|_| {
            let request = server.user().request(Method::GET, "/aura/nothing");
            let said =
                ["x-dwp-source", "x-dwp-caller-type", "x-agent-id", "last-event-id", "traceparent"];
            said.iter().fold(request, |request, name| request.header(*name, &long)).send()
        });
        for answer in join_all(requests).await {
            assert_eq!(answer.unwrap().status(), StatusCode::NOT_FOUND);
        }
        server.metric("aura_log_lines_dropped_total").await > 0
    })
    .await;
    let health = server.anonymous(Method::GET, "/health").send().await.unwrap();
    assert_eq!(health.status(), StatusCode::OK);
    assert_eq!(server.terminate().await, 0, "it ends, too");
    drop(unread);
}
