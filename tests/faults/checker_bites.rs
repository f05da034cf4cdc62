//! The checker itself: it takes what a run without faults has left, and refuses it with any one
//! thing changed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aura_platform::domain::UserId;
use serde_json::json;

use crate::checker::{Evidence, check_key, check_orphan};
use crate::client::{ClientActor, Environment, History};
use crate::cluster::Cluster;
use crate::journal::{self, Entry};
use crate::model;
use crate::plan::{Plan, Reaction};
use crate::random::at_rest;
use crate::starts::strand;
use crate::workspace::Workspace;
use aura_testing::app::{Options, PATIENCE, client};
use aura_testing::redis::RedisServer;

/// What a run has left, to be tampered with.
#[derive(Clone)]
struct Left {
    history: History,
    journal: Vec<Entry>,
    merges: usize,
}

type Change = fn(&mut Left);

/// Where in the journal something stands.
fn at(left: &Left, is: impl Fn(&Entry) -> bool) -> usize {
    left.journal.iter().position(is).unwrap()
}

/// Takes an entry out as if it had never been written, and out of the client's history.
fn without(left: &mut Left, is: impl Fn(&Entry) -> bool) {
    let at = at(left, is);
    let gone = left.journal.remove(at);
    if let Some(next) = left.journal.get_mut(at) {
        next.before = gone.before;
    }
    left.history.frames.retain(|frame| frame.id != gone.id);
}

const CHANGES: [(&str, Change); 13] = [
    ("a frame that the client missed", |left| drop(left.history.frames.remove(5))),
    ("a frame that the client got twice", |left| {
        let again = left.history.frames[5].clone();
        left.history.frames.insert(6, again);
    }),
    ("a byte that differs", |left| left.history.frames[5].raw.push(' ')),
    ("an entry that was cut out", |left| drop(left.journal.remove(7))),
    ("an entry after the trailer", |left| {
        let mut more =
            left.journal[at(left, |entry| entry.event.as_deref() == Some("content"))].clone();
        let last = left.journal.last().unwrap().id;
        (more.id, more.before) = (last + 1, last);
        left.journal.push(more);
    }),
    ("a run without a trailer", |left| without(left, Entry::is_done)),
    ("a piece of the answer that is missing", |left| {
        without(left, |entry| entry.event.as_deref() == Some("content"));
    }),
    ("a second merge", |left| left.merges = 2),
    ("a merge that is told and did not happen", |left| left.merges = 0),
    ("a start without an approval", |left| {
        let at = at(left, |entry| entry.has_record("approval_resolved"));
        left.journal[at].record.as_mut().unwrap()["decision"]["verdict"] = json!("rejected");
    }),
    ("a second start with one approval", |left| {
        let first = at(left, |entry| entry.has_record("tool_starting"));
        let call = json!("call_act");
        left.journal[first].record.as_mut().unwrap()["call"] = call;
    }),
    ("an approval that nobody gave", |left| {
        left.history.reactions.values_mut().for_each(|reaction| *reaction = Reaction::Reject);
    }),
    ("a question without the tool that it is about", |left| {
        without(left, |entry| entry.is_execution("pending"));
    }),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checker_takes_a_good_run_and_refuses_each_bad_one() {
    let redis = RedisServer::start();
    let model = model::start(Duration::ZERO).await;
    let workspace = Workspace::new();
    let cluster = Cluster::new(redis.port(), Options::default().model(&model), workspace.root());
    let replica = cluster.replica(0).await;
    let plan = Plan::merge(0, 3);
    workspace.add(&plan.repository());
    let environment =
        Environment { cluster: Arc::clone(&cluster), redis: redis.url(), http: client(), seed: 1 };
    let (plan, history) = ClientActor::new(plan, environment).live(PATIENCE).await;
    let history = history.unwrap();
    let mut keys = journal::connect(&redis.url()).await.unwrap();
    let journal = journal::read(&mut keys, history.session.as_ref().unwrap()).await;
    let good = Left { history, journal, merges: workspace.merges(&plan.repository()) };

    let check = |left: &Left| {
        let Left { history, journal, merges } = left;
        Evidence { plan: &plan, history, journal, merges: *merges }.check()
    };
    assert_eq!(check(&good), Ok(()));
    for (what, change) in CHANGES {
        let mut bad = good.clone();
        change(&mut bad);
        let violation = check(&bad).expect_err(what);
        eprintln!("{what}: {violation}");
    }
    let nobody = HashSet::new();
    assert_eq!(check_orphan(&good.journal[..3]), Ok(()));
    assert_eq!(check_key(&nobody, &good.journal), Ok(()));
    let users = HashSet::from([plan.user()]);
    check_key(&users, &good.journal).expect_err("a second run of a request with a key");
    let mut silent = good.clone();
    without(&mut silent, |entry| entry.event.as_deref() == Some("start"));
    check_orphan(&silent.journal[..3]).expect_err("a run that does not say `start` first");
    drop(replica);
    let stranded = strand(&redis, &UserId::new("nobody"), "talk nothing 1").await;
    let why = at_rest(&mut keys, stranded.session_id.as_str()).await;
    why.expect_err("a run that nobody looks after");
}
