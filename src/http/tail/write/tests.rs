use bytes::Bytes;

use super::*;
use crate::domain::{Entry, EventId};

fn frame(id: u64, kind: &str, payload_bytes: usize) -> RecentFrame {
    let payload = Bytes::from(vec![b'x'; payload_bytes]);
    let shown = Some(Shown::Event { kind: kind.into(), payload });
    RecentFrame::of_entry(&Entry { id: EventId::new(id), shown, record: None }).unwrap()
}

fn trailer(id: u64) -> RecentFrame {
    let entry = Entry { id: EventId::new(id), shown: Some(Shown::Done), record: None };
    RecentFrame::of_entry(&entry).unwrap()
}

/// All writes of these frames.
fn writes(frames: &[RecentFrame], form: Form) -> Vec<Write> {
    let mut ready: Vec<RecentFrame> = frames.iter().rev().cloned().collect();
    std::iter::from_fn(|| Write::next_of(&mut ready, form)).collect()
}

/// How many frames are in each write; together they are all frames, in their order.
fn counts(frames: &[RecentFrame], form: Form) -> Vec<usize> {
    let writes = writes(frames, form);
    let whole: Vec<u8> = writes.iter().flat_map(|write| write.bytes.to_vec()).collect();
    let expected: Vec<u8> = frames.iter().flat_map(|frame| frame.frame(form).to_vec()).collect();
    assert_eq!(whole, expected);
    let ids = |write: &Write| write.bytes.windows(4).filter(|window| window == b"id: ").count();
    writes.iter().map(ids).collect()
}

#[test]
fn frames_that_are_ready_together_share_a_write_up_to_its_limit() {
    let small: Vec<RecentFrame> = (1..=100).map(|id| frame(id, "content", 400)).collect();
    for form in [Form::Flat, Form::Enveloped] {
        let writes = writes(&small, form);
        assert!(writes.iter().all(|write| write.bytes.len() <= WRITE_MAX));
        let room = |write: &Write| WRITE_MAX - write.bytes.len();
        let (_, full) = writes.split_last().unwrap();
        assert!(full.iter().all(|write| room(write) < 500), "no room is left for another");
        assert!(counts(&small, form)[0] > 30);
    }
}

#[test]
fn a_frame_alone_is_not_copied() {
    let alone = frame(1, "content", 10);
    let bytes = writes(std::slice::from_ref(&alone), Form::Flat)[0].bytes.clone();
    assert_eq!(bytes.as_ptr(), alone.flat.as_ptr());
}

#[test]
fn a_frame_over_the_limit_goes_alone() {
    let frames = [frame(1, "content", 10), frame(2, "content", WRITE_MAX), frame(3, "content", 10)];
    assert_eq!(counts(&frames, Form::Flat), [1, 1, 1]);
}

#[test]
fn a_question_is_the_last_frame_of_its_write() {
    let frames = [
        frame(1, "tool_execution", 10),
        frame(2, "hitl", 10),
        frame(3, "hitl", 10),
        frame(4, "thought", 10),
        trailer(5),
    ];
    for form in [Form::Flat, Form::Enveloped] {
        assert_eq!(counts(&frames, form), [2, 1, 2]);
        let ends: Vec<bool> = writes(&frames, form).iter().map(|write| write.is_end).collect();
        assert_eq!(ends, [false, false, true]);
    }
}

#[test]
fn the_connection_writes_before_it_gets_what_may_not_share_a_write() {
    let [question, small] =
        ["hitl", "thought"].map(|kind| writes(&[frame(1, kind, 10)], Form::Flat));
    let large = writes(&[frame(1, "content", WRITE_MAX - 50)], Form::Flat);
    let mut unwritten = Unwritten::default();
    assert!(!unwritten.goes_before(&large[0]), "there is nothing to write");
    unwritten.add(&small[0]);
    assert!(!unwritten.goes_before(&small[0]));
    assert!(unwritten.goes_before(&large[0]));
    unwritten.add(&question[0]);
    assert!(unwritten.goes_before(&small[0]));
}
