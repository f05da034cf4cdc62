//! Streams whose Redis goes away, and comes back (contract, section 4.5): no gap, no duplicate.

use std::time::Duration;

use aura_platform::domain::EventId;

use crate::resume::{PROMPT, Way, after, mailing, request_of};
use crate::support::app::{Options, Server, eventually};
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::redis::RedisServer;
use crate::support::stream::{SseStream, StreamEnd};

/// A server on this Redis, for which it waits so many seconds.
async fn server(model: &FakeModel, redis: &RedisServer, patience_seconds: u32) -> Server {
    let options = Options::default()
        .model(model)
        .set("REDIS_URL", redis.url())
        .set("AURA__REDIS__PATIENCE_SECONDS", patience_seconds)
        .set("AURA__STREAM__KEEP_ALIVE_SECONDS", 1);
    Server::start(options).await
}

/// Reads on until that many keep-alives have come; nothing else may come meanwhile.
async fn keeps_alive(stream: &mut SseStream, count: usize) {
    let (frames, wanted) = (stream.frames.len(), stream.keep_alives + count);
    while stream.keep_alives < wanted {
        assert!(stream.is_silent_for(Duration::from_millis(100)).await, "{:#?}", stream.summary());
    }
    assert_eq!(stream.frames.len(), frames);
}

async fn is_ready(server: &Server) -> bool {
    let ready = server.anonymous(reqwest::Method::GET, "/health/ready").send().await.unwrap();
    ready.status() == 200
}

/// An idle reader on another server, while Redis goes away in this way and comes back in that one.
async fn outlives(go_away: fn(&mut RedisServer), come_back: fn(&mut RedisServer)) {
    let model = FakeModel::scripted([mailing(), Reply::text(["보냈", "습니다."])]).await;
    let mut redis = RedisServer::start();
    let (first, second) = tokio::join!(server(&model, &redis, 60), server(&model, &redis, 60));
    let mut own = first.user().stream(PROMPT).await;
    let hitl = own.until("hitl").await;
    let mut elsewhere = second.user().resume(&own.session(), None).await;
    elsewhere.until("hitl").await;

    go_away(&mut redis);
    eventually("the outage is known", || async { !is_ready(&second).await }).await;
    keeps_alive(&mut elsewhere, 2).await;
    come_back(&mut redis);
    eventually("Redis is back", || async { is_ready(&second).await && is_ready(&first).await })
        .await;
    assert_eq!(second.user().approve(request_of(&hitl)).await.status, 200);

    own.to_done().await;
    elsewhere.to_done().await;
    assert_eq!(own.status_at_end(), "completed");
    assert_eq!(elsewhere.bytes(), own.bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_reader_outlives_a_crash_of_redis_without_gap_or_duplicate() {
    outlives(RedisServer::kill, RedisServer::restart).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_reader_outlives_a_redis_that_hangs_without_gap_or_duplicate() {
    outlives(|redis| redis.pause(), |redis| redis.resume()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_an_error_where_the_run_itself_was_given_up() {
    let gate = Gate::closed();
    let reply = Reply::stream().piece("하나 ").gate(&gate).piece("둘").ends("stop");
    let model = FakeModel::always(reply).await;
    let mut redis = RedisServer::start();
    let server = server(&model, &redis, 1).await;
    let mut own = server.user().stream(PROMPT).await;
    own.until("content").await;
    redis.kill();
    gate.open();
    own.to_done().await;
    let errors = own.all("error");
    assert_eq!(errors.len(), 1, "{:#?}", own.summary());
    assert_eq!(errors[0].data["errorType"], "StoreUnavailableError");
    assert_eq!(own.answer(), "하나 ", "what was not stored was not shown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_whose_redis_stays_away_ends_with_an_error_and_its_rest_can_be_had_later() {
    let gate = Gate::closed();
    let model = FakeModel::scripted([Reply::stream()
        .piece("하나 ")
        .gate(&gate)
        .piece("둘 ")
        .piece("셋")
        .ends("stop")])
    .await;
    let mut redis = RedisServer::start();
    // The owner of the run is more patient than the server of the reader.
    let (first, second) = tokio::join!(server(&model, &redis, 60), server(&model, &redis, 1));
    let mut own = first.user().stream(PROMPT).await;
    own.until("content").await;
    let mut torn = second.user().resume(&own.session(), None).await;
    let last = torn.until("content").await.id;

    redis.kill();
    gate.open();
    torn.to_done().await;
    let [.., error, trailer] = torn.frames.as_slice() else { panic!("{:#?}", torn.summary()) };
    assert!(error.is("error"), "{:#?}", torn.summary());
    assert_eq!(error.data["errorType"], "StoreUnavailableError");
    assert_eq!(
        (&error.data["errorCode"], &error.data["retryable"]),
        (&"E5000".into(), &true.into())
    );
    assert_eq!(error.data["sessionId"], own.session());

    redis.restart();
    own.to_done().await;
    assert_eq!(own.answer(), "하나 둘 셋");
    eventually("Redis is back", || async { is_ready(&second).await }).await;
    // From the last event that was really one, and from the two that were not.
    let seen = own.frames.iter().position(|frame| frame.id == last).unwrap() + 1;
    for id in [last, error.id, trailer.id] {
        for way in [Way::Joining, Way::NamedInBody, Way::NamedInHeader, Way::ByEventAlone] {
            let mut rest = way.resume(&second.user(), &own.session(), id).await;
            rest.to_done().await;
            assert_eq!(rest.bytes(), after(&own, seen), "{way:?} after {id}");
        }
    }
    assert_eq!(EventId::new(trailer.id).stands_for(), Some(EventId::new(last)));
    assert_eq!(model.requests().len(), 1, "nothing was run again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_waits_for_redis_does_not_keep_its_server_from_stopping() {
    let model = FakeModel::always(mailing()).await;
    let mut redis = RedisServer::start();
    let (first, second) = tokio::join!(server(&model, &redis, 600), server(&model, &redis, 600));
    let mut own = first.user().stream(PROMPT).await;
    own.until("hitl").await;
    let mut elsewhere = second.user().resume(&own.session(), None).await;
    elsewhere.until("hitl").await;
    redis.kill();
    eventually("the outage is known", || async { !is_ready(&second).await }).await;
    let (end, code) = tokio::join!(elsewhere.to_end(), second.terminate());
    assert_eq!((end, code), (StreamEnd::BrokenOff, 0));
}
