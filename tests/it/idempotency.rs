//! `Idempotency-Key` (contract, section 3): a request that is sent again is not a second request.
//! What becomes of a key whose process dies stands in `tests/faults/starts.rs`.

use futures::future::join_all;
use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::bodies::{error_event, refused};
use crate::resume::{PROMPT, after, mailing, request_of};
use crate::support::app::{Caller, Options, Server, eventually};
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::raw::Raw;
use crate::support::redis::RedisServer;
use crate::support::smtp::{Protection, SmtpServer};
use crate::support::stream::SseStream;
use crate::support::world::World;
use crate::with_both_stores;

const KEY: &str = "Idempotency-Key";

fn post(user: &Caller, key: &str, body: Value) -> RequestBuilder {
    user.post_stream(body).header(KEY, HeaderValue::from_bytes(key.as_bytes()).unwrap())
}

async fn ask(user: &Caller, key: &str, prompt: &str) -> SseStream {
    read(post(user, key, json!({ "prompt": prompt }))).await
}

async fn read(request: RequestBuilder) -> SseStream {
    let stream = SseStream::of(request.send().await.unwrap());
    assert_eq!(stream.status, 200);
    stream
}

async fn sessions(user: &Caller) -> usize {
    let listed = user.get("/aura/sessions").await;
    listed.data()["sessions"].as_array().unwrap().len()
}

/// A model that says one word to everything.
async fn talkative() -> FakeModel {
    FakeModel::always(Reply::text(["네."])).await
}

with_both_stores! {
    async fn three_posts_with_one_key_are_one_run(kind: Kind) {
        let model = FakeModel::scripted([mailing(), Reply::text(["보냈습니다."])]).await;
        let smtp = SmtpServer::open(Protection::None).await;
        let options = Options::default()
            .model(&model)
            .set("SMTP_URL", smtp.url(""))
            .set("AURA__SMTP__FROM", "aura@dwp.example");
        let world = World::with(kind, options).await;
        let body = json!({ "prompt": PROMPT }).to_string();
        for posts in 1..=3 {
            let key = format!("{KEY}: mail-1");
            let raw = Raw::request(&world.server, "POST /aura/test/stream", &[&key], &body).await;
            eventually("the post has arrived", async || {
                world.server.log().matches("request received").count() >= posts
            })
            .await;
            drop(raw);
        }

        let user = world.server.user();
        let mut stream = ask(&user, "mail-1", PROMPT).await;
        let hitl = stream.until("hitl").await;
        assert_eq!(user.approve(request_of(&hitl)).await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
        assert_eq!(stream.frames[0].event.as_deref(), Some("start"), "from its first event");
        assert_eq!((sessions(&user).await, smtp.mails().len(), model.requests().len()), (1, 1, 2));
    }

    async fn a_request_that_comes_again_goes_on_from_its_last_event(kind: Kind) {
        let gate = Gate::closed();
        let reply = Reply::stream().piece("하나 ").gate(&gate).piece("둘").ends("stop");
        let model = FakeModel::scripted([reply]).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let mut first = ask(&user, "k", "세어줘").await;
        let seen = first.until("content").await.id;
        let again = || post(&user, "k", json!({ "prompt": "세어줘" }));
        let mut resumed = read(again().header("Last-Event-ID", seen)).await;
        let mut whole = read(again()).await;
        gate.open();
        first.to_done().await;
        resumed.to_done().await;
        whole.to_done().await;
        let at = first.frames.iter().position(|frame| frame.id == seen).unwrap() + 1;
        assert_eq!(resumed.bytes(), after(&first, at));
        assert_eq!(whole.bytes(), first.bytes());
        // And when it is over.
        let mut late = read(again()).await;
        late.to_done().await;
        assert_eq!(late.bytes(), first.bytes());
        assert_eq!(sessions(&user).await, 1);
    }

    async fn another_request_with_the_same_key_is_refused(kind: Kind) {
        let model = talkative().await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let body = json!({ "prompt": "하나", "context": { "path": "/mail", "title": "메일" } });
        let mut first = read(post(&user, "k", body.clone())).await;
        first.to_done().await;
        let others = [
            json!({ "prompt": "둘" }),
            json!({ "prompt": "하나" }),
            json!({ "prompt": "하나", "context": { "path": "/mail" } }),
            json!({ "prompt": "하나", "context": body["context"], "thread_id": "t" }),
        ];
        for other in others {
            refused(&|| post(&user, "k", other.clone()), 409, "E3006").await;
            let resuming = post(&user, "k", other).header("Last-Event-ID", first.frames[0].id);
            error_event(resuming.send().await.unwrap(), 409, "E3006").await;
        }
        // The same again, spelled in another way.
        let spelled = r#"{ "context": {"title":"메일","path":"/mail"}, "prompt": "하나" }"#;
        let again = user.request(Method::POST, "/aura/test/stream").header(KEY, "k");
        let mut again = read(again.header("Content-Type", "application/json").body(spelled)).await;
        again.to_done().await;
        assert_eq!(again.session(), first.session());
        assert_eq!((sessions(&user).await, model.requests().len()), (1, 1));
    }

    async fn a_key_belongs_to_one_user_of_one_tenant(kind: Kind) {
        let model = talkative().await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let people = [("tenant1", "user123"), ("tenant1", "user456"), ("tenant2", "user123")];
        let mut started = Vec::new();
        for (tenant, name) in people {
            let user = world.server.as_user(tenant, name);
            let mut stream = ask(&user, "k", "안녕").await;
            stream.to_done().await;
            started.push(stream.session());
            assert_eq!(sessions(&user).await, 1);
        }
        started.dedup();
        assert_eq!(started.len(), people.len());
    }

    async fn the_enveloped_form_has_keys_as_well(kind: Kind) {
        let model = talkative().await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let get = |message: &str| {
            let path = format!("/aura/test/stream?message={message}&thread_id=t");
            user.request(Method::GET, &path).header(KEY, "k")
        };
        let mut first = SseStream::of(get("hello").send().await.unwrap());
        let mut again = SseStream::of(get("hello").send().await.unwrap());
        assert_eq!((first.status, again.status), (200, 200));
        assert_eq!(again.session(), first.session());
        while first.next().await.is_some() {}
        while again.next().await.is_some() {}
        assert_eq!(again.bytes(), first.bytes());
        assert_eq!(get("bye").send().await.unwrap().status(), 409);
        refused(&|| post(&user, "k", json!({ "prompt": "hello" })), 409, "E3006").await;
        assert_eq!(sessions(&user).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_posts_at_two_servers_one_starts_the_run_and_all_read_it() {
    let model = talkative().await;
    let redis = RedisServer::start();
    let options = || Options::default().model(&model).set("REDIS_URL", redis.url());
    let (first, second) = tokio::join!(Server::start(options()), Server::start(options()));
    let posts = (0..20).map(|n| {
        let user = if n % 2 == 0 { first.user() } else { second.user() };
        async move {
            let mut stream = ask(&user, "k", "안녕").await;
            stream.to_done().await;
            (stream.session(), stream.bytes())
        }
    });
    let mut read = join_all(posts).await;
    read.dedup();
    assert_eq!(read.len(), 1, "{read:#?}");
    assert_eq!((sessions(&first.user()).await, model.requests().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_whose_run_was_lost_starts_no_second_one() {
    let model = talkative().await;
    let redis = RedisServer::start();
    let server =
        Server::start(Options::default().model(&model).set("REDIS_URL", redis.url())).await;
    let user = server.user();
    let mut first = ask(&user, "k", "안녕").await;
    first.to_done().await;
    let session = first.session();
    let lost = redis.ask(&format!("DEL aura:journal:{session}")).unwrap();
    assert!(lost.starts_with(":1"), "{lost}");
    for _ in 0..2 {
        let mut again = ask(&user, "k", "안녕").await;
        again.to_done().await;
        assert_eq!(again.session(), session);
        let [error, trailer] = &again.frames[..] else { panic!("{:#?}", again.summary()) };
        assert!(error.is("error") && trailer.is_done(), "{:#?}", again.summary());
        assert_eq!(error.data["errorType"], "SessionLostError");
    }
    assert_eq!((sessions(&user).await, model.requests().len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_form_is_refused() {
    let model = talkative().await;
    let server = Server::start(Options::default().model(&model)).await;
    let user = server.user();
    let longest = "k".repeat(255);
    let too_long = "k".repeat(256);
    for key in ["", " ", "a b", "a\tb", "키", &too_long] {
        let said = refused(&|| post(&user, key, json!({ "prompt": "안녕" })), 400, "E4000").await;
        assert!(said.contains("Idempotency-Key"), "{said}");
    }
    let twice = || post(&user, "a", json!({ "prompt": "안녕" })).header(KEY, "a");
    let said = refused(&twice, 400, "E4000").await;
    assert!(said.contains("more than once"), "{said}");
    let get = user.request(Method::GET, "/aura/test/stream?message=hello").header(KEY, "a b");
    error_event(get.send().await.unwrap(), 400, "E4000").await;
    assert_eq!(sessions(&user).await, 0);
    ask(&user, &longest, "안녕").await.to_done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_was_refused_leaves_its_key_free() {
    let gate = Gate::closed();
    let works = Reply::stream().piece("네.").gate(&gate).ends("stop");
    let model = FakeModel::scripted([works, Reply::text(["네."])]).await;
    let mut redis = RedisServer::start();
    let options = Options::default().model(&model).set("REDIS_URL", redis.url());
    let server = Server::start(options.set("AURA__AGENT__MAX_RUNS", 1)).await;
    let user = server.user();
    let later = || post(&user, "later", json!({ "prompt": "하나 더" }));
    // Not valid.
    refused(&|| post(&user, "later", json!({ "prompt": " " })), 400, "E4001").await;
    // No place.
    let mut works = ask(&user, "first", "일").await;
    works.until("content").await;
    refused(&later, 429, "E4290").await;
    // What is there needs no place.
    let mut again = ask(&user, "first", "일").await;
    again.until("content").await;
    assert_eq!(again.session(), works.session());
    gate.open();
    works.to_done().await;
    // No store.
    redis.kill();
    eventually("the outage is known", || async {
        later().send().await.unwrap().status() == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    redis.restart();
    eventually("the key starts a run at last", || async {
        later().send().await.unwrap().status() == StatusCode::OK
    })
    .await;
    let mut stream = read(later()).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
    assert_eq!(sessions(&user).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_session_is_named_the_key_says_nothing() {
    let model = talkative().await;
    let server = Server::start(Options::default().model(&model)).await;
    let user = server.user();
    let (mut one, mut two) = (ask(&user, "a", "하나").await, ask(&user, "b", "둘").await);
    one.to_done().await;
    two.to_done().await;
    let mut named = read(post(&user, "b", json!({ "sessionId": one.session() }))).await;
    named.to_done().await;
    assert_eq!(named.bytes(), one.bytes());
    // A key that nobody has used does not hide what the last event says.
    let resuming = post(&user, "c", json!({ "prompt": "하나" }));
    let mut resumed = read(resuming.header("Last-Event-ID", one.frames[0].id)).await;
    resumed.to_done().await;
    assert_eq!(resumed.session(), one.session());
    let mut fresh = ask(&user, "c", "셋").await;
    fresh.to_done().await;
    assert_ne!(fresh.session(), one.session());
}
