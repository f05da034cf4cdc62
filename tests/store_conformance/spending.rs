//! What tenants have spent.

use aura_platform::domain::{TenantId, UnixMs, UtcDay};
use aura_platform::store::SPENT_MAX;

use crate::bench::{Bench, NOW_MS};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(crate) async fn what_every_process_spends_adds_up(bench: Bench) {
    let (tenant, day) = (TenantId::new("tenant1"), UtcDay::of(UnixMs::new(NOW_MS)));
    assert_eq!(bench.one.store.spent(&tenant, day).await.unwrap(), 0);
    assert_eq!(bench.one.store.spend(&tenant, day, 40).await.unwrap(), 40);
    assert_eq!(bench.other.spend(&tenant, day, 2).await.unwrap(), 42);
    assert_eq!(bench.one.store.spend(&tenant, day, 0).await.unwrap(), 42);
    assert_eq!(bench.one.store.spent(&tenant, day).await.unwrap(), 42);
}

pub(crate) async fn of_many_who_spend_at_once_nobody_is_forgotten(bench: Bench) {
    let (tenant, day) = (TenantId::new("tenant1"), UtcDay::of(UnixMs::new(NOW_MS)));
    let spend = |at: usize| {
        let store = if at.is_multiple_of(2) { &bench.one.store } else { &bench.other };
        store.spend(&tenant, day, 3)
    };
    let totals = futures::future::try_join_all((0..50).map(spend)).await.unwrap();
    let mut sorted = totals.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), 50, "every total is somebody's own: {totals:?}");
    assert_eq!(bench.one.store.spent(&tenant, day).await.unwrap(), 150);
}

pub(crate) async fn tenants_and_days_have_budgets_of_their_own(bench: Bench) {
    let (today, tomorrow) =
        (UtcDay::of(UnixMs::new(NOW_MS)), UtcDay::of(UnixMs::new(NOW_MS + DAY_MS)));
    let store = &bench.one.store;
    store.spend(&TenantId::new("a"), today, 1).await.unwrap();
    store.spend(&TenantId::new("a:2024-01-25"), today, 10).await.unwrap();
    store.spend(&TenantId::new("a"), tomorrow, 100).await.unwrap();
    let spent = |tenant: &'static str, day| async move {
        store.spent(&TenantId::new(tenant), day).await.unwrap()
    };
    assert_eq!((spent("a", today).await, spent("a", tomorrow).await), (1, 100));
    assert_eq!((spent("a:2024-01-25", today).await, spent("b", today).await), (10, 0));
}

pub(crate) async fn a_total_stops_at_its_end_and_is_never_refused(bench: Bench) {
    let (tenant, day) = (TenantId::new("tenant1"), UtcDay::of(UnixMs::new(NOW_MS)));
    let store = &bench.one.store;
    assert_eq!(store.spend(&tenant, day, 7).await.unwrap(), 7);
    for tokens in [u64::MAX, SPENT_MAX, u64::MAX, 1] {
        assert_eq!(store.spend(&tenant, day, tokens).await.unwrap(), SPENT_MAX);
    }
    assert_eq!(bench.other.spent(&tenant, day).await.unwrap(), SPENT_MAX);
}
