//! Waking, once, with all that came.

use std::time::Duration;

use super::*;
use crate::domain::{Approvers, Deadline, Verdict};

fn session() -> SessionId {
    SessionId::new("session_u_1_ab")
}

fn waiting(request: &str) -> Waiting {
    Waiting {
        request: RequestId::new(request),
        created_at_ms: 0,
        deadline: Deadline::after(0, Duration::from_secs(300)),
        shown: false,
        alone: true,
        approvers: Approvers::default(),
    }
}

fn parking() -> Parking {
    Parking { journal_end: EventId::ZERO }
}

fn yes() -> Decision {
    Decision::of(Verdict::Approved, 1)
}

#[test]
fn a_vote_that_does_not_count_wakes_the_run_once_and_not_for_ever() {
    let gate = Gate::default();
    let request = RequestId::new("req_a");
    let vote = |at: u64| UncountedVote { by: None, at: Some(at) };
    assert!(matches!(gate.uncounted(&session(), &request, vote(0)), Heard::Known));
    gate.expect(&session(), waiting("req_a"));
    assert!(matches!(gate.uncounted(&session(), &request, vote(0)), Heard::WhileAtWork));
    let Parked::GoOn(release) = gate.park(&session(), parking()) else { panic!("not told") };
    assert_eq!(release.news.uncounted, [(request.clone(), vote(0))]);
    assert!(matches!(gate.park(&session(), release.parking), Parked::Waits(_)));
    assert!(matches!(gate.uncounted(&session(), &request, vote(1)), Heard::Known), "the same");
    for n in 1..TOLD_MAX as u64 {
        let heard = gate.uncounted(&session(), &request, vote(10 * n));
        let Heard::Wake(release) = heard else { panic!("{n}: {heard:?}") };
        gate.park(&session(), release.parking);
    }
    assert!(matches!(gate.uncounted(&session(), &request, vote(1_000)), Heard::Known));
}

#[test]
fn a_question_that_was_asked_alone_is_not_alone_any_more_beside_another() {
    let gate = Gate::default();
    gate.expect(&session(), waiting("req_a"));
    assert!(gate.waiting(&session())[0].alone);
    gate.expect(&session(), Waiting { alone: false, ..waiting("req_b") });
    assert!(gate.waiting(&session()).iter().all(|waiting| !waiting.alone));
}

#[test]
fn an_answer_that_comes_while_the_run_works_on_another_is_handed_out_when_it_parks() {
    let gate = Gate::default();
    gate.expect(&session(), waiting("req_a"));
    gate.expect(&session(), waiting("req_b"));
    assert!(matches!(gate.park(&session(), parking()), Parked::Waits(2)));
    let release = gate.release(&session(), &RequestId::new("req_a"), yes()).unwrap();
    assert!(gate.release(&session(), &RequestId::new("req_b"), yes()).is_none());
    assert!(gate.expects(&session()), "the run has not been told of the second");
    let Parked::GoOn(release) = gate.park(&session(), release.parking) else {
        panic!("nobody told the run of the second answer")
    };
    assert_eq!(release.news.decided[0].request, RequestId::new("req_b"));
    assert!(!gate.expects(&session()), "nothing is left behind");
}

#[test]
fn only_a_run_that_has_parked_is_taken_back_and_only_once() {
    let gate = Gate::default();
    gate.expect(&session(), waiting("req_a"));
    gate.expect(&session(), waiting("req_b"));
    assert!(!gate.take_back(&session()), "it is at work");
    gate.park(&session(), parking());
    let release = gate.release(&session(), &RequestId::new("req_a"), yes()).unwrap();
    assert!(!gate.take_back(&session()), "somebody goes on with it");
    gate.park(&session(), release.parking);
    assert!(gate.take_back(&session()));
    assert!(!gate.take_back(&session()));
    assert!(gate.take_parked().is_empty());
}

#[test]
fn a_journal_that_was_read_before_the_run_parked_again_is_not_gone_on_from() {
    let entry = |id| Entry { id: EventId::new(id), shown: None, record: None };
    let parking = Parking { journal_end: EventId::new(7) };
    assert!(!parking.is_covered_by(&[]));
    assert!(!parking.is_covered_by(&[entry(5), entry(6)]));
    assert!(parking.is_covered_by(&[entry(6), entry(7)]));
}

/// A gate at which so many runs wait for one request each.
fn with_waiting(gate: &Gate, count: usize) -> Vec<SessionId> {
    let sessions = (0..count).map(|n| SessionId::new(format!("session_u_1_{n}")));
    let waits = |session: SessionId| {
        gate.expect(&session, waiting("req_a"));
        assert!(matches!(gate.park(&session, parking()), Parked::Waits(1)));
        session
    };
    sessions.map(waits).collect()
}

#[test]
fn however_requests_go_no_alarm_of_theirs_is_left() {
    let gate = Gate::new(Duration::from_secs(60));
    let request = RequestId::new("req_a");
    let sessions = with_waiting(&gate, 100);
    assert_eq!(gate.alarms().count(), 200, "a warning and a deadline each");
    for session in &sessions {
        assert!(gate.release(session, &request, yes()).is_some());
    }
    assert_eq!(gate.alarms().count(), 0, "decided");
    for session in with_waiting(&gate, 10) {
        gate.withdraw(&session);
    }
    assert_eq!(gate.alarms().count(), 0, "withdrawn");
    for session in with_waiting(&gate, 10) {
        assert!(gate.take_back(&session));
    }
    assert_eq!(gate.alarms().count(), 0, "taken back");
    with_waiting(&gate, 10);
    assert_eq!(gate.take_parked().len(), 10);
    assert_eq!(gate.alarms().count(), 0, "handed over");
}

#[test]
fn a_request_has_its_alarms_once_however_often_its_run_parks() {
    let gate = Gate::default();
    let request = RequestId::new("req_a");
    let session = with_waiting(&gate, 1).remove(0);
    assert_eq!(gate.alarms().count(), 1, "nobody is warned");
    let release = gate.wake(&session, &request).unwrap();
    assert_eq!(gate.alarms().count(), 1, "it waits all the same");
    assert!(matches!(gate.park(&session, release.parking), Parked::Waits(0)));
    assert_eq!(gate.alarms().count(), 1);
}
