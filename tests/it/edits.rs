//! Arguments that somebody has changed while approving, on a server that dies right after: what runs,
//! or is asked about again, is what was approved.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::resume::request_of;
use crate::support::app::{Options, Server, eventually};
use crate::support::call::names;
use crate::support::git::{HeldGit, Workspace};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Reply};
use crate::support::redis::RedisServer;
use crate::support::stream::{Frame, SseStream};

/// Two servers on one Redis and one workspace, with a git that can be held up.
struct Scene {
    first: Option<Server>,
    second: Server,
    git: HeldGit,
    _workspace: Workspace,
    _redis: RedisServer,
    _model: FakeModel,
}

impl Scene {
    /// The model wants this call, and then says that it is done.
    async fn new(tool: &'static str, arguments: Value) -> Self {
        let model = FakeModel::answering(move |body| {
            let messages = body["messages"].as_array().unwrap();
            match messages.iter().any(|message| message["role"] == "tool") {
                true => Reply::text(["끝"]),
                false => Reply::tool_call(tool, &arguments),
            }
        })
        .await;
        let (git, workspace) = (HeldGit::new(), Workspace::with_sample("sample").await);
        let redis = RedisServer::start();
        let root = workspace.root();
        let start = || {
            let options = Options::default()
                .model(&model)
                .set("REDIS_URL", redis.url())
                .set("AURA__TOOLS__APPROVAL__GIT_LOG", "required")
                .set("AURA__TOOLS__GIT_PATH", git.path())
                .set("AURA__AGENT__LEASE_SECONDS", 1);
            Server::start_in(options, &root)
        };
        let (first, second) = tokio::join!(start(), start());
        let first = Some(first);
        Self { first, second, git, _workspace: workspace, _redis: redis, _model: model }
    }

    /// Approves with other arguments, kills the server while the tool is at work, and goes on with
    /// the other one.
    async fn approved_with_and_killed(&mut self, args: &Value) -> SseStream {
        let first = self.first.take().unwrap();
        let user = first.user();
        let mut stream = user.stream("부탁해").await;
        let hitl = stream.until("hitl").await;
        // A merge is looked into before it is approved, and that is not to be held up.
        self.git.hold_at(if hitl.data["actionType"] == "git_merge" { "commit-tree" } else { "" });
        let path = format!("/aura/hitl/approve/{}", request_of(&hitl));
        let approved = user.post(&path, json!({"args": args})).await;
        assert_eq!(approved.status, StatusCode::OK, "{approved:?}");
        eventually("the tool is at work", async || self.git.waits()).await;
        first.kill().await;
        self.second.user().resume(&stream.session(), Some(hitl.id)).await
    }
}

fn runs(stream: &SseStream) -> Vec<&Frame> {
    let calls = stream.all("tool_execution").into_iter();
    calls.filter(|call| call.data["status"] == "running").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_reads_is_repeated_with_the_arguments_that_were_approved() {
    let mut scene = Scene::new("git_log", json!({"limit": 5})).await;
    let edited = json!({"limit": 1});
    let mut rest = scene.approved_with_and_killed(&edited).await;
    scene.git.let_go();
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
    assert_eq!(runs(&rest).len(), 2, "once by each server");
    assert!(runs(&rest).iter().all(|run| run.data["toolArgs"] == edited), "{:#?}", runs(&rest));
    let done = rest.all("tool_execution").pop().unwrap().data.clone();
    assert_eq!(done["result"]["commits"].as_array().unwrap().len(), 1, "{done}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_in_doubt_is_asked_about_with_the_arguments_that_were_approved() {
    let mut scene = Scene::new("git_merge", json!({"source": "feature", "target": "main"})).await;
    let edited = json!({"source": "feature", "target": "main", "message": "다른 말"});
    let mut rest = scene.approved_with_and_killed(&edited).await;
    scene.git.let_go();
    let again = rest.until("hitl").await;
    let approved = again.data["context"].clone();
    assert!(names(&approved, &edited), "{approved}");
    let user = scene.second.user();
    assert_eq!(user.approve(request_of(&again)).await.status, StatusCode::OK);
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
    assert!(runs(&rest).iter().all(|run| run.data["toolArgs"] == approved), "{:#?}", runs(&rest));
}

/// What it takes to have a mail asked about that somebody else than who wants it has to approve.
struct FourEyes {
    redis: RedisServer,
    workspace: Workspace,
    model: FakeModel,
}

impl FourEyes {
    async fn new() -> Self {
        Self::with_mails_to(["kim@example.com"]).await
    }

    /// The model wants a mail to each of these, one after another.
    async fn with_mails_to<const N: usize>(addresses: [&'static str; N]) -> Self {
        let model = FakeModel::answering(move |body| {
            let messages = body["messages"].as_array().unwrap().iter();
            let dealt_with = messages.filter(|message| message["role"] == "tool").count();
            let mail = |to: &&str| json!({"to": [to], "subject": "보고", "body": "끝"});
            match addresses.get(dealt_with).map(mail) {
                Some(mail) => Reply::tool_call("send_email", &mail),
                None => Reply::text(["끝"]),
            }
        })
        .await;
        let workspace = Workspace::with_sample("sample").await;
        Self { redis: RedisServer::start(), workspace, model }
    }

    async fn server(&self) -> Server {
        self.server_with(Options::default()).await
    }

    async fn server_with(&self, options: Options) -> Server {
        let options = options
            .model(&self.model)
            .set("REDIS_URL", self.redis.url())
            .set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "not_requester")
            .set("AURA__AGENT__LEASE_SECONDS", 1);
        Server::start_in(options, &self.workspace.root()).await
    }

    /// Makes the journal that of a server which has died right after it had written down the decision, before
    /// it could ask again as `next`: what came after is taken away. The decision's id.
    async fn forget_what_followed_the_decision(&self, session: &str, next: &str) -> u64 {
        let (mut keys, journal) = (Keys::of(&self.redis).await, format!("aura:journal:{session}"));
        let entries: Vec<(String, Vec<String>)> =
            keys.command(&["XRANGE", &journal, "-", "+"]).await;
        let resolves = |(_, fields): &(String, Vec<String>)| {
            fields.iter().any(|field| field.contains(r#""rec":"approval_resolved""#))
        };
        let resolved = entries.iter().position(resolves).expect("it was written down");
        let after = &entries[resolved + 1..];
        assert!(!after.is_empty());
        for (id, _) in after {
            let _: u64 = keys.command(&["XDEL", &journal, id]).await;
        }
        let _: u64 = keys.command(&["DEL", &format!("hitl:request:{next}")]).await;
        entries[resolved].0.split_once('-').unwrap().0.parse().unwrap()
    }
}

/// Another mail, asked about by a colleague in the place of this request; the next request's id.
async fn changed_by_a_colleague(server: &Server, hitl: &Frame) -> (Value, String) {
    let args = json!({"to": ["x@example.com"], "subject": "a", "body": "b"});
    let path = format!("/aura/hitl/approve/{}", request_of(hitl));
    let colleague = server.as_user("tenant1", "colleague");
    let changed = colleague.post(&path, json!({"args": args})).await;
    assert_eq!((changed.status, &changed.data()["status"]), (StatusCode::OK, &json!("pending")));
    (args, changed.data()["requestId"].as_str().unwrap().to_owned())
}

/// The next question is this one, and only another than who changed it can say yes.
async fn asked_next(server: &Server, stream: &mut SseStream, args: &Value, next: &str) {
    let hitl = stream.until("hitl").await;
    assert_eq!((request_of(&hitl), &hitl.data["context"]), (next, args));
    let colleague = server.as_user("tenant1", "colleague");
    assert_eq!(colleague.approve(next).await.status, StatusCode::FORBIDDEN);
    assert_eq!(server.user().approve(next).await.status, StatusCode::OK);
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
}

/// The click writes that a request is superseded; whoever has the run asks the next one, and may die
/// before it has heard of that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_arguments_that_another_has_to_see_are_asked_about_by_whoever_has_the_run_next() {
    let scene = FourEyes::new().await;
    let (first, second) = tokio::join!(scene.server(), scene.server());
    let mut stream = first.user().stream("메일").await;
    let hitl = stream.until("hitl").await;
    // From here on it does nothing, and hears nothing.
    first.pause();
    let (args, next) = changed_by_a_colleague(&second, &hitl).await;
    first.kill().await;
    let mut stream = second.user().resume(&stream.session(), Some(hitl.id)).await;
    asked_next(&second, &mut stream, &args, &next).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_the_decision_and_the_next_question_loses_neither() {
    let scene = FourEyes::new().await;
    let first = scene.server().await;
    let mut stream = first.user().stream("메일").await;
    let hitl = stream.until("hitl").await;
    let (args, next) = changed_by_a_colleague(&first, &hitl).await;
    let session = stream.session();
    assert_eq!(request_of(&stream.until("hitl").await), next);
    first.kill().await;

    let seen = scene.forget_what_followed_the_decision(&session, &next).await;
    let second = scene.server().await;
    let mut stream = second.user().resume(&session, Some(seen)).await;
    asked_next(&second, &mut stream, &args, &next).await;
}

/// A call that was asked about, was changed, and cannot be made as it was changed: nobody is asked about it any
/// more, and so it does not count among what waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_call_that_cannot_be_asked_about_any_more_takes_nobodys_place() {
    let scene = FourEyes::with_mails_to(["kim@example.com", "kim@example.org"]).await;
    let one_waits = Options::default().set("AURA__LIMITS__WAITING_PER_USER", 1);
    let first = scene.server_with(one_waits.clone()).await;
    let mut stream = first.user().stream("메일").await;
    let hitl = stream.until("hitl").await;
    let (_, next) = changed_by_a_colleague(&first, &hitl).await;
    let session = stream.session();
    assert_eq!(request_of(&stream.until("hitl").await), next);
    first.kill().await;
    let seen = scene.forget_what_followed_the_decision(&session, &next).await;

    let second =
        scene.server_with(one_waits.set("AURA__SMTP__ALLOWED_DOMAINS", "example.org")).await;
    let mut stream = second.user().resume(&session, Some(seen)).await;
    let hitl = stream.until("hitl").await;
    assert_eq!(hitl.data["context"]["to"], json!(["kim@example.org"]), "{:#?}", stream.summary());
    let refused = stream.all("tool_execution")[0].data["error"].to_string();
    assert!(refused.contains("example.com"), "{refused}");
}
