//! The journals of the embedded store.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::MemoryStore;
use super::expiring::Expiring;
use super::packed::Packed;
use super::usage::{Usage, Weight};
use crate::domain::{Deadline, Entry, EventId, SessionId, Shown, UnixMs};
use crate::store::journal::in_order;
use crate::store::{AppendError, Follower, Journal, ReadError, StoreError, ttl};

/// Every journal, and who follows which. One lock guards both, so an append and the wake-up that
/// belongs to it are one step.
#[derive(Debug)]
pub(super) struct Journals {
    logs: Expiring<SessionId, Log>,
    followed: HashMap<SessionId, watch::Sender<u64>>,
    /// The sessions that are over, in the order in which they ended; some may have expired.
    over: VecDeque<SessionId>,
}

#[derive(Debug, Default)]
struct Log {
    entries: VecDeque<Packed>,
    /// The newest entry that has been cut; [`EventId::ZERO`] while none has.
    cut: EventId,
    /// What the entries take.
    bytes: usize,
}

impl Weight for Log {
    fn weight(&self) -> usize {
        self.bytes
    }
}

impl Log {
    fn last(&self) -> EventId {
        self.entries.back().map_or(EventId::ZERO, Packed::id)
    }

    /// Where the entries after `id` begin.
    fn after(&self, id: EventId) -> usize {
        self.entries.partition_point(|entry| entry.id() <= id)
    }

    /// Whether the log ends with exactly this batch, appended after `expected`.
    fn ends_with(&self, expected: EventId, batch: &[Entry]) -> bool {
        let from = self.after(expected);
        self.entries.len() - from == batch.len()
            && self.entries.range(from..).zip(batch).all(|(kept, entry)| kept.unpack() == *entry)
    }

    fn extend(&mut self, batch: Vec<Packed>, max_events: usize) {
        self.bytes += batch.iter().map(Packed::bytes).sum::<usize>();
        self.entries.extend(batch);
        while self.entries.len() > max_events {
            if let Some(entry) = self.entries.pop_front() {
                self.cut = entry.id();
                self.bytes -= entry.bytes();
            }
        }
    }
}

/// How much of a journal is kept, and from when on for how long.
struct Limits {
    now: UnixMs,
    kept: Duration,
    max_events: usize,
}

impl Journals {
    /// No journals.
    pub(super) fn new(usage: &Usage) -> Self {
        let (followed, over) = (HashMap::new(), VecDeque::new());
        Self { logs: Expiring::new(usage), followed, over }
    }

    /// Frees the journals that have expired.
    pub(super) fn sweep(&mut self, now: UnixMs) {
        self.logs.sweep(now);
        let logs = &self.logs;
        self.over.retain(|session| logs.get(session, now).is_some());
    }

    /// Frees the journal of the session that has been over for longest; `None` if none is over.
    pub(super) fn let_go_of_oldest(&mut self) -> Option<SessionId> {
        let session = self.over.pop_front()?;
        self.logs.remove(&session);
        Some(session)
    }

    /// How many journals take up memory.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.logs.len()
    }

    /// How many journals somebody follows.
    #[cfg(test)]
    pub(super) fn followers(&self) -> usize {
        self.followed.len()
    }

    fn append(
        &mut self,
        session: &SessionId,
        expected: EventId,
        batch: (&[Entry], Vec<Packed>),
        Limits { now, kept, max_events }: Limits,
    ) -> Result<(), AppendError> {
        match self.logs.get(session, now) {
            Some(log) if log.last() == expected => {}
            Some(log) if log.ends_with(expected, batch.0) => return Ok(()),
            Some(_) => return Err(AppendError::Conflict),
            None if expected == EventId::ZERO => {}
            None => return Err(AppendError::Gone),
        }
        self.logs.renew(session.clone(), now, kept, |log| log.extend(batch.1, max_events));
        if batch.0.last().is_some_and(Entry::is_done) {
            self.over.push_back(session.clone());
        }
        if let Some(followers) = self.followed.get(session) {
            followers.send_modify(|changes| *changes += 1);
        }
        Ok(())
    }
}

/// An entry with no more than so many bytes of its payload and its record.
fn beginning(entry: Entry, max_bytes: usize) -> Entry {
    let cut = |bytes: Bytes| bytes.slice(..bytes.len().min(max_bytes));
    let shown = entry.shown.map(|shown| match shown {
        Shown::Event { kind, payload } => Shown::Event { kind, payload: cut(payload) },
        Shown::Done => Shown::Done,
    });
    Entry { id: entry.id, shown, record: entry.record.map(cut) }
}

/// Ends a watch; the last one of a session frees its channel.
struct Watching {
    journals: Weak<Mutex<Journals>>,
    session: SessionId,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let Some(journals) = self.journals.upgrade() else {
            return;
        };
        let mut journals = journals.lock();
        // The follower drops its receiver before this guard, so that it no longer counts.
        if journals.followed.get(&self.session).is_some_and(|w| w.receiver_count() == 0) {
            journals.followed.remove(&self.session);
        }
    }
}

#[async_trait]
impl Journal for MemoryStore {
    async fn append_waiting(
        &self,
        session: &SessionId,
        expected: EventId,
        entries: &[Entry],
        until: Option<Deadline>,
    ) -> Result<(), AppendError> {
        if !in_order(expected, entries) {
            return Err(StoreError::Rejected("entries out of order".into()).into());
        }
        let packed: Option<Vec<Packed>> = entries.iter().map(Packed::pack).collect();
        let packed = packed.ok_or_else(|| StoreError::Rejected("entry too long".into()))?;
        let now = self.clock.now();
        let kept = until.map_or(ttl::JOURNAL, |until| ttl::outliving(ttl::JOURNAL, until, now));
        let limits = Limits { now, kept, max_events: self.config.max_events.max(1) };
        self.journals.lock().append(session, expected, (entries, packed), limits)
    }

    async fn read(
        &self,
        session: &SessionId,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        let journals = self.journals.lock();
        let Some(log) = journals.logs.get(session, self.clock.now()) else {
            return Ok(Vec::new());
        };
        if after < log.cut {
            let first = log.entries.front().map_or(log.cut, Packed::id);
            return Err(ReadError::Gap { after, first });
        }
        Ok(log.entries.range(log.after(after)..).take(limit).map(Packed::unpack).collect())
    }

    async fn newest(&self, session: &SessionId, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let journals = self.journals.lock();
        let Some(log) = journals.logs.get(session, self.clock.now()) else {
            return Ok(Vec::new());
        };
        let from = log.entries.len().saturating_sub(limit);
        Ok(log.entries.range(from..).map(Packed::unpack).collect())
    }

    async fn glimpse(
        &self,
        session: &SessionId,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let newest = self.newest(session, limit).await?;
        Ok(newest.into_iter().map(|entry| beginning(entry, max_bytes)).collect())
    }

    async fn missing(&self, sessions: &[SessionId]) -> Result<Vec<SessionId>, StoreError> {
        let (journals, now) = (self.journals.lock(), self.clock.now());
        let missing = sessions.iter().filter(|session| journals.logs.get(session, now).is_none());
        Ok(missing.cloned().collect())
    }

    async fn holds(&self, session: &SessionId, id: EventId) -> Result<bool, StoreError> {
        let journals = self.journals.lock();
        let log = journals.logs.get(session, self.clock.now());
        Ok(log.is_some_and(|log| log.entries.binary_search_by_key(&id, Packed::id).is_ok()))
    }

    async fn follow(&self, session: &SessionId) -> Result<Follower, StoreError> {
        let changed = {
            let mut journals = self.journals.lock();
            let fresh = || watch::Sender::new(0);
            journals.followed.entry(session.clone()).or_insert_with(fresh).subscribe()
        };
        let journals = Arc::downgrade(&self.journals);
        Ok(Follower::new(changed, Watching { journals, session: session.clone() }))
    }
}
