//! The bytes of the stream, written out: what stands here is what clients were built against
//! (contract, section 4). A change that breaks one of these tests breaks the platform's frontend.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use aura_platform::domain::event::{
    EndStatus, ErrorEvent, Piece, RESULT_SHOWN_MAX, ThoughtKind, ToolExecution, ToolOutcome,
    ToolState,
};
use aura_platform::domain::plan::{PlanStep, StepStatus};
use aura_platform::domain::{
    ApprovalRequest, Approvers, Confidence, Deadline, ErrorCode, ErrorType, Event, EventId,
    Language, Preview, Quorum, RequestId, SessionId, Standing, StepId, TenantId, ThreadId,
    ToolCallId, UnixMs, UnixSeconds, Usage, UserId,
};
use aura_platform::sse::frame::{self, Form};
use std::time::Duration;

use aura_testing::described::check_event;
use serde_json::{Map, Value, json};

const NOW: UnixSeconds = UnixSeconds::new(1_706_152_860);
const SESSION: &str = "session_user123_1706152860_00112233445566778899aabbccddeeff";
/// What every payload of the session begins with, from its type on.
const STAMP: &str = concat!(
    r#""timestamp":1706152860,"#,
    r#""sessionId":"session_user123_1706152860_00112233445566778899aabbccddeeff""#
);

fn payload(event: &Event) -> String {
    let payload = event.payload(&SessionId::new(SESSION), NOW);
    String::from_utf8(payload.to_vec()).unwrap()
}

/// Checks an event's name, its payload to the byte, and that both of its frames carry it unchanged.
fn check(event: &Event, kind: &str, fields: &str) {
    let expected = format!(r#"{{"version":"1.0","type":"{kind}",{STAMP},{fields}}}"#);
    assert_eq!(event.kind(), kind);
    assert_eq!(payload(event), expected);
    let flat: Value = serde_json::from_str(&expected).unwrap();
    check_event(kind, &flat);
    check_event(kind, &json!({"type": kind, "data": flat}));
    let id = EventId::new(1_706_152_860_123);
    assert_eq!(
        frame::event(id, event.kind(), expected.as_bytes(), Form::Flat),
        format!("id: 1706152860123\nevent: {kind}\ndata: {expected}\n\n")
    );
    assert_eq!(
        frame::event(id, event.kind(), expected.as_bytes(), Form::Enveloped),
        format!(
            "id: 1706152860123\nevent: {kind}\ndata: {{\"type\":\"{kind}\",\"data\":{expected}}}\n\n"
        )
    );
}

fn step(status: StepStatus) -> PlanStep {
    PlanStep {
        step_id: StepId::new("step_1"),
        title: "git_merge 실행".into(),
        description: "feature를 main에 병합합니다.".into(),
        status,
        confidence: Confidence::new(0.875),
        order: 1,
    }
}

/// All of a short text.
fn piece(text: &str) -> Piece {
    let (piece, rest) = Piece::first_of(text);
    assert_eq!(rest, "");
    piece
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn call(state: ToolState) -> ToolExecution {
    ToolExecution {
        call_id: ToolCallId::new("call_1"),
        tool: "git_merge".into(),
        arguments: object(&json!({"source": "feature", "target": "main"})),
        requires_approval: true,
        state,
    }
}

#[test]
fn start() {
    let event = Event::Start {
        message: "요청을 처리하기 시작했습니다.".into(),
        thread_id: ThreadId::new("thread_7"),
        model: "gpt-4o".into(),
    };
    check(
        &event,
        "start",
        r#""message":"요청을 처리하기 시작했습니다.","threadId":"thread_7","model":"gpt-4o""#,
    );
}

#[test]
fn thought_of_every_type() {
    let kinds = [
        (ThoughtKind::Analysis, "analysis"),
        (ThoughtKind::Planning, "planning"),
        (ThoughtKind::Reasoning, "reasoning"),
        (ThoughtKind::Decision, "decision"),
        (ThoughtKind::Reflection, "reflection"),
    ];
    for (kind, name) in kinds {
        let event = Event::Thought {
            kind,
            content: "생각".into(),
            sources: vec!["git_status".into(), "git_log".into()],
        };
        let fields = format!(
            r#""event":"thought_chain","thoughtType":"{name}","content":"생각","sources":["git_status","git_log"]"#
        );
        check(&event, "thought", &fields);
    }
    let event =
        Event::Thought {
            kind: ThoughtKind::Analysis, content: "생각".into(), sources: Vec::new()
        };
    check(
        &event,
        "thought",
        r#""event":"thought_chain","thoughtType":"analysis","content":"생각","sources":[]"#,
    );
}

#[test]
fn plan_step() {
    check(
        &Event::PlanStep(step(StepStatus::Pending)),
        "plan_step",
        concat!(
            r#""stepId":"step_1","id":"step_1","title":"git_merge 실행","#,
            r#""description":"feature를 main에 병합합니다.","#,
            r#""content":"feature를 main에 병합합니다.","status":"pending","#,
            r#""confidence":0.88,"order":1"#
        ),
    );
}

#[test]
fn plan_step_update_and_timeline_of_every_status() {
    let statuses = [
        (StepStatus::Pending, "pending", "0.0"),
        (StepStatus::InProgress, "in_progress", "0.5"),
        (StepStatus::Completed, "completed", "1.0"),
        (StepStatus::Failed, "failed", "1.0"),
        (StepStatus::Skipped, "skipped", "1.0"),
    ];
    for (status, name, progress) in statuses {
        let fields = format!(
            r#""stepId":"step_1","id":"step_1","status":"{name}","progress":{progress},"confidence":0.88,"description":"feature를 main에 병합합니다.""#
        );
        check(&Event::PlanStepUpdate(step(status)), "plan_step_update", &fields);
        let fields = format!(
            r#""stepId":"step_1","id":"step_1","title":"git_merge 실행","status":"{name}","progress":{progress}"#
        );
        check(&Event::TimelineStepUpdate(step(status)), "timeline_step_update", &fields);
    }
}

#[test]
fn tool_execution_of_every_status() {
    let never_ran = ToolState::never_ran;
    let states = [
        (ToolState::Pending, "pending", r#""result":null,"error":null,"durationMs":null"#),
        (ToolState::Running, "running", r#""result":null,"error":null,"durationMs":null"#),
        (
            ToolState::Ended {
                outcome: ToolOutcome::Success(json!(1)),
                duration: Duration::from_millis(7),
            },
            "success",
            r#""result":1,"error":null,"durationMs":7"#,
        ),
        (
            never_ran(ToolOutcome::Failed("왜".into())),
            "failed",
            r#""result":null,"error":"왜","durationMs":0"#,
        ),
        (
            never_ran(ToolOutcome::Cancelled(None)),
            "cancelled",
            r#""result":null,"error":null,"durationMs":0"#,
        ),
    ];
    for (state, name, rest) in states {
        let fields = format!(
            r#""event":"action_execution","toolCallId":"call_1","toolName":"git_merge","tool":"git_merge","toolArgs":{{"source":"feature","target":"main"}},"params":{{"source":"feature","target":"main"}},"status":"{name}","requiresApproval":true,{rest}"#
        );
        check(&Event::ToolExecution(call(state)), "tool_execution", &fields);
    }
}

#[test]
fn tool_execution_with_what_came_of_it() {
    let merged = ToolOutcome::Success(json!({"merged": true}));
    let done = ToolExecution {
        arguments: Map::new(),
        requires_approval: false,
        ..call(ToolState::Ended { outcome: merged, duration: Duration::from_millis(42) })
    };
    check(
        &Event::ToolExecution(done),
        "tool_execution",
        concat!(
            r#""event":"action_execution","toolCallId":"call_1","toolName":"git_merge","#,
            r#""tool":"git_merge","toolArgs":{},"#,
            r#""params":{},"status":"success","requiresApproval":false,"#,
            r#""result":{"merged":true},"error":null,"durationMs":42"#
        ),
    );
    let conflict = ToolState::never_ran(ToolOutcome::Failed("충돌".into()));
    let failed = ToolExecution { arguments: Map::new(), ..call(conflict) };
    check(
        &Event::ToolExecution(failed),
        "tool_execution",
        concat!(
            r#""event":"action_execution","toolCallId":"call_1","toolName":"git_merge","#,
            r#""tool":"git_merge","toolArgs":{},"#,
            r#""params":{},"status":"failed","requiresApproval":true,"#,
            r#""result":null,"error":"충돌","durationMs":0"#
        ),
    );
}

#[test]
fn a_result_is_cut_only_above_the_limit_and_then_tells_its_length() {
    // The quotes around the text count too.
    let fits = Value::String("x".repeat(RESULT_SHOWN_MAX - 2));
    let shown = |result: &Value| -> Value {
        let outcome = ToolOutcome::Success(result.clone());
        let call = call(ToolState::Ended { outcome, duration: Duration::from_millis(1) });
        serde_json::from_str(&payload(&Event::ToolExecution(call))).unwrap()
    };
    let whole = shown(&fits);
    assert_eq!(whole["result"], fits);
    assert!(whole.get("resultBytes").is_none());

    let long = json!({"text": "가".repeat(RESULT_SHOWN_MAX)});
    let cut = shown(&long);
    assert_eq!(cut["resultBytes"], long.to_string().len());
    let beginning = cut["result"].as_str().unwrap();
    assert!(beginning.len() <= RESULT_SHOWN_MAX);
    assert!(beginning.len() > RESULT_SHOWN_MAX - 4);
    assert!(long.to_string().starts_with(beginning));
}

/// A question about a merge, of which two managers have to approve.
fn question() -> ApprovalRequest {
    ApprovalRequest {
        request_id: RequestId::new("req_0123456789abcdef"),
        session_id: SessionId::new(SESSION),
        user_id: UserId::new("user123"),
        tenant_id: TenantId::new("tenant1"),
        action_type: "git_merge".into(),
        context: json!({"source": "feature", "target": "main"}),
        message: "feature를 main에 병합할까요?".into(),
        language: Language::default(),
        standing: Standing::Pending,
        created_at: UnixMs::new(1_706_152_860_123),
        deadline: Deadline::after(UnixMs::new(1_706_152_860_123), Duration::from_secs(300)),
        quorum: Quorum::from(&"2 of role:manager".parse::<Approvers>().unwrap()),
        tool_call_id: None,
        args_hash: None,
        preview: None,
        more: Map::new(),
    }
}

#[test]
fn hitl() {
    let asked = self::question();
    let event = |confidence| Event::Hitl {
        request: Box::new(asked.clone()),
        step_id: StepId::new("step_1"),
        confidence,
    };
    let question = concat!(
        r#""event":"hitl_request","requestId":"req_0123456789abcdef","id":"req_0123456789abcdef","#,
        r#""actionType":"git_merge","action":"git_merge","#,
        r#""message":"feature를 main에 병합할까요?","#,
        r#""context":{"source":"feature","target":"main"},"#,
        r#""params":{"source":"feature","target":"main"},"requiresApproval":true,"stepId":"step_1""#
    );
    let terms =
        r#""expiresAt":1706153161,"approvers":"role:manager","approvalsNeeded":2,"approvals":0"#;
    check(&event(None), "hitl", &format!("{question},{terms}"));
    let measured = Some(Confidence::new(0.5));
    check(&event(measured), "hitl", &format!(r#"{question},"confidence":0.5,{terms}"#));
    let request = ApprovalRequest {
        preview: Some(Preview::text("a → b", "커밋 1개\n", Language::Korean)),
        ..asked
    };
    let previewed = Event::Hitl {
        request: Box::new(request),
        step_id: StepId::new("step_1"),
        confidence: None,
    };
    let preview = r#""preview":{"type":"text","title":"a → b","content":"커밋 1개\n"}"#;
    check(&previewed, "hitl", &format!("{question},{terms},{preview}"));
}

#[test]
fn content() {
    let event =
        |chunk| Event::Content { content: piece("안녕\n\"👋\""), chunk, metadata: json!({}) };
    let fields = r#""content":"안녕\n\"👋\"","chunk":true,"metadata":{}"#;
    check(&event(true), "content", fields);
    check(&event(false), "content", &fields.replace("true", "false"));
}

#[test]
fn notice() {
    let event = Event::Notice { content: piece("요청에 따라 작업을 취소했습니다.") };
    check(
        &event,
        "content",
        r#""content":"요청에 따라 작업을 취소했습니다.","chunk":false,"metadata":{"notice":true}"#,
    );
}

#[test]
fn error() {
    let event = Event::Error(ErrorEvent {
        error: "사용자 거절".into(),
        error_type: ErrorType::Rejection,
        code: ErrorCode::Forbidden,
        message: "사용자가 작업을 거절했습니다.".into(),
        retryable: false,
    });
    check(
        &event,
        "error",
        concat!(
            r#""error":"사용자 거절","errorType":"RejectionError","errorCode":"E2001","#,
            r#""message":"사용자가 작업을 거절했습니다.","retryable":false"#
        ),
    );
}

#[test]
fn an_error_before_there_is_a_session_says_so() {
    let error = ErrorEvent {
        error: "prompt: missing or blank".into(),
        error_type: ErrorType::Validation,
        code: ErrorCode::MissingField,
        message: Language::Korean.sentences().of_code(ErrorCode::MissingField).into(),
        retryable: false,
    };
    let expected = concat!(
        r#"{"version":"1.0","type":"error","timestamp":1706152860,"sessionId":null,"#,
        r#""error":"prompt: missing or blank","errorType":"ValidationError","errorCode":"E4001","#,
        r#""message":"필수 필드가 누락되었습니다.","retryable":false}"#
    );
    assert_eq!(error.payload(None, NOW), expected);
    check_event("error", &serde_json::from_str(expected).unwrap());
}

#[test]
fn failed() {
    let event = Event::Failed {
        message: "사용자 응답 지연으로 작업이 취소되었습니다".into(),
        error: "nobody answered".into(),
        error_type: ErrorType::Timeout,
        request_id: RequestId::new("req_0123456789abcdef"),
    };
    check(
        &event,
        "failed",
        concat!(
            r#""message":"사용자 응답 지연으로 작업이 취소되었습니다","error":"nobody answered","#,
            r#""errorType":"TimeoutError","requestId":"req_0123456789abcdef""#
        ),
    );
}

#[test]
fn end_of_every_status() {
    let statuses = [
        (EndStatus::Completed, "completed"),
        (EndStatus::Failed, "failed"),
        (EndStatus::Rejected, "rejected"),
        (EndStatus::Cancelled, "cancelled"),
    ];
    for (status, name) in statuses {
        let event = Event::End {
            message: "끝".into(),
            status,
            usage: Usage { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
            duration: Duration::from_millis(1234),
        };
        let fields = format!(
            r#""message":"끝","status":"{name}","usage":{{"promptTokens":10,"completionTokens":5,"totalTokens":15}},"durationMs":1234"#
        );
        check(&event, "end", &fields);
    }
}

#[test]
fn the_trailer_and_the_keep_alive() {
    assert_eq!(frame::done(EventId::new(1_706_152_860_124)), "id: 1706152860124\ndata: [DONE]\n\n");
    assert_eq!(frame::KEEP_ALIVE, ": keep-alive id:\n\n");
}

/// SSE knows CR, LF and CRLF as line breaks; readers that split text by lines (Python's among them)
/// also take U+0085, U+2028 and U+2029 for one. JSON can say all of them without a line break.
#[test]
fn nothing_that_anybody_takes_for_a_line_break_stands_in_a_payload() {
    let text: String = (0..=0x9f_u32)
        .chain([0x2028, 0x2029, 0xfeff, 0xfffd, 0x1_f600])
        .filter_map(char::from_u32)
        .collect();
    let event =
        Event::Content { content: piece(&text), chunk: true, metadata: json!({&text: &text}) };
    let payload = payload(&event);
    let breaks = |c: char| c < ' ' || ['\u{85}', '\u{2028}', '\u{2029}'].contains(&c);
    assert!(!payload.contains(breaks), "{payload:?}");
    let read: Value = serde_json::from_str(&payload).unwrap();
    assert_eq!(read["content"], text);
    assert_eq!(read["metadata"][&text], text);
}
