//! One run with a tool that reads, a merge that a person approves, and an answer; its server is
//! killed right before and right after each of its appends, one at a time.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;

use crate::append_log::Append;
use crate::checker::{Evidence, check_audit, check_orphan};
use crate::client::{ClientActor, Environment};
use crate::cluster::Cluster;
use crate::journal;
use crate::model;
use crate::plan::Plan;
use crate::proxy::{Moment, Spot};
use crate::workspace::Workspace;
use aura_testing::app::{Options, client};
use aura_testing::model::FakeModel;
use aura_testing::redis::RedisServer;

/// Cases at work at once; each is mostly waiting for a lease to run out.
const AT_ONCE: usize = 6;
/// Words of the last answer: enough for several appends of content.
const WORDS: usize = 8;
/// So slow that most words are an append of their own.
const PACE: Duration = Duration::from_millis(4);
/// Runs in a row that were over before their append: not all runs have as many.
const MISSED: usize = 6;
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of one case.
struct Row {
    spot: Spot,
    moment: Moment,
    /// The append; `None` if the run was over before.
    append: Option<Append>,
    status: String,
    merges: usize,
    approvals: usize,
    broken_off: usize,
}

/// Appends that are met by name, too: how many there are before them differs from run to run.
const NAMED: [(&str, usize); 15] = [
    ("opened", 1),
    ("analyzed", 1),
    ("asked", 1),
    ("answered", 1),
    ("tool_starting", 1),
    ("tool_finished", 1),
    ("asked", 2),
    ("answered", 2),
    ("approval_asked", 1),
    ("approval_resolved", 1),
    ("tool_starting", 2),
    ("tool_finished", 2),
    ("asked", 3),
    ("answered", 3),
    ("ended", 1),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_append_loses_nothing_and_does_nothing_twice() {
    let model = model::start(PACE).await;
    let workspace = Workspace::new();
    let named = NAMED.into_iter().map(|(kind, times)| Spot::Record(kind, times));
    let spots = named.chain((1..).map(Spot::Number));
    let both = |spot| [(spot, Moment::Before), (spot, Moment::After)];
    let mut cases = futures::stream::iter(spots.flat_map(both).enumerate())
        .map(|(index, (spot, moment))| case(&model, &workspace, index, spot, moment))
        .buffered(AT_ONCE);
    let (mut rows, mut missed) = (Vec::new(), 0);
    while missed < MISSED {
        let row = cases.next().await.unwrap();
        missed = match (&row.append, row.spot) {
            (Some(_), _) => 0,
            (None, Spot::Number(_)) => missed + 1,
            (None, Spot::Record(..) | Spot::Next(_)) => {
                panic!("no kill {:?} {:?}", row.moment, row.spot)
            }
        };
        rows.push(row);
    }
    if let Ok(file) = std::env::var("AURA_FAULTS_TABLE") {
        std::fs::write(file, table(&rows)).unwrap();
    }
}

async fn case(
    model: &FakeModel,
    workspace: &Workspace,
    index: usize,
    spot: Spot,
    moment: Moment,
) -> Row {
    let redis = tokio::task::spawn_blocking(RedisServer::start).await.unwrap();
    let mut keys = journal::connect(&redis.url()).await.unwrap();
    know_script(&mut keys).await;
    let plan = Plan::merge(index, WORDS + index / 2 % 2);
    workspace.add(&plan.repository());
    let options = Options::default().model(model);
    let cluster = Cluster::new(redis.port(), options, workspace.root());
    let mut server = cluster.replica(0).await;
    server.dies_at(spot, moment);

    let environment = Environment {
        cluster: Arc::clone(&cluster),
        redis: redis.url(),
        http: client(),
        seed: index as u64,
    };
    let mut client = tokio::spawn(ClientActor::new(plan, environment).live(PATIENCE));
    let (append, lived) = tokio::select! {
        append = server.proxy().sprung() => {
            server = server.kill().await;
            (Some(append), client.await)
        }
        lived = &mut client => (None, lived),
    };
    let (plan, history) = lived.unwrap();
    let place = format!("killed {moment:?} {spot:?} ({append:?})");
    let history = history.unwrap_or_else(|violation| panic!("{place}: {violation}"));

    let session = history.session.clone().unwrap();
    let stored = journal::read(&mut keys, &session).await;
    let merges = workspace.merges(&plan.repository());
    let evidence = Evidence { plan: &plan, history: &history, journal: &stored, merges };
    evidence.check().unwrap_or_else(|violation| panic!("{place}: {violation}"));
    let facts = journal::audited(&mut keys, "tenant1").await;
    check_audit(&session, &stored, &facts)
        .unwrap_or_else(|violation| panic!("{place}: {violation}"));
    for orphan in journal::sessions(&mut keys).await {
        if orphan != session {
            let stored = journal::read(&mut keys, &orphan).await;
            check_orphan(&stored).unwrap_or_else(|violation| panic!("{place}: {violation}"));
        }
    }
    drop(server);
    let (status, approvals) = (evidence.status().to_owned(), evidence.approvals());
    Row { spot, moment, append, status, merges, approvals, broken_off: history.broken_off }
}

/// Lets Redis know the script that appends, so that each append is one command.
async fn know_script(redis: &mut ::redis::aio::MultiplexedConnection) {
    let source = include_str!("../../src/store/redis/append.lua");
    let mut load = ::redis::cmd("SCRIPT");
    let _: String = load.arg("LOAD").arg(source).query_async(redis).await.unwrap();
}

fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| append | killed | what was appended | ended | merges | approvals | stream broke off |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for Row { spot, moment, append, status, merges, approvals, broken_off } in rows {
        let Some(append) = append else { continue };
        let (spot, what) = (spot.describe(), append.describe());
        let moment = format!("{moment:?}").to_lowercase();
        writeln!(
            table,
            "| {spot} | {moment} | {what} | {status} | {merges} | {approvals} | {broken_off} |"
        )
        .unwrap();
    }
    table
}
