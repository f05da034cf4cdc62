//! How a model is to answer: parameters and headers of its requests.

use std::collections::BTreeMap;

use aura_platform::llm::openai::{ConfigError, Endpoint};
use serde_json::{Value, json};

use super::*;
use crate::support::app::{Options, Server};
use crate::support::redis::RedisServer;

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
    let client = OpenAi::new(OpenAiConfig { parameters, max_retries: 0, ..config(model) }).unwrap();
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
    let client = OpenAi::new(OpenAiConfig { parameters, ..config(&model) }).unwrap();
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
    let client = OpenAi::new(OpenAiConfig { headers, ..config(&model) }).unwrap();
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
        let error = OpenAi::new(OpenAiConfig { headers, ..config_of(endpoint()) }).unwrap_err();
        assert!(matches!(&error, ConfigError::Header(named) if named == name), "{error:?}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_settings_reach_both_models_and_the_headers_only_their_own_provider() {
    let first = FakeModel::always(Reply::status(401)).await;
    let second = FakeModel::always(Reply::text(["네"])).await;
    let options = Options::default()
        .model(&first)
        .set("AURA__MODEL__TEMPERATURE", "0.5")
        .set("AURA__MODEL__MAX_OUTPUT_TOKENS", 100)
        .set("AURA__MODEL__REASONING_EFFORT", "low")
        .set("AURA__MODEL__HEADERS__X_TEAM", "hunter2")
        .set("AURA__MODEL__FALLBACK", "small-model")
        .set("AURA__MODEL__FALLBACK_BASE_URL", second.base_url());
    let server = Server::start(options).await;
    let mut stream = server.user().stream("안녕").await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
    for (model, team) in [(first, "hunter2"), (second, "")] {
        let asked = model.requests().remove(0);
        assert_eq!(
            (&asked.body["temperature"], &asked.body["max_tokens"]),
            (&json!(0.5), &json!(100))
        );
        assert_eq!(asked.body["reasoning_effort"], "low");
        assert_eq!(asked.header("x-team"), team);
        assert_eq!(asked.body.get("logprobs"), None, "off by default");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_keeps_the_instructions_that_it_began_with() {
    let redis = RedisServer::start();
    let silent = Reply::stream().piece("첫째 ").goes_silent();
    let model = FakeModel::scripted([silent, Reply::text(["둘째"]), Reply::text(["네"])]).await;
    let server = async |instructions: &str| {
        let options = Options::default()
            .model(&model)
            .set("REDIS_URL", redis.url())
            .set("AURA__AGENT__LEASE_SECONDS", 1)
            .set("AURA__AGENT__INSTRUCTIONS", instructions);
        Server::start(options).await
    };
    let first = server("당신은 재무팀의 비서입니다.").await;
    let mut stream = first.user().stream("세어줘").await;
    let shown = stream.until("content").await;
    first.kill().await;
    let second = server("당신은 인사팀의 비서입니다.").await;
    let mut rest = second.user().resume(&stream.session(), Some(shown.id)).await;
    rest.to_done().await;
    second.user().stream("안녕").await.to_done().await;

    let requests = model.requests();
    let systems: Vec<&str> =
        requests.iter().map(|request| request.message(0)["content"].as_str().unwrap()).collect();
    assert!(
        systems[0].starts_with("당신은 재무팀의 비서입니다.\n\n당신은 디지털"),
        "{}",
        systems[0]
    );
    assert_eq!(systems[1], systems[0], "taken over");
    assert!(systems[2].starts_with("당신은 인사팀의"), "a new run: {}", systems[2]);
}
