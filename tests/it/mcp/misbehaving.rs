//! A server that does what no server should.

use std::path::Path;
use std::time::Duration;

use aura_platform::domain::ApprovalRule;
use aura_platform::tools::mcp::{McpServerConfig, Pace};
use aura_platform::tools::{Effect, ToolError};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Fixture, command, config, script};
use crate::support::app::{PATIENCE, eventually};

fn misbehaving(directory: &TempDir) -> McpServerConfig {
    let script = script("misbehaving.py");
    config("bad", command(Path::new("python3"), [&script], Some(directory.path())))
}

async fn up() -> Fixture {
    Fixture::start(misbehaving(&TempDir::new().unwrap())).up().await
}

#[tokio::test]
async fn only_usable_tools_are_offered_each_once_and_described_in_plain_text() {
    let fixture = up().await;
    let told = fixture.told();
    assert_eq!(told.iter().filter(|name| *name == "twin").count(), 1, "{told:?}");
    for left_out in ["bad name", "without_a_schema", "bad_schema", "no_object", "dear"] {
        assert!(!told.iter().any(|name| name == left_out), "{told:?}");
    }
    assert_eq!(told.len(), 20, "the other pages are read, too: {told:?}");
    let twin = fixture.tools.find("bad.twin").unwrap();
    assert_eq!(twin.spec().description, "The first.");
    fixture.end().await;
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_of_a_call_is_started_again() {
    let directory = TempDir::new().unwrap();
    let mut config = misbehaving(&directory);
    config.pace.patience = Duration::from_millis(100);
    let fixture = Fixture::start(config).up().await;
    let pid = fixture.text("pid").await;

    let held = directory.path().join("held");
    std::fs::write(&held, "").unwrap();
    let fault = fixture.fault("die", json!({})).await;
    let expected =
        "the MCP server `bad` was lost during the call; whether it was done is not known";
    assert_eq!(fault, expected);

    // Until it is back, models are not told of its tools, and a call of one says why it fails.
    fixture.tells("no tools", <[String]>::is_empty).await;
    let fault = fixture.fault("pid", json!({})).await;
    let away = "the MCP server `bad` is not available, it is being restarted; nothing was done";
    assert_eq!(fault, away);
    assert!(fixture.needs_approval("pid"));

    std::fs::remove_file(held).unwrap();
    let fixture = fixture.up().await;
    assert_ne!(fixture.text("pid").await, pid);
    fixture.end().await;
}

#[tokio::test]
async fn a_call_waits_a_little_for_a_server_that_is_just_being_started_again() {
    let directory = TempDir::new().unwrap();
    let mut config = misbehaving(&directory);
    config.pace.patience = PATIENCE;
    let fixture = Fixture::start(config).up().await;
    assert_eq!(fixture.text("die_politely").await, "dead");
    fixture.tells("no tools", <[String]>::is_empty).await;
    assert!(!fixture.text("pid").await.is_empty());
    fixture.end().await;
}

#[tokio::test]
async fn garbage_between_the_answers_is_passed_over() {
    let fixture = up().await;
    assert_eq!(fixture.text("garbage").await, "after the garbage");
    assert_eq!(fixture.text("harmless").await, "harmless");
    fixture.end().await;
}

#[tokio::test]
async fn a_call_that_is_never_answered_ends_with_its_time_and_the_server_is_told() {
    let directory = TempDir::new().unwrap();
    let mut config = misbehaving(&directory);
    config.timeout = Duration::from_secs(1);
    config.read_only.insert("cancelled".to_owned());
    let fixture = Fixture::start(config).up().await;
    let fault = fixture.fault("hang", json!({})).await;
    assert_eq!(fault, "the tool did not finish within 1 s; whether it was done is not known");
    eventually("the server hears that the call is cancelled", async || {
        fixture.call("cancelled", json!({})).await.is_ok_and(|told| told["text"] != "[]")
    })
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_any_more_is_started_again() {
    let directory = TempDir::new().unwrap();
    let mut config = misbehaving(&directory);
    let (look, answer) = (Duration::from_millis(100), Duration::from_secs(2));
    config.pace = Pace { look, answer, ..config.pace };
    config.timeout = Duration::from_secs(1);
    config.read_only.insert("freeze".to_owned());
    let fixture = Fixture::start(config).up().await;
    let pid = fixture.text("pid").await;
    let frozen = fixture.call("freeze", json!({})).await;
    assert_eq!(frozen, Err(ToolError::TimedOut { seconds: 1 }));
    eventually("another process answers", async || {
        fixture.call("pid", json!({})).await.is_ok_and(|now| now["text"] != pid.as_str())
    })
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn a_huge_result_is_cut_and_says_so() {
    let fixture = up().await;
    let result = fixture.call("huge", json!({})).await.unwrap();
    assert_eq!(result["text"].as_str().unwrap().len(), 4096);
    assert_eq!(result["cut"], "2995904 bytes of text left out");
    fixture.end().await;
}

#[tokio::test]
async fn a_list_that_changes_is_taken_up() {
    let fixture = up().await;
    assert!(fixture.fault("new", json!({})).await.contains("there is no tool named \"bad.new\""));
    fixture.text("change").await;
    fixture.tells("the new tool", |told| told.iter().any(|name| name == "new")).await;
    assert_eq!(fixture.text("new").await, "new");
    fixture.end().await;
}

#[tokio::test]
async fn a_server_that_asks_and_does_not_read_is_given_up_and_its_call_says_why() {
    let directory = TempDir::new().unwrap();
    let mut config = misbehaving(&directory);
    config.pace.answer = Duration::from_millis(500);
    let fixture = Fixture::start(config).up().await;
    let pid = fixture.text("pid").await;
    let fault = fixture.fault("ask_without_end", json!({})).await;
    let expected = "the MCP server `bad` was lost during the call, because it sends requests and \
                    does not read the answers; whether it was done is not known";
    assert_eq!(fault, expected);
    eventually("another process answers", async || {
        fixture.call("pid", json!({})).await.is_ok_and(|now| now["text"] != pid.as_str())
    })
    .await;
    fixture.end().await;
}

#[tokio::test]
async fn a_server_that_asks_is_answered() {
    let fixture = up().await;
    let answers: Value = serde_json::from_str(&fixture.text("ask").await).unwrap();
    assert_eq!(answers[0], json!({"jsonrpc": "2.0", "id": "q1", "result": {}}));
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!("q2"), &json!(-32601)));
    fixture.end().await;
}

#[tokio::test]
async fn an_answer_behind_any_number_of_notifications_is_found() {
    let fixture = up().await;
    assert_eq!(fixture.text("tell_without_end").await, "told");
    fixture.end().await;
}

#[tokio::test]
async fn an_answer_of_more_values_than_are_read_is_told_to_be_so_at_once() {
    let fixture = up().await;
    let fault = fixture.fault("many_values", json!({})).await;
    assert_eq!(fault, "the answer has more than 200000 values and was not read");
    assert_eq!(fixture.text("harmless").await, "harmless");
    fixture.end().await;
}

#[tokio::test]
async fn arguments_are_held_against_the_schema_before_anything_is_asked_or_done() {
    let fixture = up().await;
    let fault = fixture.call("double", json!({"n": "2"})).await.unwrap_err();
    assert!(matches!(&fault, ToolError::InvalidArguments(m) if m.contains("`/n`")), "{fault}");
    let fault = fixture.call("double", json!([1])).await.unwrap_err();
    assert!(matches!(fault, ToolError::InvalidArguments(_)), "{fault}");
    assert_eq!(fixture.call("double", json!({"n": 21})).await, Ok(json!({"text": "42"})));
    fixture.end().await;
}

#[tokio::test]
async fn what_a_server_says_of_its_tools_changes_no_approval() {
    let directory = TempDir::new().unwrap();
    let mut config = misbehaving(&directory);
    config.read_only.insert("pid".to_owned());
    let rules = [
        ("bad.twin", ApprovalRule::None),
        ("bad.pid", ApprovalRule::Required),
        ("bad.not_there_yet", ApprovalRule::Required),
    ];
    let fixture = Fixture::with_rules(config, rules).up().await;
    // It is annotated as read-only.
    assert!(fixture.needs_approval("harmless"));
    assert_eq!(fixture.tools.find("bad.harmless").unwrap().spec().effect, Effect::SideEffect);
    assert_eq!(fixture.tools.find("bad.pid").unwrap().spec().effect, Effect::ReadOnly);
    assert!(fixture.needs_approval("pid") && !fixture.needs_approval("twin"));
    assert!(fixture.needs_approval("unheard_of"));
    fixture.end().await;
}

#[tokio::test]
async fn a_call_that_the_server_says_has_failed_is_a_failure() {
    let fixture = up().await;
    assert_eq!(fixture.fault("fail", json!({})).await, "the disk is full");
    fixture.end().await;
}

#[tokio::test]
async fn a_server_sees_nothing_of_our_environment() {
    let fixture = up().await;
    let environment = fixture.text("environment").await;
    // This process runs under cargo.
    assert!(std::env::vars_os().any(|(name, _)| name == "CARGO_MANIFEST_DIR"));
    assert!(environment.contains("PATH") && !environment.contains("CARGO"), "{environment}");
    fixture.end().await;
}

#[tokio::test]
async fn a_server_that_cannot_be_started_stops_nobody() {
    let mut config = config("gone", command(Path::new("/does/not/exist"), [], None));
    config.pace.patience = Duration::from_millis(50);
    let fixture = Fixture::start(config);
    assert_eq!(fixture.told(), Vec::<String>::new());
    let fault = fixture.call("anything", Value::Null).await.unwrap_err().to_string();
    assert!(fault.contains("the MCP server `gone` is not available"), "{fault}");
    fixture.end().await;
}

#[tokio::test]
async fn a_call_that_was_approved_before_the_server_is_up_waits_for_it() {
    let directory = TempDir::new().unwrap();
    let held = directory.path().join("held");
    std::fs::write(&held, "").unwrap();
    let mut config = misbehaving(&directory);
    config.pace.patience = PATIENCE;
    let fixture = Fixture::start(config);
    let call = fixture.call("double", json!({"n": 4}));
    let (result, ()) = tokio::join!(call, async {
        tokio::task::yield_now().await;
        std::fs::remove_file(&held).unwrap();
    });
    assert_eq!(result, Ok(json!({"text": "8"})));
    // Nobody could check these arguments before.
    assert!(fixture.needs_approval("double"));
    fixture.end().await;
}

#[tokio::test]
async fn a_server_that_does_not_want_to_end_is_made_to() {
    let fixture = up().await;
    let pid = fixture.text("stubborn").await.parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    assert!(rustix::process::test_kill_process(pid).is_ok());
    fixture.end().await;
    assert!(rustix::process::test_kill_process(pid).is_err(), "it still runs");
}
