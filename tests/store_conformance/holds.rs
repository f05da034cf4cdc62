//! `HoldStore`.

use aura_platform::domain::{
    DecisionSeal, Hold, HoldName, HoldScope, Operator, Sealed, TenantId, UnixMs, UserId,
};
use aura_platform::store::{HOLDS_MAX, PutHoldError, StoreEvent};

use crate::bench::{Bench, some_session};

fn name(text: &str) -> HoldName {
    HoldName::parse(text).unwrap()
}

fn sealed(name: &HoldName, reason: &str) -> Sealed<Hold> {
    let hold = Hold {
        scope: HoldScope { tenant: None, tool: Some("git_merge".into()), runs: true },
        reason: reason.to_owned(),
        put_by: Operator { tenant_id: TenantId::new("1"), user_id: UserId::new("7") },
        put_at_ms: UnixMs::new(1),
    };
    DecisionSeal::new(b"a secret of these tests").seal_named(name.as_str(), &hold).unwrap()
}

pub(crate) async fn a_hold_is_what_every_process_reads_until_it_is_lifted(bench: Bench) {
    let (a, b) = (name("a"), name("b"));
    assert!(bench.other.all_holds().await.unwrap().is_empty());
    let (of_a, of_b) = (sealed(&a, "점검"), sealed(&b, "second"));
    bench.one.store.put_hold(&b, &of_b).await.unwrap();
    bench.one.store.put_hold(&a, &of_a).await.unwrap();
    let both = [(a.clone(), of_a), (b.clone(), of_b.clone())];
    assert_eq!(bench.other.all_holds().await.unwrap(), both, "in the order of the names");
    let instead = sealed(&a, "instead");
    bench.other.put_hold(&a, &instead).await.unwrap();
    assert_eq!(bench.one.store.all_holds().await.unwrap()[0].1, instead);
    bench.other.lift_hold(&a).await.unwrap();
    bench.other.lift_hold(&a).await.unwrap();
    assert_eq!(bench.one.store.all_holds().await.unwrap(), [(b, of_b)]);
}

pub(crate) async fn every_process_is_told_of_what_any_puts_and_lifts(mut bench: Bench) {
    // A subscription that is confirmed proves that the process listens.
    bench.one.store.watch(&some_session()).await.unwrap();
    let stop = name("stop");
    bench.other.put_hold(&stop, &sealed(&stop, "점검")).await.unwrap();
    bench.one.told(&StoreEvent::HoldsChanged).await;
    assert_eq!(bench.one.store.all_holds().await.unwrap().len(), 1);
    bench.other.lift_hold(&stop).await.unwrap();
    bench.one.told(&StoreEvent::HoldsChanged).await;
    assert!(bench.one.store.all_holds().await.unwrap().is_empty());
}

pub(crate) async fn a_hold_is_sealed_anew_only_as_long_as_it_is_what_was_read(bench: Bench) {
    let stop = name("stop");
    let (old, new, other) = (sealed(&stop, "old"), sealed(&stop, "new"), sealed(&stop, "other"));
    let all = async || bench.one.store.all_holds().await.unwrap();
    bench.other.reseal_hold(&stop, &old, &new).await.unwrap();
    assert!(all().await.is_empty(), "what was lifted meanwhile does not come back");
    bench.one.store.put_hold(&stop, &old).await.unwrap();
    bench.other.reseal_hold(&stop, &other, &new).await.unwrap();
    assert_eq!(all().await, [(stop.clone(), old.clone())]);
    bench.other.reseal_hold(&stop, &old, &new).await.unwrap();
    assert_eq!(all().await, [(stop, new)]);
}

pub(crate) async fn there_are_no_more_holds_than_may_be_and_each_can_be_replaced(bench: Bench) {
    let names: Vec<HoldName> = (0..HOLDS_MAX).map(|n| name(&format!("hold-{n:03}"))).collect();
    for held in &names {
        bench.one.store.put_hold(held, &sealed(held, "점검")).await.unwrap();
    }
    let more = name("more");
    let refused = bench.other.put_hold(&more, &sealed(&more, "점검")).await;
    assert!(matches!(refused, Err(PutHoldError::Full)), "{refused:?}");
    bench.other.put_hold(&names[7], &sealed(&names[7], "instead")).await.unwrap();
    bench.one.store.lift_hold(&names[0]).await.unwrap();
    bench.other.put_hold(&more, &sealed(&more, "점검")).await.unwrap();
    assert_eq!(bench.one.store.all_holds().await.unwrap().len(), HOLDS_MAX);
}
