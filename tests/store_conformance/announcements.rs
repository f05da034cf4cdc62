//! `Announcements`. A time of zero is over at once, so nobody has to wait.

use std::time::Duration;

use aura_platform::domain::{EventId, Recipient, SessionId};
use aura_platform::store::{AnnouncementPlace, Store, Turn, TurnStep};
use futures::future::join_all;

use crate::bench::{Bench, some_session};

const LONG: Duration = Duration::from_secs(600);
const NOW: Duration = Duration::ZERO;
/// What the checks queue for; the other queue stays empty.
const TO: Recipient = Recipient::Webhook;

/// A session that is queued, and due at once.
async fn queued(store: &dyn Store, after: u64, wait: Duration) -> SessionId {
    let session = some_session();
    place(store, &session, after, wait).await;
    session
}

async fn place(store: &dyn Store, session: &SessionId, after: u64, wait: Duration) {
    let place = AnnouncementPlace {
        session: session.clone(),
        after: EventId::new(after),
        look_in: NOW,
        wait,
    };
    store.place(TO, &place).await.unwrap();
}

/// The turns of what is due, of these sessions: the cluster is shared, and checks leave things behind.
async fn turns(store: &dyn Store, of: &[SessionId], term: Duration) -> Vec<Turn> {
    let due = store.take_turns(TO, 10_000, term).await.unwrap();
    due.turns.into_iter().filter(|turn| of.contains(&turn.session)).collect()
}

/// The turn of one session that is due.
async fn turn(store: &dyn Store, session: &SessionId, term: Duration) -> Turn {
    let mut turns = turns(store, std::slice::from_ref(session), term).await;
    turns.pop().expect("it is due")
}

async fn is_due(store: &dyn Store, session: &SessionId) -> bool {
    !turns(store, std::slice::from_ref(session), LONG).await.is_empty()
}

pub(crate) async fn a_session_that_is_queued_is_due_in_every_process_and_for_its_recipient_only(
    bench: Bench,
) {
    let session = queued(&*bench.one.store, 7, LONG).await;
    let others = bench.other.take_turns(Recipient::Mail, 10_000, NOW).await.unwrap();
    assert!(others.turns.iter().all(|turn| turn.session != session));
    let turn = turn(&*bench.other, &session, LONG).await;
    let known = (turn.placed, turn.told, turn.after, turn.waits, turn.failures, turn.looks);
    assert_eq!(known, (1, EventId::ZERO, EventId::new(7), true, 0, 0));
}

pub(crate) async fn of_twenty_who_take_one_gets_the_turn_until_it_runs_out(bench: Bench) {
    let session = queued(&*bench.one.store, 0, NOW).await;
    let takers = (0..20).map(|n| {
        let store = if n % 2 == 0 { &bench.one.store } else { &bench.other };
        turns(&**store, std::slice::from_ref(&session), LONG)
    });
    let taken: Vec<Turn> = join_all(takers).await.into_iter().flatten().collect();
    assert_eq!(taken.len(), 1);
    assert!(!is_due(&*bench.other, &session).await);
    let lapsed = TurnStep::Hold { term: NOW };
    assert!(bench.one.store.keep_turn(TO, &taken[0], lapsed).await.unwrap());
    let next = turn(&*bench.other, &session, LONG).await;
    assert_ne!(next.token, taken[0].token);
    assert!(!next.waits);
}

pub(crate) async fn who_has_lost_its_turn_changes_nothing(bench: Bench) {
    let session = queued(&*bench.one.store, 0, NOW).await;
    let lost = turn(&*bench.one.store, &session, NOW).await;
    let mine = turn(&*bench.other, &session, LONG).await;
    for step in [
        TurnStep::Hold { term: NOW },
        TurnStep::Told { upto: EventId::new(9), term: NOW },
        TurnStep::Look { after: NOW },
        TurnStep::Failed { after: NOW },
        TurnStep::Done { over: true },
    ] {
        assert!(!bench.one.store.keep_turn(TO, &lost, step).await.unwrap(), "{step:?}");
    }
    assert!(!is_due(&*bench.one.store, &session).await);
    assert!(bench.other.keep_turn(TO, &mine, TurnStep::Hold { term: NOW }).await.unwrap());
    assert_eq!(turn(&*bench.other, &session, LONG).await.told, EventId::ZERO);
}

pub(crate) async fn what_was_told_is_known_to_the_next_and_never_less(bench: Bench) {
    let session = queued(&*bench.one.store, 0, NOW).await;
    let first = turn(&*bench.one.store, &session, LONG).await;
    // More digits than a double has.
    let far = EventId::new(9_007_199_254_740_993);
    for upto in [EventId::new(99), far, EventId::new(100)] {
        let told = TurnStep::Told { upto, term: NOW };
        assert!(bench.one.store.keep_turn(TO, &first, told).await.unwrap());
    }
    assert_eq!(turn(&*bench.other, &session, LONG).await.told, far);
}

pub(crate) async fn what_is_done_leaves_the_queue_and_is_remembered(bench: Bench) {
    let session = queued(&*bench.one.store, 3, NOW).await;
    let first = turn(&*bench.one.store, &session, LONG).await;
    let told = TurnStep::Told { upto: EventId::new(4), term: LONG };
    assert!(bench.one.store.keep_turn(TO, &first, told).await.unwrap());
    let done = TurnStep::Done { over: false };
    assert!(bench.one.store.keep_turn(TO, &first, done).await.unwrap());
    assert!(!bench.one.store.keep_turn(TO, &first, done).await.unwrap(), "the turn is over");
    assert!(!is_due(&*bench.other, &session).await);
    place(&*bench.other, &session, 5, NOW).await;
    let next = turn(&*bench.one.store, &session, LONG).await;
    assert_eq!((next.told, next.after, next.placed), (EventId::new(4), EventId::new(5), 2));
}

pub(crate) async fn what_is_queued_anew_while_somebody_is_at_it_does_not_leave(bench: Bench) {
    for last in [TurnStep::Done { over: true }, TurnStep::Look { after: LONG }] {
        let session = queued(&*bench.one.store, 0, NOW).await;
        let first = turn(&*bench.one.store, &session, LONG).await;
        place(&*bench.other, &session, 1, NOW).await;
        assert!(!is_due(&*bench.other, &session).await, "it has its turn");
        assert!(bench.one.store.keep_turn(TO, &first, last).await.unwrap());
        assert!(is_due(&*bench.other, &session).await, "{last:?}");
    }
}

pub(crate) async fn a_pause_after_a_failure_is_kept_and_failures_and_looks_are_counted(
    bench: Bench,
) {
    let store = &*bench.one.store;
    let session = queued(store, 0, LONG).await;
    for count in 0..3 {
        let mine = turn(store, &session, LONG).await;
        assert_eq!((mine.looks, mine.failures), (count, 0));
        assert!(store.keep_turn(TO, &mine, TurnStep::Look { after: NOW }).await.unwrap());
    }
    place(store, &session, 0, NOW).await;
    for count in 0..3 {
        let mine = turn(store, &session, LONG).await;
        assert_eq!((mine.looks, mine.failures), (0, count), "looks begin anew");
        assert!(store.keep_turn(TO, &mine, TurnStep::Failed { after: NOW }).await.unwrap());
    }
    let mine = turn(store, &session, LONG).await;
    assert!(store.keep_turn(TO, &mine, TurnStep::Failed { after: LONG }).await.unwrap());
    place(&*bench.other, &session, 1, NOW).await;
    assert!(!is_due(store, &session).await, "who has failed is not hurried");
}

pub(crate) async fn a_failure_is_forgotten_once_something_was_told(bench: Bench) {
    let store = &*bench.one.store;
    let session = queued(store, 0, NOW).await;
    let mine = turn(store, &session, LONG).await;
    assert!(store.keep_turn(TO, &mine, TurnStep::Failed { after: NOW }).await.unwrap());
    let mine = turn(store, &session, LONG).await;
    let told = TurnStep::Told { upto: EventId::new(1), term: NOW };
    assert!(store.keep_turn(TO, &mine, told).await.unwrap());
    assert_eq!(turn(&*bench.other, &session, LONG).await.failures, 0);
}

pub(crate) async fn the_queue_tells_how_long_it_is_and_when_the_next_is_due(bench: Bench) {
    let store = &*bench.one.store;
    let before = store.take_turns(TO, 0, NOW).await.unwrap().queued;
    let session = queued(store, 0, NOW).await;
    let due = store.take_turns(TO, 0, NOW).await.unwrap();
    assert_eq!((due.turns.len(), due.queued, due.next), (0, before + 1, Some(NOW)));
    assert!(due.lag < LONG);
    let mine = turn(store, &session, LONG).await;
    assert_eq!(store.take_turns(TO, 0, NOW).await.unwrap().queued, before + 1);
    assert!(store.keep_turn(TO, &mine, TurnStep::Done { over: false }).await.unwrap());
    assert_eq!(store.take_turns(TO, 0, NOW).await.unwrap().queued, before);
}
