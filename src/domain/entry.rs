//! What a journal is made of.

use bytes::Bytes;

use super::ids::EventId;

/// One entry of a session's journal: something clients see, something recovery needs, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place; also the SSE event's id.
    pub id: EventId,
    /// What clients see of it, if anything.
    pub shown: Option<Shown>,
    /// The record that the run's state is folded from, as JSON, if any.
    pub record: Option<Bytes>,
}

/// The part of an entry that clients see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// An event: its type, and its flat payload as one line of JSON (contract, section 4.2).
    Event {
        /// The SSE `event` field, for instance `thought`.
        kind: Box<str>,
        /// The SSE `data` field.
        payload: Bytes,
    },
    /// The `[DONE]` trailer; nothing comes after it.
    Done,
}

impl Shown {
    /// Whether it asks a person for approval.
    pub fn is_question(&self) -> bool {
        match self {
            Self::Event { kind, .. } => &**kind == "hitl",
            Self::Done => false,
        }
    }
}

impl Entry {
    /// Whether this is the last entry of a session that is over.
    pub fn is_done(&self) -> bool {
        self.shown == Some(Shown::Done)
    }
}

/// The id of the last entry, or none.
pub fn last_id(entries: &[Entry]) -> EventId {
    entries.last().map_or(EventId::ZERO, |entry| entry.id)
}
