//! Streams whose Redis goes away, and comes back (contract, section 4.5): no gap, no duplicate.

use std::time::Duration;

use crate::resume::{PROMPT, Way, after, mailing, request_of};
use crate::support::app::{Options, Server, eventually};
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::redis::RedisServer;
use crate::support::road::Road;
use crate::support::stream::{Frame, SseStream, StreamEnd};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_answers_and_refuses_writes_is_not_ready_and_says_why() {
    let model = FakeModel::scripted([]).await;
    let redis = RedisServer::start();
    let server = server(&model, &redis, 60).await;
    server.is_ready().await;
    for (setting, refused, usual, code) in
        [("maxmemory", "1", "0", "OOM"), ("min-replicas-to-write", "1", "0", "NOREPLICAS")]
    {
        let set = |value: &str| redis.ask(&format!("CONFIG SET {setting} {value}")).unwrap();
        set(refused);
        server.is_unready().await;
        let ready = server.anonymous(reqwest::Method::GET, "/health/ready").send().await.unwrap();
        let body: serde_json::Value = ready.json().await.unwrap();
        let store = &body["components"]["store"];
        assert_eq!(store["status"], "DOWN", "{body}");
        assert_eq!(store["reason"], format!("it refuses writes ({code})"), "{body}");
        set(usual);
        server.is_ready().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_is_still_listed_while_redis_refuses_writes() {
    let model = FakeModel::scripted([Reply::text(["네."])]).await;
    let redis = RedisServer::start();
    let server = server(&model, &redis, 60).await;
    server.is_ready().await;
    let mut stream = server.user().stream(PROMPT).await;
    stream.to_done().await;
    let session = stream.session();
    for (setting, refused, usual) in [("maxmemory", "1", "0"), ("min-replicas-to-write", "1", "0")]
    {
        let set = |value: &str| redis.ask(&format!("CONFIG SET {setting} {value}")).unwrap();
        set(refused);
        server.is_unready().await;
        let listed = server.user().get("/aura/sessions").await;
        assert_eq!(listed.status, 200, "{setting}: {listed:?}");
        assert_eq!(listed.data()["sessions"][0]["sessionId"], session, "{setting}: {listed:?}");
        let one = server.user().get(&format!("/aura/sessions/{session}")).await;
        assert_eq!(one.status, 200, "{setting}: {one:?}");
        set(usual);
        server.is_ready().await;
    }
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

/// How Redis goes away.
#[derive(Clone, Copy, Debug)]
enum Outage {
    Killed,
    Hangs,
    CutOff,
}

/// Two servers that wait for a second, each on a road of its own to one Redis.
struct Torn {
    redis: RedisServer,
    roads: [Road; 2],
    servers: [Server; 2],
}

impl Torn {
    async fn new(model: &FakeModel) -> Self {
        let redis = RedisServer::start();
        let (first, second) = tokio::join!(Road::to(redis.port()), Road::to(redis.port()));
        let start = |road: &Road| {
            let options = Options::default()
                .model(model)
                .set("REDIS_URL", road.url())
                .set("AURA__REDIS__PATIENCE_SECONDS", 1)
                .set("AURA__REDIS__COMMAND_TIMEOUT_MS", 500)
                .set("AURA__AGENT__LEASE_SECONDS", 1)
                .set("AURA__STREAM__KEEP_ALIVE_SECONDS", 1);
            Server::start(options)
        };
        let (one, other) = tokio::join!(start(&first), start(&second));
        Self { redis, roads: [first, second], servers: [one, other] }
    }

    fn begin(&mut self, outage: Outage) {
        match outage {
            Outage::Killed => self.redis.kill(),
            Outage::Hangs => self.redis.pause(),
            Outage::CutOff => self.roads.iter().for_each(Road::come_apart),
        }
    }

    async fn end(&mut self, outage: Outage) {
        match outage {
            Outage::Killed => self.redis.restart(),
            Outage::Hangs => self.redis.resume(),
            Outage::CutOff => self.roads.iter().for_each(Road::mend),
        }
        for server in &self.servers {
            eventually("Redis is back", || async { is_ready(server).await }).await;
            // What readers wait with has a connection of its own.
            eventually("it is subscribed again", || async {
                let metrics = server.anonymous(reqwest::Method::GET, "/metrics").send().await;
                !metrics.unwrap().text().await.unwrap().contains("aura_store_subscriptions 0")
            })
            .await;
        }
    }

    /// A reader of the run on its owner's server, and one on the other.
    async fn streams(&self, prompt: &str, until: &str) -> [SseStream; 2] {
        let mut own = self.servers[0].user().stream(prompt).await;
        own.until(until).await;
        let mut elsewhere = self.servers[1].user().resume(&own.session(), None).await;
        elsewhere.until(until).await;
        [own, elsewhere]
    }
}

/// Whatever the stream says before it is broken off, it says nothing of an end.
async fn is_broken_off(stream: &mut SseStream, what: &str) {
    assert_eq!(stream.to_end().await, StreamEnd::BrokenOff, "{what}: {:#?}", stream.summary());
    let ends = |frame: &&Frame| frame.is_done() || frame.is("error") || frame.is("end");
    assert_eq!(stream.frames.iter().find(ends), None, "{what}");
}

async fn is_broken_off_by(outage: Outage) {
    let gate = Gate::closed();
    let half = Reply::stream().piece("하나 ").gate(&gate).piece("둘").ends("stop");
    let model = FakeModel::answering(move |body| match body["messages"][1]["content"].as_str() {
        Some("세어줘") => half.clone(),
        Some(_) | None if body["messages"].to_string().contains("call_a") => Reply::text(["네."]),
        Some(_) | None => mailing(),
    })
    .await;
    let mut torn = Torn::new(&model).await;
    let mut waiting = torn.streams(PROMPT, "hitl").await;
    let mut working = torn.streams("세어줘", "content").await;
    torn.begin(outage);
    gate.open();
    for (at, stream) in waiting.iter_mut().chain(&mut working).enumerate() {
        is_broken_off(stream, &format!("{outage:?}, reader {at}")).await;
    }
    torn.end(outage).await;

    // From the last event that was seen, in every way, on either server.
    let hitl = waiting[0].all("hitl")[0].clone();
    let user = torn.servers[1].user();
    assert_eq!(user.approve(request_of(&hitl)).await.status, 200);
    for streams in [&waiting, &working] {
        let session = streams[0].session();
        let mut whole = user.resume(&session, None).await;
        whole.to_done().await;
        assert_eq!(whole.status_at_end(), "completed", "{outage:?}: {:#?}", whole.summary());
        for stream in streams {
            let seen = stream.frames.len();
            assert_eq!(stream.frames, whole.frames[..seen], "{outage:?}");
            for (at, way) in Way::ALL.into_iter().enumerate() {
                let user = torn.servers[at % 2].user();
                let mut rest = way.resume(&user, &session, stream.frames[seen - 1].id).await;
                rest.to_done().await;
                assert_eq!(rest.bytes(), after(&whole, seen), "{outage:?}, {way:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_never_ends_with_the_trailer() {
    for outage in [Outage::Killed, Outage::Hangs, Outage::CutOff] {
        is_broken_off_by(outage).await;
    }
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
