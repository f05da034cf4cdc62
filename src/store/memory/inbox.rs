//! The inboxes of the embedded store.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::MemoryStore;
use super::usage::{PLACE, Usage, Weight};
use crate::domain::{EventId, RequestId, SessionId, TenantId, UnixMs};
use crate::store::inbox::{CHANGES_MOST, DECIDED_MOST, WAITING_MOST};
use crate::store::{
    ChangedRequest, Follower, Inbox, InboxNote, InboxPlace, InboxStage, Noted, NotedRequest,
    ReadError, StoreError, ttl,
};

/// Every tenant's inbox, and who follows which. One lock guards both, so a change and the wake-up that belongs
/// to it are one step.
#[derive(Debug)]
pub(super) struct InboxTable {
    inboxes: HashMap<TenantId, TenantInbox>,
    followed: HashMap<TenantId, watch::Sender<u64>>,
    usage: Usage,
}

/// One tenant's requests, each in one of the two lists, and the newest changes.
#[derive(Debug, Default)]
struct TenantInbox {
    requests: HashMap<RequestId, NotedRequest>,
    waiting: BTreeSet<InboxPlace>,
    decided: BTreeSet<InboxPlace>,
    changes: VecDeque<ChangedRequest>,
    /// The newest change that has been cut; [`EventId::ZERO`] while none has.
    cut: EventId,
}

impl Weight for NotedRequest {
    fn weight(&self) -> usize {
        // Its id stands in its place as well.
        2 * PLACE + 3 * self.request.weight() + self.session.weight() + self.item.weight()
    }
}

impl Weight for ChangedRequest {
    fn weight(&self) -> usize {
        PLACE + self.request.weight() + self.session.weight() + self.item.weight()
    }
}

impl TenantInbox {
    fn places(&mut self, which: Noted) -> &mut BTreeSet<InboxPlace> {
        match which {
            Noted::Waiting => &mut self.waiting,
            Noted::Decided => &mut self.decided,
        }
    }

    fn list(&self, which: Noted) -> &BTreeSet<InboxPlace> {
        match which {
            Noted::Waiting => &self.waiting,
            Noted::Decided => &self.decided,
        }
    }

    fn insert(&mut self, noted: &NotedRequest, usage: &Usage) {
        self.remove(&noted.request, usage);
        usage.add(noted.weight());
        let which = match noted.stage {
            InboxStage::Waiting { .. } => Noted::Waiting,
            InboxStage::Decided { .. } => Noted::Decided,
        };
        if let Some(place) = noted.place(which) {
            self.places(which).insert(place);
        }
        self.requests.insert(noted.request.clone(), noted.clone());
    }

    fn remove(&mut self, request: &RequestId, usage: &Usage) {
        let Some(noted) = self.requests.remove(request) else { return };
        usage.subtract(noted.weight());
        for which in [Noted::Waiting, Noted::Decided] {
            if let Some(place) = noted.place(which) {
                self.places(which).remove(&place);
            }
        }
    }

    /// Drops what has expired, and of what is too much the oldest.
    fn trim(&mut self, now: UnixMs, usage: &Usage) {
        for (which, most) in [(Noted::Waiting, WAITING_MOST), (Noted::Decided, DECIDED_MOST)] {
            let oldest = oldest(which, now);
            while let Some(place) = self.list(which).first()
                && (place.at < oldest || self.list(which).len() > most)
            {
                let request = place.request.clone();
                self.remove(&request, usage);
            }
        }
    }

    fn newest_change(&self) -> EventId {
        self.changes.back().map_or(self.cut, |change| change.id)
    }

    fn push_change(&mut self, change: ChangedRequest, usage: &Usage) {
        usage.add(change.weight());
        self.changes.push_back(change);
        if self.changes.len() > CHANGES_MOST {
            self.cut_changes(1, usage);
        }
    }

    /// Drops the oldest so many changes.
    fn cut_changes(&mut self, count: usize, usage: &Usage) {
        for change in self.changes.drain(..count) {
            usage.subtract(change.weight());
            self.cut = change.id;
        }
    }

    /// Drops all that is known of these sessions. A reader who would miss a change is told that there is a gap.
    fn let_go(&mut self, sessions: &HashSet<SessionId>, usage: &Usage) {
        let of_them = |noted: &&NotedRequest| sessions.contains(&noted.session);
        let gone: Vec<RequestId> =
            self.requests.values().filter(of_them).map(|noted| noted.request.clone()).collect();
        for request in &gone {
            self.remove(request, usage);
        }
        let last = self.changes.iter().rposition(|change| sessions.contains(&change.session));
        self.cut_changes(last.map_or(0, |last| last + 1), usage);
    }

    fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.changes.is_empty()
    }
}

/// From when on places of a list are kept.
fn oldest(which: Noted, now: UnixMs) -> UnixMs {
    let kept = match which {
        Noted::Waiting => ttl::INBOX_WAITING,
        Noted::Decided => ttl::INBOX_DECIDED,
    };
    now.before(kept).unwrap_or_default()
}

impl InboxTable {
    /// Nothing was noted.
    pub(super) fn new(usage: &Usage) -> Self {
        Self { inboxes: HashMap::new(), followed: HashMap::new(), usage: usage.clone() }
    }

    /// Frees what has expired.
    pub(super) fn sweep(&mut self, now: UnixMs) {
        let usage = &self.usage;
        let changes_from = now.before(ttl::INBOX).unwrap_or_default();
        self.inboxes.retain(|_, inbox| {
            inbox.trim(now, usage);
            if inbox.newest_change().get() < changes_from.get() {
                inbox.cut_changes(inbox.changes.len(), usage);
            }
            !inbox.is_empty()
        });
    }

    /// Frees what is known of sessions that are let go of.
    pub(super) fn let_go(&mut self, sessions: &HashSet<SessionId>) {
        for inbox in self.inboxes.values_mut() {
            inbox.let_go(sessions, &self.usage);
        }
    }

    /// How many records take up memory.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.inboxes.values().map(|inbox| inbox.requests.len() + inbox.changes.len()).sum()
    }

    fn note(&mut self, note: &InboxNote, now: UnixMs) -> Option<NotedRequest> {
        let InboxNote { tenant, noted, change, missed, void } = note;
        let inbox = self.inboxes.entry(tenant.clone()).or_default();
        let known = inbox.requests.get(&noted.request);
        let standing = known.filter(|known| void.as_ref() != Some(*known));
        if let Some(known) = standing.filter(|known| known.stage.rank() >= noted.stage.rank()) {
            return Some(known.clone());
        }
        let missed = missed.as_ref().filter(|_| known.is_none());
        inbox.insert(noted, &self.usage);
        inbox.trim(now, &self.usage);
        for item in missed.into_iter().chain([change]).cloned() {
            let id = inbox.newest_change().next(now);
            let (request, session) = (noted.request.clone(), noted.session.clone());
            inbox.push_change(ChangedRequest { id, request, session, item }, &self.usage);
        }
        if let Some(followers) = self.followed.get(tenant) {
            followers.send_modify(|changes| *changes += 1);
        }
        None
    }

    fn changes(
        &self,
        tenant: &TenantId,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<ChangedRequest>, ReadError> {
        let Some(inbox) = self.inboxes.get(tenant) else {
            return if after == EventId::ZERO {
                Ok(Vec::new())
            } else {
                Err(ReadError::Gap { after, first: EventId::ZERO })
            };
        };
        let from = inbox.changes.partition_point(|change| change.id <= after);
        let is_kept = after == inbox.cut
            || from.checked_sub(1).is_some_and(|at| inbox.changes[at].id == after);
        if !is_kept {
            let first = inbox.changes.front().map_or(inbox.cut, |change| change.id);
            return Err(ReadError::Gap { after, first });
        }
        Ok(inbox.changes.range(from..).take(limit).cloned().collect())
    }
}

/// Ends a watch; the last one of a tenant frees its channel.
struct Watching {
    table: Weak<Mutex<InboxTable>>,
    tenant: TenantId,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let Some(table) = self.table.upgrade() else { return };
        let mut table = table.lock();
        // The follower drops its receiver before this guard, so that it no longer counts.
        if table.followed.get(&self.tenant).is_some_and(|w| w.receiver_count() == 0) {
            table.followed.remove(&self.tenant);
        }
    }
}

#[async_trait]
impl Inbox for MemoryStore {
    async fn note(&self, note: &InboxNote) -> Result<Option<NotedRequest>, StoreError> {
        Ok(self.inbox.lock().note(note, self.clock.now()))
    }

    async fn noted(
        &self,
        tenant: &TenantId,
        which: Noted,
        before: Option<&InboxPlace>,
        limit: usize,
    ) -> Result<Vec<NotedRequest>, StoreError> {
        let (oldest, table) = (oldest(which, self.clock.now()), self.inbox.lock());
        let Some(inbox) = table.inboxes.get(tenant) else { return Ok(Vec::new()) };
        let below = before.map_or(Bound::Unbounded, Bound::Excluded);
        let list = inbox.list(which).range((Bound::Unbounded, below)).rev();
        let noted = list
            .take_while(|place| place.at >= oldest)
            .filter_map(|place| inbox.requests.get(&place.request));
        Ok(noted.take(limit).cloned().collect())
    }

    async fn noted_request(
        &self,
        tenant: &TenantId,
        id: &RequestId,
    ) -> Result<Option<NotedRequest>, StoreError> {
        let table = self.inbox.lock();
        Ok(table.inboxes.get(tenant).and_then(|inbox| inbox.requests.get(id)).cloned())
    }

    async fn unnoted(
        &self,
        tenant: &TenantId,
        ids: &[RequestId],
    ) -> Result<Vec<RequestId>, StoreError> {
        let table = self.inbox.lock();
        let inbox = table.inboxes.get(tenant);
        let is_noted = |id: &RequestId| inbox.is_some_and(|inbox| inbox.requests.contains_key(id));
        Ok(ids.iter().filter(|id| !is_noted(id)).cloned().collect())
    }

    async fn drop_noted(&self, tenant: &TenantId, noted: &NotedRequest) -> Result<(), StoreError> {
        let mut table = self.inbox.lock();
        let InboxTable { inboxes, usage, .. } = &mut *table;
        if let Some(inbox) = inboxes.get_mut(tenant) {
            inbox.remove(&noted.request, usage);
        }
        Ok(())
    }

    async fn newest_change(&self, tenant: &TenantId) -> Result<EventId, StoreError> {
        let table = self.inbox.lock();
        Ok(table.inboxes.get(tenant).map_or(EventId::ZERO, TenantInbox::newest_change))
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<ChangedRequest>, ReadError> {
        self.inbox.lock().changes(tenant, after, limit)
    }

    async fn follow_inbox(&self, tenant: &TenantId) -> Result<Follower, StoreError> {
        let changed = {
            let mut table = self.inbox.lock();
            let fresh = || watch::Sender::new(0);
            table.followed.entry(tenant.clone()).or_insert_with(fresh).subscribe()
        };
        let watching = Watching { table: Arc::downgrade(&self.inbox), tenant: tenant.clone() };
        Ok(Follower::new(changed, watching))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::Sealed;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const START: UnixMs = UnixMs::new(1_706_152_860_000);

    fn note(session: &str, stage: InboxStage) -> InboxNote {
        let noted = NotedRequest {
            request: RequestId::new(format!("req_{session}")),
            session: SessionId::new(session),
            created_at: START,
            stage,
            item: Sealed::stored(*b"item"),
        };
        let (tenant, change) = (TenantId::new("t"), Sealed::stored(*b"change"));
        InboxNote { tenant, noted, change, missed: None, void: None }
    }

    fn table() -> (InboxTable, Usage) {
        let usage = Usage::default();
        let mut table = InboxTable::new(&usage);
        for session in ["a", "b"] {
            table.note(&note(session, InboxStage::Waiting { approvals: 0 }), START);
        }
        table.note(&note("a", InboxStage::Decided { at: START }), START);
        (table, usage)
    }

    #[test]
    fn what_is_kept_is_counted_and_all_of_it_is_freed_in_its_time() {
        let (mut table, usage) = table();
        let whole = usage.bytes();
        assert_eq!(table.len(), 2 + 3);
        table.sweep(START.after(7 * DAY));
        assert_eq!(table.len(), 2 + 3, "not before its time");
        table.sweep(START.after(8 * DAY));
        assert_eq!(table.len(), 1 + 3, "what was decided a week ago is gone");
        assert!(usage.bytes() < whole);
        table.sweep(START.after(31 * DAY));
        assert_eq!(table.len(), 3, "and so is what nobody can answer any more");
        table.sweep(START.after(38 * DAY));
        assert_eq!((table.len(), usage.bytes()), (0, 0));
    }

    #[test]
    fn what_is_let_go_of_is_freed_and_readers_who_would_miss_it_are_told() {
        let (mut table, usage) = table();
        let tenant = TenantId::new("t");
        let changes = table.changes(&tenant, EventId::ZERO, 10).unwrap();
        table.let_go(&HashSet::from([SessionId::new("b")]));
        assert!(matches!(table.changes(&tenant, changes[0].id, 10), Err(ReadError::Gap { .. })));
        assert_eq!(table.changes(&tenant, changes[1].id, 10).unwrap(), changes[2..]);
        table.let_go(&HashSet::from([SessionId::new("a")]));
        assert_eq!((table.len(), usage.bytes()), (0, 0));
        let after_all = table.changes(&tenant, changes[2].id, 10).unwrap();
        assert!(after_all.is_empty(), "who has all of it misses nothing");
    }
}
