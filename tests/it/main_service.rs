//! Clicks at the platform's Main Service, which answers from what stands in Redis: it must tell people
//! the truth, and what it writes must never change a decision.

use futures::StreamExt;
use serde_json::{Value, json};

use crate::support::app::{Caller, Options, Server, eventually, eventually_some};
use crate::support::keys::Keys;
use crate::support::main_service::{Click, MainService, Told};
use crate::support::model::{FakeModel, Reply};
use crate::support::redis::RedisServer;
use crate::support::stream::{Frame, SseStream};

const MERGE: &str = "feature 브랜치를 main에 병합해주세요";

struct Scene {
    server: Server,
    main_service: MainService,
    keys: Keys,
    redis: RedisServer,
}

impl Scene {
    async fn new(options: Options) -> Self {
        let redis = RedisServer::start();
        let server = Server::start(options.set("REDIS_URL", redis.url())).await;
        let (main_service, keys) = (MainService::of(&redis).await, Keys::of(&redis).await);
        Self { server, main_service, keys, redis }
    }

    fn user(&self) -> Caller {
        self.server.as_user("1", "1")
    }

    async fn ask(&self) -> (SseStream, String) {
        let mut stream = self.user().stream(MERGE).await;
        let hitl = stream.until("hitl").await;
        let id = hitl.data["requestId"].as_str().unwrap().to_owned();
        (stream, id)
    }

    async fn stored(&mut self, request: &str) -> Value {
        self.keys.json(&format!("hitl:request:{request}")).await
    }
}

fn no() -> Told {
    Told { status: 409, word: "rejected".into() }
}

fn text<'a>(frame: &'a Frame, field: &str) -> &'a str {
    frame.data[field].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_after_the_time_out_is_told_no_by_the_main_service() {
    let mut scene = Scene::new(Options::default().set("HITL_TIMEOUT_SECONDS", 1)).await;
    let (mut stream, id) = scene.ask().await;
    stream.to_done().await;
    assert_eq!(scene.main_service.click(&id, Click::Approve).await, no());
    let stored = scene.stored(&id).await;
    assert_eq!((&stored["status"], &stored["outcome"]), (&json!("rejected"), &json!("timed_out")));
    assert!(stored["rejectedAt"].is_u64() && stored["reason"].is_string(), "{stored}");
    let told = scene.user().get(&format!("/aura/hitl/requests/{id}")).await;
    let told: Value = serde_json::from_str(told.data().as_str().unwrap()).unwrap();
    assert_eq!(told["status"], "timed_out", "{told}");
}

/// Whoever listens on `hitl:requests:<tenant>` hears of a request before anybody sees its `hitl` event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_told_of_on_its_tenants_channel_before_its_event() {
    let scene = Scene::new(Options::default()).await;
    let client = redis::Client::open(scene.redis.url()).unwrap();
    let mut hears = client.get_async_pubsub().await.unwrap();
    hears.subscribe("hitl:requests:1").await.unwrap();
    let (_stream, id) = scene.ask().await;
    let message: String = hears.on_message().next().await.unwrap().get_payload().unwrap();
    let told: Value = serde_json::from_str(&message).unwrap();
    assert_eq!((&told["requestId"], &told["status"]), (&json!(id), &json!("pending")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_after_any_other_end_is_told_no_as_well() {
    let mut scene = Scene::new(Options::default()).await;
    let (mut stream, cancelled) = scene.ask().await;
    let path = format!("/aura/sessions/{}/cancel", stream.session());
    scene.user().post(&path, json!({})).await;
    stream.to_done().await;
    assert_eq!(scene.main_service.click(&cancelled, Click::Approve).await, no());
    assert_eq!(scene.stored(&cancelled).await["outcome"], "cancelled");

    let (mut stream, rejected) = scene.ask().await;
    scene.user().reject(&rejected, "아니요").await;
    assert_eq!(scene.main_service.click(&rejected, Click::Approve).await, no(), "at once");
    stream.to_done().await;
    assert_eq!(scene.stored(&rejected).await["outcome"], "rejected");

    let (mut stream, approved) = scene.ask().await;
    scene.user().approve(&approved).await;
    let yes = Told { status: 409, word: "approved".into() };
    assert_eq!(scene.main_service.click(&approved, Click::Reject).await, yes);
    stream.to_done().await;
    assert_eq!(scene.stored(&approved).await["outcome"], "approved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_at_the_main_service_decides_and_keeps_who_it_was() {
    // The number in the arguments comes back as a double, and is the same number.
    let pull = json!({"owner": "dwp", "repo": "sample", "number": 5});
    let model =
        FakeModel::scripted([Reply::tool_call("github_merge_pr", &pull), Reply::text(["끝"])])
            .await;
    let mut scene = Scene::new(Options::default().model(&model)).await;
    let mut stream = scene.user().stream("PR 5를 병합해줘").await;
    let id = text(&stream.until("hitl").await, "requestId").to_owned();
    let told = scene.main_service.click(&id, Click::Approve).await;
    assert_eq!(told, Told { status: 200, word: "approved".into() });
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
    let last = stream.all("tool_execution").pop().unwrap().data.clone();
    assert_eq!((&last["status"], &last["toolArgs"]), (&json!("success"), &pull));
    let stored = scene.stored(&id).await;
    assert_eq!((&stored["outcome"], &stored["approvedBy"]), (&json!("approved"), &json!("7")));
}

/// Its request alone, written while nobody listened: what it shows is what runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_while_this_service_is_away_counts_once_it_is_back() {
    let redis = RedisServer::start();
    let options = || Options::default().set("REDIS_URL", redis.url());
    let first = Server::start(options().set("AURA__AGENT__LEASE_SECONDS", 1)).await;
    let mut stream = first.as_user("1", "1").stream(MERGE).await;
    let hitl = stream.until("hitl").await;
    let workspace = first.workspace().to_owned();
    let copy = tempfile::TempDir::new().unwrap();
    let sample = aura_platform::tools::git::sample::create(
        &copy.path().join("sample"),
        &aura_testing::defaults::git(),
    )
    .await;
    assert!(workspace.exists());
    first.kill().await;
    let mut main_service = MainService::of(&redis).await;
    let told = main_service.click(text(&hitl, "requestId"), Click::Approve).await;
    assert_eq!(told.status, 200);
    let second = Server::start_in(options(), &sample.unwrap()).await;
    let mut rest = second.as_user("1", "1").resume(&stream.session(), Some(hitl.id)).await;
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed", "{:#?}", rest.summary());
}

/// It has read the request in time, and writes it back when the run is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_that_is_written_after_the_time_out_changes_nothing_and_is_set_right() {
    let mut scene = Scene::new(Options::default().set("HITL_TIMEOUT_SECONDS", 1)).await;
    let (mut stream, id) = scene.ask().await;
    let Ok(read) = scene.main_service.read(&id).await else { panic!("it was pending") };
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "failed");
    scene.main_service.write(read, Click::Approve).await;
    let key = format!("hitl:request:{id}");
    let right = eventually_some("the request tells the truth again", async || {
        let mut keys = Keys::of(&scene.redis).await;
        let stored = keys.json(&key).await;
        (stored["outcome"] == "timed_out" && stored["status"] == "rejected").then_some(stored)
    })
    .await;
    assert_eq!(right.get("approvedBy"), None, "{right}");
    assert!(scene.keys.ttl(&key).await > 0, "it lives as long as before");
    assert_eq!(scene.main_service.click(&id, Click::Approve).await, no());
    let late = scene.user().approve(&id).await;
    assert_eq!((late.status.as_u16(), &late.data()["status"]), (409, &json!("timed_out")));
}

fn decisions(stream: &SseStream) -> Vec<String> {
    let thoughts = stream.all("thought").into_iter();
    let decisions = thoughts.filter(|frame| frame.data["thoughtType"] == "decision");
    decisions.map(|frame| text(frame, "content").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_that_does_not_count_puts_the_request_back() {
    let policy = Options::default().set("AURA__TOOLS__APPROVERS__GIT_MERGE", "requester");
    let mut scene = Scene::new(policy).await;
    let (mut stream, id) = scene.ask().await;
    let ttl = scene.keys.ttl(&format!("hitl:request:{id}")).await;
    assert_eq!(scene.main_service.click(&id, Click::Approve).await.status, 200);
    let thought = stream.until("thought").await;
    assert_eq!(thought.data["thoughtType"], "decision");
    let content = text(&thought, "content");
    assert!(content.contains("requester") && content.contains("git_merge"), "{content}");
    assert!(content.contains(&format!("/aura/hitl/approve/{id}")), "{content}");
    eventually("the request is pending again", async || {
        Keys::of(&scene.redis).await.json(&format!("hitl:request:{id}")).await["status"]
            == "pending"
    })
    .await;
    let stored = scene.stored(&id).await;
    for gone in ["approvedBy", "approvedAt", "outcome"] {
        assert_eq!(stored.get(gone), None, "{stored}");
    }
    let left = scene.keys.ttl(&format!("hitl:request:{id}")).await;
    assert!((ttl - 60..=ttl).contains(&left), "{left} s of {ttl} s");
    let log = scene.server.logged("HITL signal ignored", 1).await;
    assert!(log.contains("only requester may approve"));
    let path = format!("/aura/sessions/{}", stream.session());
    assert_eq!(scene.user().get(&path).await.data()["status"], "waiting_approval");

    // The signal still stands in its key: the poll finds it again, and nobody is told twice.
    polled(&mut scene, &id).await;
    assert_eq!(scene.user().approve(&id).await.status.as_u16(), 200);
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
    let told = decisions(&stream);
    assert_eq!(told.len(), 2, "the vote, and the approval that counts: {told:#?}");
}

/// Waits for a poll: it puts a request back that somebody has set once more without a word.
async fn polled(scene: &mut Scene, id: &str) {
    let key = format!("hitl:request:{id}");
    let mut request = scene.stored(id).await;
    request["status"] = json!("approved");
    let signal = format!("hitl:signal:{}", request["sessionId"].as_str().unwrap());
    let at = scene.keys.json(&signal).await["timestamp"].clone();
    request["approvedAt"] = at;
    scene.keys.set(&key, &request, 1800).await;
    eventually("the poll has put it back", async || {
        Keys::of(&scene.redis).await.json(&key).await["status"] == "pending"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_that_does_not_count_is_told_of_also_after_a_vote_of_nobody_in_particular() {
    let policy = Options::default().set("AURA__TOOLS__APPROVERS__GIT_MERGE", "requester");
    let mut scene = Scene::new(policy).await;
    let (mut stream, id) = scene.ask().await;
    scene.keys.publish(&stream.session(), &json!({"action": "approve"}).to_string()).await;
    stream.until("thought").await;
    assert_eq!(scene.main_service.click(&id, Click::Approve).await.status, 200);
    stream.until("thought").await;
    assert_eq!(decisions(&stream).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_votes_that_do_not_count_is_told_of_a_few_times() {
    let policy = Options::default().set("AURA__TOOLS__APPROVERS__GIT_MERGE", "not_requester");
    let mut scene = Scene::new(policy).await;
    let (mut stream, id) = scene.ask().await;
    let session = stream.session();
    for voter in 0..40 {
        let vote = json!({"type": "approval", "requestId": id, "userId": format!("user{voter}")});
        scene.keys.publish(&session, &vote.to_string()).await;
    }
    // A no counts from anybody, and comes after all of these.
    let no = json!({"type": "rejection", "requestId": id});
    scene.keys.publish(&session, &no.to_string()).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "rejected");
    assert!(decisions(&stream).len() <= 5, "{:#?}", decisions(&stream));
}

/// Whoever takes the run over does not tell again what was told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_that_does_not_count_is_told_of_once_also_after_a_crash() {
    let redis = RedisServer::start();
    let options = || {
        Options::default()
            .set("REDIS_URL", redis.url())
            .set("AURA__TOOLS__APPROVERS__GIT_MERGE", "requester")
            .set("AURA__AGENT__LEASE_SECONDS", 1)
    };
    let first = Server::start(options()).await;
    let mut stream = first.as_user("1", "1").stream(MERGE).await;
    let id = text(&stream.until("hitl").await, "requestId").to_owned();
    let mut main_service = MainService::of(&redis).await;
    main_service.click(&id, Click::Approve).await;
    let told = stream.until("thought").await;
    first.kill().await;
    let second = Server::start(options()).await;
    eventually("the run is waited for again", async || {
        second.log().contains("run taken over: it waits for answers")
    })
    .await;
    // The same vote, found in its key; another one; then the end.
    let mut keys = Keys::of(&redis).await;
    let key = format!("hitl:signal:{}", stream.session());
    let vote = keys.json(&key).await;
    keys.publish(&stream.session(), &vote.to_string()).await;
    let other = json!({"type": "approval", "requestId": id, "timestamp": 4_000_000_000_u64});
    keys.publish(&stream.session(), &other.to_string()).await;
    let mut rest = second.as_user("1", "1").resume(&stream.session(), Some(told.id)).await;
    rest.until("thought").await;
    second.as_user("1", "1").reject(&id, "아니요").await;
    rest.to_done().await;
    assert_eq!(decisions(&rest).len(), 1, "{:#?}", rest.summary());
}
