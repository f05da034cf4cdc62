//! Redis goes away: killed and started again from its append-only file, hanging, or cut off.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::checker::Evidence;
use crate::client::{Barrier, ClientActor, Environment};
use crate::cluster::{Cluster, Replica};
use crate::journal;
use crate::model;
use crate::plan::{Channel, Plan, Task};
use crate::workspace::Workspace;
use aura_testing::app::{Caller, Options, PATIENCE, client, eventually};
use aura_testing::model::FakeModel;
use aura_testing::redis::RedisServer;
use aura_testing::stream::SseStream;

/// People who are asked before Redis goes away.
const WAITING: usize = 200;
/// One in so many merges, which can be counted from outside; the others send mails.
const MERGING: usize = 4;
/// The lease, in seconds: so long that nobody is late to renew it because the machine is busy.
const LEASE: u64 = 5;
/// How long Redis is away: longer than a lease.
const AWAY: Duration = Duration::from_secs(LEASE + 1);
const LIFE: Duration = Duration::from_secs(120);

struct World {
    redis: RedisServer,
    cluster: Arc<Cluster>,
    workspace: Workspace,
    replicas: Vec<Replica>,
    _model: FakeModel,
}

impl World {
    async fn with(replicas: usize) -> Self {
        let redis = RedisServer::start();
        let model = model::start(Duration::ZERO).await;
        let workspace = Workspace::new();
        let options = Options::default().model(&model);
        let cluster = Cluster::with_lease(LEASE, redis.port(), options, workspace.root());
        let replicas = join_all((0..replicas).map(|number| cluster.replica(number))).await;
        Self { redis, cluster, workspace, replicas, _model: model }
    }

    fn environment(&self) -> Environment {
        Environment {
            cluster: Arc::clone(&self.cluster),
            redis: self.redis.url(),
            http: client(),
            seed: 11,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approvals_given_before_during_and_after_an_outage_of_redis_all_count() {
    let mut world = World::with(2).await;
    let (phase, phases) = watch::channel(0);
    let asked = Arc::new(watch::Sender::new(0));
    let clients = (0..WAITING).map(|index| {
        let task = if index % MERGING == 0 { Task::Merge } else { Task::Mail };
        let channel = [Channel::Rest, Channel::Publish, Channel::Keys][index % 3];
        let plan = Plan { task, channel, ..Plan::merge(index, 3) };
        world.workspace.add(&plan.repository());
        let opens_at = 1 + index / 3 % 3;
        let barrier = Barrier { opens_at, phase: phases.clone(), asked: Arc::clone(&asked) };
        let client = ClientActor::new(plan, world.environment()).behind(barrier);
        tokio::spawn(client.live(LIFE))
    });
    let clients: Vec<_> = clients.collect();
    let mut count = asked.subscribe();
    let all = timeout(LIFE, count.wait_for(|asked| *asked == WAITING)).await;
    all.expect("everybody is asked").unwrap();

    // Just before: the answers are on their way when Redis dies.
    phase.send_replace(1);
    tokio::task::yield_now().await;
    world.redis.kill();
    // During.
    phase.send_replace(2);
    tokio::time::sleep(AWAY).await;
    world.redis.restart();
    // After.
    phase.send_replace(3);

    let mut redis = journal::connect(&world.redis.url()).await.unwrap();
    for client in clients {
        let (plan, history) = client.await.unwrap();
        let history = history.unwrap_or_else(|violation| panic!("{plan}: {violation}"));
        let stored = journal::read(&mut redis, history.session.as_ref().unwrap()).await;
        let merges = world.workspace.merges(&plan.repository());
        let evidence = Evidence { plan: &plan, history: &history, journal: &stored, merges };
        evidence.check().unwrap_or_else(|violation| panic!("{plan}: {violation}"));
        assert_eq!(evidence.status(), "completed", "{plan}");
        // The checker has seen to it that there was no second one without a second approval.
        assert!(plan.task != Task::Merge || merges > 0, "{plan}: approved, and not done");
        assert_eq!(history.broken_off, 0, "{plan}: the outage broke the stream off");
    }
    drop(world.replicas);
}

/// How Redis goes away.
#[derive(Clone, Copy, Debug)]
enum Outage {
    Killed,
    Hangs,
    Unreachable,
}

impl World {
    fn begin(&mut self, outage: Outage) {
        match outage {
            Outage::Killed => self.redis.kill(),
            Outage::Hangs => self.redis.pause(),
            Outage::Unreachable => self.replicas[0].proxy().stall(),
        }
    }

    fn end(&mut self, outage: Outage) {
        match outage {
            Outage::Killed => self.redis.restart(),
            Outage::Hangs => self.redis.resume(),
            Outage::Unreachable => self.replicas[0].proxy().resume(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_open_streams_stay_open_and_requests_are_refused_with_503() {
    let mut table = String::from("| Redis | request | answer | after |\n|---|---|---|---|\n");
    for outage in [Outage::Killed, Outage::Hangs, Outage::Unreachable] {
        outage_seen(outage, &mut table).await;
    }
    eprintln!("{table}");
    if let Ok(file) = std::env::var("AURA_FAULTS_REDIS") {
        std::fs::write(file, table).unwrap();
    }
}

async fn outage_seen(outage: Outage, table: &mut String) {
    let mut world = World::with(1).await;
    let plan = Plan { task: Task::Mail, ..Plan::merge(0, 3) };
    world.workspace.add(&plan.repository());
    let doors = world.cluster.doors.all();
    let user = Caller::new(client(), &doors[0], "tenant1", &plan.user());
    let mut stream = user.stream(&plan.prompt()).await;
    let hitl = stream.until("hitl").await;
    let (session, request) = (stream.session(), hitl.data["requestId"].as_str().unwrap());

    world.begin(outage);
    let refused = [
        ("a new run", user.post_stream(json!({ "prompt": plan.prompt() }))),
        (
            "joining a stream",
            user.request(Method::GET, &format!("/aura/sessions/{session}/stream")),
        ),
        ("an approval", user.request(Method::POST, &format!("/aura/hitl/approve/{request}"))),
        ("a session's state", user.request(Method::GET, &format!("/aura/sessions/{session}"))),
        ("readiness", user.request(Method::GET, "/health/ready")),
    ];
    for (what, refused) in refused {
        assert_eq!(ask(outage, what, refused, table).await, 503, "{outage:?}: {what}");
    }
    let alive = user.request(Method::GET, "/health");
    assert_eq!(ask(outage, "liveness", alive, table).await, 200);
    let frames = stream.frames.len();
    assert!(stream.is_silent_for(Duration::from_millis(2500)).await, "{outage:?}");
    assert!(stream.keep_alives >= 2, "{outage:?}: no keep-alives");
    assert_eq!(stream.frames.len(), frames);

    world.end(outage);
    let back = Instant::now();
    eventually("the approval is taken", || async { user.approve(request).await.status == 200 })
        .await;
    finished(&mut stream).await;
    writeln!(table, "| {outage:?} | back: approval to end | completed | {:.1?} |", back.elapsed())
        .unwrap();
}

/// Reads on to the trailer.
async fn finished(stream: &mut SseStream) {
    timeout(PATIENCE, stream.to_done()).await.expect("the run goes on");
    assert_eq!(stream.status_at_end(), "completed");
}

async fn ask(outage: Outage, what: &str, request: RequestBuilder, table: &mut String) -> u16 {
    let began = Instant::now();
    let response = timeout(PATIENCE, request.send()).await.expect("an answer").unwrap();
    let (status, after) = (response.status(), began.elapsed());
    writeln!(table, "| {outage:?} | {what} | {status} | {after:.1?} |").unwrap();
    status.as_u16()
}
