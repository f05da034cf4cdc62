//! Sessions whose journals are gone for good: their streams say so and end, and nothing of them is left
//! (contract, section 4.1).

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::resume::{PROMPT, mailing, request_of};
use crate::support::app::{Options, Server, eventually};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::redis::RedisServer;
use crate::support::stream::{Frame, SseStream};

/// Two servers on one Redis.
struct World {
    redis: RedisServer,
    keys: Keys,
    first: Server,
    second: Server,
}

impl World {
    async fn new(model: &FakeModel) -> Self {
        let redis = RedisServer::start();
        let start = || {
            let options = Options::default()
                .model(model)
                .set("REDIS_URL", redis.url())
                .set("AURA__AGENT__LEASE_SECONDS", 1)
                .set("AURA__STREAM__KEEP_ALIVE_SECONDS", 1);
            Server::start(options)
        };
        let (first, second) = tokio::join!(start(), start());
        let keys = Keys::of(&redis).await;
        Self { redis, keys, first, second }
    }

    /// A reader of the run on its owner's server, and one on the other.
    async fn streams(&self, until: &str) -> [SseStream; 2] {
        let mut own = self.first.user().stream(PROMPT).await;
        own.until(until).await;
        let mut elsewhere = self.second.user().resume(&own.session(), None).await;
        elsewhere.until(until).await;
        [own, elsewhere]
    }

    /// Nothing of a run is left: no lease, no subscription, no place among the live ones.
    async fn nothing_is_left(&mut self, runs: usize) {
        let dropped = "run dropped: its journal is gone for good";
        let log = self.first.logged(dropped, runs).await;
        assert_eq!(log.matches(dropped).count(), runs);
        assert!(!self.second.log().contains(dropped));
        for server in [&self.first, &self.second] {
            eventually("no run lives here", async || {
                let metrics = metrics(server).await;
                metrics.contains("aura_runs_waiting 0") && metrics.contains("aura_runs_working 0")
            })
            .await;
        }
        assert!(metrics(&self.first).await.contains(&format!("aura_runs_gone_total {runs}\n")));
        while self.keys.leases().await > 0 || !self.keys.channels().await.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// Another run, with a question and a tool, comes to its end.
    async fn the_next_run_works(&self, server: &Server) {
        let user = server.user();
        let mut stream = user.stream(PROMPT).await;
        let hitl = stream.until("hitl").await;
        assert_eq!(user.approve(request_of(&hitl)).await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
    }
}

async fn metrics(server: &Server) -> String {
    let metrics = server.anonymous(Method::GET, "/metrics").send().await.unwrap();
    metrics.text().await.unwrap()
}

/// A model that asks for a mail, and says a word once it is sent.
async fn mailer() -> FakeModel {
    FakeModel::answering(|body| {
        let has_called = body["messages"].to_string().contains("call_a");
        if has_called { Reply::text(["네."]) } else { mailing() }
    })
    .await
}

/// The stream ends with the error and the trailer, and nothing else comes before them.
async fn ends_as_lost(stream: &mut SseStream, what: &str) {
    let seen = stream.frames.len();
    stream.to_done().await;
    let [error, trailer] = &stream.frames[seen..] else {
        panic!("{what}: {:#?}", stream.summary())
    };
    assert!(error.is("error") && trailer.is_done(), "{what}: {:#?}", stream.summary());
    assert_eq!(error.data["errorType"], "SessionLostError", "{what}");
    assert_eq!(
        (&error.data["errorCode"], &error.data["retryable"]),
        (&json!("E1004"), &json!(false))
    );
    assert_eq!(error.data["sessionId"], stream.session(), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_journal_ends_its_streams() {
    let model = mailer().await;
    let mut world = World::new(&model).await;
    let [mut own, mut elsewhere] = world.streams("hitl").await;
    let request = request_of(own.all("hitl")[0]).to_owned();
    world.keys.flush().await;
    ends_as_lost(&mut own, "its owner's reader").await;
    ends_as_lost(&mut elsewhere, "another server's reader").await;
    world.nothing_is_left(1).await;
    let late = world.second.user().approve(&request).await;
    assert_eq!((late.status, &late.body["errorCode"]), (StatusCode::NOT_FOUND, &json!("E1004")));
    let again = world.first.user().resume(&own.session(), None).await;
    assert_eq!(again.status, 404);
    world.the_next_run_works(&world.first).await;
    world.the_next_run_works(&world.second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_at_work_whose_journal_is_lost_stops() {
    let gate = Gate::closed();
    let model = FakeModel::scripted([
        Reply::stream().piece("하나 ").gate(&gate).piece("둘").ends("stop"),
        mailing(),
        Reply::text(["네."]),
    ])
    .await;
    let mut world = World::new(&model).await;
    let [mut own, mut elsewhere] = world.streams("content").await;
    world.keys.flush().await;
    gate.open();
    ends_as_lost(&mut own, "its owner's reader").await;
    ends_as_lost(&mut elsewhere, "another server's reader").await;
    world.nothing_is_left(1).await;
    assert!(!world.first.log().contains("run lost to another owner"));
    world.the_next_run_works(&world.second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_comes_back_empty_ends_what_waited_in_it() {
    let model = mailer().await;
    let mut world = World::new(&model).await;
    let [mut own, mut elsewhere] = world.streams("hitl").await;
    world.redis.restart_empty();
    ends_as_lost(&mut own, "its owner's reader").await;
    ends_as_lost(&mut elsewhere, "another server's reader").await;
    world.keys = Keys::of(&world.redis).await;
    world.nothing_is_left(1).await;
    world.the_next_run_works(&world.first).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_a_question_of_a_lost_run_runs_nothing() {
    let model = mailer().await;
    let mut world = World::new(&model).await;
    let [mut own, _elsewhere] = world.streams("hitl").await;
    let yes = json!({"action": "approve", "requestId": request_of(own.all("hitl")[0])});
    world.keys.flush().await;
    let heard = world.keys.publish(&own.session(), &yes.to_string()).await;
    assert_eq!(heard, 1, "it came before the run was dropped");
    ends_as_lost(&mut own, "its owner's reader").await;
    world.nothing_is_left(1).await;
    let log = world.first.logged("HITL signal received", 1).await;
    assert!(log.contains("HITL signal received") && !log.contains("tool finished"));
    assert_eq!(model.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_expires_takes_its_question_with_it() {
    let model = mailer().await;
    let mut world = World::new(&model).await;
    let [mut own, mut elsewhere] = world.streams("hitl").await;
    let request = request_of(own.all("hitl")[0]).to_owned();
    // The journal alone: what the platform reads is still there.
    world.keys.expire_now(&format!("aura:journal:{}", own.session())).await;
    ends_as_lost(&mut own, "its owner's reader").await;
    ends_as_lost(&mut elsewhere, "another server's reader").await;
    world.nothing_is_left(1).await;
    let late = world.second.user().approve(&request).await;
    assert_eq!((late.status, &late.data()["status"]), (StatusCode::CONFLICT, &json!("cancelled")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_comes_while_the_journal_goes_is_told_in_its_form() {
    let model = mailer().await;
    let mut world = World::new(&model).await;
    let [own, _elsewhere] = world.streams("hitl").await;
    let path = format!("/aura/test/stream?sessionId={}", own.session());
    let request = world.second.user().request(Method::GET, &path);
    let mut enveloped = SseStream::of(request.send().await.unwrap());
    enveloped.until("hitl").await;
    world.keys.flush().await;
    enveloped.to_done().await;
    let [.., error, _] = enveloped.frames.as_slice() else { panic!("{:#?}", enveloped.summary()) };
    assert_eq!((&error.data["type"], error.is("error")), (&json!("error"), true));
    assert_eq!(error.data["data"]["errorType"], "SessionLostError");
    assert!(enveloped.frames.iter().rev().skip(2).all(|frame: &Frame| !frame.is("error")));
}
