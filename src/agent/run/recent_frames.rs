//! Frames of this process's own runs, handed to readers without asking the store.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::domain::{Entry, EventId, SessionId, Shown};
use crate::sse::frame::{self, Form};

/// How many frames of a run are kept at hand; a reader that is further behind asks the store.
const FRAMES_KEPT: usize = 128;

/// An entry that clients see, with its flat frame already made.
#[derive(Clone, Debug)]
pub struct LiveFrame {
    /// The entry's id.
    pub id: EventId,
    /// The whole frame, shared by all readers.
    pub flat: Bytes,
    /// What it was made from, for the enveloped form.
    pub shown: Shown,
}

impl LiveFrame {
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
        Some(Self { id: entry.id, flat, shown: entry.shown.clone()? })
    }
}

/// The newest frames of one run, and a bell for its readers.
///
/// Only the run's writer adds, after the store has acknowledged; any number of readers look.
#[derive(Debug)]
pub struct LiveLog {
    recent: Mutex<Recent>,
    bell: watch::Sender<u64>,
}

#[derive(Debug)]
struct Recent {
    /// Every shown entry after this id is in `frames`.
    floor: EventId,
    frames: VecDeque<LiveFrame>,
}

impl LiveLog {
    fn starting_at(floor: EventId) -> Self {
        let recent = Mutex::new(Recent { floor, frames: VecDeque::new() });
        Self { recent, bell: watch::Sender::new(0) }
    }

    /// Adds what the store has acknowledged and wakes the readers.
    pub fn publish(&self, entries: &[Entry]) {
        {
            let mut recent = self.lock();
            recent.frames.extend(entries.iter().filter_map(LiveFrame::of_entry));
            while recent.frames.len() > FRAMES_KEPT {
                if let Some(dropped) = recent.frames.pop_front() {
                    recent.floor = dropped.id;
                }
            }
        }
        self.bell.send_modify(|rings| *rings += 1);
    }

    /// Drops the frames of a run that waits: by now its readers have them.
    pub fn settle(&self) {
        let mut recent = self.lock();
        if let Some(last) = recent.frames.back() {
            recent.floor = last.id;
        }
        recent.frames = VecDeque::new();
    }

    /// All frames after `after`, or `None` if some of them are no longer at hand.
    pub fn since(&self, after: EventId) -> Option<Vec<LiveFrame>> {
        let recent = self.lock();
        (after >= recent.floor)
            .then(|| recent.frames.iter().filter(|frame| frame.id > after).cloned().collect())
    }

    /// A bell that rings after every publish.
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Recent> {
        // No code that could panic runs under this lock, so a poisoned one is still whole.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The live logs of all runs of this process. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveLogs(Arc<Mutex<HashMap<SessionId, Arc<LiveLog>>>>);

impl LiveLogs {
    /// The log of a run that this process drives from now on, its journal ending at `last`.
    pub(crate) fn open(&self, session: &SessionId, last: EventId) -> Arc<LiveLog> {
        let mut logs = self.lock();
        let log =
            logs.entry(session.clone()).or_insert_with(|| Arc::new(LiveLog::starting_at(last)));
        Arc::clone(log)
    }

    /// The log of a run of this process.
    pub(crate) fn get(&self, session: &SessionId) -> Option<Arc<LiveLog>> {
        self.lock().get(session).cloned()
    }

    /// Forgets a run that is over, or not ours any more; readers then ask the store.
    pub(crate) fn close(&self, session: &SessionId) {
        let closed = self.lock().remove(session);
        if let Some(log) = closed {
            log.bell.send_modify(|rings| *rings += 1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<LiveLog>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
