//! `ask`, as somebody uses it beside a running server.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::support::app::{Options, PATIENCE, Server, binary, token};
use crate::support::model::{FakeModel, Reply};
use crate::support::terminal::Terminal;

mod behind;
mod interrupted;
mod questions;
mod refused;

const MERGE: &str = "feature 브랜치를 main에 병합해주세요";

/// The command, with a user's token and no other environment.
fn ask(base: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command
        .args(["ask", "--url", base])
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AURA_TOKEN", token("tenant1", "user123"));
    command
}

/// How a command ended that had no terminal.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs the command without a terminal, to its end.
async fn run(command: Command) -> Ended {
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.expect("no end").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap_or(-1);
    Ended { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The session that is told of.
fn session_of(told: &str) -> String {
    let (_, rest) = told.split_once("(session ").unwrap_or_else(|| panic!("no session: {told}"));
    rest.split(')').next().unwrap().to_owned()
}

/// A server whose model wants one mail sent, and then says that it is done.
async fn one_mail(options: Options) -> (Server, FakeModel) {
    let mail = json!({"to": ["kim@example.com"], "subject": "보고", "body": "끝"});
    let model = FakeModel::answering(move |body| {
        let messages = body["messages"].as_array().unwrap();
        match messages.iter().any(|message| message["role"] == "tool") {
            true => Reply::text(["보냈", "습니다."]),
            false => Reply::tool_call("send_email", &mail),
        }
    })
    .await;
    (Server::start(options.model(&model)).await, model)
}

/// What the run did with its call: `status` and `toolArgs` of its last `tool_execution`.
async fn last_call(server: &Server, session: &str) -> (String, Value) {
    let mut stream = server.user().resume(session, None).await;
    stream.to_done().await;
    let call = stream.all("tool_execution").pop().unwrap().data.clone();
    (call["status"].as_str().unwrap().to_owned(), call["toolArgs"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_alone_is_on_stdout_and_what_happens_is_on_stderr() {
    let server = Server::embedded().await;
    let ended = run(ask(server.base(), &["안녕하세요"])).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let mut stream = server.user().resume(&session_of(&ended.stderr), None).await;
    stream.to_done().await;
    assert_eq!(ended.stdout, format!("{}\n", stream.answer()));
    assert!(ended.stderr.contains("(builtin-planner)"), "{}", ended.stderr);
    assert!(ended.stderr.contains(" tokens)"), "{}", ended.stderr);
    assert!(!ended.stderr.contains('\x1b'), "no colours in a file: {}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_printed_as_they_came_for_scripts() {
    let server = Server::embedded().await;
    let ended = run(ask(server.base(), &["--json", "저장소 상태를 알려줘"])).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let mut stream = server.user().resume(&session_of(&ended.stderr), None).await;
    stream.to_done().await;
    let events: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected: Vec<Value> =
        stream.frames.iter().filter(|f| !f.is_done()).map(|f| f.data.clone()).collect();
    assert_eq!(events, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_model_says_drives_the_terminal() {
    let evil = "a\x1b]0;owned\x07\x1b[2Jb\u{9b}31m\u{202e}c\rd";
    let model = FakeModel::answering(move |_| Reply::text([evil])).await;
    let server = Server::start(Options::default().model(&model)).await;
    let mut command = ask(server.base(), &[evil.trim_end()]);
    command.env("NO_COLOR", "1");
    let (code, seen) = Terminal::start(command, None).ended().await;
    assert_eq!(code, 0, "{seen}");
    // The terminal itself ends lines with CR and LF.
    let seen = seen.replace("\r\n", "\n");
    let unseen = seen.chars().filter(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
    assert_eq!(unseen.collect::<String>(), "", "{seen:?}");
    assert!(seen.contains(r"\u{1b}[2Jb"), "{seen}");

    let piped = run(ask(server.base(), &["x"])).await;
    assert!(!piped.stdout.contains(['\x1b', '\u{9b}', '\x07']), "{:?}", piped.stdout);
    let as_json = run(ask(server.base(), &["--json", "x"])).await;
    let is_seen = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
    assert!(as_json.stdout.chars().all(is_seen), "{:?}", as_json.stdout);
    let contents = as_json.stdout.lines().filter_map(|line| {
        let event: Value = serde_json::from_str(line).unwrap();
        (event["type"] == "content").then(|| event["content"].as_str().unwrap().to_owned())
    });
    assert_eq!(contents.collect::<String>(), evil, "and nothing of it is lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_goes_on_in_its_thread() {
    let model = FakeModel::answering(|_| Reply::text(["네"])).await;
    let server = Server::start(Options::default().model(&model)).await;
    for prompt in ["내 이름은 김입니다", "내 이름이 뭐죠?"] {
        let ended = run(ask(server.base(), &["--thread", "t-1", prompt])).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let last = model.requests().pop().unwrap().body["messages"].to_string();
    assert!(last.contains("내 이름은 김입니다"), "{last}");
}

/// A token of `serve --dev`'s banner is in `dev.rs`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_made_with_the_secret_of_the_settings_and_that_is_said() {
    let server = Server::embedded().await;
    let mut command = ask(server.base(), &["--sub", "kim", "--tenant", "tenant1", "안녕하세요"]);
    command.env("JWT_SECRET", crate::support::app::SECRET);
    let ended = run(command).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let note = "(asking as user kim of tenant tenant1, with a token made for it)";
    assert!(ended.stderr.starts_with(note), "{}", ended.stderr);
    assert!(session_of(&ended.stderr).starts_with("session_kim_"));

    let directory = TempDir::new().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, format!("{}\n", token("tenant1", "lee"))).unwrap();
    let ended = run(ask(server.base(), &["--token-file", path(&file), "안녕하세요"])).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(session_of(&ended.stderr).starts_with("session_lee_"));
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
