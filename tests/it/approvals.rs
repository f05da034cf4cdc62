//! Approvals (contract, sections 4.4 and 5): most tests name a bug of the server that this replaces.

use std::process::Command;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::app::{Caller, Options, Server, eventually};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Reply};
use crate::support::stream::{Frame, SseStream};
use crate::support::world::World;
use crate::with_both_stores;

const MERGE: &str = "feature 브랜치를 main에 병합해주세요";

/// How many merge commits `main` of the server's repository has.
fn merges(server: &Server) -> usize {
    let log = Command::new("git")
        .arg("-C")
        .arg(server.workspace())
        .args(["log", "--merges", "--oneline", "main"])
        .output()
        .unwrap();
    assert!(log.status.success(), "{log:?}");
    String::from_utf8(log.stdout).unwrap().lines().count()
}

fn text<'a>(frame: &'a Frame, field: &str) -> &'a str {
    frame.data[field].as_str().unwrap_or_else(|| panic!("no {field} in {frame:?}"))
}

/// Asks for the merge and reads until the person is asked.
async fn ask(caller: &Caller) -> (SseStream, Frame) {
    let mut stream = caller.stream(MERGE).await;
    let hitl = stream.until("hitl").await;
    (stream, hitl)
}

fn tool_statuses(stream: &SseStream) -> Vec<String> {
    let merges = stream.all("tool_execution").into_iter();
    merges
        .filter(|frame| frame.data["toolName"] == "git_merge")
        .map(|frame| text(frame, "status").to_owned())
        .collect()
}

with_both_stores! {
    async fn the_approved_tool_runs_once_with_the_arguments_that_were_shown(kind: Kind) {
        let world = World::new(kind).await;
        let user = world.server.user();
        let (mut stream, hitl) = ask(&user).await;
        assert_eq!(merges(&world.server), 0);

        let answer = user.approve(text(&hitl, "requestId")).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.body["message"], "Request approved successfully");
        assert_eq!(answer.data()["status"], "approved");

        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
        assert_eq!(tool_statuses(&stream), ["pending", "running", "success"]);
        for run in stream.all("tool_execution") {
            assert_eq!(run.data["toolArgs"], hitl.data["context"], "{run:?}");
            assert_eq!(run.data["params"], hitl.data["params"]);
        }
        let done = stream.all("tool_execution").pop().unwrap().data.clone();
        assert_eq!(done["result"]["merged"], true, "{done}");
        assert_eq!(merges(&world.server), 1);
    }

    async fn a_rejected_tool_never_runs(kind: Kind) {
        let world = World::new(kind).await;
        let user = world.server.user();
        let (mut stream, hitl) = ask(&user).await;
        let answer = user.reject(text(&hitl, "requestId"), "사용자 거절").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.body["message"], "Request rejected");
        assert_eq!(answer.data()["reason"], "사용자 거절");

        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "rejected");
        assert_eq!(tool_statuses(&stream), ["pending", "cancelled"]);
        let error = stream.all("error").pop().unwrap();
        assert_eq!(error.data["errorType"], "RejectionError");
        assert_eq!(error.data["error"], "사용자 거절");
        assert_eq!(merges(&world.server), 0);
    }

    async fn nobody_answering_in_time_ends_the_run_as_failed(kind: Kind) {
        let options = Options::default().set("HITL_TIMEOUT_SECONDS", 1);
        let world = World::with(kind, options).await;
        let user = world.server.user();
        let (mut stream, hitl) = ask(&user).await;
        stream.to_done().await;
        let kinds: Vec<_> = stream.frames.iter().map(|frame| frame.event.as_deref()).collect();
        let tail: Vec<_> = kinds
            .into_iter()
            .filter(|kind| !matches!(kind, Some("plan_step_update" | "timeline_step_update")))
            .collect();
        let expected =
            ["tool_execution", "content", "failed", "error", "end"].map(Some).into_iter();
        let expected: Vec<_> = expected.chain([None]).collect();
        assert!(tail.ends_with(&expected), "{tail:?}");
        let failed = stream.all("failed").pop().unwrap();
        assert_eq!(failed.data["message"], "사용자 응답 지연으로 작업이 취소되었습니다");
        assert_eq!(failed.data["errorType"], "TimeoutError");
        assert_eq!(failed.data["requestId"], hitl.data["requestId"]);
        assert_eq!(stream.status_at_end(), "failed");
        assert_eq!(merges(&world.server), 0);
    }

    async fn a_late_approval_is_told_that_it_timed_out(kind: Kind) {
        let options = Options::default().set("HITL_TIMEOUT_SECONDS", 1);
        let world = World::with(kind, options).await;
        let user = world.server.user();
        let (mut stream, hitl) = ask(&user).await;
        stream.to_done().await;
        let late = user.approve(text(&hitl, "requestId")).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{late:?}");
        assert_eq!(late.body["status"], "SUCCESS");
        assert_eq!(late.body["message"], "Request was already processed (idempotent)");
        assert_eq!(late.data()["status"], "timed_out");
        assert_eq!(merges(&world.server), 0);
    }

    async fn approve_and_reject_at_once_have_one_winner(kind: Kind) {
        let world = World::new(kind).await;
        let user = world.server.user();
        let (mut stream, hitl) = ask(&user).await;
        let id = text(&hitl, "requestId").to_owned();
        let clicks = (0..40).map(|n| {
            let (user, id) = (user.clone(), id.clone());
            tokio::spawn(async move {
                if n % 2 == 0 { user.approve(&id).await } else { user.reject(&id, "no").await }
            })
        });
        let mut answers = Vec::new();
        for click in clicks.collect::<Vec<_>>() {
            answers.push(click.await.unwrap());
        }
        let won: Vec<_> = answers.iter().filter(|a| a.status == StatusCode::OK).collect();
        assert_eq!(won.len(), 1, "{answers:#?}");
        let verdict = won[0].data()["status"].clone();
        for lost in answers.iter().filter(|a| a.status != StatusCode::OK) {
            assert_eq!(lost.status, StatusCode::CONFLICT);
            assert_eq!(lost.data()["status"], verdict, "{lost:?}");
        }
        stream.to_done().await;
        let approved = verdict == "approved";
        let end = if approved { "completed" } else { "rejected" };
        assert_eq!(stream.status_at_end(), end);
        assert_eq!(merges(&world.server), usize::from(approved));
    }

    async fn one_prompt_asks_once(kind: Kind) {
        let world = World::new(kind).await;
        let user = world.server.user();
        let (mut stream, hitl) = ask(&user).await;
        user.approve(text(&hitl, "requestId")).await;
        stream.to_done().await;
        assert_eq!(stream.all("hitl").len(), 1);
        assert_eq!(stream.all("start").len(), 1);
    }

    async fn two_waits_in_one_process_do_not_hear_each_other(kind: Kind) {
        let world = World::new(kind).await;
        let user = world.server.user();
        let (mut first, asked_first) = ask(&user).await;
        let (mut second, asked_second) = ask(&user).await;
        user.reject(text(&asked_second, "requestId"), "second").await;
        second.to_done().await;
        assert_eq!(second.status_at_end(), "rejected");
        let session = user.get(&format!("/aura/sessions/{}", first.session())).await;
        assert_eq!(session.data()["status"], "waiting_approval");
        user.approve(text(&asked_first, "requestId")).await;
        first.to_done().await;
        assert_eq!(first.status_at_end(), "completed");
    }

    async fn another_tenant_sees_nothing(kind: Kind) {
        let world = World::new(kind).await;
        let user = world.server.user();
        let (mut stream, hitl) = ask(&user).await;
        let (session, id) = (stream.session(), text(&hitl, "requestId").to_owned());
        let stranger = world.server.as_user("tenant2", "user123");
        for path in [
            format!("/aura/hitl/requests/{id}"),
            format!("/aura/hitl/signals/{session}"),
            format!("/aura/sessions/{session}"),
        ] {
            assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(stranger.approve(&id).await.status, StatusCode::NOT_FOUND);
        assert_eq!(stranger.reject(&id, "no").await.status, StatusCode::NOT_FOUND);
        let path = format!("/aura/sessions/{session}/cancel");
        assert_eq!(stranger.post(&path, json!({})).await.status, StatusCode::NOT_FOUND);
        assert_eq!(stranger.resume(&session, None).await.status, 404);
        let named = stranger.stream_with(json!({"sessionId": session})).await;
        assert_eq!(named.status, 404);
        assert_eq!(stranger.get("/aura/sessions").await.data()["sessions"], json!([]));

        // A colleague may read and decide the request, but the session is not his.
        let colleague = world.server.as_user("tenant1", "colleague");
        assert_eq!(colleague.get(&format!("/aura/hitl/requests/{id}")).await.status, StatusCode::OK);
        assert_eq!(colleague.resume(&session, None).await.status, 404);
        let path = format!("/aura/sessions/{session}");
        assert_eq!(colleague.get(&path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(colleague.approve(&id).await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
        let request = user.get(&format!("/aura/hitl/requests/{id}")).await;
        let request: Value = serde_json::from_str(request.data().as_str().unwrap()).unwrap();
        assert_eq!(request["approvedBy"], "colleague");
        assert_eq!(request["status"], "approved");
    }

    async fn a_cancelled_run_decides_its_request_and_ends(kind: Kind) {
        let world = World::new(kind).await;
        let user = world.server.user();
        let (mut stream, hitl) = ask(&user).await;
        let cancel = format!("/aura/sessions/{}/cancel", stream.session());
        let answer = user.post(&cancel, json!({})).await;
        assert_eq!((answer.status, &answer.data()["status"]), (StatusCode::OK, &json!("cancelled")));
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "cancelled");
        assert_eq!(tool_statuses(&stream), ["pending", "cancelled"]);
        let late = user.approve(text(&hitl, "requestId")).await;
        assert_eq!((late.status, &late.data()["status"]), (StatusCode::CONFLICT, &json!("cancelled")));
        let again = user.post(&cancel, json!({})).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        assert_eq!(merges(&world.server), 0);
    }
}

/// The time of the tool and not the service's, to the millisecond: ids are the clock's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_with_a_time_of_its_own_waits_exactly_that_long() {
    let options = Options::default().set("AURA__HITL__TIMEOUTS__GIT_MERGE", 2);
    let world = World::with(crate::support::world::Kind::Redis, options).await;
    let (mut stream, hitl) = ask(&world.server.user()).await;
    let mut keys = Keys::of(world.redis.as_ref().unwrap()).await;
    let id = text(&hitl, "requestId").to_owned();
    let request = keys.json(&format!("hitl:request:{id}")).await;
    let asked_ms = request["createdAt"].as_u64().unwrap();
    let deadline_ms = asked_ms + 2_000;
    assert_eq!(hitl.data["expiresAt"], deadline_ms.div_ceil(1000));
    stream.to_done().await;
    let failed = stream.all("failed")[0];
    assert!(failed.data["error"].as_str().unwrap().ends_with("within 2 s"), "{failed:?}");
    assert!(failed.id >= deadline_ms, "{} ms too early", deadline_ms - failed.id);
    assert!(failed.id < deadline_ms + 5_000, "{} ms too late", failed.id - deadline_ms);
    let decision = keys.json(&format!("aura:decision:{id}")).await;
    let decided_ms = decision["atMs"].as_u64().unwrap();
    assert!((deadline_ms..deadline_ms + 5_000).contains(&decided_ms), "{decision}");
}

/// A world with Redis, and a person who writes its keys directly.
async fn redis_world() -> (World, Keys) {
    let world = World::new(crate::support::world::Kind::Redis).await;
    let keys = Keys::of(world.redis.as_ref().unwrap()).await;
    (world, keys)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_sent_before_the_hitl_event_is_seen_is_not_lost() {
    let (world, mut keys) = redis_world().await;
    // Whoever sees the request appear answers at once; the client has not read anything yet.
    let response = world.server.user().post_stream(json!({"prompt": MERGE})).send().await.unwrap();
    let session = response.headers()["x-session-id"].to_str().unwrap().to_owned();
    let pointer = keys.wait_for(&format!("hitl:session:{session}")).await;
    let id = pointer["requestId"].as_str().unwrap().to_owned();
    let signal = json!({"type": "approval", "requestId": id, "status": "approved"});
    // The question is stored before it is shown, and heard from the moment that somebody listens.
    while keys.publish(&session, &signal.to_string()).await == 0 {
        tokio::task::yield_now().await;
    }
    let mut stream = SseStream::of(response);
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
    assert_eq!(merges(&world.server), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_for_another_request_is_ignored() {
    let (world, mut keys) = redis_world().await;
    let (mut stream, hitl) = ask(&world.server.user()).await;
    let session = stream.session();
    let other = json!({"type": "approval", "requestId": "req_000000000000", "status": "approved"});
    assert_eq!(keys.publish(&session, &other.to_string()).await, 1);
    wait_for_log(&world.server, "HITL signal ignored").await;
    keys.publish(
        &session,
        &json!({"type": "rejection", "requestId": text(&hitl, "requestId"),
        "status": "rejected", "reason": "그만"})
        .to_string(),
    )
    .await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "rejected");
    assert_eq!(merges(&world.server), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_or_empty_signal_is_not_an_approval() {
    let (world, mut keys) = redis_world().await;
    let (mut stream, hitl) = ask(&world.server.user()).await;
    let (session, id) = (stream.session(), text(&hitl, "requestId").to_owned());
    let nonsense = [
        String::new(),
        "null".into(),
        "[]".into(),
        "approved".into(),
        "{}".into(),
        json!({"requestId": id}).to_string(),
        json!({"requestId": id, "status": "maybe"}).to_string(),
        json!({"requestId": id, "status": true}).to_string(),
        json!({"requestId": id, "type": "approval", "status": "rejected"}).to_string(),
        "{\"requestId\":".into(),
    ];
    for signal in &nonsense {
        assert_eq!(keys.publish(&session, signal).await, 1, "{signal}");
    }
    eventually("every signal was heard", || async {
        world.server.log().matches("HITL signal ignored").count() == nonsense.len()
    })
    .await;
    keys.publish(&session, &json!({"type": "rejection", "requestId": id}).to_string()).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "rejected");
    assert_eq!(merges(&world.server), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_without_a_request_id_counts_for_the_only_pending_one_and_is_stored() {
    let (world, mut keys) = redis_world().await;
    let (mut stream, hitl) = ask(&world.server.user()).await;
    let session = stream.session();
    keys.publish(&session, &json!({"action": "approve", "sessionId": session}).to_string()).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
    let stored = keys.wait_for(&format!("hitl:signal:{session}")).await;
    assert_eq!(stored["requestId"], hitl.data["requestId"], "{stored}");
    let ttl = keys.ttl(&format!("hitl:signal:{session}")).await;
    assert!((1..=300).contains(&ttl), "{ttl}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_whose_request_id_is_null_is_stored_under_the_name_of_what_it_has_answered() {
    let (world, mut keys) = redis_world().await;
    let (mut stream, hitl) = ask(&world.server.user()).await;
    let session = stream.session();
    // Stored as it came, it would answer whatever the session asks next.
    let no = json!({"action": "reject", "requestId": null});
    keys.publish(&session, &no.to_string()).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "rejected");
    let stored = keys.wait_for(&format!("hitl:signal:{session}")).await;
    assert_eq!(stored["requestId"], hitl.data["requestId"], "{stored}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_service_approves_by_set_set_publish() {
    let (world, mut keys) = redis_world().await;
    let (mut stream, hitl) = ask(&world.server.user()).await;
    let (session, id) = (stream.session(), text(&hitl, "requestId").to_owned());
    let mut request = keys.json(&format!("hitl:request:{id}")).await;
    request["status"] = json!("approved");
    request["approvedBy"] = json!("manager");
    keys.set(&format!("hitl:request:{id}"), &request, 1800).await;
    let signal = json!({"type": "approval", "requestId": id, "status": "approved", "timestamp": 1_706_152_860});
    keys.set(&format!("hitl:signal:{session}"), &signal, 300).await;
    keys.publish(&session, &signal.to_string()).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
    assert_eq!(merges(&world.server), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_that_was_stored_but_never_heard_is_found_by_the_poll() {
    let (world, mut keys) = redis_world().await;
    let (mut stream, hitl) = ask(&world.server.user()).await;
    let signal =
        json!({"type": "approval", "requestId": hitl.data["requestId"], "status": "approved"});
    keys.set(&format!("hitl:signal:{}", stream.session()), &signal, 300).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
    assert_eq!(merges(&world.server), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_person_is_asked_the_keys_of_the_contract_are_there_with_their_ttls() {
    let (world, mut keys) = redis_world().await;
    let (stream, hitl) = ask(&world.server.user()).await;
    let (session, id) = (stream.session(), text(&hitl, "requestId").to_owned());
    let request = keys.json(&format!("hitl:request:{id}")).await;
    assert_eq!(request["requestId"], id.as_str());
    assert_eq!(request["sessionId"], session.as_str());
    assert_eq!((&request["userId"], &request["tenantId"]), (&json!("user123"), &json!("tenant1")));
    assert_eq!(
        (&request["actionType"], &request["status"]),
        (&json!("git_merge"), &json!("pending"))
    );
    assert_eq!(request["context"], hitl.data["context"]);
    assert_eq!(request["expiresAt"], hitl.data["expiresAt"]);
    let pointer = keys.json(&format!("hitl:session:{session}")).await;
    assert_eq!(pointer["requestId"], id.as_str());
    let checkpoint = keys.json(&format!("checkpoint:{session}")).await;
    assert_eq!(checkpoint["pending_approvals"][0]["requestId"], id.as_str());
    assert!(checkpoint["messages"].as_array().is_some_and(|m| !m.is_empty()), "{checkpoint}");
    for (key, ttl) in [
        (format!("hitl:request:{id}"), 1800),
        (format!("hitl:session:{session}"), 3600),
        (format!("checkpoint:{session}"), 7 * 24 * 3600),
    ] {
        let left = keys.ttl(&key).await;
        assert!((ttl - 30..=ttl).contains(&left), "{key}: {left}");
    }
    assert_eq!(keys.channels().await, [format!("hitl:channel:{session}")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_that_passes_while_redis_is_away_is_kept_once_it_is_back() {
    let options = Options::default().set("HITL_TIMEOUT_SECONDS", 1);
    let mut world = World::with(crate::support::world::Kind::Redis, options).await;
    let (mut stream, hitl) = ask(&world.server.user()).await;
    let redis = world.redis.as_mut().unwrap();
    redis.kill();
    wait_for_log(&world.server, "decision postponed").await;
    redis.restart();
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "failed");
    assert_eq!(stream.all("failed")[0].data["requestId"], hitl.data["requestId"]);
    assert_eq!(merges(&world.server), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_heard_while_redis_goes_away_is_not_lost() {
    let (mut world, mut keys) = redis_world().await;
    let (mut stream, hitl) = ask(&world.server.user()).await;
    let session = stream.session();
    let signal = json!({"type": "approval", "requestId": hitl.data["requestId"]}).to_string();
    let redis = world.redis.as_mut().unwrap();
    // Stored, and nobody hears the message.
    keys.set(&format!("hitl:signal:{session}"), &serde_json::from_str(&signal).unwrap(), 300).await;
    redis.kill();
    wait_for_log(&world.server, "lost the Redis connection").await;
    redis.restart();
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
    assert_eq!(merges(&world.server), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_is_carried_out_though_the_client_leaves_at_once() {
    let world = World::new(crate::support::world::Kind::Redis).await;
    let user = world.server.user();
    let (mut stream, hitl) = ask(&user).await;
    let path = format!("/aura/hitl/approve/{}", text(&hitl, "requestId"));
    let click = user.request(reqwest::Method::POST, &path).json(&json!({})).send();
    // The request is on its way, and nobody waits for the answer.
    let _ = tokio::time::timeout(std::time::Duration::from_millis(2), click).await;
    let again = user.approve(text(&hitl, "requestId")).await;
    assert!([StatusCode::OK, StatusCode::CONFLICT].contains(&again.status));
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
    assert_eq!(merges(&world.server), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_sessions_approved_at_once_all_complete() {
    // The model asks at once and runs dry: what is measured is the approval, not five hundred gits.
    let pull =
        json!({"owner": "dwp", "repo": "sample", "title": "t", "head": "feature", "base": "main"});
    let model = FakeModel::answering(move |request| {
        let messages = request["messages"].as_array().unwrap();
        if messages.last().unwrap()["role"] == "tool" {
            Reply::text(["완료했습니다."])
        } else {
            Reply::tool_call("github_create_pr", &pull)
        }
    })
    .await;
    let options = Options::default()
        .set("OPENAI_BASE_URL", model.base_url())
        .set("OPENAI_MODEL", "fake-model")
        // Five hundred starts at once on a machine that has other work as well: Redis may take long.
        .set("AURA__REDIS__COMMAND_TIMEOUT_MS", 20_000);
    let world = World::with(crate::support::world::Kind::Redis, options).await;
    let user = world.server.user();
    let runs = (0..500).map(|_| {
        let user = user.clone();
        tokio::spawn(async move {
            let mut stream = user.stream("GitHub PR을 생성해주세요").await;
            let hitl = stream.until("hitl").await;
            user.approve(text(&hitl, "requestId")).await;
            stream.to_done().await;
            stream.status_at_end()
        })
    });
    let mut completed = 0;
    for run in runs.collect::<Vec<_>>() {
        completed += usize::from(run.await.unwrap() == "completed");
    }
    assert_eq!(completed, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_decides_is_who_the_token_says_and_nobody_else() {
    let server = Server::embedded().await;
    let (_stream, hitl) = ask(&server.user()).await;
    let id = text(&hitl, "requestId");
    let path = format!("/aura/hitl/approve/{id}");
    let other = server.user().post(&path, json!({"userId": "somebody"})).await;
    assert_eq!((other.status, &other.body["errorCode"]), (StatusCode::FORBIDDEN, &json!("E2001")));
    let wrong = server.user().post(&path, json!({"userId": 7})).await;
    assert_eq!(
        (wrong.status, &wrong.body["errorCode"]),
        (StatusCode::BAD_REQUEST, &json!("E4000"))
    );
    let unknown = server.user().approve("req_000000000000").await;
    assert_eq!(
        (unknown.status, &unknown.body["errorCode"]),
        (StatusCode::NOT_FOUND, &json!("E1004"))
    );
    let unnamed = server
        .anonymous(reqwest::Method::POST, &path)
        .bearer_auth(crate::support::app::token("tenant1", "user123"))
        .header("X-Tenant-ID", "tenant1");
    assert_eq!(unnamed.send().await.unwrap().status(), StatusCode::OK, "the token says who");
}

async fn wait_for_log(server: &Server, line: &str) {
    eventually(line, || async { server.log().contains(line) }).await;
}
