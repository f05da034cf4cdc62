//! What operators see: `GET /metrics` (contract, section 1).

use std::collections::HashMap;

use reqwest::{Method, StatusCode};

use crate::support::app::{Options, Server, answer, eventually};
use crate::support::redis::RedisServer;
use crate::support::world::World;
use crate::with_both_stores;

const MERGE: &str = "feature 브랜치를 main에 병합해주세요";

/// What Prometheus itself sends.
const SCRAPER: &str = "application/openmetrics-text;version=1.0.0,\
    application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text and its type, asked for without a token.
async fn text_for(server: &Server, accept: Option<&str>) -> (String, String) {
    let mut request = server.anonymous(Method::GET, "/metrics");
    if let Some(accept) = accept {
        request = request.header("Accept", accept);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    (content_type, response.text().await.unwrap())
}

/// The text, as Prometheus gets it.
async fn text(server: &Server) -> String {
    let (content_type, text) = text_for(server, Some(SCRAPER)).await;
    assert_eq!(content_type, OPEN_METRICS);
    text
}

/// Every sample by its name and labels, as they stand in the text.
async fn samples(server: &Server) -> HashMap<String, u64> {
    let text = text(server).await;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
        })
        .collect()
}

/// Waits until a sample has this value.
async fn comes_to(server: &Server, sample: &str, value: u64) {
    eventually(&format!("{sample} {value}"), || async { samples(server).await[sample] == value })
        .await;
}

/// Reads a text, and returns the names under which it declares metrics; `counter` is what the name of a
/// counter ends in there. Its samples end in `_total` in either format.
fn declared(text: &str, counter: &str) -> Vec<String> {
    let (mut name, mut sampled, mut seen) = ("", String::new(), Vec::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            name = help.split_once(' ').unwrap().0;
        } else if let Some(declared) = line.strip_prefix("# TYPE ") {
            sampled = match declared.strip_prefix(name).unwrap().trim() {
                "counter" => format!("{}_total", name.strip_suffix(counter).unwrap()),
                _ => name.to_owned(),
            };
            seen.push(name.to_owned());
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            assert_eq!(sample.split('{').next().unwrap(), sampled, "{line}");
            assert!(value.parse::<u64>().is_ok(), "{line}");
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_text_is_well_formed_in_both_formats_and_every_metric_is_documented() {
    let server = Server::embedded().await;
    let open_metrics = text(&server).await;
    let in_open_metrics = declared(open_metrics.strip_suffix("# EOF\n").unwrap(), "");
    let (_, text) = text_for(&server, None).await;
    let in_prometheus = declared(&text, "_total");
    assert_eq!(in_open_metrics.len(), in_prometheus.len(), "{text}");
    let documented = include_str!("../../docs/METRICS.md");
    for name in &in_prometheus {
        let line = [format!("| `{name}`"), format!("| `{name}{{")];
        assert!(line.iter().any(|line| documented.contains(line)), "{name} has no line");
    }
    assert_eq!(in_prometheus.len(), documented.matches("\n| `aura_").count(), "{text}");
    assert!(text.contains("\naura_runs_ended_total{status=\"rejected\"} 0\n"), "{text}");
    assert!(text.contains("\naura_store_up 1\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_ask_for_open_metrics_gets_the_format_of_prometheus() {
    let server = Server::embedded().await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (accept, expected) in [
        (None, PROMETHEUS),
        (Some("*/*"), PROMETHEUS),
        (Some(browser), PROMETHEUS),
        (Some("text/plain, application/openmetrics-text;q=0.5"), PROMETHEUS),
        (Some("application/openmetrics-text;q=0"), PROMETHEUS),
        (Some("application/openmetrics-text"), OPEN_METRICS),
    ] {
        let (content_type, text) = text_for(&server, accept).await;
        assert_eq!(content_type, expected, "{accept:?}");
        assert_eq!(text.contains("# EOF"), expected == OPEN_METRICS, "{accept:?}: {text}");
    }
}

with_both_stores! {
    async fn a_run_with_an_approval_moves_the_counters_and_names_nobody(kind: Kind) {
        let world = World::new(kind).await;
        let server = &world.server;
        let user = server.as_user("tenant-seven", "user-of-metrics");
        let mut stream = user.stream(MERGE).await;
        let hitl = stream.until("hitl").await;
        comes_to(server, "aura_runs_waiting", 1).await;
        comes_to(server, "aura_runs_working", 0).await;
        let waiting = samples(server).await;
        assert_eq!(waiting["aura_runs_started_total"], 1);
        assert_eq!(waiting["aura_approvals_asked_total"], 1);
        assert_eq!(waiting["aura_streams_open"], 1);

        user.approve(hitl.data["requestId"].as_str().unwrap()).await;
        stream.to_done().await;
        comes_to(server, "aura_runs_waiting", 0).await;
        comes_to(server, "aura_streams_open", 0).await;
        comes_to(server, "aura_runs_ended_total{status=\"completed\"}", 1).await;
        let over = samples(server).await;
        assert_eq!(over["aura_approvals_decided_total{verdict=\"approved\"}"], 1);
        assert_eq!(over["aura_approvals_decided_total{verdict=\"rejected\"}"], 0);
        assert_eq!(over["aura_runs_ended_total{status=\"failed\"}"], 0);
        assert_eq!((over["aura_runs_lost_total"], over["aura_store_up"]), (0, 1));

        let text = text(server).await;
        for secret in ["tenant-seven", "user-of-metrics", "session_", "req_"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_is_no_open_stream_any_more() {
    let server = Server::embedded().await;
    let user = server.user();
    let mut stream = user.stream(MERGE).await;
    stream.until("hitl").await;
    let second = user.resume(&stream.session(), None).await;
    comes_to(&server, "aura_streams_open", 2).await;
    drop(second);
    comes_to(&server, "aura_streams_open", 1).await;
    drop(stream);
    comes_to(&server, "aura_streams_open", 0).await;
    comes_to(&server, "aura_runs_waiting", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_end_with_what_they_are_for_and_an_outage_is_seen() {
    let mut redis = RedisServer::start();
    let options = || Options::default().set("REDIS_URL", redis.url());
    let (first, second) = tokio::join!(Server::start(options()), Server::start(options()));
    comes_to(&first, "aura_store_subscriptions", 1).await;
    let mut stream = first.user().stream(MERGE).await;
    let hitl = stream.until("hitl").await;
    comes_to(&first, "aura_store_subscriptions", 2).await;
    let mut elsewhere = second.user().resume(&stream.session(), None).await;
    elsewhere.until("hitl").await;
    comes_to(&second, "aura_store_subscriptions", 2).await;

    redis.kill();
    comes_to(&first, "aura_store_up", 0).await;
    comes_to(&first, "aura_store_subscriptions", 0).await;
    redis.restart();
    comes_to(&first, "aura_store_up", 1).await;
    comes_to(&first, "aura_store_subscriptions", 2).await;

    first.user().reject(hitl.data["requestId"].as_str().unwrap(), "no").await;
    comes_to(&first, "aura_runs_ended_total{status=\"rejected\"}", 1).await;
    drop((stream, elsewhere));
    for server in [&first, &second] {
        comes_to(server, "aura_store_subscriptions", 1).await;
        comes_to(server, "aura_streams_open", 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_can_reach_no_metrics() {
    let server = Server::embedded().await;
    let inside = server.user().request(Method::GET, "/aura/metrics").send().await.unwrap();
    assert_eq!(answer(inside).await.status, StatusCode::NOT_FOUND);
}
