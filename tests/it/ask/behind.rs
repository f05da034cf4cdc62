//! What stands between the command and the server, and answers in its place.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::questions::{CHOICES, editor};
use super::{ask, last_call, one_mail, run, session_of};
use crate::support::app::{Options, Server, client};
use crate::support::cutting::{Cut, CuttingProxy};
use crate::support::terminal::Terminal;

/// The platform's Gateway. Decisions below `/api/aura/hitl/` go to the Main Service, which says yes and knows
/// no changed arguments; everything else goes to the server.
struct Gateway {
    base: String,
    state: Arc<Mutex<Seen>>,
    serving: JoinHandle<()>,
}

struct Seen {
    server: String,
    /// What the next decisions are answered with, in place of the server.
    instead: VecDeque<(&'static str, &'static str)>,
    /// What the Main Service was asked.
    main_service: Vec<String>,
}

impl Gateway {
    async fn to(server: &Server) -> Self {
        let (server, instead) = (server.base().to_owned(), VecDeque::new());
        let state = Arc::new(Mutex::new(Seen { server, instead, main_service: Vec::new() }));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}/api", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, state, serving }
    }

    fn answers_instead(&self, answers: &[(&'static str, &'static str)]) {
        self.state.lock().unwrap().instead.extend(answers);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass(State(state): State<Arc<Mutex<Seen>>>, request: Request) -> Response {
    let path = request.uri().path().strip_prefix("/api").expect("below /api").to_owned();
    let is_decision = request.method() == Method::POST && !path.ends_with("/stream");
    let url = {
        let mut seen = state.lock().unwrap();
        if is_decision && path.starts_with("/aura/hitl/") {
            let id = path.rsplit('/').next().unwrap().to_owned();
            let data = json!({"requestId": id, "sessionId": "session_1", "status": "approved"});
            seen.main_service.push(path);
            let said = json!({"status": "SUCCESS", "data": data, "success": true}).to_string();
            return ([("content-type", "application/json")], said).into_response();
        }
        if is_decision && let Some((kind, body)) = seen.instead.pop_front() {
            return ([("content-type", kind)], body).into_response();
        }
        format!("{}{path}", seen.server)
    };
    let (parts, body) = request.into_parts();
    let mut headers = parts.headers;
    headers.remove("host");
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let answer = client().request(parts.method, url).headers(headers).body(body).send();
    let answer = answer.await.unwrap();
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove("transfer-encoding");
    let chunks = unfold(answer, |mut answer| async move {
        let chunk = answer.chunk().await.transpose()?;
        Some((chunk, answer))
    });
    (status, headers, Body::from_stream(chunks)).into_response()
}

fn to_lee(directory: &TempDir) -> String {
    editor(directory, "sed -i 's/kim@/lee@/' \"$1\"")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_arguments_are_what_runs_also_behind_the_gateway() {
    let (server, _model) = one_mail(Options::default()).await;
    let gateway = Gateway::to(&server).await;
    let directory = TempDir::new().unwrap();
    let mut command = ask(&gateway.base, &["메일"]);
    command.env("EDITOR", to_lee(&directory));
    let mut terminal = Terminal::start(command, None);
    terminal.shows(CHOICES, 1).await;
    terminal.types("e\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 0, "{seen}");
    let (status, arguments) = last_call(&server, &session_of(&seen)).await;
    assert_eq!((status.as_str(), &arguments["to"]), ("success", &json!(["lee@example.com"])));
    assert!(gateway.state.lock().unwrap().main_service.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_decision_is_told_and_the_question_stays_open() {
    const NONE: [(&str, &str); 3] = [
        ("text/html", "<html>hello</html>"),
        ("application/json", r#"{"status":"SUCCESS","data":null,"success":true}"#),
        ("application/json", r#"{"status":"ERROR","message":"no","success":false}"#),
    ];
    let (server, _model) = one_mail(Options::default()).await;
    let gateway = Gateway::to(&server).await;
    gateway.answers_instead(&NONE);
    let mut terminal = Terminal::start(ask(&gateway.base, &["메일"]), None);
    terminal.shows(CHOICES, 1).await;
    terminal.types("y\n");
    terminal.shows("(not decided yet, sent again: 200 without a decision: \"<html>hello", 1).await;
    terminal.shows("not decided: 200 without a decision: ", 1).await;
    terminal.shows(CHOICES, 2).await;
    terminal.types("y\n");
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 0, "{seen}");

    gateway.answers_instead(&NONE);
    let ended = run(ask(&gateway.base, &["--approve", "메일"])).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(last_call(&server, &session_of(&ended.stderr)).await.0, "success");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_arguments_that_are_asked_anew_are_told_as_such_also_when_the_first_answer_was_lost()
 {
    let options = Options::default().set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "2 of tenant");
    let (server, _model) = one_mail(options).await;
    // The stream; nothing of the stored request; and the decision, whose answer is lost.
    let cuts = [Cut::Never, Cut::Unreached, Cut::After(0)];
    let proxy = CuttingProxy::to(server.base(), &cuts).await;
    let directory = TempDir::new().unwrap();
    let mut command = ask(&proxy.base(), &["메일"]);
    command.env("EDITOR", to_lee(&directory));
    let mut terminal = Terminal::start(command, None);
    terminal.shows(CHOICES, 1).await;
    terminal.types("e\n");
    terminal.shows("(not decided yet, sent again: ", 1).await;
    terminal.shows("(the arguments were changed; the question is asked anew)", 1).await;
    terminal.shows(CHOICES, 2).await;
    assert!(!terminal.seen().contains("already decided"), "{}", terminal.seen());
    terminal.types("y\n");
    terminal.shows("(noted; 1 of 2 have approved)", 1).await;
    let session = session_of(&terminal.seen());
    let request = super::questions::request_of(&server, &session).await;
    server.as_user("tenant1", "lee").approve(&request).await;
    let (code, seen) = terminal.ended().await;
    assert_eq!(code, 0, "{seen}");
    assert_eq!(last_call(&server, &session).await.1["to"], json!(["lee@example.com"]));
}
