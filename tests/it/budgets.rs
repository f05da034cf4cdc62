//! What stops a run before its time: token budgets, and a model that does not listen. And what of a
//! long conversation the model still gets to see.

use aura_platform::domain::{Clock, SystemClock, UtcDay};
use serde_json::{Value, json};

use crate::resume::{PROMPT, mailing};
use crate::support::app::{Options, Server};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::redis::RedisServer;
use crate::support::stream::SseStream;
use crate::support::world::World;
use crate::with_both_stores;

async fn run_as(server: &Server, tenant: &str) -> SseStream {
    let mut stream = server.as_user(tenant, "user123").stream("안녕").await;
    stream.to_done().await;
    stream
}

/// The run's only error.
fn error(stream: &SseStream) -> &Value {
    let errors = stream.all("error");
    assert_eq!(errors.len(), 1, "{:#?}", stream.summary());
    &errors[0].data
}

fn kinds(stream: &SseStream) -> Vec<&str> {
    stream.frames.iter().filter_map(|frame| frame.event.as_deref()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_has_used_its_tokens_up_ends_with_a_clear_error() {
    let model = FakeModel::answering(|_| Reply::tool_call("git_status", &json!({}))).await;
    let options = Options::default().model(&model).set("AURA__AGENT__MAX_TOKENS_PER_RUN", 30);
    let stream = run_as(&Server::start(options).await, "tenant1").await;
    let error = error(&stream);
    assert_eq!(error["errorType"], "TokenBudgetError");
    assert_eq!((&error["errorCode"], &error["retryable"]), (&json!("E4290"), &json!(false)));
    assert!(error["error"].as_str().unwrap().contains("30 of 30 tokens"), "{error}");
    assert!(error["message"].as_str().unwrap().contains("토큰 30개"), "{error}");
    assert_eq!(stream.status_at_end(), "failed");
    assert_eq!(stream.all("end")[0].data["usage"]["totalTokens"], 30);
    assert_eq!(model.requests().len(), 2, "it is looked at before each turn");
}

with_both_stores! {
    async fn a_tenant_whose_day_is_spent_gets_no_further_turn_and_others_do(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네"])).await;
        let options = Options::default().model(&model).set("AURA__AGENT__MAX_TOKENS_PER_DAY", 30);
        let world = World::with(kind, options.clone()).await;
        for _ in 0..2 {
            assert_eq!(run_as(&world.server, "tenant1").await.status_at_end(), "completed");
        }
        // Another process has the same books.
        let another = match &world.redis {
            Some(redis) => Some(Server::start(options.set("REDIS_URL", redis.url())).await),
            None => None,
        };
        let server = another.as_ref().unwrap_or(&world.server);
        let refused = run_as(server, "tenant1").await;
        assert_eq!(kinds(&refused), ["start", "thought", "content", "error", "end"]);
        let error = error(&refused);
        assert_eq!(error["errorType"], "TokenBudgetError");
        assert_eq!((&error["errorCode"], &error["retryable"]), (&json!("E4290"), &json!(true)));
        assert!(error["error"].as_str().unwrap().contains("30 of 30 tokens"), "{error}");
        assert_eq!(refused.status_at_end(), "failed");
        assert_eq!(model.requests().len(), 2, "the model is not asked");
        assert_eq!(run_as(server, "tenant2").await.status_at_end(), "completed");
    }
}

with_both_stores! {
    async fn a_count_of_tokens_that_cannot_be_true_is_one_run_and_one_request(kind: Kind) {
        let model = FakeModel::answering(|_| {
            Reply::stream().piece("네").finish("stop").usage(u64::MAX - 1, 1).done()
        })
        .await;
        let options = Options::default().model(&model).set("AURA__AGENT__MAX_TOKENS_PER_DAY", 100_000);
        let world = World::with(kind, options).await;
        for runs in 1..=2 {
            // Its own estimate is what the day is charged with, so the next run is not refused.
            let stream = run_as(&world.server, "tenant1").await;
            assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
            let used = stream.all("end")[0].data["usage"]["totalTokens"].as_u64().unwrap();
            assert!((1..50_000).contains(&used), "{used}");
            assert_eq!(model.requests().len(), runs);
        }
        world.server.logged("the provider counts more tokens than a turn can have", 2).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_in_the_middle_of_an_answer_is_not_free() {
    let gate = Gate::closed();
    let model = FakeModel::always(Reply::stream().piece("하나 ").gate(&gate).ends("stop")).await;
    let options = Options::default().model(&model).set("AURA__AGENT__MAX_TOKENS_PER_DAY", 1);
    let server = Server::start(options).await;
    let user = server.user();
    let mut stream = user.stream("세어줘").await;
    stream.until("content").await;
    user.post(&format!("/aura/sessions/{}/cancel", stream.session()), json!({})).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "cancelled");
    assert_eq!(error(&run_as(&server, "tenant1").await)["errorType"], "TokenBudgetError");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_does_not_count_is_estimated() {
    let answer = "x".repeat(400);
    let model = FakeModel::always(Reply::stream().piece(&answer).finish("stop").done()).await;
    let server = Server::start(Options::default().model(&model)).await;
    let stream = run_as(&server, "tenant1").await;
    let usage = stream.all("end")[0].data["usage"].clone();
    assert_eq!(usage["completionTokens"], 100);
    assert!(usage["promptTokens"].as_u64().unwrap() > 100, "{usage}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_gets_the_same_tool_wrong_a_third_time_ends_the_run_and_nobody_was_asked() {
    let wrong = |_: &Value| Reply::tool_call("git_merge", &json!({"source": 7}));
    let model = FakeModel::answering(wrong).await;
    let stream = run_as(&Server::start(Options::default().model(&model)).await, "tenant1").await;
    let error = error(&stream);
    assert_eq!(error["errorType"], "InvalidArgumentsError");
    assert!(error["error"].as_str().unwrap().contains("source"), "{error}");
    assert_eq!(stream.status_at_end(), "failed");
    assert!(stream.all("hitl").is_empty());
    let requests = model.requests();
    assert_eq!(requests.len(), 3, "told twice");
    for request in &requests[1..] {
        let told = request.message(-1)["content"].as_str().unwrap();
        assert!(told.contains("the arguments are not valid"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_conversation_that_does_not_fit_the_model_sees_what_it_has_to_answer() {
    let model = FakeModel::always(Reply::text(["네"])).await;
    model.then(Reply::text(["네"])).then(Reply::tool_call("git_log", &json!({})));
    let options = Options::default().model(&model).set("AURA__MODEL__CONTEXT_TOKENS", 1);
    let server = Server::start(options).await;
    for prompt in ["첫 질문", "둘째 질문"] {
        let body = json!({"prompt": prompt, "threadId": "thread-7"});
        let mut stream = server.user().stream_with(body).await;
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
    }
    let requests = model.requests();
    let roles = |request: usize| -> Vec<String> {
        let messages = requests[request].body["messages"].as_array().unwrap();
        messages.iter().map(|m| m["role"].as_str().unwrap().to_owned()).collect()
    };
    let system = |request: usize| requests[request].message(0)["content"].as_str().unwrap();
    assert_eq!(roles(0), ["system", "user"]);
    assert!(!system(0).contains("생략"), "nothing was there to be left out");
    assert_eq!(roles(1), ["system", "user"], "the first question and its answer are gone");
    assert!(system(1).contains("생략"), "{}", system(1));
    assert_eq!(requests[1].message(1)["content"], "둘째 질문");
    assert_eq!(roles(2), ["system", "user", "assistant", "tool"]);
    let cut = requests[2].message(3)["content"].as_str().unwrap();
    assert!(cut.contains("잘렸습니다"), "{cut}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_redis_a_tenants_day_is_one_counter() {
    let redis = RedisServer::start();
    let model = FakeModel::always(Reply::text(["네"])).await;
    let options = Options::default()
        .model(&model)
        .set("REDIS_URL", redis.url())
        .set("AURA__AGENT__MAX_TOKENS_PER_DAY", 100_000);
    let server = Server::start(options).await;
    run_as(&server, "tenant1").await;
    let key = format!("aura:spent:tenant1:{}", UtcDay::of(SystemClock.now()));
    assert_eq!(Keys::of(&redis).await.json(&key).await, 15);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_run_has_used_outlives_its_server() {
    let redis = RedisServer::start();
    let model = FakeModel::answering(|_| mailing()).await;
    let options = Options::default()
        .model(&model)
        .set("REDIS_URL", redis.url())
        .set("AURA__AGENT__LEASE_SECONDS", 1)
        .set("AURA__AGENT__MAX_TOKENS_PER_RUN", 15);
    let (first, second) = tokio::join!(Server::start(options.clone()), Server::start(options));
    let mut stream = first.user().stream(PROMPT).await;
    let hitl = stream.until("hitl").await;
    first.kill().await;

    let user = second.user();
    user.approve(hitl.data["requestId"].as_str().unwrap()).await;
    let mut rest = user.resume(&stream.session(), None).await;
    rest.to_done().await;
    assert_eq!(error(&rest)["errorType"], "TokenBudgetError", "{:#?}", rest.summary());
    assert_eq!(model.requests().len(), 1);
}
