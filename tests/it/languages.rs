//! The language of what people read (contract, section 4.2): chosen when a run starts, kept with the run.

use reqwest::StatusCode;
use serde_json::json;

use crate::resume::request_of;
use crate::support::app::{Caller, Options, Server};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::redis::RedisServer;
use crate::support::stream::{Frame, SseStream};

const PROMPT: &str = "Tell Kim by mail";
const MAIL: &str = r#"{"to":["kim@example.com"],"subject":"Report","body":"Done."}"#;

fn mailing() -> Reply {
    Reply::stream().call("call_a", "send_email", [MAIL]).ends("tool_calls")
}

fn in_english() -> Options {
    Options::default().set("AURA__AGENT__LANGUAGE", "en")
}

fn has_hangul(text: &str) -> bool {
    text.chars().any(|c| ('\u{ac00}'..='\u{d7a3}').contains(&c))
}

fn assert_english(stream: &SseStream) {
    for frame in &stream.frames {
        assert!(!has_hangul(&frame.raw), "{}", frame.raw);
    }
}

/// What a frame says to people, in the order of its fields.
fn said(frame: &Frame) -> Vec<String> {
    let fields = ["title", "description", "message", "content"];
    let texts = fields.iter().filter_map(|field| frame.data[*field].as_str());
    let event = frame.event.as_deref().unwrap_or("[DONE]");
    texts.map(|text| format!("{event}: {text}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approved_call_is_told_in_english_from_the_start_to_the_end() {
    let model = FakeModel::scripted([mailing(), Reply::text(["Sent", "."])]).await;
    let server = Server::start(in_english().model(&model)).await;
    let user = server.user();
    let mut stream = user.stream(PROMPT).await;
    let hitl = stream.until("hitl").await;
    assert_eq!(user.approve(request_of(&hitl)).await.status, StatusCode::OK);
    stream.to_done().await;
    assert_english(&stream);
    assert_eq!(hitl.data["preview"]["title"], "Report");
    let preview = "To: kim@example.com\nSubject: Report\n\nDone.";
    assert_eq!(hitl.data["preview"]["content"], preview);
    let said: Vec<String> = stream
        .frames
        .iter()
        .filter(|frame| !frame.is("plan_step_update") && !frame.is("timeline_step_update"))
        .flat_map(said)
        .collect();
    let question = "(Dry run: nothing is really sent) Send an email? To: kim@example.com, \
                    subject: \"Report\"";
    let expected = [
        "start: Started working on your request.".to_owned(),
        "thought: Analyzing your request. No screen information: going by the request alone".into(),
        "thought: Using these tools: send_email".into(),
        "plan_step: Run send_email".into(),
        format!("plan_step: {question}"),
        format!("plan_step: {question}"),
        format!("hitl: {question}"),
        "thought: user123 approved. Carrying it out.".into(),
        "plan_step: Write the answer".into(),
        "plan_step: Answering from the results of 1 tool call.".into(),
        "plan_step: Answering from the results of 1 tool call.".into(),
        "content: Sent".into(),
        "content: .".into(),
        "thought: 1 tool call succeeded, and the answer uses the results.".into(),
        "end: The task is complete.".into(),
    ];
    assert_eq!(said, expected);
}

/// How a run is brought to another end than an answer, and what its notice then says.
#[derive(Clone, Copy, Debug)]
enum Way {
    ModelFails,
    Rejected,
    TimedOut,
    Cancelled,
    CancelledAtWork,
}

impl Way {
    const ALL: [Self; 5] =
        [Self::ModelFails, Self::Rejected, Self::TimedOut, Self::Cancelled, Self::CancelledAtWork];

    fn reply(self) -> Reply {
        match self {
            Self::ModelFails => Reply::status(500),
            Self::CancelledAtWork => {
                Reply::stream().piece("half").gate(&Gate::closed()).ends("stop")
            }
            Self::Rejected | Self::TimedOut | Self::Cancelled => mailing(),
        }
    }

    fn notice(self) -> &'static str {
        match self {
            Self::ModelFails => "The task could not be finished: An external service failed.",
            Self::Rejected => "Approval was denied, so send_email was not run (reason: not today).",
            Self::TimedOut => "The task was cancelled because nobody responded in time.",
            Self::Cancelled => "The task was cancelled as requested.",
            Self::CancelledAtWork => "\n\nThe task was cancelled as requested.",
        }
    }
}

/// Does what leads to that end.
async fn bring_to_its_end(way: Way, user: &Caller, stream: &mut SseStream) {
    match way {
        Way::ModelFails => {}
        Way::TimedOut => drop(stream.until("hitl").await),
        Way::Rejected => {
            let hitl = stream.until("hitl").await;
            user.reject(request_of(&hitl), "not today").await;
        }
        Way::Cancelled | Way::CancelledAtWork => {
            let seen = if matches!(way, Way::Cancelled) { "hitl" } else { "content" };
            stream.until(seen).await;
            let path = format!("/aura/sessions/{}/cancel", stream.session());
            user.post(&path, json!({})).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_other_end_is_told_in_english_too() {
    for way in Way::ALL {
        let model = FakeModel::scripted([way.reply()]).await;
        let options = in_english().model(&model).set("AURA__MODEL__MAX_RETRIES", 0);
        let seconds = if matches!(way, Way::TimedOut) { 1 } else { 300 };
        let server = Server::start(options.set("HITL_TIMEOUT_SECONDS", seconds)).await;
        let user = server.user();
        let mut stream = user.stream(PROMPT).await;
        bring_to_its_end(way, &user, &mut stream).await;
        stream.to_done().await;
        assert_english(&stream);
        let notices: Vec<&Frame> = stream.frames.iter().filter(|frame| frame.is_notice()).collect();
        let [notice] = notices[..] else { panic!("{way:?}: {:#?}", stream.summary()) };
        assert_eq!(notice.data["content"], way.notice(), "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_setting_leaves_it_open_a_run_speaks_the_language_of_its_prompt() {
    let server = Server::start(Options::default().set("AURA__AGENT__LANGUAGE", "auto")).await;
    let user = server.user();
    for (prompt, end) in [("hello", "The task is complete."), ("안녕", "작업이 완료되었습니다.")]
    {
        let mut stream = user.stream(prompt).await;
        stream.to_done().await;
        assert_eq!(stream.all("end")[0].data["message"], end, "{prompt}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_taken_over_goes_on_in_its_language() {
    let redis = RedisServer::start();
    let model = FakeModel::scripted([mailing(), Reply::text(["Sent."])]).await;
    let options = |options: Options| {
        options.model(&model).set("REDIS_URL", redis.url()).set("AURA__AGENT__LEASE_SECONDS", 1)
    };
    let english = Server::start(options(in_english())).await;
    let korean = Server::start(options(Options::default())).await;
    let mut stream = english.user().stream(PROMPT).await;
    let hitl = stream.until("hitl").await;
    english.kill().await;

    let user = korean.user();
    assert_eq!(user.approve(request_of(&hitl)).await.status, StatusCode::OK);
    let mut rest = user.resume(&stream.session(), Some(hitl.id)).await;
    rest.to_done().await;
    assert_english(&rest);
    assert_eq!(rest.status_at_end(), "completed", "{:#?}", rest.summary());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stream_says_without_a_run_is_told_in_english_too() {
    let redis = RedisServer::start();
    let model = FakeModel::scripted([mailing()]).await;
    let server = Server::start(in_english().model(&model).set("REDIS_URL", redis.url())).await;
    let user = server.user();

    let mut refused = user.stream(" ").await;
    refused.to_end().await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_english(&refused);
    assert_eq!(refused.all("error")[0].data["message"], "A required field is missing.");

    let mut lost = user.stream(PROMPT).await;
    lost.until("hitl").await;
    Keys::of(&redis).await.flush().await;
    lost.to_done().await;
    assert_english(&lost);
    assert_eq!(lost.all("error")[0].data["errorType"], "SessionLostError");
}
