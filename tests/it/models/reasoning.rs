//! Models that think aloud: what people see of it, and that it is no part of the answer.

use serde_json::{Value, json};

use super::*;
use crate::support::app::{Options, Server};
use crate::support::model::Gate;
use crate::support::redis::RedisServer;
use crate::support::stream::{Frame, SseStream};

const THOUGHT: &str = "먼저 저장소의 상태를 본다.";

fn thinking(text: &str) -> Value {
    json!({"reasoning_content": text})
}

/// What the model of a run thought aloud, thought by thought.
fn thoughts(stream: &SseStream) -> Vec<&str> {
    let all = stream.frames.iter().filter(|frame| is_reasoning(frame));
    all.map(|frame| frame.data["content"].as_str().unwrap()).collect()
}

fn is_reasoning(frame: &Frame) -> bool {
    frame.is("thought") && frame.data["thoughtType"] == "reasoning"
}

async fn until_reasoning(stream: &mut SseStream) -> Frame {
    loop {
        let frame = stream.until("thought").await;
        if is_reasoning(&frame) {
            return frame;
        }
    }
}

async fn run(model: &FakeModel) -> SseStream {
    let server = Server::start(Options::default().model(model)).await;
    let mut stream = server.user().stream("안녕").await;
    stream.to_done().await;
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_model_thinks_aloud_is_shown_as_it_comes_and_is_no_part_of_the_answer() {
    let gate = Gate::closed();
    let reply = Reply::stream().delta(&thinking(THOUGHT)).gate(&gate);
    let model = FakeModel::always(Reply::text(["네"])).await;
    model.then(reply.piece("깨끗합니다.").ends("stop"));
    let server = Server::start(Options::default().model(&model)).await;
    let ask = |prompt: &str| json!({"prompt": prompt, "threadId": "thread-7"});
    let mut stream = server.user().stream_with(ask("상태는?")).await;
    let thought = until_reasoning(&mut stream).await;
    assert_eq!(thought.data["content"], THOUGHT, "before the model has said a word of its answer");
    gate.open();
    stream.to_done().await;
    assert_eq!((thoughts(&stream), stream.answer().as_str()), (vec![THOUGHT], "깨끗합니다."));

    server.user().stream_with(ask("그리고?")).await.to_done().await;
    let asked = model.requests().remove(1).body.to_string();
    assert!(asked.contains("깨끗합니다.") && !asked.contains(THOUGHT), "{asked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fast_model_does_not_make_one_thought_per_token() {
    let text =
        "The person asks for the state, so I call git_status and tell what it says. ".repeat(20);
    let tokens = text.split_inclusive(' ');
    let reply = tokens.fold(Reply::stream(), |reply, token| reply.delta(&thinking(token)));
    let stream = run(&FakeModel::always(reply.piece("네").ends("stop")).await).await;
    let thoughts = thoughts(&stream);
    assert_eq!(thoughts.concat(), text);
    assert!(thoughts.len() <= 40, "{} thoughts of 300 tokens", thoughts.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_thought_comes_in_small_frames_before_the_answer() {
    let long = "\"가\"".repeat(1000);
    let body = json!({"choices": [{
        "message": {"content": "네", "reasoning": long}, "finish_reason": "stop",
    }]});
    let stream = run(&FakeModel::always(Reply::json(&body)).await).await;
    let thoughts = thoughts(&stream);
    assert_eq!(thoughts.concat(), long);
    for thought in thoughts {
        assert!(serde_json::to_string(thought).unwrap().len() < 1024);
    }
    let last = stream.frames.iter().rposition(is_reasoning).unwrap();
    let first = stream.frames.iter().position(|frame| frame.is("content")).unwrap();
    assert!(last < first, "{:#?}", stream.summary());
}

#[tokio::test]
async fn what_broke_off_before_the_answer_began_is_asked_for_again() {
    let model = FakeModel::scripted([
        Reply::stream().delta(&thinking("hm ")).cut(),
        Reply::stream().delta(&thinking("so ")).piece("ok").ends("stop"),
    ])
    .await;
    let whole = read(open(&client(&model), prompt()).await.unwrap()).await;
    assert_eq!((whole.reasoning.as_str(), whole.text.as_str()), ("hm so ", "ok"));
    assert_eq!(model.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thought_that_broke_off_is_not_joined_to_the_one_of_the_next_attempt() {
    let cut = || Reply::stream().delta(&thinking("먼저 저장소")).cut();
    let whole = || Reply::stream().delta(&thinking(THOUGHT)).piece("네").ends("stop");
    let again = FakeModel::scripted([cut(), whole()]).await;
    let other = FakeModel::always(whole()).await;
    let broken = FakeModel::always(cut()).await;
    let retried = Options::default().model(&again).set("AURA__MODEL__MAX_RETRIES", 1);
    let relieved = Options::default()
        .model(&broken)
        .set("AURA__MODEL__MAX_RETRIES", 0)
        .set("AURA__MODEL__FALLBACK", "small-model")
        .set("AURA__MODEL__FALLBACK_BASE_URL", other.base_url());
    for options in [retried, relieved] {
        let server = Server::start(options).await;
        let mut stream = server.user().stream("안녕").await;
        stream.to_done().await;
        assert_eq!(thoughts(&stream), ["먼저 저장소", THOUGHT]);
        assert_eq!(stream.answer(), "네");
    }
}

#[tokio::test]
async fn a_model_that_does_not_stop_thinking_is_not_asked_again() {
    let much = thinking(&"x".repeat(600 * 1024));
    let reply = Reply::stream().delta(&much).delta(&much);
    let model = FakeModel::always(reply).await;
    let whole = read(open(&client(&model), prompt()).await.unwrap()).await;
    let endless = ModelError::Broken("the model does not stop thinking".into());
    assert_eq!(whole.error, Some(endless));
    assert_eq!(model.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_only_thought_has_not_answered_and_the_error_says_why() {
    for (reason, why) in [("stop", "only thought"), ("length", "model.max_output_tokens")] {
        let reply = Reply::stream().delta(&thinking(THOUGHT)).ends(reason);
        let stream = run(&FakeModel::always(reply).await).await;
        assert_eq!(thoughts(&stream), [THOUGHT]);
        let error = &stream.all("error")[0].data;
        assert_eq!(error["errorType"], "EmptyAnswerError");
        assert!(error["error"].as_str().unwrap().contains(why), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_thought_counts_where_the_provider_does_not_count() {
    let reply = Reply::stream().delta(&thinking(&"x".repeat(400))).piece("abcd").finish("stop");
    let stream = run(&FakeModel::always(reply).await).await;
    assert_eq!(stream.all("end")[0].data["usage"]["completionTokens"], 101);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_owner_may_think_again_and_says_the_answer_once() {
    let redis = RedisServer::start();
    let model = FakeModel::scripted([
        Reply::stream().delta(&thinking(THOUGHT)).goes_silent(),
        Reply::stream().delta(&thinking("다시 생각한다.")).piece("깨끗합니다.").ends("stop"),
    ])
    .await;
    let options = Options::default()
        .model(&model)
        .set("REDIS_URL", redis.url())
        .set("AURA__AGENT__LEASE_SECONDS", 1);
    let (first, second) = tokio::join!(Server::start(options.clone()), Server::start(options));
    let mut stream = first.user().stream("상태는?").await;
    let thought = until_reasoning(&mut stream).await;
    first.kill().await;
    let mut rest = second.user().resume(&stream.session(), Some(thought.id)).await;
    rest.to_done().await;
    assert_eq!(thoughts(&rest), ["다시 생각한다."]);
    assert_eq!(
        (rest.answer().as_str(), rest.status_at_end().as_str()),
        ("깨끗합니다.", "completed")
    );
    let asked = model.requests().remove(1).body.to_string();
    assert!(!asked.contains(THOUGHT), "{asked}");
}
