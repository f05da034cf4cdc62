use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::event::{EndStatus, Piece, ThoughtKind, ToolExecution, ToolOutcome, ToolState};
use crate::domain::ids::{RequestId, StepId, ThreadId, ToolCallId};
use crate::domain::plan::{PlanStep, StepStatus};
use crate::domain::{
    ApprovalRequest, Approvers, Artifact, Confidence, Deadline, ErrorCode, ErrorType, Language,
    Preview, Quorum, Standing, TenantId, UnixMs, Usage, UserId, artifact,
};

/// What texts of any length are made of: what stays, what is escaped once, and what is escaped twice.
const UNITS: [&str; 8] = ["x", "가", "\"", "\\", "\0", "\u{202e}", "\u{2028}", "\n"];

fn session() -> SessionId {
    SessionId::new("session_1_1_0")
}

fn foreign() -> impl Strategy<Value = String> {
    let unit = proptest::sample::select(&UNITS[..]);
    let length = prop_oneof![Just(3_usize), Just(700), Just(9_000), Just(30_000)];
    (unit, length).prop_map(|(unit, length)| unit.repeat(length / unit.len()))
}

/// A value that has such texts in all the places that one can have them in.
fn foreign_value() -> impl Strategy<Value = Value> {
    let many = |text: String| {
        let fields = (0..text.len() / 10).map(|at| (format!("field{at}"), json!(7)));
        Value::Object(fields.collect())
    };
    prop_oneof![
        foreign().prop_map(Value::from),
        foreign().prop_map(|text| json!({ "text": text })),
        foreign().prop_map(|text| json!({ text: 1 })),
        foreign().prop_map(|text| json!({"list": [[text]], "short": true})),
        foreign().prop_map(many),
        foreign().prop_map(|text| vec![0; text.len()].into()),
    ]
}

fn step(title: String, description: String) -> PlanStep {
    PlanStep {
        step_id: StepId::new("step_1"),
        title,
        description,
        status: StepStatus::InProgress,
        confidence: Confidence::new(0.5),
        order: 1,
    }
}

fn question(words: [String; 3], context: Value, preview: bool) -> ApprovalRequest {
    let [action_type, message, shown] = words;
    ApprovalRequest {
        request_id: RequestId::generate(),
        session_id: SessionId::new("s"),
        user_id: UserId::new("u"),
        tenant_id: TenantId::new("t"),
        action_type,
        context,
        message,
        language: Language::Korean,
        standing: Standing::Pending,
        created_at: UnixMs::new(1),
        deadline: Deadline::after(UnixMs::new(1), std::time::Duration::from_secs(300)),
        quorum: Quorum::from(&Approvers::default()),
        tool_call_id: None,
        args_hash: None,
        preview: preview.then(|| Preview::text(&shown, &shown, Language::Korean)),
        more: serde_json::Map::new(),
    }
}

fn artifact_of(text: &str, list: bool) -> Artifact {
    if list {
        Artifact::checklist(text, (0..60).map(|_| (text, true)))
    } else {
        Artifact::Diff(artifact::Text::new(text, text, false))
    }
}

/// Every event that a run can tell of, with these texts and values wherever it has foreign ones.
fn events([a, b, c]: [String; 3], value: &Value, flag: bool) -> Vec<Event> {
    let execution = |outcome| {
        Event::ToolExecution(ToolExecution {
            call_id: ToolCallId::new(&a),
            tool: b.clone(),
            arguments: value.as_object().cloned().unwrap_or_default(),
            requires_approval: true,
            state: ToolState::Ended { outcome, duration: Duration::MAX },
        })
    };
    let thought = |sources: Vec<String>| Event::Thought {
        kind: ThoughtKind::Reflection,
        content: a.clone(),
        sources,
    };
    let content =
        |metadata| Event::Content { content: Piece::first_of(&a).0, chunk: true, metadata };
    vec![
        Event::Start { message: a.clone(), thread_id: ThreadId::new(&b), model: c.clone() },
        thought(vec![b.clone(), c.clone()]),
        thought(vec!["git_status".into(); c.len()]),
        Event::PlanStep(step(a.clone(), b.clone())),
        Event::PlanStepUpdate(step(a.clone(), b.clone())),
        Event::TimelineStepUpdate(step(a.clone(), b.clone())),
        execution(ToolOutcome::Success(value.clone())),
        execution(ToolOutcome::Failed(c.clone())),
        execution(ToolOutcome::Cancelled(Some(c.clone()))),
        Event::Hitl {
            request: Box::new(question([a.clone(), b.clone(), c.clone()], value.clone(), flag)),
            step_id: StepId::new("step_1"),
            confidence: Some(Confidence::new(0.5)),
        },
        content(json!({ "result": artifact_of(&b, flag) })),
        content(value.clone()),
        Event::Notice { content: Piece::first_of(&a).0 },
        Event::Error(ErrorEvent {
            error: a.clone(),
            error_type: ErrorType::InvalidArguments,
            code: ErrorCode::Internal,
            message: b.clone(),
            retryable: false,
        }),
        Event::Failed {
            message: a.clone(),
            error: b,
            error_type: ErrorType::Timeout,
            request_id: RequestId::generate(),
        },
        Event::End {
            message: a,
            status: EndStatus::Completed,
            usage: Usage {
                prompt_tokens: u64::MAX,
                completion_tokens: u64::MAX,
                total_tokens: u64::MAX,
            },
            duration: Duration::MAX,
        },
    ]
}

#[test]
fn a_list_of_any_length_beside_a_preview_fits_a_frame() {
    for length in (8_900..9_100).step_by(3) {
        let (text, list) = ("x".repeat(3), json!(vec![0; length]));
        for event in events([text.clone(), text.clone(), text], &list, true) {
            let bytes = event.payload(&session(), UnixSeconds::new(u64::MAX)).len();
            assert!(bytes <= PAYLOAD_MAX, "{bytes} bytes of {} with {length} items", event.kind());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_frame_is_longer_than_may_be_whatever_others_write(
        a in foreign(), b in foreign(), c in foreign(), value in foreign_value(), flag: bool
    ) {
        // As long as a session's id can be.
        let session = SessionId::new("s".repeat(200));
        for event in events([a, b, c], &value, flag) {
            let payload = event.payload(&session, UnixSeconds::new(u64::MAX));
            let read: Value = serde_json::from_slice(&payload).unwrap();
            prop_assert_eq!(&read["type"], event.kind());
            let bytes = payload.len();
            prop_assert!(bytes <= PAYLOAD_MAX, "{bytes} bytes of {}", event.kind());
        }
    }

    #[test]
    fn an_artifact_is_shown_as_it_was_made(text in foreign(), title in foreign(), list: bool) {
        let shown = json!({ "result": artifact_of(&text, list) });
        let event = Event::Content { content: Piece::first_of(&title).0, chunk: true, metadata: shown.clone() };
        let read: Value = serde_json::from_slice(&event.payload(&session(), UnixSeconds::new(1))).unwrap();
        prop_assert_eq!(&read["metadata"], &shown);
        let piece = Piece::first_of(&title).0;
        prop_assert_eq!(&read["content"], piece.as_str());
    }

    #[test]
    fn the_pieces_of_a_text_are_the_text(text in foreign()) {
        let pieces: Vec<String> = Piece::all_of(&text).map(String::from).collect();
        prop_assert_eq!(pieces.concat(), text);
        for piece in Piece::all_of(&pieces.concat()) {
            let event = Event::Content { content: piece, chunk: true, metadata: json!({}) };
            prop_assert!(event.payload(&session(), UnixSeconds::new(1)).len() < 1024);
        }
    }
}

#[test]
fn a_question_that_has_to_be_cut_says_how_long_its_arguments_are() {
    let payload = |context: Value| -> Value {
        let request =
            question(["send_email".into(), "보낼까요?".into(), String::new()], context, false);
        let step_id = StepId::new("step_1");
        let event = Event::Hitl { request: Box::new(request), step_id, confidence: None };
        serde_json::from_slice(&event.payload(&session(), UnixSeconds::new(1))).unwrap()
    };
    let short = json!({"to": ["kim@dwp.com"], "body": "x".repeat(6_000)});
    let shown = payload(short.clone());
    assert_eq!((&shown["context"], &shown["params"]), (&short, &short));
    assert_eq!(shown.get("contextBytes"), None);

    let long = json!({"to": ["kim@dwp.com"], "body": "x".repeat(200_000)});
    let shown = payload(long.clone());
    assert_eq!(shown["contextBytes"], long.to_string().len());
    assert_eq!(shown["context"]["to"], long["to"]);
    assert!(shown["context"]["body"].as_str().unwrap().ends_with("xx… (200000 bytes)"), "{shown}");
    assert_eq!(shown["context"], shown["params"]);
}

#[test]
fn arguments_that_have_to_be_cut_leave_room_for_a_result_that_has_not() {
    let result = json!({"text": "y".repeat(8_000)});
    let arguments = json!({"body": "x".repeat(7_000), "to": 1});
    let call = ToolExecution {
        call_id: ToolCallId::new("call_1"),
        tool: "send_email".into(),
        arguments: arguments.as_object().unwrap().clone(),
        requires_approval: false,
        state: ToolState::Ended {
            outcome: ToolOutcome::Success(result.clone()),
            duration: Duration::from_millis(1),
        },
    };
    let payload = Event::ToolExecution(call).payload(&session(), UnixSeconds::new(1));
    let shown: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(shown["result"], result);
    assert_eq!((&shown["toolArgs"]["to"], &shown["toolArgsBytes"]), (&json!(1), &json!(7_018)));
}

/// A mail with forty copies, as it is asked about: with its question and how it will look.
fn mail_asked_about(characters: usize) -> (Value, Value) {
    let cc: Vec<String> = (10..50).map(|at| format!("colleague{at}@dwp.com")).collect();
    let body = "안녕하세요 ".repeat(characters / 6);
    let context = json!({"to": ["kim@dwp.com"], "cc": cc, "subject": "보고", "body": body});
    let words = ["send_email".into(), format!("메일을 보낼까요? {}", cc.join(", ")), body];
    let request = Box::new(question(words, context.clone(), true));
    let event = Event::Hitl { request, step_id: StepId::new("step_1"), confidence: None };
    let payload = event.payload(&SessionId::new("s".repeat(60)), UnixSeconds::new(1));
    assert!(payload.len() <= PAYLOAD_MAX);
    assert!(characters < 2_000 || payload.len() + 16 > PAYLOAD_MAX, "{}", payload.len());
    (context, serde_json::from_slice(&payload).unwrap())
}

#[test]
fn an_ordinary_mail_is_shown_whole_to_whoever_is_asked_about_it() {
    let (mail, shown) = mail_asked_about(1_700);
    assert_eq!((&shown["context"], &shown["params"]), (&mail, &mail));
    assert_eq!(shown.get("contextBytes"), None);
    let preview = shown["preview"]["content"].as_str().unwrap();
    assert!(preview.len() > 1_000 && preview.ends_with(" bytes)"), "{preview}");
}

#[test]
fn a_long_mail_is_shown_as_far_as_a_frame_reaches() {
    for characters in [2_400, 5_000, 60_000] {
        let (mail, shown) = mail_asked_about(characters);
        assert_eq!((&shown["context"]["cc"], &shown["context"]["to"]), (&mail["cc"], &mail["to"]));
        let body = shown["context"]["body"].as_str().unwrap();
        assert!(body.chars().count() > 1_500, "{}", body.chars().count());
    }
}
