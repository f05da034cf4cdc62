use super::*;
use crate::agent::run::journal::opening;
use crate::domain::event::EndStatus;
use crate::domain::{
    Approvers, Deadline, Language, Quorum, SessionId, Standing, TenantId, ToolCallId, UnixMs,
    UserId, Verdict,
};

fn request(id: &str) -> ApprovalRequest {
    ApprovalRequest {
        request_id: RequestId::new(id),
        session_id: SessionId::new("session_a"),
        user_id: UserId::new("u"),
        tenant_id: TenantId::new("t"),
        action_type: "send_email".into(),
        context: serde_json::json!({}),
        message: "?".into(),
        language: Language::Korean,
        standing: Standing::Pending,
        created_at: UnixMs::new(1),
        deadline: Deadline::after(UnixMs::new(1), std::time::Duration::from_secs(300)),
        quorum: Quorum::from(&Approvers::default()),
        tool_call_id: None,
        args_hash: None,
        preview: None,
        more: serde_json::Map::new(),
    }
}

fn asked(id: &str) -> Record {
    let request = Box::new(request(id));
    Record::ApprovalAsked { call: ToolCallId::new("c"), behind: 0, request }
}

fn resolved(id: &str) -> Record {
    let decision = Decision::of(Verdict::Approved, UnixMs::new(3));
    Record::ApprovalResolved { request: RequestId::new(id), decision }
}

fn ended() -> Record {
    Record::Ended { status: EndStatus::Completed }
}

/// What is told of a journal of these records, whose ids count from 1, as far as it was not told before.
fn told(to: Recipient, before: u64, records: &[Record]) -> (Reading, Vec<String>) {
    let entries: Vec<Entry> =
        (1..).zip(records).map(|(id, record)| opening(EventId::new(id), record)).collect();
    let mut reading = Reading::new(to, EventId::new(before));
    // However the pages are cut.
    entries.chunks(2).for_each(|page| reading.read(page));
    let words = reading.untold.iter().map(|Found { entry, what }| match what {
        Happened::Asked(request) => format!("{entry} asked {}", request.request_id),
        Happened::Decided(request, _) => format!("{entry} decided {}", request.request_id),
        Happened::DecidedEarlier(request, _) => format!("{entry} earlier {request}"),
        Happened::LeftOpen(request) => format!("{entry} left {}", request.request_id),
        Happened::Ended(_) => format!("{entry} ended"),
    });
    let words = words.collect();
    (reading, words)
}

#[test]
fn what_was_asked_and_decided_and_the_end_are_told_in_their_order() {
    let records =
        [Record::Analyzed, asked("req_1"), Record::StillAsked, resolved("req_1"), ended()];
    let (reading, words) = told(Recipient::Webhook, 0, &records);
    assert_eq!(words, ["2 asked req_1", "4 decided req_1", "5 ended"]);
    assert_eq!(
        (reading.newest, reading.end, reading.is_over),
        (EventId::new(5), EventId::new(5), true)
    );
    assert_eq!(told(Recipient::Mail, 0, &records).1, ["2 asked req_1"]);
}

#[test]
fn what_was_told_is_not_told_again_and_still_known() {
    let (reading, words) =
        told(Recipient::Webhook, 2, &[Record::Analyzed, asked("req_1"), resolved("req_1")]);
    assert_eq!(words, ["3 decided req_1"]);
    assert_eq!(reading.newest, EventId::new(3));
    let (reading, words) = told(Recipient::Webhook, 2, &[Record::Analyzed, asked("req_1")]);
    assert!(words.is_empty() && reading.newest == EventId::new(2) && !reading.is_over);
}

#[test]
fn a_request_that_a_broken_run_left_open_is_told_before_its_end() {
    let records = [asked("req_1"), asked("req_2"), resolved("req_1"), ended()];
    assert_eq!(
        told(Recipient::Webhook, 2, &records).1,
        ["3 decided req_1", "4 left req_2", "4 ended"]
    );
}

#[test]
fn a_decision_on_a_request_from_before_the_journal_begins_is_told() {
    assert_eq!(told(Recipient::Webhook, 0, &[resolved("req_0")]).1, ["1 earlier req_0"]);
}
