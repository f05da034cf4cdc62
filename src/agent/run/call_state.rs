//! A tool call within its run: where it stands, and what came of it.

use super::record::{CallResult, PlannedCall};
use crate::domain::{ApprovalRequest, Decision};

/// A tool call and what became of it so far.
#[derive(Clone, Debug, PartialEq)]
pub struct CallState {
    /// The call.
    pub planned: PlannedCall,
    /// Where it stands.
    pub status: CallStatus,
    /// How often it was started.
    pub attempts: u32,
}

/// Where a call stands.
#[derive(Clone, Debug, PartialEq)]
pub enum CallStatus {
    /// Nothing has happened.
    Open,
    /// A person is asked.
    Asked(Box<ApprovalRequest>),
    /// A person has decided; the request holds the arguments that are to be used.
    Decided(Box<ApprovalRequest>, Decision),
    /// It was about to start, with this approval if it needed one.
    Started(Option<Box<ApprovalRequest>>),
    /// It is over; the message to the model is in the conversation.
    Finished,
}

/// A call that was run.
#[derive(Clone, Debug, PartialEq)]
pub struct Executed {
    /// The call.
    pub planned: PlannedCall,
    /// The approval that it ran with, if it needed one.
    pub approved: Option<Box<ApprovalRequest>>,
    /// How often it was started.
    pub attempts: u32,
    /// What came of it.
    pub outcome: CallResult,
}
