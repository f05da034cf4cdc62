//! `Idempotency`: one answer for each key, over all processes.

use aura_platform::domain::{
    IdempotencyKey, KeyClaim, KeyStanding, RequestHash, ScopedKey, TenantId, UserId,
};
use aura_platform::store::{Claimed, Freed, Store};
use futures::future::join_all;
use serde_json::json;

use crate::bench::{Bench, some_session};

fn key_of(tenant: &str, user: &str, key: &str) -> ScopedKey {
    let key = IdempotencyKey::parse(key.as_bytes()).unwrap();
    ScopedKey { tenant: TenantId::new(tenant), user: UserId::new(user), key }
}

/// A key that no other check uses.
fn some_key() -> ScopedKey {
    key_of("tenant1", "user123", some_session().as_str())
}

fn asking(prompt: &str) -> RequestHash {
    RequestHash::of("POST", &json!({ "prompt": prompt }))
}

fn some_claim() -> KeyClaim {
    KeyClaim { session: some_session(), request: asking("a") }
}

/// That the claim stands, and is not known to have begun.
fn standing_for(claim: KeyClaim) -> Claimed {
    Claimed::Taken(KeyStanding { claim, begun: false })
}

async fn claim(store: &dyn Store, key: &ScopedKey, claim: &KeyClaim) -> Claimed {
    store.claim_key(key, claim, None).await.unwrap()
}

pub(crate) async fn the_first_claim_stands_for_every_process(bench: Bench) {
    let (key, first, second) = (some_key(), some_claim(), some_claim());
    assert_eq!(bench.other.join_key(&key, &first.request).await.unwrap(), None);
    assert_eq!(claim(&*bench.one.store, &key, &first).await, Claimed::Won);
    assert_eq!(claim(&*bench.other, &key, &second).await, standing_for(first.clone()));
    let joined = bench.other.join_key(&key, &asking("b")).await.unwrap();
    assert_eq!(joined.unwrap().claim, first, "with what it was claimed for");
}

pub(crate) async fn a_repeated_claim_is_won_again(bench: Bench) {
    let (key, mine) = (some_key(), some_claim());
    for store in [&bench.one.store, &bench.other] {
        assert_eq!(claim(&**store, &key, &mine).await, Claimed::Won);
    }
}

pub(crate) async fn of_twenty_claims_one_is_won(bench: Bench) {
    let key = some_key();
    let claims: Vec<KeyClaim> = (0..20).map(|_| some_claim()).collect();
    let claimed = claims.iter().enumerate().map(|(n, mine)| {
        let store = if n % 2 == 0 { &bench.one.store } else { &bench.other };
        claim(&**store, &key, mine)
    });
    let claimed = join_all(claimed).await;
    let winner = claimed.iter().position(|claimed| *claimed == Claimed::Won).unwrap();
    for (n, claimed) in claimed.into_iter().enumerate() {
        let expected = standing_for(claims[winner].clone());
        assert_eq!(claimed, if n == winner { Claimed::Won } else { expected });
    }
}

pub(crate) async fn only_from_the_session_that_was_withdrawn_a_key_is_taken_over(bench: Bench) {
    let (key, [gone, second, third]) = (some_key(), [(); 3].map(|()| some_claim()));
    let over = |claim: KeyClaim, from: KeyClaim| {
        let (store, key) = (&bench.other, &key);
        async move { store.claim_key(key, &claim, Some(&from.session)).await.unwrap() }
    };
    assert_eq!(claim(&*bench.one.store, &key, &gone).await, Claimed::Won);
    let taken = over(second.clone(), third.clone()).await;
    assert_eq!(taken, standing_for(gone.clone()), "it does not stand for that");
    assert_eq!(over(second.clone(), gone.clone()).await, Claimed::Won);
    assert_eq!(over(third, gone).await, standing_for(second), "somebody was faster");
}

pub(crate) async fn a_key_is_freed_unless_somebody_wants_its_session(bench: Bench) {
    let (store, request) = (&bench.one.store, asking("a"));
    let (key, mine) = (some_key(), some_claim());
    assert_eq!(claim(&**store, &key, &mine).await, Claimed::Won);
    // A claim that is repeated, and another request with the same key, want nothing of it.
    assert_eq!(claim(&*bench.other, &key, &mine).await, Claimed::Won);
    bench.other.join_key(&key, &asking("b")).await.unwrap().unwrap();
    assert_eq!(store.free_key(&key, &some_session()).await.unwrap(), Freed::Free);
    assert_eq!(claim(&**store, &key, &mine).await, Claimed::Won, "it was not freed of another");
    for _ in 0..2 {
        assert_eq!(store.free_key(&key, &mine.session).await.unwrap(), Freed::Free);
    }
    assert_eq!(bench.other.join_key(&key, &request).await.unwrap(), None);

    assert_eq!(claim(&**store, &key, &mine).await, Claimed::Won);
    bench.other.join_key(&key, &request).await.unwrap().unwrap();
    assert_eq!(store.free_key(&key, &mine.session).await.unwrap(), Freed::Wanted);
    assert_eq!(bench.other.join_key(&key, &request).await.unwrap().unwrap().claim, mine);

    let (key, mine) = (some_key(), some_claim());
    assert_eq!(claim(&**store, &key, &mine).await, Claimed::Won);
    claim(&*bench.other, &key, &some_claim()).await;
    assert_eq!(store.free_key(&key, &mine.session).await.unwrap(), Freed::Wanted);
}

pub(crate) async fn a_key_is_not_taken_over_from_a_session_that_has_begun(bench: Bench) {
    let (key, first, second) = (some_key(), some_claim(), some_claim());
    let standing = |begun| Some(KeyStanding { claim: first.clone(), begun });
    let join = async || bench.one.store.join_key(&key, &first.request).await.unwrap();
    bench.other.key_begun(&key, &first.session).await.unwrap();
    assert_eq!(join().await, None, "it stands for nothing");
    assert_eq!(claim(&*bench.one.store, &key, &first).await, Claimed::Won);
    bench.other.key_begun(&key, &second.session).await.unwrap();
    assert_eq!(join().await, standing(false), "it does not stand for that");
    for _ in 0..2 {
        bench.other.key_begun(&key, &first.session).await.unwrap();
        assert_eq!(join().await, standing(true));
    }
    let taken = bench.other.claim_key(&key, &second, Some(&first.session)).await.unwrap();
    assert_eq!(taken, Claimed::Taken(standing(true).unwrap()));
}

pub(crate) async fn what_was_wanted_of_a_withdrawn_session_says_nothing_of_the_next(bench: Bench) {
    let (key, gone, next) = (some_key(), some_claim(), some_claim());
    assert_eq!(claim(&*bench.one.store, &key, &gone).await, Claimed::Won);
    claim(&*bench.other, &key, &next).await;
    let taken_over = bench.other.claim_key(&key, &next, Some(&gone.session)).await.unwrap();
    assert_eq!(taken_over, Claimed::Won);
    assert_eq!(bench.other.free_key(&key, &next.session).await.unwrap(), Freed::Free);
}

pub(crate) async fn callers_have_keys_of_their_own_whatever_they_are_called(bench: Bench) {
    let names = [
        ("a:b", "c", "k"),
        ("a", "b:c", "k"),
        ("a", "b", "c:k"),
        ("a%3Ab", "c", "k"),
        ("{a}", "b", "{k}"),
        ("a", "b", "k"),
    ];
    for (tenant, user, key) in names {
        let claimed = claim(&*bench.one.store, &key_of(tenant, user, key), &some_claim()).await;
        assert_eq!(claimed, Claimed::Won, "{tenant} {user} {key}");
    }
}
