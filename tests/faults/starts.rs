//! Starts that are interrupted: no run is lost, none is begun twice, and no client is told anything
//! that is not so.

use std::sync::Arc;
use std::time::Duration;

use aura_platform::agent::{Opened, Record, opening};
use aura_platform::domain::{
    Clock, EventId, Language, PageContext, RequestTrace, SessionId, SessionMeta, SystemClock,
    TenantId, ThreadId, UnixMs, UnixSeconds, UserId,
};
use aura_platform::shutdown::Tasks;
use aura_platform::store::redis::RedisStore;
use aura_platform::store::{Journal, Leases, Sessions};
use futures::future::join_all;
use redis::aio::MultiplexedConnection;
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::cluster::{Cluster, Replica};
use crate::journal;
use crate::model;
use crate::plan::{Plan, Task};
use crate::proxy::{Moment, Spot};
use crate::workspace::Workspace;
use aura_testing::app::{Caller, Options, PATIENCE, client, eventually};
use aura_testing::defaults::redis_store;
use aura_testing::model::FakeModel;
use aura_testing::redis::RedisServer;
use aura_testing::stream::SseStream;

/// Two servers, one of which is going to be interrupted, and somebody who wants to talk.
struct World {
    interrupted: Replica,
    other: Replica,
    plan: Plan,
    redis: RedisServer,
    _workspace: Workspace,
    _model: FakeModel,
}

impl World {
    async fn new() -> Self {
        let redis = RedisServer::start();
        let model = model::start(Duration::ZERO).await;
        let workspace = Workspace::new();
        let options = Options::default().model(&model);
        let cluster = Cluster::new(redis.port(), options, workspace.root());
        let (interrupted, other) = tokio::join!(cluster.replica(0), cluster.replica(1));
        let plan = Plan { task: Task::Talk, ..Plan::merge(0, 3) };
        Self { interrupted, other, plan, redis, _workspace: workspace, _model: model }
    }

    async fn keys(&self) -> MultiplexedConnection {
        journal::connect(&self.redis.url()).await.unwrap()
    }

    fn caller(&self, at: &Replica) -> Caller {
        Caller::new(client(), at.base(), "tenant1", &self.plan.user())
    }

    /// A post to the server that is interrupted, under way; with this key, if there is one.
    fn post(&self, key: Option<&'static str>) -> JoinHandle<SseStream> {
        self.post_to(&self.interrupted, key)
    }

    fn post_to(&self, at: &Replica, key: Option<&'static str>) -> JoinHandle<SseStream> {
        let mut request = self.caller(at).post_stream(json!({ "prompt": self.plan.prompt() }));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        tokio::spawn(async move { SseStream::of(request.send().await.unwrap()) })
    }
}

/// When the session's lease runs out, by Redis' clock; `None` if it has none.
async fn lease(keys: &mut MultiplexedConnection, session: &str) -> Option<f64> {
    redis::cmd("ZSCORE").arg("aura:leases").arg(session).query_async(keys).await.unwrap()
}

/// Returns once another process has had the lease in its hands, whatever it made of it.
async fn until_others_have_looked(keys: &MultiplexedConnection, session: &str) {
    let taken = lease(&mut keys.clone(), session).await;
    eventually("the lease runs out, and others look", || {
        let mut keys = keys.clone();
        async move { lease(&mut keys, session).await != taken }
    })
    .await;
}

/// Returns once the run is over, without asking any server: who asks for it might wake it.
async fn until_over(keys: &MultiplexedConnection, session: &str) {
    eventually("the run comes to its end by itself", || {
        let mut keys = keys.clone();
        async move { journal::read(&mut keys, session).await.last().is_some_and(|e| e.is_done()) }
    })
    .await;
}

async fn finished(mut stream: SseStream) -> String {
    timeout(PATIENCE, stream.to_done()).await.expect("the run goes on");
    stream.status_at_end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_stands_still_loses_no_run() {
    let world = World::new().await;
    let keys = world.keys().await;
    world.interrupted.stands_still_at(Spot::Record("opened", 1), Moment::Before);
    let post = world.post(None);
    let session = world.interrupted.proxy().sprung().await.session;
    until_others_have_looked(&keys, &session).await;

    world.interrupted.proxy().go_on();
    let answered = timeout(PATIENCE, post).await.expect("the start goes on").unwrap();
    assert_eq!((answered.status, answered.session()), (200, session.clone()));
    // Before it can renew anything.
    let interrupted = world.interrupted.kill().await;
    until_over(&keys, &session).await;
    let user = Caller::new(client(), world.other.base(), "tenant1", &world.plan.user());
    assert_eq!(finished(user.resume(&session, None).await).await, "completed");
    drop(interrupted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_was_taken_over_is_still_the_clients() {
    let world = World::new().await;
    let mut keys = world.keys().await;
    world.interrupted.stands_still_at(Spot::Record("opened", 1), Moment::After);
    let post = world.post(None);
    let session = world.interrupted.proxy().sprung().await.session;
    until_over(&keys, &session).await;

    // It never learns what became of its append, and tries again.
    world.interrupted.proxy().cut();
    world.interrupted.proxy().go_on();
    let answered = timeout(PATIENCE, post).await.expect("the start goes on").unwrap();
    assert_eq!((answered.status, answered.session()), (200, session.clone()));
    assert_eq!(finished(answered).await, "completed");
    assert_eq!(journal::sessions(&mut keys).await, [session]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_was_refused_and_exists_says_start_and_end_and_leaves_its_key_free() {
    let world = World::new().await;
    let mut keys = world.keys().await;
    world.interrupted.stands_still_at(Spot::Record("opened", 1), Moment::After);
    let post = world.post(Some("key-1"));
    let refused = world.interrupted.proxy().sprung().await.session;
    // Nobody takes it over: the process alone learns what became of it.
    let other = world.other;
    other.proxy().stall();
    world.interrupted.proxy().stall();
    world.interrupted.proxy().cut();
    world.interrupted.proxy().go_on();
    let answered = timeout(PATIENCE, post).await.expect("an answer").unwrap();
    assert_eq!(answered.status, 503);

    world.interrupted.proxy().resume();
    until_over(&keys, &refused).await;
    other.proxy().resume();
    let journal = journal::read(&mut keys, &refused).await;
    let events: Vec<&str> = journal.iter().filter_map(|entry| entry.event.as_deref()).collect();
    assert_eq!((events.first(), events.last()), (Some(&"start"), Some(&"end")), "{events:?}");
    let end = journal.iter().find(|entry| entry.event.as_deref() == Some("end")).unwrap();
    assert_eq!(end.data["status"], "cancelled");

    let request = Caller::new(client(), world.interrupted.base(), "tenant1", &world.plan.user())
        .post_stream(json!({ "prompt": world.plan.prompt() }))
        .header("Idempotency-Key", "key-1");
    let again = SseStream::of(request.send().await.unwrap());
    assert_eq!(again.status, 200);
    assert_ne!(again.session(), refused);
    assert_eq!(finished(again).await, "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_whose_start_died_starts_the_next_request() {
    let world = World::new().await;
    world.interrupted.dies_at(Spot::Record("opened", 1), Moment::Before);
    let post = world.post(Some("key-1"));
    let dead = world.interrupted.proxy().sprung().await.session;
    assert!(post.await.is_err(), "its server is gone");

    let started = finished_session(world.post_to(&world.other, Some("key-1"))).await;
    let joined = finished_session(world.post_to(&world.other, Some("key-1"))).await;
    assert_ne!(started, dead);
    assert_eq!(joined, started);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_comes_back_when_its_key_has_gone_on_begins_no_second_run() {
    let world = World::new().await;
    let mut keys = world.keys().await;
    world.interrupted.stands_still_at(Spot::Record("opened", 1), Moment::Before);
    let late = world.post(Some("key-1"));
    let session = world.interrupted.proxy().sprung().await.session;
    let started = finished_session(world.post_to(&world.other, Some("key-1"))).await;
    assert_ne!(started, session);

    world.interrupted.proxy().go_on();
    assert_eq!(finished_session(late).await, started, "it is answered with the run that there is");
    let mut runs = Vec::new();
    for session in journal::sessions(&mut keys).await {
        let journal = journal::read(&mut keys, &session).await;
        runs.extend(journal[0].has_record("opened").then_some(session));
    }
    assert_eq!(runs, [started]);
    let listed = world.caller(&world.other).get("/aura/sessions").await;
    assert_eq!(listed.data()["sessions"].as_array().unwrap().len(), 1, "{listed:?}");
    let gone = world.caller(&world.other).get(&format!("/aura/sessions/{session}")).await;
    assert_eq!(gone.status, 404);
}

/// Reads an answer to its good end, and returns its session.
async fn finished_session(post: JoinHandle<SseStream>) -> String {
    let stream = timeout(PATIENCE, post).await.expect("an answer").unwrap();
    assert_eq!(stream.status, 200);
    let session = stream.session();
    assert_eq!(finished(stream).await, "completed");
    session
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_has_not_begun_is_left_to_its_start_for_as_long_as_one_may_take() {
    let world = World::new().await;
    let (mut keys, tasks, user) = (world.keys().await, Tasks::new(), UserId::new("user123"));
    let store = store_on(&world.redis, &tasks);
    // However long this test takes, one start is old and the other one is not.
    let old = SessionMeta { created_at_ms: UnixMs::new(0), ..record_of(&user, "talk nothing 1") };
    let young = record_of(&user, "talk nothing 1");
    let young =
        SessionMeta { created_at_ms: SystemClock.now().after(Duration::from_secs(3_600)), ..young };
    for meta in [&old, &young] {
        store.register(meta).await.unwrap();
    }
    let both = [old.session_id.clone(), young.session_id.clone()];
    store.renew(&both, Duration::ZERO).await.unwrap();
    for _ in 0..2 {
        until_others_have_looked(&keys, young.session_id.as_str()).await;
        assert!(lease(&mut keys, young.session_id.as_str()).await.is_some());
    }
    eventually("nobody looks after the old one any more", || {
        let (mut keys, old) = (keys.clone(), old.session_id.clone());
        async move { lease(&mut keys, old.as_str()).await.is_none() }
    })
    .await;
    assert!(journal::sessions(&mut keys).await.is_empty(), "neither is run");

    // The slow start comes to its end after all.
    let (context, history) = (PageContext::default(), Vec::new());
    let opened = Opened {
        meta: young.clone(),
        context,
        history,
        instructions: None,
        language: Language::Korean,
    };
    let first = opening(young.first_event, &Record::Opened(Box::new(opened)));
    store.append(&young.session_id, EventId::ZERO, &[first]).await.unwrap();
    until_over(&keys, young.session_id.as_str()).await;
    tasks.stop();
}

/// A way of asking for a session; it is told the session and the id of its last event.
type Way = fn(&Caller, &SessionMeta) -> reqwest::RequestBuilder;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_for_a_run_without_an_owner_gives_it_one() {
    let ways: [(&str, Way); 6] = [
        ("the list", |user, _| user.request(Method::GET, "/aura/sessions")),
        ("one session", |user, of| {
            user.request(Method::GET, &format!("/aura/sessions/{}", of.session_id))
        }),
        ("joining", |user, of| {
            user.request(Method::GET, &format!("/aura/sessions/{}/stream", of.session_id))
        }),
        ("naming it", |user, of| user.post_stream(json!({ "sessionId": of.session_id }))),
        ("its last event", |user, of| {
            let last = of.first_event.to_string();
            user.post_stream(json!({ "prompt": "?" })).header("Last-Event-ID", last)
        }),
        ("cancelling it", |user, of| {
            user.request(Method::POST, &format!("/aura/sessions/{}/cancel", of.session_id))
        }),
    ];
    let world = World::new().await;
    join_all(ways.map(|(what, ask)| stranded_run_goes_on(&world, what, ask))).await;
}

/// A run that nobody looks after comes to its end because it was asked for in this way.
async fn stranded_run_goes_on(world: &World, what: &str, ask: Way) {
    let (mut keys, user) = (world.keys().await, UserId::new(what.replace(' ', "-")));
    let meta = strand(&world.redis, &user, &world.plan.prompt()).await;
    let session = meta.session_id.as_str();
    assert_eq!(lease(&mut keys, session).await, None, "{what}: nobody looks after it");
    let caller = Caller::new(client(), world.other.base(), "tenant1", user.as_str());
    let answer = timeout(PATIENCE, ask(&caller, &meta).send()).await.expect("an answer").unwrap();
    assert_eq!(answer.status(), 200, "{what}");
    until_over(&keys, session).await;
}

/// A session that its user has started by now, as far as its record tells.
fn record_of(user: &UserId, prompt: &str) -> SessionMeta {
    SessionMeta {
        session_id: SessionId::generate(user, UnixSeconds::new(SystemClock.now().second().get())),
        tenant: TenantId::new("tenant1"),
        user: user.clone(),
        thread_id: ThreadId::generate(),
        prompt: prompt.to_owned(),
        prompt_hash: None,
        created_at_ms: SystemClock.now(),
        first_event: EventId::ZERO.next(SystemClock.now()),
        trace: RequestTrace::default(),
    }
}

/// The store as another process would have it.
fn store_on(redis: &RedisServer, tasks: &Tasks) -> Arc<RedisStore> {
    let config = redis_store(&redis.url());
    RedisStore::start(config, Arc::new(SystemClock), tasks).unwrap().0
}

/// What is left in the store of a run that has begun and lost both its owner and its lease.
pub async fn strand(redis: &RedisServer, user: &UserId, prompt: &str) -> SessionMeta {
    let tasks = Tasks::new();
    let store = store_on(redis, &tasks);
    let meta = record_of(user, prompt);
    let (context, history) = (PageContext::default(), Vec::new());
    let opened = Opened {
        meta: meta.clone(),
        context,
        history,
        instructions: None,
        language: Language::Korean,
    };
    let first = opening(meta.first_event, &Record::Opened(Box::new(opened)));
    store.register(&meta).await.unwrap();
    store.append(&meta.session_id, EventId::ZERO, &[first]).await.unwrap();
    tasks.stop();
    meta
}
