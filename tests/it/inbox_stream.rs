//! The inbox live (contract, section 5.6): what waits, and how that changes, without loss or repetition.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::inbox::{PENDING, asked, ids, mailer, only, page};
use crate::resume::{after, request_of};
use crate::support::app::{Caller, Options, Server};
use crate::support::main_service::{Click, MainService};
use crate::support::model::FakeModel;
use crate::support::redis::RedisServer;
use crate::support::stream::{Frame, SseStream, StreamEnd};
use crate::support::world::World;
use crate::with_both_stores;

const LIVE: &str = "/aura/approvals/stream";

async fn live(user: &Caller) -> SseStream {
    SseStream::of(user.request(Method::GET, LIVE).send().await.unwrap())
}

async fn live_after(user: &Caller, id: u64) -> SseStream {
    let request = user.request(Method::GET, LIVE).header("Last-Event-ID", id);
    SseStream::of(request.send().await.unwrap())
}

async fn next(stream: &mut SseStream) -> Frame {
    stream.next().await.unwrap_or_else(|| panic!("the stream has ended: {:#?}", stream.summary()))
}

/// `asked req_… pending`, one line for each frame.
fn told(stream: &SseStream) -> Vec<String> {
    let line = |frame: &Frame| {
        let request = &frame.data["request"];
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let event = frame.event.clone().unwrap();
        format!("{event} {} {}", text(&request["requestId"]), text(&request["status"]))
    };
    stream.frames.iter().map(line).collect()
}

fn waiting(snapshot: &Frame) -> Vec<&str> {
    assert!(snapshot.is("snapshot"), "{snapshot:?}");
    let approvals = snapshot.data["approvals"].as_array().unwrap();
    approvals.iter().map(|approval| approval["requestId"].as_str().unwrap()).collect()
}

async fn on(redis: &RedisServer, model: &FakeModel) -> Server {
    Server::start(Options::default().model(model).set("REDIS_URL", redis.url())).await
}

with_both_stores! {
    async fn a_colleague_sees_what_is_asked_and_decided_as_it_happens(kind: Kind) {
        let model = mailer().await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let (user, colleague) = (world.server.user(), world.server.as_user("tenant1", "lee"));
        let mut live = live(&colleague).await;
        assert_eq!(live.status, 200);
        let header = |name: &str| live.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("content-type").as_deref(), Some("text/event-stream"));
        assert_eq!(header("cache-control").as_deref(), Some("no-cache"));
        assert_eq!(header("x-accel-buffering").as_deref(), Some("no"));
        assert_eq!(header("x-session-id"), None);
        let empty = next(&mut live).await;
        assert!(waiting(&empty).is_empty());
        assert_eq!((&empty.data["count"], &empty.data["next"]), (&json!(0), &Value::Null));
        assert_eq!((&empty.data["version"], &empty.data["type"]), (&json!("1.0"), &json!("snapshot")));

        let (mut run, hitl) = asked(&user, "메일").await;
        let shown = next(&mut live).await;
        assert!(shown.is("asked"));
        assert_eq!((&shown.data["type"], &shown.data["timestamp"]), (&json!("asked"), &json!(shown.id / 1000)));
        let listed = only(&colleague, PENDING).await;
        assert_eq!(shown.data["request"], listed, "as the page has it");
        assert_eq!((&listed["requestId"], &listed["canDecide"]), (&hitl.data["requestId"], &json!(true)));

        colleague.approve(request_of(&hitl)).await;
        let decided = next(&mut live).await;
        assert!(decided.is("decided"));
        let request = &decided.data["request"];
        for (field, value) in [("status", json!("approved")), ("approvedBy", json!("lee")), ("canDecide", json!(false)), ("decidedByMe", json!(true))] {
            assert_eq!(request[field], value, "{field}");
        }
        run.to_done().await;

        let (mut run, hitl) = asked(&user, "또").await;
        user.post(&format!("/aura/sessions/{}/cancel", run.session()), json!({})).await;
        run.to_done().await;
        next(&mut live).await;
        next(&mut live).await;
        let id = request_of(&hitl);
        assert_eq!(told(&live)[3..], [format!("asked {id} pending"), format!("decided {id} cancelled")]);
    }

    async fn each_of_several_yeses_is_told(kind: Kind) {
        let model = mailer().await;
        let options = Options::default().model(&model).set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "2 of tenant");
        let world = World::with(kind, options).await;
        let (user, colleague) = (world.server.user(), world.server.as_user("tenant1", "lee"));
        let mut live = live(&colleague).await;
        next(&mut live).await;
        let (mut run, hitl) = asked(&user, "메일").await;
        user.approve(request_of(&hitl)).await;
        live.until("endorsed").await;
        user.approve(request_of(&hitl)).await;
        colleague.approve(request_of(&hitl)).await;
        live.until("decided").await;
        run.to_done().await;
        let id = request_of(&hitl);
        let lines = [format!("asked {id} pending"), format!("endorsed {id} pending"), format!("decided {id} approved")];
        assert_eq!(told(&live)[1..], lines, "a yes that was given before is none");
        let request = &live.frames[2].data["request"];
        assert_eq!((&request["approvals"], &request["approvalsNeeded"], &request["canDecide"]), (&json!(1), &json!(2), &json!(true)));
        assert_eq!(live.frames[3].data["request"]["decidedByMe"], true);
    }

    /// The bytes are the same, wherever somebody comes back.
    async fn who_comes_back_gets_just_what_came_after(kind: Kind) {
        let model = mailer().await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let mut whole = live(&user).await;
        next(&mut whole).await;
        for n in 0..3 {
            let (mut run, hitl) = asked(&user, &format!("메일 {n}")).await;
            user.reject(request_of(&hitl), "아니요").await;
            run.to_done().await;
            whole.until("decided").await;
        }
        assert_eq!(whole.frames.len(), 7);
        for at in 0..whole.frames.len() - 1 {
            let mut back = live_after(&user, whole.frames[at].id).await;
            for _ in at + 1..whole.frames.len() {
                next(&mut back).await;
            }
            assert_eq!(back.bytes(), after(&whole, at + 1));
        }
        // After the last one there is nothing, and then what comes next.
        let mut back = live_after(&user, whole.frames[6].id).await;
        let (_run, hitl) = asked(&user, "또").await;
        let (new, live) = (next(&mut back).await, next(&mut whole).await);
        assert_eq!((new.raw, live.data["request"]["requestId"].as_str()), (live.raw.clone(), Some(request_of(&hitl))));
    }

    async fn who_comes_back_from_nowhere_is_told_what_waits(kind: Kind) {
        let model = mailer().await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let (_run, hitl) = asked(&user, "메일").await;
        only(&user, PENDING).await;
        let mut first = live(&user).await;
        let snapshot = next(&mut first).await;
        assert_eq!(waiting(&snapshot), [request_of(&hitl)]);
        assert_eq!(snapshot.data["count"], 1);
        for nowhere in [1, snapshot.id - 1, snapshot.id + 1_000_000] {
            let mut back = live_after(&user, nowhere).await;
            let again = next(&mut back).await;
            assert_eq!((waiting(&again), again.id), (waiting(&snapshot), snapshot.id), "{nowhere}");
        }
        let request = user.request(Method::GET, LIVE).header("Last-Event-ID", "x");
        let mut odd = SseStream::of(request.send().await.unwrap());
        assert_eq!(waiting(&next(&mut odd).await), [request_of(&hitl)]);
    }

    async fn another_tenant_sees_nothing_of_it(kind: Kind) {
        let model = mailer().await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let (user, stranger) = (world.server.user(), world.server.as_user("tenant2", "user123"));
        let mut others = live(&stranger).await;
        assert!(waiting(&next(&mut others).await).is_empty());
        let (_run, hitl) = asked(&user, "메일").await;
        only(&user, PENDING).await;
        user.approve(request_of(&hitl)).await;
        let (_run, own) = asked(&stranger, "제 메일").await;
        let first = next(&mut others).await;
        assert_eq!(first.data["request"]["requestId"], own.data["requestId"], "the first thing that it is told");
    }

    /// What does not fit a frame is on the pages that follow.
    async fn a_snapshot_of_many_says_where_to_go_on(kind: Kind) {
        let long = json!({"to": ["kim@example.com"], "subject": "보고", "body": "끝\u{2028}".repeat(4_000)});
        let model = FakeModel::always(crate::support::model::Reply::tool_call("send_email", &long)).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let mut early = live(&user).await;
        next(&mut early).await;
        for n in 0..5 {
            asked(&user, &format!("메일 {n}")).await;
            assert!(next(&mut early).await.raw.len() <= 16 * 1024);
        }
        let all = page(&user, PENDING, |data| data["count"] == 5).await;
        let mut live = live(&user).await;
        let snapshot = next(&mut live).await;
        assert!(snapshot.raw.len() <= 16 * 1024, "{}", snapshot.raw.len());
        let first = waiting(&snapshot);
        assert!(first.len() >= 2 && first.len() < 5, "{}", first.len());
        assert_eq!((&snapshot.data["count"], &snapshot.data["next"]), (&json!(5), &json!(first.last().unwrap())));
        let rest = user.get(&format!("{PENDING}?before={}", snapshot.data["next"].as_str().unwrap())).await;
        let paged: Vec<Value> = first.iter().copied().chain(ids(&rest)).map(Value::from).collect();
        let whole: Vec<Value> = all["approvals"].as_array().unwrap().iter().map(|it| it["requestId"].clone()).collect();
        assert_eq!(paged, whole);
        let shown = &snapshot.data["approvals"][0];
        assert!(shown["contextBytes"].as_u64().unwrap() > 12_000 && shown["context"]["subject"] == "보고", "{shown}");
    }

    async fn such_a_stream_counts_among_those_of_its_reader(kind: Kind) {
        let model = mailer().await;
        let options = Options::default().model(&model).set("AURA__LIMITS__STREAMS_PER_USER", 1);
        let world = World::with(kind, options).await;
        let (user, colleague) = (world.server.user(), world.server.as_user("tenant1", "lee"));
        let mut first = live(&user).await;
        next(&mut first).await;
        let mut second = live(&user).await;
        assert_eq!(second.status, 429);
        let refusal = next(&mut second).await;
        assert!(refusal.is("error") && refusal.data["errorCode"] == "E4290", "{refusal:?}");
        assert_eq!(live(&colleague).await.status, 200);
    }

    async fn it_ends_only_with_its_server_and_without_a_trailer(kind: Kind) {
        let options = Options::default().set("AURA__API__DRAIN_DELAY_SECONDS", 0).set("AURA__STREAM__KEEP_ALIVE_SECONDS", 1);
        let world = World::with(kind, options).await;
        let user = world.server.user();
        let head = user.request(Method::HEAD, LIVE).send().await.unwrap();
        let put = user.request(Method::PUT, LIVE).send().await.unwrap();
        for refused in [head, put] {
            assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(refused.headers()["allow"], "GET");
        }
        let unknown = world.server.anonymous(Method::GET, LIVE).send().await.unwrap();
        assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(unknown.headers()["content-type"], "text/event-stream");
        let mut live = live(&user).await;
        next(&mut live).await;
        while live.keep_alives < 2 {
            assert!(live.is_silent_for(std::time::Duration::from_millis(100)).await, "{:#?}", live.summary());
        }
        let ended = tokio::spawn(world.server.terminate());
        assert_eq!(live.to_end().await, StreamEnd::BrokenOff);
        assert_eq!(live.frames.len(), 1);
        assert_eq!(ended.await.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_on_one_replica_is_seen_on_every_other() {
    let (model, redis) = (mailer().await, RedisServer::start());
    let (first, second) = tokio::join!(on(&redis, &model), on(&redis, &model));
    let user = first.as_user("1", "user123");
    let mut here = live(&user).await;
    let mut there = live(&second.as_user("1", "lee")).await;
    let empty = [next(&mut here).await, next(&mut there).await];
    let (mut run, hitl) = asked(&user, "메일").await;
    there.until("asked").await;
    second.as_user("1", "lee").approve(request_of(&hitl)).await;
    run.to_done().await;
    // The Main Service decides without us: it writes keys and publishes.
    let (mut run, hitl) = asked(&user, "또").await;
    MainService::of(&redis).await.click(request_of(&hitl), Click::Reject).await;
    run.to_done().await;
    for live in [&mut here, &mut there] {
        live.until("decided").await;
        live.until("decided").await;
    }
    assert_eq!(told(&here), told(&there));
    assert_eq!(there.frames.len(), 5);
    let last = &there.frames[4].data["request"];
    assert_eq!(
        (&last["status"], &last["rejectedBy"], &last["decidedByMe"]),
        (&json!("rejected"), &json!("7"), &json!(false))
    );
    assert_eq!(empty[0].id, empty[1].id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_told_twice_over_a_killed_redis_and_a_killed_replica() {
    let (model, mut redis) = (mailer().await, RedisServer::start());
    let (first, second) = tokio::join!(on(&redis, &model), on(&redis, &model));
    let mut live = live(&first.user()).await;
    next(&mut live).await;
    let (run, one) = asked(&second.user(), "하나").await;
    live.until("asked").await;
    drop(run);

    redis.restart();
    second.is_ready().await;
    let two = {
        let (run, hitl) = asked(&second.user(), "둘").await;
        drop(run);
        hitl
    };
    live.until("asked").await;
    first.kill().await;
    assert_eq!(live.to_end().await, StreamEnd::BrokenOff);

    // While the reader is away.
    second.user().reject(request_of(&one), "아니요").await;
    let last = live.frames.last().unwrap().id;
    let mut back = live_after(&second.user(), last).await;
    back.until("decided").await;
    second.user().reject(request_of(&two), "아니요").await;
    back.until("decided").await;
    let (one, two) = (request_of(&one), request_of(&two));
    let expected = [
        "snapshot - -".to_owned(),
        format!("asked {one} pending"),
        format!("asked {two} pending"),
        format!("decided {one} rejected"),
        format!("decided {two} rejected"),
    ];
    assert_eq!([told(&live), told(&back)].concat(), expected);
}

/// Nothing can be told of what was lost; who comes back is told what waits now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_redis_has_come_back_empty_there_is_a_new_snapshot() {
    let (model, mut redis) = (mailer().await, RedisServer::start());
    let server = on(&redis, &model).await;
    let user = server.user();
    let (run, _) = asked(&user, "하나").await;
    only(&user, PENDING).await;
    let mut live = live(&user).await;
    let before = next(&mut live).await;
    drop(run);
    redis.restart_empty();
    server.is_ready().await;
    // As soon as something happens, or after a silence, the reader finds that its place is gone.
    let (_run, two) = asked(&user, "둘").await;
    let again = match live.next().await {
        Some(frame) => frame,
        None => {
            live = live_after(&user, before.id).await;
            next(&mut live).await
        }
    };
    // It may have looked before that was asked.
    if waiting(&again).is_empty() {
        let asked = next(&mut live).await;
        assert_eq!(asked.data["request"]["requestId"], request_of(&two));
    } else {
        assert_eq!(waiting(&again), [request_of(&two)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_snapshot_after_the_changes_were_lost_has_a_later_id() {
    let (model, redis) = (mailer().await, RedisServer::start());
    let server = on(&redis, &model).await;
    let user = server.user();
    let (_run, hitl) = asked(&user, "하나").await;
    only(&user, PENDING).await;
    let before = next(&mut live(&user).await).await;
    let mut keys = crate::support::keys::Keys::of(&redis).await;
    let _: usize = keys.command(&["DEL", "aura:inbox:{tenant1}:changes"]).await;
    let mut back = live_after(&user, before.id).await;
    let again = next(&mut back).await;
    assert_eq!(waiting(&again), [request_of(&hitl)]);
    assert!(again.id > before.id, "{} {}", again.id, before.id);
    asked(&user, "둘").await;
    let change = next(&mut back).await;
    assert!(change.is("asked") && change.id > again.id, "ids only grow on one stream: {change:?}");
}
