//! What does not even begin, and what is said of it.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::{ask, run};
use crate::support::app::{PATIENCE, Server, binary};
use crate::support::redis::free_port;

#[tokio::test]
async fn a_server_that_is_not_there_is_told_at_once() {
    let base = format!("http://127.0.0.1:{}", free_port());
    let ended = run(ask(&base, &["안녕"])).await;
    assert_eq!(ended.code, 1);
    let expected = format!("error: {base}: cannot be reached: Connection refused (os error 111)\n");
    assert_eq!(ended.stderr, expected);
    assert_eq!(ended.stdout, "");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_the_ways_to_give_one_are_told() {
    let directory = tempfile::TempDir::new().unwrap();
    let mut command = Command::new(binary());
    command.args(["ask", "안녕"]).env_clear().current_dir(directory.path());
    let ended = run(command).await;
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.starts_with("error: no token: give one with --token,"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[tokio::test]
async fn what_makes_no_sense_is_a_fault_of_the_command_line() {
    let base = "http://127.0.0.1:1";
    for arguments in [
        &["--token", "no.token", "안녕"][..],
        &["--token-file", "/does/not/exist", "안녕"],
        &["--approve", "--reject", "x", "안녕"],
        &["--session", "session_x", "안녕"],
        &["--session", "../../victim", "--approve"],
        &["--url", "ftp://x", "안녕"],
        &["--url", "http://kim:s3cret@127.0.0.1:1", "안녕"],
        &["--url", "kim:s3cret@127.0.0.1:1", "안녕"],
        &[" "],
        &[],
    ] {
        let ended = run(ask(base, arguments)).await;
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("s3cret"), "{arguments:?}: {}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_refuses_is_told_in_its_words() {
    let server = Server::embedded().await;
    let forged =
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIiwidGVuYW50X2lkIjoiMSIsImV4cCI6NDAwMDAwMDAwMH0.AAAA";
    let ended = run(ask(server.base(), &["--token", forged, "안녕"])).await;
    assert_eq!(ended.code, 1);
    let start = format!("error: {}: 401 ", server.base());
    assert!(ended.stderr.starts_with(&start), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(!ended.stderr.contains("AAAA"), "{}", ended.stderr);

    let ended = run(ask(server.base(), &["--session", "session_nobodys"])).await;
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains(": 404 "), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_has_stopped_is_told_with_the_reason_and_not_tried_on_and_on() {
    let server = Server::embedded().await;
    let operator = server.as_user("ops", "chief").in_role("operator");
    let hold = json!({"runs": true, "reason": "점검 중입니다"});
    operator.put("/aura/admin/holds/stop", hold).await;
    let ended = run(ask(server.base(), &["안녕"])).await;
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let told = format!(
        "error: {}: 503 an operator has put new runs on hold: 점검 중입니다",
        server.base()
    );
    assert!(ended.stderr.starts_with(&told), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

/// A server that answers with these headers and this body; returns its base URL, and the first line of each
/// request that it gets.
async fn hostile(headers: &'static str, body: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = vec![0; 64 * 1024];
            let read = client.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            noted.lock().unwrap().push(request.lines().next().unwrap_or_default().to_owned());
            let head = format!("HTTP/1.1 200 OK\r\n{headers}Connection: close\r\n\r\n");
            let _ = client.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    (base, requests)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_is_none_is_neither_shown_to_be_pasted_nor_sent_anywhere() {
    let named = "Content-Type: text/event-stream\r\nX-Session-ID: $(touch pwned)\r\n";
    let (base, requests) = hostile(named, String::new()).await;
    let ended = run(ask(&base, &["--approve", "안녕"])).await;
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let told = format!("error: {base}: its X-Session-ID \"$(touch pwned)\" is no session's id\n");
    assert_eq!(ended.stderr, told);
    assert_eq!(*requests.lock().unwrap(), ["POST /aura/test/stream HTTP/1.1"]);

    let asked = r#"{"type":"hitl","requestId":"../../sessions/victim/cancel?x=","message":"?","timestamp":1}"#;
    let events = format!("id: 1\nevent: hitl\ndata: {asked}\n\n");
    let named = "Content-Type: text/event-stream\r\nX-Session-ID: session_x\r\n";
    let (base, requests) = hostile(named, events).await;
    let ended = run(ask(&base, &["--approve", "안녕"])).await;
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.ends_with("is no request's id\n"), "{}", ended.stderr);
    assert_eq!(*requests.lock().unwrap(), ["POST /aura/test/stream HTTP/1.1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_stream_of_the_run_is_refused_at_once() {
    let start =
        "id: 5\nevent: start\ndata: {\"type\":\"start\",\"message\":\"m\",\"timestamp\":1}\n\n";
    for (headers, body, arguments, why) in [
        (
            "Content-Type: text/html\r\n",
            "<html>login</html>",
            &["안녕"][..],
            "its answer is no event stream, its Content-Type is \"text/html\"",
        ),
        (
            "Content-Type: text/event-stream\r\n",
            start,
            &["안녕"],
            "its stream names no session: there is no X-Session-ID",
        ),
        (
            "Content-Type: text/event-stream\r\nX-Session-ID: session_other\r\n",
            start,
            &["--session", "session_mine"],
            "it answers with another run, session_other",
        ),
    ] {
        let (base, requests) = hostile(headers, body.to_owned()).await;
        let ended = run(ask(&base, arguments)).await;
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        assert_eq!(ended.stderr, format!("error: {base}: {why}\n"));
        assert_eq!((requests.lock().unwrap().len(), ended.stdout.as_str()), (1, ""));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_cannot_be_written_is_a_failure_that_is_told() {
    let server = Server::embedded().await;
    for arguments in [&["안녕하세요"][..], &["--json", "안녕하세요"]] {
        let mut command = tokio::process::Command::from(ask(server.base(), arguments));
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).kill_on_drop(true);
        let ended = command.spawn().unwrap().wait_with_output();
        let ended = timeout(PATIENCE, ended).await.expect("no end").unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("error: No space left on device"), "{stderr}");
    }
}
