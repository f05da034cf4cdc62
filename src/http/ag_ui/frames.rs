//! The frames of an AG-UI run, from wherever in it a client is.
//!
//! One event of the journal may be several frames. The last of them has its id, those before it have it
//! with their number behind a dot (`17.1`, `17.2`, `17`): so a connection that is cut between two frames is
//! resumed there, and no frame comes twice.
//!
//! A run that goes on from a question begins with frames made from that question's event. The plain id of
//! that event belongs to the last frame of the run before, so these first frames have only ids with a dot.

use std::io::Write as _;

use bytes::Bytes;

use super::event::{Event, Stamped};
use super::fold::{Fold, Rendered, WantedRun};
use crate::agent::RecentFrame;
use crate::domain::event::ErrorEvent;
use crate::domain::event::told::Told;
use crate::domain::{EventId, SessionId, Shown, UnixSeconds};
use crate::http::tail::Write;
use crate::http::tail::journal::{LastWords, Rendering};

/// The frames gathered for one write; a group of more than this goes alone.
const WRITE_MAX: usize = 16 * 1024;

/// Which frames a client has: all up to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    /// The event of the journal.
    pub(super) event: EventId,
    /// Of that event so many frames.
    frames: usize,
}

impl Seen {
    /// Nothing.
    const NOTHING: Self = Self { event: EventId::ZERO, frames: 0 };

    /// All frames of an event.
    fn all_of(event: EventId) -> Self {
        Self { event, frames: usize::MAX }
    }

    /// What a `Last-Event-ID` says; `None` if it is none of ours.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.split_once('.') {
            None => EventId::parse(text).map(Self::all_of),
            Some((event, frames)) => {
                let frames = EventId::parse(frames)?.get();
                Some(Self { event: EventId::parse(event)?, frames: usize::try_from(frames).ok()? })
            }
        }
    }
}

/// The reader of one AG-UI run.
#[derive(Debug)]
pub(super) struct Frames {
    fold: Fold,
    seen: Seen,
}

impl Frames {
    /// The frames of a run behind those that a client has.
    pub(super) fn new(session: &SessionId, wanted: WantedRun, seen: Option<Seen>) -> Self {
        Self { fold: Fold::new(session, wanted), seen: seen.unwrap_or(Seen::NOTHING) }
    }

    /// Writes what comes of an event of the journal, as far as the client does not have it.
    fn write(&mut self, bytes: &mut Vec<u8>, frame: &RecentFrame) {
        let Shown::Event { payload, .. } = &frame.shown else { return };
        // Every event of the journal was written by this service.
        let Some(told) = Told::read(payload) else { return };
        let Rendered { events, is_beginning } = self.fold.take(&told.event, frame.questions_behind);
        if is_beginning && self.seen == Seen::all_of(frame.id) {
            // That is where the run before this one has ended.
            self.seen.frames = 0;
        }
        let count = events.len();
        for (number, event) in (1..).zip(events) {
            let is_last = number == count && !is_beginning;
            let frames = if is_last { usize::MAX } else { number };
            if (Seen { event: frame.id, frames }) > self.seen {
                let number = (!is_last).then_some(number);
                write_frame(bytes, (frame.id, number), event, told.at);
            }
        }
    }
}

impl Rendering for Frames {
    fn next_of(&mut self, ready: &mut Vec<RecentFrame>) -> Option<Write> {
        let mut bytes = Vec::new();
        while bytes.len() < WRITE_MAX && !self.fold.is_over() {
            let Some(next) = ready.pop() else { break };
            self.write(&mut bytes, &next);
        }
        match (bytes.is_empty(), self.fold.is_over()) {
            (true, false) => None,
            // A client that has all of it is told so by the end of its stream.
            (true, true) => Some(Write::last(Write::KEEP_ALIVE.bytes)),
            (false, true) => Some(Write::last(bytes.into())),
            (false, false) => Some(Write::of(bytes.into())),
        }
    }

    fn last_words(&self, error: &ErrorEvent, at: &LastWords<'_>) -> Bytes {
        let code = Some(error.code.code().to_owned());
        let event = Event::RunError { message: error.error.clone(), code, usage: Vec::new() };
        let mut bytes = Vec::new();
        write_frame(&mut bytes, (at.id(), None), event, at.now());
        bytes.into()
    }
}

fn write_frame(
    bytes: &mut Vec<u8>,
    (id, number): (EventId, Option<usize>),
    event: Event,
    at: UnixSeconds,
) {
    let stamped = Stamped { event, timestamp: at.get().saturating_mul(1000) };
    // Every map key is a text and every value is JSON already, so nothing here can fail; nor can
    // writing into a Vec. JSON has its line breaks escaped, so one line is one frame.
    let data = serde_json::to_string(&stamped).unwrap_or_default();
    let _ = match number {
        Some(number) => write!(bytes, "id: {id}.{number}\ndata: {data}\n\n"),
        None => write!(bytes, "id: {id}\ndata: {data}\n\n"),
    };
}

#[cfg(test)]
mod tests;
