//! How a model is to answer: parameters and headers of its requests.

use std::collections::BTreeMap;

use aura_platform::llm::openai::{ConfigError, Endpoint};
use serde_json::{Value, json};

use super::*;

fn all_parameters() -> Parameters {
    Parameters {
        temperature: Some(0.2),
        max_output_tokens: Some(500),
        reasoning_effort: Some("low".into()),
        logprobs: true,
    }
}

/// The bodies of the requests that two turns take.
async fn bodies(model: &FakeModel, parameters: Parameters) -> Vec<Value> {
    let client = OpenAi::new(Config { parameters, max_retries: 0, ..config(model) }).unwrap();
    for _ in 0..2 {
        assert_eq!(read(open(&client, prompt()).await.unwrap()).await.text, "ok");
    }
    model.requests().into_iter().map(|request| request.body).collect()
}

fn refuses_each(names: &'static [&'static str]) -> impl Fn(&Value) -> Reply + Send + Sync {
    move |body| match names.iter().find(|name| body.get(**name).is_some()) {
        Some(name) => Reply::refusing(400, &format!("Unsupported parameter: '{name}'")),
        None => Reply::text(["ok"]),
    }
}

#[tokio::test]
async fn what_is_set_is_asked_for_and_nothing_else() {
    let model = FakeModel::always(Reply::text(["ok"])).await;
    let body = bodies(&model, all_parameters()).await.remove(0);
    assert_eq!((&body["temperature"], &body["max_tokens"]), (&json!(0.2), &json!(500)));
    assert_eq!((&body["reasoning_effort"], &body["logprobs"]), (&json!("low"), &json!(true)));
    assert_eq!(body.get("max_completion_tokens"), None);

    let model = FakeModel::always(Reply::text(["ok"])).await;
    let body = bodies(&model, Parameters::default()).await.remove(0);
    let mut fields: Vec<&String> = body.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["messages", "model", "stream", "stream_options"]);
}

#[tokio::test]
async fn a_limit_of_the_answer_goes_under_the_name_that_the_provider_takes() {
    let model = FakeModel::answering(refuses_each(&["max_tokens"])).await;
    let parameters = Parameters { max_output_tokens: Some(7), ..Parameters::default() };
    let bodies = bodies(&model, parameters.clone()).await;
    let names = ["max_tokens", "max_completion_tokens"];
    let sent = |body: &Value| names.map(|name| body.get(name).is_some());
    let sent: Vec<_> = bodies.iter().map(sent).collect();
    assert_eq!(sent, [[true, false], [false, true], [false, true]], "learnt at once");

    // A limit is there to bound what a turn costs: it is not left out.
    let model = FakeModel::answering(refuses_each(&["max_tokens", "max_completion_tokens"])).await;
    let client = OpenAi::new(Config { parameters, ..config(&model) }).unwrap();
    let error = open(&client, prompt()).await.map(|_| ()).unwrap_err();
    assert!(matches!(&error, ModelError::Refused(why) if why.contains("max_")), "{error:?}");
    assert_eq!(model.requests().len(), 2);
}

#[tokio::test]
async fn a_parameter_that_the_model_does_not_take_is_left_out_from_then_on() {
    let model = FakeModel::answering(refuses_each(&["temperature", "reasoning_effort"])).await;
    let bodies = bodies(&model, all_parameters()).await;
    assert_eq!(bodies.len(), 4, "two refusals, two answers");
    let last = &bodies[3];
    assert_eq!((last.get("temperature"), last.get("reasoning_effort")), (None, None));
    assert_eq!((&last["max_tokens"], &last["logprobs"]), (&json!(500), &json!(true)));
}

#[tokio::test]
async fn headers_go_with_every_request_and_do_not_come_back_in_errors() {
    let refusal = Reply::refusing(400, "team team-hunter2 has no quota");
    let model = FakeModel::always(refusal).await;
    let header = ("OpenAI-Project".to_owned(), "team-hunter2".into());
    let headers = BTreeMap::from([header]);
    let client = OpenAi::new(Config { headers, ..config(&model) }).unwrap();
    let error = open(&client, prompt()).await.map(|_| ()).unwrap_err();
    assert_eq!(error, ModelError::Refused("400 Bad Request: team [key] has no quota".into()));
    let request = model.requests().remove(0);
    assert_eq!(request.header("openai-project"), "team-hunter2");
    assert_eq!(request.header("authorization"), "Bearer sk-test-key");
}

#[test]
fn a_header_that_cannot_be_sent_is_refused_at_the_start() {
    let endpoint = || Endpoint::OpenAi { base_url: "http://localhost/v1".into(), api_key: None };
    for (name, value) in [("a b", "c"), ("a", "hunter2\n")] {
        let headers = BTreeMap::from([(name.to_owned(), value.into())]);
        let error = OpenAi::new(Config { headers, ..Config::new(endpoint(), "m") }).unwrap_err();
        assert!(matches!(&error, ConfigError::Header(named) if named == name), "{error:?}");
        assert!(!error.to_string().contains("hunter2"));
    }
}
