//! Which frames leave together (contract, section 4.1): those that are ready at the same moment.

use bytes::Bytes;

use crate::agent::RecentFrame;
use crate::domain::Shown;
use crate::sse::frame::{Form, KEEP_ALIVE};

/// Most bytes of a write that holds several frames.
const WRITE_MAX: usize = 16 * 1024;

/// Whole frames that leave together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The frames, one after the other.
    pub bytes: Bytes,
    /// Whether nothing follows at all: the trailer, if there is one, is the last of them.
    pub(super) is_end: bool,
    /// Whether nothing may follow in the same write, because the last of them asks a person:
    /// clients show a question and drop the rest of what they read with it.
    is_closed: bool,
}

impl Write {
    /// The comment of a silence.
    pub const KEEP_ALIVE: Self = Self { bytes: KEEP_ALIVE, is_end: false, is_closed: false };

    /// These frames, and others may follow.
    pub fn of(bytes: Bytes) -> Self {
        Self { bytes, is_end: false, is_closed: false }
    }

    /// These frames, and nothing follows.
    pub fn last(bytes: Bytes) -> Self {
        Self { bytes, is_end: true, is_closed: false }
    }

    /// Takes the frames that leave next off `ready`, where the next one stands last. A frame alone is
    /// not copied.
    pub(super) fn next_of(ready: &mut Vec<RecentFrame>, form: Form) -> Option<Self> {
        let first = ready.pop()?;
        if ready.is_empty() || ends_write(&first) {
            return Some(Self::ending_with(&first, first.frame(form)));
        }
        let size = ready.iter().rev().fold(first.flat.len(), |size, next| size + next.flat.len());
        let mut bytes = Vec::with_capacity(size.min(WRITE_MAX));
        first.write_to(&mut bytes, form);
        let mut last = first;
        while let Some(next) =
            ready.pop_if(|next| !ends_write(&last) && fits(&mut bytes, next, form))
        {
            last = next;
        }
        Some(Self::ending_with(&last, bytes.into()))
    }

    fn ending_with(last: &RecentFrame, bytes: Bytes) -> Self {
        let is_end = last.shown == Shown::Done;
        Self { bytes, is_end, is_closed: last.shown.is_question() }
    }
}

/// Whether nothing may follow this frame in its write.
fn ends_write(frame: &RecentFrame) -> bool {
    frame.shown.is_question()
}

/// Adds a frame, if the write has room for it.
fn fits(bytes: &mut Vec<u8>, frame: &RecentFrame, form: Form) -> bool {
    let before = bytes.len();
    frame.write_to(bytes, form);
    let fits = bytes.len() <= WRITE_MAX;
    if !fits {
        bytes.truncate(before);
    }
    fits
}

/// What the connection was given and may not have written yet: it gathers what it gets without a
/// pause, and would make one write of it.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    bytes: usize,
    is_closed: bool,
}

impl Unwritten {
    /// Whether the connection has to write before it gets this.
    pub(super) fn goes_before(&self, next: &Write) -> bool {
        self.is_closed || self.bytes > 0 && self.bytes + next.bytes.len() > WRITE_MAX
    }

    /// The connection gets this.
    pub(super) fn add(&mut self, write: &Write) {
        self.bytes += write.bytes.len();
        self.is_closed = write.is_closed;
    }
}

#[cfg(test)]
mod tests;
