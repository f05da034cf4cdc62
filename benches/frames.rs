//! What it costs to turn an event into the bytes that clients read, in time per event and bytes
//! per second: the payload (JSON) and the frame around it.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]

use aura_platform::domain::event::{Piece, ToolExecution, ToolOutcome, ToolState};
use aura_platform::domain::{Event, EventId, SessionId, ToolCallId, UnixSeconds};
use aura_platform::sse::frame::{self, Form};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use std::hint::black_box;
use std::time::Duration;

const ID: EventId = EventId::new(1_706_152_860_123);
const NOW: UnixSeconds = UnixSeconds::new(1_706_152_860);

/// A word of an answer: by far the most frequent event.
fn content() -> Event {
    Event::Content { content: Piece::first_of("브랜치를 ").0, chunk: true, metadata: json!({}) }
}

/// A tool that has finished, with arguments and a result of ordinary size.
fn tool_execution() -> Event {
    let commits: Vec<_> = (0..10)
        .map(|n| json!({"id": format!("{n:040x}"), "author": "김철수", "subject": "Fix the build"}))
        .collect();
    let arguments = json!({"repository": "sample", "branch": "main", "limit": 10});
    let outcome = ToolOutcome::Success(json!({"branch": "main", "commits": commits}));
    Event::ToolExecution(ToolExecution {
        call_id: ToolCallId::new("call_1"),
        tool: "git_log".into(),
        arguments: arguments.as_object().cloned().unwrap_or_default(),
        requires_approval: false,
        state: ToolState::Ended { outcome, duration: Duration::from_millis(12) },
    })
}

fn frames(c: &mut Criterion) {
    let session = SessionId::new("session_user123_1706152860_0123456789abcdef");
    for (name, event) in [("content", content()), ("tool_execution", tool_execution())] {
        let payload = event.payload(&session, NOW);
        let kind = event.kind();
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(payload.len() as u64));
        group.bench_function("payload", |b| {
            b.iter(|| black_box(&event).payload(black_box(&session), NOW));
        });
        for (form, shape) in [("flat", Form::Flat), ("enveloped", Form::Enveloped)] {
            let frame = frame::event(ID, kind, &payload, shape);
            group.throughput(Throughput::Bytes(frame.len() as u64));
            group.bench_function(format!("frame, {form}"), |b| {
                b.iter(|| frame::event(ID, kind, black_box(&payload), shape));
            });
            group.bench_function(format!("payload and frame, {form}"), |b| {
                b.iter(|| {
                    let payload = black_box(&event).payload(&session, NOW);
                    frame::event(ID, kind, &payload, shape)
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, frames);
criterion_main!(benches);
