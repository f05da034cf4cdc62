//! From a journal to the state of its run, or to the reason why there is none.

use thiserror::Error;

use super::record::{Record, RecordKind};
use super::state::State;
use crate::domain::event::NoticeMark;
use crate::domain::text::one_line;
use crate::domain::{Entry, EventId, SessionId, Shown};

/// So much is told of why a record cannot be read, in bytes: the reason may quote what stands there.
const CAUSE_MAX: usize = 300;

/// Why a journal has no state.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FoldError {
    /// Nothing has been recorded: the run has not begun, or its journal has expired.
    #[error("the journal holds no record")]
    Empty,
    /// Its start was given up, so there is no run.
    #[error("the run was withdrawn before it began")]
    Withdrawn,
    /// The first record is one that only a run that exists can have.
    #[error("the journal does not begin with the opening of a run: entry {entry} holds {found:?}")]
    NotOpened {
        /// The entry with the first record.
        entry: EventId,
        /// Which record it is.
        found: RecordKind,
    },
    /// A record is not one of ours, or not whole.
    #[error("entry {entry} of the journal holds a record that cannot be read: {cause}")]
    Unreadable {
        /// The entry.
        entry: EventId,
        /// What is wrong with the record, in one bounded line.
        cause: String,
    },
}

impl FoldError {
    /// Whether the journal is damaged, rather than that of a run that has not begun.
    fn is_damage(&self) -> bool {
        match self {
            Self::Empty | Self::Withdrawn => false,
            Self::NotOpened { .. } | Self::Unreadable { .. } => true,
        }
    }

    fn unreadable(entry: EventId, cause: &serde_json::Error) -> Self {
        let cause = one_line(&cause.to_string(), CAUSE_MAX);
        Self::Unreadable { entry, cause }
    }
}

impl State {
    /// Folds a whole journal.
    pub fn fold(entries: &[Entry]) -> Result<Self, FoldError> {
        let mut state: Option<Self> = None;
        for entry in entries {
            if let Some(record) = record_of(entry)? {
                match &mut state {
                    Some(state) => state.apply(&record),
                    None => state = Some(Self::begin(entry.id, &record)?),
                }
            }
            if let (Some(state), Some(text)) = (&mut state, shown_text(entry)) {
                state.show(&text);
            }
        }
        state.ok_or(FoldError::Empty)
    }

    /// The state of a session's run, for those who can do without: `None` if the run has not begun, or if
    /// its journal is damaged, of which the log tells where and why.
    pub(crate) fn fold_or_log(session: &SessionId, entries: &[Entry]) -> Option<Self> {
        let folded = Self::fold(entries);
        if let Err(error) = folded.as_ref()
            && error.is_damage()
        {
            tracing::warn!(%session, %error, "session without a readable state");
        }
        folded.ok()
    }

    fn begin(entry: EventId, first: &Record) -> Result<Self, FoldError> {
        match first {
            Record::Opened(opened) => Ok(Self::open(opened)),
            Record::Withdrawn => Err(FoldError::Withdrawn),
            other => Err(FoldError::NotOpened { entry, found: other.kind() }),
        }
    }
}

fn record_of(entry: &Entry) -> Result<Option<Record>, FoldError> {
    let Some(record) = &entry.record else { return Ok(None) };
    let read = serde_json::from_slice(record);
    read.map(Some).map_err(|cause| FoldError::unreadable(entry.id, &cause))
}

/// The text of a `content` event, which belongs to the turn under way; of a notice nothing does.
fn shown_text(entry: &Entry) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Content {
        content: String,
        #[serde(default)]
        metadata: NoticeMark,
    }
    match &entry.shown {
        Some(Shown::Event { kind, payload }) if &**kind == "content" => {
            let content: Content = serde_json::from_slice(payload).ok()?;
            (!content.metadata.notice).then_some(content.content)
        }
        Some(Shown::Event { .. } | Shown::Done) | None => None,
    }
}

#[cfg(test)]
mod tests;
