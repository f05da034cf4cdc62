//! Runs that change hands again and again: one whose step ends its server is ended before it has
//! ended all of them, and no other run is taken for one.

use aura_platform::tools::git::sample;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cluster::{Cluster, Replica};
use crate::journal::{self, Entry};
use crate::proxy::{Moment, Spot};
use aura_testing::app::{Options, eventually};
use aura_testing::model::{FakeModel, Reply};
use aura_testing::redis::RedisServer;

const MERGE: &str = "feature 브랜치를 main에 병합해주세요";

/// A Redis, and where the servers on it work.
struct Ground {
    redis: RedisServer,
    directory: TempDir,
}

impl Ground {
    async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        sample::create(&directory.path().join("sample"), &aura_testing::defaults::git())
            .await
            .unwrap();
        Self { redis: tokio::task::spawn_blocking(RedisServer::start).await.unwrap(), directory }
    }

    fn cluster(&self, options: Options) -> std::sync::Arc<Cluster> {
        Cluster::new(self.redis.port(), options, self.directory.path().join("sample"))
    }

    async fn journal(&self, session: &str) -> Vec<Entry> {
        journal::read(&mut journal::connect(&self.redis.url()).await.unwrap(), session).await
    }

    async fn sessions(&self) -> Vec<String> {
        journal::sessions(&mut journal::connect(&self.redis.url()).await.unwrap()).await
    }
}

fn records(journal: &[Entry], kind: &str) -> usize {
    journal.iter().filter(|entry| entry.has_record(kind)).count()
}

/// Of a run whose model does not answer, no step comes to its end.
fn never_answers_a_greeting(body: &Value) -> Reply {
    let last = body["messages"].as_array().unwrap().last().unwrap();
    match last["content"].as_str() {
        Some(MERGE) => {
            Reply::tool_call("git_merge", &json!({"source": "feature", "target": "main"}))
        }
        Some("안녕") => Reply::silence(),
        _ => Reply::text(["끝"]),
    }
}

/// Whatever has the run dies as soon as it is about to ask the model.
fn arm(replica: &Replica) {
    replica.dies_at(Spot::Next("asked"), Moment::After);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_step_ends_its_servers_is_ended_at_the_third_take_over_and_others_go_on() {
    let ground = Ground::new().await;
    let model = FakeModel::answering(never_answers_a_greeting).await;
    let cluster = ground.cluster(Options::default().model(&model));
    let mut replicas = vec![cluster.replica(0).await, cluster.replica(1).await];
    let mut waiting = replicas[0].user().stream(MERGE).await;
    let asked = waiting.until("hitl").await.data["requestId"].as_str().unwrap().to_owned();
    let waits = waiting.session();
    replicas.iter().for_each(arm);

    let user = replicas[0].user();
    // Its server may die before it has answered anything.
    let start =
        tokio::spawn(async move { user.post_stream(json!({"prompt": "안녕"})).send().await });
    let mut lost = 0;
    let poison = loop {
        let is_over = async || {
            let sessions = ground.sessions().await;
            let poison = sessions.into_iter().find(|session| *session != waits)?;
            let stored = ground.journal(&poison).await;
            stored.last().is_some_and(Entry::is_done).then_some(poison)
        };
        let which = tokio::select! {
            _ = replicas[0].proxy().sprung() => 0,
            _ = replicas[1].proxy().sprung() => 1,
            () = eventually("the run ends", async || is_over().await.is_some()) => {
                break is_over().await.unwrap();
            }
        };
        lost += 1;
        assert!(lost <= 3, "the run goes from server to server");
        let replica = replicas.remove(which).kill().await;
        arm(&replica);
        replicas.insert(which, replica);
    };
    let _ = start.await;

    let stored = ground.journal(&poison).await;
    assert_eq!((lost, records(&stored, "asked"), records(&stored, "taken_over")), (3, 3, 2));
    let error = stored.iter().find(|entry| entry.event.as_deref() == Some("error")).unwrap();
    assert_eq!(error.data["errorType"], "RunLostError", "{error}");
    assert_eq!(error.data["retryable"], false);
    assert!(stored.iter().any(|entry| entry.data["metadata"]["notice"] == true), "a notice");
    let end = stored.iter().find(|entry| entry.has_record("ended")).unwrap();
    assert_eq!((&end.data["type"], &end.data["status"]), (&json!("end"), &json!("failed")));

    // The other run has changed hands as often, and waits.
    replicas.iter().for_each(|replica| replica.proxy().disarm());
    let user = replicas[0].user();
    assert_eq!(user.approve(&asked).await.status, 200);
    let mut stream = user.resume(&waits, None).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_waits_for_a_person_outlives_as_many_servers_as_it_takes() {
    let ground = Ground::new().await;
    let mut replica = ground.cluster(Options::default()).replica(0).await;
    let mut waiting = replica.user().stream(MERGE).await;
    let asked = waiting.until("hitl").await.data["requestId"].as_str().unwrap().to_owned();
    for _ in 0..4 {
        replica = replica.kill().await;
        let taken_over = async || replica.log().contains("run taken over: it waits for answers");
        eventually("the run is taken over", taken_over).await;
    }
    let user = replica.user();
    assert_eq!(user.approve(&asked).await.status, 200);
    let mut stream = user.resume(&waiting.session(), None).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
    assert_eq!(records(&ground.journal(&waiting.session()).await, "taken_over"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_are_asked_to_end_do_not_count_however_long_the_step_is() {
    const RESTARTS: usize = 4;
    let ground = Ground::new().await;
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let model = FakeModel::answering(move |_| {
        match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            ..RESTARTS => Reply::silence(),
            _ => Reply::text(["네."]),
        }
    })
    .await;
    let options = Options::default()
        .model(&model)
        .set("AURA__API__DRAIN_DELAY_SECONDS", 0)
        .set("AURA__API__SHUTDOWN_GRACE_SECONDS", 1);
    let mut replica = ground.cluster(options).replica(0).await;
    let mut stream = replica.user().stream("안녕").await;
    stream.until("thought").await;
    for restart in 1..=RESTARTS {
        model.wait_for_requests(restart).await;
        replica = replica.terminate().await;
    }
    let mut stream = replica.user().resume(&stream.session(), None).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
    let stored = ground.journal(&stream.session()).await;
    assert_eq!(records(&stored, "handed_over"), RESTARTS);
    assert_eq!(records(&stored, "taken_over"), RESTARTS);
}
