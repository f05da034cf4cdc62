//! `RunIndex`.

use std::time::Duration;

use aura_platform::domain::{SessionId, SessionMeta, TenantId, UnixMs};
use aura_platform::store::{RunPlace, RunsWanted, Store};

use crate::bench::{Bench, NOW_MS, meta};

/// A run that was started so many milliseconds after the tests' now, whatever its client wanted of its ids.
async fn started(store: &dyn Store, tenant: &str, after_ms: u64, first_event: u64) -> SessionMeta {
    let created_at_ms = UnixMs::new(NOW_MS + after_ms);
    let run = SessionMeta { created_at_ms, ..meta(tenant, "user123", first_event) };
    store.register(&run).await.unwrap();
    run
}

async fn listed(
    store: &dyn Store,
    tenant: Option<&str>,
    wanted: RunsWanted,
    before: Option<&RunPlace>,
    limit: usize,
) -> (Vec<SessionId>, Option<RunPlace>) {
    let tenant = tenant.map(TenantId::new);
    let page = store.listed_runs(tenant.as_ref(), wanted, before, limit).await.unwrap();
    (page.runs.into_iter().map(|run| run.session_id).collect(), page.next)
}

pub(crate) async fn runs_of_all_tenants_are_listed_as_they_were_started(bench: Bench) {
    let store = &*bench.one.store;
    let first = started(store, "a", 0, u64::MAX / 2).await;
    let second = started(store, "b", 1, NOW_MS).await;
    let third = started(store, "a:b", 2, NOW_MS).await;
    let all = listed(&*bench.other, None, RunsWanted::All, None, 10).await;
    let ids =
        |runs: &[&SessionMeta]| runs.iter().map(|run| run.session_id.clone()).collect::<Vec<_>>();
    assert_eq!(all, (ids(&[&third, &second, &first]), None), "not as their ids are");
    for (tenant, run) in [("a", &first), ("b", &second), ("a:b", &third)] {
        let of_tenant = listed(&*bench.other, Some(tenant), RunsWanted::All, None, 10).await;
        assert_eq!(of_tenant, (ids(&[run]), None), "{tenant}");
    }
    assert_eq!(listed(&*bench.other, Some("c"), RunsWanted::All, None, 10).await, (vec![], None));
}

pub(crate) async fn the_list_of_runs_pages_without_gaps_or_repeats(bench: Bench) {
    let store = &*bench.one.store;
    let mut runs = Vec::new();
    for n in 0..7 {
        // Some at the same moment.
        runs.push(started(store, "a", n / 2, NOW_MS).await);
    }
    let mut places: Vec<RunPlace> = runs.iter().map(RunPlace::of).collect();
    places.sort();
    places.reverse();
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let (page, next) = listed(&*bench.other, None, RunsWanted::All, before.as_ref(), 3).await;
        seen.extend(page);
        before = next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, places.into_iter().map(|place| place.session).collect::<Vec<_>>());
}

pub(crate) async fn of_live_runs_those_are_listed_that_somebody_looks_after(bench: Bench) {
    let store = &*bench.one.store;
    let mut runs = Vec::new();
    for n in 0..4 {
        runs.push(started(store, "a", n, NOW_MS).await.session_id);
    }
    store.renew(&runs, Duration::from_secs(600)).await.unwrap();
    store.end(&[runs[0].clone(), runs[3].clone()]).await.unwrap();
    let (live, next) = listed(&*bench.other, None, RunsWanted::Live, None, 10).await;
    assert_eq!((live, next), (vec![runs[2].clone(), runs[1].clone()], None));
    // A part in which there is none says where to go on all the same.
    let (live, next) = listed(&*bench.other, Some("a"), RunsWanted::Live, None, 1).await;
    assert_eq!((live, next.map(|place| place.session)), (vec![], Some(runs[3].clone())));
}
