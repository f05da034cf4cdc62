//! Whether a run has begun, or never will. Only its journal can tell.

use crate::agent::run::record::Record;
use crate::domain::{Entry, EventId};

/// What has become of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The run exists; its journal ends here.
    Begun {
        /// The newest entry.
        last: EventId,
    },
    /// There is no run, and there will be none.
    Withdrawn,
}

impl Fate {
    /// What the newest entries of the journal say; `None` while there are none: it may yet begin.
    pub(super) fn of(newest: &[Entry]) -> Option<Self> {
        let last = newest.last()?;
        Some(if is_withdrawal(last) { Self::Withdrawn } else { Self::Begun { last: last.id } })
    }
}

/// Whether an entry says that there is no run.
fn is_withdrawal(entry: &Entry) -> bool {
    let record = entry.record.as_ref().filter(|_| entry.is_done());
    record.is_some_and(|record| {
        matches!(serde_json::from_slice::<Record>(record), Ok(Record::Withdrawn))
    })
}
