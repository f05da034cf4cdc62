//! What is promised about sessions and conversations.

use aura_platform::domain::{EventId, Message, SessionId, SessionMeta, TenantId, ThreadId, UserId};
use aura_platform::store::{Store, StoreEvent};

use crate::bench::{Bench, NOW_MS, meta, some_session};

async fn page(
    store: &dyn Store,
    of: &SessionMeta,
    before: Option<&SessionMeta>,
    limit: usize,
) -> Vec<SessionMeta> {
    store.sessions_of(&of.tenant, &of.user, before, limit).await.unwrap()
}

fn user(text: &str) -> Message {
    Message::User { content: text.into() }
}

async fn history(store: &dyn Store, of: &SessionMeta) -> Vec<Message> {
    store.history(&of.tenant, &of.user, &of.thread_id).await.unwrap()
}

pub(crate) async fn a_registered_session_is_known_to_every_process(bench: Bench) {
    let meta = meta("tenant1", "user123", 7);
    assert_eq!(bench.other.session(&meta.session_id).await.unwrap(), None);
    bench.one.store.register(&meta).await.unwrap();
    assert_eq!(bench.other.session(&meta.session_id).await.unwrap(), Some(meta.clone()));
    assert_eq!(page(&*bench.other, &meta, None, 10).await, [meta]);
}

pub(crate) async fn a_list_is_newest_first_and_pages_without_gaps_or_repeats(bench: Bench) {
    let now = NOW_MS;
    // Three started in the same millisecond; two have ids that no double can tell apart.
    let beyond = i64::MAX as u64;
    let mut all = Vec::new();
    for first in [now, now, now, now + 1, now + 9, beyond - 1, beyond] {
        let mut meta = meta("tenant1", "user123", first);
        meta.session_id = some_session();
        bench.one.store.register(&meta).await.unwrap();
        all.push(meta);
    }
    all.sort_by_key(|meta| (meta.first_event, meta.session_id.clone()));
    all.reverse();
    assert_eq!(page(&*bench.other, &all[0], None, 100).await, all);
    assert!(page(&*bench.other, &all[0], None, 0).await.is_empty());
    for size in 1..=4 {
        let mut seen: Vec<SessionMeta> = Vec::new();
        loop {
            let next = page(&*bench.other, &all[0], seen.last(), size).await;
            assert!(next.len() <= size);
            if next.is_empty() {
                break;
            }
            seen.extend(next);
        }
        assert_eq!(seen, all, "in pages of {size}");
    }
}

pub(crate) async fn callers_with_colliding_names_do_not_see_each_other(bench: Bench) {
    let names =
        [("a:b", "c"), ("a", "b:c"), ("a%3Ab", "c"), ("a", "b%3Ac"), ("{a}", "c"), ("a", "")];
    let mut sessions = Vec::new();
    for (n, (tenant, user)) in names.into_iter().enumerate() {
        let mut meta = meta(tenant, user, NOW_MS + n as u64);
        meta.thread_id = ThreadId::new("c");
        bench.one.store.register(&meta).await.unwrap();
        bench.one.store.remember(&meta, &[self::user(&n.to_string())]).await.unwrap();
        sessions.push(meta);
    }
    for (n, meta) in sessions.iter().enumerate() {
        assert_eq!(page(&*bench.one.store, meta, None, 10).await, std::slice::from_ref(meta));
        assert_eq!(history(&*bench.one.store, meta).await, [user(&n.to_string())]);
    }
    let (tenant, nobody) = (TenantId::new("a"), UserId::new("c"));
    assert!(bench.one.store.sessions_of(&tenant, &nobody, None, 10).await.unwrap().is_empty());
}

pub(crate) async fn registering_twice_lists_once(bench: Bench) {
    let meta = meta("tenant1", "user123", NOW_MS);
    bench.one.store.register(&meta).await.unwrap();
    bench.other.register(&meta).await.unwrap();
    assert_eq!(page(&*bench.one.store, &meta, None, 10).await, [meta]);
}

pub(crate) async fn a_conversation_is_remembered_in_order_and_by_run(bench: Bench) {
    let (early, late) = (meta("tenant1", "user123", 9), meta("tenant1", "user123", 10));
    assert!(history(&*bench.one.store, &early).await.is_empty());
    let answer = Message::Assistant { content: "답".into(), tool_calls: Vec::new() };
    // The later run ends first; the conversation is still told in the order in which runs began.
    bench.one.store.remember(&late, &[user("둘")]).await.unwrap();
    bench.other.remember(&early, &[user("하나"), answer.clone()]).await.unwrap();
    assert_eq!(history(&*bench.one.store, &late).await, [user("하나"), answer, user("둘")]);
}

pub(crate) async fn what_a_run_said_is_replaced_not_repeated(bench: Bench) {
    let (first, second) = (meta("tenant1", "user123", 9), meta("tenant1", "user123", 9));
    for said in ["하나", "둘"] {
        bench.one.store.remember(&first, &[user(said)]).await.unwrap();
    }
    bench.one.store.remember(&second, &[user("셋")]).await.unwrap();
    let mut told = history(&*bench.other, &first).await;
    told.sort_by_key(|message| *message != user("둘"));
    assert_eq!(told, [user("둘"), user("셋")]);
}

pub(crate) async fn a_conversation_keeps_its_newest_fifty_runs(bench: Bench) {
    let of = meta("tenant1", "user123", 1);
    for first in 1..=53 {
        let mut meta = meta("tenant1", "user123", first);
        meta.session_id = SessionId::new(format!("session_{}", 100 - first));
        bench.one.store.remember(&meta, &[user(&first.to_string())]).await.unwrap();
    }
    let expected: Vec<_> = (4..=53).map(|first| user(&first.to_string())).collect();
    assert_eq!(history(&*bench.other, &of).await, expected);
}

pub(crate) async fn conversations_belong_to_one_user_of_one_tenant(bench: Bench) {
    let mine = meta("tenant1", "user123", 1);
    bench.one.store.remember(&mine, &[user("비밀")]).await.unwrap();
    for (tenant, name) in [("tenant2", "user123"), ("tenant1", "user456")] {
        assert!(history(&*bench.one.store, &meta(tenant, name, 2)).await.is_empty());
    }
}

pub(crate) async fn a_cancel_is_kept_and_told(mut bench: Bench) {
    let session = some_session();
    assert!(!bench.one.store.cancel_requested(&session).await.unwrap());
    // A subscription that is confirmed proves that the process listens.
    bench.one.store.watch(&session).await.unwrap();
    bench.other.request_cancel(&session).await.unwrap();
    assert!(bench.one.store.cancel_requested(&session).await.unwrap());
    assert_eq!(bench.one.event().await, StoreEvent::Cancel { session: session.clone() });
    assert!(!bench.one.store.cancel_requested(&some_session()).await.unwrap());
}

pub(crate) async fn the_newest_that_had_begun_by_an_event_are_found_without_the_rest(bench: Bench) {
    let beyond = i64::MAX as u64;
    let mut begun = Vec::new();
    for first in [NOW_MS, NOW_MS + 1, NOW_MS + 2, beyond - 1, beyond] {
        let mut meta = meta("tenant1", "user123", first);
        meta.session_id = some_session();
        bench.one.store.register(&meta).await.unwrap();
        begun.push(meta.session_id);
    }
    let (tenant, user) = (TenantId::new("tenant1"), UserId::new("user123"));
    for (event, limit, expected) in [
        (NOW_MS - 1, 9, vec![]),
        (NOW_MS, 9, vec![0]),
        (NOW_MS + 9, 9, vec![2, 1, 0]),
        (NOW_MS + 9, 2, vec![2, 1]),
        (beyond - 1, 2, vec![3, 2]),
        (beyond, 9, vec![4, 3, 2, 1, 0]),
        (beyond, 0, vec![]),
    ] {
        let found = bench.other.begun_by(&tenant, &user, EventId::new(event), limit).await.unwrap();
        let expected: Vec<_> = expected.into_iter().map(|n: usize| begun[n].clone()).collect();
        assert_eq!(found, expected, "{limit} by {event}");
    }
    let stranger = UserId::new("lee");
    let found = bench.other.begun_by(&tenant, &stranger, EventId::new(beyond), 9).await.unwrap();
    assert!(found.is_empty());
}
