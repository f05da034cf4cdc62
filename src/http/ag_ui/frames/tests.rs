use serde_json::json;

use super::*;
use crate::domain::{Entry, RequestId, ThreadId};

/// A journal with a question in it, as readers get it: the next entry last.
fn journal() -> Vec<RecentFrame> {
    let asked = json!({
        "type": "hitl", "requestId": "req_1", "message": "?", "context": {}, "expiresAt": 1, "timestamp": 4,
    });
    let call = |status: &str| {
        json!({
            "type": "tool_execution", "toolCallId": "c", "toolName": "t", "toolArgs": {}, "status": status,
            "result": "r",
        })
    };
    let payloads = [
        json!({"type": "start", "message": "", "threadId": "t", "model": "m", "timestamp": 1}),
        json!({"type": "thought", "thoughtType": "analysis", "content": "a"}),
        json!({"type": "timeline_step_update", "stepId": "s", "title": "", "status": "pending"}),
        json!({"type": "content", "content": "x", "chunk": true, "metadata": {}}),
        call("pending"),
        asked,
        json!({"type": "thought", "thoughtType": "decision", "content": "b"}),
        call("success"),
        json!({"type": "content", "content": "y", "chunk": true, "metadata": {}}),
        json!({"type": "end", "message": "", "status": "completed"}),
    ];
    let frame = |(id, payload): (u64, serde_json::Value)| {
        let kind = payload["type"].as_str().unwrap().into();
        let shown = Some(Shown::Event { kind, payload: payload.to_string().into() });
        RecentFrame::of_entry(&Entry { id: EventId::new(id), shown, record: None }).unwrap()
    };
    let mut frames: Vec<RecentFrame> = (10..).zip(payloads).map(frame).collect();
    let done = Entry { id: EventId::new(99), shown: Some(Shown::Done), record: None };
    frames.extend(RecentFrame::of_entry(&done));
    frames.reverse();
    frames
}

/// All bytes of a run behind these.
fn read(after: &[&str], seen: Option<Seen>) -> String {
    let after = after.iter().map(RequestId::new).collect();
    let wanted = WantedRun { thread: ThreadId::new("t"), run: "r".to_owned(), after };
    let mut frames = Frames::new(&SessionId::new("session_1"), wanted, seen);
    let (mut ready, mut all) = (journal(), String::new());
    while let Some(write) = frames.next_of(&mut ready) {
        all.push_str(std::str::from_utf8(&write.bytes).unwrap());
        if write == Write::last(write.bytes.clone()) {
            return all;
        }
    }
    panic!("the run has no end: {all}");
}

fn split(all: &str) -> Vec<&str> {
    all.split_inclusive("\n\n").collect()
}

fn id(frame: &str) -> &str {
    frame.strip_prefix("id: ").unwrap().lines().next().unwrap()
}

#[test]
fn wherever_a_client_is_it_gets_the_rest_and_nothing_twice() {
    for after in [&[][..], &["req_1"]] {
        let all = read(after, None);
        let frames = split(&all);
        assert!(frames.len() > 8, "{all}");
        for (cut, frame) in frames.iter().enumerate() {
            let rest = read(after, Seen::parse(id(frame)));
            let expected = frames[cut + 1..].concat();
            let expected =
                if expected.is_empty() { ": keep-alive id:\n\n".to_owned() } else { expected };
            assert_eq!(rest, expected, "after {}", id(frame));
        }
    }
}

#[test]
fn an_event_of_several_frames_has_its_id_in_the_last_of_them() {
    let all = read(&[], None);
    let ids: Vec<&str> = split(&all).into_iter().map(id).collect();
    let expected = [
        "10", "11.1", "11.2", "11.3", "11.4", "11", "13.1", "13", "14.1", "14.2", "14.3", "14",
        "15",
    ];
    assert_eq!(ids, expected);
}

#[test]
fn the_end_of_one_run_is_not_taken_for_a_place_in_the_next() {
    let whole = read(&["req_1"], None);
    assert!(whole.starts_with("id: 15.1\ndata: {\"type\":\"RUN_STARTED\""), "{whole}");
    assert_eq!(read(&["req_1"], Seen::parse("15")), whole);
    assert_eq!(read(&["req_1"], Seen::parse("3")), whole);
}

#[test]
fn only_ids_of_ours_are_places() {
    for text in ["", "x", "1.x", "1.", ".1", "1.2.3", "-1", "1.-1", "18446744073709551616"] {
        assert_eq!(Seen::parse(text), None, "{text:?}");
    }
    assert!(Seen::parse("17.2") < Seen::parse("17") && Seen::parse("17") < Seen::parse("18.1"));
}
