//! More than one question, more than one answer: several calls in one turn, one by one or together, several approvers, changed
//! arguments, rejections that do not end the run, and warnings before a deadline.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::resume::request_of;
use crate::support::app::{Caller, Options};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Reply};
use crate::support::stream::{Frame, SseStream};
use crate::support::world::{Kind, World};
use crate::with_both_stores;

fn mail(to: &str) -> String {
    json!({"to": [to], "subject": "보고", "body": "끝"}).to_string()
}

/// A turn that wants two mails sent and a look at the repository, and an answer.
async fn two_mails() -> FakeModel {
    let (kim, lee) = (mail("kim@example.com"), mail("lee@example.com"));
    FakeModel::scripted([
        Reply::stream()
            .call("call_a", "send_email", [kim.as_str()])
            .call("call_b", "git_status", ["{}"])
            .call("call_c", "send_email", [lee.as_str()])
            .ends("tool_calls"),
        Reply::text(["다 ", "했습니다."]),
    ])
    .await
}

async fn one_mail() -> FakeModel {
    let kim = mail("kim@example.com");
    FakeModel::scripted([
        Reply::stream().call("call_a", "send_email", [kim.as_str()]).ends("tool_calls"),
        Reply::text(["했습니다."]),
    ])
    .await
}

async fn world(kind: Kind, model: &FakeModel, options: Options) -> World {
    World::with(kind, options.model(model)).await
}

/// Everybody is asked about everything at once.
fn together() -> Options {
    Options::default().set("AURA__HITL__ASK", "together")
}

/// `call_a success`, one line for each thing that happened to a call.
fn calls(stream: &SseStream) -> Vec<String> {
    let line = |frame: &&Frame| {
        format!(
            "{} {}",
            frame.data["toolCallId"].as_str().unwrap(),
            frame.data["status"].as_str().unwrap()
        )
    };
    stream.all("tool_execution").iter().map(line).collect()
}

/// Starts the run and reads until both questions are there.
async fn asked_twice(user: &Caller) -> (SseStream, [Frame; 2]) {
    let mut stream = user.stream("메일 둘").await;
    let hitls = [stream.until("hitl").await, stream.until("hitl").await];
    (stream, hitls)
}

fn decision_thoughts(stream: &SseStream) -> Vec<String> {
    let thoughts = stream.all("thought").into_iter();
    let decisions = thoughts.filter(|frame| frame.data["thoughtType"] == "decision");
    decisions.map(|frame| frame.data["content"].as_str().unwrap().to_owned()).collect()
}

with_both_stores! {
    /// The second question, and with it its deadline, begins when the first call has run.
    async fn two_questions_are_asked_one_after_another(kind: Kind) {
        let model = two_mails().await;
        let world = world(kind, &model, Options::default()).await;
        let user = world.server.user();
        let mut stream = user.stream("메일 둘").await;
        let first = stream.until("hitl").await;
        assert_eq!(calls(&stream), ["call_b running", "call_b success", "call_a pending"]);
        let session = user.get(&format!("/aura/sessions/{}", stream.session())).await;
        let data = session.data();
        assert_eq!((&data["status"], &data["node"]), (&json!("waiting_approval"), &json!("await_approval")));
        assert_eq!(data["pendingApprovals"].as_array().unwrap().len(), 1);
        assert_eq!(data["pendingApprovals"][0]["requestId"], first.data["requestId"]);

        assert_eq!(user.approve(request_of(&first)).await.status, StatusCode::OK);
        let second = stream.until("hitl").await;
        assert_eq!(calls(&stream)[3..], ["call_a running", "call_a success", "call_c pending"]);
        let created = |request: &Value| request["createdAt"].as_u64().unwrap();
        let asked = user.get(&format!("/aura/sessions/{}", stream.session())).await;
        assert!(created(&asked.data()["pendingApprovals"][0]) > created(&data["pendingApprovals"][0]));
        assert_eq!(user.approve(request_of(&second)).await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
        assert_eq!(calls(&stream)[6..], ["call_c running", "call_c success"]);
    }

    /// What nobody was asked about yet is not asked about any more, and its step is skipped.
    async fn a_rejected_question_ends_the_run_before_the_next_is_asked(kind: Kind) {
        let model = two_mails().await;
        let world = world(kind, &model, Options::default()).await;
        let user = world.server.user();
        let mut stream = user.stream("메일 둘").await;
        let first = stream.until("hitl").await;
        assert_eq!(user.reject(request_of(&first), "아니요").await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "rejected");
        assert_eq!(stream.all("hitl").len(), 1);
        assert_eq!(calls(&stream)[2..], ["call_a pending", "call_a cancelled"]);
        let session = user.get(&format!("/aura/sessions/{}", stream.session())).await;
        let steps: Vec<_> = session.data()["plan"].as_array().unwrap().iter().map(|s| s["status"].clone()).collect();
        assert_eq!(steps, ["failed", "completed", "skipped"]);
    }

    async fn a_rejection_that_does_not_end_the_run_leads_to_the_next_question(kind: Kind) {
        let model = two_mails().await;
        let options = Options::default().set("AURA__HITL__ON_REJECT", "continue");
        let world = world(kind, &model, options).await;
        let user = world.server.user();
        let mut stream = user.stream("메일 둘").await;
        let first = stream.until("hitl").await;
        assert_eq!(user.reject(request_of(&first), "아니요").await.status, StatusCode::OK);
        let second = stream.until("hitl").await;
        assert_eq!(user.approve(request_of(&second)).await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
        let rest = ["call_a pending", "call_a cancelled", "call_c pending", "call_c running", "call_c success"];
        assert_eq!(calls(&stream)[2..], rest);
    }

    /// In whatever order the answers come.
    async fn calls_of_one_turn_are_asked_about_together_and_each_runs_once_it_is_approved(kind: Kind) {
        let model = two_mails().await;
        let world = world(kind, &model, together()).await;
        let user = world.server.user();
        let (mut stream, [first, second]) = asked_twice(&user).await;
        assert_eq!(calls(&stream)[..2], ["call_b running", "call_b success"]);
        let session = user.get(&format!("/aura/sessions/{}", stream.session())).await;
        assert_eq!(session.data()["pendingApprovals"].as_array().unwrap().len(), 2);

        assert_eq!(user.approve(request_of(&second)).await.status, StatusCode::OK);
        while !calls(&stream).contains(&"call_c success".to_owned()) {
            stream.until("tool_execution").await;
        }
        assert!(!calls(&stream).contains(&"call_a running".to_owned()), "nobody approved it");
        let list = user.get("/aura/sessions").await;
        let status = &list.data()["sessions"][0]["status"];
        assert!(status == "waiting_approval" || status == "running", "{status}");

        assert_eq!(user.approve(request_of(&first)).await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
        assert_eq!(calls(&stream), [
            "call_b running", "call_b success", "call_a pending", "call_c pending",
            "call_c running", "call_c success", "call_a running", "call_a success",
        ]);
        assert_eq!(model.requests().len(), 2, "the model is asked once all calls are over");
    }

    /// The limit counts calls in the order in which the model wants them, asked about or not.
    async fn calls_beyond_the_limit_are_refused_and_those_within_it_are_asked_about(kind: Kind) {
        let model = two_mails().await;
        let options = Options::default().set("AURA__AGENT__MAX_TOOL_CALLS", 2);
        let world = world(kind, &model, options).await;
        let user = world.server.user();
        let mut stream = user.stream("메일 둘").await;
        let hitl = stream.until("hitl").await;
        assert_eq!(user.approve(request_of(&hitl)).await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
        assert_eq!(
            calls(&stream),
            [
                "call_b running", "call_b success", "call_c failed",
                "call_a pending", "call_a running", "call_a success",
            ]
        );
    }

    async fn both_approved_at_once_run_once_each(kind: Kind) {
        let model = two_mails().await;
        let world = world(kind, &model, together()).await;
        let user = world.server.user();
        let (mut stream, [first, second]) = asked_twice(&user).await;
        let (one, other) = tokio::join!(user.approve(request_of(&first)), user.approve(request_of(&second)));
        assert_eq!((one.status, other.status), (StatusCode::OK, StatusCode::OK));
        stream.to_done().await;
        let ran = |call: &str| calls(&stream).iter().filter(|line| **line == format!("{call} running")).count();
        assert_eq!((ran("call_a"), ran("call_c")), (1, 1));
        assert_eq!(stream.status_at_end(), "completed");
    }

    async fn a_rejection_ends_the_run_and_takes_the_other_question_back(kind: Kind) {
        let model = two_mails().await;
        let world = world(kind, &model, together()).await;
        let user = world.server.user();
        let (mut stream, [first, second]) = asked_twice(&user).await;
        assert_eq!(user.reject(request_of(&first), "아니요").await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "rejected");
        assert!(calls(&stream).contains(&"call_c cancelled".to_owned()));
        let late = user.approve(request_of(&second)).await;
        assert_eq!((late.status, &late.data()["status"]), (StatusCode::CONFLICT, &"cancelled".into()));
    }

    async fn a_rejection_can_go_on_instead_and_the_model_reads_the_reason(kind: Kind) {
        let model = one_mail().await;
        let options = Options::default().set("AURA__HITL__ON_REJECT", "continue");
        let world = world(kind, &model, options).await;
        let user = world.server.user();
        let mut stream = user.stream("메일").await;
        let hitl = stream.until("hitl").await;
        user.reject(request_of(&hitl), "받는 사람이 틀렸어요").await;
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
        assert_eq!(calls(&stream), ["call_a pending", "call_a cancelled"]);
        let told = model.requests()[1].message(-1).to_string();
        assert!(told.contains("받는 사람이 틀렸어요"), "{told}");
    }

    async fn a_call_runs_with_the_arguments_that_were_changed_by_whoever_approved_it(kind: Kind) {
        let model = one_mail().await;
        let world = world(kind, &model, Options::default()).await;
        let user = world.server.user();
        let mut stream = user.stream("메일").await;
        let hitl = stream.until("hitl").await;
        let path = format!("/aura/hitl/approve/{}", request_of(&hitl));

        for (args, wrong) in [
            (json!({"to": "x"}), "args: "),
            (json!({"to": ["a@example.com"], "subject": "a\nb", "body": ""}), "args: "),
            (json!("text"), "args: must be an object"),
        ] {
            let refused = user.post(&path, json!({"args": args})).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
            assert_eq!(refused.body["errorCode"], "E4000");
            assert!(refused.body.to_string().contains(wrong), "{refused:?}");
        }
        let args = json!({"to": ["park@example.com"], "subject": "고친 제목", "body": "끝"});
        let approved = user.post(&path, json!({"userId": "user123", "args": args})).await;
        assert_eq!(approved.status, StatusCode::OK, "{approved:?}");
        stream.to_done().await;
        let tools = stream.all("tool_execution");
        assert_eq!(tools.last().unwrap().data["status"], "success");
        assert_eq!(tools.last().unwrap().data["toolArgs"], args);
        let [thought] = &decision_thoughts(&stream)[..] else { panic!("{:#?}", stream.summary()) };
        assert!(thought.contains("user123 님이 인자를 수정하여 승인했습니다"), "{thought}");
        assert!(thought.contains("고친 제목") && thought.contains("보고"), "{thought}");
    }

    async fn who_may_approve_is_read_from_the_token_and_not_from_the_body(kind: Kind) {
        let model = one_mail().await;
        let options = Options::default().set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "role:manager");
        let world = world(kind, &model, options).await;
        let user = world.server.user();
        let mut stream = user.stream("메일").await;
        let hitl = stream.until("hitl").await;
        let path = format!("/aura/hitl/approve/{}", request_of(&hitl));
        let refused = user.post(&path, json!({"userId": "user123", "role": "manager"})).await;
        assert_eq!((refused.status, &refused.body["errorCode"]), (StatusCode::FORBIDDEN, &"E2001".into()));
        let manager = world.server.as_user("tenant1", "boss").in_role("manager");
        assert_eq!(manager.approve(request_of(&hitl)).await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
    }

    async fn who_started_a_run_cannot_approve_it_where_somebody_else_has_to(kind: Kind) {
        let model = one_mail().await;
        let options = Options::default().set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "not_requester");
        let world = world(kind, &model, options).await;
        let user = world.server.user();
        let mut stream = user.stream("메일").await;
        let hitl = stream.until("hitl").await;
        assert_eq!(user.approve(request_of(&hitl)).await.status, StatusCode::FORBIDDEN);
        let colleague = world.server.as_user("tenant1", "colleague");
        assert_eq!(colleague.approve(request_of(&hitl)).await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
    }

    async fn several_different_people_have_to_approve_where_the_policy_says_so(kind: Kind) {
        let model = one_mail().await;
        let options = Options::default().set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "2 of tenant");
        let world = world(kind, &model, options).await;
        let user = world.server.user();
        let mut stream = user.stream("메일").await;
        let hitl = stream.until("hitl").await;
        for _ in 0..2 {
            let endorsed = user.approve(request_of(&hitl)).await;
            assert_eq!(endorsed.status, StatusCode::OK);
            assert_eq!(endorsed.data()["status"], "pending");
            assert_eq!((&endorsed.data()["approvals"], &endorsed.data()["approvalsNeeded"]), (&1.into(), &2.into()));
        }
        let asked = &user.get(&format!("/aura/hitl/requests/{}", request_of(&hitl))).await;
        let asked: Value = serde_json::from_str(asked.data().as_str().unwrap()).unwrap();
        let quorum = (&asked["approvers"], &asked["approvalsNeeded"], &asked["approvals"]);
        assert_eq!(quorum, (&json!("tenant"), &json!(2), &json!(1)), "{asked}");
        assert_eq!(asked["status"], "pending");
        let colleague = world.server.as_user("tenant1", "colleague");
        let approved = colleague.approve(request_of(&hitl)).await;
        assert_eq!((approved.status, &approved.data()["status"]), (StatusCode::OK, &"approved".into()));
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
    }

    /// Whoever changes the arguments asks, and cannot approve; whoever started the run may.
    async fn changed_arguments_are_for_another_person_where_the_policy_wants_one(kind: Kind) {
        let model = one_mail().await;
        let options = Options::default().set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "not_requester");
        let world = world(kind, &model, options).await;
        let user = world.server.user();
        let mut stream = user.stream("메일").await;
        let hitl = stream.until("hitl").await;
        let colleague = world.server.as_user("tenant1", "colleague");
        let args = json!({"to": ["x@example.com"], "subject": "고친 제목", "body": "b"});
        let path = format!("/aura/hitl/approve/{}", request_of(&hitl));
        let wrong = colleague.post(&path, json!({"args": {"to": "x"}})).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{wrong:?}");
        let changed = colleague.post(&path, json!({"args": args})).await;
        assert_eq!((changed.status, &changed.data()["status"]), (StatusCode::OK, &json!("pending")));
        assert_eq!(changed.data()["supersedes"], request_of(&hitl));
        let next = stream.until("hitl").await;
        assert_eq!(changed.data()["requestId"], request_of(&next));
        assert_eq!(next.data["context"], args);
        let [thought] = &decision_thoughts(&stream)[..] else { panic!("{:#?}", stream.summary()) };
        assert!(thought.contains("colleague 님이 인자를 수정했습니다"), "{thought}");
        assert!(thought.contains("고친 제목") && thought.contains(request_of(&next)), "{thought}");

        let told = colleague.get(&format!("/aura/hitl/requests/{}", request_of(&hitl))).await;
        let told: Value = serde_json::from_str(told.data().as_str().unwrap()).unwrap();
        assert_eq!((&told["status"], &told["outcome"]), (&json!("rejected"), &json!("rejected")));
        assert_eq!(told["supersededBy"], request_of(&next));
        assert!(told["reason"].as_str().unwrap().contains("colleague 님이 인자를 수정하여"), "{told}");
        let late = world.server.as_user("tenant1", "another").approve(request_of(&hitl)).await;
        assert_eq!((late.status, &late.data()["status"]), (StatusCode::CONFLICT, &json!("rejected")));

        let told = colleague.get(&format!("/aura/hitl/requests/{}", request_of(&next))).await;
        let told: Value = serde_json::from_str(told.data().as_str().unwrap()).unwrap();
        assert_eq!(told["userId"], "colleague");
        assert_eq!(colleague.approve(request_of(&next)).await.status, StatusCode::FORBIDDEN);
        assert_eq!(calls(&stream), ["call_a pending", "call_a pending"]);
        assert_eq!(user.approve(request_of(&next)).await.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
        let done = stream.all("tool_execution").pop().unwrap().clone();
        assert_eq!((&done.data["status"], &done.data["toolArgs"]), (&json!("success"), &args));

        let page = user.in_role("auditor").get("/aura/audit").await;
        let entries = page.data()["entries"].as_array().unwrap();
        let line = |entry: &Value| {
            let fact = &entry["fact"];
            let of = |field: &str| fact[field].as_str().unwrap_or("-").to_owned();
            [of("kind"), of("requestId"), of("who"), of("verdict"), of("supersededBy")].join(" ")
        };
        let (old, new) = (request_of(&hitl), request_of(&next));
        let expected = [
            format!("approval_requested {old} user123 - -"),
            format!("approval_decided {old} colleague rejected {new}"),
            format!("approval_requested {new} colleague - -"),
            format!("approval_decided {new} user123 approved -"),
        ];
        assert_eq!(entries.iter().map(line).take(4).collect::<Vec<_>>(), expected);
        let hash = |n: usize, field: &str| entries[n]["fact"][field].clone();
        assert_eq!(hash(1, "editedArgumentsHash"), hash(2, "argumentsHash"));
    }

    /// The yeses to what was shown before do not count for what was made of it.
    async fn changed_arguments_are_approved_anew_by_as_many_as_it_takes(kind: Kind) {
        let model = one_mail().await;
        let options = Options::default().set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "2 of tenant");
        let world = world(kind, &model, options).await;
        let [kim, lee] = ["kim", "lee"].map(|name| world.server.as_user("tenant1", name));
        let mut stream = world.server.user().stream("메일").await;
        let hitl = stream.until("hitl").await;
        assert_eq!(kim.approve(request_of(&hitl)).await.data()["approvals"], 1);
        let args = json!({"to": ["x@example.com"], "subject": "a", "body": "b"});
        let path = format!("/aura/hitl/approve/{}", request_of(&hitl));
        let changed = lee.post(&path, json!({"args": args})).await;
        assert_eq!((changed.status, &changed.data()["status"]), (StatusCode::OK, &json!("pending")));
        let next = stream.until("hitl").await;
        for (person, status) in [(&lee, "pending"), (&lee, "pending"), (&kim, "approved")] {
            let answer = person.approve(request_of(&next)).await;
            assert_eq!((answer.status, &answer.data()["status"]), (StatusCode::OK, &json!(status)));
        }
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
        assert_eq!(stream.all("tool_execution").last().unwrap().data["toolArgs"], args);
    }

    async fn a_thought_warns_before_the_deadline_once(kind: Kind) {
        let model = one_mail().await;
        let options =
            Options::default().set("HITL_TIMEOUT_SECONDS", 4).set("AURA__HITL__WARNING_SECONDS", 3);
        let world = world(kind, &model, options).await;
        let user = world.server.user();
        let mut stream = user.stream("메일").await;
        stream.until("hitl").await;
        let thought = stream.until("thought").await;
        let content = thought.data["content"].as_str().unwrap();
        assert!(content.contains("send_email") && content.contains("만료"), "{content}");
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "failed");
        let warnings = stream.all("thought").into_iter().filter(|t| t.data["content"] == content);
        assert_eq!(warnings.count(), 1);
    }

    /// Requests, decisions and executions, in one chain, with the hashes of what was approved.
    async fn the_audit_stream_tells_the_whole_story_of_a_run(kind: Kind) {
        let model = one_mail().await;
        let world = world(kind, &model, Options::default()).await;
        let user = world.server.user();
        let mut stream = user.stream("메일").await;
        let hitl = stream.until("hitl").await;
        let args = json!({"to": ["park@example.com"], "subject": "고친 제목", "body": "끝"});
        let path = format!("/aura/hitl/approve/{}", request_of(&hitl));
        assert_eq!(user.post(&path, json!({"args": args})).await.status, StatusCode::OK);
        stream.to_done().await;

        let auditor = world.server.as_user("tenant1", "auditor").in_role("auditor");
        let audit = crate::support::app::eventually_some("the execution's end", async || {
            let audit = auditor.get("/aura/audit").await;
            let entries = audit.data()["entries"].as_array().unwrap().clone();
            (entries.len() == 4).then_some(entries)
        })
        .await;
        let facts: Vec<Value> = audit.iter().map(fact_of).collect();
        let kinds: Vec<&str> = facts.iter().map(|fact| fact["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, [
            "approval_requested", "approval_decided", "execution_started", "execution_finished",
        ]);
        assert_eq!(facts[1]["who"], "user123");
        assert_eq!(facts[1]["editedArgumentsHash"], facts[2]["argumentsHash"]);
        assert_ne!(facts[0]["argumentsHash"], facts[2]["argumentsHash"]);
        assert_eq!(facts[3]["dryRun"], true);
    }
}

/// The fact of an entry, as the route tells it.
fn fact_of(entry: &Value) -> Value {
    match &entry["fact"] {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        fact => fact.clone(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_not_everybody_may_approve_a_published_signal_can_only_reject() {
    let model = one_mail().await;
    let options = Options::default().set("AURA__TOOLS__APPROVERS__SEND_EMAIL", "role:manager");
    let world = world(Kind::Redis, &model, options).await;
    let mut keys = Keys::of(world.redis.as_ref().unwrap()).await;
    let mut stream = world.server.user().stream("메일").await;
    stream.until("hitl").await;
    keys.publish(&stream.session(), r#"{"action":"approve"}"#).await;
    crate::support::app::eventually("the signal was ignored", async || {
        world.server.log().contains("only role:manager may approve")
    })
    .await;
    keys.publish(&stream.session(), r#"{"action":"reject","reason":"아니요"}"#).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "rejected");
}

/// Otherwise a crash between the two would leave a journal that ends the run for another reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_ends_takes_its_questions_back_in_the_same_append() {
    let model = two_mails().await;
    let world = world(Kind::Redis, &model, together()).await;
    let user = world.server.user();
    let (mut stream, [first, second]) = asked_twice(&user).await;
    user.reject(request_of(&second), "아니요").await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "rejected");
    let mut keys = Keys::of(world.redis.as_ref().unwrap()).await;
    let appends = keys.appends(&stream.session()).await;
    let takes_back = |record: &Value| {
        record["rec"] == "approval_resolved" && record["request"] == request_of(&first)
    };
    let append = appends.iter().find(|append| append.iter().any(takes_back)).unwrap();
    assert_eq!(append.last().unwrap()["rec"], "ended", "{append:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unnamed_signal_decides_nothing_while_two_questions_are_open() {
    let model = two_mails().await;
    let world = world(Kind::Redis, &model, together()).await;
    let mut keys = Keys::of(world.redis.as_ref().unwrap()).await;
    let user = world.server.user();
    let (mut stream, [first, second]) = asked_twice(&user).await;
    keys.publish(&stream.session(), r#"{"action":"approve"}"#).await;
    crate::support::app::eventually("the signal was ignored", async || {
        world.server.log().contains("there are several")
    })
    .await;
    for hitl in [second, first] {
        let signal = json!({"type": "approval", "requestId": request_of(&hitl)});
        keys.publish(&stream.session(), &signal.to_string()).await;
    }
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_questions_outlive_their_server_and_so_does_the_answer_to_one() {
    let model = two_mails().await;
    let options = || together().set("AURA__AGENT__LEASE_SECONDS", 1);
    let World { server, redis } = world(Kind::Redis, &model, options()).await;
    let redis = redis.unwrap();
    let (mut stream, [first, second]) = asked_twice(&server.user()).await;
    let session = stream.session();
    server.user().approve(request_of(&second)).await;
    while !calls(&stream).contains(&"call_c success".to_owned()) {
        stream.until("tool_execution").await;
    }
    server.kill().await;
    stream.to_end().await;
    let last = stream.frames.last().unwrap().id;
    let other =
        crate::support::app::Server::start(options().model(&model).set("REDIS_URL", redis.url()));
    let other = other.await;
    let mut rest = other.user().resume(&session, Some(last)).await;
    assert_eq!(other.user().approve(request_of(&first)).await.status, StatusCode::OK);
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
    assert!(!calls(&rest).contains(&"call_c running".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_question_is_asked_by_whoever_goes_on_after_a_crash() {
    let model = two_mails().await;
    let options = || Options::default().set("AURA__AGENT__LEASE_SECONDS", 1);
    let World { server, redis } = world(Kind::Redis, &model, options()).await;
    let redis = redis.unwrap();
    let mut stream = server.user().stream("메일 둘").await;
    let first = stream.until("hitl").await;
    let session = stream.session();
    server.kill().await;
    let other = options().model(&model).set("REDIS_URL", redis.url());
    let other = crate::support::app::Server::start(other).await;
    assert_eq!(other.user().approve(request_of(&first)).await.status, StatusCode::OK);
    let mut rest = other.user().resume(&session, Some(first.id)).await;
    let second = rest.until("hitl").await;
    assert_eq!(other.user().approve(request_of(&second)).await.status, StatusCode::OK);
    rest.to_done().await;
    assert_eq!(rest.status_at_end(), "completed");
    assert_eq!(
        calls(&rest),
        ["call_a running", "call_a success", "call_c pending", "call_c running", "call_c success"]
    );
}
