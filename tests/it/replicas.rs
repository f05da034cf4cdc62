//! Several servers on one Redis: any of them serves any session.

use futures::future::join_all;
use reqwest::StatusCode;

use crate::resume::{MAIL, PROMPT, Way, after, mailing, request_of};
use crate::support::app::{Options, Server};
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::redis::RedisServer;
use crate::support::stream::StreamEnd;

/// Two servers on one Redis.
async fn two_servers(model: &FakeModel) -> (Server, Server, RedisServer) {
    let redis = RedisServer::start();
    let options = || Options::default().model(model).set("REDIS_URL", redis.url());
    let (first, second) = tokio::join!(Server::start(options()), Server::start(options()));
    (first, second, redis)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_goes_on_from_another_server_at_any_moment() {
    let gate = Gate::closed();
    let model = FakeModel::scripted([
        Reply::stream()
            .piece("잠시만요.")
            .gate(&gate)
            .call("call_a", "send_email", [MAIL])
            .ends("tool_calls"),
        Reply::text(["보냈", "습니다."]),
    ])
    .await;
    let (first, second, _redis) = two_servers(&model).await;
    let user = first.user();
    let elsewhere = second.user();
    let mut stream = user.stream(PROMPT).await;
    let session = stream.session();

    // While the model speaks.
    let seen = stream.until("content").await.id;
    let mut from_start = elsewhere.resume(&session, None).await;
    from_start.until("content").await;
    let mut from_there = Way::ByEventAlone.resume(&elsewhere, &session, seen).await;
    gate.open();

    // While a person thinks; the other server takes the answer, too.
    let hitl = stream.until("hitl").await;
    let mut waiting = Way::NamedInHeader.resume(&elsewhere, &session, hitl.id).await;
    assert_eq!(from_there.until("hitl").await, hitl);
    assert_eq!(elsewhere.approve(request_of(&hitl)).await.status, StatusCode::OK);
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");

    let at = |id: u64| stream.frames.iter().position(|frame| frame.id == id).unwrap() + 1;
    from_start.to_done().await;
    assert_eq!(from_start.bytes(), stream.bytes());
    from_there.to_done().await;
    assert_eq!(from_there.bytes(), after(&stream, at(seen)));
    waiting.to_done().await;
    assert_eq!(waiting.bytes(), after(&stream, at(hitl.id)));

    // After its end, and after the end of the server that drove it.
    first.kill().await;
    for (n, way) in [(0, Way::Joining), (3, Way::NamedInBody), (7, Way::ByEventAlone)] {
        let mut late = way.resume(&elsewhere, &session, stream.frames[n].id).await;
        late.to_done().await;
        assert_eq!(late.bytes(), after(&stream, n + 1));
    }
    assert_eq!(model.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_server_had_shown_can_be_read_from_another() {
    let model = FakeModel::always(mailing()).await;
    let (first, second, _redis) = two_servers(&model).await;
    let mut stream = first.user().stream("메일").await;
    stream.until("hitl").await;
    let (session, shown) = (stream.session(), stream.frames.len());
    first.kill().await;
    assert_eq!(stream.to_end().await, StreamEnd::BrokenOff);
    let mut replay = second.user().resume(&session, None).await;
    replay.until("hitl").await;
    assert_eq!(replay.frames, stream.frames[..shown]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_answer_is_whole_for_readers_that_come_at_any_time() {
    let model = FakeModel::always(
        (0..600).fold(Reply::stream(), |reply, n| reply.piece(&format!("{n} "))).ends("stop"),
    )
    .await;
    let (first, second, _redis) = two_servers(&model).await;
    let mut stream = first.user().stream("세어줘").await;
    let start = stream.until("start").await;
    // More than the frames at hand, on the owner and elsewhere, while they are written.
    let readers = (0..6).map(|n| {
        let user = if n % 2 == 0 { first.user() } else { second.user() };
        let session = stream.session();
        async move {
            let mut reader = user.resume(&session, Some(start.id)).await;
            reader.to_done().await;
            reader.bytes()
        }
    });
    let (read, _) = tokio::join!(join_all(readers), stream.to_done());
    let expected: String = (0..600).map(|n| format!("{n} ")).collect();
    assert_eq!(stream.answer(), expected);
    for bytes in read {
        assert_eq!(bytes, after(&stream, 1));
    }
}
