//! A reference server's tools in a run: told to the model, asked for where they must be, called.

use serde_json::{Value, json};

use super::{python, script};
use crate::support::app::{Options, Server, eventually};
use crate::support::model::{FakeModel, Reply};

const TOLD: &str = "MCP server tells its tools";

/// A server whose model does this, with the reference server's `get_current_time` as read-only.
async fn server(model: &FakeModel) -> Option<Server> {
    let command = json!([python()?, "-m", "mcp_server_time", "--local-timezone=UTC"]);
    let options = Options::default()
        .model(model)
        .set("AURA__MCP__SERVERS__TIME__COMMAND", command)
        .set("AURA__MCP__SERVERS__TIME__READ_ONLY", "get_current_time")
        .set("AURA__MCP__SERVERS__AWAY__COMMAND", "/does/not/exist")
        .set("AURA__TOOLS__APPROVAL__AWAY__ANYTHING", "none");
    let server = Server::start(options).await;
    eventually("the tools are known", async || server.log().contains(TOLD)).await;
    Some(server)
}

#[tokio::test]
async fn a_read_only_tool_of_an_mcp_server_runs_without_a_question() {
    let arguments = json!({"timezone": "Asia/Seoul"});
    let call = Reply::tool_call("time_get_current_time", &arguments);
    let model = FakeModel::scripted([call, Reply::text(["끝"])]).await;
    let Some(server) = server(&model).await else { return };
    let mut stream = server.user().stream("지금 몇 시야?").await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
    assert!(stream.all("hitl").is_empty());
    let done = stream.all("tool_execution").pop().unwrap().data.clone();
    assert_eq!(
        (&done["toolName"], &done["status"]),
        (&json!("time.get_current_time"), &json!("success"))
    );

    let requests = model.requests();
    let offered = requests[0].body["tools"].as_array().unwrap();
    let names: Vec<&Value> = offered.iter().map(|tool| &tool["function"]["name"]).collect();
    assert!(names.contains(&&json!("time_convert_time")), "{names:?}");
    let heard = requests[1].message(-1)["content"].as_str().unwrap();
    assert!(heard.contains("Asia/Seoul"), "{heard}");
    assert_eq!(server.terminate().await, 0);
}

#[tokio::test]
async fn any_other_tool_of_an_mcp_server_is_asked_for_and_runs_once_it_is_approved() {
    let arguments =
        json!({"source_timezone": "Asia/Seoul", "time": "09:00", "target_timezone": "UTC"});
    let call = Reply::tool_call("time_convert_time", &arguments);
    let model = FakeModel::scripted([call, Reply::text(["끝"])]).await;
    let Some(server) = server(&model).await else { return };
    let user = server.user();
    let mut stream = user.stream("서울 9시는 UTC로 몇 시야?").await;
    let hitl = stream.until("hitl").await;
    let question = hitl.data.to_string();
    assert!(question.contains("MCP 서버 time의 convert_time 도구"), "{question}");
    assert_eq!(hitl.data["context"], arguments);
    user.approve(hitl.data["requestId"].as_str().unwrap()).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
    let done = stream.all("tool_execution").pop().unwrap().data.clone();
    assert_eq!(done["toolName"], "time.convert_time");
    assert!(done["result"].to_string().contains("T00:00:00+00:00"), "{done}");
    assert_eq!(server.terminate().await, 0);
}

#[tokio::test]
async fn the_built_in_planner_lists_the_tools_of_mcp_servers_and_calls_the_one_that_is_named() {
    let Some(python) = python() else { return };
    let command = json!([python, "-m", "mcp_server_time", "--local-timezone=UTC"]);
    let options = Options::default()
        .set("AURA__MCP__SERVERS__TIME__COMMAND", command)
        .set("AURA__MCP__SERVERS__TIME__READ_ONLY", "get_current_time");
    let server = Server::start(options).await;
    eventually("the tools are known", async || server.log().contains(TOLD)).await;
    let mut greeting = server.user().stream("안녕하세요").await;
    greeting.to_done().await;
    let answer = greeting.answer();
    assert!(answer.contains("`time.get_current_time {\"timezone\": …}`"), "{answer}");

    let mut stream = server.user().stream("time.get_current_time Asia/Seoul 알려줘").await;
    stream.to_done().await;
    let done = stream.all("tool_execution").pop().unwrap().data.clone();
    let expected = (&json!("success"), &json!({"timezone": "Asia/Seoul"}));
    assert_eq!((&done["status"], &done["toolArgs"]), expected);
    assert!(stream.answer().contains("Asia/Seoul"), "{}", stream.answer());
    assert_eq!(server.terminate().await, 0);
}

#[tokio::test]
async fn nobody_is_asked_about_a_tool_of_a_server_that_was_never_there() {
    let call = Reply::tool_call("gone.anything", &json!({"x": 1}));
    let model = FakeModel::scripted([call, Reply::text(["끝"])]).await;
    let options = Options::default()
        .model(&model)
        .set("AURA__MCP__SERVERS__GONE__COMMAND", "/does/not/exist");
    let server = Server::start(options).await;
    let mut stream = server.user().stream("해줘").await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
    assert!(stream.all("hitl").is_empty(), "{:#?}", stream.summary());
    let told = model.requests()[1].message(-1).to_string();
    assert!(told.contains("the MCP server `gone` is not available"), "{told}");
    assert_eq!(server.terminate().await, 0);
}

/// A server whose model calls a tool that takes any arguments with these.
async fn server_that_asks_about(arguments: &Value) -> (FakeModel, Server) {
    let call = Reply::tool_call("odd_bare", arguments);
    let model = FakeModel::scripted([call, Reply::text(["끝"])]).await;
    let command = json!(["python3", script("odd.py")]);
    let options = Options::default().model(&model).set("AURA__MCP__SERVERS__ODD__COMMAND", command);
    let server = Server::start(options).await;
    eventually("the tools are known", async || server.log().contains(TOLD)).await;
    (model, server)
}

fn texts(count: usize) -> Value {
    let fields = (0..count).map(|at| (format!("text_{at:03}"), json!("가나다라 ".repeat(30))));
    Value::Object(fields.collect())
}

#[tokio::test]
async fn an_edit_made_from_what_the_event_shows_loses_no_argument() {
    let whole = texts(30);
    let (_model, server) = server_that_asks_about(&whole).await;
    let user = server.user();
    let mut stream = user.stream("해줘").await;
    let hitl = stream.until("hitl").await.data;
    let names: Vec<&String> = whole.as_object().unwrap().keys().collect();
    assert!(names.iter().copied().eq(hitl["params"].as_object().unwrap().keys()), "{hitl}");
    let id = hitl["requestId"].as_str().unwrap();
    let path = format!("/aura/hitl/approve/{id}");
    let approve = async |args: &Value| user.post(&path, json!({ "args": args })).await;

    let mut edit = hitl["params"].clone();
    edit["text_000"] = json!("바꿈");
    let refused = approve(&edit).await;
    assert_eq!((refused.status.as_u16(), &refused.body["errorCode"]), (400, &json!("E4000")));
    let told = refused.body.to_string();
    assert!(told.contains("text_001"), "{told}");
    assert!(told.contains(&format!("GET /aura/hitl/requests/{id}")), "{told}");

    // Who has seen all of it may leave out what is optional.
    let mut edit = whole.clone();
    edit["text_000"] = json!("바꿈");
    edit.as_object_mut().unwrap().remove("text_029");
    assert_eq!(approve(&edit).await.status, 200);
    stream.to_done().await;
    let ran = stream.all("tool_execution").pop().unwrap().data.clone();
    assert_eq!((&ran["status"], &ran["toolArgs"]["text_000"]), (&json!("success"), &json!("바꿈")));
    assert_eq!(ran["toolArgs"].as_object().unwrap().len(), 29, "{ran}");
    assert_eq!(server.terminate().await, 0);
}

#[tokio::test]
async fn an_edit_that_lacks_an_argument_that_the_event_leaves_out_is_refused() {
    let whole = texts(150);
    let (_model, server) = server_that_asks_about(&whole).await;
    let user = server.user();
    let mut stream = user.stream("해줘").await;
    let hitl = stream.until("hitl").await.data;
    let id = hitl["requestId"].as_str().unwrap();
    let path = format!("/aura/hitl/approve/{id}");
    let approve = async |args: Value| user.post(&path, json!({ "args": args })).await;

    let shown = hitl["params"].as_object().unwrap().keys();
    let edit: Value = shown.map(|name| (name.clone(), json!("바꿈"))).collect();
    let first_left_out = format!("text_{:03}", edit.as_object().unwrap().len());
    let refused = approve(edit).await;
    assert_eq!((refused.status.as_u16(), &refused.body["errorCode"]), (400, &json!("E4000")));
    let told = refused.body.to_string();
    assert!(told.contains(&first_left_out) && told.contains(id), "{told}");

    let mut edit = whole;
    edit["text_149"] = json!("바꿈");
    assert_eq!(approve(edit).await.status, 200);
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
    assert_eq!(server.terminate().await, 0);
}
