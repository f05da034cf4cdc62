//! Models that are too slow: how long they are waited for, and that they are not asked twice.

use aura_platform::llm::openai::Endpoint;
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::support::app::{Options, Server};

fn impatient(model: &FakeModel) -> OpenAiConfig {
    let (first, idle) = (Duration::from_millis(150), Duration::from_millis(150));
    OpenAiConfig { first_token_timeout: first, idle_timeout: idle, ..config(model) }
}

#[tokio::test]
async fn keep_alives_do_not_hide_a_model_that_died_halfway() {
    for reply in
        [Reply::stream().piece("a").keeps_alive(), Reply::stream().piece("a").goes_silent()]
    {
        let model = FakeModel::always(reply).await;
        let client = OpenAi::new(OpenAiConfig {
            first_token_timeout: Duration::from_secs(30),
            ..impatient(&model)
        });
        let whole = read(open(&client.unwrap(), prompt()).await.unwrap()).await;
        assert_eq!(whole.text, "a");
        assert!(matches!(whole.error, Some(ModelError::TimedOut(_))), "{whole:?}");
    }
}

#[tokio::test]
async fn a_complete_answer_does_not_need_the_connection_to_end() {
    let choice = json!({"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"});
    let reply = Reply::stream().chunk(&json!({"choices": [choice]})).keeps_alive();
    let model = FakeModel::always(reply).await;
    let patient = Duration::from_secs(30);
    let config = OpenAiConfig { first_token_timeout: patient, ..impatient(&model) };
    let whole = read(open(&OpenAi::new(config).unwrap(), prompt()).await.unwrap()).await;
    assert_eq!((whole.text.as_str(), whole.error), ("a", None));
}

#[tokio::test]
async fn what_comes_behind_a_complete_answer_does_not_keep_it_open() {
    let thinking = json!({"reasoning_content": "hm"});
    let reply = Reply::stream().piece("a").finish("stop").delta(&thinking).for_ever();
    let model = FakeModel::always(reply).await;
    let first_token_timeout = Duration::from_secs(30);
    let config = OpenAiConfig { first_token_timeout, ..impatient(&model) };
    let whole = read(open(&OpenAi::new(config).unwrap(), prompt()).await.unwrap()).await;
    assert_eq!((whole.text.as_str(), whole.error), ("a", None));
}

/// The error of a client that may ask again as often as it likes, and how often it has asked.
async fn gives_up(config: OpenAiConfig, model: &FakeModel) -> (ModelError, usize) {
    let client = OpenAi::new(OpenAiConfig { max_retries: 1000, ..config }).unwrap();
    let error = match open(&client, prompt()).await {
        Ok(turn) => read(turn).await.error.expect("the turn fails"),
        Err(error) => error,
    };
    (error, model.requests().len())
}

fn timed_out(text: &str) -> ModelError {
    ModelError::TimedOut(text.into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_model_is_asked_once() {
    let model = FakeModel::always(Reply::silence()).await;
    let options = Options::default()
        .model(&model)
        .set("AURA__MODEL__MAX_RETRIES", 3)
        .set("AURA__MODEL__FIRST_TOKEN_TIMEOUT_SECONDS", 1);
    let server = Server::start(options).await;
    let mut stream = server.user().stream("안녕").await;
    stream.to_done().await;
    let error = &stream.all("error")[0].data;
    assert_eq!(
        (&error["errorType"], &error["errorCode"]),
        (&json!("ModelTimeoutError"), &json!("E5001"))
    );
    let told = "no first token within 1 s (model.first_token_timeout_seconds)";
    assert!(error["error"].as_str().unwrap().contains(told), "{error}");
    assert_eq!(model.requests().len(), 1);
}

#[tokio::test]
async fn a_model_that_never_begins_is_given_up_by_one_limit_whatever_else_it_sends() {
    let empty = json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]});
    for reply in [
        Reply::silence(),
        Reply::stream().goes_silent(),
        Reply::stream().keeps_alive(),
        Reply::stream().chunk(&empty).keeps_alive(),
        Reply::stream().chunk(&empty).for_ever(),
        Reply::status(200).raw(" \n").for_ever(),
        Reply::json(&json!({"choices": []})).goes_silent(),
    ] {
        let model = FakeModel::always(reply.clone()).await;
        let (error, attempts) = gives_up(impatient(&model), &model).await;
        let expected =
            timed_out("no first token within 150 ms (model.first_token_timeout_seconds)");
        assert_eq!((error, attempts), (expected, 1), "{reply:?}");
    }
}

#[tokio::test]
async fn a_server_that_takes_connections_and_does_not_look_at_them_is_given_up_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let model = FakeModel::scripted([]).await;
    let endpoint = Endpoint::OpenAi { base_url, api_key: None };
    let (error, _) = gives_up(OpenAiConfig { endpoint, ..impatient(&model) }, &model).await;
    let expected = timed_out("no first token within 150 ms (model.first_token_timeout_seconds)");
    assert_eq!(error, expected);
}

#[tokio::test]
async fn a_proxy_that_has_waited_in_vain_is_not_asked_again() {
    for status in [504, 524] {
        let model = FakeModel::always(Reply::status(status)).await;
        let (error, attempts) = gives_up(config(&model), &model).await;
        assert!(matches!(error, ModelError::TimedOut(_)), "{status}: {error:?}");
        assert_eq!(attempts, 1, "{status}");
    }
}

#[tokio::test]
async fn all_attempts_together_get_the_time_of_one() {
    // Each attempt fails for another reason, after some time.
    let slow_failure = Reply::status(503).pause(Duration::from_millis(100));
    let model = FakeModel::always(slow_failure).await;
    let first_token_timeout = Duration::from_millis(450);
    let config = OpenAiConfig { first_token_timeout, ..config(&model) };
    let (error, attempts) = gives_up(config, &model).await;
    let is_told = matches!(error, ModelError::Unavailable(_) | ModelError::TimedOut(_));
    assert!(is_told, "{error:?}");
    assert!((1..=5).contains(&attempts), "{attempts} attempts of 100 ms in 450 ms");
}

#[tokio::test]
async fn an_error_whose_body_never_ends_is_told_by_its_status() {
    let model = FakeModel::always(Reply::status(503).raw("{").goes_silent()).await;
    let client = OpenAi::new(OpenAiConfig { max_retries: 0, ..config(&model) }).unwrap();
    let error = open(&client, prompt()).await.map(|_| ()).unwrap_err();
    assert_eq!(error, ModelError::Unavailable("503 Service Unavailable".into()));
}

#[tokio::test]
async fn a_model_that_fell_silent_while_it_thought_is_not_asked_again() {
    for reply in [
        Reply::stream().delta(&json!({"reasoning_content": "hm"})).keeps_alive(),
        Reply::stream().delta(&json!({"reasoning": "hm"})).goes_silent(),
    ] {
        let model = FakeModel::always(reply).await;
        let first_token_timeout = Duration::from_secs(30);
        let config = OpenAiConfig { first_token_timeout, ..impatient(&model) };
        let (error, attempts) = gives_up(config, &model).await;
        let expected = timed_out("no further token within 150 ms (model.idle_timeout_seconds)");
        assert_eq!((error, attempts), (expected, 1));
    }
}

#[tokio::test]
async fn thinking_aloud_is_a_sign_of_life() {
    let thought = |text: &str| json!({"reasoning_content": text});
    let pause = Duration::from_millis(20);
    let slow = (0..100).fold(Reply::stream(), |reply, _| reply.delta(&thought("hm ")).pause(pause));
    let model = FakeModel::always(slow.piece("a").ends("stop")).await;
    let times = Duration::from_millis(1500);
    let config = OpenAiConfig { first_token_timeout: times, idle_timeout: times, ..config(&model) };
    let client = OpenAi::new(OpenAiConfig { max_retries: 0, ..config }).unwrap();
    let whole = read(open(&client, prompt()).await.unwrap()).await;
    assert_eq!((whole.reasoning.as_str(), whole.text.as_str()), (&*"hm ".repeat(100), "a"));
}

#[tokio::test]
async fn a_model_that_goes_on_for_ever_is_stopped_in_time_whatever_it_says() {
    let thinks = Reply::stream().delta(&json!({"reasoning_content": "hm"})).for_ever();
    let counts = Reply::stream().usage(1, 1).for_ever();
    let talks = Reply::stream().piece("a").for_ever();
    for reply in [thinks, counts, talks] {
        let model = FakeModel::always(reply).await;
        let turn_timeout = Duration::from_millis(500);
        let (error, attempts) =
            gives_up(OpenAiConfig { turn_timeout, ..config(&model) }, &model).await;
        let expected = timed_out("no complete answer within 500 ms (model.turn_timeout_seconds)");
        assert_eq!(error, expected);
        assert!(attempts <= 1, "there is no time for another attempt");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fallback_answers_for_a_model_that_never_does() {
    let first = FakeModel::always(Reply::silence()).await;
    let second = FakeModel::always(Reply::text(["괜찮습니다."])).await;
    let options = Options::default()
        .model(&first)
        .set("AURA__MODEL__MAX_RETRIES", 3)
        .set("AURA__MODEL__FIRST_TOKEN_TIMEOUT_SECONDS", 1)
        .set("AURA__MODEL__FALLBACK", "small-model")
        .set("AURA__MODEL__FALLBACK_BASE_URL", second.base_url());
    let server = Server::start(options).await;
    let mut stream = server.user().stream("안녕").await;
    stream.to_done().await;
    assert_eq!(
        (stream.answer().as_str(), stream.status_at_end().as_str()),
        ("괜찮습니다.", "completed")
    );
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
}
