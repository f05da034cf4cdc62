//! Frames of this process's own runs, handed to readers without asking the store.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use super::status::questions_behind;
use crate::domain::{Entry, EventId, Shown};
use crate::sse::frame::{self, Form};

/// How many frames of a run are kept at hand; a reader that is further behind asks the store.
const FRAMES_KEPT: usize = 128;

/// An entry that clients see, with its flat frame already made.
#[derive(Clone, Debug)]
pub struct RecentFrame {
    /// The entry's id.
    pub id: EventId,
    /// The whole frame, shared by all readers.
    pub flat: Bytes,
    /// What it was made from, for the enveloped form.
    pub shown: Shown,
    /// Of a question: how many were asked together with it and stand behind it.
    pub questions_behind: u32,
}

impl RecentFrame {
    /// The frame in the form that the reader wants.
    pub fn frame(&self, form: Form) -> Bytes {
        match (form, &self.shown) {
            (Form::Flat, _) | (Form::Enveloped, Shown::Done) => self.flat.clone(),
            (Form::Enveloped, Shown::Event { kind, payload }) => {
                frame::event(self.id, kind, payload, Form::Enveloped)
            }
        }
    }

    /// Writes the frame, in the form that the reader wants, behind what is there.
    pub fn write_to(&self, to: &mut Vec<u8>, form: Form) {
        match (form, &self.shown) {
            (Form::Flat, _) | (Form::Enveloped, Shown::Done) => to.extend_from_slice(&self.flat),
            (Form::Enveloped, Shown::Event { kind, payload }) => {
                frame::write_event(to, self.id, kind, payload, Form::Enveloped);
            }
        }
    }

    /// The frame of an entry; `None` if clients see nothing of it.
    pub fn of_entry(entry: &Entry) -> Option<Self> {
        let flat = frame::of_entry(entry, Form::Flat)?;
        let shown = entry.shown.clone()?;
        let record = entry.record.as_ref().filter(|_| shown.is_question());
        let questions_behind = record.map_or(0, |record| questions_behind(record));
        Some(Self { id: entry.id, flat, shown, questions_behind })
    }
}

/// The newest frames of one run, and what wakes its readers.
///
/// Only the run's writer adds, after the store has acknowledged; any number of readers look.
#[derive(Debug)]
pub struct RecentFrames {
    recent: Mutex<Recent>,
    notifier: watch::Sender<u64>,
}

#[derive(Debug)]
struct Recent {
    /// Every shown entry after this id is in `frames`.
    floor: EventId,
    frames: VecDeque<RecentFrame>,
}

impl RecentFrames {
    /// None yet, of a run whose journal ends at `floor`.
    pub(crate) fn starting_at(floor: EventId) -> Self {
        let recent = Mutex::new(Recent { floor, frames: VecDeque::new() });
        Self { recent, notifier: watch::Sender::new(0) }
    }

    /// Adds what the store has acknowledged and wakes the readers.
    pub fn publish(&self, entries: &[Entry]) {
        {
            let mut recent = self.lock();
            recent.frames.extend(entries.iter().filter_map(RecentFrame::of_entry));
            while recent.frames.len() > FRAMES_KEPT {
                if let Some(dropped) = recent.frames.pop_front() {
                    recent.floor = dropped.id;
                }
            }
        }
        self.notify();
    }

    /// Wakes the readers: there is more, or the run is not here any more.
    pub(crate) fn notify(&self) {
        self.notifier.send_modify(|times| *times += 1);
    }

    /// Drops the frames of a run that waits: by now its readers have them.
    pub fn clear(&self) {
        let mut recent = self.lock();
        if let Some(last) = recent.frames.back() {
            recent.floor = last.id;
        }
        recent.frames = VecDeque::new();
    }

    /// All frames after `after`, or `None` if some of them are no longer at hand.
    pub fn since(&self, after: EventId) -> Option<Vec<RecentFrame>> {
        let recent = self.lock();
        (after >= recent.floor)
            .then(|| recent.frames.iter().filter(|frame| frame.id > after).cloned().collect())
    }

    /// Changes after every publish.
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.notifier.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock()
    }
}
