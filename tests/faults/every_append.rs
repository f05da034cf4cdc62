//! One run with a tool that reads, a merge that a person approves, and an answer; its server is
//! killed right before and right after each of its appends, one at a time.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;

use crate::checker::{Evidence, check_orphan};
use crate::cluster::Cluster;
use crate::journal;
use crate::ledger::Append;
use crate::model;
use crate::person::{Person, Stage};
use crate::plan::Plan;
use crate::proxy::Moment;
use crate::support::app::{Options, client};
use crate::support::model::FakeModel;
use crate::support::redis::RedisServer;
use crate::workspace::Workspace;

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
    at: usize,
    moment: Moment,
    /// The append; `None` if the run was over before.
    append: Option<Append>,
    status: String,
    merges: usize,
    approvals: usize,
    broken_off: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_append_loses_nothing_and_does_nothing_twice() {
    let model = model::start(PACE).await;
    let workspace = Workspace::new();
    let cases = (1..).flat_map(|at| [(at, Moment::Before), (at, Moment::After)]);
    let mut cases = futures::stream::iter(cases.enumerate())
        .map(|(index, (at, moment))| case(&model, &workspace, index, at, moment))
        .buffered(AT_ONCE);
    let (mut rows, mut missed) = (Vec::new(), 0);
    while missed < MISSED {
        let row = cases.next().await.unwrap();
        missed = if row.append.is_some() { 0 } else { missed + 1 };
        rows.push(row);
    }
    rows.retain(|row| row.append.is_some());
    let table = table(&rows);
    if let Ok(file) = std::env::var("AURA_FAULTS_TABLE") {
        std::fs::write(file, &table).unwrap();
    }
    let kinds: Vec<&String> = rows.iter().flat_map(|r| &r.append.as_ref().unwrap().records).collect();
    for kind in ["opened", "approval_asked", "tool_starting", "tool_finished", "ended"] {
        assert!(kinds.iter().any(|known| *known == kind), "no kill at {kind}:\n{table}");
    }
}

async fn case(
    model: &FakeModel,
    workspace: &Workspace,
    index: usize,
    at: usize,
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
    server.dies_at(at, moment);

    let stage = Stage {
        cluster: Arc::clone(&cluster),
        redis: redis.url(),
        http: client(),
        seed: index as u64,
    };
    let mut person = tokio::spawn(Person::new(plan, stage).live(PATIENCE));
    let (append, lived) = tokio::select! {
        append = server.proxy().sprung() => {
            server = server.kill().await;
            (Some(append), person.await)
        }
        lived = &mut person => (None, lived),
    };
    let (plan, history) = lived.unwrap();
    let place = format!("killed {moment:?} append {at} ({append:?})");
    let history = history.unwrap_or_else(|violation| panic!("{place}: {violation}"));

    let session = history.session.clone().unwrap();
    let stored = journal::read(&mut keys, &session).await;
    let merges = workspace.merges(&plan.repository());
    let evidence = Evidence { plan: &plan, history: &history, journal: &stored, merges };
    evidence.check().unwrap_or_else(|violation| panic!("{place}: {violation}"));
    for orphan in journal::sessions(&mut keys).await {
        if orphan != session {
            let stored = journal::read(&mut keys, &orphan).await;
            check_orphan(&stored).unwrap_or_else(|violation| panic!("{place}: {violation}"));
        }
    }
    drop(server);
    let (status, approvals) = (evidence.status().to_owned(), evidence.approvals());
    Row { at, moment, append, status, merges, approvals, broken_off: history.broken_off }
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
    for Row { at, moment, append, status, merges, approvals, broken_off } in rows {
        let what = append.as_ref().map(Append::describe).unwrap_or_default();
        let moment = format!("{moment:?}").to_lowercase();
        writeln!(
            table,
            "| {at} | {moment} | {what} | {status} | {merges} | {approvals} | {broken_off} |"
        )
        .unwrap();
    }
    table
}
