//! Why a store could not do what was asked.

use thiserror::Error;

use crate::domain::EventId;

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

/// A store that is kept in memory has no room for another run, although it has dropped every session
/// that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the embedded store is full: it has dropped every session that is over and still keeps {used} \
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
