//! Requests that somebody has rewritten in Redis, whose keys others may write, too: what runs is what
//! was asked, by leave of those who may give it, or nothing.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::resume::request_of;
use crate::support::app::{Options, Server, eventually};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Reply};
use crate::support::stream::SseStream;
use crate::support::world::{Kind, World};

/// A run that asks for a mail, and somebody at its Redis.
struct Scene {
    world: World,
    keys: Keys,
    stream: SseStream,
    request: String,
    _model: FakeModel,
}

impl Scene {
    async fn new(approvers: &str) -> Self {
        let mail = json!({"to": ["kim@example.com"], "subject": "보고", "body": "끝"}).to_string();
        let model = FakeModel::scripted([
            Reply::stream().call("call_a", "send_email", [mail.as_str()]).ends("tool_calls"),
            Reply::text(["했습니다."]),
        ])
        .await;
        let options =
            Options::default().model(&model).set("AURA__TOOLS__APPROVERS__SEND_EMAIL", approvers);
        let world = World::with(Kind::Redis, options).await;
        let keys = Keys::of(world.redis.as_ref().unwrap()).await;
        let mut stream = world.server.user().stream("메일").await;
        let hitl = stream.until("hitl").await;
        let request = request_of(&hitl).to_owned();
        Self { world, keys, stream, request, _model: model }
    }

    /// Rewrites the stored request.
    async fn rewrite(&mut self, change: impl FnOnce(&mut Value)) {
        let key = format!("hitl:request:{}", self.request);
        let mut request = self.keys.json(&key).await;
        change(&mut request);
        self.keys.set(&key, &request, 300).await;
    }

    /// Reads to the end, and tells the last status of the call.
    async fn outcome(&mut self) -> (String, String) {
        self.stream.to_done().await;
        let call = self.stream.all("tool_execution").pop().unwrap().data["status"].clone();
        (call.as_str().unwrap().to_owned(), self.stream.status_at_end().to_owned())
    }
}

fn other_mail(request: &mut Value) {
    request["context"]["to"] = json!(["mallory@example.com"]);
}

fn ran(stream: &SseStream) -> bool {
    stream.all("tool_execution").iter().any(|call| call.data["status"] == "running")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_on_rewritten_arguments_runs_nothing() {
    let mut scene = Scene::new("tenant").await;
    scene.rewrite(other_mail).await;
    assert_eq!(scene.world.server.user().approve(&scene.request).await.status, StatusCode::OK);
    assert_eq!(scene.outcome().await.0, "failed");
    assert!(!ran(&scene.stream));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_beside_rewritten_arguments_runs_nothing_and_one_beside_those_asked_about_does() {
    let mut scene = Scene::new("tenant").await;
    scene.rewrite(other_mail).await;
    scene.rewrite(|request| request["status"] = "approved".into()).await;
    assert_eq!(scene.outcome().await.0, "failed");
    assert!(!ran(&scene.stream));

    let mut scene = Scene::new("tenant").await;
    scene.rewrite(|request| request["status"] = "approved".into()).await;
    assert_eq!(scene.outcome().await, ("success".into(), "completed".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_names_an_easier_tool_runs_nothing() {
    let mut scene = Scene::new("role:manager").await;
    scene.rewrite(|request| request["actionType"] = "git_merge".into()).await;
    let user = scene.world.server.user();
    assert_eq!(user.approve(&scene.request).await.status, StatusCode::FORBIDDEN);
    assert_eq!(user.reject(&scene.request, "아니요").await.status, StatusCode::OK);
    assert_eq!(scene.outcome().await.1, "rejected");
    assert!(!ran(&scene.stream));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asked_is_not_read_from_what_others_can_write() {
    let mut scene = Scene::new("not_requester").await;
    let requester = scene.world.server.user();
    scene.rewrite(|request| request["userId"] = "somebody".into()).await;
    assert_eq!(requester.approve(&scene.request).await.status, StatusCode::FORBIDDEN);
    scene.rewrite(|request| request["tenantId"] = "tenant2".into()).await;
    let stranger = scene.world.server.as_user("tenant2", "stranger");
    assert_eq!(stranger.get(&format!("/aura/hitl/requests/{}", scene.request)).await.status, 404);
    assert_eq!(stranger.approve(&scene.request).await.status, StatusCode::NOT_FOUND);
    scene.rewrite(|request| request["status"] = "approved".into()).await;
    let colleague = scene.world.server.as_user("tenant1", "colleague");
    let shown = colleague.get(&format!("/aura/hitl/requests/{}", scene.request)).await;
    let shown: Value = serde_json::from_str(shown.data().as_str().unwrap()).unwrap();
    assert_eq!(shown["status"], "pending", "nobody who may has approved it");
    assert_eq!(colleague.approve(&scene.request).await.status, StatusCode::OK);
    assert_eq!(scene.outcome().await, ("success".into(), "completed".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_that_is_no_word_of_the_contract_decides_nothing_and_is_set_right() {
    let mut scene = Scene::new("tenant").await;
    scene.rewrite(|request| request["status"] = "processing".into()).await;
    let user = scene.world.server.user();
    let told = user.get(&format!("/aura/hitl/requests/{}", scene.request)).await;
    let told: Value = serde_json::from_str(told.data().as_str().unwrap()).unwrap();
    assert_eq!(told["status"], "pending");
    assert_eq!(user.approve(&scene.request).await.status, StatusCode::OK);
    assert_eq!(scene.outcome().await, ("success".into(), "completed".into()));
    let stored = scene.keys.json(&format!("hitl:request:{}", scene.request)).await;
    assert_eq!((&stored["status"], &stored["outcome"]), (&json!("approved"), &json!("approved")));
}

/// What somebody may have written under a request's key: nothing of it can be read as that request.
const SPOILT: [&str; 4] = ["spoilt", "", "{}", r#"["req_0123456789ab"]"#];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_nobody_can_read_is_answered_from_the_journal_and_decided_as_ever() {
    let mut scene = Scene::new("tenant").await;
    let (user, key) = (scene.world.server.user(), format!("hitl:request:{}", scene.request));
    let asked = scene.keys.json(&key).await;
    for text in SPOILT {
        scene.keys.spoil(&key, text).await;
        let shown = user.get(&format!("/aura/hitl/requests/{}", scene.request)).await;
        assert_eq!(shown.status, StatusCode::OK, "{text:?}: {shown:?}");
        let shown: Value = serde_json::from_str(shown.data().as_str().unwrap()).unwrap();
        assert_eq!(shown, asked, "{text:?}");
        assert_eq!(scene.keys.json(&key).await, asked, "{text:?}");
        assert!((1..=1800).contains(&scene.keys.ttl(&key).await), "it expires again");
    }
    scene.keys.spoil(&key, "spoilt").await;
    assert_eq!(user.approve(&scene.request).await.status, StatusCode::OK);
    assert_eq!(scene.outcome().await, ("success".into(), "completed".into()));
    assert_eq!(scene.keys.json(&key).await["outcome"], "approved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_nobody_can_read_is_written_anew_by_the_process_that_has_its_run() {
    let mut scene = Scene::new("tenant").await;
    let key = format!("hitl:request:{}", scene.request);
    let asked = scene.keys.json(&key).await;
    scene.keys.spoil(&key, "spoilt").await;
    assert_eq!(scene.keys.wait_for(&key).await, asked);

    // Another process, which does not have the run, says that this is about to happen.
    let url = scene.world.redis.as_ref().unwrap().url();
    let other = Server::start(Options::default().set("REDIS_URL", url)).await;
    scene.keys.spoil(&key, "spoilt").await;
    let user = other.user();
    eventually("the other process can approve it", async || {
        let answer = user.approve(&scene.request).await;
        let known = [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE];
        assert!(known.contains(&answer.status), "{answer:?}");
        answer.status == StatusCode::OK
    })
    .await;
    assert_eq!(scene.outcome().await, ("success".into(), "completed".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_written_into_a_request_that_nobody_could_read() {
    let mut scene = Scene::new("tenant").await;
    let key = format!("hitl:request:{}", scene.request);
    let session = scene.stream.session();
    scene.keys.spoil(&key, "spoilt").await;
    let no = json!({"type": "rejection", "requestId": scene.request, "reason": "아니요"});
    assert_eq!(scene.keys.publish(&session, &no.to_string()).await, 1);
    assert_eq!(scene.outcome().await, ("cancelled".into(), "rejected".into()));
    let stored = scene.keys.json(&key).await;
    assert_eq!((&stored["outcome"], &stored["reason"]), (&json!("rejected"), &json!("아니요")));
    assert_eq!(stored["actionType"], "send_email");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_spoilt_session_hides_no_other_in_the_list() {
    let mut scene = Scene::new("tenant").await;
    let user = scene.world.server.user();
    for spoilt in ["aura:session", "aura:journal"] {
        let mut other = user.stream("메일").await;
        other.to_done().await;
        scene.keys.spoil(&format!("{spoilt}:{}", other.session()), "spoilt").await;
    }
    let listed = user.get("/aura/sessions").await;
    assert_eq!(listed.status, StatusCode::OK, "{listed:?}");
    let sessions = listed.data()["sessions"].as_array().unwrap().clone();
    let ids: Vec<&str> = sessions.iter().map(|line| line["sessionId"].as_str().unwrap()).collect();
    assert_eq!(ids, [scene.stream.session()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_journal_is_damaged_ends_and_says_at_which_entry_and_why() {
    let mut scene = Scene::new("tenant").await;
    let session = scene.stream.session();
    let mut damaged = String::new();
    let damage = |id: &str, record: &mut Value| {
        if record["rec"] == "analyzed" {
            record["rec"] = "sneezed".into();
            damaged = id.to_owned();
        }
    };
    scene.keys.rewrite_records(&session, damage).await;
    assert_eq!(scene.world.server.user().approve(&scene.request).await.status, StatusCode::OK);
    scene.stream.to_done().await;
    assert_eq!(scene.stream.status_at_end(), "failed");
    let errors = scene.stream.all("error");
    let [error] = &errors[..] else { panic!("{:#?}", scene.stream.summary()) };
    assert_eq!(error.data["errorType"], "StoreCorruptError");
    let told = error.data["error"].as_str().unwrap();
    let says =
        format!("entry {damaged} of the journal holds a record that cannot be read: unknown");
    assert!(told.starts_with(&says) && told.contains("`sneezed`"), "{told}");
    assert!(!ran(&scene.stream));
    let log = scene.world.server.logged("run broke down", 1).await;
    assert!(log.contains(&says), "{log}");
    assert!(!log.contains("run lost to another owner"), "nobody else has had it: {log}");
}
