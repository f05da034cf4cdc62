//! What is promised about what waits for a tenant's people, and how it changes.

use std::sync::Arc;
use std::time::Duration;

use aura_platform::domain::{EventId, RequestId, TenantId, UnixMs};
use aura_platform::store::{
    ChangedRequest, InboxNote, InboxPlace, InboxStage, Noted, NotedRequest, ReadError, Store,
};
use futures::future::join_all;
use tokio::time::timeout;

use crate::bench::{Bench, NOW_MS, sealed, some_session};

/// A tenant of the check's own: the cluster is shared.
fn tenant() -> TenantId {
    TenantId::new(format!("tenant:{{{}}}", RequestId::generate()))
}

/// A request that was asked so many milliseconds ago, and waits.
pub(crate) fn asked(tenant: &TenantId, ago: u64) -> InboxNote {
    let request = RequestId::generate();
    let noted = NotedRequest {
        session: some_session(),
        created_at: UnixMs::new(NOW_MS - ago),
        stage: InboxStage::Waiting { approvals: 0 },
        item: sealed(format!("{{\"of\":\"{request}\"}}")),
        request,
    };
    InboxNote { tenant: tenant.clone(), noted, change: sealed("asked"), missed: None, void: None }
}

fn endorsed(note: &InboxNote, approvals: u32) -> InboxNote {
    let stage = InboxStage::Waiting { approvals };
    let noted = NotedRequest { stage, item: sealed("endorsed"), ..note.noted.clone() };
    InboxNote {
        noted,
        change: sealed(format!("endorsed {approvals}")),
        missed: Some(note.change.clone()),
        ..note.clone()
    }
}

pub(crate) fn decided(note: &InboxNote, ago: u64) -> InboxNote {
    let stage = InboxStage::Decided { at: UnixMs::new(NOW_MS - ago) };
    let noted = NotedRequest { stage, item: sealed(b"\xff:decided"), ..note.noted.clone() };
    let missed = Some(note.change.clone());
    InboxNote { noted, change: sealed("decided"), missed, ..note.clone() }
}

async fn list(
    store: &Arc<dyn Store>,
    tenant: &TenantId,
    which: Noted,
    before: Option<&InboxPlace>,
    limit: usize,
) -> Vec<RequestId> {
    let noted = store.noted(tenant, which, before, limit).await.unwrap();
    noted.into_iter().map(|noted| noted.request).collect()
}

async fn all(store: &Arc<dyn Store>, tenant: &TenantId, which: Noted) -> Vec<RequestId> {
    list(store, tenant, which, None, 1_000).await
}

async fn changes(store: &Arc<dyn Store>, tenant: &TenantId, after: EventId) -> Vec<String> {
    let changes = store.changes(tenant, after, 1_000).await.unwrap();
    changes.into_iter().map(|change| text(&change)).collect()
}

fn text(change: &ChangedRequest) -> String {
    String::from_utf8(change.item.as_bytes().to_vec()).unwrap()
}

fn ids(notes: &[&InboxNote]) -> Vec<RequestId> {
    notes.iter().map(|note| note.noted.request.clone()).collect()
}

pub(crate) async fn what_is_noted_reads_back_in_every_process(bench: Bench) {
    let tenant = tenant();
    let note = asked(&tenant, 7);
    bench.one.store.note(&note).await.unwrap();
    let found = bench.other.noted(&tenant, Noted::Waiting, None, 10).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&note.noted));
    let found = bench.other.noted_request(&tenant, &note.noted.request).await.unwrap();
    assert_eq!(found, Some(note.noted.clone()));
    let note = decided(&note, 0);
    bench.other.note(&note).await.unwrap();
    let found = bench.one.store.noted(&tenant, Noted::Decided, None, 10).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&note.noted));
    assert!(all(&bench.one.store, &tenant, Noted::Waiting).await.is_empty());
}

pub(crate) async fn what_waits_and_what_is_decided_are_listed_newest_first(bench: Bench) {
    let (store, tenant) = (&bench.one.store, tenant());
    let notes: Vec<InboxNote> = [40, 10, 30, 20].map(|ago| asked(&tenant, ago)).into();
    for note in &notes {
        store.note(note).await.unwrap();
    }
    let [a, b, c, d] = &notes[..] else { unreachable!() };
    assert_eq!(all(store, &tenant, Noted::Waiting).await, ids(&[b, d, c, a]));
    store.note(&decided(b, 1)).await.unwrap();
    store.note(&decided(a, 2)).await.unwrap();
    assert_eq!(all(store, &tenant, Noted::Waiting).await, ids(&[d, c]));
    assert_eq!(all(store, &tenant, Noted::Decided).await, ids(&[b, a]));
}

pub(crate) async fn an_inbox_pages_without_gaps_or_repeats(bench: Bench) {
    let (store, tenant) = (&bench.one.store, tenant());
    // Several at once: then the ids decide.
    let notes: Vec<InboxNote> = (0..25).map(|n| asked(&tenant, n / 4)).collect();
    for note in &notes {
        store.note(note).await.unwrap();
    }
    let whole = all(&bench.other, &tenant, Noted::Waiting).await;
    assert_eq!(whole.len(), notes.len());
    let (mut paged, mut before) = (Vec::new(), None);
    loop {
        let page = bench.other.noted(&tenant, Noted::Waiting, before.as_ref(), 4).await.unwrap();
        let Some(last) = page.last() else { break };
        before = last.place(Noted::Waiting);
        // What is decided meanwhile leaves the list, and the place stays.
        let note = notes.iter().find(|note| note.noted.request == last.request).unwrap();
        store.note(&decided(note, 0)).await.unwrap();
        paged.extend(page.into_iter().map(|noted| noted.request));
    }
    assert_eq!(paged, whole);
}

pub(crate) async fn a_request_only_moves_on_and_each_step_is_told_once(bench: Bench) {
    let (store, tenant) = (&bench.one.store, tenant());
    let note = asked(&tenant, 5);
    for (store, note) in [
        (store, note.clone()),
        (&bench.other, note.clone()),
        (store, endorsed(&note, 1)),
        (&bench.other, endorsed(&note, 1)),
        (store, note.clone()),
        (store, endorsed(&note, 2)),
        (store, decided(&note, 1)),
        (&bench.other, endorsed(&note, 3)),
        (store, decided(&note, 0)),
        (&bench.other, note.clone()),
    ] {
        store.note(&note).await.unwrap();
    }
    let told = ["asked", "endorsed 1", "endorsed 2", "decided"];
    assert_eq!(changes(&bench.other, &tenant, EventId::ZERO).await, told);
    let found = store.noted_request(&tenant, &note.noted.request).await.unwrap().unwrap();
    assert_eq!(found.stage, InboxStage::Decided { at: UnixMs::new(NOW_MS - 1) });
    assert!(all(store, &tenant, Noted::Waiting).await.is_empty());
}

pub(crate) async fn what_counts_for_nothing_gives_way_however_far_it_says_it_has_come(
    bench: Bench,
) {
    let (store, tenant) = (&bench.one.store, tenant());
    let note = asked(&tenant, 5);
    let forged = endorsed(&note, u32::MAX);
    store.note(&forged).await.unwrap();
    let first = endorsed(&note, 1);
    let standing = bench.other.note(&first).await.unwrap();
    assert_eq!(standing.as_ref(), Some(&forged.noted), "it is told what stands there");
    let instead = InboxNote { void: standing, ..first.clone() };
    assert_eq!(bench.other.note(&instead).await.unwrap(), None);
    let found = store.noted_request(&tenant, &note.noted.request).await.unwrap();
    assert_eq!(found, Some(first.noted.clone()));
    // Only what was seen gives way.
    let second = InboxNote { void: Some(forged.noted), ..endorsed(&note, 1) };
    assert_eq!(store.note(&second).await.unwrap(), Some(first.noted));
    assert_eq!(store.note(&endorsed(&note, 2)).await.unwrap(), None);
    let told = ["asked", "endorsed 4294967295", "endorsed 1", "endorsed 2"];
    assert_eq!(changes(&bench.other, &tenant, EventId::ZERO).await, told);
}

pub(crate) async fn a_decision_is_noted_of_a_request_that_was_not_and_both_are_told(bench: Bench) {
    let (store, tenant) = (&bench.one.store, tenant());
    let note = asked(&tenant, 5);
    store.note(&decided(&note, 1)).await.unwrap();
    store.note(&note).await.unwrap();
    assert_eq!(all(store, &tenant, Noted::Decided).await, ids(&[&note]));
    assert!(all(store, &tenant, Noted::Waiting).await.is_empty());
    assert_eq!(changes(&bench.other, &tenant, EventId::ZERO).await, ["asked", "decided"]);
    let next = asked(&tenant, 5);
    store.note(&endorsed(&next, 1)).await.unwrap();
    store.note(&next).await.unwrap();
    let told = ["asked", "decided", "asked", "endorsed 1"];
    assert_eq!(changes(store, &tenant, EventId::ZERO).await, told);
}

pub(crate) async fn changes_have_ascending_ids_and_are_read_from_any_of_them(bench: Bench) {
    let (store, tenant) = (&bench.one.store, tenant());
    assert_eq!(store.newest_change(&tenant).await.unwrap(), EventId::ZERO);
    assert!(store.changes(&tenant, EventId::ZERO, 10).await.unwrap().is_empty());
    let notes: Vec<InboxNote> = (0..20).map(|n| asked(&tenant, n)).collect();
    let noting = notes.iter().enumerate().map(|(n, note)| {
        let store = if n % 2 == 0 { store } else { &bench.other };
        store.note(note)
    });
    for noted in join_all(noting).await {
        noted.unwrap();
    }
    let all = bench.other.changes(&tenant, EventId::ZERO, 1_000).await.unwrap();
    assert_eq!(all.len(), notes.len());
    assert!(all.is_sorted_by(|a, b| a.id < b.id));
    assert!(all[0].id.get() >= NOW_MS, "ids follow the clock");
    assert_eq!(store.newest_change(&tenant).await.unwrap(), all[19].id);
    for (at, change) in all.iter().enumerate() {
        let rest = store.changes(&tenant, change.id, 1_000).await.unwrap();
        assert_eq!(rest, all[at + 1..]);
    }
    assert_eq!(store.changes(&tenant, all[4].id, 3).await.unwrap(), all[5..8]);
    assert_eq!(store.changes(&tenant, EventId::ZERO, 3).await.unwrap(), all[..3]);
    let note = &notes[0].noted;
    let of_it = all.iter().find(|change| change.request == note.request).unwrap();
    assert_eq!(of_it.session, note.session);
}

pub(crate) async fn a_reader_of_changes_that_are_not_kept_is_told(bench: Bench) {
    let (store, tenant) = (&bench.one.store, tenant());
    let is_gap = async |after: u64| {
        let read = store.changes(&tenant, EventId::new(after), 10).await;
        matches!(read, Err(ReadError::Gap { .. }))
    };
    assert!(is_gap(NOW_MS).await, "there is nothing");
    store.note(&asked(&tenant, 0)).await.unwrap();
    let first = store.newest_change(&tenant).await.unwrap().get();
    assert!(!is_gap(0).await && !is_gap(first).await);
    assert!(is_gap(first - 1).await && is_gap(first + 1).await, "there never were such");
    for _ in 0..1_200 {
        store.note(&asked(&tenant, 0)).await.unwrap();
    }
    assert!(is_gap(0).await && is_gap(first).await, "they were cut");
    let newest = store.newest_change(&tenant).await.unwrap().get();
    assert!(!is_gap(newest).await && !is_gap(newest - 900).await);
}

pub(crate) async fn a_follower_of_an_inbox_is_woken_by_any_process(bench: Bench) {
    let (tenant, neighbour) = (tenant(), tenant());
    let mut follower = bench.one.store.follow_inbox(&tenant).await.unwrap();
    let mut second = bench.other.follow_inbox(&tenant).await.unwrap();
    let mut other = bench.one.store.follow_inbox(&neighbour).await.unwrap();
    let note = asked(&tenant, 0);
    for note in [note.clone(), endorsed(&note, 1), decided(&note, 0)] {
        bench.other.note(&note).await.unwrap();
        follower.changed().await;
        second.changed().await;
    }
    let woken = timeout(Duration::from_millis(50), other.changed()).await;
    assert!(woken.is_err(), "another tenant's change is nobody's business");
}

pub(crate) async fn an_inbox_is_its_tenants_alone_whatever_they_are_called(bench: Bench) {
    let store = &bench.one.store;
    let base = RequestId::generate();
    let tenants = ["", ":waiting", "}", "%7D"].map(|end| TenantId::new(format!("{base}{end}")));
    let notes: Vec<InboxNote> = tenants.iter().map(|tenant| asked(tenant, 0)).collect();
    for note in &notes {
        store.note(note).await.unwrap();
    }
    for (tenant, note) in tenants.iter().zip(&notes) {
        assert_eq!(all(&bench.other, tenant, Noted::Waiting).await, ids(&[note]));
        assert_eq!(changes(store, tenant, EventId::ZERO).await.len(), 1);
        let others: Vec<RequestId> = notes.iter().map(|note| note.noted.request.clone()).collect();
        let unnoted = store.unnoted(tenant, &others).await.unwrap();
        let expected: Vec<RequestId> =
            others.into_iter().filter(|id| *id != note.noted.request).collect();
        assert_eq!(unnoted, expected);
    }
}

pub(crate) async fn what_is_dropped_is_not_listed_and_can_be_noted_again(bench: Bench) {
    let (store, tenant) = (&bench.one.store, tenant());
    let note = asked(&tenant, 0);
    for note in [note.clone(), decided(&note, 0)] {
        store.note(&note).await.unwrap();
        bench.other.drop_noted(&tenant, &note.noted).await.unwrap();
        for which in [Noted::Waiting, Noted::Decided] {
            assert!(all(store, &tenant, which).await.is_empty());
        }
        assert_eq!(store.noted_request(&tenant, &note.noted.request).await.unwrap(), None);
    }
    store.note(&note).await.unwrap();
    assert_eq!(all(store, &tenant, Noted::Waiting).await, ids(&[&note]));
    let told = ["asked", "asked", "decided", "asked"];
    assert_eq!(changes(store, &tenant, EventId::ZERO).await, told);
}

pub(crate) async fn what_was_decided_a_week_ago_is_not_listed(bench: Bench) {
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let (store, tenant) = (&bench.one.store, tenant());
    let old = asked(&tenant, 8 * DAY);
    let recent = asked(&tenant, 7 * DAY);
    store.note(&decided(&old, 7 * DAY + 1)).await.unwrap();
    store.note(&decided(&recent, 7 * DAY - 1)).await.unwrap();
    assert_eq!(all(store, &tenant, Noted::Decided).await, ids(&[&recent]));
    let unnoted = store.unnoted(&tenant, &ids(&[&old, &recent])).await.unwrap();
    assert_eq!(unnoted, ids(&[&old]), "nor kept once something else is noted");
    // As long as anybody may be given to answer.
    let (waits, gone) = (asked(&tenant, 30 * DAY), asked(&tenant, 31 * DAY));
    store.note(&gone).await.unwrap();
    store.note(&waits).await.unwrap();
    assert_eq!(all(store, &tenant, Noted::Waiting).await, ids(&[&waits]));
}
