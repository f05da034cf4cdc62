//! What the provider is asked.

use aura_platform::domain::ToolCallId;
use aura_platform::llm::openai::{ConfigError, Endpoint};
use aura_platform::tools::{Effect, ToolSpec};
use serde_json::{Value, json};

use super::*;
use crate::support::model::marked;

fn tool(name: &str) -> ToolSpec {
    let parameters = json!({"type": "object", "properties": {}});
    let (name, description) = (name.to_owned(), format!("Does {name}."));
    ToolSpec { name, description, parameters, effect: Effect::ReadOnly, dry_run: false, pins: &[] }
}

/// A client that asks for probabilities, which many providers refuse.
fn curious(model: &FakeModel) -> OpenAi {
    let parameters = Parameters { logprobs: true, ..Parameters::default() };
    OpenAi::new(OpenAiConfig { parameters, ..config(model) }).unwrap()
}

async fn body_of(request: ChatRequest) -> Value {
    let model = FakeModel::always(Reply::text(["ok"])).await;
    read(open(&client(&model), request).await.unwrap()).await;
    model.requests().remove(0).body
}

#[tokio::test]
async fn a_prompt_is_sent_with_the_key_and_without_an_empty_list_of_tools() {
    let model = FakeModel::always(Reply::text(["ok"])).await;
    let client = client(&model);
    assert_eq!(client.name(), "fake-model");
    read(open(&client, prompt()).await.unwrap()).await;
    let request = model.requests().remove(0);
    assert_eq!(request.uri, "/v1/chat/completions");
    assert_eq!(request.header("authorization"), "Bearer sk-test-key");
    let expected = json!({
        "model": "fake-model",
        "messages": [
            {"role": "system", "content": "You help."},
            {"role": "user", "content": "안녕하세요"},
        ],
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    assert_eq!(request.body, expected);
}

#[tokio::test]
async fn calls_and_their_results_are_sent_as_the_model_made_them() {
    let call = ToolCall::new(ToolCallId::new("c1"), "git_status", "{ }");
    let mut request = prompt();
    request.tools = [tool("git_status")].into();
    request.messages.extend([
        Message::Assistant { content: String::new(), tool_calls: vec![call] },
        Message::Tool {
            call_id: ToolCallId::new("c1"),
            name: "git_status".into(),
            content: "clean".into(),
        },
        Message::Assistant { content: "done".into(), tool_calls: vec![] },
    ]);
    let body = body_of(request).await;
    let function = json!({"name": "git_status", "arguments": "{ }"});
    assert_eq!(
        body["messages"][2],
        json!({
            "role": "assistant", "content": null,
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        })
    );
    let result = &body["messages"][3];
    assert_eq!((&result["role"], &result["tool_call_id"]), (&json!("tool"), &json!("c1")));
    assert_eq!(marked(result).1, "clean");
    assert_eq!(body["messages"][4], json!({"role": "assistant", "content": "done"}));
    let parameters = json!({"type": "object", "properties": {}});
    let function =
        json!({"name": "git_status", "description": "Does git_status.", "parameters": parameters});
    assert_eq!(body["tools"], json!([{"type": "function", "function": function}]));
}

#[tokio::test]
async fn a_tool_name_that_providers_refuse_travels_as_another_and_comes_back() {
    let model = FakeModel::answering(|body| {
        let names = body["tools"].as_array().unwrap().iter();
        let called = names.map(|tool| tool["function"]["name"].as_str().unwrap());
        let arguments = json!({});
        Reply::tool_calls(called.map(|name| (name, &arguments)))
    })
    .await;
    let mut request = prompt();
    request.tools = [tool("server.tool"), tool("server_tool"), tool("도구")].into();
    let whole = read(open(&client(&model), request).await.unwrap()).await;
    assert_eq!(whole.names(), ["server.tool", "server_tool", "도구"]);
    let body = &model.requests()[0].body;
    for tool in body["tools"].as_array().unwrap() {
        let name = tool["function"]["name"].as_str().unwrap();
        assert!(
            name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'),
            "{name}"
        );
    }
}

#[tokio::test]
async fn azure_has_its_own_address_and_header_and_an_empty_first_chunk() {
    let filter = json!({"choices": [], "prompt_filter_results": []});
    let reply = Reply::stream().chunk(&filter).piece("a").ends("stop");
    let model = FakeModel::always(reply).await;
    let endpoint = Endpoint::Azure {
        endpoint: model.azure_endpoint(),
        deployment: "gpt 4o".into(),
        api_version: "2024-10-21".into(),
        api_key: "azure-key".into(),
    };
    let client = OpenAi::new(OpenAiConfig { endpoint, ..config(&model) }).unwrap();
    assert_eq!(read(open(&client, prompt()).await.unwrap()).await.text, "a");
    let request = model.requests().remove(0);
    let expected = "/openai/deployments/gpt%204o/chat/completions?api-version=2024-10-21";
    assert_eq!(request.uri, expected);
    assert_eq!((request.header("api-key"), request.header("authorization")), ("azure-key", ""));
}

#[tokio::test]
async fn a_server_without_a_key_gets_none() {
    let model = FakeModel::always(Reply::text(["ok"])).await;
    let endpoint = Endpoint::OpenAi { base_url: model.base_url() + "/", api_key: None };
    let client = OpenAi::new(OpenAiConfig { endpoint, ..config(&model) }).unwrap();
    read(open(&client, prompt()).await.unwrap()).await;
    let request = model.requests().remove(0);
    assert_eq!((request.uri.path(), request.header("authorization")), ("/v1/chat/completions", ""));
}

#[tokio::test]
async fn parameters_that_a_server_refuses_are_left_out_from_then_on() {
    let model = FakeModel::answering(|body| {
        for (parameter, status) in [("stream_options", 400), ("logprobs", 422)] {
            if body.get(parameter).is_some() {
                return Reply::refusing(status, &format!("{} {parameter}", "x".repeat(400)));
            }
        }
        Reply::text(["ok"])
    })
    .await;
    let client = curious(&model);
    for _ in 0..2 {
        assert_eq!(read(open(&client, prompt()).await.unwrap()).await.text, "ok");
    }
    let sent = |name: &str| model.requests().iter().map(|r| r.body.get(name).is_some()).collect();
    let (options, logprobs): (Vec<bool>, Vec<bool>) = (sent("stream_options"), sent("logprobs"));
    assert_eq!(options, [true, false, false, false]);
    assert_eq!(logprobs, [true, true, false, false]);
}

#[tokio::test]
async fn a_complaint_is_found_wherever_servers_put_it() {
    let detail = json!([{"type": "extra_forbidden", "loc": ["body", "logprobs"], "msg": "no"}]);
    for complaint in [
        json!({"error": {"message": "Unsupported parameter", "param": "logprobs"}}),
        json!({"detail": detail}),
        json!({"object": "error", "message": {"detail": detail}}),
        json!({"detail": "logprobs is not supported"}),
    ] {
        let model = FakeModel::answering(move |body| match body.get("logprobs") {
            Some(_) => Reply::status(422).raw(complaint.to_string()),
            None => Reply::text(["ok"]),
        })
        .await;
        read(open(&curious(&model), prompt()).await.unwrap()).await;
        assert_eq!(model.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_refusal_that_quotes_the_request_teaches_nothing() {
    let echo = json!({"detail": [{
        "loc": ["body", "messages", 1], "msg": "too long",
        "input": {"content": "what are logprobs and stream_options?"},
    }]});
    let model = FakeModel::scripted([
        Reply::status(422).raw(echo.to_string()),
        // This one is about the prompt in the message itself, and without the parameters no better.
        Reply::refusing(400, "cannot answer 'what are logprobs?'"),
        Reply::refusing(400, "cannot answer 'what are logprobs?'"),
        Reply::text(["ok"]),
    ])
    .await;
    let client = curious(&model);
    for _ in 0..2 {
        assert!(open(&client, prompt()).await.is_err());
    }
    assert_eq!(read(open(&client, prompt()).await.unwrap()).await.text, "ok");
    let sent: Vec<bool> =
        model.requests().iter().map(|request| request.body.get("logprobs").is_some()).collect();
    assert_eq!(sent, [true, true, false, true]);
}

#[tokio::test]
async fn arguments_that_are_no_object_are_sent_back_as_an_empty_one() {
    let mut request = prompt();
    for (id, arguments) in [("c1", "{not json"), ("c2", "[1]"), ("c3", r#"{"a": 1}"#)] {
        let id = ToolCallId::new(id);
        let call = ToolCall::new(id.clone(), "t", arguments);
        request.messages.extend([
            Message::Assistant { content: String::new(), tool_calls: vec![call] },
            Message::Tool { call_id: id, name: "t".into(), content: "…".into() },
        ]);
    }
    let body = body_of(request).await;
    let sent = [2, 4, 6].map(|at| &body["messages"][at]["tool_calls"][0]["function"]["arguments"]);
    assert_eq!(sent, ["{}", "{}", r#"{"a": 1}"#]);
}

#[tokio::test]
async fn a_server_that_complains_without_cause_is_not_asked_for_ever() {
    let model = FakeModel::always(Reply::refusing(400, "stream_options and logprobs")).await;
    let error = open(&curious(&model), prompt()).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, ModelError::Refused(_)), "{error:?}");
    assert_eq!(model.requests().len(), 2);
}

#[test]
fn an_address_or_a_key_that_can_never_work_is_refused_at_the_start() {
    let new = |base_url: &str, key: &str| {
        let (base_url, api_key) = (base_url.to_owned(), Some(key.into()));
        OpenAi::new(config_of(Endpoint::OpenAi { base_url, api_key }))
    };
    for address in ["", "api.openai.com/v1", "ftp://example.com", "localhost:8080"] {
        assert!(matches!(new(address, "k"), Err(ConfigError::Address)), "{address:?}");
    }
    let error = new("http://localhost/v1", "secret\nkey").unwrap_err();
    assert!(matches!(error, ConfigError::Key) && !error.to_string().contains("secret"));
    let client = new("http://localhost/v1", "secret-key").unwrap();
    assert!(!format!("{client:?}").contains("secret"));
}
