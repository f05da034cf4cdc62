//! The bytes on the wire (contract, section 4.1), read from the socket itself.

use std::process::Command;

use aura_platform::domain::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::support::app::{Options, Server};
use crate::support::model::{FakeModel, Reply, marked};
use crate::support::raw::{Chunk, Raw};
use crate::support::stream::SseStream;

const STREAM: &str = "POST /aura/test/stream";
const MAIL: &str = r#"{"to":["kim@example.com"],"subject":"보고","body":"끝"}"#;

async fn server_with(model: &FakeModel) -> Server {
    Server::start(Options::default().model(model)).await
}

fn prompt(text: &str) -> String {
    json!({ "prompt": text }).to_string()
}

/// The id, the event and the data of a frame; everything else in it is a mistake.
fn take_apart(frame: &str) -> (u64, Option<&str>, &str) {
    let lines: Vec<&str> = frame.strip_suffix("\n\n").unwrap().split('\n').collect();
    let id = lines[0].strip_prefix("id: ").unwrap().parse().unwrap();
    match lines[..] {
        [_, data] => (id, None, data.strip_prefix("data: ").unwrap()),
        [_, event, data] => {
            (id, Some(event.strip_prefix("event: ").unwrap()), data.strip_prefix("data: ").unwrap())
        }
        _ => panic!("not a frame: {frame:?}"),
    }
}

/// A model that repeats the last thing that it was told, in one piece.
async fn echo() -> FakeModel {
    FakeModel::answering(|body| {
        let last = body["messages"].as_array().unwrap().last().unwrap();
        Reply::text([last["content"].as_str().unwrap()])
    })
    .await
}

/// A whole stream as chunks.
async fn chunks(server: &Server, headers: &[&str], body: &str) -> Vec<String> {
    let mut raw = Raw::request(server, STREAM, headers, body).await;
    assert_eq!(raw.head().await.status(), 200);
    let (chunks, end) = raw.chunks().await;
    assert_eq!(end, Chunk::Last);
    chunks
}

/// The frames in a chunk, or in several.
fn frames(chunks: &[String]) -> Vec<String> {
    chunks.iter().flat_map(|chunk| chunk.split_inclusive("\n\n")).map(str::to_owned).collect()
}

fn answer(chunks: &[String]) -> String {
    let frames = frames(chunks);
    let frames = frames.iter().map(|frame| take_apart(frame));
    let pieces = frames.filter(|(_, event, _)| *event == Some("content")).map(|(_, _, data)| {
        let data: Value = serde_json::from_str(data).unwrap();
        data["content"].as_str().unwrap().to_owned()
    });
    pieces.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_head_says_exactly_what_the_contract_says() {
    let model = FakeModel::always(Reply::text(["네."])).await;
    let server = server_with(&model).await;
    let headers = ["Accept-Encoding: gzip, deflate, br, zstd", "X-Correlation-ID: corr-1"];
    let mut raw = Raw::request(&server, STREAM, &headers, &prompt("안녕")).await;
    let head = raw.head().await;
    assert_eq!(head.line, "HTTP/1.1 200 OK");
    let session = head.one("x-session-id").unwrap().to_owned();
    assert!(session.starts_with("session_user123_"), "{session}");
    assert!(head.one("date").is_some());
    let mut others: Vec<(&str, &str)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| !["date", "x-session-id"].contains(name))
        .collect();
    others.sort_unstable();
    let expected = [
        ("cache-control", "no-cache"),
        ("connection", "keep-alive"),
        ("content-type", "text/event-stream"),
        ("transfer-encoding", "chunked"),
        // `--dev` lets pages of this machine call; without `api.cors_origins` it is not there.
        ("vary", "Origin"),
        ("x-accel-buffering", "no"),
        ("x-correlation-id", "corr-1"),
    ];
    assert_eq!(others, expected, "and nothing is compressed, whatever the client could read");
    let (chunks, end) = raw.chunks().await;
    assert_eq!(end, Chunk::Last);
    let frames = frames(&chunks);
    for frame in &frames[..frames.len() - 1] {
        let (_, _, data) = take_apart(frame);
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["sessionId"], session);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_holds_whole_frames_and_the_trailer_is_the_last() {
    let model = FakeModel::scripted([
        Reply::stream().call("call_a", "git_status", ["{}"]).ends("tool_calls"),
        Reply::text(["저장소는 ", "깨끗", "합니다."]),
    ])
    .await;
    let server = server_with(&model).await;
    let before = SystemClock.now().get();
    let chunks = chunks(&server, &[], &prompt("상태")).await;
    let after = SystemClock.now().get();

    assert!(chunks.iter().all(|chunk| chunk.ends_with("\n\n")), "{chunks:#?}");
    let whole = frames(&chunks);
    let frames: Vec<_> = whole.iter().map(|frame| take_apart(frame)).collect();
    assert_eq!(frames[0].1, Some("start"));
    let (trailer, events) = frames.split_last().unwrap();
    assert_eq!((trailer.1, trailer.2), (None, "[DONE]"));
    assert_eq!(events.last().unwrap().1, Some("end"));
    assert!(frames.is_sorted_by(|a, b| a.0 < b.0), "ids must grow");
    // At first the clock in milliseconds; with one more for each event within a millisecond.
    let (first, last) = (frames[0].0, trailer.0);
    assert!((before..=after).contains(&first), "{before} {first} {after}");
    assert!(last <= after + frames.len() as u64, "{last} {after}");
    for (_, event, data) in events {
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["version"], "1.0");
        assert_eq!(data["type"], event.unwrap());
        let at = data["timestamp"].as_u64().unwrap();
        assert!((before / 1000..=after / 1000).contains(&at), "{data}");
    }
}

/// Contract, section 4.1: a client shows the question of a chunk and drops the rest of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_are_ready_together_share_a_write_and_a_question_is_the_last_of_its_own() {
    const WRITE_MAX: usize = 16 * 1024;
    let long = "가나다 ".repeat(3_000);
    let model = FakeModel::scripted([
        Reply::stream().call("call_a", "send_email", [MAIL]).ends("tool_calls"),
        Reply::text([long.as_str()]),
    ])
    .await;
    let server = server_with(&model).await;
    let user = server.user();
    let mut stream = user.stream("메일").await;
    let hitl = stream.until("hitl").await;
    user.approve(hitl.data["requestId"].as_str().unwrap()).await;
    stream.to_done().await;
    let replays = [
        format!("GET /aura/sessions/{}/stream", stream.session()),
        format!("GET /aura/test/stream?sessionId={}", stream.session()),
    ];
    for line in replays {
        let mut raw = Raw::request(&server, &line, &[], "").await;
        raw.head().await;
        let (chunks, end) = raw.chunks().await;
        assert_eq!((end, answer_in(&chunks).as_str()), (Chunk::Last, long.as_str()), "{line}");
        let sizes: Vec<usize> = chunks.iter().map(String::len).collect();
        assert!(sizes.iter().all(|size| *size <= WRITE_MAX), "{line}: {sizes:?}");
        let frames = frames(&chunks);
        assert!(chunks.len() * 5 < frames.len(), "{line}: {} of {}", chunks.len(), frames.len());
        let asking: Vec<&String> =
            chunks.iter().filter(|chunk| chunk.contains("\nevent: hitl\n")).collect();
        let [asking] = asking[..] else { panic!("{line}: {} questions", asking.len()) };
        let last = asking.split_inclusive("\n\n").last().unwrap();
        assert_eq!(take_apart(last).1, Some("hitl"), "{line}");
    }
}

/// The answer in either form.
fn answer_in(chunks: &[String]) -> String {
    let pieces = frames(chunks).into_iter().filter_map(|frame| {
        let (_, event, data) = take_apart(&frame);
        let data: Value = serde_json::from_str(data).ok().filter(|_| event == Some("content"))?;
        let payload = if data["data"].is_object() { &data["data"] } else { &data };
        Some(payload["content"].as_str()?.to_owned())
    });
    pieces.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_person_thinks_comments_keep_the_connection_alive() {
    let model = FakeModel::scripted([Reply::stream()
        .call("call_a", "send_email", [MAIL])
        .ends("tool_calls")])
    .await;
    let options = Options::default().model(&model).set("AURA__STREAM__KEEP_ALIVE_SECONDS", 1);
    let server = Server::start(options).await;
    let mut raw = Raw::request(&server, STREAM, &[], &prompt("메일")).await;
    raw.head().await;
    let mut keep_alives = 0;
    let mut asked = false;
    while keep_alives < 2 {
        match raw.chunk().await {
            Chunk::Data(data) if data.starts_with(':') => {
                assert_eq!(data, ": keep-alive id:\n\n");
                assert!(asked, "there is no silence before the question");
                keep_alives += 1;
            }
            Chunk::Data(data) => {
                let frames = frames(&[data]);
                asked |= frames.iter().any(|frame| take_apart(frame).1 == Some("hitl"));
            }
            end => panic!("{end:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_break_in_a_prompt_cannot_break_a_frame() {
    let model = echo().await;
    let server = server_with(&model).await;
    let texts = [
        "a\nb",
        "a\r\nb\rc",
        "\n\nevent: end\ndata: {}\n\n",
        "\r\n\r\nid: 1\r\ndata: [DONE]\r\n\r\n",
        "a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f",
        "\"quotes\" \\ and \\n and {\"json\": [1]}",
        "NUL \0, BEL \u{7}, DEL \u{7f}, BOM \u{feff}",
        "a\u{202e}b\u{2066}c\u{61c}d",
        "👋🏽 👨‍👩‍👧 é 한글 \u{10ffff}",
        ": keep-alive id:",
        "data: [DONE]",
    ];
    for text in texts {
        let chunks = chunks(&server, &[], &prompt(text)).await;
        assert_eq!(answer(&chunks), text, "{text:?}");
        let frames = frames(&chunks);
        let dones = frames.iter().filter(|frame| take_apart(frame).2 == "[DONE]").count();
        assert_eq!(dones, 1, "{text:?}");
        for chunk in &chunks {
            let breaks = |c: char| "\u{85}\u{2028}\u{2029}\r\0\u{202e}\u{2066}\u{61c}".contains(c);
            assert!(!chunk.contains(breaks), "{chunk:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_answer_comes_in_small_pieces_and_whole() {
    let model = echo().await;
    let server = server_with(&model).await;
    // Each is one delta of the model.
    let texts = [
        "x".repeat(10_000),
        "가나다".repeat(1_100),
        "👋".repeat(2_500),
        "\"\\\n".repeat(3_000),
        "\u{1}\u{2028}\u{202e}".repeat(1_500),
        "a한👋\"\u{7}".repeat(800),
    ];
    for text in texts {
        let chunks = chunks(&server, &[], &prompt(&text)).await;
        assert_eq!(answer(&chunks), text);
        let frames = frames(&chunks);
        let contents = frames.iter().filter(|frame| take_apart(frame).1 == Some("content"));
        for frame in contents {
            assert!(frame.len() < 1024, "{} bytes: {frame}", frame.len());
            let data: Value = serde_json::from_str(take_apart(frame).2).unwrap();
            assert_eq!(data["chunk"], true);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_result_is_cut_in_the_event_and_not_for_the_model() {
    let model = FakeModel::scripted([
        Reply::stream()
            .call("call_a", "git_show_file", [r#"{"path":"long.txt"}"#])
            .ends("tool_calls"),
        Reply::text(["읽었습니다."]),
    ])
    .await;
    let server = server_with(&model).await;
    let line = "한 줄의 글 \"그리고\" 따옴표\n";
    std::fs::write(server.workspace().join("long.txt"), line.repeat(400)).unwrap();
    for arguments in [
        &["add", "long.txt"][..],
        &["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-m", "long"],
    ] {
        let done =
            Command::new("git").arg("-C").arg(server.workspace()).args(arguments).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }
    let mut stream = server.user().stream("long.txt를 읽어줘").await;
    stream.to_done().await;
    let done = stream.all("tool_execution").pop().unwrap();
    assert_eq!(done.data["status"], "success", "{}", done.data);
    let whole = marked(model.requests()[1].message(-1)).1.to_owned();
    assert!(whole.len() > 8 * 1024, "{}", whole.len());
    assert_eq!(done.data["resultBytes"], whole.len());
    let shown = done.data["result"].as_str().unwrap();
    assert!(whole.starts_with(shown), "the beginning of the result's JSON");
    assert!(shown.len() <= 8 * 1024 && shown.len() > 8 * 1024 - 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_get_form_wraps_the_very_same_payloads() {
    let model = FakeModel::scripted([
        Reply::stream().call("call_a", "git_status", ["{}"]).ends("tool_calls"),
        Reply::text(["깨끗합니다."]),
    ])
    .await;
    let server = server_with(&model).await;
    let line = "GET /aura/test/stream?message=%EC%83%81%ED%83%9C";
    let mut raw = Raw::request(&server, line, &["Accept-Encoding: gzip"], "").await;
    let head = raw.head().await;
    assert_eq!(head.one("content-type"), Some("text/event-stream"));
    assert_eq!(head.one("content-encoding"), None);
    let (enveloped, end) = raw.chunks().await;
    assert_eq!(end, Chunk::Last);

    // The same session read in the flat form.
    let line = format!("GET /aura/sessions/{}/stream", head.one("x-session-id").unwrap());
    let mut raw = Raw::request(&server, &line, &[], "").await;
    raw.head().await;
    let (flat, _) = raw.chunks().await;
    let wrapped: Vec<String> = frames(&flat)
        .iter()
        .map(|frame| match take_apart(frame) {
            (_, None, _) => frame.clone(),
            (id, Some(event), data) => format!(
                "id: {id}\nevent: {event}\ndata: {{\"type\":\"{event}\",\"data\":{data}}}\n\n"
            ),
        })
        .collect();
    assert_eq!(frames(&enveloped), wrapped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_client_without_chunks_reads_to_the_end_of_the_connection() {
    let model = FakeModel::always(Reply::text(["네."])).await;
    let server = server_with(&model).await;
    let whole = {
        let mut stream = server.user().stream("안녕").await;
        stream.to_done().await;
        stream
    };
    let mut raw = Raw::connect(&server).await;
    let line = format!("GET /aura/sessions/{}/stream", whole.session());
    let head = crate::support::raw::head(&line, &[], None).replace("HTTP/1.1", "HTTP/1.0");
    raw.send(head).await;
    let head = raw.head().await;
    assert_eq!(head.status(), 200);
    assert_eq!(head.one("transfer-encoding"), None);
    assert_eq!(raw.rest().await, whole.bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_before_the_stream_is_one_event_and_a_trailer() {
    let server = Server::embedded().await;
    let mut raw = Raw::request(&server, STREAM, &[], "{}").await;
    let head = raw.head().await;
    assert_eq!(head.line, "HTTP/1.1 400 Bad Request");
    assert_eq!(head.one("content-type"), Some("text/event-stream"));
    let length = head.one("content-length").unwrap().parse().unwrap();
    let body = raw.body(length).await;
    let (error, trailer) = body.split_at(body.find("\n\n").unwrap() + 2);
    let (id, event, data) = take_apart(error);
    assert_eq!(event, Some("error"));
    let at = serde_json::from_str::<Value>(data).unwrap()["timestamp"].as_u64().unwrap();
    assert_eq!(
        data,
        format!(
            r#"{{"version":"1.0","type":"error","timestamp":{at},"sessionId":null,"error":"prompt: missing or blank","errorType":"ValidationError","errorCode":"E4001","message":"필수 필드가 누락되었습니다.","retryable":false}}"#
        )
    );
    assert_eq!(take_apart(trailer), (id + 1, None, "[DONE]"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parser_of_the_standard_reads_the_same() {
    use futures::StreamExt;
    let model = echo().await;
    let server = server_with(&model).await;
    let text = "a\nb\r\n\"c\"\u{2028}👋".repeat(50);
    let response = server.user().post_stream(json!({ "prompt": text })).send().await.unwrap();
    let mut read = sse_stream::SseStream::from_bytes_stream(response.bytes_stream());
    let (mut said, mut last) = (String::new(), None);
    while let Some(event) = read.next().await {
        let event = event.unwrap();
        assert!(event.id.is_some());
        if event.event.as_deref() == Some("content") {
            let data: Value = serde_json::from_str(event.data.as_deref().unwrap()).unwrap();
            said.push_str(data["content"].as_str().unwrap());
        }
        last = event.data;
    }
    assert_eq!(said, text);
    assert_eq!(last.as_deref(), Some("[DONE]"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_never_cached_or_buffered_however_it_is_joined() {
    let model = FakeModel::always(Reply::text(["네."])).await;
    let server = server_with(&model).await;
    let mut first = server.user().stream("안녕").await;
    first.to_done().await;
    let joined: Vec<SseStream> = vec![
        server.user().resume(&first.session(), None).await,
        server.user().stream_with(json!({"sessionId": first.session()})).await,
    ];
    for stream in joined {
        assert_eq!(stream.session(), first.session());
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-cache"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(stream.headers[name], value);
        }
    }
}

/// Whatever the arguments are, also of the question; what it leaves out is in the stored request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_do_not_grow_with_a_calls_arguments() {
    let body = "본문 ".repeat(6_000);
    let mail = json!({"to": ["kim@example.com"], "subject": "보고", "body": body}).to_string();
    let path = json!({"path": "x".repeat(40_000), "y": vec!["z"; 9_000]}).to_string();
    let model = FakeModel::scripted([
        Reply::stream().call("call_a", "git_show_file", [path.as_str()]).ends("tool_calls"),
        Reply::stream().call("call_b", &"made_up".repeat(6_000), ["{}"]).ends("tool_calls"),
        Reply::stream().call("call_c", "send_email", [mail.as_str()]).ends("tool_calls"),
        Reply::text(["보냈습니다."]),
    ])
    .await;
    let server = server_with(&model).await;
    let user = server.user();
    let mut stream = user.stream("메일").await;
    let hitl = stream.until("hitl").await;
    assert_eq!(hitl.data["contextBytes"], mail.len());
    assert_eq!(hitl.data["context"]["subject"], "보고", "what is short is shown as it is");
    let id = hitl.data["requestId"].as_str().unwrap();
    let stored = user.get(&format!("/aura/hitl/requests/{id}")).await;
    let stored: Value = serde_json::from_str(stored.data().as_str().unwrap()).unwrap();
    assert_eq!(stored["context"]["body"], body, "whole");
    // Who edits what the event shows would send a part of the mail.
    let cut =
        user.post(&format!("/aura/hitl/approve/{id}"), json!({"args": hitl.data["params"]})).await;
    assert_eq!(cut.status, 400, "{cut:?}");
    assert_eq!(user.approve(id).await.status, 200);
    stream.to_done().await;
    for (kind, most) in [("plan_step", 4), ("thought", 2), ("tool_execution", 16), ("hitl", 16)] {
        for frame in stream.all(kind) {
            assert!(
                frame.raw.len() <= most * 1024,
                "{} bytes: {:.300}",
                frame.raw.len(),
                frame.raw
            );
        }
    }
    let calls = stream.all("tool_execution");
    let sent = calls.iter().find(|call| call.data["toolName"] == "send_email").unwrap();
    assert_eq!(sent.data["toolArgs"]["subject"], "보고", "what is short is shown as it is");
    let told: usize = sent.data["toolArgsBytes"].as_u64().unwrap().try_into().unwrap();
    assert_eq!(told, mail.len());
    assert_eq!(sent.data["toolArgs"], sent.data["params"]);
}
