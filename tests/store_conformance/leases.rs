//! `Leases`. A term of zero runs out at once, so nobody has to wait for one to run out.

use std::collections::HashSet;
use std::time::Duration;

use aura_platform::domain::SessionId;
use aura_platform::store::Store;
use futures::future::join_all;

use crate::bench::{Bench, some_session};

const LONG: Duration = Duration::from_secs(600);
const RUN_OUT: Duration = Duration::ZERO;

async fn claimed(store: &dyn Store) -> HashSet<SessionId> {
    store.claim(1_000, LONG).await.unwrap().into_iter().collect()
}

pub(crate) async fn a_lease_that_has_run_out_is_claimed_once(bench: Bench) {
    let (gone, held) = (some_session(), some_session());
    bench.one.store.renew(std::slice::from_ref(&gone), RUN_OUT).await.unwrap();
    bench.one.store.renew(&[held], LONG).await.unwrap();
    assert_eq!(claimed(&*bench.other).await, HashSet::from([gone]));
    assert!(claimed(&*bench.one.store).await.is_empty());
}

pub(crate) async fn a_renewed_lease_is_not_claimed(bench: Bench) {
    let sessions: Vec<_> = (0..2_500).map(|_| some_session()).collect();
    bench.one.store.renew(&sessions, RUN_OUT).await.unwrap();
    bench.one.store.renew(&sessions[1..], LONG).await.unwrap();
    assert_eq!(claimed(&*bench.other).await, HashSet::from([sessions[0].clone()]));
}

pub(crate) async fn a_released_lease_is_claimed_at_once_and_everybody_is_told(mut bench: Bench) {
    let sessions: Vec<_> = (0..3).map(|_| some_session()).collect();
    // A subscription that is confirmed proves that the process listens.
    bench.one.store.watch(&sessions[0]).await.unwrap();
    bench.one.store.renew(&sessions, LONG).await.unwrap();
    bench.other.release(&sessions[..2]).await.unwrap();
    bench.one.released().await;
    let expected: HashSet<_> = sessions[..2].iter().cloned().collect();
    assert_eq!(claimed(&*bench.other).await, expected);
}

pub(crate) async fn the_lease_of_a_run_that_is_over_is_gone(bench: Bench) {
    let (over, other) = (some_session(), some_session());
    bench.one.store.renew(&[over.clone(), other.clone()], RUN_OUT).await.unwrap();
    bench.other.end(std::slice::from_ref(&over)).await.unwrap();
    bench.other.release(&[over]).await.unwrap();
    assert_eq!(claimed(&*bench.other).await, HashSet::from([other]));
}

pub(crate) async fn who_has_no_lease_is_given_one_and_every_other_lease_stays(bench: Bench) {
    let [none, held, run_out, over] = [(); 4].map(|()| some_session());
    bench.one.store.renew(&[held.clone(), over.clone()], LONG).await.unwrap();
    bench.one.store.renew(std::slice::from_ref(&run_out), RUN_OUT).await.unwrap();
    bench.one.store.end(std::slice::from_ref(&over)).await.unwrap();
    let all = [none.clone(), held.clone(), run_out.clone(), over.clone()];
    bench.other.ensure(&all, LONG).await.unwrap();
    assert_eq!(claimed(&*bench.other).await, HashSet::from([run_out]), "it is not renewed");
    bench.one.store.end(&[none.clone(), over.clone()]).await.unwrap();
    bench.other.ensure(&all, RUN_OUT).await.unwrap();
    assert_eq!(claimed(&*bench.other).await, HashSet::from([none, over]), "held is held");
}

pub(crate) async fn no_more_is_claimed_than_asked_for(bench: Bench) {
    let sessions: Vec<_> = (0..5).map(|_| some_session()).collect();
    bench.one.store.renew(&sessions, RUN_OUT).await.unwrap();
    let first = bench.other.claim(2, LONG).await.unwrap();
    let rest = bench.other.claim(9, LONG).await.unwrap();
    assert_eq!((first.len(), rest.len()), (2, 3));
    let all: HashSet<_> = first.into_iter().chain(rest).collect();
    assert_eq!(all, sessions.into_iter().collect());
}

pub(crate) async fn of_several_claimants_one_gets_each_run(bench: Bench) {
    let sessions: Vec<_> = (0..40).map(|_| some_session()).collect();
    bench.one.store.renew(&sessions, RUN_OUT).await.unwrap();
    let claims = (0..8).map(|n| {
        let store = if n % 2 == 0 { &bench.one.store } else { &bench.other };
        store.claim(10, LONG)
    });
    let taken: Vec<SessionId> =
        join_all(claims).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(taken.len(), sessions.len());
    assert_eq!(taken.into_iter().collect::<HashSet<_>>(), sessions.into_iter().collect());
}

pub(crate) async fn nothing_is_no_trouble(bench: Bench) {
    bench.one.store.renew(&[], LONG).await.unwrap();
    bench.one.store.ensure(&[], LONG).await.unwrap();
    bench.one.store.release(&[]).await.unwrap();
    bench.one.store.end(&[some_session()]).await.unwrap();
    assert!(claimed(&*bench.other).await.is_empty());
}
