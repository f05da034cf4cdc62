//! What is promised about requests, votes and the one decision.

use std::sync::Arc;

use aura_platform::domain::{
    ApprovalRequest, ProposalOutcome, RequestId, SessionId, Standing, Verdict,
};
use aura_platform::store::{Polled, Store, StoredSignals};
use futures::future::join_all;

use crate::bench::{Bench, deadline, meta_of, request, sealed, some_session};

async fn stored(store: &Arc<dyn Store>, id: &RequestId) -> Option<ApprovalRequest> {
    let text = store.request(id).await.unwrap();
    text.map(|text| serde_json::from_str(&text).expect("what was stored"))
}

pub(crate) async fn opening_stores_everything_and_listens(mut bench: Bench) {
    let session = some_session();
    let request = request(&session);
    bench
        .one
        .store
        .open(&meta_of(&request.session_id), &request, r#"{"pending_approvals":[]}"#)
        .await
        .unwrap();
    assert_eq!(stored(&bench.other, &request.request_id).await, Some(request));
    let checkpoint = bench.other.checkpoint(&session).await.unwrap();
    assert_eq!(checkpoint.as_deref(), Some(r#"{"pending_approvals":[]}"#));
    bench.other.publish_signal(&session, "now").await.unwrap();
    assert_eq!(bench.one.heard().await, (session, "now".into()));
}

pub(crate) async fn opening_forgets_the_signal_of_an_earlier_request(bench: Bench) {
    let session = some_session();
    bench.one.store.store_signal(&session, "old").await.unwrap();
    bench.one.store.open(&meta_of(&session), &request(&session), "{}").await.unwrap();
    assert_eq!(bench.one.store.signal(&session).await.unwrap(), None);
    bench.one.store.store_signal(&session, "new").await.unwrap();
    assert_eq!(bench.other.signal(&session).await.unwrap().as_deref(), Some("new"));
}

pub(crate) async fn a_signal_reaches_only_those_who_watch_its_session(mut bench: Bench) {
    let (watched, unwatched) = (some_session(), some_session());
    bench.one.store.watch(&watched).await.unwrap();
    bench.other.watch(&unwatched).await.unwrap();
    bench.other.unwatch(&unwatched);
    bench.other.publish_signal(&unwatched, "not for us").await.unwrap();
    bench.other.publish_signal(&watched, "for us").await.unwrap();
    assert_eq!(bench.one.heard().await, (watched, "for us".into()));
}

pub(crate) async fn watching_twice_is_watching_once(mut bench: Bench) {
    let session = some_session();
    for _ in 0..3 {
        bench.one.store.watch(&session).await.unwrap();
    }
    bench.one.store.open(&meta_of(&session), &request(&session), "{}").await.unwrap();
    bench.other.publish_signal(&session, "one").await.unwrap();
    bench.other.publish_signal(&session, "two").await.unwrap();
    assert_eq!(bench.one.heard().await.1, "one");
    assert_eq!(bench.one.heard().await.1, "two", "each signal comes once");
}

pub(crate) async fn who_leaves_hears_nothing_more(mut bench: Bench) {
    let (left, stays) = (some_session(), some_session());
    bench.one.store.unwatch(&left);
    for session in [&left, &stays] {
        bench.one.store.watch(session).await.unwrap();
        bench.one.store.watch(session).await.unwrap();
    }
    bench.one.store.unwatch(&left);
    bench.other.publish_signal(&left, "too late").await.unwrap();
    bench.other.publish_signal(&stays, "in time").await.unwrap();
    assert_eq!(bench.one.heard().await, (stays, "in time".into()));
}

pub(crate) async fn leaving_and_watching_in_turns_misses_nothing(mut bench: Bench) {
    let sessions: Vec<SessionId> = (0..8).map(|_| some_session()).collect();
    for round in 0..30 {
        let turns = sessions.iter().map(|session| {
            let (store, session) = (Arc::clone(&bench.one.store), session.clone());
            bench.one.tasks.spawn("test", async move {
                store.watch(&session).await.unwrap();
                store.unwatch(&session);
                store.watch(&session).await.unwrap();
            })
        });
        for turn in join_all(turns).await {
            turn.unwrap();
        }
        for session in &sessions {
            bench.other.publish_signal(session, &round.to_string()).await.unwrap();
            assert_eq!(bench.one.heard().await, (session.clone(), round.to_string()));
        }
        for session in &sessions {
            bench.one.store.unwatch(session);
        }
    }
}

pub(crate) async fn a_published_signal_is_stored_as_well(bench: Bench) {
    let session = some_session();
    assert_eq!(bench.one.store.signal(&session).await.unwrap(), None);
    bench.one.store.publish_signal(&session, "{\"a\":\"예\"}").await.unwrap();
    assert_eq!(bench.other.signal(&session).await.unwrap().as_deref(), Some("{\"a\":\"예\"}"));
}

pub(crate) async fn a_stored_signal_is_not_published(mut bench: Bench) {
    let session = some_session();
    bench.one.store.watch(&session).await.unwrap();
    bench.other.store_signal(&session, "quietly").await.unwrap();
    assert_eq!(bench.one.store.signal(&session).await.unwrap().as_deref(), Some("quietly"));
    bench.other.publish_signal(&session, "aloud").await.unwrap();
    assert_eq!(bench.one.heard().await.1, "aloud");
}

pub(crate) async fn an_absurdly_long_signal_is_not_passed_on(mut bench: Bench) {
    let session = some_session();
    bench.one.store.watch(&session).await.unwrap();
    bench.other.publish_signal(&session, &"x".repeat(1024 * 1024 + 1)).await.unwrap();
    bench.other.publish_signal(&session, "short").await.unwrap();
    assert_eq!(bench.one.heard().await.1, "short");
}

pub(crate) async fn a_saved_request_replaces_the_stored_one(bench: Bench) {
    let session = some_session();
    let mut request = request(&session);
    bench.one.store.open(&meta_of(&request.session_id), &request, "{}").await.unwrap();
    request.standing = Standing::Decided(Verdict::Approved);
    request.more.insert("approvedBy".into(), "user456".into());
    bench.other.save_request(&request).await.unwrap();
    assert_eq!(stored(&bench.one.store, &request.request_id).await, Some(request));
}

pub(crate) async fn saving_does_not_bring_back_a_request_that_is_gone(bench: Bench) {
    let request = request(&some_session());
    bench.one.store.save_request(&request).await.unwrap();
    assert_eq!(bench.one.store.request(&request.request_id).await.unwrap(), None);
}

pub(crate) async fn votes_come_in_the_order_asked_for(bench: Bench) {
    const COUNT: usize = 1_201;
    let store = &bench.one.store;
    let waiting: Vec<_> = (0..COUNT).map(|_| (some_session(), RequestId::generate())).collect();
    let mut expected = vec![StoredSignals::default(); COUNT];
    for n in [0, 1, 499, 500, 777, 1_200] {
        let mut request = request(&waiting[n].0);
        request.request_id = waiting[n].1.clone();
        if n % 2 == 1 {
            store.open(&meta_of(&request.session_id), &request, "{}").await.unwrap();
            expected[n].request = store.request(&request.request_id).await.unwrap();
            assert!(expected[n].request.is_some());
        }
        if n % 3 != 1 {
            store.store_signal(&waiting[n].0, &n.to_string()).await.unwrap();
            expected[n].signal = Some(n.to_string());
        }
    }
    assert_eq!(bench.other.signals(&waiting).await.unwrap(), expected);
    assert!(bench.other.signals(&[]).await.unwrap().is_empty());
}

pub(crate) async fn a_request_that_was_seen_is_read_again_only_once_somebody_has_changed_it(
    bench: Bench,
) {
    let store = &bench.one.store;
    let session = some_session();
    let request = request(&session);
    store.open(&meta_of(&session), &request, "{}").await.unwrap();
    let mut polled = Polled { session, request: request.request_id.clone(), seen: None };
    let poll = async |polled: &Polled| {
        bench.other.new_signals(std::slice::from_ref(polled)).await.unwrap().remove(0)
    };
    let first = poll(&polled).await;
    assert_eq!(first.signals.request, store.request(&polled.request).await.unwrap());
    polled.seen.clone_from(&first.mark);
    store.store_signal(&polled.session, "yes").await.unwrap();
    let again = poll(&polled).await;
    assert_eq!((again.signals.request, again.mark), (None, first.mark.clone()));
    assert_eq!(again.signals.signal.as_deref(), Some("yes"), "of that all is read");

    let changed = ApprovalRequest { message: "!".into(), ..request };
    store.save_request(&changed).await.unwrap();
    let third = poll(&polled).await;
    assert_eq!(third.signals.request, store.request(&polled.request).await.unwrap());
    assert_ne!(third.mark, first.mark);
    let nobodys = Polled { request: RequestId::generate(), ..polled };
    let none = poll(&nobodys).await;
    assert_eq!((none.signals.request, none.mark), (None, None));
}

pub(crate) async fn of_fifty_deciders_one_wins_and_all_are_told(bench: Bench) {
    let id = RequestId::generate();
    let attempts = (0..50_u64).map(|n| {
        let store = if n % 2 == 0 { &bench.one.store } else { &bench.other };
        let (store, id, decision) = (Arc::clone(store), id.clone(), sealed(n.to_string()));
        bench.one.tasks.spawn("test", async move {
            (store.decide(&id, deadline(), &decision, None).await.unwrap(), decision)
        })
    });
    let results: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    let standing = bench.one.store.decision(&id).await.unwrap().expect("somebody has decided");
    let (won, lost): (Vec<_>, Vec<_>) =
        results.into_iter().partition(|(r, _)| *r == ProposalOutcome::Won);
    assert_eq!(won.len(), 1);
    assert_eq!(won[0].1, standing);
    assert!(lost.into_iter().all(|(told, _)| told == ProposalOutcome::Lost(standing.clone())));
}

pub(crate) async fn a_request_without_a_decision_has_none(bench: Bench) {
    let id = RequestId::generate();
    assert_eq!(bench.one.store.decision(&id).await.unwrap(), None);
    // Whatever bytes these are.
    let late = sealed(b"\xff\0late");
    let decided = bench.one.store.decide(&id, deadline(), &late, None).await.unwrap();
    assert_eq!(decided, ProposalOutcome::Won);
    assert_eq!(bench.other.decision(&id).await.unwrap(), Some(late.clone()));
    let waiting = [(some_session(), id)];
    assert_eq!(bench.other.signals(&waiting).await.unwrap()[0].decision, Some(late));
}

pub(crate) async fn what_is_no_decision_gives_way_to_the_first_who_says_so(bench: Bench) {
    let (store, id) = (&bench.one.store, RequestId::generate());
    let [forged, other, first, second] = ["forged", "other", "first", "second"].map(sealed);
    // Void is only what stands there, and nothing has to.
    for void in [None, Some(&other)] {
        let id = RequestId::generate();
        assert_eq!(
            store.decide(&id, deadline(), &first, void).await.unwrap(),
            ProposalOutcome::Won
        );
    }
    assert_eq!(store.decide(&id, deadline(), &forged, None).await.unwrap(), ProposalOutcome::Won);
    for void in [None, Some(&other)] {
        let lost = store.decide(&id, deadline(), &first, void).await.unwrap();
        assert_eq!(lost, ProposalOutcome::Lost(forged.clone()));
    }
    let replaced = store.decide(&id, deadline(), &first, Some(&forged)).await.unwrap();
    assert_eq!(replaced, ProposalOutcome::Won);
    // Whoever has found the same void comes too late.
    let late = bench.other.decide(&id, deadline(), &second, Some(&forged)).await.unwrap();
    assert_eq!(late, ProposalOutcome::Lost(first.clone()));
    assert_eq!(bench.other.decision(&id).await.unwrap(), Some(first));
}

pub(crate) async fn every_yes_is_noted_once(bench: Bench) {
    let id = RequestId::generate();
    let mut noted = Vec::new();
    for (store, yes) in [(&bench.one.store, "kim"), (&bench.other, "lee"), (&bench.other, "kim")] {
        let yes = sealed(yes);
        noted = store.record_approval(&id, deadline(), &yes).await.unwrap();
        assert!(noted.contains(&yes));
    }
    assert_eq!(noted.len(), 2);
    let (another, kim) = (RequestId::generate(), sealed("kim"));
    let noted = bench.one.store.record_approval(&another, deadline(), &kim).await.unwrap();
    assert_eq!(noted, std::slice::from_ref(&kim));
    assert_eq!(bench.other.approvals_of(&another).await.unwrap(), [kim]);
    assert_eq!(bench.other.approvals_of(&id).await.unwrap().len(), 2);
    assert!(bench.other.approvals_of(&RequestId::generate()).await.unwrap().is_empty());
}

pub(crate) async fn many_requests_and_decisions_come_in_the_order_asked_for(bench: Bench) {
    let store = &bench.one.store;
    let ids: Vec<RequestId> = (0..600).map(|_| RequestId::generate()).collect();
    let (mut requests, mut decisions) = (vec![None; 600], vec![None; 600]);
    for n in [0, 7, 599] {
        let mut request = request(&some_session());
        request.request_id = ids[n].clone();
        store.open(&meta_of(&request.session_id), &request, "{}").await.unwrap();
        requests[n] = store.request(&ids[n]).await.unwrap();
        let decision = sealed(n.to_string());
        store.decide(&ids[n], deadline(), &decision, None).await.unwrap();
        decisions[n] = Some(decision);
    }
    assert_eq!(bench.other.requests(&ids).await.unwrap(), requests);
    assert_eq!(bench.other.decisions(&ids).await.unwrap(), decisions);
    assert!(requests[7].is_some() && bench.other.requests(&[]).await.unwrap().is_empty());
}

pub(crate) async fn a_checkpoint_is_replaced(bench: Bench) {
    let session = some_session();
    assert_eq!(bench.one.store.checkpoint(&session).await.unwrap(), None);
    for text in ["{\"messages\":[]}", "{\"messages\":[1]}"] {
        bench.one.store.save_checkpoint(&session, text).await.unwrap();
        assert_eq!(bench.other.checkpoint(&session).await.unwrap().as_deref(), Some(text));
    }
}
