//! Servers from the ecosystem: a reference server over stdio, the official SDK's over HTTP.

use std::collections::BTreeMap;
use std::process::Stdio;

use aura_platform::tools::ToolError;
use aura_platform::tools::mcp::Transport;
use aura_testing::guardian::Watched;
use secrecy::SecretString;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::{Fixture, command, config, python, script};

#[tokio::test]
async fn the_reference_server_for_time_tells_its_tools_and_converts_a_time() {
    let Some(python) = python() else { return };
    let transport = command(&python, ["-m", "mcp_server_time", "--local-timezone=UTC"], None);
    let fixture = Fixture::start(config("time", transport)).up().await;
    assert_eq!(fixture.told(), ["get_current_time", "convert_time"]);
    let call = json!({
        "source_timezone": "Asia/Seoul", "time": "09:00", "target_timezone": "UTC",
    });
    let result = fixture.call("convert_time", call).await.unwrap();
    assert!(result.to_string().contains("T00:00:00+00:00"), "{result}");
    let fault = fixture.call("convert_time", json!({"time": "09:00"})).await.unwrap_err();
    assert!(matches!(fault, ToolError::InvalidArguments(_)), "{fault}");
    let fault = fixture.fault("get_current_time", json!({"timezone": "Mars/Olympus"})).await;
    assert!(fault.contains("Mars/Olympus"), "{fault}");
    fixture.end().await;
}

/// A server, gone when dropped.
struct Served {
    child: Child,
    _watched: Watched,
}

/// The SDK's server over HTTP, and its port.
async fn over_http(python: &std::path::Path, port: Option<u16>) -> (Served, u16) {
    let mut child = Command::new(python)
        .arg(script("over_http.py"))
        .args(port.map(|port| port.to_string()))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let watched = Watched::process(child.id().unwrap());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(super::PATIENCE, lines.next_line()).await;
    let port = line.expect("the server says no port").unwrap().unwrap().parse().unwrap();
    (Served { child, _watched: watched }, port)
}

fn http(port: u16) -> Transport {
    let key = ("x-key".to_owned(), SecretString::from("hunter2"));
    let url = format!("http://127.0.0.1:{port}/mcp").parse().unwrap();
    Transport::Http { url, headers: BTreeMap::from([key]) }
}

#[tokio::test]
async fn a_server_over_http_is_called_with_its_headers_and_pictures_become_notes() {
    let Some(python) = python() else { return };
    let (_served, port) = over_http(&python, None).await;
    let fixture = Fixture::start(config("web", http(port))).up().await;
    assert_eq!(fixture.told(), ["add", "picture"]);
    let sum = fixture.call("add", json!({"a": 2, "b": 40})).await.unwrap();
    assert_eq!(sum, json!({"structured": {"sum": 42}}));
    assert_eq!(fixture.text("picture").await, "[image image/png, 2 KiB]");
    fixture.end().await;
}

#[tokio::test]
async fn a_server_over_http_that_is_gone_is_noticed_and_taken_up_when_it_is_back() {
    let Some(python) = python() else { return };
    let (mut served, port) = over_http(&python, None).await;
    let mut config = config("web", http(port));
    config.pace.look = std::time::Duration::from_millis(50);
    let fixture = Fixture::start(config).up().await;
    served.child.kill().await.unwrap();
    fixture.tells("no tools", <[String]>::is_empty).await;
    let (_served, _) = over_http(&python, Some(port)).await;
    let fixture = fixture.up().await;
    let sum = fixture.call("add", json!({"a": 1, "b": 1})).await.unwrap();
    assert_eq!(sum["structured"]["sum"], 2);
    fixture.end().await;
}
