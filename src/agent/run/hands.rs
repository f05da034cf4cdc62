//! How often a run was taken over since its last finished step.

use super::record::Record;

/// The owners that a run has had since its last finished step.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Hands {
    /// How often it was taken over from an owner that was lost, while it was at work.
    pub(super) lost: u32,
    /// Whether its owner has given it up on purpose, and nobody has taken it over yet.
    pub(super) given_up: bool,
}

impl Hands {
    /// Moves on by one record.
    pub(super) fn note(&mut self, record: &Record) {
        self.given_up = matches!(record, Record::HandedOver);
        match record {
            Record::TakenOver { planned: false } => self.lost += 1,
            Record::Opened(_)
            | Record::Analyzed
            | Record::Answered { .. }
            | Record::ToolFinished { .. }
            | Record::Ended { .. }
            | Record::Withdrawn => self.lost = 0,
            // All that is said again by whoever repeats a step; and being asked is no step of a run.
            Record::TakenOver { planned: true }
            | Record::HandedOver
            | Record::Asked { .. }
            | Record::StepAdded { .. }
            | Record::StepMoved { .. }
            | Record::ApprovalAsked { .. }
            | Record::DeadlineNear { .. }
            | Record::VoteUncounted { .. }
            | Record::StillAsked
            | Record::ApprovalResolved { .. }
            | Record::ToolStarting { .. } => {}
        }
    }
}
