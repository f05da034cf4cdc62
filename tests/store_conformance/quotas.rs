//! What users may do how often.

use std::num::NonZeroU32;

use aura_platform::domain::{Allowance, Rate, TenantId, UserId};
use aura_platform::store::Store;

use crate::bench::Bench;

async fn take(store: &dyn Store, tenant: &str, user: &str, count: u32) -> Allowance {
    let rate = Rate::per_minute(NonZeroU32::new(count).unwrap());
    store.take_start(&TenantId::new(tenant), &UserId::new(user), rate).await.unwrap()
}

pub(crate) async fn of_many_starts_at_once_as_many_are_granted_as_may_be(bench: Bench) {
    let starts = (0..30).map(|at| {
        let store = if at % 2 == 0 { &bench.one.store } else { &bench.other };
        take(&**store, "tenant1", "user123", 3)
    });
    let taken = futures::future::join_all(starts).await;
    let mut granted: Vec<_> = taken.iter().filter(|taken| taken.wait.is_none()).collect();
    granted.sort_by_key(|taken| std::cmp::Reverse(taken.remaining));
    assert_eq!(granted.iter().map(|taken| taken.remaining).collect::<Vec<_>>(), [2, 1, 0]);
    for refused in taken.iter().filter_map(|taken| taken.wait) {
        assert!(refused.as_secs() <= 20 && !refused.is_zero(), "a third of a minute: {refused:?}");
    }
    assert!(taken.iter().all(|taken| taken.limit == 3 && taken.whole_in.as_secs() <= 60));
}

pub(crate) async fn each_user_of_each_tenant_starts_as_often(bench: Bench) {
    for (tenant, user) in [("a", "b"), ("b", "b"), ("a", "c"), ("a:b", ""), ("a", "b:")] {
        assert_eq!(take(&*bench.one.store, tenant, user, 1).await.wait, None, "{tenant} {user}");
        assert!(take(&*bench.other, tenant, user, 1).await.wait.is_some(), "{tenant} {user}");
    }
}
