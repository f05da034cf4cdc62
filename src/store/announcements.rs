//! The port of announcements: in which sessions there may be something that somebody outside was not told yet.

use std::time::Duration;

use async_trait::async_trait;

use super::errors::StoreError;
use crate::domain::{EventId, Recipient, SessionId};

/// The queues of announcements, one for each recipient.
///
/// What is queued are sessions, not what there is to tell: that is read from their journals. A session is in a
/// queue once, with how much of its journal was told; so whoever has its turn is alone with it, and a session
/// that has to wait holds up no other.
///
/// Times are the store's own: processes need not agree on a clock.
#[async_trait]
pub trait Announcements: Send + Sync {
    /// Queues a session in whose journal there may soon be something to tell. When this returns `Ok`, whatever
    /// becomes of this process, somebody gets the session's turn after that, and gets it again until the
    /// journal shows what was announced or `place.wait` has passed. A session that is queued already stays
    /// where it is, but does not leave before that.
    async fn place(&self, to: Recipient, place: &AnnouncementPlace) -> Result<(), StoreError>;

    /// Takes the turns of at most `limit` sessions that are due, for `term` from now. Of several that take at
    /// once, one gets each session, and nobody else does before the term has run out.
    async fn take_turns(
        &self,
        to: Recipient,
        limit: usize,
        term: Duration,
    ) -> Result<DueTurns, StoreError>;

    /// Does this with a turn; `false`, and nothing is changed, if somebody else has got the session's turn
    /// meanwhile.
    async fn keep_turn(
        &self,
        to: Recipient,
        turn: &Turn,
        step: TurnStep,
    ) -> Result<bool, StoreError>;
}

/// A session in whose journal there will be something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncementPlace {
    /// The session.
    pub session: SessionId,
    /// What is to come stands behind this entry of its journal.
    pub after: EventId,
    /// When to look for it.
    pub look_in: Duration,
    /// For how long it may yet come.
    pub wait: Duration,
}

/// What is due now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueTurns {
    /// The turns that were taken, those first that were due for longest.
    pub turns: Vec<Turn>,
    /// When the next one is due; `None`: nothing is queued.
    pub next: Option<Duration>,
    /// How many sessions are queued, those whose turn was taken included.
    pub queued: u64,
    /// How long the one that was queued first has been.
    pub lag: Duration,
}

/// The turn of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The session.
    pub session: SessionId,
    /// What tells this turn from all others.
    pub token: String,
    /// How often the session had been queued when the turn was taken.
    pub placed: u64,
    /// Up to which entry of its journal everything was told.
    pub told: EventId,
    /// What was queued stands behind this entry.
    pub after: EventId,
    /// Whether it may yet come.
    pub waits: bool,
    /// How often in a row telling has failed.
    pub failures: u32,
    /// How often in a row there was nothing to tell yet.
    pub looks: u32,
}

/// What becomes of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnStep {
    /// It goes on for so long from now.
    Hold {
        /// The term.
        term: Duration,
    },
    /// Everything up to this entry was told; it goes on for so long from now.
    Told {
        /// The entry.
        upto: EventId,
        /// The term.
        term: Duration,
    },
    /// What is to come is not there yet: the session is due again after this time, or at once if it was queued anew.
    Look {
        /// The time.
        after: Duration,
    },
    /// Telling has failed: the session is due again after this time.
    Failed {
        /// The time.
        after: Duration,
    },
    /// Everything was told: the session leaves the queue, unless it was queued anew.
    Done {
        /// Whether there will never be anything more to tell of it.
        over: bool,
    },
}
