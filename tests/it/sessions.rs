//! Sessions over REST (contract, section 5.5).

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::app::{Caller, Options, eventually};
use crate::support::model::{FakeModel, Gate, Reply};
use crate::support::stream::SseStream;
use crate::support::world::World;
use crate::with_both_stores;

const MAIL: &str = r#"{"to":["kim@example.com"],"subject":"보고","body":"끝"}"#;

async fn detail(user: &Caller, stream: &SseStream) -> Value {
    let answer = user.get(&format!("/aura/sessions/{}", stream.session())).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.data().clone()
}

async fn list(user: &Caller, query: &str) -> (Vec<Value>, Value) {
    let answer = user.get(&format!("/aura/sessions{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let sessions = answer.data()["sessions"].as_array().unwrap().clone();
    (sessions, answer.data()["next"].clone())
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

const LINE: [&str; 7] =
    ["sessionId", "threadId", "status", "prompt", "createdAt", "updatedAt", "lastEventId"];

with_both_stores! {
    async fn the_list_is_newest_first_and_pages_without_loss(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        assert_eq!(user.get("/aura/sessions").await.data(), &json!({"sessions": [], "next": null}));
        let mut newest_first = Vec::new();
        for n in 0..5 {
            let mut stream = user.stream(&format!("질문 {n}")).await;
            stream.to_done().await;
            newest_first.insert(0, stream.session());
        }
        // Somebody else's are not in it.
        for stranger in [world.server.as_user("tenant1", "lee"), world.server.as_user("tenant2", "user123")] {
            stranger.stream("남의 것").await.to_done().await;
            assert_eq!(list(&stranger, "").await.0.len(), 1);
        }

        let (all, next) = list(&user, "").await;
        let ids: Vec<&str> = all.iter().map(|line| text(line, "sessionId")).collect();
        assert_eq!(ids, newest_first);
        assert_eq!(next, Value::Null);

        let (mut paged, mut query) = (Vec::new(), "?limit=2".to_owned());
        loop {
            let (page, next) = list(&user, &query).await;
            assert!(page.len() <= 2);
            paged.extend(page);
            let Some(next) = next.as_str() else { break };
            assert_eq!(next, text(paged.last().unwrap(), "sessionId"));
            query = format!("?limit=2&before={next}");
        }
        assert_eq!(paged, all);
        let (whole, next) = list(&user, "?limit=5").await;
        assert_eq!((whole.len(), next), (5, Value::Null), "there is nothing after the last");
    }

    async fn a_line_has_the_fields_of_the_contract(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let prompt = "가".repeat(250);
        let mut stream = user.stream_with(json!({"prompt": prompt, "thread_id": "thread-7"})).await;
        stream.to_done().await;
        let (lines, _) = list(&user, "").await;
        let line = &lines[0];
        assert_eq!(names(line), LINE);
        assert_eq!(text(line, "sessionId"), stream.session());
        assert_eq!(line["threadId"], "thread-7");
        assert_eq!(line["status"], "completed");
        assert_eq!(line["prompt"], "가".repeat(200));
        assert_eq!(line["lastEventId"], stream.frames.last().unwrap().id);
        let started = stream.frames[0].data["timestamp"].as_u64().unwrap();
        let ended = stream.all("end")[0].data["timestamp"].as_u64().unwrap();
        assert!((started - 1..=started).contains(&line["createdAt"].as_u64().unwrap()), "{line}");
        assert_eq!(line["updatedAt"], ended);
        assert!(text(line, "sessionId").starts_with(&format!("session_user123_{}_", line["createdAt"])));
    }

    async fn a_session_is_told_in_full_through_its_whole_life(kind: Kind) {
        let gate = Gate::closed();
        let model = FakeModel::scripted([
            Reply::stream().gate(&gate).call("call_a", "send_email", [MAIL]).usage(10, 5).ends("tool_calls"),
            Reply::text(["보냈습니다."]),
        ])
        .await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let mut stream = user.stream("메일을 보내줘").await;
        stream.until("thought").await;
        let running = detail(&user, &stream).await;
        let mut expected = LINE.to_vec();
        expected.extend(["node", "plan", "pendingApprovals", "hitlRequestId", "usage"]);
        assert_eq!(names(&running), expected);
        assert_eq!(running["status"], "running");
        assert_eq!((&running["node"], &running["plan"]), (&json!("plan"), &json!([])));
        assert_eq!((&running["pendingApprovals"], &running["hitlRequestId"]), (&json!([]), &Value::Null));

        gate.open();
        let hitl = stream.until("hitl").await;
        let waiting = detail(&user, &stream).await;
        assert_eq!((&waiting["status"], &waiting["node"]), (&json!("waiting_approval"), &json!("await_approval")));
        assert_eq!(list(&user, "").await.0[0]["status"], "waiting_approval");
        assert_eq!(waiting["hitlRequestId"], hitl.data["requestId"]);
        let pending = &waiting["pendingApprovals"];
        assert_eq!(pending.as_array().unwrap().len(), 1);
        let request = user.get(&format!("/aura/hitl/requests/{}", text(&hitl.data, "requestId"))).await;
        let request: Value = serde_json::from_str(request.data().as_str().unwrap()).unwrap();
        assert_eq!(pending[0], request, "the same as in hitl:request");
        assert_eq!(pending[0]["status"], "pending");
        let step = &waiting["plan"][0];
        let mut fields = names(step);
        fields.sort_unstable();
        assert_eq!(fields, ["confidence", "content", "description", "id", "order", "status", "stepId", "title"]);
        assert_eq!(step["status"], "in_progress");
        assert_eq!(step["stepId"], hitl.data["stepId"]);
        let tokens = waiting["usage"]["totalTokens"].as_u64().unwrap();
        assert!(tokens > 0, "{waiting}");

        user.approve(text(&hitl.data, "requestId")).await;
        stream.to_done().await;
        let done = detail(&user, &stream).await;
        assert_eq!((&done["status"], &done["node"]), (&json!("completed"), &json!("done")));
        assert_eq!(done["pendingApprovals"], json!([]));
        assert_eq!(done["hitlRequestId"], hitl.data["requestId"], "the latest, decided or not");
        assert_eq!(done["usage"], stream.all("end")[0].data["usage"]);
        assert!(done["usage"]["totalTokens"].as_u64().unwrap() > tokens);
        for step in done["plan"].as_array().unwrap() {
            assert_eq!(step["status"], "completed", "{done}");
        }
        assert_eq!(done["lastEventId"], stream.frames.last().unwrap().id);
    }

    async fn every_end_has_its_status(kind: Kind) {
        let model = FakeModel::answering(|body| match body["messages"].as_array().unwrap().last().unwrap() {
            last if last["content"] == "fail" => Reply::status(401),
            _ => Reply::stream().call("call_a", "send_email", [MAIL]).ends("tool_calls"),
        })
        .await;
        let options = Options::default().model(&model).set("HITL_TIMEOUT_SECONDS", 30);
        let world = World::with(kind, options).await;
        let user = world.server.user();
        let mut failed = user.stream("fail").await;
        failed.to_done().await;
        assert_eq!(detail(&user, &failed).await["status"], "failed");

        let mut rejected = user.stream("메일").await;
        let hitl = rejected.until("hitl").await;
        user.reject(text(&hitl.data, "requestId"), "아니요").await;
        rejected.to_done().await;
        let told = detail(&user, &rejected).await;
        assert_eq!(told["status"], "rejected");
        assert_eq!(told["pendingApprovals"], json!([]));

        let mut cancelled = user.stream("메일").await;
        let hitl = cancelled.until("hitl").await;
        let path = format!("/aura/sessions/{}/cancel", cancelled.session());
        let answer = user.post(&path, json!({})).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.data(), &json!({"sessionId": cancelled.session(), "status": "cancelled"}));
        cancelled.to_done().await;
        assert_eq!(cancelled.status_at_end(), "cancelled");
        assert_eq!(detail(&user, &cancelled).await["status"], "cancelled");
        let again = user.post(&path, json!({})).await;
        assert_eq!((again.status, &again.data()["status"]), (StatusCode::CONFLICT, &json!("cancelled")));
        // Its request cannot be decided any more, and says so.
        let id = text(&hitl.data, "requestId");
        let late = user.approve(id).await;
        assert_eq!((late.status, &late.data()["status"]), (StatusCode::CONFLICT, &json!("cancelled")));
        eventually("the request says cancelled", || async {
            let request = user.get(&format!("/aura/hitl/requests/{id}")).await;
            let request: Value = serde_json::from_str(request.data().as_str().unwrap()).unwrap();
            request["status"] == "cancelled"
        })
        .await;

        let (lines, _) = list(&user, "").await;
        let statuses: Vec<&str> = lines.iter().map(|line| text(line, "status")).collect();
        assert_eq!(statuses, ["cancelled", "rejected", "failed"]);
    }

    async fn a_cancellation_at_any_moment_leaves_nothing_to_approve(kind: Kind) {
        let model = FakeModel::always(
            Reply::stream().call("call_a", "send_email", [MAIL]).ends("tool_calls"),
        )
        .await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        // The cancellation races with the question: it comes before, while or after it is asked.
        let runs = (0..24_usize).map(|n| {
            let user = user.clone();
            async move {
                let mut stream = user.stream("메일").await;
                for _ in 0..n % 8 {
                    stream.next().await;
                }
                let path = format!("/aura/sessions/{}/cancel", stream.session());
                let answer = user.post(&path, json!({})).await;
                assert_eq!(answer.data()["status"], "cancelled", "{answer:?}");
                stream.to_done().await;
                assert_eq!(stream.status_at_end(), "cancelled");
                for hitl in stream.all("hitl") {
                    let late = user.approve(text(&hitl.data, "requestId")).await;
                    assert_eq!(late.status, StatusCode::CONFLICT, "{late:?}");
                    assert_eq!(late.data()["status"], "cancelled");
                }
            }
        });
        futures::future::join_all(runs).await;
    }

    async fn limits_and_places_that_make_no_sense_are_refused(kind: Kind) {
        let world = World::new(kind).await;
        let user = world.server.user();
        for limit in ["0", "101", "-1", "abc", "1.5", "99999999999999999999"] {
            let answer = user.get(&format!("/aura/sessions?limit={limit}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{limit}");
            assert_eq!(answer.body["errorCode"], "E4000");
            assert!(text(&answer.body, "detail").contains("limit"), "{answer:?}");
        }
        for query in ["?limit=100", "?limit=1", "?limit=", "?unknown=1"] {
            assert_eq!(user.get(&format!("/aura/sessions{query}")).await.status, StatusCode::OK);
        }
        for before in ["session_nobody_1_00", "x", "session_%00"] {
            let answer = user.get(&format!("/aura/sessions?before={before}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{before}");
        }
    }

    async fn a_session_is_its_starters_alone(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let mut stream = world.server.user().stream("내 것").await;
        stream.to_done().await;
        let session = stream.session();
        for other in [world.server.as_user("tenant1", "lee"), world.server.as_user("tenant2", "user123")] {
            for path in [
                format!("/aura/sessions/{session}"),
                format!("/aura/sessions?before={session}"),
            ] {
                let answer = other.get(&path).await;
                assert_eq!((answer.status, &answer.body["errorCode"]), (StatusCode::NOT_FOUND, &json!("E1004")));
            }
            let cancel = other.post(&format!("/aura/sessions/{session}/cancel"), json!({})).await;
            assert_eq!(cancel.status, StatusCode::NOT_FOUND);
            assert_eq!(other.resume(&session, None).await.status, 404);
        }
    }
}
