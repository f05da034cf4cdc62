//! What single entries of a journal tell without the state being folded: where a session stands, and what
//! it has asked.

use super::record::{Record, RecordKind};
use crate::domain::{ApprovalRequest, Entry, RequestId, SessionStatus};

/// Where a session stands, from the newest entries of its journal alone, if they tell. Of each record its
/// beginning is enough, if that has the whole of an end.
pub(crate) fn status_of(newest: &[Entry]) -> Option<SessionStatus> {
    let record = newest.iter().rev().find_map(|entry| entry.record.as_ref())?;
    // Somebody else's hand may write it in another way, where there is all of it.
    let whole = || serde_json::from_slice::<Record>(record).ok().map(|record| record.kind());
    match phase_after(RecordKind::of(record).or_else(whole)?) {
        Phase::Ended => {
            let Record::Ended { status } = serde_json::from_slice(record).ok()? else {
                return None;
            };
            Some(status.into())
        }
        Phase::NeverBegan => None,
        Phase::Waiting => Some(SessionStatus::WaitingApproval),
        Phase::Working => Some(SessionStatus::Running),
    }
}

/// What a run's newest record says of it.
#[derive(PartialEq, Eq)]
enum Phase {
    Working,
    Waiting,
    Ended,
    NeverBegan,
}

/// Whether a run waits for people once this record is its newest.
pub(super) fn waits_after(record: RecordKind) -> bool {
    phase_after(record) == Phase::Waiting
}

fn phase_after(record: RecordKind) -> Phase {
    match record {
        RecordKind::ApprovalAsked
        | RecordKind::DeadlineNear
        | RecordKind::VoteUncounted
        | RecordKind::StillAsked => Phase::Waiting,
        RecordKind::Opened
        | RecordKind::Analyzed
        | RecordKind::Asked
        | RecordKind::Answered
        | RecordKind::StepAdded
        | RecordKind::StepMoved
        | RecordKind::ApprovalResolved
        | RecordKind::ToolStarting
        | RecordKind::ToolFinished
        | RecordKind::TakenOver
        | RecordKind::HandedOver => Phase::Working,
        RecordKind::Ended => Phase::Ended,
        RecordKind::Withdrawn => Phase::NeverBegan,
    }
}

/// The request of this id as a journal's run has asked it, answered or not.
pub(crate) fn request_asked(entries: &[Entry], id: &RequestId) -> Option<ApprovalRequest> {
    let asked = |entry: &Entry| match serde_json::from_slice(entry.record.as_ref()?) {
        Ok(Record::ApprovalAsked { request, .. }) if request.request_id == *id => Some(*request),
        Ok(_) | Err(_) => None,
    };
    entries.iter().rev().find_map(asked)
}

/// The requests that a journal's run knows to be decided.
pub(crate) fn decided_requests(entries: &[Entry]) -> Vec<RequestId> {
    let decided = |entry: &Entry| {
        let record = entry.record.as_ref()?;
        (RecordKind::of(record)? == RecordKind::ApprovalResolved).then_some(())?;
        match serde_json::from_slice(record) {
            Ok(Record::ApprovalResolved { request, .. }) => Some(request),
            Ok(_) | Err(_) => None,
        }
    };
    entries.iter().filter_map(decided).collect()
}
