//! The journal's promises.

use std::sync::Arc;

use aura_platform::domain::{Entry, EventId, SessionId, Shown};
use aura_platform::store::{AppendError, ReadError, Store, StoreError};
use bytes::Bytes;
use futures::future::join_all;

use crate::bench::{Bench, MAX_EVENTS, entries, entry, id, some_session};

const ZERO: EventId = EventId::ZERO;

async fn all(store: &Arc<dyn Store>, session: &SessionId) -> Vec<Entry> {
    store.read(session, ZERO, usize::MAX >> 1).await.expect("nothing has been cut")
}

fn is_conflict(result: &Result<(), AppendError>) -> bool {
    matches!(result, Err(AppendError::Conflict))
}

pub(crate) async fn every_form_of_entry_reads_back_as_it_was_written(bench: Bench) {
    let event = |payload: &'static [u8]| {
        Some(Shown::Event { kind: "tool_execution".into(), payload: Bytes::from_static(payload) })
    };
    let record = |bytes: &'static [u8]| Some(Bytes::from_static(bytes));
    let written = vec![
        Entry { id: id(1), shown: None, record: None },
        Entry { id: id(2), shown: event("{\"a\":\"가\"}".as_bytes()), record: None },
        Entry { id: id(3), shown: None, record: record(b"{\"b\":[]}") },
        Entry { id: id(1_706_152_860_000), shown: event(b""), record: record(b"") },
        Entry {
            id: id(EventId::MAX_FROM_CLIENT),
            shown: event(b"\0\xff"),
            record: record(b"\r\n"),
        },
        Entry { id: id(EventId::MAX_FROM_CLIENT + 1), shown: Some(Shown::Done), record: None },
    ];
    let session = some_session();
    bench.one.store.append(&session, ZERO, &written).await.unwrap();
    assert_eq!(all(&bench.other, &session).await, written);
    assert!(bench.other.read(&session, id(u64::MAX), 1).await.unwrap().is_empty());
}

pub(crate) async fn an_append_needs_to_know_the_last_id(bench: Bench) {
    let (store, session) = (&bench.one.store, some_session());
    store.append(&session, ZERO, &entries([4, 7])).await.unwrap();
    for wrong in [ZERO, id(4), id(6), id(8)] {
        let result = bench.other.append(&session, wrong, &entries([9])).await;
        assert!(is_conflict(&result), "{wrong}: {result:?}");
    }
    bench.other.append(&session, id(7), &entries([9])).await.unwrap();
    assert_eq!(all(store, &session).await, entries([4, 7, 9]));
}

pub(crate) async fn an_append_to_a_journal_that_is_not_there_says_so(bench: Bench) {
    let (store, session) = (&bench.one.store, some_session());
    let gone = store.append(&session, id(3), &entries([4])).await;
    assert!(matches!(gone, Err(AppendError::Gone)), "{gone:?}");
    assert!(all(store, &session).await.is_empty());
}

pub(crate) async fn entries_out_of_order_are_refused_whole(bench: Bench) {
    let (store, session) = (&bench.one.store, some_session());
    for bad in [entries([]), entries([1, 1]), entries([2, 1])] {
        let refused = store.append(&session, ZERO, &bad).await;
        let refused = refused.expect_err("they have no order");
        assert!(matches!(refused, AppendError::Store(StoreError::Rejected(_))), "{refused:?}");
    }
    assert!(all(store, &session).await.is_empty());
}

pub(crate) async fn a_repeated_append_succeeds_and_writes_nothing(bench: Bench) {
    let (store, session) = (&bench.one.store, some_session());
    for (expected, batch) in [(ZERO, entries([1])), (id(1), entries([2, 3, 7]))] {
        for _ in 0..3 {
            store.append(&session, expected, &batch).await.unwrap();
        }
    }
    assert_eq!(all(store, &session).await, entries([1, 2, 3, 7]));
}

pub(crate) async fn a_repeated_append_fails_once_another_owner_has_gone_on(bench: Bench) {
    let (store, session) = (&bench.one.store, some_session());
    store.append(&session, ZERO, &entries([1, 2])).await.unwrap();
    bench.other.append(&session, id(2), &entries([3])).await.unwrap();
    assert!(is_conflict(&store.append(&session, ZERO, &entries([1, 2])).await));
    assert_eq!(all(store, &session).await, entries([1, 2, 3]));
}

pub(crate) async fn an_append_that_differs_is_not_a_repetition(bench: Bench) {
    let (store, session) = (&bench.one.store, some_session());
    store.append(&session, ZERO, &entries([1, 3])).await.unwrap();
    let mut with_record = entries([1, 3]);
    with_record[0].record = Some(Bytes::from_static(b"{}"));
    for other in [entries([3]), entries([1, 2, 3]), with_record] {
        assert!(is_conflict(&store.append(&session, ZERO, &other).await), "{other:?}");
    }
    assert_eq!(all(store, &session).await, entries([1, 3]));
}

pub(crate) async fn of_concurrent_appenders_one_wins(bench: Bench) {
    let session = some_session();
    for round in 0..20_u64 {
        let last = all(&bench.one.store, &session).await.last().map_or(ZERO, |entry| entry.id);
        let attempts = (0..10_u64).map(|n| {
            let store = if n % 2 == 0 { &bench.one.store } else { &bench.other };
            let (store, session) = (Arc::clone(store), session.clone());
            // Every appender has other ids, some of them the same number of them.
            let batch = entries((1..=1 + n % 3).map(|i| last.get() + n * 10 + i));
            bench
                .one
                .tasks
                .spawn("test", async move { (store.append(&session, last, &batch).await, batch) })
        });
        let results: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(|(r, _)| r.is_ok());
        assert_eq!(won.len(), 1, "round {round}");
        assert!(lost.iter().all(|(result, _)| is_conflict(result)));
        let written = bench.one.store.read(&session, last, 100).await.unwrap();
        assert_eq!(written, won[0].1);
    }
}

pub(crate) async fn reading_starts_after_an_id_and_stops_at_the_limit(bench: Bench) {
    let (store, session) = (&bench.one.store, some_session());
    store.append(&session, ZERO, &entries([10, 20, 30, 40])).await.unwrap();
    for (after, limit, found) in [
        (0, 2, entries([10, 20])),
        (10, 2, entries([20, 30])),
        (15, 1, entries([20])),
        (30, 9, entries([40])),
        (40, 9, entries([])),
        (99, 9, entries([])),
        (0, 0, entries([])),
    ] {
        assert_eq!(store.read(&session, id(after), limit).await.unwrap(), found, "after {after}");
    }
}

pub(crate) async fn a_glimpse_reads_no_more_than_the_beginning_of_each_entry(bench: Bench) {
    let (store, session) = (&bench.one.store, some_session());
    let event = |id: u64, bytes: usize| Entry {
        id: EventId::new(id),
        shown: Some(Shown::Event { kind: "thought".into(), payload: vec![b'p'; bytes].into() }),
        record: Some(vec![b'r'; bytes + 1].into()),
    };
    let done = Entry { id: EventId::new(9), shown: Some(Shown::Done), record: None };
    let whole = [event(3, 1), event(7, 100_000), done.clone()];
    store.append(&session, EventId::ZERO, &whole).await.unwrap();
    let seen = bench.other.glimpse(&session, 2, 10).await.unwrap();
    let cut = Entry { record: Some(vec![b'r'; 10].into()), ..event(7, 10) };
    assert_eq!(seen, [cut, done]);
    assert_eq!(bench.other.glimpse(&session, 9, 200_000).await.unwrap(), whole);
    assert!(bench.other.glimpse(&session, 0, 10).await.unwrap().is_empty());
    assert!(bench.other.glimpse(&some_session(), 9, 10).await.unwrap().is_empty());
}

pub(crate) async fn the_newest_entries_come_oldest_first(bench: Bench) {
    let (store, session) = (&bench.one.store, some_session());
    store.append(&session, ZERO, &entries([10, 20, 30])).await.unwrap();
    assert_eq!(store.newest(&session, 2).await.unwrap(), entries([20, 30]));
    assert_eq!(store.newest(&session, 9).await.unwrap(), entries([10, 20, 30]));
    assert!(store.newest(&session, 0).await.unwrap().is_empty());
}

pub(crate) async fn only_exact_ids_are_held(bench: Bench) {
    let (store, session) = (&bench.one.store, some_session());
    store.append(&session, ZERO, &entries([10, 20])).await.unwrap();
    for (number, held) in [(0, false), (10, true), (15, false), (20, true), (21, false)] {
        assert_eq!(store.holds(&session, id(number)).await.unwrap(), held, "{number}");
    }
}

pub(crate) async fn a_journal_that_does_not_exist_is_empty(bench: Bench) {
    let (store, session) = (&bench.one.store, some_session());
    assert!(store.read(&session, ZERO, 10).await.unwrap().is_empty());
    assert!(store.read(&session, id(7), 10).await.unwrap().is_empty());
    assert!(store.newest(&session, 10).await.unwrap().is_empty());
    assert!(!store.holds(&session, id(7)).await.unwrap());
}

pub(crate) async fn of_many_sessions_those_without_a_journal_are_named(bench: Bench) {
    let store = &bench.one.store;
    assert!(store.missing(&[]).await.unwrap().is_empty());
    let sessions: Vec<SessionId> = (0..1_100).map(|_| some_session()).collect();
    let kept = [0, 499, 500, 1_099];
    for at in kept {
        store.append(&sessions[at], ZERO, &entries([1])).await.unwrap();
    }
    let mut expected = sessions.clone();
    for at in kept.into_iter().rev() {
        expected.remove(at);
    }
    assert_eq!(bench.other.missing(&sessions).await.unwrap(), expected);
}

pub(crate) async fn a_reader_that_would_miss_what_was_cut_is_told(bench: Bench) {
    let (store, session) = (&bench.one.store, some_session());
    // Uneven steps, so that the id before an entry is not simply one less.
    let number = |n: u64| 1_000 + n * 3 + n % 2;
    let mut last = ZERO;
    for n in 0..5 * MAX_EVENTS as u64 {
        store.append(&session, last, &entries([number(n)])).await.unwrap();
        last = id(number(n));
    }
    let kept = store.newest(&session, 10 * MAX_EVENTS).await.unwrap();
    assert!(kept.len() >= MAX_EVENTS, "only {} are left", kept.len());
    assert!(kept.len() < 5 * MAX_EVENTS, "nothing has been cut");

    let first = kept[0].id;
    let n = (0..).find(|n| id(number(*n)) == first).expect("one of ours");
    let cut = [ZERO, id(5), id(number(0)), id(number(n - 2)), id(number(n - 1) - 1)];
    for after in cut {
        match bench.other.read(&session, after, 10).await {
            Err(ReadError::Gap { after: a, first: f }) => assert_eq!((a, f), (after, first)),
            other => panic!("after {after}: {other:?}"),
        }
    }
    for after in [id(number(n - 1)), id(first.get() - 1)] {
        let read = bench.other.read(&session, after, 10 * MAX_EVENTS).await;
        assert_eq!(read.expect("nothing is missing"), kept, "after {after}");
    }
    assert_eq!(bench.other.read(&session, first, 1).await.unwrap(), kept[1..2]);
}

pub(crate) async fn a_follower_is_woken_by_an_append_of_any_process(bench: Bench) {
    let session = some_session();
    let mut follower = bench.one.store.follow(&session).await.unwrap();
    bench.other.append(&session, ZERO, &entries([1])).await.unwrap();
    follower.changed().await;
    bench.one.store.append(&session, id(1), &entries([2])).await.unwrap();
    follower.changed().await;
}

pub(crate) async fn followers_of_one_session_are_independent(bench: Bench) {
    let session = some_session();
    let store = &bench.one.store;
    let mut stays = store.follow(&session).await.unwrap();
    let mut second = store.follow(&session).await.unwrap();
    let mut elsewhere = bench.other.follow(&session).await.unwrap();
    bench.other.append(&session, ZERO, &entries([1])).await.unwrap();
    for follower in [&mut stays, &mut second, &mut elsewhere] {
        follower.changed().await;
    }
    drop(second);
    drop(elsewhere);
    bench.other.append(&session, id(1), &entries([2])).await.unwrap();
    stays.changed().await;
}

pub(crate) async fn following_and_leaving_in_turns_misses_nothing(bench: Bench) {
    let tasks = (0..8_u64).map(|n| {
        let (store, other) = (Arc::clone(&bench.one.store), Arc::clone(&bench.other));
        // Two tasks share each session, so that one leaves while the other comes.
        let followed = SessionId::new(format!("session_shared_{}", n / 2));
        bench.one.tasks.spawn("test", async move {
            for round in 0..50 {
                let mut follower = store.follow(&followed).await.unwrap();
                if round % 3 == 0 {
                    drop(store.follow(&followed).await.unwrap());
                }
                // Any append wakes; of two at the same time one loses, and has woken nobody.
                loop {
                    let last = other.newest(&followed, 1).await.unwrap();
                    let last = last.first().map_or(ZERO, |entry| entry.id);
                    let next = entry(last.get() + 1 + n % 2);
                    if other.append(&followed, last, &[next]).await.is_ok() {
                        break;
                    }
                }
                follower.changed().await;
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
}

pub(crate) async fn who_follows_first_and_reads_then_sees_every_entry(bench: Bench) {
    const COUNT: u64 = 90;
    let session = some_session();
    let (store, followed) = (Arc::clone(&bench.one.store), session.clone());
    let reader = bench.one.tasks.spawn("test", async move {
        let mut follower = store.follow(&followed).await.unwrap();
        let (mut seen, mut last) = (Vec::new(), ZERO);
        while (seen.len() as u64) < COUNT {
            let found = store.read(&followed, last, 7).await.unwrap();
            match found.last() {
                Some(newest) => last = newest.id,
                None => follower.changed().await,
            }
            seen.extend(found);
        }
        seen
    });
    for number in 1..=COUNT {
        bench.other.append(&session, id(number - 1), &entries([number])).await.unwrap();
    }
    assert_eq!(reader.await.unwrap(), entries(1..=COUNT));
}
