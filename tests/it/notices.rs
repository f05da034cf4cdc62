//! What a person learns who is shown nothing but `content`: that there is no answer (contract, 4.4).

use aura_platform::agent::State;
use aura_platform::domain::text::is_plain_line;
use aura_platform::sse::frame::{Form, of_entry};
use reqwest::Method;
use serde_json::{Value, json};

use crate::panics::panicked;
use crate::resume::{MAIL, mailing, request_of};
use crate::support::app::{Caller, Options, Server};
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::stream::{Frame, SseStream};

/// How a run is brought to its end.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// The model answers with 500.
    ModelFails,
    /// The model fails in the middle of its answer.
    ModelBreaksOff,
    /// The model's whole answer is blank.
    ModelSaysNothing,
    Rejected,
    TimedOut,
    CancelledWhileWaiting,
    CancelledAtWork,
}

impl Way {
    const ALL: [Self; 7] = [
        Self::ModelFails,
        Self::ModelBreaksOff,
        Self::ModelSaysNothing,
        Self::Rejected,
        Self::TimedOut,
        Self::CancelledWhileWaiting,
        Self::CancelledAtWork,
    ];

    fn reply(self) -> Reply {
        match self {
            Self::ModelFails => Reply::status(500),
            Self::ModelBreaksOff => Reply::stream().piece("반쯤").cut(),
            Self::ModelSaysNothing => Reply::text([" ", "\n"]),
            Self::CancelledAtWork => {
                Reply::stream().piece("반쯤").gate(&Gate::closed()).ends("stop")
            }
            Self::Rejected | Self::TimedOut | Self::CancelledWhileWaiting => mailing(),
        }
    }

    /// What of an answer is shown before the end.
    fn shown(self) -> &'static str {
        match self {
            Self::ModelBreaksOff | Self::CancelledAtWork => "반쯤",
            Self::ModelSaysNothing => " \n",
            Self::ModelFails | Self::Rejected | Self::TimedOut | Self::CancelledWhileWaiting => "",
        }
    }

    fn says(self) -> &'static str {
        match self {
            Self::ModelFails | Self::ModelBreaksOff | Self::ModelSaysNothing => {
                "작업을 마치지 못했습니다: "
            }
            Self::Rejected => {
                "승인이 거절되어 send_email 작업을 실행하지 않았습니다 (사유: 아니요)."
            }
            Self::TimedOut => "사용자 응답 지연으로 작업이 취소되었습니다.",
            Self::CancelledWhileWaiting | Self::CancelledAtWork => {
                "요청에 따라 작업을 취소했습니다."
            }
        }
    }

    async fn act(self, user: &Caller, stream: &mut SseStream) {
        let cancel = format!("/aura/sessions/{}/cancel", stream.session());
        match self {
            Self::ModelFails | Self::ModelBreaksOff | Self::ModelSaysNothing => {}
            Self::TimedOut => drop(stream.until("hitl").await),
            Self::Rejected => {
                let hitl = stream.until("hitl").await;
                user.reject(payload(&hitl)["requestId"].as_str().unwrap(), "아니요").await;
            }
            Self::CancelledWhileWaiting => {
                stream.until("hitl").await;
                user.post(&cancel, json!({})).await;
            }
            Self::CancelledAtWork => {
                stream.until("content").await;
                user.post(&cancel, json!({})).await;
            }
        }
        stream.to_done().await;
    }

    /// A server that brings its runs to this end, with a setting of its own.
    async fn server(self, model: &FakeModel, notices: bool) -> Server {
        let options = Options::default().model(model).set("AURA__STREAM__NOTICES", notices);
        let timeout = if matches!(self, Self::TimedOut) { 1 } else { 300 };
        Server::start(options.set("HITL_TIMEOUT_SECONDS", timeout)).await
    }
}

/// What the event says, in either form.
fn payload(frame: &Frame) -> &Value {
    match &frame.data["data"] {
        Value::Null => &frame.data,
        wrapped => wrapped,
    }
}

/// All that the overlay shows: the texts of `content`, in either form.
fn overlay<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> String {
    let events = frames.into_iter().filter(|frame| frame.data["type"] == "content");
    events.map(|frame| payload(frame)["content"].as_str().unwrap()).collect()
}

/// One notice, right before the reason and the end, in one sentence of its own.
fn check(frames: &[Frame], shown: &str, says: &str, what: &str) {
    let seen = overlay(frames);
    let notice = seen.strip_prefix(shown).unwrap_or_else(|| panic!("{what}: {seen:?}"));
    let between = if shown.is_empty() { "" } else { "\n\n" };
    assert!(notice.starts_with(&format!("{between}{says}")), "{what}: {seen:?}");
    let notices = frames.iter().filter(|frame| frame.is_notice()).count();
    assert_eq!(notices, 1, "{what}");
    let at = frames.iter().position(Frame::is_notice).unwrap();
    let after: Vec<&str> =
        frames[at + 1..].iter().filter_map(|frame| frame.event.as_deref()).collect();
    let ends = [&["end"][..], &["error", "end"], &["failed", "error", "end"]];
    assert!(ends.contains(&after.as_slice()), "{what}: {after:?}");
    assert_eq!(payload(&frames[at])["chunk"], false, "{what}");
    assert!(frames[at].raw.len() < 1024, "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_run_says_so_where_only_content_is_shown() {
    for way in Way::ALL {
        let model = FakeModel::always(way.reply()).await;
        let server = way.server(&model, true).await;
        let user = server.user();
        let mut flat = user.stream("메일").await;
        way.act(&user, &mut flat).await;
        check(&flat.frames, way.shown(), way.says(), &format!("{way:?}, POST"));
        assert_eq!(flat.answer(), way.shown(), "{way:?}: the notice is no part of the answer");
        let mut enveloped = SseStream::of(
            user.request(Method::GET, "/aura/test/stream?message=%EB%A9%94%EC%9D%BC")
                .send()
                .await
                .unwrap(),
        );
        way.act(&user, &mut enveloped).await;
        check(&enveloped.frames, way.shown(), way.says(), &format!("{way:?}, GET"));
    }
    for form in [Form::Flat, Form::Enveloped] {
        let entries = panicked().await;
        assert_eq!(State::fold(&entries).unwrap().answer(), "", "no more than when it is written");
        let frames = entries.iter().filter_map(|entry| of_entry(entry, form));
        let frames: Vec<Frame> =
            frames.map(|frame| Frame::parse(std::str::from_utf8(&frame).unwrap())).collect();
        check(&frames, "", "작업을 마치지 못했습니다: ", &format!("a panic, {form:?}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_notices_an_end_without_an_answer_shows_none() {
    for way in [Way::ModelFails, Way::Rejected] {
        let model = FakeModel::always(way.reply()).await;
        let server = way.server(&model, false).await;
        let user = server.user();
        let mut stream = user.stream("메일").await;
        way.act(&user, &mut stream).await;
        assert_eq!(overlay(&stream.frames), "", "{way:?}");
        assert_eq!(stream.all("error").len(), 1, "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_is_no_part_of_what_the_thread_remembers() {
    let model = FakeModel::scripted([
        Reply::stream().piece("먼저 ").call("call_a", "send_email", [MAIL]).ends("tool_calls"),
        Reply::text(["네."]),
    ])
    .await;
    let server = Server::start(Options::default().model(&model)).await;
    let user = server.user();
    let ask = |prompt: &str| json!({"prompt": prompt, "thread_id": "thread-7"});
    let mut first = user.stream_with(ask("메일을 보내줘")).await;
    Way::Rejected.act(&user, &mut first).await;
    assert_eq!(first.frames.iter().filter(|frame| frame.is_notice()).count(), 1);
    user.stream_with(ask("뭐라고 했지?")).await.to_done().await;
    let told = model.requests()[1].body["messages"].to_string();
    assert!(told.contains("먼저"), "{told}");
    assert!(!told.contains("실행하지 않았습니다"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_for_people_has_a_character_that_nobody_sees() {
    let arguments =
        json!({"to": ["kim@example.com"], "subject": "보고", "body": "끝\u{202e}kk\u{200b}"});
    let call = Reply::stream().call("call_a", "send_email", [arguments.to_string().as_str()]);
    let model = FakeModel::always(call.ends("tool_calls")).await;
    let server = Server::start(Options::default().model(&model)).await;
    let user = server.user();
    let mut stream = user.stream("메일").await;
    let hitl = stream.until("hitl").await;
    assert_eq!(hitl.data["context"]["body"], arguments["body"], "what is approved stays as it is");
    let preview = hitl.data["preview"]["content"].as_str().unwrap();
    assert!(preview.ends_with("끝\\u{202e}kk\\u{200b}"), "{preview:?}");
    user.reject(request_of(&hitl), "싫어요\u{202e}gpj\u{2800}").await;
    stream.to_done().await;
    let error = stream.all("error").pop().unwrap();
    assert_eq!(error.data["error"], "싫어요\\u{202e}gpj\\u{2800}");
    assert!(stream.frames.iter().all(|frame| !frame.raw.contains('\u{202e}')));
    let people = ["thought", "content", "error", "end", "plan_step", "plan_step_update"];
    for frame in stream
        .frames
        .iter()
        .filter(|frame| people.contains(&frame.event.as_deref().unwrap_or_default()))
    {
        let text = frame.data.to_string();
        assert!(text.split("\\n").all(is_plain_line), "{text:?}");
    }
}
