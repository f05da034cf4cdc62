//! `Audit`: one whole chain, whoever records. What is done to the stream behind the store's back
//! comes last, against Redis alone.

use std::collections::HashSet;
use std::sync::Arc;

use aura_platform::domain::{
    ArgumentsHash, AuditCall, AuditEntry, AuditFact, AuditKind, Author, Broken, ChainEnd,
    RequestId, SessionId, TenantId, ToolCallId, UnixMs, UserId,
};
use aura_platform::store::{Store, StoreError};
use futures::future::join_all;
use redis::aio::MultiplexedConnection;
use serde_json::json;

use crate::bench::{Bench, NOW_MS, Process, eventually};
use crate::wire::admin;
use crate::within;
use aura_testing::redis::RedisServer;

const KEY: &str = "aura:audit:tenant1";

fn tenant() -> TenantId {
    TenantId::new("tenant1")
}

/// A fact with this number in it.
fn fact(number: usize) -> AuditFact {
    let call = AuditCall {
        session_id: SessionId::new("session_user123_1706152860_0123456789abcdef"),
        tool: "git_merge".into(),
        tool_call_id: ToolCallId::new(format!("call_{number}")),
        arguments_hash: ArgumentsHash::of("git_merge", &json!({"source": "기능"})),
        dry_run: false,
    };
    let request = RequestId::new(format!("req_{number:012}"));
    let who = Author::Known(UserId::new("user123"));
    AuditFact::of_request(&request, AuditKind::ApprovalRequested, call, who, UnixMs::new(NOW_MS))
}

async fn all(store: &dyn Store, tenant: &TenantId) -> Vec<AuditEntry> {
    store.audit(tenant, 0, 100_000).await.unwrap()
}

fn facts(entries: &[AuditEntry]) -> Vec<AuditFact> {
    entries.iter().map(|entry| entry.parsed().unwrap()).collect()
}

fn verify(tenant: &TenantId, entries: &[AuditEntry]) -> Result<ChainEnd, Broken> {
    entries.iter().try_fold(ChainEnd::genesis(tenant), |end, entry| end.check(entry))
}

pub(crate) async fn facts_make_a_chain_in_the_order_of_their_recording(bench: Bench) {
    let recorded: Vec<_> = (0..5).map(fact).collect();
    for (n, fact) in recorded.iter().enumerate() {
        let store = if n % 2 == 0 { &bench.one.store } else { &bench.other };
        store.record(&tenant(), fact).await.unwrap();
    }
    let entries = all(&*bench.other, &tenant()).await;
    assert_eq!(facts(&entries), recorded);
    assert_eq!(verify(&tenant(), &entries).unwrap().number, 5);
    assert_eq!(bench.one.store.audit_reached(&tenant()).await.unwrap(), 5);
}

pub(crate) async fn two_processes_that_record_at_once_make_one_whole_chain(bench: Bench) {
    let recording = (0..600).map(|n| {
        let store = if n % 2 == 0 { &bench.one.store } else { &bench.other };
        let store = Arc::clone(store);
        bench.one.tasks.spawn("test", async move {
            // In two goes each, so that the second meets a chain that others have gone on with.
            store.record(&tenant(), &fact(2 * n)).await.unwrap();
            store.record(&tenant(), &fact(2 * n + 1)).await.unwrap();
        })
    });
    join_all(recording).await.into_iter().for_each(Result::unwrap);
    let entries = all(&*bench.one.store, &tenant()).await;
    assert_eq!(verify(&tenant(), &entries).unwrap().number, 1_200);
    let ids: HashSet<_> = facts(&entries).into_iter().map(|fact| fact.fact_id).collect();
    assert_eq!(ids.len(), 1_200, "each of them once");
}

pub(crate) async fn a_repeated_recording_can_be_told_by_its_fact_id(bench: Bench) {
    bench.one.store.record(&tenant(), &fact(1)).await.unwrap();
    bench.other.record(&tenant(), &fact(1)).await.unwrap();
    bench.one.store.record(&tenant(), &fact(2)).await.unwrap();
    let entries = all(&*bench.one.store, &tenant()).await;
    verify(&tenant(), &entries).unwrap();
    let ids: HashSet<_> = facts(&entries).into_iter().map(|fact| fact.fact_id).collect();
    assert_eq!(ids, HashSet::from([fact(1).fact_id, fact(2).fact_id]));
}

pub(crate) async fn a_page_starts_after_a_number_and_ends_at_the_limit(bench: Bench) {
    for n in 0..4 {
        bench.one.store.record(&tenant(), &fact(n)).await.unwrap();
    }
    let entries = all(&*bench.one.store, &tenant()).await;
    for (after, limit, found) in [
        (0, 2, &entries[..2]),
        (1, 2, &entries[1..3]),
        (3, 9, &entries[3..]),
        (4, 9, &[]),
        (99, 9, &[]),
        (u64::MAX, 9, &[]),
        (0, 0, &[]),
    ] {
        assert_eq!(bench.other.audit(&tenant(), after, limit).await.unwrap(), found, "{after}");
    }
}

pub(crate) async fn tenants_have_chains_of_their_own_whatever_they_are_called(bench: Bench) {
    let mut tenants = ["tenant1", "a:b", "a%3Ab", "{x}", "김 민수", "*"].map(TenantId::new);
    for (n, tenant) in tenants.iter().enumerate() {
        bench.one.store.record(tenant, &fact(n)).await.unwrap();
    }
    for (n, tenant) in tenants.iter().enumerate() {
        let entries = all(&*bench.other, tenant).await;
        assert_eq!(facts(&entries), [fact(n)]);
        verify(tenant, &entries).unwrap();
    }
    tenants.sort();
    assert_eq!(bench.other.audited_tenants().await.unwrap(), tenants);
}

pub(crate) async fn a_tenant_without_facts_has_an_empty_stream(bench: Bench) {
    assert!(all(&*bench.one.store, &tenant()).await.is_empty());
    assert_eq!(bench.one.store.audit_reached(&tenant()).await.unwrap(), 0);
    assert!(bench.one.store.audited_tenants().await.unwrap().is_empty());
}

pub(crate) async fn who_stops_waiting_harms_nobody_else(bench: Bench) {
    let recording = (0..100).map(|n| {
        let store = Arc::clone(&bench.one.store);
        bench.one.tasks.spawn("test", async move { store.record(&tenant(), &fact(n)).await })
    });
    let recording: Vec<_> = recording.collect();
    for (n, task) in recording.iter().enumerate() {
        if n % 2 == 0 {
            task.abort();
        }
    }
    for (n, task) in recording.into_iter().enumerate() {
        let ended = task.await;
        assert!(n % 2 == 0 || ended.unwrap().is_ok());
    }
    let entries = all(&*bench.other, &tenant()).await;
    verify(&tenant(), &entries).unwrap();
    let ids: HashSet<_> = facts(&entries).into_iter().map(|fact| fact.fact_id).collect();
    assert!((1..100).step_by(2).all(|n| ids.contains(&fact(n).fact_id)));
}

/// How often the scripts were run.
async fn appends(admin: &mut MultiplexedConnection) -> u64 {
    let stats: String = redis::cmd("INFO").arg("commandstats").query_async(admin).await.unwrap();
    let calls = |line: &str| -> Option<u64> {
        let line = line.strip_prefix("cmdstat_eval")?;
        line.split_once("calls=")?.1.split(',').next()?.parse().ok()
    };
    stats.lines().filter_map(calls).sum()
}

#[tokio::test]
async fn five_hundred_facts_at_once_cost_a_few_round_trips() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let recording = (0..500).map(|n| {
            let store = &process.store;
            async move { store.record(&tenant(), &fact(n)).await.unwrap() }
        });
        join_all(recording).await;
        let entries = all(&*process.store, &tenant()).await;
        assert_eq!(verify(&tenant(), &entries).unwrap().number, 500);
        let appends = appends(&mut admin(&server).await).await;
        assert!(appends <= 6, "{appends} appends");
    })
    .await;
}

#[tokio::test]
async fn the_stream_has_numbers_for_ids_three_fields_and_no_end() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        process.store.record(&tenant(), &fact(1)).await.unwrap();
        let entry = all(&*process.store, &tenant()).await.remove(0);
        let mut admin = admin(&server).await;
        let mut ask = redis::cmd("XRANGE");
        let stored: Vec<(String, Vec<String>)> =
            ask.arg(KEY).arg("-").arg("+").query_async(&mut admin).await.unwrap();
        let fields = ["previous", entry.previous.as_str(), "fact", &entry.fact, "hash"];
        let fields = fields.into_iter().chain([entry.hash.as_str()]).map(str::to_owned).collect();
        assert_eq!(stored, [("1-0".to_owned(), fields)]);
        let ttl: i64 = redis::cmd("TTL").arg(KEY).query_async(&mut admin).await.unwrap();
        assert_eq!(ttl, -1, "kept for ever");
    })
    .await;
}

#[tokio::test]
async fn recording_fails_while_redis_is_away_and_the_chain_goes_on_after() {
    within(async {
        let mut server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        process.store.record(&tenant(), &fact(1)).await.unwrap();
        server.kill();
        let lost = process.store.record(&tenant(), &fact(2)).await;
        assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
        server.restart();
        eventually("recorded", || async {
            process.store.record(&tenant(), &fact(3)).await.is_ok()
        })
        .await;
        let entries = all(&*process.store, &tenant()).await;
        verify(&tenant(), &entries).unwrap();
        let mut facts = facts(&entries);
        // An attempt without an answer may have succeeded.
        facts.dedup();
        assert_eq!(facts, [fact(1), fact(3)]);
    })
    .await;
}

async fn remove(admin: &mut MultiplexedConnection, id: &str) {
    let removed: u64 = redis::cmd("XDEL").arg(KEY).arg(id).query_async(admin).await.unwrap();
    assert_eq!(removed, 1);
}

#[tokio::test]
async fn numbers_of_removed_entries_are_not_given_out_again() {
    within(async {
        let server = RedisServer::start();
        let (first, second) = (Process::on_redis(&server.url()), Process::on_redis(&server.url()));
        let mut admin = admin(&server).await;
        for n in 1..=3 {
            first.store.record(&tenant(), &fact(n)).await.unwrap();
        }
        remove(&mut admin, "3-0").await;
        let entries = all(&*first.store, &tenant()).await;
        let end = verify(&tenant(), &entries).unwrap();
        let reached = first.store.audit_reached(&tenant()).await.unwrap();
        assert_eq!(end.check_reaches(reached), Err(Broken::Missing { first: 3, last: 3 }));

        // A process that knows the end, and one that does not.
        first.store.record(&tenant(), &fact(4)).await.unwrap();
        second.store.record(&tenant(), &fact(5)).await.unwrap();
        let entries = all(&*first.store, &tenant()).await;
        let numbers: Vec<_> = entries.iter().map(|entry| entry.number).collect();
        assert_eq!(numbers, [1, 2, 4, 5]);
        assert_eq!(verify(&tenant(), &entries), Err(Broken::Missing { first: 3, last: 3 }));

        // Even if nothing is left.
        for id in ["1-0", "2-0", "4-0", "5-0"] {
            remove(&mut admin, id).await;
        }
        first.store.record(&tenant(), &fact(6)).await.unwrap();
        let entries = all(&*first.store, &tenant()).await;
        assert_eq!((entries.len(), entries[0].number), (1, 6));
        assert_eq!(verify(&tenant(), &entries), Err(Broken::Missing { first: 1, last: 5 }));
    })
    .await;
}

#[tokio::test]
async fn what_was_not_recorded_here_is_named_and_not_built_upon() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        process.store.record(&tenant(), &fact(1)).await.unwrap();
        let mut admin = admin(&server).await;
        let mut add = redis::cmd("XADD");
        let _: String =
            add.arg(KEY).arg("2-7").arg("x").arg("y").query_async(&mut admin).await.unwrap();
        let read = process.store.audit(&tenant(), 0, 10).await.map(|_| ());
        let recorded = process.store.record(&tenant(), &fact(2)).await;
        let reached = process.store.audit_reached(&tenant()).await.map(|_| ());
        for result in [read, recorded, reached] {
            match result {
                Err(StoreError::Corrupt(what)) => assert!(what.contains("2-7"), "{what}"),
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}
