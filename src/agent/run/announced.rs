//! What the entries of a journal have to tell outside of the service: it follows from them alone.

use crate::agent::run::record::{Opened, Record, RecordKind};
use crate::domain::{
    AnnouncementKind, ApprovalRequest, Decision, Entry, EventId, Recipient, RequestId, SessionMeta,
    Shown, last_id,
};

/// What one entry has to tell.
#[derive(Debug)]
pub(crate) struct Found {
    /// The entry.
    pub(crate) entry: EventId,
    /// What has happened.
    pub(crate) what: Happened,
}

/// What has happened.
#[derive(Debug)]
pub(crate) enum Happened {
    /// A person is asked.
    Asked(Box<ApprovalRequest>),
    /// A request was decided.
    Decided(Box<ApprovalRequest>, Box<Decision>),
    /// A request was decided that was asked before the journal begins.
    DecidedEarlier(RequestId, Box<Decision>),
    /// The run broke down while a request was open: what was decided then stands elsewhere.
    LeftOpen(Box<ApprovalRequest>),
    /// The run is over; this is what clients were shown of that.
    Ended(Option<Shown>),
}

impl Happened {
    fn kind(&self) -> AnnouncementKind {
        match self {
            Self::Asked(_) => AnnouncementKind::Asked,
            Self::Decided(..) | Self::DecidedEarlier(..) | Self::LeftOpen(_) => {
                AnnouncementKind::Decided
            }
            Self::Ended(_) => AnnouncementKind::Ended,
        }
    }
}

/// A journal, read for one recipient.
#[derive(Debug)]
pub(crate) struct Reading {
    to: Recipient,
    told: EventId,
    open: Vec<ApprovalRequest>,
    /// Whose journal it is, if its beginning is there.
    pub(crate) meta: Option<SessionMeta>,
    /// What was not told yet, oldest first.
    pub(crate) untold: Vec<Found>,
    /// The newest entry that has anything to tell, told or not.
    pub(crate) newest: EventId,
    /// The last entry that was read.
    pub(crate) end: EventId,
    /// Whether the run is over.
    pub(crate) is_over: bool,
}

impl Reading {
    /// Nothing was read yet; everything up to `told` was told.
    pub(crate) fn new(to: Recipient, told: EventId) -> Self {
        Self {
            to,
            told,
            open: Vec::new(),
            meta: None,
            untold: Vec::new(),
            newest: EventId::ZERO,
            end: EventId::ZERO,
            is_over: false,
        }
    }

    /// Reads on.
    pub(crate) fn read(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.read_one(entry);
        }
        self.end = self.end.max(last_id(entries));
    }

    fn read_one(&mut self, entry: &Entry) {
        let Some(record) = entry.record.as_deref().and_then(telling) else { return };
        match record {
            Record::Opened(opened) => {
                let Opened { meta, .. } = *opened;
                self.meta = Some(meta);
            }
            Record::ApprovalAsked { request, .. } => {
                self.open.push((*request).clone());
                self.found(entry.id, Happened::Asked(request));
            }
            Record::ApprovalResolved { request, decision } => {
                let decision = Box::new(decision);
                let place = self.open.iter().position(|open| open.request_id == request);
                let what = match place {
                    Some(place) => Happened::Decided(Box::new(self.open.remove(place)), decision),
                    None => Happened::DecidedEarlier(request, decision),
                };
                self.found(entry.id, what);
            }
            Record::Ended { .. } => {
                for left in std::mem::take(&mut self.open) {
                    self.found(entry.id, Happened::LeftOpen(Box::new(left)));
                }
                self.is_over = true;
                self.found(entry.id, Happened::Ended(entry.shown.clone()));
            }
            Record::Analyzed
            | Record::Asked { .. }
            | Record::Answered { .. }
            | Record::StepAdded { .. }
            | Record::StepMoved { .. }
            | Record::DeadlineNear { .. }
            | Record::VoteUncounted { .. }
            | Record::StillAsked
            | Record::ToolStarting { .. }
            | Record::ToolFinished { .. }
            | Record::TakenOver { .. }
            | Record::HandedOver
            | Record::Withdrawn => {}
        }
    }

    fn found(&mut self, entry: EventId, what: Happened) {
        if !self.to.wants(what.kind()) {
            return;
        }
        self.newest = self.newest.max(entry);
        if entry > self.told {
            self.untold.push(Found { entry, what });
        }
    }
}

/// The record, if it is one that matters here: most are not worth being read.
fn telling(record: &[u8]) -> Option<Record> {
    let kind = RecordKind::of(record)?;
    let matters = kind == RecordKind::Opened || tells(kind);
    matters.then(|| serde_json::from_slice(record).ok())?
}

/// Whether such a record has anything to tell.
fn tells(kind: RecordKind) -> bool {
    match kind {
        RecordKind::ApprovalAsked | RecordKind::ApprovalResolved | RecordKind::Ended => true,
        RecordKind::Opened
        | RecordKind::Analyzed
        | RecordKind::Asked
        | RecordKind::Answered
        | RecordKind::StepAdded
        | RecordKind::StepMoved
        | RecordKind::DeadlineNear
        | RecordKind::VoteUncounted
        | RecordKind::StillAsked
        | RecordKind::ToolStarting
        | RecordKind::ToolFinished
        | RecordKind::TakenOver
        | RecordKind::HandedOver
        | RecordKind::Withdrawn => false,
    }
}

/// Whether a journal has anything to tell anybody.
pub(crate) fn tells_anything(entries: &[Entry]) -> bool {
    entries.iter().filter_map(|entry| RecordKind::of(entry.record.as_deref()?)).any(tells)
}

#[cfg(test)]
mod tests;
