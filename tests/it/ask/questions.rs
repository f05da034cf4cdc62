//! What is asked, and what a person, a flag or a colleague says to it.

use std::process::Stdio;

use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

use super::{MERGE, ask, last_call, one_mail, path, run, session_of};
use crate::support::app::{Options, PATIENCE, Server};
use crate::support::git::git;
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::terminal::Terminal;

pub(super) const CHOICES: &str = "[y]es, [n]o, [e]dit the arguments: ";

/// A program that edits what it is given.
pub(super) fn editor(directory: &TempDir, script: &str) -> String {
    let program = directory.path().join("editor");
    std::fs::write(&program, script).unwrap();
    format!("sh {}", path(&program))
}

/// The request that a session waits with, or has waited with last.
pub(super) async fn request_of(server: &Server, session: &str) -> String {
    let detail = server.user().get(&format!("/aura/sessions/{session}")).await;
    detail.data()["hitlRequestId"].as_str().unwrap().to_owned()
}

fn is_merged(server: &Server) -> bool {
    git(server.workspace(), &["log", "--oneline", "main"]).contains("Merge branch 'feature'")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_approves_what_is_shown() {
    let server = Server::embedded().await;
    let mut terminal = Terminal::start(ask(server.base(), &[MERGE]), None);
    terminal.shows(CHOICES, 1).await;
    let seen = terminal.seen();
    for part in [
        "git_merge: ",
        "feature → main",
        "\"target\": \"main\"",
        "anybody of the tenant",
        "until 20",
    ] {
        assert!(seen.contains(part), "no {part:?} in {seen}");
    }
    assert!(!is_merged(&server));
    terminal.types("y\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 0, "{seen}");
    assert!(is_merged(&server));
    assert!(seen.contains("✓ git_merge"), "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n_asks_for_a_reason_and_rejects() {
    let server = Server::embedded().await;
    let mut terminal = Terminal::start(ask(server.base(), &[MERGE]), None);
    terminal.shows(CHOICES, 1).await;
    // Nothing else is an answer.
    terminal.types("maybe\n");
    terminal.shows("only y, n and e are understood", 1).await;
    terminal.shows(CHOICES, 2).await;
    terminal.types("n\n");
    terminal.shows("reason (Enter for none): ", 1).await;
    terminal.types("아직 이릅니다\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 1, "{seen}");
    assert!(seen.contains("error: the run was rejected"), "{seen}");
    assert!(!is_merged(&server));
    let mut stream = server.user().resume(&session_of(&seen), None).await;
    stream.to_done().await;
    assert_eq!(stream.all("error")[0].data["error"], "아직 이릅니다");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_holds_is_told_and_asked_again() {
    let server = Server::embedded().await;
    let operator = server.as_user("ops", "chief").in_role("operator");
    let mut terminal = Terminal::start(ask(server.base(), &[MERGE]), None);
    terminal.shows(CHOICES, 1).await;
    operator.put("/aura/admin/holds/stop", json!({"tool": "git_merge", "reason": "점검"})).await;
    terminal.types("y\n");
    terminal.shows("not decided: 409 an operator has put git_merge on hold: 점검", 1).await;
    terminal.shows(CHOICES, 2).await;
    assert!(!is_merged(&server));
    operator.delete("/aura/admin/holds/stop").await;
    terminal.types("y\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 0, "{seen}");
    assert!(is_merged(&server));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e_opens_the_editor_and_sends_what_it_made_of_the_arguments() {
    let (server, _model) = one_mail(Options::default()).await;
    let directory = TempDir::new().unwrap();
    // First it spoils the file, then it says something else in it, starting from what it was left with.
    let editor = editor(
        &directory,
        "if grep -q spoilt \"$1\"; then sed -i 's/spoilt//; s/kim@/lee@/' \"$1\"; else echo spoilt >> \"$1\"; fi",
    );
    let mut command = ask(server.base(), &["메일"]);
    command.env("EDITOR", editor);
    let mut terminal = Terminal::start(command, None);
    terminal.shows(CHOICES, 1).await;
    terminal.types("e\n");
    terminal.shows("the arguments are not JSON", 1).await;
    terminal.shows(CHOICES, 2).await;
    terminal.types("e\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 0, "{seen}");
    let (status, arguments) = last_call(&server, &session_of(&seen)).await;
    assert_eq!((status.as_str(), &arguments["to"]), ("success", &json!(["lee@example.com"])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_editor_the_arguments_are_one_line_and_a_refusal_is_told_and_asked_again() {
    let (server, _model) = one_mail(Options::default()).await;
    let mut command = ask(server.base(), &["메일"]);
    command.env("PATH", "/nothing/is/here");
    let mut terminal = Terminal::start(command, None);
    terminal.shows(CHOICES, 1).await;
    terminal.types("e\n");
    terminal.shows("arguments, as one line of JSON", 1).await;
    // What is to be changed stands there in the form in which it is typed.
    let line = r#"{"to":["kim@example.com"],"subject":"보고","body":"끝"}"#;
    assert!(terminal.seen().contains(line), "{}", terminal.seen());
    terminal.types("{\"to\": [\"nobody\"], \"subject\": \"a\", \"body\": \"b\"}\n");
    terminal.shows("not decided: 400 ", 1).await;
    terminal.shows(CHOICES, 2).await;
    terminal.types("e\n");
    terminal.shows("arguments, as one line of JSON", 2).await;
    terminal.types("{\"to\": [\"lee@example.com\"], \"subject\": \"a\", \"body\": \"b\"}\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 0, "{seen}");
    let (_, arguments) = last_call(&server, &session_of(&seen)).await;
    assert_eq!(arguments["subject"], "a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_the_terminal_cuts_does_not_count_and_an_editor_is_named() {
    let (server, _model) = one_mail(Options::default()).await;
    let mut command = ask(server.base(), &["메일"]);
    command.env("PATH", "/nothing/is/here");
    let mut terminal = Terminal::start(command, None);
    terminal.shows(CHOICES, 1).await;
    terminal.types("e\n");
    terminal.shows("arguments, as one line of JSON", 1).await;
    let body = "b".repeat(5000);
    terminal.types(&format!(
        "{{\"to\":[\"lee@example.com\"],\"subject\":\"a\",\"body\":\"{body}\"}}\n"
    ));
    terminal.shows("a terminal cuts lines of more than 4,095 bytes", 1).await;
    assert!(terminal.seen().contains("set $EDITOR"), "{}", terminal.seen());
    terminal.shows(CHOICES, 2).await;
    terminal.types("n\n");
    terminal.shows("reason (Enter for none): ", 1).await;
    terminal.types("\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 1, "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_ctrl_d_nothing_more_is_asked_and_it_is_told_how_to_decide() {
    let server = Server::embedded().await;
    let mut terminal = Terminal::start(ask(server.base(), &[MERGE]), None);
    terminal.shows(CHOICES, 1).await;
    terminal.types("\x04");
    terminal
        .shows("the terminal's input was ended (Ctrl-D), so nothing more is asked; to decide, with the same AURA_TOKEN: ", 1)
        .await;
    let request = request_of(&server, &session_of(&terminal.seen())).await;
    server.user().approve(&request).await;
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 0, "{seen}");
    assert!(!seen.contains("stdin is no terminal"), "{seen}");
    assert_eq!(seen.matches("may be approved by").count(), 1, "asked once: {seen}");
}

/// A server that asks about two mails at once; the model says how many of them were sent.
async fn two_mails() -> (Server, FakeModel) {
    let mail = |to: &str| json!({"to": [to], "subject": "a", "body": "b"}).to_string();
    let mails = [mail("kim@example.com"), mail("lee@example.com")];
    let model = FakeModel::answering(move |body| {
        let messages = body["messages"].as_array().unwrap();
        match messages.iter().any(|message| message["role"] == "tool") {
            true => Reply::text(["보냈습니다."]),
            false => Reply::stream()
                .call("call_a", "send_email", [mails[0].as_str()])
                .call("call_b", "send_email", [mails[1].as_str()])
                .ends("tool_calls"),
        }
    })
    .await;
    let options = Options::default().set("AURA__HITL__ASK", "together");
    (Server::start(options.model(&model)).await, model)
}

/// How each call of a session ended.
async fn ends_of_calls(server: &Server, session: &str) -> Vec<(String, String)> {
    let mut stream = server.user().resume(session, None).await;
    stream.to_done().await;
    let calls = stream.all("tool_execution").into_iter();
    let over = calls.filter(|call| call.data["durationMs"].is_u64());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let mut ends: Vec<_> =
        over.map(|call| (text(&call.data["toolCallId"]), text(&call.data["status"]))).collect();
    ends.sort();
    ends
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_that_are_open_at_once_are_answered_one_after_another() {
    let (server, _model) = two_mails().await;
    let both = |first: &str, second: &str| {
        [("call_a", first), ("call_b", second)].map(|(call, end)| (call.to_owned(), end.to_owned()))
    };

    let mut terminal = Terminal::start(ask(server.base(), &["메일"]), None);
    terminal.shows(CHOICES, 1).await;
    let seen = terminal.seen();
    assert!(seen.contains("kim@example.com") && !seen.contains("lee@example.com\""), "{seen}");
    terminal.types("y\n");
    terminal.shows(CHOICES, 2).await;
    assert!(terminal.seen().contains("lee@example.com\""), "{}", terminal.seen());
    terminal.types("y\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 0, "{seen}");
    assert_eq!(ends_of_calls(&server, &session_of(&seen)).await, both("success", "success"));
    assert!(!seen.contains("decided elsewhere"), "{seen}");

    // What a colleague decides meanwhile is not asked any more, and the question that is asked stays.
    let mut terminal = Terminal::start(ask(server.base(), &["메일"]), None);
    terminal.shows(CHOICES, 1).await;
    let later = request_of(&server, &session_of(&terminal.seen())).await;
    server.as_user("tenant1", "lee").approve(&later).await;
    terminal.shows(&format!("(send_email ({later}) was decided elsewhere"), 1).await;
    terminal.shows(CHOICES, 2).await;
    terminal.types("y\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 0, "{seen}");
    assert_eq!(ends_of_calls(&server, &session_of(&seen)).await, both("success", "success"));
    assert_eq!(seen.matches("may be approved by").count(), 1, "{seen}");

    // A no ends the run, and takes the other question back.
    let mut terminal = Terminal::start(ask(server.base(), &["메일"]), None);
    terminal.shows(CHOICES, 1).await;
    terminal.types("n\n");
    terminal.shows("reason", 1).await;
    terminal.types("\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 1, "{seen}");
    assert_eq!(ends_of_calls(&server, &session_of(&seen)).await, both("cancelled", "cancelled"));

    let ended = run(ask(server.base(), &["--approve", "메일"])).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let session = session_of(&ended.stderr);
    assert_eq!(ends_of_calls(&server, &session).await, both("success", "success"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prompt_goes_away_once_a_colleague_has_decided() {
    let server = Server::embedded().await;
    let mut terminal = Terminal::start(ask(server.base(), &[MERGE]), None);
    terminal.shows(CHOICES, 1).await;
    let request = request_of(&server, &session_of(&terminal.seen())).await;
    let approved = server.as_user("tenant1", "lee").approve(&request).await;
    assert_eq!(approved.status, StatusCode::OK);
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 0, "{seen}");
    let told = format!("(git_merge ({request}) was decided elsewhere, or its time is over)");
    assert!(seen.contains(&told), "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prompt_goes_away_once_its_time_is_over() {
    let server = Server::start(Options::default().set("HITL_TIMEOUT_SECONDS", 2)).await;
    let mut terminal = Terminal::start(ask(server.base(), &[MERGE]), None);
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 1, "{seen}");
    assert!(seen.contains("was decided elsewhere, or its time is over"), "{seen}");
    assert!(seen.contains("error: the run failed"), "{seen}");
}

/// A `y` that was typed for nothing in particular, or for the question before, approves nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_typed_before_a_question_was_shown_does_not_answer_it() {
    let gate = Gate::closed();
    let mail = json!({"to": ["kim@example.com"], "subject": "a", "body": "b"});
    let held = Reply::stream()
        .gate(&gate)
        .call("call_a", "send_email", [mail.to_string().as_str()])
        .ends("tool_calls");
    let model = FakeModel::scripted([held]).await;
    let server = Server::start(Options::default().model(&model)).await;
    let mut terminal = Terminal::start(ask(server.base(), &["메일"]), None);
    gate.reached().await;
    // One whole line, and one that only the next Enter would end. The terminal shows what it has taken.
    terminal.types("y\ny");
    terminal.shows("y\r\ny", 1).await;
    gate.open();
    terminal.shows(CHOICES, 1).await;
    terminal.types("\n");
    terminal.shows(CHOICES, 2).await;
    terminal.types("n\n");
    terminal.shows("reason (Enter for none): ", 1).await;
    terminal.types("\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 1, "{seen}");
    let (status, _) = last_call(&server, &session_of(&seen)).await;
    assert_eq!(status, "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_stdin_is_no_terminal_nothing_is_asked_and_it_is_told_how_to_decide() {
    let server = Server::embedded().await;
    let mut command = tokio::process::Command::from(ask(server.base(), &[MERGE]));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = timeout(PATIENCE, async {
        let mut told = String::new();
        while !told.contains("stdin is no terminal") {
            told.push_str(&lines.next_line().await.unwrap().expect("it has ended"));
            told.push('\n');
        }
        told
    });
    let told = told.await.expect("it does not say how to decide");
    let session = session_of(&told);
    let way = format!("' ask --url '{}' --session {session} in a terminal", server.base());
    assert!(told.contains(&way), "{told}");
    let request = request_of(&server, &session).await;
    assert!(told.contains(&format!("/aura/approvals/{request}/approve")), "{told}");
    server.user().approve(&request).await;
    let ended = timeout(PATIENCE, child.wait()).await.expect("no end").unwrap();
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flags_decide_where_nobody_is_asked() {
    let server = Server::embedded().await;
    let ended = run(ask(server.base(), &["--reject", "not on a Friday", MERGE])).await;
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("not on a Friday"), "{}", ended.stderr);
    assert!(!is_merged(&server));
    let ended = run(ask(server.base(), &["--approve", MERGE])).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(is_merged(&server));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_not_approve_is_told_so_and_may_still_say_no() {
    let options = Options::default().set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "role:manager");
    let (server, _model) = one_mail(options).await;
    let mut terminal = Terminal::start(ask(server.base(), &["메일"]), None);
    terminal.shows(CHOICES, 1).await;
    assert!(terminal.seen().contains("may be approved by role:manager"), "{}", terminal.seen());
    terminal.types("y\n");
    terminal.shows("not decided: 403 ", 1).await;
    terminal.shows(CHOICES, 2).await;
    terminal.types("n\n");
    terminal.shows("reason", 1).await;
    terminal.types("\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 1, "{seen}");
}
