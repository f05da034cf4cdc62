//! How long a client waits when the server that works for it goes, with nothing else in the way.
//!
//! `AURA_FAULTS_LEASE` sets the lease, in seconds.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::append_log::Spread;
use crate::checker::Evidence;
use crate::client::{Barrier, ClientActor, Environment};
use crate::cluster::{Cluster, LEASE_SECONDS, Replica};
use crate::journal;
use crate::model;
use crate::plan::{Plan, Task};
use crate::workspace::Workspace;
use aura_testing::app::{Options, client, eventually};
use aura_testing::redis::RedisServer;

/// Runs that are in the middle of an answer.
const WORKING: usize = 30;
/// Runs that wait for a person, who answers right after the server has gone.
const WAITING: usize = 30;
const PACE: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runs_of_a_server_that_goes_go_on_at_the_other_one() {
    let lease = std::env::var("AURA_FAULTS_LEASE");
    let lease = lease.map_or(LEASE_SECONDS, |text| text.parse().unwrap());
    let mut times =
        format!("| with a lease of {lease} s | runs that stood still, and how long |\n|---|---|\n");
    let killed = times_when(lease, Replica::kill).await;
    writeln!(times, "| kill -9 | {} |", Spread(&killed.append_log.take_overs())).unwrap();
    assert!(killed.append_log.take_overs().len() >= WORKING / 4, "{times}");
    let ended = times_when(lease, Replica::terminate).await;
    writeln!(times, "| SIGTERM | {} |", Spread(&ended.append_log.hand_overs())).unwrap();
    assert!(ended.append_log.hand_overs().len() >= WAITING / 4, "{times}");
    eprintln!("{times}");
    if let Ok(file) = std::env::var("AURA_FAULTS_FAILOVER") {
        std::fs::write(file, times).unwrap();
    }
}

async fn times_when<G, F>(lease: u64, goes: G) -> Arc<Cluster>
where
    G: FnOnce(Replica) -> F,
    F: Future<Output = Replica>,
{
    let redis = RedisServer::start();
    let model = model::start(PACE).await;
    let workspace = Workspace::new();
    let options = Options::default().model(&model);
    let cluster = Cluster::with_lease(lease, redis.port(), options, workspace.root());
    let (first, second) = tokio::join!(cluster.replica(0), cluster.replica(1));
    let (phase, phases) = watch::channel(0);
    let asked = Arc::new(watch::Sender::new(0));
    let clients = (0..WORKING + WAITING).map(|index| {
        let task = if index < WORKING { Task::Talk } else { Task::Mail };
        let plan = Plan { task, ..Plan::merge(index, 100) };
        workspace.add(&plan.repository());
        let environment = Environment {
            cluster: Arc::clone(&cluster),
            redis: redis.url(),
            http: client(),
            seed: 5,
        };
        let barrier = Barrier { opens_at: 1, phase: phases.clone(), asked: Arc::clone(&asked) };
        tokio::spawn(ClientActor::new(plan, environment).behind(barrier).live(PATIENCE))
    });
    let clients: Vec<_> = clients.collect();
    let mut count = asked.subscribe();
    let all = timeout(PATIENCE, count.wait_for(|asked| *asked == WAITING)).await;
    all.expect("everybody is asked").unwrap();

    // Until its port is closed the server still serves whoever answers.
    let ready = format!("{}/health/ready", first.base());
    let (gone, ()) = tokio::join!(goes(first), async {
        eventually("the server goes", async || !is_there(&ready).await).await;
        phase.send_replace(1);
    });
    let mut keys = journal::connect(&redis.url()).await.unwrap();
    for client in join_all(clients).await {
        let (plan, history) = client.unwrap();
        let history = history.unwrap_or_else(|violation| panic!("{plan}: {violation}"));
        let stored = journal::read(&mut keys, history.session.as_ref().unwrap()).await;
        let evidence = Evidence { plan: &plan, history: &history, journal: &stored, merges: 0 };
        evidence.check().unwrap_or_else(|violation| panic!("{plan}: {violation}"));
    }
    drop((gone, second));
    cluster
}

async fn is_there(url: &str) -> bool {
    client().get(url).send().await.is_ok()
}
