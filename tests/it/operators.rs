//! Operators: the runs of all tenants, and holds (contract, section 5.7).

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::resume::request_of;
use crate::support::app::{Answer, Caller, Options, Server, eventually, eventually_some};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Reply};
use crate::support::redis::RedisServer;
use crate::support::stream::SseStream;
use crate::support::world::World;
use crate::with_both_stores;

const MERGE: &str = "feature 브랜치를 main에 병합해주세요";
const GREETING: &str = "안녕하세요";
const WHY: &str = "점검 중입니다";

fn operator(server: &Server) -> Caller {
    server.as_user("ops", "chief").in_role("operator")
}

async fn put(operator: &Caller, name: &str, hold: Value) {
    let answer = operator.put(&format!("/aura/admin/holds/{name}"), hold).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

async fn lift(operator: &Caller, name: &str) {
    let answer = operator.delete(&format!("/aura/admin/holds/{name}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

fn on_merges() -> Value {
    json!({"tool": "git_merge", "reason": WHY})
}

/// What a start is answered with, by somebody who reads no streams.
async fn start(user: &Caller) -> Answer {
    let request = user.post_stream(json!({ "prompt": GREETING }));
    crate::support::app::answer(request.header("Accept", "application/json").send().await.unwrap())
        .await
}

fn check_held(answer: &Answer) {
    let told = [&answer.body["errorCode"], &answer.body["status"]];
    assert_eq!(
        (answer.status.as_u16(), told),
        (503, [&json!("E5000"), &json!("ERROR")]),
        "{answer:?}"
    );
    assert!(answer.body["message"].as_str().unwrap().contains(WHY), "{answer:?}");
}

/// A run that asks whether to merge, and the question's id.
async fn asked(user: &Caller) -> (SseStream, String) {
    let mut stream = user.stream(MERGE).await;
    let hitl = stream.until("hitl").await;
    (stream, request_of(&hitl).to_owned())
}

async fn list(operator: &Caller, query: &str) -> Value {
    let answer = operator.get(&format!("/aura/admin/runs{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.data().clone()
}

fn sessions(page: &Value) -> Vec<&str> {
    let runs = page["runs"].as_array().unwrap().iter();
    runs.map(|run| run["sessionId"].as_str().unwrap()).collect()
}

/// The facts of these kinds in a tenant's stream.
async fn facts(server: &Server, tenant: &str, kinds: &[&str]) -> Vec<Value> {
    let page =
        server.as_user(tenant, "auditor").in_role("auditor").get("/aura/audit?limit=1000").await;
    let entries = page.data()["entries"].as_array().unwrap().clone();
    let facts = entries.into_iter().map(|entry| entry["fact"].clone());
    facts.filter(|fact| kinds.contains(&fact["kind"].as_str().unwrap())).collect()
}

with_both_stores! {
    async fn an_operator_sees_the_runs_of_all_tenants_and_stops_one(kind: Kind) {
        let world = World::new(kind).await;
        let (server, operator) = (&world.server, operator(&world.server));
        let mut done = server.as_user("a", "7").stream(GREETING).await;
        done.to_done().await;
        let (mut waiting, _) = asked(&server.as_user("b", "8")).await;
        let (done_id, waiting_id) = (done.session(), waiting.session());

        let all = list(&operator, "").await;
        assert_eq!(sessions(&all), [&waiting_id, &done_id]);
        let run = &all["runs"][0];
        assert_eq!([&run["tenantId"], &run["userId"], &run["status"]], ["b", "8", "waiting_approval"]);
        assert_eq!((&run["prompt"], &all["next"]), (&json!(MERGE), &Value::Null));
        for (query, found) in [
            ("?tenant=a", vec![done_id.as_str()]),
            ("?tenant=nobody", vec![]),
            ("?status=waiting_approval", vec![&waiting_id]),
            ("?status=completed", vec![&done_id]),
            ("?status=running&tenant=b", vec![]),
        ] {
            assert_eq!(sessions(&list(&operator, query).await), found, "{query}");
        }
        let first = list(&operator, "?limit=1").await;
        assert_eq!((sessions(&first), first["next"].as_str().unwrap()), (vec![waiting_id.as_str()], &*waiting_id));
        let second = list(&operator, &format!("?limit=1&before={waiting_id}")).await;
        assert_eq!(sessions(&second), [&done_id]);

        let cancel = format!("/aura/admin/runs/{waiting_id}/cancel");
        let cancelled = operator.post(&cancel, json!({})).await;
        assert_eq!((cancelled.status, &cancelled.data()["status"]), (StatusCode::OK, &json!("cancelled")));
        waiting.to_done().await;
        assert_eq!(waiting.status_at_end(), "cancelled");
        let again = operator.post(&cancel, json!({})).await;
        assert_eq!((again.status, &again.data()["status"]), (StatusCode::CONFLICT, &json!("cancelled")));
        let audited = facts(server, "b", &["run_cancelled_by_operator"]).await;
        assert_eq!(audited.len(), 1, "{audited:?}");
        let fact = &audited[0];
        let told = [&fact["sessionId"], &fact["who"], &fact["byTenant"], &fact["via"]];
        assert_eq!(told, [&json!(waiting_id), &json!("chief"), &json!("ops"), &json!("rest")]);
        let unknown = operator.post("/aura/admin/runs/session_x_1_ab/cancel", json!({})).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    }

    async fn whoever_is_no_operator_is_refused_everything(kind: Kind) {
        let world = World::new(kind).await;
        let server = &world.server;
        let hold = "/aura/admin/holds/stop";
        for caller in [server.user(), server.user().in_role("auditor"), server.user().in_role("operators")] {
            for answer in [
                caller.get("/aura/admin/runs").await,
                caller.get("/aura/admin/holds").await,
                caller.get(hold).await,
                caller.put(hold, on_merges()).await,
                caller.delete(hold).await,
                caller.post("/aura/admin/runs/session_x_1_ab/cancel", json!({})).await,
            ] {
                let code = &answer.body["errorCode"];
                assert_eq!((answer.status, code), (StatusCode::FORBIDDEN, &json!("E2001")), "{answer:?}");
            }
        }
        assert_eq!(operator(server).get("/aura/admin/holds").await.data()["holds"], json!([]));
    }

    async fn new_runs_are_refused_under_a_hold_with_its_reason_and_what_runs_goes_on(kind: Kind) {
        let world = World::new(kind).await;
        let (server, operator, user) = (&world.server, operator(&world.server), world.server.user());
        let (mut running, request) = asked(&user).await;
        put(&operator, "stop-all", json!({"runs": true, "reason": WHY})).await;

        check_held(&start(&user).await);
        let mut stream = user.stream(GREETING).await;
        let error = stream.until("error").await.data;
        assert_eq!([&error["errorCode"], &error["errorType"]], ["E5000", "HoldError"]);
        assert_eq!(error["retryable"], false);
        assert!(error["message"].as_str().unwrap().contains(WHY), "{error}");
        stream.to_done().await;
        let body = json!({"threadId": "t", "runId": "r", "messages": [{"id": "m", "role": "user", "content": GREETING}],
                          "state": {}, "tools": [], "context": [], "forwardedProps": {}});
        check_held(&user.post("/aura/ag-ui", body).await);

        assert_eq!(user.approve(&request).await.status, StatusCode::OK);
        running.to_done().await;
        assert_eq!(running.status_at_end(), "completed");
        lift(&operator, "stop-all").await;
        user.stream(GREETING).await.to_done().await;
        let kinds = ["hold_put", "hold_lifted"];
        let audited = facts(server, "ops", &kinds).await;
        let told: Vec<&Value> = audited.iter().map(|fact| &fact["kind"]).collect();
        assert_eq!(told, kinds, "for all tenants: in the operator's own");
        assert_eq!([&audited[0]["reason"], &audited[0]["hold"]], [WHY, "stop-all"]);
    }

    async fn a_key_whose_start_was_held_is_free_and_starts_the_run_later(kind: Kind) {
        let world = World::new(kind).await;
        let (operator, user) = (operator(&world.server), world.server.user());
        let keyed = || user.post_stream(json!({ "prompt": GREETING })).header("Idempotency-Key", "k1");
        put(&operator, "stop-all", json!({"runs": true, "reason": WHY})).await;
        let mut refused = SseStream::of(keyed().send().await.unwrap());
        refused.until("error").await;
        lift(&operator, "stop-all").await;
        let mut stream = SseStream::of(keyed().send().await.unwrap());
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
        assert_eq!(sessions(&list(&operator, "").await), [stream.session()], "one run");
    }

    async fn a_hold_of_a_tenant_counts_for_that_tenant_alone(kind: Kind) {
        let world = World::new(kind).await;
        let (server, operator) = (&world.server, operator(&world.server));
        put(&operator, "stop-a", json!({"tenant": "a", "runs": true, "reason": WHY})).await;
        check_held(&start(&server.as_user("a", "1")).await);
        server.as_user("b", "1").stream(GREETING).await.to_done().await;
        assert_eq!(facts(server, "a", &["hold_put"]).await.len(), 1, "in the stream of whom it stops");
        assert!(facts(server, "ops", &["hold_put"]).await.is_empty());
        // Another hold in its place: the first tenant's stream says that it may go on.
        put(&operator, "stop-a", json!({"tenant": "b", "runs": true, "reason": WHY})).await;
        assert_eq!(facts(server, "a", &["hold_lifted"]).await.len(), 1);
        server.as_user("a", "1").stream(GREETING).await.to_done().await;
        check_held(&start(&server.as_user("b", "1")).await);
    }

    async fn a_call_of_a_tool_on_hold_fails_before_anybody_is_asked(kind: Kind) {
        let status = json!({});
        let model = FakeModel::scripted([
            Reply::tool_calls([("git_merge", &json!({"source": "feature", "target": "main"})), ("git_status", &status)]),
            Reply::text(["알겠습니다."]),
        ]).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let (operator, user) = (operator(&world.server), world.server.user());
        put(&operator, "no-merges", on_merges()).await;
        put(&operator, "no-reading", json!({"tool": "git_status", "reason": "읽지 마세요"})).await;
        let mut stream = user.stream("병합").await;
        stream.to_done().await;
        assert!(stream.all("hitl").is_empty(), "{:#?}", stream.summary());
        let errors: Vec<&str> = stream.all("tool_execution").iter()
            .map(|call| { assert_eq!(call.data["status"], "failed"); call.data["error"].as_str().unwrap() }).collect();
        assert!(errors.len() == 2 && errors[0].contains(WHY) && errors[1].contains("읽지 마세요"), "{errors:?}");
        assert_eq!(stream.status_at_end(), "completed");
        let told = model.requests().pop().unwrap();
        assert!(told.body.to_string().contains(WHY), "the model is told");
    }

    async fn what_waits_under_a_hold_cannot_be_approved_and_can_be_rejected(kind: Kind) {
        let world = World::new(kind).await;
        let (operator, user) = (operator(&world.server), world.server.user());
        let (mut stream, request) = asked(&user).await;
        put(&operator, "no-merges", on_merges()).await;
        for way in ["/aura/hitl/approve/", "/aura/approvals/"] {
            let path = if way.ends_with("approve/") { format!("{way}{request}") } else { format!("{way}{request}/approve") };
            let held = user.post(&path, json!({})).await;
            let told = [&held.body["status"], &held.body["errorCode"]];
            assert_eq!((held.status, told), (StatusCode::CONFLICT, [&json!("ERROR"), &json!("E3006")]), "{held:?}");
            assert!(held.body["message"].as_str().unwrap().contains(WHY), "{held:?}");
        }
        let stored = user.get(&format!("/aura/hitl/requests/{request}")).await;
        let stored: Value = serde_json::from_str(stored.data().as_str().unwrap()).unwrap();
        assert_eq!(stored["status"], "pending");
        assert_eq!(user.reject(&request, "아니요").await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "rejected");
        // What is over is told as that.
        let late = user.approve(&request).await;
        assert_eq!((late.status, &late.body["status"]), (StatusCode::CONFLICT, &json!("SUCCESS")));
    }

    async fn what_waited_under_a_hold_can_be_approved_once_it_is_lifted(kind: Kind) {
        let world = World::new(kind).await;
        let (operator, user) = (operator(&world.server), world.server.user());
        let (mut stream, request) = asked(&user).await;
        put(&operator, "no-merges", on_merges()).await;
        assert_eq!(user.approve(&request).await.status, StatusCode::CONFLICT);
        lift(&operator, "no-merges").await;
        assert_eq!(user.approve(&request).await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
    }

    async fn a_deadline_counts_under_a_hold(kind: Kind) {
        let world = World::with(kind, Options::default().set("HITL_TIMEOUT_SECONDS", 2)).await;
        let (operator, user) = (operator(&world.server), world.server.user());
        let (mut stream, request) = asked(&user).await;
        put(&operator, "no-merges", on_merges()).await;
        stream.to_done().await;
        assert_eq!(stream.all("failed").len(), 1, "{:#?}", stream.summary());
        let late = user.approve(&request).await;
        assert_eq!((late.status, &late.data()["status"]), (StatusCode::CONFLICT, &json!("timed_out")));
    }

    async fn a_hold_that_is_no_hold_is_refused_with_the_field_that_is_wrong(kind: Kind) {
        let world = World::new(kind).await;
        let operator = operator(&world.server);
        let long = "가".repeat(501);
        for (name, hold, field) in [
            ("Stop", on_merges(), "name"),
            (&*"x".repeat(65), on_merges(), "name"),
            ("stop", json!({"tool": "git_merge"}), "reason"),
            ("stop", json!({"tool": "git_merge", "reason": "  "}), "reason"),
            ("stop", json!({"tool": "git_merge", "reason": long}), "reason"),
            ("stop", json!({"tool": "git_merge", "reason": 7}), "reason"),
            ("stop", json!({"reason": WHY}), "tool"),
            ("stop", json!({"reason": WHY, "runs": false}), "tool"),
            ("stop", json!({"reason": WHY, "tool": " "}), "tool"),
            ("stop", json!({"reason": WHY, "runs": "yes"}), "runs"),
            ("stop", json!({"reason": WHY, "runs": true, "tenant": ""}), "tenant"),
            ("stop", json!({"reason": WHY, "runs": true, "until": 7}), "until"),
        ] {
            let answer = operator.put(&format!("/aura/admin/holds/{name}"), hold.clone()).await;
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(answer.status == StatusCode::BAD_REQUEST && detail.starts_with(&format!("{field}:")), "{hold}: {answer:?}");
        }
        let longest = json!({"tool": "git_merg", "reason": "가".repeat(500)});
        let answer = operator.put("/aura/admin/holds/stop", longest).await;
        assert!(answer.body["message"].as_str().unwrap().contains("git_merg"), "a misspelt tool is told: {answer:?}");
        assert_eq!(operator.get("/aura/admin/holds/stop").await.data()["putBy"], json!({"tenantId": "ops", "userId": "chief"}));
        lift(&operator, "stop").await;
        assert_eq!(operator.delete("/aura/admin/holds/stop").await.status, StatusCode::NOT_FOUND);
    }
}

/// Two servers on one Redis.
async fn two_servers(options: impl Fn() -> Options) -> (Server, Server, RedisServer) {
    let redis = RedisServer::start();
    let with_redis = || options().set("REDIS_URL", redis.url());
    let (first, second) = tokio::join!(Server::start(with_redis()), Server::start(with_redis()));
    (first, second, redis)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_counts_on_every_replica_and_outlives_them() {
    let (first, second, redis) = two_servers(Options::default).await;
    let (operator, user) = (operator(&first), second.user());
    put(&operator, "stop-all", json!({"runs": true, "tool": "git_status", "reason": WHY})).await;
    check_held(&start(&user).await);
    lift(&operator, "stop-all").await;
    user.stream(GREETING).await.to_done().await;

    put(&operator, "stop-all", json!({"runs": true, "reason": WHY})).await;
    first.kill().await;
    second.kill().await;
    let later = Server::start(Options::default().set("REDIS_URL", redis.url())).await;
    check_held(&start(&later.user()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_only_reads_is_held_on_every_replica_and_goes_on_after_the_hold() {
    let (first, second, _redis) = two_servers(Options::default).await;
    let (operator, user) = (operator(&first), second.user());
    let fails = async || {
        let mut stream = user.stream("저장소 상태를 알려주세요").await;
        stream.to_done().await;
        stream.all("tool_execution").iter().any(|call| call.data["status"] == "failed")
    };
    assert!(!fails().await);
    put(&operator, "no-reading", json!({"tool": "git_status", "reason": WHY})).await;
    eventually("it is held there", &fails).await;
    lift(&operator, "no-reading").await;
    eventually("it goes on there", async || !fails().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yes_through_redis_does_not_count_under_a_hold_nor_once_it_is_lifted() {
    let redis = RedisServer::start();
    let server = Server::start(Options::default().set("REDIS_URL", redis.url())).await;
    let (operator, user, mut keys) = (operator(&server), server.user(), Keys::of(&redis).await);
    let (mut stream, request) = asked(&user).await;
    let session = stream.session();
    put(&operator, "no-merges", on_merges()).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let yes = json!({"type": "approval", "requestId": request, "userId": "7", "timestamp": now})
        .to_string();
    let _: () = keys.command(&["SET", &format!("hitl:signal:{session}"), &yes, "EX", "300"]).await;
    let _: u64 = keys.command(&["PUBLISH", &format!("hitl:channel:{session}"), &yes]).await;
    let told = loop {
        let thought = stream.until("thought").await.data["content"].as_str().unwrap().to_owned();
        if thought.contains(WHY) {
            break thought;
        }
    };
    assert!(told.contains("git_merge"), "{told}");
    lift(&operator, "no-merges").await;
    // The poll reads the stored yes again, which people were told does not count.
    server.logged("hold lifted", 1).await;
    let polled: u64 = calls_of_get(&mut keys).await;
    eventually_some("it was polled", async || {
        let mut keys = Keys::of(&redis).await;
        (calls_of_get(&mut keys).await > polled + 4).then_some(())
    })
    .await;
    let detail = user.get(&format!("/aura/sessions/{session}")).await;
    assert_eq!(detail.data()["status"], "waiting_approval");
    assert_eq!(user.approve(&request).await.status, StatusCode::OK);
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
}

/// How often the server has read keys.
async fn calls_of_get(keys: &mut Keys) -> u64 {
    let told: String = keys.command(&["INFO", "commandstats"]).await;
    let line =
        told.lines().find_map(|line| line.strip_prefix("cmdstat_get:calls=")).unwrap_or("0,");
    line.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_is_put_after_the_yes_and_before_the_tool_stops_it() {
    let (first, second, _redis) = two_servers(Options::default).await;
    let (operator, user) = (operator(&second), second.user());
    let (stream, request) = asked(&first.user()).await;
    let session = stream.session();
    drop(stream);
    // The run waits in a process that stands still: it is approved, and does not know it yet.
    first.pause();
    assert_eq!(user.approve(&request).await.status, StatusCode::OK);
    put(&operator, "no-merges", on_merges()).await;
    first.go_on();
    let mut stream = user.resume(&session, None).await;
    stream.to_done().await;
    let calls = stream.all("tool_execution");
    let statuses: Vec<&Value> = calls.iter().map(|call| &call.data["status"]).collect();
    assert_eq!(statuses, ["pending", "failed"], "{:#?}", stream.summary());
    assert!(calls[1].data["error"].as_str().unwrap().contains(WHY));
    assert!(facts(&second, "tenant1", &["execution_started"]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_made_up_hold_stops_nothing_and_is_told_of() {
    let redis = RedisServer::start();
    let server = Server::start(Options::default().set("REDIS_URL", redis.url())).await;
    let mut keys = Keys::of(&redis).await;
    let forged = json!({"runs": true, "reason": "x", "putBy": {"tenantId": "1", "userId": "1"}, "putAtMs": 1, "mac": "0".repeat(64)});
    let _: u64 = keys.command(&["HSET", "aura:holds", "forged", &forged.to_string()]).await;
    server.logged("a hold does not verify", 1).await;
    server.user().stream(GREETING).await.to_done().await;
    let metrics =
        server.anonymous(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("aura_unverified_total{kind=\"hold\"} 1\n"), "{metrics}");
    let operator = operator(&server);
    assert_eq!(operator.get("/aura/admin/holds").await.data()["holds"], json!([]));
    // One of ours under another name is no hold either.
    put(&operator, "no-merges", on_merges()).await;
    let ours: String = keys.command(&["HGET", "aura:holds", "no-merges"]).await;
    let _: u64 = keys.command(&["HSET", "aura:holds", "moved", &ours]).await;
    assert_eq!(operator.get("/aura/admin/holds/moved").await.status, StatusCode::NOT_FOUND);
    // Whatever stands there can be taken away.
    operator.delete("/aura/admin/holds/forged").await;
    assert_eq!(keys.command::<u64>(&["HEXISTS", "aura:holds", "forged"]).await, 0);
    let _: () = keys.command(&["SET", "aura:holds", "no hash"]).await;
    server.user().stream(GREETING).await.to_done().await;
    put(&operator, "no-merges", on_merges()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stopped_is_counted() {
    let server = Server::embedded().await;
    let (operator, user) = (operator(&server), server.user());
    let (_stream, request) = asked(&user).await;
    put(&operator, "all", json!({"tool": "git_merge", "runs": true, "reason": WHY})).await;
    user.approve(&request).await;
    start(&user).await;
    let metrics =
        server.anonymous(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    for line in [
        "aura_holds_in_force 1",
        "aura_held_total{what=\"run\"} 1",
        "aura_held_total{what=\"approval\"} 1",
        "aura_held_total{what=\"call\"} 0",
    ] {
        assert!(metrics.contains(&format!("{line}\n")), "{line}: {metrics}");
    }
}
