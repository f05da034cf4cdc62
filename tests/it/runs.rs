//! Whole runs with a model behind HTTP: what a client sees, whatever the provider does.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::app::{Options, Server};
use crate::support::model::{FakeModel, Gate, Reply, tool_result};
use crate::support::stream::SseStream;

/// A server that asks this model.
async fn server_with(model: &FakeModel) -> Server {
    let options = Options::default()
        .set("OPENAI_BASE_URL", model.base_url())
        .set("OPENAI_MODEL", "fake-model")
        .set("AURA__MODEL__MAX_RETRIES", 1)
        .set("AURA__MODEL__FIRST_TOKEN_TIMEOUT_SECONDS", 2)
        .set("AURA__MODEL__IDLE_TIMEOUT_SECONDS", 2);
    Server::start(options).await
}

async fn run(model: &FakeModel, prompt: &str) -> SseStream {
    let server = server_with(model).await;
    let mut stream = server.user().stream(prompt).await;
    stream.to_done().await;
    stream
}

fn tools(stream: &SseStream) -> Vec<(String, String)> {
    let calls = stream.all("tool_execution").into_iter();
    calls
        .map(|frame| {
            let field = |name: &str| frame.data[name].as_str().unwrap().to_owned();
            (field("toolName"), field("status"))
        })
        .collect()
}

/// A turn that is one tool call.
fn calling(id: &str, tool: &str, arguments: &str) -> Reply {
    Reply::stream().call(id, tool, [arguments]).ends("tool_calls")
}

fn pair(tool: &str, status: &str) -> (String, String) {
    (tool.to_owned(), status.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_is_shown_as_it_comes_and_adds_up_to_the_answer() {
    let gate = Gate::closed();
    let model = FakeModel::always(
        Reply::stream()
            .piece("안녕하세요, ")
            .gate(&gate)
            .piece("무엇을 도와드릴까요?")
            .ends("stop"),
    )
    .await;
    let server = server_with(&model).await;
    let mut stream = server.user().stream("안녕").await;
    let first = stream.until("content").await;
    assert_eq!(first.data["content"], "안녕하세요, ");
    assert_eq!(first.data["chunk"], true);
    gate.open();
    stream.to_done().await;
    assert_eq!(stream.answer(), "안녕하세요, 무엇을 도와드릴까요?");
    assert_eq!(stream.all("start")[0].data["model"], "fake-model");
    assert_eq!(stream.status_at_end(), "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_rounds_of_tools_feed_the_models_answer() {
    let model = FakeModel::scripted([
        Reply::stream().call("call_a", "git_status", ["{", "}"]).ends("tool_calls"),
        Reply::stream().call("call_b", "git_log", ["{\"li", "mit\"", ": 2}"]).ends("tool_calls"),
        Reply::text(["저장소는 ", "깨끗합니다."]),
    ])
    .await;
    let stream = run(&model, "저장소 상태를 자세히 알려줘").await;
    assert_eq!(stream.answer(), "저장소는 깨끗합니다.");
    let expected = [
        pair("git_status", "running"),
        pair("git_status", "success"),
        pair("git_log", "running"),
        pair("git_log", "success"),
    ];
    assert_eq!(tools(&stream), expected, "{:#?}", stream.summary());
    assert_eq!(stream.status_at_end(), "completed");

    let requests = model.requests();
    let messages = requests[2].body["messages"].as_array().unwrap();
    let roles: Vec<&str> = messages.iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "assistant", "tool"]);
    let status: Value = tool_result(&messages[3]);
    assert_eq!(status["branch"], "main", "{status}");
    let log: Value = tool_result(&messages[5]);
    assert_eq!(log["commits"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_for_now_is_overcome() {
    let model = FakeModel::scripted([
        Reply::status(429).header("retry-after", "0"),
        Reply::text(["좋습니다."]),
    ])
    .await;
    let stream = run(&model, "안녕").await;
    assert_eq!(stream.answer(), "좋습니다.");
    assert_eq!(model.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_out_ends_with_the_trailer() {
    let ways: Vec<(Reply, &str, &str)> = vec![
        (Reply::status(500), "ModelUnavailableError", "E5000"),
        (Reply::status(401), "ModelRefusedError", "E5000"),
        (Reply::silence(), "ModelTimeoutError", "E5001"),
        (Reply::stream().piece("반쯤").cut(), "ModelStreamError", "E5000"),
        (Reply::stream().piece("반쯤").goes_silent(), "ModelTimeoutError", "E5001"),
        (Reply::stream(), "", ""),
    ];
    for (reply, error_type, code) in ways {
        let what = format!("{reply:?}");
        let model = FakeModel::always(reply).await;
        let stream = run(&model, "안녕").await;
        assert_eq!(stream.status_at_end(), "failed", "{what}: {:#?}", stream.summary());
        let error = &stream.all("error").pop().unwrap().data;
        if !error_type.is_empty() {
            assert_eq!(error["errorType"], error_type, "{what}: {error}");
            assert_eq!(error["errorCode"], code, "{what}: {error}");
        }
        assert!(error["retryable"].is_boolean());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_model_gets_wrong_about_a_tool_is_told_to_the_model() {
    let model = FakeModel::scripted([
        calling("call_a", "git_frobnicate", "{}"),
        calling("call_b", "git_log", "this is not JSON"),
        calling("call_c", "git_show_file", "{\"path\": 7}"),
        Reply::text(["못 했습니다."]),
    ])
    .await;
    let stream = run(&model, "뭐든 해봐").await;
    let expected = [
        pair("git_frobnicate", "failed"),
        pair("git_log", "failed"),
        pair("git_show_file", "failed"),
    ];
    assert_eq!(tools(&stream), expected);
    assert_eq!(stream.status_at_end(), "completed");
    let errors: Vec<String> = stream
        .all("tool_execution")
        .into_iter()
        .map(|frame| frame.data["error"].as_str().unwrap().to_owned())
        .collect();
    assert!(errors[0].contains("git_frobnicate") && errors[0].contains("git_status"), "{errors:?}");
    assert!(errors[1].contains("JSON"), "{errors:?}");
    assert!(errors[2].contains("path"), "{errors:?}");
    let told = model.requests()[3].body["messages"].to_string();
    assert!(told.contains("not valid JSON"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_never_stops_calling_tools_is_stopped() {
    let model = FakeModel::answering(|_| calling("call_x", "git_status", "{}")).await;
    let stream = run(&model, "끝없이").await;
    assert_eq!(stream.status_at_end(), "failed");
    assert_eq!(stream.all("error").pop().unwrap().data["errorType"], "StepBudgetError");
    // The same id in every turn of the model is a new call every time.
    let mut ids: Vec<String> = stream
        .all("tool_execution")
        .into_iter()
        .filter(|frame| frame.data["status"] == "running")
        .map(|frame| frame.data["toolCallId"].as_str().unwrap().to_owned())
        .collect();
    let calls = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), calls), (7, 7), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn confidence_is_the_models_own_where_it_gives_log_probabilities() {
    let half = [0.5_f64.ln()];
    let model =
        FakeModel::always(Reply::stream().piece_with_logprobs("네", &half).ends("stop")).await;
    let stream = run(&model, "안녕").await;
    let update = stream.all("plan_step_update").into_iter().find(|f| f.data["confidence"] == 0.5);
    assert!(update.is_some(), "{:#?}", stream.summary());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_of_one_thread_share_the_conversation() {
    let model = FakeModel::always(Reply::text(["파란색입니다."])).await;
    let server = server_with(&model).await;
    let user = server.user();
    let ask = |prompt: &str| json!({"prompt": prompt, "threadId": "thread-7"});
    user.stream_with(ask("제가 좋아하는 색은 파란색이에요")).await.to_done().await;
    user.stream_with(ask("무슨 색이죠?")).await.to_done().await;
    let stranger = server.as_user("tenant1", "somebody");
    stranger.stream_with(ask("무슨 색이죠?")).await.to_done().await;

    let contents = |request: usize| -> Vec<String> {
        let requests = model.requests();
        let messages = requests[request].body["messages"].as_array().unwrap().clone();
        messages[1..].iter().map(|m| m["content"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(contents(1), ["제가 좋아하는 색은 파란색이에요", "파란색입니다.", "무슨 색이죠?"]);
    assert_eq!(contents(2), ["무슨 색이죠?"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn losing_the_client_does_not_stop_the_run() {
    let gate = Gate::closed();
    let model =
        FakeModel::always(Reply::stream().piece("하나 ").gate(&gate).piece("둘").ends("stop"))
            .await;
    let server = server_with(&model).await;
    let user = server.user();
    let mut stream = user.stream("세어줘").await;
    stream.until("content").await;
    let (session, seen) = (stream.session(), stream.frames.last().unwrap().id);
    drop(stream);
    gate.open();
    let mut rest = user.resume(&session, Some(seen)).await;
    rest.to_done().await;
    assert_eq!(rest.answer(), "둘");
    assert_eq!(rest.status_at_end(), "completed");
    assert_eq!(model.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_at_work_can_be_cancelled() {
    let gate = Gate::closed();
    let model =
        FakeModel::always(Reply::stream().piece("하나 ").gate(&gate).piece("둘").ends("stop"))
            .await;
    let server = server_with(&model).await;
    let user = server.user();
    let mut stream = user.stream("세어줘").await;
    stream.until("content").await;
    let path = format!("/aura/sessions/{}/cancel", stream.session());
    let answer = user.post(&path, json!({})).await;
    assert_eq!((answer.status, &answer.data()["status"]), (StatusCode::OK, &json!("cancelled")));
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "cancelled");
    model.wait_for_hang_ups(1).await;
}

/// The last `content` carries what the last tool gave people to look at, and no words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_content_carries_what_a_tool_gave_to_look_at() {
    let server = Server::embedded().await;
    let mut stream = server.user().stream("GitHub PR을 분석해주세요").await;
    stream.to_done().await;
    let contents = stream.all("content");
    let (last, before) = contents.split_last().unwrap();
    let result = &last.data["metadata"]["result"];
    assert_eq!((&last.data["content"], &result["type"]), (&"".into(), &"diff".into()));
    assert_eq!(result["title"], "main → feature");
    assert!(result["content"].as_str().unwrap().starts_with("diff --git"), "{result}");
    assert!(before.iter().all(|frame| frame.data["metadata"]["result"].is_null()));

    let mut stream = server.user().stream("저장소 상태를 알려줘").await;
    stream.to_done().await;
    let list = &stream.all("content").last().unwrap().data["metadata"]["result"];
    assert_eq!(list["type"], "checklist", "{list}");
    assert!(list["items"].as_array().unwrap().iter().any(|item| item["checked"] == true));

    let mut greeting = server.user().stream("안녕하세요").await;
    greeting.to_done().await;
    assert!(greeting.all("content").iter().all(|frame| frame.data["metadata"]["result"].is_null()));
}
