//! What the frontend's two pages show of a run: each reads other names of the same fields.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{Caller, Options, Server};
use crate::support::call::names;
use crate::support::model::{FakeModel, Reply};
use crate::support::pages::{Chunks, Page, Screen};

const MERGE: &str = "feature 브랜치를 main에 병합해주세요";

/// The form of the stream: flat, or in envelopes.
#[derive(Clone, Copy, Debug)]
enum Form {
    Post,
    Get,
}

async fn begin(user: &Caller, form: Form, prompt: &str) -> Chunks {
    let request = match form {
        Form::Post => user.post_stream(json!({ "prompt": prompt })),
        Form::Get => {
            let message: String = url::form_urlencoded::byte_serialize(prompt.as_bytes()).collect();
            user.request(Method::GET, &format!("/aura/test/stream?message={message}"))
        }
    };
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    Chunks::of(response)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_appears_on_both_pages() {
    for page in [Page::Overlay, Page::Workspace] {
        for form in [Form::Post, Form::Get] {
            let server = Server::embedded().await;
            let user = server.user();
            let (mut body, mut screen) = (begin(&user, form, MERGE).await, Screen::default());
            page.until_asked(&mut body, &mut screen).await;
            let [card] = &screen.cards[..] else { panic!("{page:?} {form:?}: {screen:#?}") };
            assert_eq!(card.action, "git_merge", "{page:?} {form:?}");
            let merge = json!({"source": "feature", "target": "main"});
            assert!(names(&card.params, &merge), "{}", card.params);
            assert_eq!(card.confidence, None, "the planner's guess is nothing to decide by");

            assert_eq!(user.approve(&card.request).await.status, StatusCode::OK);
            page.to_end(&mut body, &mut screen).await;
            assert!(!screen.content.is_empty(), "{page:?} {form:?}: {screen:#?}");
            if page == Page::Workspace {
                assert!(!screen.thoughts.is_empty(), "{screen:#?}");
                let tools = ["pending", "running", "success"].map(|s| format!("git_merge {s}"));
                assert_eq!(screen.tools, tools);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_tells_how_sure_the_model_was_only_where_that_was_measured() {
    let mail = json!({"to": ["kim@example.com"], "subject": "보고", "body": "끝"}).to_string();
    let asks = || Reply::stream().call("call_a", "send_email", [mail.as_str()]).ends("tool_calls");
    let half = [0.5_f64.ln()];
    let sure = Reply::stream()
        .piece_with_logprobs("보냅니다.", &half)
        .call("call_a", "send_email", [mail.as_str()])
        .ends("tool_calls");
    for (reply, confidence) in [(asks(), None), (sure, Some(json!(0.5)))] {
        let model = FakeModel::scripted([reply]).await;
        let server = Server::start(Options::default().model(&model)).await;
        let mut stream = server.user().stream("메일을 보내줘").await;
        let hitl = stream.until("hitl").await;
        assert_eq!(hitl.data.get("confidence"), confidence.as_ref(), "{:?}", hitl.data);
        let steps = stream.all("plan_step");
        assert!(steps.iter().all(|step| step.data["confidence"].is_f64()), "{steps:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_that_are_no_object_are_shown_as_none_and_the_error_quotes_them() {
    let long = format!("[\"{}\"]", "가".repeat(5_000));
    for wrong in [r#"{"ref": }"#, "[1,2]", "\"main\"", long.as_str()] {
        let model = FakeModel::scripted([
            Reply::stream().call("call_a", "git_log", [wrong]).ends("tool_calls"),
            Reply::text(["못 했습니다."]),
        ])
        .await;
        let server = Server::start(Options::default().model(&model)).await;
        let mut stream = server.user().stream("로그").await;
        let call = stream.until("tool_execution").await.data;
        assert_eq!((&call["toolArgs"], &call["params"]), (&json!({}), &json!({})), "{call}");
        assert_eq!((&call["status"], &call["durationMs"]), (&json!("failed"), &json!(0)));
        let error = call["error"].as_str().unwrap();
        let beginning: String = wrong.chars().take(100).collect();
        assert!(error.contains(&beginning) && error.len() < 2_000, "{error}");
        stream.to_done().await;
    }
}

/// Every call that ended says how long it ran.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_that_ended_tells_how_long_it_ran() {
    let server = Server::embedded().await;
    let user = server.user();
    let mut stream = user.stream(MERGE).await;
    let hitl = stream.until("hitl").await;
    user.reject(hitl.data["id"].as_str().unwrap(), "아니요").await;
    stream.to_done().await;
    let mut approved = user.stream(MERGE).await;
    let hitl = approved.until("hitl").await;
    user.approve(hitl.data["id"].as_str().unwrap()).await;
    approved.to_done().await;
    let calls: Vec<&Value> = [&stream, &approved]
        .into_iter()
        .flat_map(|stream| stream.all("tool_execution"))
        .map(|frame| &frame.data)
        .collect();
    let ended = ["success", "failed", "cancelled"];
    for call in calls {
        let is_over = ended.contains(&call["status"].as_str().unwrap());
        assert_eq!(call["durationMs"].is_u64(), is_over, "{call}");
    }
}
