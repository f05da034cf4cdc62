//! What single entries of a journal tell without the state being folded: where a session stands, and what
//! it has asked.

use std::collections::HashSet;

use serde::Deserialize;

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

/// How many questions stand behind the one that this record is about, asked together with it; none, where it
/// is about something else.
pub(crate) fn questions_behind(record: &[u8]) -> u32 {
    /// All that is read of it: the request can be long.
    #[derive(Deserialize)]
    struct Asked {
        #[serde(default)]
        behind: u32,
    }
    match RecordKind::of(record) {
        Some(RecordKind::ApprovalAsked) => {
            serde_json::from_slice(record).map_or(0, |Asked { behind }| behind)
        }
        Some(_) | None => 0,
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

/// The requests that a journal's run has asked, answered or not, and those that it is about to ask under an id
/// that a decision has given them.
pub(crate) fn known_requests(entries: &[Entry]) -> HashSet<RequestId> {
    let known = |entry: &Entry| match serde_json::from_slice(entry.record.as_ref()?) {
        Ok(Record::ApprovalAsked { request, .. }) => Some(request.request_id),
        Ok(Record::ApprovalResolved { decision, .. }) => decision.superseded_by,
        Ok(_) | Err(_) => None,
    };
    entries.iter().filter_map(known).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_an_older_process_asked_has_none_behind_it() {
        let request = r#"{"requestId":"r","sessionId":"s","userId":"u","tenantId":"t","actionType":"a","context":{},"message":"m","status":"pending","createdAt":1,"expiresAt":2,"deadlineMs":2000,"approvers":"tenant","approvalsNeeded":1,"approvals":0}"#;
        let older = format!(r#"{{"rec":"approval_asked","call":"c1","request":{request}}}"#);
        let mut record: Record = serde_json::from_str(&older).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), older, "and is written as before");
        assert_eq!(questions_behind(older.as_bytes()), 0);
        let Record::ApprovalAsked { behind, .. } = &mut record else { panic!("{record:?}") };
        *behind = 2;
        assert_eq!(questions_behind(&serde_json::to_vec(&record).unwrap()), 2);
        assert_eq!(questions_behind(br#"{"rec":"still_asked","behind":3}"#), 0);
    }
}
