//! Runs that outlive their server: taken over from one that died, handed over by one that stops, and
//! lost by one that was away.

use futures::{StreamExt, stream};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::timeout;

use crate::resume::{MAIL, PROMPT, after, mailing, request_of};
use crate::support::app::{Options, PATIENCE, Server, eventually};
use crate::support::git::{HeldGit, Workspace, git};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::redis::RedisServer;
use crate::support::stream::{Frame, SseStream, StreamEnd};

/// A server that looks after its runs for a second at a time.
async fn server(redis: &RedisServer, model: &FakeModel) -> Server {
    let options = Options::default().model(model).set("REDIS_URL", redis.url());
    Server::start(options.set("AURA__AGENT__LEASE_SECONDS", 1)).await
}

/// Two servers on one Redis.
async fn two_servers(model: &FakeModel) -> (Server, Server, RedisServer) {
    let redis = RedisServer::start();
    let (first, second) = tokio::join!(server(&redis, model), server(&redis, model));
    (first, second, redis)
}

fn mailed_and_told() -> [Reply; 2] {
    [mailing(), Reply::text(["보냈", "습니다."])]
}

/// A run that waits for a person, and whose server has been killed.
async fn orphaned(server: Server) -> (SseStream, Frame) {
    let mut stream = server.user().stream(PROMPT).await;
    let hitl = stream.until("hitl").await;
    server.kill().await;
    assert_eq!(stream.to_end().await, StreamEnd::BrokenOff);
    (stream, hitl)
}

/// What both streams together showed; the second goes on where the first broke off.
fn joined(first: &SseStream, second: &SseStream) -> Vec<String> {
    let frames = first.frames.iter().chain(&second.frames);
    let ids: Vec<u64> = frames.clone().map(|frame| frame.id).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "ids must grow: {ids:?}");
    frames.map(|frame| frame.raw.clone()).collect()
}

/// Reads the whole session from its first event, and compares.
async fn check_replay(server: &Server, session: &str, seen: &[String]) {
    let mut replay = server.user().resume(session, None).await;
    replay.to_done().await;
    let replayed: Vec<String> = replay.frames.iter().map(|frame| frame.raw.clone()).collect();
    assert_eq!(replayed, seen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_waits_for_a_person_outlives_its_server() {
    let model = FakeModel::scripted(mailed_and_told()).await;
    let (first, second, _redis) = two_servers(&model).await;
    let (stream, hitl) = orphaned(first).await;
    let session = stream.session();

    let user = second.user();
    let mut rest = user.resume(&session, Some(hitl.id)).await;
    assert_eq!(user.approve(request_of(&hitl)).await.status, StatusCode::OK);
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
    let ran = rest.all("tool_execution").into_iter().filter(|e| e.data["status"] == "running");
    assert_eq!(ran.count(), 1);
    check_replay(&second, &session, &joined(&stream, &rest)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_given_while_nobody_looked_after_the_run_counts() {
    let model = FakeModel::scripted(mailed_and_told()).await;
    let redis = RedisServer::start();
    let first = server(&redis, &model).await;
    let (stream, hitl) = orphaned(first).await;
    let session = stream.session();
    let mut keys = Keys::of(&redis).await;
    let signal = serde_json::json!({
        "type": "approval", "requestId": request_of(&hitl), "status": "approved",
        "timestamp": hitl.data["timestamp"],
    });
    keys.set(&format!("hitl:signal:{session}"), &signal, 300).await;

    let second = server(&redis, &model).await;
    let mut rest = second.user().resume(&session, Some(hitl.id)).await;
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_of_an_approval_survives_its_server() {
    let model = FakeModel::scripted(mailed_and_told()).await;
    let redis = RedisServer::start();
    let options = || {
        let options = Options::default().model(&model).set("REDIS_URL", redis.url());
        options.set("AURA__AGENT__LEASE_SECONDS", 1).set("HITL_TIMEOUT_SECONDS", 2)
    };
    let first = Server::start(options()).await;
    let mut stream = first.user().stream(PROMPT).await;
    let hitl = stream.until("hitl").await;
    first.kill().await;
    let second = Server::start(options()).await;
    let mut rest = second.user().resume(&stream.session(), Some(hitl.id)).await;
    let failed = rest.until("failed").await;
    assert_eq!(failed.data["requestId"], hitl.data["requestId"]);
    // Whole seconds, the one rounded up and the other down.
    let expired = hitl.data["expiresAt"].as_u64().unwrap();
    assert!(failed.data["timestamp"].as_u64().unwrap() >= expired - 1);
    rest.to_done().await;
    let late = second.user().approve(request_of(&hitl)).await;
    assert_eq!((late.status, &late.data()["status"]), (StatusCode::CONFLICT, &"timed_out".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_cancelled_though_its_server_is_gone() {
    let model = FakeModel::scripted(mailed_and_told()).await;
    let (first, second, _redis) = two_servers(&model).await;
    let (stream, hitl) = orphaned(first).await;
    let session = stream.session();
    let user = second.user();
    let mut rest = user.resume(&session, Some(hitl.id)).await;
    user.post(&format!("/aura/sessions/{session}/cancel"), Value::Null).await;
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "cancelled");
    assert_eq!(model.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_shown_of_an_answer_stays_said_and_the_continuation_joins_it() {
    let gate = Gate::closed();
    let half = gate.clone();
    let model = FakeModel::answering(move |body| {
        let messages = body["messages"].as_array().unwrap();
        let begun = messages.iter().any(|message| message["content"] == "하나 둘 ");
        if begun {
            Reply::text(["셋 ", "넷"])
        } else {
            Reply::stream().piece("하나 ").piece("둘 ").gate(&half).piece("never said").ends("stop")
        }
    })
    .await;
    let (first, second, _redis) = two_servers(&model).await;
    let mut stream = first.user().stream("세어줘").await;
    stream.until("content").await;
    while stream.answer() != "하나 둘 " {
        stream.until("content").await;
    }
    let session = stream.session();
    first.kill().await;
    assert_eq!(stream.to_end().await, StreamEnd::BrokenOff);
    let seen = stream.frames.last().unwrap().id;
    let mut rest = second.user().resume(&session, Some(seen)).await;
    rest.to_done().await;
    assert_eq!(format!("{}{}", stream.answer(), rest.answer()), "하나 둘 셋 넷");
    assert_eq!(rest.status_at_end(), "completed");
    check_replay(&second, &session, &joined(&stream, &rest)).await;
    gate.open();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_hands_its_waiting_runs_over_and_breaks_streams_off() {
    let model = FakeModel::scripted(mailed_and_told()).await;
    let redis = RedisServer::start();
    // With leases that would outlast the test: what is handed over needs no lease to run out.
    let options = || Options::default().model(&model).set("REDIS_URL", redis.url());
    let lasting = || options().set("AURA__AGENT__LEASE_SECONDS", 300);
    let (first, second) = tokio::join!(Server::start(lasting()), Server::start(lasting()));
    let mut stream = first.user().stream(PROMPT).await;
    let hitl = stream.until("hitl").await;
    assert_eq!(first.terminate().await, 0);
    assert_eq!(stream.to_end().await, StreamEnd::BrokenOff);
    assert!(stream.frames.iter().all(|frame| !frame.is_done()));

    let user = second.user();
    let mut rest = user.resume(&stream.session(), Some(hitl.id)).await;
    assert_eq!(user.approve(request_of(&hitl)).await.status, StatusCode::OK);
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
    check_replay(&second, &stream.session(), &joined(&stream, &rest)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_finishes_the_step_at_work_and_takes_no_new_ones() {
    let gate = Gate::closed();
    let model = FakeModel::scripted([
        Reply::stream().gate(&gate).call("call_a", "git_status", ["{}"]).ends("tool_calls"),
        Reply::text(["끝"]),
    ])
    .await;
    let (first, second, _redis) = two_servers(&model).await;
    let mut stream = first.user().stream(PROMPT).await;
    model.wait_for_requests(1).await;
    first.ask_to_end();
    assert_eq!(stream.to_end().await, StreamEnd::BrokenOff);

    // The step takes its time: meanwhile whoever comes goes elsewhere.
    assert!(first.refuses().await);
    gate.open();
    assert_eq!(first.ended().await, 0);
    let mut rest = second.user().resume(&stream.session(), None).await;
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
    assert_eq!(model.requests().len(), 2, "the turn that had arrived was not asked for again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_was_away_finds_its_run_in_other_hands_and_says_nothing_more() {
    let gate = Gate::closed();
    let shut = gate.clone();
    let model = FakeModel::answering(move |body| {
        let messages = body["messages"].as_array().unwrap();
        match messages.iter().any(|message| message["role"] == "tool") {
            true => Reply::text(["끝"]),
            false => {
                Reply::stream().call("call_a", "git_status", ["{}"]).gate(&shut).ends("tool_calls")
            }
        }
    })
    .await;
    let (first, second, _redis) = two_servers(&model).await;
    let stream = first.user().stream(PROMPT).await;
    let session = stream.session();
    model.wait_for_requests(1).await;
    first.pause();
    gate.open();
    let mut rest = second.user().resume(&session, None).await;
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
    first.go_on();
    eventually("the first server says that it has lost the run", async || {
        first.log().contains("run lost to another owner")
    })
    .await;
    let counted = async |server: &Server| {
        let metrics = server.anonymous(Method::GET, "/metrics").send().await.unwrap();
        metrics.text().await.unwrap()
    };
    assert!(counted(&first).await.contains("aura_runs_lost_total 1"));
    assert!(counted(&second).await.contains("aura_runs_claimed_total 1"));
    let seen: Vec<String> = rest.frames.iter().map(|frame| frame.raw.clone()).collect();
    check_replay(&first, &session, &seen).await;
}

/// A planner's run that merges, a git that can be held up, and two servers on one workspace.
struct Merging {
    first: Server,
    second: Server,
    git: HeldGit,
    workspace: Workspace,
    redis: RedisServer,
}

impl Merging {
    async fn new() -> Self {
        let (git, workspace) = (HeldGit::new(), Workspace::with_sample("sample").await);
        let redis = RedisServer::start();
        let root = workspace.root();
        let start = || {
            let options = Options::default()
                .set("REDIS_URL", redis.url())
                .set("AURA__TOOLS__GIT_PATH", git.path());
            Server::start_in(options.set("AURA__AGENT__LEASE_SECONDS", 1), &root)
        };
        let (first, second) = tokio::join!(start(), start());
        Self { first, second, git, workspace, redis }
    }

    /// A run of the first server whose merge was approved and is held up.
    async fn held(&self) -> (SseStream, Frame) {
        let mut stream = self.first.user().stream(MERGE).await;
        let hitl = stream.until("hitl").await;
        self.git.hold();
        let approved = self.first.user().approve(request_of(&hitl)).await;
        assert_eq!(approved.status, StatusCode::OK);
        eventually("the tool is at work", async || self.git.waits()).await;
        (stream, hitl)
    }
}

fn merges(workspace: &Workspace) -> usize {
    git(&workspace.path("sample"), &["log", "--merges", "--format=%H", "main"]).lines().count()
}

const MERGE: &str = "feature 브랜치를 main에 병합해주세요";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_in_flight_is_awaited_and_recorded_though_another_server_cancels() {
    let merging = Merging::new().await;
    let (mut stream, _) = merging.held().await;
    let cancel = format!("/aura/sessions/{}/cancel", stream.session());
    let user = merging.second.user();
    let (cancelled, ()) = tokio::join!(user.post(&cancel, Value::Null), async {
        // Whatever the first server makes of the wish, it does not abandon the tool.
        eventually("the first server was told", async || {
            let session = user.get(cancel.trim_end_matches("/cancel")).await;
            session.data()["status"] == "running"
        })
        .await;
        merging.git.let_go();
    });
    assert_eq!(cancelled.status, StatusCode::OK, "{cancelled:?}");
    stream.to_done().await;
    let tools = stream.all("tool_execution");
    assert_eq!(tools.last().unwrap().data["status"], "success");
    assert_eq!(stream.status_at_end(), "cancelled");
    assert_eq!(merges(&merging.workspace), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_whose_server_died_is_asked_about_again_and_runs_once_more_only_if_approved() {
    let merging = Merging::new().await;
    let (stream, hitl) = merging.held().await;
    let session = stream.session();
    let Merging { first, second, git, workspace, redis: _redis } = merging;
    first.kill().await;
    git.let_go();
    let user = second.user();
    let mut rest = user.resume(&session, Some(hitl.id)).await;
    let again = rest.until("hitl").await;
    assert_ne!(request_of(&again), request_of(&hitl));
    assert_eq!(again.data["context"], hitl.data["context"]);
    let message = again.data["message"].as_str().unwrap();
    assert!(message.contains("결과를 알 수 없습니다"), "{message}");
    assert!(message.contains(request_of(&hitl)), "{message}");

    assert_eq!(user.approve(request_of(&again)).await.status, StatusCode::OK);
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
    assert_eq!(merges(&workspace), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_in_doubt_that_is_rejected_ends_the_run_as_rejected() {
    let merging = Merging::new().await;
    let (stream, hitl) = merging.held().await;
    let session = stream.session();
    let Merging { first, second, git, workspace: _workspace, redis: _redis } = merging;
    first.kill().await;
    git.let_go();
    let user = second.user();
    let mut rest = user.resume(&session, Some(hitl.id)).await;
    let again = rest.until("hitl").await;
    user.reject(request_of(&again), "모르겠습니다").await;
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "rejected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_at_work_on_a_stopping_server_may_outlast_the_lease_and_is_not_in_doubt() {
    let merging = Merging::new().await;
    let (mut stream, hitl) = merging.held().await;
    let session = stream.session();
    let Merging { first, second, git, workspace, redis } = merging;
    let taken_until = Keys::of(&redis).await.lease_end(&session).await;
    first.ask_to_end();
    assert_eq!(stream.to_end().await, StreamEnd::BrokenOff);
    // In each of three leases the other server would have taken a run that nobody keeps.
    eventually("the lease is kept for three terms", async || {
        Keys::of(&redis).await.lease_end(&session).await > taken_until + 3_000
    })
    .await;
    git.let_go();
    assert_eq!(first.ended().await, 0);
    let mut rest = second.user().resume(&session, Some(hitl.id)).await;
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
    let tools = rest.all("tool_execution");
    let statuses: Vec<_> = tools.iter().map(|frame| &frame.data["status"]).collect();
    assert_eq!(statuses, ["running", "success"]);
    assert!(rest.all("hitl").is_empty(), "nothing was in doubt");
    assert_eq!(merges(&workspace), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_at_work_on_a_stopping_server_outlives_its_connections_to_redis() {
    let merging = Merging::new().await;
    let (mut stream, hitl) = merging.held().await;
    let session = stream.session();
    let Merging { first, second, git, workspace, redis } = merging;
    first.ask_to_end();
    assert_eq!(stream.to_end().await, StreamEnd::BrokenOff);
    Keys::of(&redis).await.cut_all_others().await;
    git.let_go();
    assert_eq!(first.ended().await, 0);
    let mut rest = second.user().resume(&session, Some(hitl.id)).await;
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
    assert!(rest.all("hitl").is_empty(), "what came of the merge was stored");
    assert_eq!(merges(&workspace), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_readers_on_another_server_cost_no_redis_commands() {
    let gate = Gate::closed();
    let model =
        FakeModel::always(Reply::stream().piece("잠시만요.").gate(&gate).ends("stop")).await;
    let (first, second, redis) = two_servers(&model).await;
    let mut stream = first.user().stream(PROMPT).await;
    let seen = stream.until("content").await.id;
    let (user, session) = (second.user(), stream.session());
    let readers = (0..1000).map(|_| user.resume(&session, Some(seen)));
    let mut readers: Vec<SseStream> = stream::iter(readers).buffered(50).collect().await;
    let mut keys = Keys::of(&redis).await;
    eventually("the readers have read what there was", async || {
        let mut keys = Keys::of(&redis).await;
        keys.commands().await.abs_diff(keys.commands().await) < 5
    })
    .await;
    // Three heartbeats of both servers' two connections are three seconds; asking for them costs
    // commands of our own, which are left out.
    let (before, beats) = (keys.others_commands().await, keys.calls_of("ping").await);
    timeout(PATIENCE, async { while keys.calls_of("ping").await < beats + 12 {} }).await.unwrap();
    // Heartbeats, leases and polls; one command of each reader would be a thousand.
    let sent = keys.others_commands().await - before;
    assert!(sent < 200, "{sent} commands in three heartbeats");

    gate.open();
    stream.to_done().await;
    for reader in &mut readers {
        reader.to_done().await;
        assert_eq!(reader.bytes(), after(&stream, stream.frames.len() - reader.frames.len()));
    }
}

/// How a journal tells which step stands for the answer.
#[derive(Clone, Copy, Debug)]
enum Mark {
    /// As older processes do: by the title that they gave it.
    TitleAlone,
    /// By a field of its own, under a title of another version.
    FieldAlone,
}

impl Mark {
    fn put_on(self, record: &mut Value) {
        match self {
            Self::TitleAlone => drop(record.as_object_mut().unwrap().remove("is_answer")),
            Self::FieldAlone if record["is_answer"] == true => {
                record["step"]["title"] = "Writing the answer".into();
            }
            Self::FieldAlone => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_owner_goes_on_with_the_answer_s_step_however_the_journal_marks_it() {
    for mark in [Mark::TitleAlone, Mark::FieldAlone] {
        let turn = Reply::stream().piece("먼저 보냅니다.").call("call_a", "send_email", [MAIL]);
        let model =
            FakeModel::scripted([turn.ends("tool_calls"), Reply::text(["보냈", "습니다."])]).await;
        let (first, second, redis) = two_servers(&model).await;
        let (stream, hitl) = orphaned(first).await;
        let session = stream.session();
        let steps = stream.all("plan_step");
        assert_eq!(steps.len(), 2, "{mark:?}: {:#?}", stream.summary());
        let answer = steps[0].data["stepId"].as_str().unwrap();

        let mut keys = Keys::of(&redis).await;
        keys.rewrite_records(&session, |_, record| mark.put_on(record)).await;
        let user = second.user();
        let mut rest = user.resume(&session, Some(hitl.id)).await;
        assert_eq!(user.approve(request_of(&hitl)).await.status, StatusCode::OK);
        rest.to_done().await;
        assert_eq!(rest.status_at_end(), "completed", "{mark:?}");
        assert!(rest.all("plan_step").is_empty(), "{mark:?}: {:#?}", rest.summary());
        let moved = rest.all("plan_step_update").into_iter();
        let done = moved.filter(|update| update.data["status"] == "completed");
        assert!(done.map(|update| &update.data["stepId"]).any(|id| id == answer), "{mark:?}");
    }
}
