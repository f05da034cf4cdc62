//! The port of journals: one ordered log for each session.

use async_trait::async_trait;
use tokio::sync::watch;

use super::errors::{AppendError, ReadError, StoreError};
use crate::domain::{Deadline, Entry, EventId, SessionId};

/// One ordered log per session, the truth about it.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Appends `entries` (at least one, ids ascending) atomically, if and only if the journal's
    /// last id is `expected` ([`EventId::ZERO`]: the journal does not exist). Entries that are none, out
    /// of order or too long for the store are [`StoreError::Rejected`].
    ///
    /// When this returns `Ok`, every reader of every process can read them and every [`Follower`]
    /// of the session has been or will be woken. An append whose outcome was unknown may be
    /// repeated with the same arguments: if it had happened, this returns `Ok` and writes nothing.
    /// The journal expires 24 h after its last append and keeps at least the newest
    /// `max_events` entries of the adapter's configuration.
    async fn append(
        &self,
        session: &SessionId,
        expected: EventId,
        entries: &[Entry],
    ) -> Result<(), AppendError> {
        self.append_waiting(session, expected, entries, None).await
    }

    /// The same for a run that waits for people from then on, until the latest of its deadlines: its
    /// journal is kept for 12 h past that, if that is later. The next append counts anew.
    async fn append_waiting(
        &self,
        session: &SessionId,
        expected: EventId,
        entries: &[Entry],
        until: Option<Deadline>,
    ) -> Result<(), AppendError>;

    /// The first `limit` entries with an id greater than `after`, oldest first; empty if there are
    /// none or no such journal.
    async fn read(
        &self,
        session: &SessionId,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError>;

    /// The newest `limit` entries, oldest first; empty if there is no such journal.
    async fn newest(&self, session: &SessionId, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// The same, but of each payload and each record no more than the first `max_bytes`, so that it costs no
    /// more than that to see where a session stands, whatever somebody has asked or a tool has told.
    async fn glimpse(
        &self,
        session: &SessionId,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Entry>, StoreError>;

    /// Those of `sessions` that have no journal, in the order asked for, in as few round trips as the
    /// store allows. An empty answer for a session that had one is final: its journal is gone.
    async fn missing(&self, sessions: &[SessionId]) -> Result<Vec<SessionId>, StoreError>;

    /// Whether the journal holds exactly this id.
    async fn holds(&self, session: &SessionId, id: EventId) -> Result<bool, StoreError>;

    /// Starts to watch a journal. When this returns, an append that any process makes from now on
    /// marks the follower as changed. Follow first, then read: nothing falls between.
    async fn follow(&self, session: &SessionId) -> Result<Follower, StoreError>;
}

/// Says when a journal may have grown. Spurious wake-ups happen; missed ones do not.
///
/// Dropping it ends the watch.
pub struct Follower {
    changed: watch::Receiver<u64>,
    _guard: Box<dyn Send + Sync>,
}

impl Follower {
    /// A follower woken by `changed`; `guard` is dropped with it.
    pub fn new(changed: watch::Receiver<u64>, guard: impl Send + Sync + 'static) -> Self {
        Self { changed, _guard: Box::new(guard) }
    }

    /// Returns once the journal may have grown since the last call (or since `follow`).
    /// Cancel-safe. Once the store is gone for good, returns immediately.
    pub async fn changed(&mut self) {
        // An error means that the sender is gone: the reader looks once more and finds out.
        let _ = self.changed.changed().await;
    }
}

/// Whether there are entries and their ids ascend from `expected`, as every append promises.
pub(in crate::store) fn in_order(expected: EventId, entries: &[Entry]) -> bool {
    let ascend = |last, entry: &Entry| (entry.id > last).then_some(entry.id);
    entries.iter().try_fold(expected, ascend).is_some_and(|last| last > expected)
}
