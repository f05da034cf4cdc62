//! PORT: everything that outlives a connection, and most of what outlives a process.
//!
//! Twelve small ports make one store: the [`Journal`] of each session, the index of [`Sessions`], the
//! clients' [`Idempotency`] keys, the [`Approvals`], the tenants' [`Inbox`], the queues of [`Announcements`], the [`Leases`] on runs, the
//! [`Audit`] streams, the [`Spending`] of tenants, the [`Quotas`] of users and tenants, the operators' holds
//! ([`HoldStore`]) and their [`RunIndex`]. Two adapters implement them,
//! [`memory`] for one process and [`redis`] for many; `tests/store_conformance.rs` holds both to the
//! sentences below.

use async_trait::async_trait;

use crate::domain::SessionId;

mod announcements;
mod approvals;
mod audit;
mod errors;
mod event_channel;
mod holds;
mod idempotency;
mod inbox;
mod journal;
mod leases;
pub mod memory;
mod quotas;
pub mod redis;
mod run_index;
mod sessions;
mod spending;
mod ttl;

pub use announcements::{AnnouncementPlace, Announcements, DueTurns, Turn, TurnStep};
pub use approvals::{Approvals, NewSignals, Polled, RequestMark, StoredSignals};
pub use audit::Audit;
pub use errors::{AppendError, NotReady, ReadError, StoreError, StoreFull};
pub use holds::{HOLDS_MAX, HoldStore, PutHoldError};
pub use idempotency::{Claimed, Freed, Idempotency};
pub use inbox::{ChangedRequest, Inbox, InboxNote, InboxPlace, InboxStage, Noted, NotedRequest};
pub use journal::{Follower, Journal};
pub use leases::Leases;
pub use quotas::{OpenStreams, Quotas};
pub use run_index::{RUNS_LISTED, RunIndex, RunPage, RunPlace, RunsWanted};
pub use sessions::Sessions;
pub use spending::{SPENT_MAX, Spending};

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
    /// The holds have changed.
    HoldsChanged,
}

/// The store as a whole.
#[async_trait]
pub trait Store:
    Journal
    + Sessions
    + Idempotency
    + Approvals
    + Inbox
    + Announcements
    + Leases
    + Audit
    + Spending
    + Quotas
    + HoldStore
    + RunIndex
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
