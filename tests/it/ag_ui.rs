//! The AG-UI rendering where it has to hold what all streams do: on another replica, and behind the guard.
//! What the protocol's own client makes of it is tested in `tests/ag_ui`.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::app::{Caller, Options, PATIENCE, Server};
use crate::support::git::Workspace;
use crate::support::model::{FakeModel, Reply};
use crate::support::redis::RedisServer;
use crate::support::stream::Frame;

const PATH: &str = "/aura/ag-ui";

/// A run's bytes, to its end.
async fn run(user: &Caller, input: &Value) -> String {
    let response = user.request(Method::POST, PATH).json(input).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    timeout(PATIENCE, response.text()).await.expect("the run has no end").unwrap()
}

/// The events in these bytes.
fn events(bytes: &str) -> Vec<Value> {
    let data = bytes.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn merge(run: &str) -> Value {
    let content = "feature 브랜치를 main에 병합해주세요";
    json!({"threadId": "t", "runId": run, "messages": [{"id": "1", "role": "user", "content": content}]})
}

fn approval(run: &str, bytes: &str) -> Value {
    let last = events(bytes).pop().unwrap();
    let id = &last["outcome"]["interrupts"][0]["id"];
    let entry = json!({"interruptId": id, "status": "resolved", "payload": {"approved": true}});
    json!({"threadId": "t", "runId": run, "messages": [], "resume": [entry]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_the_same_to_the_byte_and_goes_on_on_another_replica() {
    let (redis, workspace) = (RedisServer::start(), Workspace::with_sample("sample").await);
    let options =
        || Options::default().set("REDIS_URL", redis.url()).set("AURA__AGENT__LEASE_SECONDS", 1);
    let root = workspace.root();
    let (first, second) =
        tokio::join!(Server::start_in(options(), &root), Server::start_in(options(), &root));
    let asked = run(&first.user(), &merge("r1")).await;
    assert_eq!(events(&asked).pop().unwrap()["outcome"]["type"], "interrupt");
    first.kill().await;
    assert_eq!(run(&second.user(), &merge("r1")).await, asked);
    let done = run(&second.user(), &approval("r2", &asked)).await;
    assert_eq!(events(&done).pop().unwrap()["outcome"]["type"], "success", "{done}");
    assert_eq!(run(&second.user(), &approval("r2", &asked)).await, done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_last_event_id_that_nothing_can_follow_hides_nothing() {
    let server = Server::start(Options::default()).await;
    let user = server.user();
    let request = user.request(Method::POST, PATH).header("Last-Event-ID", u64::MAX.to_string());
    let response = request.json(&merge("r1")).send().await.unwrap();
    let told = timeout(PATIENCE, response.text()).await.expect("the run has no end").unwrap();
    assert_eq!(events(&told)[0]["type"], "RUN_STARTED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_nothing_happens_on_is_kept_alive_and_is_broken_off_when_the_server_stops() {
    let options = Options::default()
        .set("AURA__TOOLS__APPROVERS__GIT_MERGE", "2 of tenant")
        .set("AURA__STREAM__KEEP_ALIVE_SECONDS", 1);
    let server = Server::start(options).await;
    let user = server.user();
    let asked = run(&user, &merge("r1")).await;
    // One yes of two: the run goes on to wait, and so does its stream.
    let request = user.request(Method::POST, PATH).json(&approval("r2", &asked));
    let mut response = request.send().await.unwrap();
    let mut text = String::new();
    while !text.contains(": keep-alive id:\n\n") {
        let chunk = timeout(PATIENCE, response.chunk()).await.expect("silence").unwrap().unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert_eq!(events(&text)[0]["type"], "RUN_STARTED");
    server.ask_to_end();
    let rest = timeout(PATIENCE, async {
        while let Some(chunk) = response.chunk().await? {
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        Ok::<_, reqwest::Error>(())
    });
    assert!(rest.await.expect("it is not broken off").is_err(), "{text}");
    assert!(!text.contains("RUN_FINISHED") && !text.contains("RUN_ERROR"), "{text}");
    assert_eq!(server.ended().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_json_also_for_who_reads_streams() {
    let server = Server::embedded().await;
    let anonymous = server.anonymous(Method::POST, PATH).header("Accept", "text/event-stream");
    let refused = anonymous.json(&merge("r1")).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers()["content-type"], "application/json");
    assert_eq!(refused.json::<Value>().await.unwrap()["errorCode"], "E2000");
    let other = server.user().request(Method::GET, PATH).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::METHOD_NOT_ALLOWED);
}

/// What a refusal says: status, code and detail.
async fn refused(user: &Caller, input: &Value) -> (StatusCode, String, String) {
    let response = user.request(Method::POST, PATH).json(input).send().await.unwrap();
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (status, text("errorCode"), text("detail"))
}

fn resume(run: &str, entries: &[Value]) -> Value {
    json!({"threadId": "t", "runId": run, "messages": [], "resume": entries})
}

fn resolved(request: &str, payload: &Value) -> Value {
    json!({"interruptId": request, "status": "resolved", "payload": payload})
}

/// A server whose model wants two mails sent, which are asked about together; and the two requests.
async fn two_questions(options: Options) -> (Server, FakeModel, [String; 2]) {
    let mail = json!({"to": ["kim@example.com"], "subject": "a", "body": "b"}).to_string();
    let model = FakeModel::answering(move |body| {
        let messages = body["messages"].as_array().unwrap();
        match messages.iter().any(|message| message["role"] == "tool") {
            true => Reply::text(["done"]),
            false => Reply::stream()
                .call("call_a", "send_email", [mail.as_str()])
                .call("call_b", "send_email", [mail.as_str()])
                .ends("tool_calls"),
        }
    })
    .await;
    let server = Server::start(options.model(&model).set("AURA__HITL__ASK", "together")).await;
    let user = server.user();
    let messages = json!([{"id": "1", "role": "user", "content": "메일"}]);
    let input = json!({"threadId": "t", "runId": "r1", "messages": messages});
    let response = user.request(Method::POST, PATH).json(&input).send().await.unwrap();
    let session = response.headers()["x-session-id"].to_str().unwrap().to_owned();
    let mut stream = user.resume(&session, None).await;
    let [first, second] = [stream.until("hitl").await, stream.until("hitl").await];
    let request = |frame: Frame| frame.data["requestId"].as_str().unwrap().to_owned();
    (server, model, [request(first), request(second)])
}

async fn standing(user: &Caller, request: &str) -> String {
    let answer = user.get(&format!("/aura/hitl/requests/{request}")).await;
    let stored: Value = serde_json::from_str(answer.data().as_str().unwrap()).unwrap();
    stored["status"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_answers_none_counts_where_one_cannot_be_taken() {
    let (server, _model, [first, second]) = two_questions(Options::default()).await;
    let user = server.user();
    let yes = json!({"approved": true});
    let bad =
        json!({"approved": true, "editedArgs": {"to": ["nobody"], "subject": "a", "body": "b"}});
    let input = resume("r2", &[resolved(&first, &yes), resolved(&second, &bad)]);
    let (status, _, detail) = refused(&user, &input).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    for request in [&first, &second] {
        assert_eq!(standing(&user, request).await, "pending");
    }
    assert!(detail.starts_with("resume.payload.editedArgs: "), "{detail}");
    let both = resume("r2", &[resolved(&first, &yes), resolved(&second, &yes)]);
    let done = run(&user, &both).await;
    assert_eq!(events(&done).pop().unwrap()["outcome"]["type"], "success", "{done}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_takes_as_many_answers_as_it_may_have_questions_and_each_once() {
    let options = Options::default().set("AURA__AGENT__MAX_TOOL_CALLS", 2);
    let (server, _model, [first, second]) = two_questions(options).await;
    let user = server.user();
    let yes = json!({"approved": true});
    let twice = resume("r2", &[resolved(&first, &yes), resolved(&first, &yes)]);
    let invalid = |detail: String| (StatusCode::BAD_REQUEST, "E4000".to_owned(), detail);
    let expected = invalid(format!("resume: {first} is answered twice"));
    assert_eq!(refused(&user, &twice).await, expected);
    let many = resume("r2", &vec![resolved(&first, &yes); 2300]);
    let expected = invalid("resume: a run asks at most 2 questions, and there are 2300".to_owned());
    assert_eq!(refused(&user, &many).await, expected);
    for request in [&first, &second] {
        assert_eq!(standing(&user, request).await, "pending");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_told_in_the_words_of_the_protocol() {
    let server = Server::embedded().await;
    let user = server.user();
    let asked = run(&user, &merge("r1")).await;
    let mut other = merge("r1");
    other["messages"][0]["content"] = "안녕하세요".into();
    let (status, code, detail) = refused(&user, &other).await;
    assert_eq!((status, code.as_str()), (StatusCode::CONFLICT, "E3006"));
    assert!(detail.starts_with("runId: it was used with another prompt"), "{detail}");
    let mut no = approval("r2", &asked);
    no["resume"][0]["payload"] = json!({"approved": false, "reason": {"why": "no"}});
    let (status, _, detail) = refused(&user, &no).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(detail, "resume.payload: reason must be a string, is an object");
}
