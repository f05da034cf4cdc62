//! What does not even begin, and what is said of it.

use std::process::Command;

use super::{ask, run};
use crate::support::app::{Server, binary};
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
        &["--url", "ftp://x", "안녕"],
        &[" "],
        &[],
    ] {
        let ended = run(ask(base, arguments)).await;
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
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
