//! What is open, and what the run is told.

use std::time::Duration;

use super::*;
use crate::domain::{Approvers, Deadline, TenantId, UnixMs, UnixSeconds, Verdict};

fn request(id: &str) -> PendingRequest {
    PendingRequest {
        request: RequestId::new(id),
        tenant: TenantId::new("t"),
        tool: "git_merge".into(),
        created_at: UnixMs::default(),
        deadline: Deadline::after(UnixMs::new(0), Duration::from_secs(300)),
        shown: false,
        alone: true,
        approvers: Approvers::default(),
    }
}

fn yes() -> Decision {
    Decision::of(Verdict::Approved, UnixMs::new(1))
}

#[test]
fn a_vote_that_does_not_count_is_told_once_and_not_for_ever() {
    let mut open = OpenRequests::<()>::default();
    let id = RequestId::new("req_a");
    let vote = |at: u64| UncountedVote { by: None, at: Some(UnixSeconds::new(at)), held: None };
    assert!(!open.note_uncounted(&id, vote(0)), "nobody waits");
    open.expect(request("req_a"));
    assert!(open.note_uncounted(&id, vote(0)));
    assert_eq!(open.take_news().uncounted, [(id.clone(), vote(0))]);
    assert!(!open.note_uncounted(&id, vote(1)), "the same");
    for n in 1..TOLD_MAX as u64 {
        assert!(open.note_uncounted(&id, vote(10 * n)), "{n}");
    }
    assert!(!open.note_uncounted(&id, vote(1_000)));
}

#[test]
fn a_question_that_was_asked_alone_is_not_alone_any_more_beside_another() {
    let mut open = OpenRequests::<()>::default();
    open.expect(request("req_a"));
    assert!(open.waiting().all(|waiting| waiting.alone));
    open.expect(PendingRequest { alone: false, ..request("req_b") });
    assert!(open.waiting().all(|waiting| !waiting.alone));
}

#[test]
fn a_request_is_decided_once_and_its_time_starts_once() {
    let mut open = OpenRequests::<()>::default();
    open.expect(request("req_a"));
    assert_eq!(open.start_timers(|_| ()), 1);
    assert_eq!(open.start_timers(|_| ()), 0);
    let id = RequestId::new("req_a");
    assert!(open.decide(&id, yes()));
    assert!(!open.decide(&id, yes()));
    assert!(!open.is_empty(), "the run has not been told");
    assert_eq!(open.take_news().decided.len(), 1);
    assert!(open.is_empty());
}

#[test]
fn a_journal_that_was_read_before_the_run_was_suspended_again_is_not_gone_on_from() {
    let entry = |id| Entry { id: EventId::new(id), shown: None, record: None };
    let suspended = SuspendedRun { journal_end: EventId::new(7) };
    assert!(!suspended.is_covered_by(&[]));
    assert!(!suspended.is_covered_by(&[entry(5), entry(6)]));
    assert!(suspended.is_covered_by(&[entry(6), entry(7)]));
}
