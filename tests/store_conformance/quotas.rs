//! How much users and tenants have at once, and how often users start runs.

use std::num::NonZeroU32;
use std::time::Duration;

use aura_platform::domain::{
    Allowance, AtMost, Counted, Full, Holder, Quota, Rate, Refused, RequestId, SessionMeta,
    TenantId, ToolCallId, UserId,
};
use aura_platform::store::{OpenStreams, Store};

use crate::bench::{Bench, NOW_MS, Process, eventually, meta};
use crate::wire::admin;
use crate::within;
use aura_testing::redis::RedisServer;

const TERM: Duration = Duration::from_secs(60);

fn number(count: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(count)
}

fn rate(count: u32) -> Quota {
    Quota { starts: number(count).map(Rate::per_minute), ..Quota::default() }
}

fn runs(user: u32, tenant: u32) -> Quota {
    let runs = AtMost { user: number(user), tenant: number(tenant) };
    Quota { runs, ..Quota::default() }
}

fn waiting(user: u32, tenant: u32) -> Quota {
    let waiting = AtMost { user: number(user), tenant: number(tenant) };
    Quota { waiting, ..Quota::default() }
}

fn full(counted: Counted, holder: Holder, limit: u32) -> Full {
    Full { counted, holder, limit: number(limit).unwrap() }
}

/// A run of somebody's.
fn run(tenant: &str, user: &str) -> SessionMeta {
    meta(tenant, user, NOW_MS)
}

/// A tenant that no other check has: on a cluster they share the servers.
fn new_tenant() -> String {
    RequestId::generate().to_string()
}

/// Starts it as the service does: with a lease.
async fn start(store: &dyn Store, run: &SessionMeta, quota: &Quota) -> Result<(), Refused> {
    store.renew(std::slice::from_ref(&run.session_id), TERM).await.unwrap();
    let taken = store.take_start(&run.tenant, &run.user, &run.session_id, quota).await.unwrap();
    if taken.is_err() {
        end(store, run).await;
    }
    taken
}

async fn end(store: &dyn Store, run: &SessionMeta) {
    store.end(std::slice::from_ref(&run.session_id)).await.unwrap();
}

async fn take(store: &dyn Store, tenant: &str, user: &str, count: u32) -> Option<Allowance> {
    match start(store, &run(tenant, user), &rate(count)).await {
        Ok(()) => None,
        Err(Refused::TooOften(allowance)) => Some(allowance),
        Err(Refused::Full(full)) => panic!("{full}"),
    }
}

pub(crate) async fn of_many_starts_at_once_as_many_are_granted_as_may_be(bench: Bench) {
    let tenant = new_tenant();
    let starts = (0..30).map(|at| {
        let store = if at % 2 == 0 { &bench.one.store } else { &bench.other };
        take(&**store, &tenant, "user123", 3)
    });
    let taken = futures::future::join_all(starts).await;
    assert_eq!(taken.iter().filter(|refused| refused.is_none()).count(), 3);
    for refused in taken.into_iter().flatten() {
        let wait = refused.wait.unwrap();
        assert!(wait.as_secs() <= 20 && !wait.is_zero(), "a third of a minute: {wait:?}");
        assert!(refused.limit == 3 && refused.remaining == 0 && refused.whole_in.as_secs() <= 60);
    }
}

pub(crate) async fn each_user_of_each_tenant_starts_as_often(bench: Bench) {
    for (tenant, user) in [("a", "b"), ("b", "b"), ("a", "c"), ("a:b", ""), ("a", "b:")] {
        assert_eq!(take(&*bench.one.store, tenant, user, 1).await, None, "{tenant} {user}");
        assert!(take(&*bench.other, tenant, user, 1).await.is_some(), "{tenant} {user}");
    }
}

pub(crate) async fn no_more_runs_of_a_user_or_a_tenant_are_live_than_may_be(bench: Bench) {
    let t = new_tenant();
    let (one, other) = (&*bench.one.store, &*bench.other);
    let quota = runs(2, 3);
    let of_user = [run(&t, "kim"), run(&t, "kim")];
    assert_eq!(start(one, &of_user[0], &quota).await, Ok(()));
    assert_eq!(start(other, &of_user[1], &quota).await, Ok(()));
    let too_many = Refused::Full(full(Counted::Runs, Holder::User, 2));
    assert_eq!(start(one, &run(&t, "kim"), &quota).await, Err(too_many));
    // The same one again: its first attempt may have had no answer.
    assert_eq!(start(one, &of_user[0], &quota).await, Ok(()));
    let colleague = run(&t, "lee");
    assert_eq!(start(one, &colleague, &quota).await, Ok(()));
    let too_many = Refused::Full(full(Counted::Runs, Holder::Tenant, 3));
    assert_eq!(start(other, &run(&t, "lee"), &quota).await, Err(too_many));
    assert_eq!(start(other, &run("u", "kim"), &quota).await, Ok(()), "another tenant");
    // Nothing has to be given back: whoever has no lease is over.
    end(other, &colleague).await;
    assert_eq!(start(one, &run(&t, "lee"), &quota).await, Ok(()));
    // Given back, it is free while the lease is still there.
    one.leave_run(&of_user[1]).await.unwrap();
    assert_eq!(start(other, &run(&t, "kim"), &quota).await, Ok(()));
}

pub(crate) async fn of_many_runs_at_once_as_many_are_live_as_may_be(bench: Bench) {
    let t = new_tenant();
    let quota = runs(0, 5);
    let all: Vec<_> = (0..40).map(|at| run(&t, &format!("user{}", at % 4))).collect();
    let starts = all.iter().enumerate().map(|(at, run)| {
        let store = if at % 2 == 0 { &bench.one.store } else { &bench.other };
        start(&**store, run, &quota)
    });
    let started = futures::future::join_all(starts).await;
    assert_eq!(started.iter().filter(|taken| taken.is_ok()).count(), 5);
}

pub(crate) async fn a_start_that_is_refused_for_what_is_live_costs_nothing_of_the_rate(
    bench: Bench,
) {
    let t = new_tenant();
    let store = &*bench.one.store;
    let quota = Quota { starts: number(2).map(Rate::per_minute), ..runs(1, 0) };
    let first = run(&t, "kim");
    assert_eq!(start(store, &first, &quota).await, Ok(()));
    for _ in 0..5 {
        let refused = start(store, &run(&t, "kim"), &quota).await;
        assert!(matches!(refused, Err(Refused::Full(_))), "{refused:?}");
    }
    end(store, &first).await;
    let second = run(&t, "kim");
    assert_eq!(start(store, &second, &quota).await, Ok(()));
    end(store, &second).await;
    let refused = start(store, &run(&t, "kim"), &quota).await;
    assert!(matches!(refused, Err(Refused::TooOften(_))), "{refused:?}");
    // Nor is it live, having been refused.
    assert_eq!(start(store, &run(&t, "kim"), &runs(1, 1)).await, Ok(()));
}

pub(crate) async fn no_more_requests_wait_than_may_and_with_so_many_nothing_starts(bench: Bench) {
    let t = new_tenant();
    let (one, other) = (&*bench.one.store, &*bench.other);
    let quota = waiting(2, 3);
    let (kim, lee) = (run(&t, "kim"), run(&t, "lee"));
    for run in [&kim, &lee] {
        assert_eq!(start(one, run, &quota).await, Ok(()));
    }
    let ask = async |store: &dyn Store, run: &SessionMeta, call: &str| {
        store.take_question(run, &ToolCallId::new(call), &quota).await.unwrap()
    };
    assert_eq!(ask(one, &kim, "a").await, Ok(()));
    assert_eq!(ask(other, &kim, "b c").await, Ok(()));
    assert_eq!(ask(one, &kim, "b c").await, Ok(()), "about the same call again");
    let of_user = full(Counted::Waiting, Holder::User, 2);
    assert_eq!(ask(one, &kim, "b").await, Err(of_user));
    assert_eq!(start(other, &run(&t, "kim"), &quota).await, Err(Refused::Full(of_user)));
    assert_eq!(ask(one, &lee, "a").await, Ok(()), "another run's call");
    let of_tenant = full(Counted::Waiting, Holder::Tenant, 3);
    assert_eq!(ask(other, &lee, "b").await, Err(of_tenant));
    assert_eq!(start(one, &run(&t, "park"), &quota).await, Err(Refused::Full(of_tenant)));
    other.leave_question(&kim, &ToolCallId::new("b c")).await.unwrap();
    assert_eq!(ask(one, &lee, "b").await, Ok(()));
    // What a run that is over has asked does not wait.
    end(one, &lee).await;
    let next = run(&t, "park");
    assert_eq!(start(other, &next, &quota).await, Ok(()));
    assert_eq!(ask(other, &next, "a").await, Ok(()));
}

pub(crate) async fn more_that_has_ended_than_is_looked_at_once_makes_no_limit_stay_full(
    bench: Bench,
) {
    let t = new_tenant();
    let (store, quota) = (&*bench.one.store, runs(600, 0));
    let all: Vec<_> = (0..600).map(|_| run(&t, "kim")).collect();
    for run in &all {
        assert_eq!(start(store, run, &quota).await, Ok(()));
    }
    // The last ones end: those that are looked at first have not.
    for run in &all[590..] {
        end(store, run).await;
    }
    let mut attempts = 0;
    while start(store, &run(&t, "kim"), &quota).await.is_err() {
        attempts += 1;
        assert!(attempts < 4, "never looked at");
    }
}

/// Of the process that had a part of a user's runs nothing is left; the others, which live, were looked at before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_start_is_refused_for_runs_that_have_ended_wherever_in_a_large_set_they_are() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let mut admin = admin(&server).await;
        let quota = runs(600, 600);
        let all: Vec<_> = (0..600).map(|_| run("t", "kim")).collect();
        for run in &all {
            assert_eq!(start(&*process.store, run, &quota).await, Ok(()));
        }
        let refused = start(&*process.store, &run("t", "kim"), &quota).await;
        assert!(matches!(refused, Err(Refused::Full(_))), "all of them live");
        for key in ["aura:runs:{t}:kim", "aura:runs:{t}"] {
            for (at, run) in (1_u32..).zip(&all) {
                let mut score = redis::cmd("ZADD");
                score.arg(key).arg("XX").arg(at).arg(run.session_id.as_str());
                score.exec_async(&mut admin).await.unwrap();
            }
        }
        end(&*process.store, &all[599]).await;
        assert_eq!(start(&*process.store, &run("t", "kim"), &quota).await, Ok(()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_refused_on_and_on_has_a_large_set_gone_through_once_in_a_while() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let quota = runs(600, 0);
        for _ in 0..600 {
            assert_eq!(start(&*process.store, &run("t", "kim"), &quota).await, Ok(()));
        }
        let looked_at = async || -> u64 {
            let stats = server.ask("INFO commandstats").unwrap();
            let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_zscore:calls="));
            line.unwrap().split(',').next().unwrap().parse().unwrap()
        };
        let (before, began) = (looked_at().await, std::time::Instant::now());
        for _ in 0..20 {
            assert!(start(&*process.store, &run("t", "kim"), &quota).await.is_err());
        }
        // At each refusal one part of the set, and all of it once a second.
        let (looked, passes) = (looked_at().await - before, began.elapsed().as_secs() + 2);
        assert!(looked <= 20 * 260 + passes * 700, "{looked} looks in {passes} s");
    })
    .await;
}

pub(crate) async fn no_user_reads_more_streams_than_may_be_over_all_processes(bench: Bench) {
    let t = new_tenant();
    let (one, other) = (&*bench.one.store, &*bench.other);
    let most = Quota { streams: number(3), ..Quota::default() }.of_stream();
    let (tenant, user) = (TenantId::new(&t), UserId::new("kim"));
    let count = async |store: &dyn Store, count: u32, version: u64| {
        store.count_streams(&tenant, &user, OpenStreams { count, version }, most).await.unwrap()
    };
    one.heard_of(TERM).await.unwrap();
    other.heard_of(TERM).await.unwrap();
    for open in 1..=3 {
        assert_eq!(count(one, open, open.into()).await, Ok(()));
    }
    let too_many = full(Counted::Streams, Holder::User, 3);
    assert_eq!(count(one, 4, 4).await, Err(too_many));
    // An older count that is late does not replace a newer one.
    assert_eq!(count(one, 1, 2).await, Ok(()));
    assert_eq!(count(one, 4, 5).await, Err(too_many));
    let somebody = UserId::new("lee");
    let theirs = OpenStreams { count: 1, version: 1 };
    assert_eq!(one.count_streams(&tenant, &somebody, theirs, most).await.unwrap(), Ok(()));
    // Fewer are always noted.
    assert_eq!(count(one, 2, 6).await, Ok(()));
    assert_eq!(count(one, 3, 7).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_a_process_that_is_gone_are_not_counted() {
    within(async {
        let redis = RedisServer::start();
        let (gone, other) = (Process::on_redis(&redis.url()), Process::on_redis(&redis.url()));
        let most = Quota { streams: number(2), ..Quota::default() }.of_stream();
        let (tenant, user) = (TenantId::new("t"), UserId::new("kim"));
        let open = |count, version| OpenStreams { count, version };
        assert!(!gone.store.heard_of(TERM).await.unwrap(), "it is new");
        assert!(gone.store.heard_of(TERM).await.unwrap());
        gone.store.count_streams(&tenant, &user, open(2, 1), most).await.unwrap().unwrap();
        let one_more = || other.store.count_streams(&tenant, &user, open(1, 1), most);
        assert!(one_more().await.unwrap().is_err(), "both are counted together");
        gone.store.heard_of(Duration::from_millis(1)).await.unwrap();
        eventually("it is taken to be gone", || async {
            other.store.heard_of(TERM).await.unwrap();
            one_more().await.unwrap().is_ok()
        })
        .await;
        // Should it only have stood still, it is told so, and what it has is counted whatever the limit says.
        assert!(!gone.store.heard_of(TERM).await.unwrap());
        let any = Quota::default().of_stream();
        gone.store.count_streams(&tenant, &user, open(2, 2), any).await.unwrap().unwrap();
        let one_more = other.store.count_streams(&tenant, &user, open(2, 2), most);
        assert!(one_more.await.unwrap().is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_has_put_in_the_place_of_a_count_keeps_nobody_out() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let mut admin = admin(&server).await;
        let (tenant, user) = (TenantId::new("t"), UserId::new("kim"));
        let both = |what| [format!("aura:{what}:{{t}}"), format!("aura:{what}:{{t}}:kim")];
        let quota = Quota {
            waiting: waiting(5, 5).waiting,
            starts: rate(5).starts,
            streams: number(5),
            ..runs(5, 5)
        };
        for text in ["nan", "inf", "1e300", "-1", "x", ""] {
            let spoilt = ["runs", "waiting", "streams"].into_iter().flat_map(both);
            let spoilt = spoilt.map(|key| (key, "x"));
            for (key, value) in spoilt.chain([("aura:starts:{t}:kim".to_owned(), text)]) {
                let mut put = redis::cmd("SET");
                put.arg(key).arg(value).exec_async(&mut admin).await.unwrap();
            }
            let run = run("t", "kim");
            assert_eq!(start(&*process.store, &run, &quota).await, Ok(()), "{text}");
            let call = ToolCallId::new("call_1");
            assert_eq!(process.store.take_question(&run, &call, &quota).await.unwrap(), Ok(()));
            let open = OpenStreams { count: 1, version: 1 };
            let most = quota.of_stream();
            let counted = process.store.count_streams(&tenant, &user, open, most).await;
            assert_eq!(counted.unwrap(), Ok(()));
        }
    })
    .await;
}
