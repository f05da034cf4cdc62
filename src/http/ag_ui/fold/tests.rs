use serde_json::{Value, json};

use super::*;
use crate::domain::event::told::Told;

const SESSION: &str = "session_1";

fn told(payload: &Value) -> ToldEvent {
    Told::read(payload.to_string().as_bytes()).unwrap().event
}

fn fold(after: &[&str]) -> Fold {
    let after = after.iter().map(RequestId::new).collect();
    let wanted = WantedRun { thread: ThreadId::new("t"), run: "r".to_owned(), after };
    Fold::new(&SessionId::new(SESSION), wanted)
}

/// What these events come to, one line each: the type, and what tells it from others.
fn lines(fold: &mut Fold, events: &[Value]) -> Vec<String> {
    let rendered = events.iter().flat_map(|event| fold.take(&told(event), 0).events);
    rendered.map(|event| line(&serde_json::to_value(event).unwrap())).collect()
}

fn line(event: &Value) -> String {
    let fields =
        ["messageId", "toolCallId", "stepName", "name", "delta", "content", "code", "message"];
    let texts = fields.iter().filter_map(|field| event[field].as_str());
    let outcome = event["outcome"]["type"].as_str();
    let words = [event["type"].as_str().unwrap()].into_iter().chain(texts).chain(outcome);
    words.collect::<Vec<_>>().join(" ").replace(&format!("{SESSION}:"), "")
}

fn start() -> Value {
    json!({"type": "start", "message": "", "threadId": "t", "model": "m"})
}

fn content(text: &str) -> Value {
    json!({"type": "content", "content": text, "chunk": true, "metadata": {}})
}

fn thought(kind: &str, text: &str) -> Value {
    json!({"type": "thought", "thoughtType": kind, "content": text, "sources": []})
}

fn call(status: &str, arguments: &Value) -> Value {
    json!({
        "type": "tool_execution", "toolCallId": "call_1", "toolName": "send_email", "toolArgs": arguments,
        "status": status, "result": {"sent": true}, "error": null, "durationMs": 1,
    })
}

fn step(status: &str) -> Value {
    json!({
        "type": "plan_step", "stepId": "s1", "title": "send", "description": "", "status": status,
        "confidence": 0.9, "order": 1,
    })
}

fn hitl(id: &str) -> Value {
    json!({
        "type": "hitl", "requestId": id, "actionType": "send_email", "message": "Send?",
        "context": {"to": ["a@b.co"]}, "expiresAt": 1_706_153_160, "approvers": "tenant",
        "approvalsNeeded": 1, "approvals": 0,
    })
}

fn end(status: &str) -> Value {
    json!({
        "type": "end", "message": "over", "status": status, "durationMs": 1,
        "usage": {"promptTokens": 3, "completionTokens": 4, "totalTokens": 7},
    })
}

fn moved(status: &str) -> Value {
    json!({"type": "plan_step_update", "stepId": "s1", "status": status, "progress": 1.0, "confidence": 0.9})
}

#[test]
fn an_answer_is_one_message_and_a_thought_in_pieces_one_line_of_reasoning() {
    let events = [
        start(),
        thought("reasoning", "a"),
        thought("reasoning", "b"),
        content("x"),
        content("y"),
        thought("reflection", "z"),
        end("completed"),
    ];
    let expected = [
        "RUN_STARTED",
        "REASONING_START 1",
        "REASONING_MESSAGE_START 1",
        "REASONING_MESSAGE_CONTENT 1 a",
        "REASONING_MESSAGE_CONTENT 1 b",
        "REASONING_MESSAGE_END 1",
        "REASONING_END 1",
        "TEXT_MESSAGE_START 2",
        "TEXT_MESSAGE_CONTENT 2 x",
        "TEXT_MESSAGE_CONTENT 2 y",
        "TEXT_MESSAGE_END 2",
        "REASONING_START 3",
        "REASONING_MESSAGE_START 3",
        "REASONING_MESSAGE_CONTENT 3 z",
        "REASONING_MESSAGE_END 3",
        "REASONING_END 3",
        "RUN_FINISHED success",
    ];
    assert_eq!(lines(&mut fold(&[]), &events), expected);
}

#[test]
fn an_approval_is_two_runs_and_the_call_is_told_once() {
    let arguments = json!({"to": ["a@b.co"]});
    let before =
        [start(), step("in_progress"), content("x"), call("pending", &arguments), hitl("req_1")];
    let after = [
        thought("decision", "ok"),
        call("running", &arguments),
        call("success", &arguments),
        moved("completed"),
        content("y"),
        end("completed"),
    ];
    let mut first = fold(&[]);
    let expected = [
        "RUN_STARTED",
        "ACTIVITY_SNAPSHOT plan",
        "STEP_STARTED 1. send",
        "TEXT_MESSAGE_START 1",
        "TEXT_MESSAGE_CONTENT 1 x",
        "TEXT_MESSAGE_END 1",
        "TOOL_CALL_START call_1",
        "TOOL_CALL_ARGS call_1 {\"to\":[\"a@b.co\"]}",
        "TOOL_CALL_END call_1",
        "STEP_FINISHED 1. send",
        "RUN_FINISHED interrupt",
    ];
    assert_eq!(lines(&mut first, &before), expected);
    assert!(first.is_over());
    assert_eq!(lines(&mut first, &after), Vec::<String>::new(), "nothing follows a run's end");

    let mut second = fold(&["req_1"]);
    assert_eq!(lines(&mut second, &before), ["RUN_STARTED", "STEP_STARTED 1. send"]);
    let expected = [
        "REASONING_START 2",
        "REASONING_MESSAGE_START 2",
        "REASONING_MESSAGE_CONTENT 2 ok",
        "REASONING_MESSAGE_END 2",
        "REASONING_END 2",
        "TOOL_CALL_RESULT call_1:result call_1 {\"sent\":true}",
        "ACTIVITY_SNAPSHOT plan",
        "STEP_FINISHED 1. send",
        "TEXT_MESSAGE_START 3",
        "TEXT_MESSAGE_CONTENT 3 y",
        "TEXT_MESSAGE_END 3",
        "RUN_FINISHED success",
    ];
    assert_eq!(lines(&mut second, &after), expected);
}

#[test]
fn an_interrupt_says_what_is_asked_about_what_and_until_when() {
    let mut fold = fold(&[]);
    let _ = fold.take(&told(&call("pending", &json!({}))), 0);
    let events = fold.take(&told(&hitl("req_1")), 0).events;
    let finished = serde_json::to_value(events.last().unwrap()).unwrap();
    let interrupt = &finished["outcome"]["interrupts"][0];
    for (field, expected) in [
        ("id", json!("req_1")),
        ("reason", json!("tool_call")),
        ("message", json!("Send?")),
        ("toolCallId", json!("session_1:call_1")),
        ("expiresAt", json!("2024-01-25T03:26:00Z")),
    ] {
        assert_eq!(interrupt[field], expected, "{field}");
    }
    assert_eq!(interrupt["metadata"]["aura"]["arguments"], json!({"to": ["a@b.co"]}));
    assert_eq!(interrupt["responseSchema"]["required"], json!(["approved"]));
}

#[test]
fn changed_arguments_are_told_and_the_call_is_not_told_anew() {
    let mut fold = fold(&[]);
    let _ = lines(&mut fold, &[start(), call("pending", &json!({"a": 1}))]);
    let changed = lines(&mut fold, &[call("running", &json!({"a": 2}))]);
    assert_eq!(changed, ["CUSTOM aura.arguments_changed"]);
}

#[test]
fn a_model_that_uses_the_id_of_a_call_again_makes_another_call() {
    let mut fold = fold(&[]);
    let _ = lines(&mut fold, &[start(), call("running", &json!({})), call("success", &json!({}))]);
    let again = lines(&mut fold, &[call("running", &json!({}))]);
    assert_eq!(again[0], "TOOL_CALL_START call_1:1");
}

#[test]
fn however_a_run_ends_the_protocol_has_a_word_for_it() {
    let error = json!({
        "type": "error", "error": "no model", "errorType": "ModelError", "errorCode": "E5000",
        "message": "", "retryable": true,
    });
    for (status, expected) in [
        ("completed", "RUN_FINISHED success"),
        ("rejected", "RUN_FINISHED cancelled"),
        ("cancelled", "RUN_FINISHED cancelled"),
        ("failed", "RUN_ERROR E5000 no model"),
    ] {
        let mut fold = fold(&[]);
        let lines = lines(&mut fold, &[start(), content("x"), error.clone(), end(status)]);
        assert_eq!(lines.last().unwrap(), expected);
        assert_eq!(lines[lines.len() - 2], "TEXT_MESSAGE_END 1", "{status}");
        assert!(fold.is_over());
    }
}

#[test]
fn a_failed_or_cancelled_call_says_why_in_its_result() {
    let mut fold = fold(&[]);
    let mut failed = call("failed", &json!({}));
    failed["error"] = json!("no such host");
    let lines = lines(&mut fold, &[start(), failed]);
    let expected =
        r#"TOOL_CALL_RESULT call_1:result call_1 {"status":"failed","error":"no such host"}"#;
    assert_eq!(lines.last().unwrap(), expected);
}

#[test]
fn a_run_that_goes_on_from_what_was_never_asked_is_an_error() {
    let mut fold = fold(&["req_2"]);
    let lines = lines(&mut fold, &[start(), hitl("req_1"), end("completed")]);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("RUN_ERROR E1004"), "{lines:?}");
}

#[test]
fn a_run_that_answers_two_questions_begins_behind_the_later_one() {
    let mut fold = fold(&["req_1", "req_2"]);
    assert_eq!(lines(&mut fold, &[start(), hitl("req_1")]), Vec::<String>::new());
    assert_eq!(lines(&mut fold, &[hitl("req_2")]), ["RUN_STARTED"]);
}

/// The ids of the interrupts that a run ends with.
fn interrupts(events: &[Event]) -> Vec<String> {
    let Some(Event::RunFinished { outcome: Outcome::Interrupt { interrupts }, .. }) = events.last()
    else {
        panic!("{events:?}")
    };
    interrupts.iter().map(|interrupt| interrupt.id.clone()).collect()
}

#[test]
fn questions_that_are_asked_together_end_a_run_together() {
    let together = |fold: &mut Fold| {
        assert_eq!(fold.take(&told(&hitl("req_1")), 1).events, []);
        assert!(!fold.is_over());
        fold.take(&told(&hitl("req_2")), 0)
    };
    let mut first = fold(&[]);
    assert_eq!(interrupts(&together(&mut first).events), ["req_1", "req_2"]);
    assert!(first.is_over());
    let mut second = fold(&["req_1", "req_2"]);
    assert!(together(&mut second).is_beginning);
    // Only the first was answered: the other one is still open.
    let mut half = fold(&["req_1"]);
    assert!(half.take(&told(&hitl("req_1")), 1).is_beginning);
    assert_eq!(interrupts(&half.take(&told(&hitl("req_2")), 0).events), ["req_2"]);
    assert!(half.is_over());
}
