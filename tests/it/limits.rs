//! What one caller may take of the service (contract, section 3, "Limits").

use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::app::{Caller, Options, Server, answer, eventually, eventually_some};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::raw::{Raw, head};
use crate::support::redis::RedisServer;
use crate::support::stream::SseStream;
use crate::support::world::{Kind, World};
use crate::with_both_stores;

const MERGE: &str = "feature 브랜치를 main에 병합해주세요";
const OPEN: [&str; 4] = ["/health", "/aura/health", "/health/ready", "/metrics"];

/// What a request that is refused on a crowded server is told.
async fn is_refused(server: &Server) -> bool {
    let refused = server.user().request(Method::GET, "/aura/sessions").send().await.unwrap();
    if refused.status() != 429 {
        return false;
    }
    assert_eq!(refused.headers()["retry-after"], "5");
    assert_eq!(refused.headers()["connection"], "close");
    assert_eq!(answer(refused).await.body["errorCode"], "E4290");
    true
}

async fn health_is_answered(server: &Server) {
    for path in OPEN {
        let answer = server.anonymous(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_metrics_are_answered_while_streams_have_taken_all_connections() {
    let server = Server::start(Options::default().set("AURA__API__MAX_CONNECTIONS", 3)).await;
    let mut first = server.user().stream(MERGE).await;
    let hitl = first.until("hitl").await;
    let (session, request) = (first.session(), hitl.data["requestId"].as_str().unwrap().to_owned());
    // One client each: a pool would use a connection again.
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut raw = Raw::connect(&server).await;
        raw.send(head(&format!("GET /aura/sessions/{session}/stream"), &[], None)).await;
        streams.push(raw);
    }
    eventually("all connections are taken", async || is_refused(&server).await).await;
    health_is_answered(&server).await;
    drop((first, streams));
    eventually("there is room again", async || !is_refused(&server).await).await;
    assert_eq!(server.user().approve(&request).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_say_nothing_keep_nobody_from_asking_for_the_health() {
    let options = Options::default()
        .set("AURA__API__MAX_CONNECTIONS", 1)
        .set("AURA__API__IDLE_TIMEOUT_SECONDS", 3600);
    let server = Server::start(options).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(Raw::connect(&server).await);
    }
    health_is_answered(&server).await;
    // The regular one is kept, as it may be; those beyond were closed.
    let kept = &mut silent[0];
    kept.send(head("GET /aura/sessions", &[], None)).await;
    assert_eq!(kept.head().await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_request_on_each_of_many_connections_keeps_nobody_from_asking_for_the_health() {
    let options = Options::default()
        .set("AURA__API__MAX_CONNECTIONS", 1)
        .set("AURA__API__HEADER_TIMEOUT_SECONDS", 60);
    let server = Server::start(options).await;
    let mut halves = Vec::new();
    for _ in 0..1500 {
        let mut half = Raw::connect(&server).await;
        half.send("POST /aura/test/stream HTTP/1.1\r\nContent-Le").await;
        halves.push(half);
    }
    health_is_answered(&server).await;
}

/// A request that says too much, and what its refusal names; `None`: it is taken.
const SIZES: [(&str, usize, &str, Option<&str>); 5] = [
    ("prompt", 65_536, "a", None),
    ("prompt", 65_537, "a", Some("prompt: must be at most 65536 bytes, is 65537")),
    ("message", 65_538, "가", Some("prompt: must be at most 65536 bytes, is 65538")),
    ("thread_id", 200, "a", None),
    ("threadId", 201, "a", Some("thread_id: must be at most 200 bytes, is 201")),
];

async fn refusal(user: &Caller, body: Value) -> Option<Value> {
    let request = user.post_stream(body).header("Accept", "application/json");
    let response = request.send().await.unwrap();
    if response.status() == 200 {
        SseStream::of(response).to_done().await;
        return None;
    }
    assert_eq!(response.status(), 400);
    Some(answer(response).await.body)
}

with_both_stores! {
    async fn what_is_too_long_is_refused_by_name(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        for (field, bytes, piece, expected) in SIZES {
            let mut body = json!({ "prompt": "안녕" });
            if field == "message" {
                body = json!({});
            }
            body[field] = piece.repeat(bytes / piece.len()).into();
            let refused = refusal(&user, body).await;
            let told = refused.as_ref().map(|body| (&body["errorCode"], body.to_string()));
            match (told, expected) {
                (None, None) => {}
                (Some((code, body)), Some(expected)) => {
                    assert_eq!(code, "E4000");
                    assert!(body.contains(expected), "{body}");
                }
                (told, expected) => panic!("{field}: {told:?} instead of {expected:?}"),
            }
        }
        let sessions = user.get("/aura/sessions").await;
        assert_eq!(sessions.data()["sessions"].as_array().unwrap().len(), 2, "only what was taken");
    }

    async fn a_long_reason_is_cut(kind: Kind) {
        let world = World::new(kind).await;
        let user = world.server.user();
        let mut stream = user.stream(MERGE).await;
        let hitl = stream.until("hitl").await;
        let request = hitl.data["requestId"].as_str().unwrap();
        let answer = user.reject(request, &"아".repeat(60_000)).await;
        assert_eq!(answer.data()["reason"].as_str().unwrap(), "아".repeat(1000));
        stream.to_done().await;
        let longest = stream.frames.iter().map(|frame| frame.data.to_string().len()).max();
        assert!(longest < Some(16 * 1024), "{longest:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_prompt_is_stored_once_and_named_again_in_full() {
    let world = World::new(Kind::Redis).await;
    let user = world.server.user();
    let prompt = format!("{MERGE}: {}", "자".repeat(20_000));
    let mut stream = user.stream(&prompt).await;
    stream.until("hitl").await;
    let session = stream.session();
    let mut keys = Keys::of(world.redis.as_ref().unwrap()).await;
    for key in [format!("aura:session:{session}"), format!("checkpoint:{session}")] {
        let bytes: usize = keys.command(&["STRLEN", &key]).await;
        assert!((1..20_000).contains(&bytes), "{key}: {bytes}");
    }
    let list = user.get("/aura/sessions").await;
    assert_eq!(list.data()["sessions"][0]["prompt"], prompt.chars().take(200).collect::<String>());
    let named = |prompt: &str| {
        let body = json!({ "sessionId": session, "prompt": prompt });
        user.post_stream(body).send()
    };
    assert_eq!(named(&prompt).await.unwrap().status(), 200);
    assert_eq!(named(&prompt[..prompt.len() - 3]).await.unwrap().status(), 409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bare_event_id_is_searched_for_in_few_commands_however_many_sessions_there_are() {
    let model = FakeModel::always(Reply::text(["네."])).await;
    let world = World::with(Kind::Redis, Options::default().model(&model)).await;
    let user = world.server.user();
    let mut keys = Keys::of(world.redis.as_ref().unwrap()).await;
    let mut stream = user.stream("처음").await;
    stream.to_done().await;
    let (session, first) = (stream.session(), stream.frames[0].id);
    for _ in 0..80 {
        user.stream("또").await.to_done().await;
    }
    let search = |after: u64| {
        user.post_stream(json!({ "prompt": "안녕" })).header("Last-Event-ID", after).send()
    };
    let found = SseStream::of(search(first).await.unwrap());
    assert_eq!(found.session(), session, "by the time of the event, not among the newest");
    let before = keys.calls_of("xrange").await;
    SseStream::of(search(first + 3_600_000).await.unwrap()).to_done().await;
    let looked = keys.calls_of("xrange").await - before;
    assert!((64..80).contains(&looked), "{looked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_starts_too_often_is_told_when_to_come_back_by_every_server() {
    let redis = RedisServer::start();
    let model = FakeModel::always(Reply::text(["네."])).await;
    let options = || {
        Options::default()
            .model(&model)
            .set("REDIS_URL", redis.url())
            .set("AURA__LIMITS__STARTS_PER_MINUTE_PER_USER", 2)
    };
    let (one, other) = tokio::join!(Server::start(options()), Server::start(options()));
    for server in [&one, &other] {
        server.user().stream("안녕").await.to_done().await;
    }
    for server in [&one, &other] {
        refuses_another_start(server).await;
    }
    // Nobody else is touched, and what is there is still read.
    for user in [one.as_user("tenant1", "lee"), other.as_user("tenant2", "user123")] {
        user.stream("안녕").await.to_done().await;
    }
    let sessions = other.user().get("/aura/sessions").await;
    assert_eq!(sessions.data()["sessions"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_counts_starts_too() {
    let model = FakeModel::always(Reply::text(["네."])).await;
    let options =
        Options::default().model(&model).set("AURA__LIMITS__STARTS_PER_MINUTE_PER_USER", 1);
    let server = Server::start(options).await;
    server.user().stream("안녕").await.to_done().await;
    refuses_another_start(&server).await;
}

async fn refuses_another_start(server: &Server) {
    let start = |key: &str| {
        let request = server.user().post_stream(json!({ "prompt": "또" }));
        request.header("Accept", "application/json").header("Idempotency-Key", key).send()
    };
    // A key whose start was refused is free, and refused again.
    for _ in 0..2 {
        let refused = start("one").await.unwrap();
        assert_eq!(refused.status(), 429);
        let number =
            |name: &str| -> u64 { refused.headers()[name].to_str().unwrap().parse().unwrap() };
        assert!((1..=60).contains(&number("retry-after")));
        assert!((1..=2).contains(&number("ratelimit-limit")));
        assert_eq!(number("ratelimit-remaining"), 0);
        assert!((1..=60).contains(&number("ratelimit-reset")));
        let body = answer(refused).await.body;
        assert_eq!(body["errorCode"], "E4290");
        assert!(body.to_string().contains("limits.starts_per_minute_per_user"), "{body}");
    }
}

/// What there may be so many of: the setting, and whom the refusal names.
type Most = (&'static str, &'static str);

const MOST: [Most; 5] = [
    ("limits.runs_per_user", "this user"),
    ("limits.runs_per_tenant", "this tenant"),
    ("limits.waiting_per_user", "this user"),
    ("limits.waiting_per_tenant", "this tenant"),
    ("limits.streams_per_user", "this user"),
];

/// A run that waits for a person.
async fn waits(user: &Caller) -> (SseStream, String) {
    waiting(user.stream(MERGE).await).await
}

/// A run that has been let in, once it waits for a person.
async fn waiting(mut stream: SseStream) -> (SseStream, String) {
    let hitl = stream.until("hitl").await;
    let request = hitl.data["requestId"].as_str().unwrap().to_owned();
    (stream, request)
}

/// What a start is told for which there is no room: the code, when to come again, and which limit it is.
async fn is_told(user: &Caller, (setting, whose): Most) -> bool {
    let request = user.post_stream(json!({ "prompt": "또" })).header("Accept", "application/json");
    let refused = request.send().await.unwrap();
    if refused.status() == 200 {
        SseStream::of(refused).to_done().await;
        return false;
    }
    assert_eq!(refused.status(), 429, "{}", setting);
    let number = |name: &str| -> u64 { refused.headers()[name].to_str().unwrap().parse().unwrap() };
    assert!((1..=60).contains(&number("retry-after")));
    assert_eq!(number("ratelimit-limit"), 1);
    assert_eq!(number("ratelimit-remaining"), 0);
    assert!((1..=60).contains(&number("ratelimit-reset")));
    let body = answer(refused).await.body;
    assert_eq!(body["errorCode"], "E4290");
    let said = body.to_string();
    for part in [whose, setting, "the limit is 1"] {
        assert!(said.contains(part), "{said}");
    }
    true
}

with_both_stores! {
    async fn each_limit_is_told_by_name_and_has_room_again(kind: Kind) {
        for most @ (setting, _) in MOST {
            let variable = format!("AURA__{}", setting.to_uppercase().replace('.', "__"));
            let world = World::with(kind, Options::default().set(&variable, 1)).await;
            let (user, colleague) = (world.server.user(), world.server.as_user("tenant1", "lee"));
            let (mut stream, request) = waits(&user).await;
            assert!(is_told(&user, most).await, "{}", setting);
            let stays_free = setting.ends_with("_user");
            assert_eq!(is_told(&colleague, most).await, !stays_free, "{}", setting);
            assert!(!is_told(&world.server.as_user("tenant2", "user123"), most).await);
            assert_eq!(user.approve(&request).await.status, 200);
            stream.to_done().await;
            // A stream that was read to its end is closed by its server, which may take a moment.
            eventually("there is room", async || !is_told(&user, most).await).await;
        }
    }

    async fn starts_with_one_key_that_are_all_refused_do_not_wait_for_one_another(kind: Kind) {
        // Whoever waited for a start of which nothing is heard would do so for a minute each.
        let options = Options::default()
            .set("AURA__LIMITS__RUNS_PER_USER", 1)
            .set("AURA__AGENT__LEASE_SECONDS", 60);
        let world = World::with(kind, options).await;
        let user = world.server.user();
        let (mut stream, request) = waits(&user).await;
        let start = || {
            let start = user.post_stream(json!({ "prompt": "또" })).header("Idempotency-Key", "one");
            async move { start.send().await.unwrap().status() }
        };
        let all = join_all((0..8).map(|_| start()));
        let answered = timeout(Duration::from_secs(50), all).await.expect("they wait for one another");
        assert!(answered.iter().all(|status| *status == 429), "{answered:?}");
        user.approve(&request).await;
        stream.to_done().await;
        assert_eq!(start().await, 200, "the key is free");
    }

    async fn who_reads_too_many_streams_is_told_and_can_decide_all_the_same(kind: Kind) {
        let options = Options::default().set("AURA__LIMITS__STREAMS_PER_USER", 2);
        let world = World::with(kind, options).await;
        let user = world.server.user();
        let (mut stream, request) = waits(&user).await;
        let second = user.resume(&stream.session(), None).await;
        let join = || {
            let path = format!("/aura/sessions/{}/stream", stream.session());
            user.request(Method::GET, &path).send()
        };
        assert_eq!(join().await.unwrap().status(), 429);
        drop(second);
        eventually("there is room", async || join().await.unwrap().status() == 200).await;
        assert_eq!(user.approve(&request).await.status, 200);
        stream.to_done().await;
    }

    async fn a_run_asks_nobody_while_enough_requests_wait_and_its_model_is_told(kind: Kind) {
        let mail = |subject: &str| json!({"to": ["kim@example.com"], "subject": subject, "body": "끝"});
        let (first, second) = (mail("하나"), mail("둘"));
        let calls = Reply::tool_calls([("send_email", &first), ("send_email", &second)]);
        let model = FakeModel::scripted([calls, Reply::text(["하나만 보냈습니다."])]).await;
        let options = Options::default()
            .model(&model)
            .set("AURA__LIMITS__WAITING_PER_USER", 1)
            .set("AURA__HITL__ASK", "together");
        let world = World::with(kind, options).await;
        let mut stream = world.server.user().stream("메일 두 통").await;
        let hitl = stream.until("hitl").await;
        assert_eq!(hitl.data["params"]["subject"], "하나");
        world.server.user().approve(hitl.data["requestId"].as_str().unwrap()).await;
        stream.to_done().await;
        assert_eq!(stream.all("hitl").len(), 1);
        let told = model.requests()[1].message(-2).to_string();
        assert!(told.contains("nobody can be asked now: this user has as many"), "{told}");
        assert!(told.contains("limits.waiting_per_user"), "{told}");
    }
}

/// A stream, as soon as there is a place: a run that asks, and a stream that nobody reads any more, give theirs
/// back a moment after that.
async fn let_in(user: &Caller, prompt: &str) -> SseStream {
    let start = || async {
        let response = user.post_stream(json!({ "prompt": prompt })).send().await.unwrap();
        (response.status() == 200).then(|| SseStream::of(response))
    };
    eventually_some("there is a place", start).await
}

/// `agent.max_runs` is what one process can bear at once, and a run that waits bears nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_wait_take_nobodys_place_and_get_theirs_when_they_are_decided() {
    let gate = Gate::closed();
    let mail = json!({"to": ["kim@example.com"], "subject": "보고", "body": "끝"});
    let asks = || Reply::tool_call("send_email", &mail);
    let works = Reply::stream().piece("네").gate(&gate).ends("stop");
    let replies = [asks(), asks(), asks(), works, Reply::text(["보냈습니다."])];
    let model = FakeModel::scripted(replies).await;
    let options = Options::default().model(&model).set("AURA__AGENT__MAX_RUNS", 1);
    let server = Server::start(options).await;
    let user = server.user();
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let mut stream = let_in(&user, "일").await;
        let hitl = stream.until("hitl").await;
        waiting.push((stream, hitl.data["requestId"].as_str().unwrap().to_owned()));
    }
    let other = server.as_user("tenant2", "park");
    let mut works = let_in(&other, "일").await;
    works.until("content").await;
    let refused = other.post_stream(json!({ "prompt": "또" })).send().await.unwrap();
    assert_eq!(refused.status(), 429, "the only place is taken");
    let (mut stream, request) = waiting.remove(0);
    user.approve(&request).await;
    stream.to_done().await;
    gate.open();
    works.to_done().await;
}

/// Who reads needs no place in a store that takes no writes, and finds one free on the other server at once
/// when a server is asked to end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_read_while_the_store_refuses_writes_and_moved_when_a_server_goes() {
    let redis = RedisServer::start();
    let options = || {
        Options::default()
            .set("REDIS_URL", redis.url())
            .set("AURA__LIMITS__STREAMS_PER_USER", 1)
            .set("AURA__API__DRAIN_DELAY_SECONDS", 0)
    };
    let (one, other) = tokio::join!(Server::start(options()), Server::start(options()));
    let mut finished = one.user().stream("안녕").await;
    finished.to_done().await;
    let path = format!("/aura/sessions/{}/stream", finished.session());
    let join = |server: &Server| server.user().request(Method::GET, &path).send();
    eventually("there is room", async || join(&other).await.unwrap().status() == 200).await;
    let mut keys = Keys::of(&redis).await;
    let _: () = keys.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    assert_eq!(join(&one).await.unwrap().status(), 200);
    let _: () = keys.command(&["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
    eventually("there is room", async || join(&one).await.unwrap().status() == 200).await;
    let (stream, _) = waiting(let_in(&one.user(), MERGE).await).await;
    let path = format!("/aura/sessions/{}/stream", stream.session());
    let join = || other.user().request(Method::GET, &path).send();
    assert_eq!(join().await.unwrap().status(), 429);
    one.terminate().await;
    assert_eq!(join().await.unwrap().status(), 200, "its streams are not counted any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_wait_are_taken_over_by_a_server_that_has_no_room_for_work() {
    let redis = RedisServer::start();
    let gate = Gate::closed();
    let mail = json!({"to": ["kim@example.com"], "subject": "보고", "body": "끝"});
    let works = Reply::stream().piece("네").gate(&gate).ends("stop");
    let replies = [Reply::tool_call("send_email", &mail), works, Reply::text(["보냈습니다."])];
    let model = FakeModel::scripted(replies).await;
    let options = || {
        Options::default()
            .model(&model)
            .set("REDIS_URL", redis.url())
            .set("AURA__AGENT__LEASE_SECONDS", 1)
            .set("AURA__AGENT__MAX_RUNS", 1)
    };
    let lost = Server::start(options()).await;
    let mut stream = lost.user().stream("메일").await;
    let hitl = stream.until("hitl").await;
    let full = Server::start(options()).await;
    let mut works = let_in(&full.user(), "일").await;
    works.until("content").await;
    lost.kill().await;
    let request = hitl.data["requestId"].as_str().unwrap();
    assert_eq!(full.user().approve(request).await.status, 200);
    full.user().resume(&stream.session(), None).await.to_done().await;
    gate.open();
    works.to_done().await;
}
