//! Losing a connection and coming back (contract, section 4.5): no gap, no duplicate, no second run.

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::app::{Caller, Options, eventually};
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::raw::{Chunk, Raw};
use crate::support::stream::{Frame, SseStream, StreamEnd};
use crate::support::world::{Kind, World};
use crate::with_both_stores;

const STREAM: &str = "/aura/test/stream";
pub(crate) const PROMPT: &str = "상태를 보고 메일로 알려줘";
pub(crate) const MAIL: &str = r#"{"to":["kim@example.com"],"subject":"보고","body":"끝"}"#;

/// Two rounds of tools, the second of which needs a person, and an answer in pieces.
fn two_rounds() -> [Reply; 3] {
    [
        Reply::stream()
            .piece("먼저 봅니다.")
            .call("call_a", "git_status", ["{}"])
            .ends("tool_calls"),
        Reply::stream().call("call_b", "send_email", [MAIL]).ends("tool_calls"),
        Reply::text(["상태를 ", "메일로 ", "보냈습니다."]),
    ]
}

pub(crate) fn mailing() -> Reply {
    Reply::stream().call("call_a", "send_email", [MAIL]).ends("tool_calls")
}

async fn world_with(kind: Kind, model: &FakeModel) -> World {
    World::with(kind, Options::default().model(model)).await
}

pub(crate) fn request_of(hitl: &Frame) -> &str {
    hitl.data["requestId"].as_str().unwrap()
}

/// Reads a stream to its end and says yes on the way.
async fn approving(user: &Caller, stream: &mut SseStream) {
    let hitl = stream.until("hitl").await;
    let answer = user.approve(request_of(&hitl)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    stream.to_done().await;
}

/// The bytes of the frames after the first `count`.
pub(crate) fn after(stream: &SseStream, count: usize) -> String {
    stream.frames[count..].iter().map(|frame| frame.raw.as_str()).collect()
}

/// The ways to come back to a session after an event, all of which must do the same.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Joining,
    NamedInBody,
    NamedInHeader,
    ByEventAlone,
}

impl Way {
    pub(crate) const ALL: [Self; 4] =
        [Self::Joining, Self::NamedInBody, Self::NamedInHeader, Self::ByEventAlone];

    pub(crate) async fn resume(self, user: &Caller, session: &str, last: u64) -> SseStream {
        let request = match self {
            Self::Joining => user.request(Method::GET, &format!("/aura/sessions/{session}/stream")),
            Self::NamedInBody => user.post_stream(json!({ "sessionId": session })),
            Self::NamedInHeader => {
                user.request(Method::POST, STREAM).header("X-Session-ID", session)
            }
            Self::ByEventAlone => user.post_stream(json!({ "prompt": PROMPT })),
        };
        let stream = SseStream::of(request.header("Last-Event-ID", last).send().await.unwrap());
        assert_eq!(stream.status, 200, "{self:?}");
        assert_eq!(stream.session(), session, "{self:?}");
        stream
    }
}

/// `GET` with this as the last event is answered 204 and nothing more.
async fn no_content(user: &Caller, path: &str, last: u64) {
    let request = user.request(Method::GET, path).header("Last-Event-ID", last);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT, "{path} after {last}");
    assert!(response.headers().contains_key("x-session-id"));
    assert!(response.bytes().await.unwrap().is_empty());
}

with_both_stores! {
    async fn a_stream_cut_at_every_event_is_byte_for_byte_the_uncut_one(kind: Kind) {
        let model = FakeModel::scripted(two_rounds()).await;
        let world = world_with(kind, &model).await;
        let user = world.server.user();
        let mut uncut = user.stream(PROMPT).await;
        let session = uncut.session();
        // This reader loses its connection after every single event, while the run goes on.
        let torn = async {
            let mut first = user.resume(&session, None).await;
            let mut frames = vec![first.next().await.unwrap()];
            for way in Way::ALL.into_iter().cycle() {
                let last = frames.last().unwrap();
                if last.is_done() {
                    break;
                }
                let mut stream = way.resume(&user, &session, last.id).await;
                frames.push(stream.next().await.unwrap());
            }
            frames
        };
        let (frames, ()) = tokio::join!(torn, approving(&user, &mut uncut));
        assert!(frames.len() > 20, "{:#?}", uncut.summary());
        assert_eq!(frames, uncut.frames);

        // And once it is over, from every event to the end.
        let resumed = (0..frames.len() - 1).map(|n| {
            let (user, session, last) = (user.clone(), session.clone(), frames[n].id);
            async move {
                let mut stream = Way::ALL[n % 4].resume(&user, &session, last).await;
                stream.to_done().await;
                stream.bytes()
            }
        });
        for (n, rest) in join_all(resumed).await.into_iter().enumerate() {
            assert_eq!(rest, after(&uncut, n + 1), "after {n}");
        }
        assert_eq!(model.requests().len(), 3);
    }

    async fn a_reconnect_does_not_run_the_agent_again(kind: Kind) {
        let model = FakeModel::scripted(two_rounds()).await;
        let world = world_with(kind, &model).await;
        let user = world.server.user();
        let mut first = user.stream(PROMPT).await;
        let hitl = first.until("hitl").await;
        let (session, seen) = (first.session(), first.frames.len());
        for way in Way::ALL {
            drop(way.resume(&user, &session, hitl.id).await);
        }
        let mut last = Way::ByEventAlone.resume(&user, &session, hitl.id).await;
        user.approve(request_of(&hitl)).await;
        last.to_done().await;
        first.to_done().await;
        assert_eq!(last.bytes(), after(&first, seen));
        assert_eq!(last.all("start").len() + last.all("hitl").len(), 0);
        assert_eq!(model.requests().len(), 3, "one run, three turns");
        let sessions = user.get("/aura/sessions").await.data()["sessions"].clone();
        assert_eq!(sessions.as_array().unwrap().len(), 1, "{sessions}");
    }

    async fn all_readers_of_a_session_get_the_same_bytes(kind: Kind) {
        let model = FakeModel::scripted(two_rounds()).await;
        let world = world_with(kind, &model).await;
        let user = world.server.user();
        let mut first = user.stream(PROMPT).await;
        let mut second = user.resume(&first.session(), None).await;
        let mut third = user.stream_with(json!({"sessionId": first.session()})).await;
        let reading = async { tokio::join!(second.to_done(), third.to_done()); };
        tokio::join!(reading, approving(&user, &mut first));
        assert_eq!(second.bytes(), first.bytes());
        assert_eq!(third.bytes(), first.bytes());
    }

    async fn at_or_past_the_end_there_is_the_trailer_alone_and_for_get_nothing(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = world_with(kind, &model).await;
        let user = world.server.user();
        let mut stream = user.stream("안녕").await;
        stream.to_done().await;
        let trailer = stream.frames.last().unwrap();
        for id in [trailer.id, trailer.id + 1, i64::MAX as u64, u64::MAX] {
            for way in [Way::NamedInBody, Way::NamedInHeader] {
                let mut late = way.resume(&user, &stream.session(), id).await;
                late.to_done().await;
                assert_eq!(late.bytes(), trailer.raw, "{way:?} after {id}");
            }
            for path in [
                format!("/aura/sessions/{}/stream", stream.session()),
                format!("{STREAM}?sessionId={}", stream.session()),
            ] {
                no_content(&user, &path, id).await;
            }
        }
        let mut late = Way::ByEventAlone.resume(&user, &stream.session(), trailer.id).await;
        late.to_done().await;
        assert_eq!(late.bytes(), trailer.raw);
        // Named by the event alone: what an `EventSource` does that started the run.
        no_content(&user, &format!("{STREAM}?message=%EC%95%88%EB%85%95"), trailer.id).await;
        // One event before the end there is something to be read.
        let before = stream.frames[stream.frames.len() - 2].id;
        let mut rest = user.resume(&stream.session(), Some(before)).await;
        rest.to_done().await;
        assert_eq!(rest.bytes(), trailer.raw);
        assert_eq!(model.requests().len(), 1);
    }

    async fn an_event_source_at_the_end_of_a_run_that_goes_on_is_not_told_to_stop(kind: Kind) {
        let gate = Gate::closed();
        let model = FakeModel::always(Reply::stream().gate(&gate).piece("네.").ends("stop")).await;
        let world = world_with(kind, &model).await;
        let user = world.server.user();
        let mut stream = user.stream("안녕").await;
        let seen = stream.until("thought").await.id;
        let mut again = user.resume(&stream.session(), Some(seen)).await;
        assert_eq!(again.status, 200);
        gate.open();
        again.to_done().await;
        stream.to_done().await;
        assert_eq!(again.bytes(), after(&stream, 2));
    }

    /// A reader ahead of a run that was still going on waited for ever: nothing came after its id.
    async fn a_reader_ahead_of_a_running_session_gets_its_trailer(kind: Kind) {
        let gate = Gate::closed();
        let model = FakeModel::always(Reply::stream().gate(&gate).piece("네.").ends("stop")).await;
        let world = world_with(kind, &model).await;
        let user = world.server.user();
        let mut stream = user.stream("안녕").await;
        stream.until("start").await;
        let mut ahead = user.resume(&stream.session(), Some(i64::MAX as u64)).await;
        gate.open();
        stream.to_done().await;
        ahead.to_done().await;
        assert_eq!(ahead.bytes(), stream.frames.last().unwrap().raw);
    }

    async fn an_id_that_is_nobodys_starts_a_run_above_it(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = world_with(kind, &model).await;
        let user = world.server.user();
        let mut own = user.stream("안녕").await;
        own.to_done().await;
        let seen = own.frames[1].id;
        // Another user's id, also within the tenant, is nobody's.
        for stranger in [world.server.as_user("tenant1", "lee"), world.server.as_user("tenant2", "user123")] {
            let request = stranger.post_stream(json!({"prompt": "안녕"})).header("Last-Event-ID", seen);
            let mut stream = SseStream::of(request.send().await.unwrap());
            stream.to_done().await;
            assert_ne!(stream.session(), own.session());
            assert!(stream.frames[0].is("start") && stream.frames[0].id > seen);
        }
        let past = own.frames.last().unwrap().id + 60_000;
        for above in [past, 1 << 52, 1 << 53, i64::MAX as u64] {
            let request = user.post_stream(json!({"prompt": "안녕"})).header("Last-Event-ID", above);
            let mut stream = SseStream::of(request.send().await.unwrap());
            stream.to_done().await;
            assert!(stream.frames[0].is("start") && stream.frames[0].id > above, "{above}");
            // Such ids are as good as any other, to the last digit.
            let mut again = user.resume(&stream.session(), Some(stream.frames[0].id)).await;
            again.to_done().await;
            assert_eq!(again.bytes(), after(&stream, 1), "{above}");
        }
        // Above this one there may not be enough of them.
        let request = user.post_stream(json!({"prompt": "안녕"})).header("Last-Event-ID", u64::MAX);
        let mut stream = SseStream::of(request.send().await.unwrap());
        stream.to_done().await;
        assert!(stream.frames[0].id < 1 << 53);
        world.server.logged("there is no room above it", 1).await;
        // An id without a prompt is not enough for a new run.
        let request = user.post_stream(json!({})).header("Last-Event-ID", 17);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    }

    async fn what_is_no_event_id_is_ignored_with_a_warning(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = world_with(kind, &model).await;
        let user = world.server.user();
        let mut whole = user.stream("안녕").await;
        whole.to_done().await;
        let mut warnings = 0;
        for id in ["abc", "-1", "1.5", "0x10", "99999999999999999999999", "1, 2"] {
            warnings += 1;
            let request = user.request(Method::GET, &format!("/aura/sessions/{}/stream", whole.session()));
            let mut stream = SseStream::of(request.header("Last-Event-ID", id).send().await.unwrap());
            stream.to_done().await;
            assert_eq!(stream.bytes(), whole.bytes(), "{id}");
            world.server.logged("Last-Event-ID ignored", warnings).await;
        }
        let request = user.post_stream(json!({"prompt": "안녕"})).header("Last-Event-ID", "abc");
        let mut fresh = SseStream::of(request.send().await.unwrap());
        fresh.to_done().await;
        assert_ne!(fresh.session(), whole.session());
    }

    async fn naming_a_session_joins_it_unless_another_prompt_comes_with_it(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = world_with(kind, &model).await;
        let user = world.server.user();
        let mut whole = user.stream(PROMPT).await;
        whole.to_done().await;
        let session = whole.session();
        for body in [
            json!({"sessionId": session}),
            json!({"sessionId": session, "prompt": PROMPT}),
            json!({"sessionId": session, "prompt": null}),
            json!({"sessionId": session, "prompt": " "}),
            json!({"sessionId": session, "prompt": PROMPT, "context": {"activeApp": "other"}}),
        ] {
            let mut joined = user.stream_with(body.clone()).await;
            joined.to_done().await;
            assert_eq!(joined.bytes(), whole.bytes(), "{body}");
        }
        let other = json!({"sessionId": session, "prompt": "다른 질문"});
        let mut refused = user.stream_with(other.clone()).await;
        refused.to_done().await;
        assert_eq!((refused.status, &refused.frames[0].data["errorCode"]), (409, &json!("E3006")));
        let by_header = user.post_stream(json!({"prompt": "다른 질문"})).header("X-Session-ID", &session);
        assert_eq!(by_header.send().await.unwrap().status(), StatusCode::CONFLICT);
        // With an event id the prompt is not looked at, whatever it is.
        for prompt in [json!("다른 질문"), json!(7)] {
            let last = whole.frames[0].id;
            let request = user.post_stream(json!({"sessionId": session, "prompt": prompt}));
            let mut resumed = SseStream::of(request.header("Last-Event-ID", last).send().await.unwrap());
            resumed.to_done().await;
            assert_eq!(resumed.bytes(), after(&whole, 1));
        }
        assert_eq!(model.requests().len(), 1);
    }

    async fn a_session_that_is_not_the_callers_does_not_exist(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = world_with(kind, &model).await;
        let mut own = world.server.user().stream("안녕").await;
        own.to_done().await;
        let user = world.server.user();
        let cases = [
            (world.server.as_user("tenant1", "lee"), own.session()),
            (world.server.as_user("tenant2", "user123"), own.session()),
            (user.clone(), "session_user123_1_00000000000000000000000000000000".to_owned()),
            (user.clone(), "x".to_owned()),
            (user, "session_*".to_owned()),
        ];
        for (caller, session) in cases {
            let requests = [
                caller.post_stream(json!({"sessionId": session, "prompt": "안녕"})),
                caller.post_stream(json!({"prompt": "안녕"})).header("X-Session-ID", &session),
                caller.post_stream(json!({"sessionId": session})).header("Last-Event-ID", own.frames[0].id),
                caller.request(Method::GET, &format!("{STREAM}?sessionId={session}")),
                caller.request(Method::GET, &format!("/aura/sessions/{session}/stream")),
            ];
            for request in requests {
                let mut stream = SseStream::of(request.send().await.unwrap());
                stream.to_done().await;
                assert_eq!(stream.status, 404, "{session}");
                assert_eq!(stream.frames.len(), 2);
                assert!(stream.frames[0].is("error"));
                assert!(stream.frames[0].raw.contains(r#""errorCode":"E1004""#));
            }
        }
        assert_eq!(model.requests().len(), 1, "nothing of this started a run");
    }

    async fn joining_through_the_get_form_envelopes_what_is_joined(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = world_with(kind, &model).await;
        let user = world.server.user();
        let mut flat = user.stream("안녕").await;
        flat.to_done().await;
        let session = flat.session();
        let named = user.request(Method::GET, &format!("{STREAM}?sessionId={session}"));
        let by_header = user.request(Method::GET, STREAM).header("X-Session-ID", &session);
        let with_prompt = user.request(Method::GET, &format!("{STREAM}?sessionId={session}&message=%EC%95%88%EB%85%95"));
        let by_event = user.request(Method::GET, &format!("{STREAM}?message=hi")).header("Last-Event-ID", flat.frames[0].id);
        for (request, seen) in [(named, 0), (by_header, 0), (with_prompt, 0), (by_event, 1)] {
            let mut joined = SseStream::of(request.send().await.unwrap());
            joined.to_done().await;
            assert_eq!(joined.session(), session);
            assert_eq!(joined.frames.len(), flat.frames.len() - seen);
            for (wrapped, frame) in joined.frames.iter().zip(&flat.frames[seen..]) {
                assert_eq!(wrapped.id, frame.id);
                if let Some(event) = &frame.event {
                    assert_eq!(wrapped.data, json!({"type": event, "data": frame.data}));
                }
            }
        }
        let other = user.request(Method::GET, &format!("{STREAM}?sessionId={session}&message=other"));
        assert_eq!(other.send().await.unwrap().status(), StatusCode::CONFLICT);
    }

    async fn what_has_been_cut_from_the_log_is_told_and_never_left_out(kind: Kind) {
        let model = FakeModel::always(
            (0..1500).fold(Reply::stream(), |reply, n| reply.piece(&format!("{n} "))).ends("stop"),
        )
        .await;
        let options = Options::default().model(&model).set("AURA__JOURNAL__MAX_EVENTS", 100);
        let world = World::with(kind, options).await;
        let user = world.server.user();
        let mut stream = user.stream("세어줘").await;
        let start = stream.until("start").await;
        let session = stream.session();
        drop(stream);
        let line = || async { user.get("/aura/sessions").await.data()["sessions"][0].clone() };
        eventually("the run ends", || async { line().await["status"] == "completed" }).await;

        for last in [None, Some(start.id)] {
            let mut late = user.resume(&session, last).await;
            late.to_done().await;
            assert_eq!(late.frames.len(), 2, "{:#?}", late.summary());
            let error = &late.frames[0];
            assert!(error.is("error") && error.id > start.id);
            assert_eq!(error.data["errorType"], "GapError");
            assert_eq!(error.data["sessionId"], session);
        }
        // What is still there is read as ever.
        let end = line().await["lastEventId"].as_u64().unwrap();
        let mut late = user.resume(&session, Some(end - 2)).await;
        late.to_done().await;
        assert_eq!(late.frames.last().unwrap().id, end);
    }

    async fn a_server_that_is_told_to_stop_breaks_its_streams_off_after_a_whole_frame(kind: Kind) {
        let model = FakeModel::always(mailing()).await;
        let world = world_with(kind, &model).await;
        let body = json!({"prompt": "메일"}).to_string();
        let mut raw = Raw::request(&world.server, &format!("POST {STREAM}"), &[], &body).await;
        assert_eq!(raw.head().await.status(), 200);
        loop {
            let Chunk::Data(frame) = raw.chunk().await else { panic!("the stream has ended") };
            if frame.contains("\nevent: hitl\n") {
                break;
            }
        }
        let code = world.server.terminate().await;
        assert_eq!(code, 0);
        let (rest, end) = raw.chunks().await;
        assert_eq!((rest, end), (Vec::new(), Chunk::BrokenOff), "no trailer, no last chunk");
    }

    async fn a_server_that_is_killed_breaks_its_streams_off(kind: Kind) {
        let model = FakeModel::always(mailing()).await;
        let world = world_with(kind, &model).await;
        let mut stream = world.server.user().stream("메일").await;
        stream.until("hitl").await;
        world.server.kill().await;
        assert_eq!(stream.to_end().await, StreamEnd::BrokenOff);
        assert!(stream.frames.last().unwrap().is("hitl"));
    }
}
