//! The sessions of the embedded store, and the conversations that they share.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use super::expiring::Expiring;
use super::run_index::RunLists;
use super::usage::{Usage, Weight};
use crate::domain::{EventId, Message, SessionId, SessionMeta, TenantId, ThreadId, UnixMs, UserId};
use crate::store::{Sessions, StoreError, ttl};

/// A session's place in its caller's list.
type Place = (EventId, SessionId);

/// What is known of sessions and conversations.
#[derive(Debug)]
pub(super) struct SessionTable {
    known: Expiring<SessionId, SessionMeta>,
    /// Each caller's sessions, oldest first; those that have expired stay until the next sweep.
    lists: HashMap<(TenantId, UserId), Vec<Place>>,
    threads: Expiring<(TenantId, UserId, ThreadId), Vec<Turn>>,
    cancels: Expiring<SessionId, ()>,
    /// The runs of all users; those that have expired stay until the next sweep.
    index: RunLists,
}

/// What one run said.
#[derive(Debug)]
struct Turn {
    place: Place,
    said: Box<[Message]>,
}

impl Weight for Turn {
    fn weight(&self) -> usize {
        self.said.iter().map(Message::weight).sum()
    }
}

fn place(meta: &SessionMeta) -> Place {
    (meta.first_event, meta.session_id.clone())
}

impl SessionTable {
    /// Nothing is known.
    pub(super) fn new(usage: &Usage) -> Self {
        Self {
            known: Expiring::new(usage),
            lists: HashMap::new(),
            threads: Expiring::new(usage),
            cancels: Expiring::new(usage),
            index: RunLists::default(),
        }
    }

    /// Frees all that is known of a session, and what it said in its conversation. Its place in its
    /// caller's list stays until the next sweep.
    pub(super) fn let_go(&mut self, session: &SessionId, now: UnixMs) {
        self.cancels.remove(session);
        let Some(meta) = self.known.remove(session) else { return };
        let place = place(&meta);
        let thread = (meta.tenant, meta.user, meta.thread_id);
        let left = self.threads.change(&thread, now, |turns| {
            turns.retain(|turn| turn.place != place);
            turns.len()
        });
        if left == Some(0) {
            self.threads.remove(&thread);
        }
    }

    /// Frees what has expired.
    pub(super) fn sweep(&mut self, now: UnixMs) {
        let known = &self.known;
        self.lists.retain(|_, list| {
            list.retain(|(_, id)| known.get(id, now).is_some());
            !list.is_empty()
        });
        self.index.retain(|id| known.get(id, now).is_some());
        self.known.sweep(now);
        self.threads.sweep(now);
        self.cancels.sweep(now);
    }

    /// How many records take up memory.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let records = self.known.len() + self.lists.len();
        records + self.threads.len() + self.cancels.len() + self.index.len()
    }

    /// What is known of a session.
    pub(super) fn known(&self, session: &SessionId, now: UnixMs) -> Option<&SessionMeta> {
        self.known.get(session, now)
    }

    /// The runs of all users.
    pub(super) fn index(&self) -> &RunLists {
        &self.index
    }

    fn register(&mut self, meta: &SessionMeta, now: UnixMs) {
        let list = self.lists.entry((meta.tenant.clone(), meta.user.clone())).or_default();
        let place = place(meta);
        if let Err(at) = list.binary_search(&place) {
            list.insert(at, place);
        }
        self.index.add(meta);
        self.known.put(meta.session_id.clone(), meta.clone(), now, ttl::SESSION);
    }

    /// Keeps a session and its conversation for at least this long.
    pub(super) fn keep(&mut self, meta: &SessionMeta, now: UnixMs, ttl: Duration) {
        self.known.extend(&meta.session_id, now, ttl);
        let key = (meta.tenant.clone(), meta.user.clone(), meta.thread_id.clone());
        self.threads.extend(&key, now, ttl);
    }

    fn remember(&mut self, meta: &SessionMeta, said: &[Message], now: UnixMs) {
        let key = (meta.tenant.clone(), meta.user.clone(), meta.thread_id.clone());
        // For a run that waits for an answer it may be kept longer already.
        self.threads.extend(&key, now, ttl::THREAD);
        let turn = Turn { place: place(meta), said: said.into() };
        self.threads.change_or_put(key, now, ttl::THREAD, |turns| {
            match turns.binary_search_by(|other| other.place.cmp(&turn.place)) {
                Ok(at) => turns[at] = turn,
                Err(at) => turns.insert(at, turn),
            }
            let surplus = turns.len().saturating_sub(ttl::THREAD_RUNS);
            turns.drain(..surplus);
        });
    }
}

#[async_trait]
impl Sessions for MemoryStore {
    async fn register(&self, meta: &SessionMeta) -> Result<(), StoreError> {
        self.sessions.lock().register(meta, self.clock.now());
        Ok(())
    }

    async fn session(&self, id: &SessionId) -> Result<Option<SessionMeta>, StoreError> {
        Ok(self.sessions.lock().known.get(id, self.clock.now()).cloned())
    }

    async fn sessions_of(
        &self,
        tenant: &TenantId,
        user: &UserId,
        before: Option<&SessionMeta>,
        limit: usize,
    ) -> Result<Vec<SessionMeta>, StoreError> {
        let (now, table) = (self.clock.now(), self.sessions.lock());
        let Some(list) = table.lists.get(&(tenant.clone(), user.clone())) else {
            return Ok(Vec::new());
        };
        let end = before.map_or(list.len(), |meta| {
            let before = place(meta);
            list.partition_point(|place| *place < before)
        });
        let newest_first = list[..end].iter().rev();
        let alive = newest_first.filter_map(|(_, id)| table.known.get(id, now));
        Ok(alive.take(limit).cloned().collect())
    }

    async fn begun_by(
        &self,
        tenant: &TenantId,
        user: &UserId,
        event: EventId,
        limit: usize,
    ) -> Result<Vec<SessionId>, StoreError> {
        let table = self.sessions.lock();
        let list = table.lists.get(&(tenant.clone(), user.clone())).map_or(&[][..], Vec::as_slice);
        let end = list.partition_point(|(first_event, _)| *first_event <= event);
        Ok(list[..end].iter().rev().take(limit).map(|(_, id)| id.clone()).collect())
    }

    async fn history(
        &self,
        tenant: &TenantId,
        user: &UserId,
        thread: &ThreadId,
    ) -> Result<Vec<Message>, StoreError> {
        let key = (tenant.clone(), user.clone(), thread.clone());
        let table = self.sessions.lock();
        let turns = table.threads.get(&key, self.clock.now());
        Ok(turns.into_iter().flatten().flat_map(|turn| turn.said.iter().cloned()).collect())
    }

    async fn remember(&self, meta: &SessionMeta, said: &[Message]) -> Result<(), StoreError> {
        self.sessions.lock().remember(meta, said, self.clock.now());
        Ok(())
    }

    async fn request_cancel(&self, id: &SessionId) -> Result<(), StoreError> {
        self.sessions.lock().cancels.put(id.clone(), (), self.clock.now(), ttl::CANCEL);
        self.event_channel.cancel(id.clone());
        Ok(())
    }

    async fn cancel_requested(&self, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.sessions.lock().cancels.get(id, self.clock.now()).is_some())
    }
}
