//! A model that stands in for another: who is asked, and what a person sees of it.

use crate::support::app::{Options, Server};
use crate::support::model::{FakeModel, Reply, soon};
use crate::support::stream::SseStream;

/// A server whose first model is one server and whose fallback is another.
async fn server(first: &FakeModel, second: &FakeModel) -> Server {
    let options = Options::default()
        .model(first)
        .set("OPENAI_API_KEY", "sk-first")
        .set("AURA__MODEL__FALLBACK", "small-model")
        .set("AURA__MODEL__FALLBACK_BASE_URL", second.base_url())
        .set("AURA__MODEL__FALLBACK_REST_SECONDS", 3600);
    Server::start(options).await
}

async fn run(server: &Server) -> SseStream {
    let mut stream = server.user().stream("안녕").await;
    stream.to_done().await;
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_the_first_model_is_not_seen_and_not_waited_for_again() {
    let first = FakeModel::always(Reply::status(503)).await;
    let second = FakeModel::always(Reply::text(["괜찮습니다."])).await;
    let server = server(&first, &second).await;
    for _ in 0..2 {
        let stream = run(&server).await;
        assert_eq!(stream.answer(), "괜찮습니다.");
        assert_eq!(stream.status_at_end(), "completed");
        assert_eq!(stream.all("start")[0].data["model"], "fake-model");
    }
    assert_eq!((first.requests().len(), second.requests().len()), (1, 2), "left alone");
    let asked = second.requests().remove(0);
    assert_eq!(asked.body["model"], "small-model");
    assert_eq!(asked.header("authorization"), "", "the first provider's key stays with it");
    let log = server.logged("its fallback answers for now", 1).await;
    assert_eq!(log.matches("its fallback answers for now").count(), 1, "{log}");
    let metrics = server.anonymous(reqwest::Method::GET, "/metrics").send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("\naura_model_fallbacks_total 2\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_both_models_fail_the_error_says_so_of_both() {
    let first = FakeModel::always(Reply::status(503)).await;
    let second = FakeModel::always(Reply::refusing(401, "who are you")).await;
    let stream = run(&server(&first, &second).await).await;
    assert_eq!(stream.status_at_end(), "failed");
    let error = &stream.all("error")[0].data;
    let text = error["error"].as_str().unwrap();
    assert!(text.contains("fake-model: ") && text.contains("503"), "{text}");
    assert!(text.contains("small-model: ") && text.contains("who are you"), "{text}");
    assert_eq!(
        (&error["errorType"], &error["retryable"]),
        (&"ModelUnavailableError".into(), &true.into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_has_begun_is_nobody_elses() {
    let first = FakeModel::always(Reply::stream().piece("반쯤").cut()).await;
    let second = FakeModel::always(Reply::text(["다른 답"])).await;
    let stream = run(&server(&first, &second).await).await;
    assert_eq!((stream.answer().as_str(), stream.status_at_end().as_str()), ("반쯤", "failed"));
    assert!(second.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_takes_too_long_as_a_whole_is_ended() {
    let first = FakeModel::always(Reply::stream().piece("a").for_ever()).await;
    let options = Options::default().model(&first).set("AURA__MODEL__TURN_TIMEOUT_SECONDS", 1);
    let server = Server::start(options).await;
    let stream = soon("the end", run(&server)).await;
    assert_eq!(stream.all("error")[0].data["errorType"], "ModelTimeoutError");
}
