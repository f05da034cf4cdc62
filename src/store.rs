//! PORT: everything that outlives a connection, and most of what outlives a process.
//!
//! Eight small ports make one store: the [`Journal`] of each session, the index of [`Sessions`], the
//! clients' [`Idempotency`] keys, the [`Approvals`], the [`Leases`] on runs, the [`Audit`] streams,
//! the [`Spending`] of tenants and the [`Quotas`] of users and tenants. Two adapters implement them,
//! [`memory`] for one process and [`redis`] for many; `tests/store_conformance.rs` holds both to the
//! sentences below.

use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;
use tokio::sync::watch;

use crate::domain::{
    ApprovalRequest, AuditEntry, AuditFact, Deadline, Decision, Endorsement, Entry, EventId, Full,
    KeyClaim, KeyStanding, Message, ProposalOutcome, Quota, Refused, RequestHash, RequestId,
    ScopedKey, Sealed, SessionId, SessionMeta, Share, TenantId, ThreadId, ToolCallId, UserId,
    UtcDay,
};

mod event_channel;
pub mod memory;
pub mod redis;
mod ttl;

/// Why a store could not do what was asked.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// It could not be reached, or did not answer in time. Whether a write happened is unknown.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
    /// Others kept changing what it was about. Nothing was written, and asking again may succeed.
    #[error("others keep changing what the store was asked about: {0}")]
    Contended(&'static str),
    /// It holds something that this service did not write and cannot read.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
    /// The beginning of a journal has been cut off, so that the rest of it says too little.
    #[error("the beginning of a journal is not in the store any more: {0}")]
    Truncated(String),
    /// It does not take what it was given, whatever it holds. Nothing was written.
    #[error("the store does not take what it was given: {0}")]
    Rejected(String),
}

impl StoreError {
    /// Whether the same may succeed later; otherwise asking again changes nothing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Contended(_) => true,
            Self::Corrupt(_) | Self::Truncated(_) | Self::Rejected(_) => false,
        }
    }
}

/// Why an append did not happen.
#[derive(Clone, Debug, Error)]
pub enum AppendError {
    /// The journal does not end where the caller thought: somebody else owns the run.
    /// Nothing was written.
    #[error("the journal has moved on: another owner has this run")]
    Conflict,
    /// There is no such journal any more: it has expired, or the store has come back without it.
    /// Nothing was written, and nothing ever will be.
    #[error("the journal is gone")]
    Gone,
    /// The store failed; whether the entries were written is unknown. Appending the very same
    /// entries again is safe.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a journal could not be read.
#[derive(Clone, Debug, Error)]
pub enum ReadError {
    /// Entries after the requested id existed and have been cut; a reader would miss them.
    #[error("the events after {after} have been cut from the log; it now starts at {first}")]
    Gap {
        /// What was asked for.
        after: EventId,
        /// The first entry that is still there.
        first: EventId,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

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

/// Which sessions there are, and what a conversation said so far.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Makes a session known, under its id and in its caller's list. Its journal does not exist yet.
    async fn register(&self, meta: &SessionMeta) -> Result<(), StoreError>;

    /// The session of that id, if there is one; to whom it exists is for the caller to check.
    async fn session(&self, id: &SessionId) -> Result<Option<SessionMeta>, StoreError>;

    /// The sessions that this user of this tenant started, newest first, at most `limit`, those
    /// started before `before` (exclusive, by first event id; ties are broken by session id,
    /// descending) where it is given. Sessions whose record has expired, or cannot be read, are left out.
    async fn sessions_of(
        &self,
        tenant: &TenantId,
        user: &UserId,
        before: Option<&SessionMeta>,
        limit: usize,
    ) -> Result<Vec<SessionMeta>, StoreError>;

    /// Of the sessions that this user of this tenant started, those whose first event id is at most
    /// `event`: the newest `limit` of them, newest first, in one step. Some may have expired.
    async fn begun_by(
        &self,
        tenant: &TenantId,
        user: &UserId,
        event: EventId,
        limit: usize,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// What earlier runs of the thread said, oldest first, at most the newest 50 runs.
    async fn history(
        &self,
        tenant: &TenantId,
        user: &UserId,
        thread: &ThreadId,
    ) -> Result<Vec<Message>, StoreError>;

    /// Adds one run's messages to its thread. Repeating it with the same session replaces what that
    /// session had said. Kept for 7 days after the last addition.
    async fn remember(&self, meta: &SessionMeta, said: &[Message]) -> Result<(), StoreError>;

    /// Asks whoever runs the session to stop: every process gets [`StoreEvent::Cancel`], as far as
    /// it is connected, and [`Sessions::cancel_requested`] says `true` for 24 h.
    async fn request_cancel(&self, id: &SessionId) -> Result<(), StoreError>;

    /// Whether somebody asked for this.
    async fn cancel_requested(&self, id: &SessionId) -> Result<bool, StoreError>;
}

/// Which session a client's `Idempotency-Key` stands for (contract, section 3). Each operation is one
/// atomic step over all processes.
#[async_trait]
pub trait Idempotency: Send + Sync {
    /// Makes the key stand for `claim`, if it stands for nothing yet or for `withdrawn`, a session that
    /// will never begin and is not known to have begun. Otherwise what it stands for stays, and is
    /// wanted from now on if it was claimed by the same request ([`Idempotency::free_key`]). Kept for
    /// 24 h from the claim.
    ///
    /// Repeating a claim whose outcome was unknown is safe: what stands already is won.
    async fn claim_key(
        &self,
        key: &ScopedKey,
        claim: &KeyClaim,
        withdrawn: Option<&SessionId>,
    ) -> Result<Claimed, StoreError>;

    /// What the key stands for, if anything; wanted from now on if it was claimed by the same request.
    async fn join_key(
        &self,
        key: &ScopedKey,
        request: &RequestHash,
    ) -> Result<Option<KeyStanding>, StoreError>;

    /// Notes that `session` has begun, if the key stands for it. Idempotent.
    async fn key_begun(&self, key: &ScopedKey, session: &SessionId) -> Result<(), StoreError>;

    /// Lets the key stand for nothing, if it stands for `session` and nobody wants that. Says whether
    /// anybody does: a request that has come back for it, or was told of it.
    async fn free_key(&self, key: &ScopedKey, session: &SessionId) -> Result<Freed, StoreError>;
}

/// Requests for approval, the signals about them, and the one decision (contract, section 5).
///
/// A store is trusted to keep decisions, not to make them: it gets them [`Sealed`], and gives back
/// whatever stands there. What that is worth is for the caller to find out, who has the key.
#[async_trait]
pub trait Approvals: Send + Sync {
    /// Makes ready to ask: forgets the session's last signal (it belongs to an earlier request),
    /// subscribes to the session's signals, and stores the request, the session's pointer to it and
    /// the checkpoint. When this returns `Ok`, all of that is so (contract, section 5.3, 1).
    /// On an error some of it may be; asking again is safe.
    ///
    /// The request and the pointer live for the times of contract section 5.1, and at least until
    /// 600 s past the deadline. What is known of the session, its place in its caller's list, its
    /// conversation and the checkpoint are kept until 12 h past the deadline, if that is later than
    /// they would be otherwise. Once all of that is so, others are told of the request on
    /// `hitl:requests:<tenantId>`, where the store has such a channel (the embedded one has not: there
    /// is no other process that could hear it).
    async fn open(
        &self,
        meta: &SessionMeta,
        request: &ApprovalRequest,
        checkpoint: &str,
    ) -> Result<(), StoreError>;

    /// Subscribes to the session's signals. When this returns `Ok` the subscription is live, and
    /// stays so over lost connections until [`Approvals::unwatch`]; after each re-subscription the
    /// process gets [`StoreEvent::Resubscribed`]. Idempotent.
    async fn watch(&self, session: &SessionId) -> Result<(), StoreError>;

    /// Ends the subscription. Never waits; unknown sessions are fine.
    fn unwatch(&self, session: &SessionId);

    /// The stored request as JSON text, whoever wrote it last.
    async fn request(&self, id: &RequestId) -> Result<Option<String>, StoreError>;

    /// Replaces the stored request, whatever stands there, if it has not expired; keeps its remaining time
    /// to live (the time of [`Approvals::open`] where somebody has taken its end away), and tells others of
    /// it as [`Approvals::open`] does.
    async fn save_request(&self, request: &ApprovalRequest) -> Result<(), StoreError>;

    /// The session's last signal as JSON text, whoever wrote it.
    async fn signal(&self, session: &SessionId) -> Result<Option<String>, StoreError>;

    /// What is stored about many waiting sessions, in the order asked for, in as few round trips as
    /// the store allows.
    async fn signals(
        &self,
        waiting: &[(SessionId, RequestId)],
    ) -> Result<Vec<StoredSignals>, StoreError> {
        let unseen = |(session, request): &(SessionId, RequestId)| Polled {
            session: session.clone(),
            request: request.clone(),
            seen: None,
        };
        let polled: Vec<Polled> = waiting.iter().map(unseen).collect();
        Ok(self.new_signals(&polled).await?.into_iter().map(|new| new.signals).collect())
    }

    /// The same for whoever asks again and again: a request that is still what was seen is not read, and
    /// is not in the answer. So of what waits no more is read than what may have been said about it.
    async fn new_signals(&self, waiting: &[Polled]) -> Result<Vec<NewSignals>, StoreError>;

    /// Stores a signal that came by publish alone, for 300 s.
    async fn store_signal(&self, session: &SessionId, signal: &str) -> Result<(), StoreError>;

    /// Stores a signal for 300 s and publishes it to every process that watches the session.
    async fn publish_signal(&self, session: &SessionId, signal: &str) -> Result<(), StoreError>;

    /// Decides, unless somebody already has: writes `decision` if and only if nothing stands there, or
    /// exactly `void`, which the caller has found to be no decision, or something that is no text.
    /// Atomic over all processes; says what stands. Kept for 24 h, and in any case until 12 h past the
    /// request's deadline, so that it outlives every copy of the request.
    async fn decide(
        &self,
        id: &RequestId,
        deadline: Deadline,
        decision: &Sealed<Decision>,
        void: Option<&Sealed<Decision>>,
    ) -> Result<ProposalOutcome<Sealed<Decision>>, StoreError>;

    /// Notes a yes to a request that several have to approve; returns all that are noted, in any
    /// order. The very same one is noted once. Kept as long as a decision.
    async fn record_approval(
        &self,
        id: &RequestId,
        deadline: Deadline,
        yes: &Sealed<Endorsement>,
    ) -> Result<Vec<Sealed<Endorsement>>, StoreError>;

    /// What stands in the decision's place, if anything; empty where that is no text.
    async fn decision(&self, id: &RequestId) -> Result<Option<Sealed<Decision>>, StoreError>;

    /// Replaces the session's checkpoint; kept for 7 days.
    async fn save_checkpoint(
        &self,
        session: &SessionId,
        checkpoint: &str,
    ) -> Result<(), StoreError>;

    /// The session's checkpoint as JSON text.
    async fn checkpoint(&self, session: &SessionId) -> Result<Option<String>, StoreError>;
}

/// Who looks after which run. A lease says nothing about who may write: that is what
/// compare-and-append is for. It only says when somebody else should look after a run.
///
/// Times are the store's own: processes need not agree on a clock.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes or renews the leases of these runs for `term` from now, all of them in one step.
    async fn renew(&self, sessions: &[SessionId], term: Duration) -> Result<(), StoreError>;

    /// Gives these runs up: whoever claims next gets them, and every process gets
    /// [`StoreEvent::Released`], as far as it is connected. Runs that have no lease any more are
    /// left alone.
    async fn release(&self, sessions: &[SessionId]) -> Result<(), StoreError>;

    /// Ends the leases of runs that are over: nobody needs to look after them again.
    async fn end(&self, sessions: &[SessionId]) -> Result<(), StoreError>;

    /// Gives each of these runs that has no lease one for `term` from now, and leaves all other leases
    /// as they are, also those that have run out. What somebody looks after renews itself before
    /// that; what nobody does can be claimed then.
    async fn ensure(&self, sessions: &[SessionId], term: Duration) -> Result<(), StoreError>;

    /// Takes at most `limit` leases that have run out, the oldest first, for `term` from now.
    /// Of several processes that claim at once, one gets each run.
    async fn claim(&self, limit: usize, term: Duration) -> Result<Vec<SessionId>, StoreError>;
}

/// One hash-chained stream of facts per tenant, kept for ever. Nothing in it is changed or removed by
/// this service; what somebody else changes or removes, the chain shows. A store in memory keeps the
/// newest entries, as many as it has room for; their numbers and hashes go on as if all were there.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Adds a fact. When this returns `Ok`, it is the newest or an earlier entry of the tenant's
    /// chain. Recorders of all processes make one chain, and none waits for more than a few round
    /// trips, however many record at once; one that never gets its turn is told
    /// [`StoreError::Contended`]. A caller that gives up waiting has recorded the fact or
    /// not, as after an error; recording it again is safe and may add it twice.
    async fn record(&self, tenant: &TenantId, fact: &AuditFact) -> Result<(), StoreError>;

    /// The first `limit` entries with a number greater than `after`, oldest first, as they are
    /// stored: whether they make a whole chain is for the caller to check.
    async fn audit(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// The number of the newest entry that there ever was, as far as the store knows: also if
    /// somebody has removed it. 0 if there was none.
    async fn audit_reached(&self, tenant: &TenantId) -> Result<u64, StoreError>;

    /// Every tenant that has a stream, in the order of their names.
    async fn audited_tenants(&self) -> Result<Vec<TenantId>, StoreError>;
}

/// The largest total of [`Spending`], at which it stops: far beyond every budget, and a number that
/// every store and every script counts exactly.
pub const SPENT_MAX: u64 = 1 << 53;

/// How many tokens tenants have used.
#[async_trait]
pub trait Spending: Send + Sync {
    /// Adds to what the tenant has used on that day, atomically over all processes, and returns the
    /// new total, at most [`SPENT_MAX`]. Kept for 48 h after the last addition. On an error it is
    /// unknown whether it was added; adding it again may count it twice.
    async fn spend(&self, tenant: &TenantId, day: UtcDay, tokens: u64) -> Result<u64, StoreError>;

    /// What the tenant has used on that day.
    async fn spent(&self, tenant: &TenantId, day: UtcDay) -> Result<u64, StoreError>;
}

/// How many streams of one user a process has open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenStreams {
    /// How many.
    pub count: u32,
    /// Ascends with every change of it in this process: an older count does not replace a newer one.
    pub version: u64,
}

/// How much users and tenants have at once, and how often users start runs (contract, section 3), over all
/// processes.
///
/// Each decision is one atomic step. No crash costs a place: what is counted is looked at again once there
/// seems to be no room, and what has ended in the meantime is left out. A run
/// and what it has asked have ended once it has no lease, a process once it has not been heard of
/// ([`Quotas::heard_of`]) for its term.
#[async_trait]
pub trait Quotas: Send + Sync {
    /// Counts a run that is about to start, and takes one start from what the user's rate allows; or
    /// nothing of both, and says why. The session has its lease already. Of two reasons the limits come first.
    /// What the rate gave comes back by itself, by the store's own clock. On an error it is unknown whether
    /// it was counted; for the same session it is counted once.
    async fn take_start(
        &self,
        tenant: &TenantId,
        user: &UserId,
        session: &SessionId,
        quota: &Quota,
    ) -> Result<Result<(), Refused>, StoreError>;

    /// Counts a call of a run about which somebody is asked, if there is room for it; if not, says which
    /// limit is reached. On an error it is unknown whether it was counted; the same call is counted once,
    /// however often it is asked about.
    async fn take_question(
        &self,
        meta: &SessionMeta,
        call: &ToolCallId,
        quota: &Quota,
    ) -> Result<Result<(), Full>, StoreError>;

    /// A run is over.
    async fn leave_run(&self, meta: &SessionMeta) -> Result<(), StoreError>;

    /// Nobody is asked about a call of a run any more.
    async fn leave_question(&self, meta: &SessionMeta, call: &ToolCallId)
    -> Result<(), StoreError>;

    /// Notes how many streams of a user this process has open, unless with those of other processes there
    /// are more than may be; then says which limit is reached, and notes nothing. Fewer than before are
    /// always noted.
    async fn count_streams(
        &self,
        tenant: &TenantId,
        user: &UserId,
        open: OpenStreams,
        most: Share,
    ) -> Result<Result<(), Full>, StoreError>;

    /// This process is there, and will be heard of again within `term`. Says whether it was known: if not,
    /// what it has counted may have been left out, and has to be told again.
    async fn heard_of(&self, term: Duration) -> Result<bool, StoreError>;
}

/// What came of claiming an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The key stands for the claimed session.
    Won,
    /// It had been claimed before, for this.
    Taken(KeyStanding),
}

/// What came of freeing an `Idempotency-Key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freed {
    /// The key does not stand for that session.
    Free,
    /// It still does, because another request with the key wants it.
    Wanted,
}

/// What is stored about one waiting request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredSignals {
    /// `hitl:signal:<sessionId>`.
    pub signal: Option<String>,
    /// `hitl:request:<requestId>`; empty where something stands there that is no text.
    pub request: Option<String>,
    /// `aura:decision:<requestId>`; empty where something stands there that is no text.
    pub decision: Option<Sealed<Decision>>,
}

/// A waiting request that is asked about again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polled {
    /// The session that waits.
    pub session: SessionId,
    /// The request.
    pub request: RequestId,
    /// What an earlier answer said of the stored request; `None`: it is to be read in any case.
    pub seen: Option<RequestMark>,
}

/// Stands for one text of a stored request. Only the store that made it knows what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestMark(Box<[u8]>);

/// What is stored about a waiting request and was not seen before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSignals {
    /// What is stored; without the request, where that was seen.
    pub signals: StoredSignals,
    /// What stands for the stored request; `None`: there is none, or none that is text.
    pub mark: Option<RequestMark>,
}

/// What a store tells its process. It only ever wakes somebody: what counts is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreEvent {
    /// A signal was published for a watched session.
    Signal {
        /// The session whose channel it came on.
        session: SessionId,
        /// The message, unread.
        payload: Vec<u8>,
    },
    /// The subscriptions are live again after a gap: stored signals must be read.
    Resubscribed,
    /// Somebody asked for this session to stop.
    Cancel {
        /// The session.
        session: SessionId,
    },
    /// A process has given runs up: they can be claimed.
    Released,
}

/// The store as a whole.
#[async_trait]
pub trait Store:
    Journal + Sessions + Idempotency + Approvals + Leases + Audit + Spending + Quotas
{
    /// `memory` or `redis`.
    fn kind(&self) -> &'static str;

    /// Whether it answers now.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Whether there is room for another run. A store that keeps things elsewhere finds that out when it
    /// writes, and says so by [`Store::ready`].
    fn room(&self) -> Result<(), StoreFull> {
        Ok(())
    }

    /// Whether it can be worked with now, which takes that it takes what is written; what
    /// `/health/ready` asks.
    async fn ready(&self) -> Result<(), NotReady>;
}

/// A store that is kept in memory has no room for another run, although it has dropped every session
/// that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the embedded store is full: it has let go of every session that is over and still keeps {used} \
     bytes, and embedded.max_bytes leaves {max} for sessions"
)]
pub struct StoreFull {
    /// How much is kept, in bytes, the audit streams not counted.
    pub used: usize,
    /// How much may be: they have a share of their own.
    pub max: usize,
}

/// Why a store cannot be worked with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotReady {
    /// It cannot be reached, or does not answer.
    #[error("it does not answer")]
    Away,
    /// It answers, and refuses writes: it has no memory or disk left, is no primary, or lacks
    /// replicas.
    #[error("it refuses writes ({0})")]
    RefusesWrites(
        /// The server's own code, one word: `OOM`, `NOREPLICAS`, `READONLY`, …
        String,
    ),
}

/// The text of a fact that is to be recorded.
fn audit_text(fact: &AuditFact) -> Result<String, StoreError> {
    fact.to_text().map_err(|error| StoreError::Rejected(error.to_string()))
}

/// Whether there are entries and their ids ascend from `expected`, as every append promises.
fn in_order(expected: EventId, entries: &[Entry]) -> bool {
    let ascend = |last, entry: &Entry| (entry.id > last).then_some(entry.id);
    entries.iter().try_fold(expected, ascend).is_some_and(|last| last > expected)
}
