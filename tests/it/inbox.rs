//! What waits for the people of a tenant (contract, section 5.6), as a page and live.

use std::time::Duration;

use futures::StreamExt;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::resume::{MAIL, mailing, request_of};
use crate::support::app::{Answer, Caller, Options, Server, eventually};
use crate::support::keys::Keys;
use crate::support::main_service::{Click, MainService};
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::redis::RedisServer;
use crate::support::stream::{Frame, SseStream};
use crate::support::world::World;
use crate::with_both_stores;

pub(crate) const PENDING: &str = "/aura/approvals";
const DECIDED: &str = "/aura/approvals?status=decided";

/// Whatever is asked, the model wants a mail sent; after that it answers.
pub(crate) async fn mailer() -> FakeModel {
    FakeModel::answering(|request| {
        let messages = request["messages"].as_array().unwrap();
        let is_answered = messages.last().is_some_and(|message| message["role"] == "tool");
        if is_answered { Reply::text(["했습니다."]) } else { mailing() }
    })
    .await
}

/// Starts a run, and reads until it asks.
pub(crate) async fn asked(user: &Caller, prompt: &str) -> (SseStream, Frame) {
    let mut stream = user.stream(prompt).await;
    let hitl = stream.until("hitl").await;
    (stream, hitl)
}

pub(crate) fn ids(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let approvals = answer.data()["approvals"].as_array().unwrap();
    approvals.iter().map(|approval| approval["requestId"].as_str().unwrap()).collect()
}

/// Reads a page until it is as it should be: what was asked or decided a moment ago is on its way.
pub(crate) async fn page(user: &Caller, path: &str, is_there: impl Fn(&Value) -> bool) -> Value {
    let found = std::sync::Mutex::new(Value::Null);
    eventually(&format!("{path} is as it should be"), || async {
        let data = user.get(path).await.data().clone();
        let there = is_there(&data);
        *found.lock().unwrap() = data;
        there
    })
    .await;
    found.into_inner().unwrap()
}

/// The only request that waits.
pub(crate) async fn only(user: &Caller, path: &str) -> Value {
    let data = page(user, path, |data| data["approvals"].as_array().unwrap().len() == 1).await;
    data["approvals"][0].clone()
}

with_both_stores! {
    async fn a_colleague_finds_what_waits_and_what_became_of_it(kind: Kind) {
        let model = mailer().await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let (user, colleague) = (world.server.user(), world.server.as_user("tenant1", "lee"));
        assert_eq!(user.get(PENDING).await.data(), &json!({"approvals": [], "count": 0, "next": null}));

        let prompt = "가".repeat(300);
        let (mut stream, hitl) = asked(&user, &prompt).await;
        let waits = only(&colleague, PENDING).await;
        for field in ["requestId", "actionType", "message", "context", "expiresAt", "approvers", "approvalsNeeded", "approvals", "preview"] {
            assert_eq!(waits[field], hitl.data[field], "{field}");
        }
        let known = json!({
            "sessionId": stream.session(), "userId": "user123", "tenantId": "tenant1", "status": "pending",
            "canDecide": true, "decidedByMe": false, "prompt": "가".repeat(200), "requestedBy": "user123",
        });
        for (field, value) in known.as_object().unwrap() {
            assert_eq!(&waits[field], value, "{field}");
        }
        assert_eq!(waits.get("outcome"), None);
        assert_eq!(colleague.get(PENDING).await.data()["count"], 1);

        assert_eq!(colleague.approve(request_of(&hitl)).await.status, StatusCode::OK);
        assert!(ids(&user.get(PENDING).await).is_empty(), "it waits no more once it is decided");
        let decided = only(&colleague, DECIDED).await;
        let known = json!({
            "requestId": hitl.data["requestId"], "status": "approved", "outcome": "approved",
            "approvedBy": "lee", "canDecide": false, "decidedByMe": true, "requestedBy": "user123",
            "context": hitl.data["context"], "prompt": "가".repeat(200),
        });
        for (field, value) in known.as_object().unwrap() {
            assert_eq!(&decided[field], value, "{field}");
        }
        assert_eq!(only(&user, DECIDED).await["decidedByMe"], false);
        stream.to_done().await;
    }

    async fn every_way_in_which_a_request_can_end_is_told(kind: Kind) {
        let model = mailer().await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let (mut rejected, hitl) = asked(&user, "아니요").await;
        user.reject(request_of(&hitl), "안 됩니다").await;
        rejected.to_done().await;
        let (mut cancelled, _) = asked(&user, "그만").await;
        user.post(&format!("/aura/sessions/{}/cancel", cancelled.session()), json!({})).await;
        cancelled.to_done().await;

        let data = page(&user, DECIDED, |data| data["approvals"].as_array().unwrap().len() == 2).await;
        let told: Vec<_> = data["approvals"].as_array().unwrap().iter().map(|approval| {
            (approval["status"].as_str().unwrap(), approval["rejectedBy"].as_str(), approval["decidedByMe"].as_bool().unwrap())
        }).collect();
        assert_eq!(told, [("cancelled", None, false), ("rejected", Some("user123"), true)]);
        assert_eq!(data["approvals"][1]["reason"], "안 됩니다");
        assert_eq!(data["count"], 0);
    }

    async fn what_nobody_answers_in_time_waits_no_more(kind: Kind) {
        let model = mailer().await;
        let options = Options::default().model(&model).set("AURA__HITL__TIMEOUT_SECONDS", 1);
        let world = World::with(kind, options).await;
        let user = world.server.user();
        let (mut stream, hitl) = asked(&user, "메일").await;
        stream.to_done().await;
        let decided = only(&user, DECIDED).await;
        assert_eq!((&decided["requestId"], &decided["status"]), (&hitl.data["requestId"], &json!("timed_out")));
        assert!(ids(&user.get(PENDING).await).is_empty());
    }

    async fn another_tenants_inbox_is_another(kind: Kind) {
        let model = mailer().await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let (user, stranger) = (world.server.user(), world.server.as_user("tenant2", "user123"));
        let (_stream, hitl) = asked(&user, "메일").await;
        only(&user, PENDING).await;
        assert!(ids(&stranger.get(PENDING).await).is_empty());
        let before = stranger.get(&format!("{PENDING}?before={}", request_of(&hitl))).await;
        assert_eq!(before.status, StatusCode::BAD_REQUEST, "it does not exist for them");
        user.approve(request_of(&hitl)).await;
        only(&user, DECIDED).await;
        assert!(ids(&stranger.get(DECIDED).await).is_empty());
    }

    async fn who_may_decide_is_told_and_counted_by_token_and_policy(kind: Kind) {
        let model = mailer().await;
        let options = Options::default().model(&model).set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "2 of role:manager");
        let world = World::with(kind, options).await;
        let user = world.server.user();
        let managers = ["kim", "lee"].map(|name| world.server.as_user("tenant1", name).in_role("manager"));
        let (mut stream, hitl) = asked(&user, "메일").await;
        assert_eq!(only(&user, PENDING).await["canDecide"], false);
        assert_eq!(user.get(PENDING).await.data()["count"], 0);
        assert_eq!(only(&managers[0], PENDING).await["canDecide"], true);

        assert_eq!(managers[0].approve(request_of(&hitl)).await.status, StatusCode::OK);
        let once = page(&managers[0], PENDING, |data| data["approvals"][0]["approvals"] == 1).await;
        let (line, count) = (&once["approvals"][0], &once["count"]);
        assert_eq!((&line["canDecide"], &line["decidedByMe"], count), (&json!(false), &json!(true), &json!(0)));
        let other = managers[1].get(PENDING).await;
        let line = &other.data()["approvals"][0];
        assert_eq!((&line["canDecide"], &line["decidedByMe"], &other.data()["count"]), (&json!(true), &json!(false), &json!(1)));
        assert_eq!((&line["approvers"], &line["approvalsNeeded"]), (&json!("role:manager"), &json!(2)));

        assert_eq!(managers[1].approve(request_of(&hitl)).await.status, StatusCode::OK);
        stream.to_done().await;
        for manager in &managers {
            assert_eq!(only(manager, DECIDED).await["decidedByMe"], true);
        }
    }

    async fn an_edit_that_another_person_has_to_see_waits_in_its_place(kind: Kind) {
        let model = mailer().await;
        let options = Options::default().model(&model).set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "not_requester");
        let world = World::with(kind, options).await;
        let (user, editor) = (world.server.user(), world.server.as_user("tenant1", "lee"));
        let (mut stream, hitl) = asked(&user, "메일").await;
        assert_eq!(only(&user, PENDING).await["canDecide"], false);
        let mut args: Value = serde_json::from_str(MAIL).unwrap();
        args["subject"] = json!("정정");
        let edited = editor.post(&format!("/aura/hitl/approve/{}", request_of(&hitl)), json!({"args": args})).await;
        let next = edited.data()["requestId"].clone();
        stream.until("hitl").await;
        let is_next = |data: &Value| data["approvals"][0]["requestId"] == next;
        let waits = page(&user, PENDING, is_next).await;
        let line = &waits["approvals"][0];
        assert_eq!((&line["requestedBy"], &line["canDecide"]), (&json!("lee"), &json!(true)));
        assert_eq!(page(&editor, PENDING, is_next).await["approvals"][0]["canDecide"], false);
        let decided = only(&user, DECIDED).await;
        assert_eq!((&decided["status"], &decided["supersededBy"]), (&json!("rejected"), &next));
        let again = editor.approve(request_of(&hitl)).await;
        assert_eq!((again.status, &again.data()["supersededBy"]), (StatusCode::CONFLICT, &next));
    }

    async fn what_was_approved_with_changed_arguments_shows_both_and_is_decided_here(kind: Kind) {
        let model = mailer().await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let (mut stream, hitl) = asked(&user, "메일").await;
        let mut args: Value = serde_json::from_str(MAIL).unwrap();
        args["subject"] = json!("정정");
        let path = |what: &str| format!("/aura/approvals/{}/{what}", request_of(&hitl));
        for (what, body, wrong) in [
            ("approve", json!({"arguments": args}), "arguments"),
            ("reject", json!({"args": args}), "args"),
        ] {
            let refused = user.post(&path(what), body).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST);
            assert!(refused.body["detail"].as_str().unwrap().contains(wrong), "{refused:?}");
        }
        assert_eq!(user.post(&path("approve"), json!({"args": args})).await.status, StatusCode::OK);
        let late = user.post(&path("reject"), json!({"reason": "늦음"})).await;
        assert_eq!((late.status, &late.data()["status"]), (StatusCode::CONFLICT, &json!("approved")));
        let ran = stream.to_done().await;
        let ran = ran.iter().find(|event| event.data["status"] == "success").unwrap();
        assert_eq!(ran.data["toolArgs"]["subject"], "정정");
        let listed = only(&user, DECIDED).await;
        let request = user.get(&format!("/aura/hitl/requests/{}", request_of(&hitl))).await;
        let request: Value = serde_json::from_str(request.data().as_str().unwrap()).unwrap();
        for told in [&listed, &request] {
            assert_eq!((&told["context"], &told["args"]), (&hitl.data["context"], &args));
        }
        assert_eq!(listed["preview"], hitl.data["preview"]);
    }

    async fn pages_neither_skip_nor_repeat_while_things_change(kind: Kind) {
        let model = mailer().await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let mut streams = Vec::new();
        for n in 0..7 {
            streams.push(asked(&user, &format!("메일 {n}")).await);
        }
        let whole = page(&user, PENDING, |data| data["count"] == 7).await;
        let newest_first: Vec<Value> = whole["approvals"].as_array().unwrap().iter().map(|it| it["requestId"].clone()).collect();
        let expected: Vec<Value> = streams.iter().rev().map(|(_, hitl)| hitl.data["requestId"].clone()).collect();
        assert_eq!(newest_first, expected);

        let (mut paged, mut before) = (Vec::new(), String::new());
        loop {
            let answer = user.get(&format!("{PENDING}?limit=2{before}")).await;
            paged.extend(ids(&answer).into_iter().map(Value::from));
            let Some(next) = answer.data()["next"].as_str() else { break };
            before = format!("&before={next}");
            // What the next page goes on from is decided, and something new is asked.
            user.reject(next, "아니요").await;
            streams.push(asked(&user, "또 하나").await);
        }
        assert_eq!(paged, expected);
        let decided = page(&user, DECIDED, |data| data["approvals"].as_array().unwrap().len() == 3).await;
        assert_eq!(decided["approvals"][0]["requestId"], expected[5], "the last decided one first");
        let first = user.get(&format!("{DECIDED}&limit=1")).await;
        let next = first.data()["next"].as_str().unwrap();
        let rest = user.get(&format!("{DECIDED}&before={next}")).await;
        assert_eq!((ids(&first).len(), ids(&rest).len(), &rest.data()["next"]), (1, 2, &Value::Null));
    }

    async fn what_cannot_be_meant_is_refused_with_its_name(kind: Kind) {
        let world = World::new(kind).await;
        let user = world.server.user();
        for (query, field) in [
            ("status=open", "status: must be pending or decided"),
            ("status=Pending", "status: must be pending or decided"),
            ("limit=0", "limit: must be a number from 1 to 100"),
            ("limit=101", "limit: must be a number from 1 to 100"),
            ("limit=x", "limit: must be a number from 1 to 100"),
            ("before=x", "before: must be the id of a request of this list"),
            ("before=req_0123456789ab", "before: must be the id of a request of this list"),
        ] {
            let answer = user.get(&format!("{PENDING}?{query}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
            assert_eq!((&answer.body["errorCode"], &answer.body["detail"]), (&json!("E4000"), &json!(field)), "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_main_service_decides_is_told_too() {
    let model = mailer().await;
    let redis = RedisServer::start();
    let options = Options::default().model(&model).set("REDIS_URL", redis.url());
    let server = Server::start(options).await;
    let user = server.as_user("1", "user123");
    let mut main_service = MainService::of(&redis).await;
    let (mut stream, hitl) = asked(&user, "메일").await;
    only(&user, PENDING).await;
    main_service.click(request_of(&hitl), Click::Approve).await;
    stream.to_done().await;
    let decided = only(&user, DECIDED).await;
    let told = (&decided["status"], &decided["approvedBy"], &decided["decidedByMe"]);
    assert_eq!(told, (&json!("approved"), &json!("7"), &json!(false)));
    assert!(decided["approvedAt"].as_u64().unwrap() > 1_700_000_000_000, "in milliseconds");
}

/// An index can be lost, and is no more than one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inbox_that_was_lost_is_written_again_from_what_is_true() {
    let model = mailer().await;
    let redis = RedisServer::start();
    let options = || Options::default().model(&model).set("REDIS_URL", redis.url());
    let (first, second) = tokio::join!(Server::start(options()), Server::start(options()));
    let (_stream, hitl) = asked(&first.user(), "메일").await;
    only(&second.user(), PENDING).await;
    let mut keys = Keys::of(&redis).await;
    let lost: Vec<String> = keys.command(&["KEYS", "aura:inbox:*"]).await;
    for key in lost {
        let _: usize = keys.command(&["DEL", &key]).await;
    }
    assert!(ids(&second.user().get(PENDING).await).is_empty());
    // By the run's next owner; its owner itself would look within a minute.
    first.kill().await;
    let waits = only(&second.user(), PENDING).await;
    assert_eq!(waits["requestId"], hitl.data["requestId"]);
    assert_eq!(waits["canDecide"], true);
}

/// Its owner looks after each reconnect to Redis, and once a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_of_a_run_notes_again_what_its_inbox_has_lost() {
    let model = mailer().await;
    let redis = RedisServer::start();
    let options = Options::default().model(&model).set("REDIS_URL", redis.url());
    let server =
        Server::start(options.set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "2 of tenant")).await;
    let user = server.user();
    let (_stream, hitl) = asked(&user, "메일").await;
    user.approve(request_of(&hitl)).await;
    let once = |data: &Value| data["approvals"][0]["approvals"] == 1;
    page(&user, PENDING, once).await;
    let mut keys = Keys::of(&redis).await;
    let lost: Vec<String> = keys.command(&["KEYS", "aura:inbox:*"]).await;
    for key in lost {
        let _: usize = keys.command(&["DEL", &key]).await;
    }
    keys.cut_all_others().await;
    let again = page(&user, PENDING, once).await;
    let line = &again["approvals"][0];
    assert_eq!(line["requestId"], hitl.data["requestId"]);
    assert_eq!(
        (&line["canDecide"], &line["decidedByMe"]),
        (&json!(false), &json!(true)),
        "all of it"
    );
}

/// What stands in the index without our seal, or beside a decision, counts for nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_is_not_believed_without_seal_and_decision() {
    let model = mailer().await;
    let redis = RedisServer::start();
    let options = Options::default().model(&model).set("REDIS_URL", redis.url());
    let server = Server::start(options).await;
    let user = server.user();
    let (mut stream, hitl) = asked(&user, "메일").await;
    only(&user, PENDING).await;
    let mut keys = Keys::of(&redis).await;
    let request = request_of(&hitl);
    let hash = "aura:inbox:{tenant1}:requests";
    let waiting: String = keys.command(&["HGET", hash, request]).await;

    // As a process leaves it that decides and is killed before it tells the inbox.
    let places: Vec<String> =
        keys.command(&["ZRANGE", "aura:inbox:{tenant1}:waiting", "0", "-1"]).await;
    user.approve(request).await;
    stream.to_done().await;
    only(&user, DECIDED).await;
    for words in [
        &["DEL", "aura:inbox:{tenant1}:decided"][..],
        &["HSET", hash, request, &waiting],
        &["ZADD", "aura:inbox:{tenant1}:waiting", "0", &places[0]],
    ] {
        let _: usize = keys.command(words).await;
    }
    let pending = user.get(PENDING).await;
    assert!(ids(&pending).is_empty() && pending.data()["count"] == 0, "{pending:?}");
    assert_eq!(only(&user, DECIDED).await["status"], "approved", "and it is told now");

    // Somebody makes one up.
    let forged = waiting.replace("send_email", "git_merge");
    assert_ne!(forged, waiting);
    let other = "req_00000000000000000000000000000000";
    for words in [
        &["HSET", hash, other, &forged][..],
        &["ZADD", "aura:inbox:{tenant1}:waiting", "0", &places[0].replace(request, other)],
    ] {
        let _: usize = keys.command(words).await;
    }
    let pending = user.get(PENDING).await;
    assert!(ids(&pending).is_empty() && pending.data()["count"] == 0, "{pending:?}");
}

/// As a process leaves it that goes on with a decision and is killed before it tells of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_a_run_over_tells_of_what_was_decided() {
    let gate = Gate::closed();
    let last = Reply::stream().piece("다 ").gate(&gate).ends("stop");
    let model = FakeModel::scripted([mailing(), last, Reply::text(["했습니다."])]).await;
    let redis = RedisServer::start();
    let options = || Options::default().model(&model).set("REDIS_URL", redis.url());
    let (first, second) = tokio::join!(Server::start(options()), Server::start(options()));
    let (mut stream, hitl) = asked(&first.user(), "메일").await;
    only(&first.user(), PENDING).await;
    let (mut keys, request) = (Keys::of(&redis).await, request_of(&hitl));
    let (hash, waiting) = ("aura:inbox:{tenant1}:requests", "aura:inbox:{tenant1}:waiting");
    let kept: String = keys.command(&["HGET", hash, request]).await;
    let places: Vec<String> = keys.command(&["ZRANGE", waiting, "0", "-1"]).await;
    let stored: String = keys.command(&["GET", &format!("hitl:request:{request}")]).await;
    first.user().approve(request).await;
    stream.until("content").await;
    only(&first.user(), DECIDED).await;
    let decided = "aura:inbox:{tenant1}:decided";
    for words in [
        &["DEL", decided][..],
        &["HSET", hash, request, &kept],
        &["ZADD", waiting, "0", &places[0]],
    ] {
        let _: usize = keys.command(words).await;
    }
    let _: String =
        keys.command(&["SET", &format!("hitl:request:{request}"), &stored, "EX", "600"]).await;
    first.kill().await;
    // Nobody looks at the inbox meanwhile.
    let keys = tokio::sync::Mutex::new(keys);
    eventually("the decision is noted", || async {
        let mut keys = keys.lock().await;
        let waits: usize = keys.command(&["ZCARD", waiting]).await;
        let done: usize = keys.command(&["ZCARD", decided]).await;
        let told = keys.json(&format!("hitl:request:{request}")).await["outcome"] == "approved";
        (waits, done, told) == (0, 1, true)
    })
    .await;
    gate.open();
    assert_eq!(only(&second.user(), DECIDED).await["status"], "approved");
}

/// Whoever sees that it is asked finds it, whatever becomes of the process that has asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_in_the_inbox_before_anybody_sees_that_it_is_asked() {
    let (model, redis) = (mailer().await, RedisServer::start());
    let options = || Options::default().model(&model).set("REDIS_URL", redis.url());
    let (first, second) = tokio::join!(Server::start(options()), Server::start(options()));
    let mut published = redis::Client::open(redis.url()).unwrap().get_async_pubsub().await.unwrap();
    published.psubscribe("aura:*").await.unwrap();
    let (stream, hitl) = asked(&first.user(), "메일").await;
    first.kill().await;
    let waits = second.user().get(PENDING).await;
    assert_eq!(ids(&waits), [request_of(&hitl)]);

    // Redis publishes in the order in which it writes.
    let journal = format!("aura:tail:{}", stream.session());
    let mut channels = Vec::new();
    let mut told = published.on_message();
    while let Ok(Some(message)) =
        tokio::time::timeout(Duration::from_millis(500), told.next()).await
    {
        channels.push(message.get_channel_name().to_owned());
    }
    let last = |name: &str| channels.iter().rposition(|channel| channel == name).expect(name);
    assert!(last("aura:inbox:{tenant1}") < last(&journal), "{channels:?}");
}

/// As a process leaves it that is killed when it was about to ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_noted_and_never_asked_is_taken_back_by_the_next_owner() {
    let (model, redis) = (mailer().await, RedisServer::start());
    let options = || {
        let options = Options::default().model(&model).set("REDIS_URL", redis.url());
        options.set("AURA__AGENT__LEASE_SECONDS", 1)
    };
    let first = Server::start(options()).await;
    let (stream, hitl) = asked(&first.user(), "메일").await;
    first.kill().await;
    let (mut keys, journal) =
        (Keys::of(&redis).await, format!("aura:journal:{}", stream.session()));
    let entries: Vec<(String, Vec<String>)> = keys.command(&["XRANGE", &journal, "-", "+"]).await;
    let asks = |(_, fields): &(String, Vec<String>)| {
        fields.iter().any(|field| field.contains(r#""rec":"approval_asked""#))
    };
    let asked_at = entries.iter().position(asks).expect("it was asked");
    for (id, _) in &entries[asked_at..] {
        let _: usize = keys.command(&["XDEL", &journal, id]).await;
    }

    let second = Server::start(options()).await;
    let (user, never_asked) = (second.user(), request_of(&hitl));
    let cancelled = only(&user, DECIDED).await;
    assert_eq!(
        (&cancelled["requestId"], &cancelled["status"]),
        (&json!(never_asked), &json!("cancelled"))
    );
    let waits = only(&user, PENDING).await;
    assert_ne!(waits["requestId"], json!(never_asked), "it is asked anew");
    assert_eq!(user.approve(never_asked).await.status, StatusCode::CONFLICT);
    let asked_anew = waits["requestId"].as_str().unwrap();
    assert_eq!(user.approve(asked_anew).await.status, StatusCode::OK);
    user.resume(&stream.session(), Some(hitl.id)).await.to_done().await;
}
