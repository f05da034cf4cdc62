//! The only way for a run to say anything: persist first, then show.
//!
//! A [`Writer`] gives out ids and hands entries to a committer task, which appends them with
//! compare-and-append and publishes what the store has acknowledged. While an append is in flight,
//! what arrives meanwhile is collected and goes out as the next one (group commit): a fast model
//! costs a round trip per batch, not one per token.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::context::{RunContext, while_store_is_away};
use super::recent_frames::RecentFrames;
use super::record::Record;
use crate::domain::event::ThoughtKind;
use crate::domain::{Clock, Deadline, Entry, Event, EventId, SessionId, Shown};
use crate::store::{AppendError, Store, StoreError};

/// Batches that may wait for the committer before the run itself has to.
const QUEUE: usize = 64;

/// One entry to be.
#[derive(Clone, Debug)]
pub(crate) enum Draft {
    /// Something that clients see.
    Event(Event),
    /// Something that only recovery needs.
    Record(Record),
    /// Both at once.
    Both(Event, Record),
    /// The trailer.
    Done,
}

impl Draft {
    /// A thought of which nothing is recorded.
    pub(super) fn thought(kind: ThoughtKind, content: String, sources: Vec<String>) -> Self {
        Self::Event(Event::Thought { kind, content, sources })
    }

    /// The record in it, if any.
    pub(crate) fn record(&self) -> Option<&Record> {
        match self {
            Self::Record(record) | Self::Both(_, record) => Some(record),
            Self::Event(_) | Self::Done => None,
        }
    }
}

/// Why a run cannot say anything any more.
#[derive(Clone, Debug, Error)]
pub(crate) enum JournalError {
    /// Somebody else has the run; whatever this process still had to say was not written.
    #[error("the run is in other hands")]
    Lost,
    /// The store has no journal of the run any more: there is no run to go on with.
    #[error("the journal is gone for good")]
    Gone,
    /// The store did not do it for as long as a run waits for it; it may later.
    #[error(transparent)]
    Transient(StoreError),
    /// The store will never do it: trying again changes nothing.
    #[error(transparent)]
    Permanent(StoreError),
}

impl From<StoreError> for JournalError {
    /// Of an operation that was repeated for as long as a run waits for the store.
    fn from(error: StoreError) -> Self {
        if error.is_transient() { Self::Transient(error) } else { Self::Permanent(error) }
    }
}

/// The pen of a run's one owner.
pub(crate) struct Writer {
    session: SessionId,
    clock: Arc<dyn Clock>,
    last: EventId,
    orders: mpsc::Sender<Order>,
    /// Why the committer gave up, once it has.
    failure: Arc<OnceLock<JournalError>>,
}

enum Order {
    /// Entries, and until when the run waits for people after them.
    Append(Vec<Entry>, Option<Deadline>),
    Flush(oneshot::Sender<()>),
}

impl Writer {
    /// A writer for a journal that ends at `stored`, and its committer, which ends once the writer
    /// has been dropped and everything that it queued has been stored or given up. It returns the
    /// last id that it knows to be stored.
    pub(crate) fn open(
        ctx: &RunContext,
        session: &SessionId,
        stored: EventId,
        live: Arc<RecentFrames>,
    ) -> (Self, JoinHandle<EventId>) {
        let (orders, inbox) = mpsc::channel(QUEUE);
        let failure = Arc::default();
        let committer = Committer {
            store: Arc::clone(&ctx.store),
            session: session.clone(),
            stored,
            live,
            store_timeout: ctx.store_timeout,
            failure: Arc::clone(&failure),
        };
        let committing = ctx.tasks.spawn("journal", committer.run(inbox));
        let clock = Arc::clone(&ctx.clock);
        (Self { session: session.clone(), clock, last: stored, orders, failure }, committing)
    }

    /// Queues entries that belong together: they are appended atomically, after all earlier ones.
    ///
    /// Returns before they are stored; waits only if too many others wait. The journal outlives
    /// `waits_until`.
    pub(crate) async fn append(
        &mut self,
        drafts: &[Draft],
        waits_until: Option<Deadline>,
    ) -> Result<(), JournalError> {
        let entries = drafts.iter().map(|draft| self.entry(draft)).collect();
        self.orders.send(Order::Append(entries, waits_until)).await.map_err(|_| self.reason())
    }

    /// Returns once everything queued so far is stored and shown.
    pub(crate) async fn flush(&self) -> Result<(), JournalError> {
        let (done, stored) = oneshot::channel();
        if self.orders.send(Order::Flush(done)).await.is_err() {
            return Err(self.reason());
        }
        stored.await.map_err(|_| self.reason())
    }

    /// The last entry that was queued.
    pub(super) fn last(&self) -> EventId {
        self.last
    }

    /// Why nothing is taken any more.
    fn reason(&self) -> JournalError {
        self.failure.get().cloned().unwrap_or(JournalError::Lost)
    }

    fn entry(&mut self, draft: &Draft) -> Entry {
        let now = self.clock.now();
        self.last = self.last.next(now);
        let id = self.last;
        let shown = match draft {
            Draft::Event(event) | Draft::Both(event, _) => Some(Shown::Event {
                kind: event.kind().into(),
                payload: event.payload(&self.session, now.second()),
            }),
            Draft::Record(_) => None,
            Draft::Done => Some(Shown::Done),
        };
        // Records are plain data of ours; serialising them cannot fail.
        let record =
            draft.record().and_then(|record| serde_json::to_vec(record).ok()).map(Into::into);
        Entry { id, shown, record }
    }
}

struct Committer {
    store: Arc<dyn Store>,
    session: SessionId,
    stored: EventId,
    live: Arc<RecentFrames>,
    store_timeout: Duration,
    failure: Arc<OnceLock<JournalError>>,
}

impl Committer {
    /// Works until its writer is dropped, or until it may write no more: then it takes no further
    /// orders, and the writer finds the reason.
    async fn run(mut self, mut inbox: mpsc::Receiver<Order>) -> EventId {
        let mut orders = Vec::with_capacity(QUEUE);
        while inbox.recv_many(&mut orders, QUEUE).await > 0 {
            let mut batch = Vec::new();
            let (mut waiting, mut until) = (Vec::new(), None);
            for order in orders.drain(..) {
                match order {
                    Order::Append(entries, waits_until) => {
                        batch.extend(entries);
                        until = waits_until;
                    }
                    Order::Flush(done) => waiting.push(done),
                }
            }
            if !batch.is_empty()
                && let Err(error) = self.commit(&batch, until).await
            {
                // Set before the channels close, so that whoever finds them closed finds it too.
                let _ = self.failure.set(error);
                return self.stored;
            }
            for done in waiting {
                // The run may have gone; then nobody needs to know.
                let _ = done.send(());
            }
        }
        self.stored
    }

    async fn commit(
        &mut self,
        batch: &[Entry],
        until: Option<Deadline>,
    ) -> Result<(), JournalError> {
        let gives_up = Instant::now() + self.store_timeout;
        let append = || self.store.append_waiting(&self.session, self.stored, batch, until);
        let again = |error: &AppendError| {
            matches!(error, AppendError::Store(error) if error.is_transient())
                && Instant::now() < gives_up
        };
        match while_store_is_away().retry(append, again).await {
            Ok(()) => {
                self.stored = batch.last().map_or(self.stored, |entry| entry.id);
                self.live.publish(batch);
                Ok(())
            }
            Err(AppendError::Conflict) => Err(JournalError::Lost),
            Err(AppendError::Gone) => Err(JournalError::Gone),
            Err(AppendError::Store(error)) => Err(error.into()),
        }
    }
}

/// The only entry of a journal without a run.
pub(crate) fn withdrawal(id: EventId) -> Entry {
    Entry { shown: Some(Shown::Done), ..opening(id, &Record::Withdrawn) }
}

/// The first entry of a run's journal.
pub fn opening(id: EventId, record: &Record) -> Entry {
    // Records are plain data of ours; serialising them cannot fail.
    let record = serde_json::to_vec(record).ok().map(Into::into);
    Entry { id, shown: None, record }
}
