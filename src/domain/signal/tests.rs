use proptest::prelude::*;

use serde_json::json;

use super::*;
use crate::domain::Author;
use crate::domain::Verdict;
use crate::domain::json::LEVELS_MAX;
use crate::domain::json::tests::{doubtful, nested};

const REQUEST: &str = "req_0123456789ab";

fn parse(json: &Value) -> Result<Signal, SignalFault> {
    Signal::parse(json.to_string().as_bytes())
}

fn session() -> SessionId {
    SessionId::new("session_user123_1706152860_abc")
}

fn decision(verdict: Verdict) -> Decision {
    Decision {
        author: Author::Checked(UserId::new("kim")),
        reason: (verdict == Verdict::Rejected).then(|| "사용자 거절".to_owned()),
        ..Decision::of(verdict, UnixMs::new(1_706_152_860_999))
    }
}

#[test]
fn the_three_forms_of_the_contract_are_read() {
    let approval = parse(&json!(
        {"type":"approval","requestId":REQUEST,"status":"approved","timestamp":1_706_152_860}
    ));
    let expected = Signal {
        vote: Vote::Approve,
        request_id: RequestId::parse(REQUEST),
        session_id: None,
        by: None,
        reason: None,
        timestamp: Some(UnixSeconds::new(1_706_152_860)),
        shown: None,
    };
    assert_eq!(approval, Ok(expected.clone()));

    let rejection = parse(&json!({
        "type":"rejection","requestId":REQUEST,"status":"rejected","reason":"사용자 거절",
        "timestamp":1_706_152_860
    }));
    let reason = Some("사용자 거절".to_owned());
    assert_eq!(rejection, Ok(Signal { vote: Vote::Reject, reason, ..expected.clone() }));

    let action = parse(&json!(
        {"action":"approve","requestId":REQUEST,"sessionId":session(),"timestamp":1_706_152_860}
    ));
    assert_eq!(action, Ok(Signal { session_id: Some(session()), ..expected }));
}

#[test]
fn a_doubtful_form_in_a_signal_means_what_it_means_everywhere() {
    let with = |field: &[u8], value: &[u8]| {
        let head = format!(r#"{{"type":"rejection","requestId":"{REQUEST}","#);
        Signal::parse(&[head.as_bytes(), br#"""#, field, br#"":"#, value, b"}"].concat())
    };
    for (form, asked, _) in doubtful() {
        let shown = String::from_utf8_lossy(form);
        assert_eq!(with(b"more", form).is_ok(), asked.is_some(), "{shown}");
    }
    assert_eq!(with(b"reason", br#""\ud83dx""#).unwrap().reason.as_deref(), Some("\u{fffd}x"));
    assert!(with(b"more", nested(LEVELS_MAX).as_bytes()).is_ok());
    assert!(with(b"more", nested(LEVELS_MAX + 1).as_bytes()).is_err());
    assert!(with(b"requestId", br#""req_000000000000""#).is_err(), "a key twice");
}

#[test]
fn any_one_of_the_three_fields_decides() {
    for field in ["type", "status", "action"] {
        for (word, vote) in [
            ("approval", Vote::Approve),
            ("approved", Vote::Approve),
            ("approve", Vote::Approve),
            ("rejection", Vote::Reject),
            ("rejected", Vote::Reject),
            ("reject", Vote::Reject),
        ] {
            assert_eq!(parse(&json!({field: word})).map(|s| s.vote), Ok(vote), "{field} {word}");
        }
    }
}

#[test]
fn a_doubt_is_never_a_yes() {
    for doubtful in [
        json!({"type": "approval", "status": "rejected"}),
        json!({"type": "hitl", "status": "approved"}),
        json!({"status": "approved", "action": "git_merge"}),
        json!({"type": true, "status": "approved"}),
        json!({"status": "Approved"}),
        json!({"status": " approved "}),
        json!({"status": "pending"}),
        json!({"status": ["approved"]}),
        json!({"approved": true}),
        json!({"type": null, "requestId": REQUEST}),
        json!({}),
        json!(["approval", "approved", "approve"]),
        json!("approved"),
        json!({"status": "approved", "requestId": "1"}),
        json!({"status": "approved", "requestId": ""}),
        json!({"status": "approved", "requestId": 12}),
        json!({"status": "approved", "sessionId": "other"}),
    ] {
        assert!(parse(&doubtful).is_err(), "{doubtful}");
    }
    let twice = br#"{"status":"rejected","status":"approved"}"#;
    assert!(matches!(Signal::parse(twice), Err(SignalFault::NotJson(_))));
    assert!(matches!(Signal::parse(b"approved"), Err(SignalFault::NotJson(_))));
    assert!(matches!(Signal::parse(b""), Err(SignalFault::NotJson(_))));
}

#[test]
fn each_fault_says_what_is_wrong() {
    assert_eq!(parse(&json!([])), Err(SignalFault::NotAnObject));
    assert_eq!(parse(&json!({"requestId": REQUEST})), Err(SignalFault::NoDecision));
    assert_eq!(
        parse(&json!({"type": "approve", "action": "reject"})),
        Err(SignalFault::Contradiction)
    );
    let unknown = parse(&json!({"type": "x".repeat(500)})).unwrap_err();
    let value = format!("{}… (500 bytes)", "x".repeat(80));
    assert_eq!(unknown, SignalFault::UnknownDecision { field: "type", value });
    assert_eq!(
        parse(&json!({"type": "approve", "requestId": "req_x"})),
        Err(SignalFault::BadRequestId("req_x".into()))
    );
    let long = vec![b' '; SIGNAL_MAX + 1];
    assert_eq!(Signal::parse(&long), Err(SignalFault::TooLong(SIGNAL_MAX + 1)));
}

#[test]
fn a_long_reason_is_cut_and_its_no_counts() {
    let signal = parse(&json!({"type": "rejection", "reason": "아".repeat(250_000)})).unwrap();
    assert_eq!((signal.vote, signal.reason), (Vote::Reject, Some("아".repeat(1000))));
}

#[test]
fn whoever_a_signal_claims_to_be_is_named_with_escapes() {
    let signal = parse(&json!({"type": "approval", "userId": "ceo\n\u{202e}x"})).unwrap();
    let by = signal.by.unwrap();
    assert!(
        by.as_str().starts_with("ceo") && by.as_str().is_ascii() && !by.as_str().contains('\n'),
        "{by}"
    );
}

#[test]
fn a_field_that_is_null_counts_as_absent() {
    let signal =
        parse(&json!({"type": "approval", "status": null, "requestId": null, "sessionId": null}))
            .unwrap();
    assert_eq!((signal.vote, signal.request_id, signal.session_id), (Vote::Approve, None, None));
}

#[test]
fn who_decided_is_read_from_the_field_that_fits_the_vote() {
    let by = |json: Value| parse(&json).unwrap().by.map(|user| user.as_str().to_owned());
    assert_eq!(by(json!({"type": "approval", "userId": "u"})), Some("u".into()));
    assert_eq!(
        by(json!({"type": "approval", "userId": "u", "approvedBy": "a", "rejectedBy": "r"})),
        Some("a".into())
    );
    assert_eq!(by(json!({"type": "rejection", "rejectedBy": "r"})), Some("r".into()));
    assert_eq!(by(json!({"type": "rejection", "approvedBy": "a"})), None);
    assert_eq!(by(json!({"type": "approval", "userId": " "})), None);
    assert_eq!(by(json!({"type": "approval", "userId": "u".repeat(300)})), None);
}

#[test]
fn timestamps_are_seconds_whether_they_came_in_seconds_or_milliseconds() {
    let at = |timestamp: Value| {
        parse(&json!({"type": "approval", "timestamp": timestamp}))
            .unwrap()
            .timestamp
            .map(UnixSeconds::get)
    };
    assert_eq!(at(json!(1_706_152_860)), Some(1_706_152_860));
    assert_eq!(at(json!(1_706_152_860_123_u64)), Some(1_706_152_860));
    assert_eq!(at(json!(1_706_152_860.75)), Some(1_706_152_860));
    for odd in [json!(-1), json!("yesterday"), json!(null), json!({}), json!(1e300)] {
        assert_eq!(at(odd.clone()), None, "{odd}");
    }
}

#[test]
fn what_this_service_publishes_has_the_form_of_the_contract_and_is_read_back() {
    let request = RequestId::new(REQUEST);
    let publish = |verdict| Signal::for_decision(&request, &session(), &decision(verdict));
    assert_eq!(
        publish(Verdict::Approved).unwrap(),
        r#"{"type":"approval","requestId":"req_0123456789ab","status":"approved","timestamp":1706152860,"sessionId":"session_user123_1706152860_abc","userId":"kim"}"#
    );
    assert_eq!(
        publish(Verdict::Rejected).unwrap(),
        r#"{"type":"rejection","requestId":"req_0123456789ab","status":"rejected","reason":"사용자 거절","timestamp":1706152860,"sessionId":"session_user123_1706152860_abc","userId":"kim"}"#
    );
    assert_eq!(publish(Verdict::TimedOut), None);
    assert_eq!(publish(Verdict::Cancelled), None);

    let back = Signal::parse(publish(Verdict::Rejected).unwrap().as_bytes()).unwrap();
    assert_eq!(back.applies_to(&session(), std::slice::from_ref(&request)), Some(&request));
    assert_eq!(back.reason.as_deref(), Some("사용자 거절"));
    assert_eq!(back.by, Some(UserId::new("kim")));
}

#[test]
fn a_reason_of_any_length_makes_a_signal_that_can_be_read() {
    let mut decision = decision(Verdict::Rejected);
    decision.reason = Some("\u{1}".repeat(200_000));
    let signal = Signal::for_decision(&RequestId::new(REQUEST), &session(), &decision).unwrap();
    assert_eq!(Signal::parse(signal.as_bytes()).unwrap().reason.unwrap().len(), REASON_MAX);
}

#[test]
fn a_stored_request_is_a_vote_only_once_another_publisher_has_decided_it() {
    // What this service wrote itself is no vote, also where its decision has been lost.
    for (status, outcome) in
        [("rejected", "timed_out"), ("rejected", "cancelled"), ("approved", "approved")]
    {
        let ours = json!({"requestId": REQUEST, "status": status, "outcome": outcome});
        assert_eq!(signal_of_request(&ours.to_string()), None, "{outcome}");
    }
    let stored = |status: &str| {
        signal_of_request(
            &json!({
                "requestId": REQUEST, "sessionId": session(), "userId": "starter",
                "status": status, "approvedBy": "kim", "approvedAt": 1_706_152_860_123_u64,
                "rejectedBy": "lee", "reason": "no", "action": "git_merge", "type": "request",
            })
            .to_string(),
        )
    };
    let approved = stored("approved").unwrap();
    assert_eq!(approved.vote, Vote::Approve);
    assert_eq!(approved.by, Some(UserId::new("kim")));
    assert_eq!(approved.timestamp, Some(UnixSeconds::new(1_706_152_860)));
    let rejected = stored("rejected").unwrap();
    assert_eq!((rejected.vote, rejected.by), (Vote::Reject, Some(UserId::new("lee"))));
    for open in ["pending", "timed_out", "cancelled", "approve", "APPROVED", ""] {
        assert_eq!(stored(open), None, "{open}");
    }
    for broken in ["", "[]", "{}", r#"{"status":"approved"}"#] {
        assert_eq!(signal_of_request(broken), None, "{broken}");
    }
}

#[test]
fn a_signal_applies_to_the_request_it_names_or_to_the_only_one() {
    let (one, two) = (RequestId::new(REQUEST), RequestId::new("req_ba9876543210"));
    let applies = |json: Value, pending: &[RequestId]| {
        parse(&json).unwrap().applies_to(&session(), pending).cloned()
    };
    let both = [one.clone(), two.clone()];
    let names_two = json!({"type": "approval", "requestId": two});
    assert_eq!(applies(names_two.clone(), &both), Some(two));
    assert_eq!(applies(names_two, std::slice::from_ref(&one)), None);
    let names_none = json!({"type": "approval"});
    assert_eq!(applies(names_none.clone(), std::slice::from_ref(&one)), Some(one.clone()));
    assert_eq!(applies(names_none.clone(), &both), None);
    assert_eq!(applies(names_none, &[]), None);
    let elsewhere = json!({"type": "approval", "requestId": one, "sessionId": "session_x_1_a"});
    assert_eq!(applies(elsewhere, &both), None);
}

fn word() -> impl Strategy<Value = Value> {
    let words = ["approval", "approved", "approve", "rejection", "rejected", "reject", "pending"];
    prop_oneof![
        proptest::sample::select(words.to_vec()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ]
}

fn says_yes(field: &Value) -> bool {
    field.as_str().and_then(Vote::of) == Some(Vote::Approve)
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_neither_a_panic_nor_a_yes(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        prop_assert_ne!(Signal::parse(&bytes).map(|signal| signal.vote), Ok(Vote::Approve));
        prop_assert_eq!(signal_of_request(&String::from_utf8_lossy(&bytes)), None);
    }

    #[test]
    fn a_yes_needs_a_word_for_it_and_no_other_word(
        fields in proptest::collection::hash_map(
            proptest::sample::select(vec!["type", "status", "action", "reason", "decision"]),
            word(),
            0..5,
        ),
    ) {
        let parsed = parse(&json!(fields));
        let said: Vec<&Value> = ["type", "status", "action"]
            .iter()
            .filter_map(|field| fields.get(field))
            .filter(|value| !value.is_null())
            .collect();
        let yes = !said.is_empty() && said.iter().all(|value| says_yes(value));
        prop_assert_eq!(parsed.map(|signal| signal.vote) == Ok(Vote::Approve), yes);
    }
}
