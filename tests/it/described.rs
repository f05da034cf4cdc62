//! The documents of the interface: served as they are printed, and with examples that a server has given.

mod reference;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use reqwest::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Map, Value, json};

use crate::support::app::{Caller, Options, Server};
use crate::support::described::{
    check_answer, check_answer_of, check_event, operation_id, operations,
};
use crate::support::model::{FakeModel, Reply};
use crate::support::stream::SseStream;

const MERGE: &str = "feature 브랜치를 main에 병합해주세요";

/// What a server has said, with ids and times that are always the same.
#[derive(Default)]
struct Recorded {
    /// By operation, then by status: JSON.
    answers: BTreeMap<String, BTreeMap<String, Value>>,
    /// By operation, then by status: the text of a stream.
    streams: BTreeMap<String, BTreeMap<String, Value>>,
    /// By type: an event of each that differs in its status.
    events: BTreeMap<String, Vec<Value>>,
}

impl Recorded {
    /// Sends a request, and keeps its answer, unless there is one of that status already.
    async fn ask(&mut self, request: RequestBuilder) -> Value {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let (method, path) = (request.method().to_string(), request.url().path().to_owned());
        let response = client.execute(request).await.unwrap();
        let status = response.status().as_u16();
        let is_json =
            response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
        let text = response.text().await.unwrap();
        let answer = if is_json { serde_json::from_str(&text).unwrap() } else { Value::from(text) };
        if is_json {
            check_answer(&method, &path, status, &answer);
        }
        let id = operation_id(&method, &path);
        let kept = if is_json { &mut self.answers } else { &mut self.streams };
        let kept = kept.entry(id).or_default();
        kept.entry(status.to_string()).or_insert_with(|| steady(&answer));
        answer
    }

    fn see(&mut self, stream: &SseStream) {
        for frame in &stream.frames {
            let Some(kind) = frame.event.clone() else { continue };
            let event = steady(&frame.data);
            let kept = self.events.entry(kind).or_default();
            let is_like = |other: &Value| {
                ["status", "thoughtType", "chunk", "errorType"]
                    .iter()
                    .all(|field| other[field] == event[field])
            };
            if !kept.iter().any(is_like) {
                kept.push(event);
            }
        }
    }

    fn json(&self) -> Value {
        json!({ "answers": self.answers, "streams": self.streams, "events": self.events })
    }
}

/// The same with ids and times that do not differ from run to run.
fn steady(answer: &Value) -> Value {
    static SAME: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (
                r"session_user123_\d+_[0-9a-f]{32}",
                "session_user123_1706152860_00112233445566778899aabbccddeeff",
            ),
            (r"req_[0-9a-f]{32}", "req_00112233445566778899aabbccddeeff"),
            (r"thread_[0-9a-f]{32}", "thread_00112233445566778899aabbccddeeff"),
            (r"call_[0-9a-f]{32}", "call_00112233445566778899aabbccddeeff"),
            (
                r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
                "00112233-4455-4677-8899-aabbccddeeff",
            ),
            (
                r"\b[0-9a-f]{64}\b",
                "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
            ),
            (r"\b[0-9a-f]{40}\b", "00112233445566778899aabbccddeeff00112233"),
            (r"\b1[0-9]{12}\b", "1706152860123"),
            (r"\b1[0-9]{9}\b", "1706152860"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "2024-01-25T03:21:00"),
            (r#"("expiresAt\\?":)[0-9]+"#, "${1}1706153161"),
            (r#"("deadlineMs\\?":)[0-9]+"#, "${1}1706153160123"),
            (r#"("durationMs\\?":)[0-9]+"#, "${1}42"),
        ]
        .map(|(pattern, same)| (Regex::new(pattern).unwrap(), same))
        .into()
    });
    let mut text = answer.to_string();
    for (pattern, same) in &*SAME {
        text = pattern.replace_all(&text, *same).into_owned();
    }
    in_order(serde_json::from_str(&text).unwrap())
}

/// Ids of a stream grow.
fn in_order(answer: Value) -> Value {
    let Some(stream) = answer.as_str() else { return answer };
    let mut frames = stream.split("id: 1706152860123\n");
    let before = frames.next().unwrap_or_default().to_owned();
    let numbered =
        frames.enumerate().map(|(n, frame)| format!("id: {}\n{frame}", 1_706_152_860_123 + n));
    (before + &numbered.collect::<String>()).into()
}

/// Runs to the end of a stream.
async fn run(recorded: &mut Recorded, user: &Caller, prompt: &str) -> SseStream {
    let mut stream = user.stream(prompt).await;
    stream.to_done().await;
    recorded.see(&stream);
    stream
}

/// A run that is approved, and everything that can be read of it and done to it meanwhile.
async fn approved(recorded: &mut Recorded, user: &Caller) {
    let mut stream = user.stream(MERGE).await;
    let hitl = stream.until("hitl").await;
    let (session, request) =
        (stream.session(), hitl.data["requestId"].as_str().unwrap().to_owned());
    let get = |path: &str| user.request(Method::GET, path);
    let approve = format!("/aura/hitl/approve/{request}");
    recorded.ask(get("/aura/approvals")).await;
    recorded.ask(get(&format!("/aura/hitl/requests/{request}"))).await;
    recorded.ask(get(&format!("/aura/sessions/{session}"))).await;
    recorded.ask(get(&format!("/aura/hitl/signals/{session}"))).await;
    recorded.ask(user.request(Method::POST, &approve).json(&json!({"userId": "lee"}))).await;
    recorded.ask(user.request(Method::POST, &approve).json(&json!({"args": 7}))).await;
    recorded.ask(user.request(Method::POST, &approve).json(&json!({}))).await;
    stream.to_done().await;
    recorded.see(&stream);
    recorded.ask(user.request(Method::POST, &approve).json(&json!({}))).await;
    recorded.ask(get(&format!("/aura/hitl/signals/{session}"))).await;
    recorded.ask(get("/aura/sessions?limit=1")).await;
    recorded.ask(get("/aura/approvals?status=decided")).await;
    let auditor = user.clone().in_role("auditor");
    recorded.ask(auditor.request(Method::GET, "/aura/audit?limit=3")).await;
    recorded.ask(get(&format!("/aura/sessions/{session}/stream"))).await;
    let last = stream.frames.last().unwrap().id;
    let at_end = get(&format!("/aura/sessions/{session}/stream")).header("Last-Event-ID", last);
    recorded.ask(at_end).await;
    recorded.ask(user.request(Method::POST, &format!("/aura/sessions/{session}/cancel"))).await;
}

/// A mail that is approved with another subject.
async fn approved_otherwise(recorded: &mut Recorded, user: &Caller) {
    let mut stream = user.stream("lee@dwp.example에게 메일을 보내주세요").await;
    let hitl = stream.until("hitl").await;
    let approve = format!("/aura/approvals/{}/approve", hitl.data["requestId"].as_str().unwrap());
    let mut args = hitl.data["context"].clone();
    args["subject"] = json!("주간 보고");
    for body in [json!({"arguments": args}), json!({"args": args}), json!({})] {
        recorded.ask(user.request(Method::POST, &approve).json(&body)).await;
    }
    stream.to_done().await;
}

/// A run that is rejected, and one that is cancelled.
async fn turned_down(recorded: &mut Recorded, user: &Caller) {
    let reason = json!({"reason": "아직 아닙니다"});
    for way in ["/aura/hitl/reject/{id}", "/aura/approvals/{id}/reject"] {
        let mut stream = user.stream(MERGE).await;
        let hitl = stream.until("hitl").await;
        let reject = way.replace("{id}", hitl.data["requestId"].as_str().unwrap());
        recorded.ask(user.request(Method::POST, &reject).json(&reason)).await;
        recorded.ask(user.request(Method::POST, &reject).json(&reason)).await;
        recorded.ask(user.request(Method::POST, &reject).json(&json!({"reason": 7}))).await;
        stream.to_done().await;
        recorded.see(&stream);
    }

    let mut stream = user.stream(MERGE).await;
    stream.until("hitl").await;
    let cancel = format!("/aura/sessions/{}/cancel", stream.session());
    recorded.ask(user.request(Method::POST, &cancel)).await;
    stream.to_done().await;
    recorded.see(&stream);
}

/// What is refused.
async fn refused(recorded: &mut Recorded, server: &Server) {
    let user = server.user();
    let json = |request: RequestBuilder| request.header(ACCEPT, "application/json");
    let start = |body: Value| json(user.post_stream(body));
    recorded.ask(start(json!({"context": {}}))).await;
    recorded.ask(user.post_stream(json!({"context": {}}))).await;
    recorded.ask(start(json!({"sessionId": "session_user123_1_ab"}))).await;
    recorded.ask(json(server.anonymous(Method::POST, "/aura/test/stream"))).await;
    recorded
        .ask(json(
            server
                .as_user("tenant1", "user123")
                .request(Method::POST, "/aura/test/stream")
                .body("<a/>")
                .header(CONTENT_TYPE, "text/xml"),
        ))
        .await;
    recorded.ask(start(json!({"prompt": "x".repeat(300_000)}))).await;
    let with_key =
        |prompt: &str| start(json!({"prompt": prompt})).header("Idempotency-Key", "7d1f1a5c");
    recorded.ask(with_key("안녕하세요")).await;
    recorded.ask(with_key("안녕하세요!")).await;
    recorded.ask(user.request(Method::GET, "/aura/test/stream")).await;
    recorded.ask(user.request(Method::GET, "/aura/test/stream?message=%EC%95%88%EB%85%95")).await;
    for path in [
        "/aura/sessions/session_user123_1_ab",
        "/aura/hitl/requests/req_0123456789ab",
        "/aura/hitl/signals/session_user123_1_ab",
        "/aura/sessions/session_user123_1_ab/stream",
    ] {
        recorded.ask(user.request(Method::GET, path)).await;
    }
    let tenant = server
        .anonymous(Method::GET, "/aura/sessions")
        .bearer_auth(crate::support::app::token("tenant1", "user123"));
    recorded.ask(tenant.try_clone().unwrap()).await;
    recorded.ask(tenant.header("X-Tenant-ID", "tenant2")).await;
    recorded.ask(server.anonymous(Method::GET, "/aura/sessions")).await;
    recorded.ask(user.request(Method::GET, "/aura/audit")).await;
    for path in ["/health", "/aura/health", "/health/ready"] {
        recorded.ask(server.anonymous(Method::GET, path)).await;
    }
}

/// What the inbox tells of a request of which two people have to approve.
async fn watched(recorded: &mut Recorded) {
    let two = Options::default().set("AURA__TOOLS__APPROVERS__GIT_MERGE", "2 of tenant");
    let server = Server::start(two).await;
    let user = server.user();
    let mut inbox =
        SseStream::of(user.request(Method::GET, "/aura/approvals/stream").send().await.unwrap());
    inbox.until("snapshot").await;
    let mut stream = user.stream(MERGE).await;
    stream.until("hitl").await;
    let asked = inbox.until("asked").await;
    let approve =
        format!("/aura/hitl/approve/{}", asked.data["request"]["requestId"].as_str().unwrap());
    user.post(&approve, json!({})).await;
    inbox.until("endorsed").await;
    server.as_user("tenant1", "lee").post(&approve, json!({})).await;
    inbox.until("decided").await;
    recorded.see(&inbox);
}

/// What an operator stops, and what others are told meanwhile.
async fn operated(recorded: &mut Recorded) {
    let server = Server::embedded().await;
    let (user, operator) = (server.user(), server.as_user("tenant1", "chief").in_role("operator"));
    let get = |path: &str| operator.request(Method::GET, path);
    let put = |name: &str, body: Value| {
        operator.request(Method::PUT, &format!("/aura/admin/holds/{name}")).json(&body)
    };
    let json = |request: RequestBuilder| request.header(ACCEPT, "application/json");
    let mut stream = user.stream(MERGE).await;
    stream.until("hitl").await;
    recorded.ask(user.request(Method::GET, "/aura/admin/runs")).await;
    recorded.ask(get("/aura/admin/runs?limit=1")).await;
    recorded.ask(get("/aura/admin/runs?status=waiting")).await;
    let tool = json!({"tool": "git_merge", "tenant": "tenant1", "reason": "배포 중에는 병합하지 않습니다"});
    recorded.ask(put("no-merges", tool)).await;
    let runs = json!({"runs": true, "reason": "점검"});
    recorded.ask(put("no-runs", runs)).await;
    recorded.ask(put("no-runs", json!({"runs": true}))).await;
    recorded.ask(get("/aura/admin/holds")).await;
    recorded.ask(get("/aura/admin/holds/no-runs")).await;
    recorded.ask(get("/aura/admin/holds/nothing")).await;
    recorded.ask(json(user.post_stream(json!({"prompt": "안녕하세요"})))).await;
    for name in ["no-runs", "no-merges", "nothing"] {
        recorded.ask(operator.request(Method::DELETE, &format!("/aura/admin/holds/{name}"))).await;
    }
    let cancel = format!("/aura/admin/runs/{}/cancel", stream.session());
    for _ in 0..2 {
        recorded.ask(operator.request(Method::POST, &cancel)).await;
    }
    stream.to_done().await;
}

async fn recorded() -> Recorded {
    let mut recorded = Recorded::default();
    let server = Server::start(Options::default().set("AURA__AUDIT__ROLE", "auditor")).await;
    let user = server.user();
    refused(&mut recorded, &server).await;
    run(&mut recorded, &user, "저장소 상태를 알려주세요").await;
    approved(&mut recorded, &user).await;
    let hasty = Server::start(Options::default().set("HITL_TIMEOUT_SECONDS", 1)).await;
    run(&mut recorded, &hasty.user(), MERGE).await;
    watched(&mut recorded).await;
    operated(&mut recorded).await;
    let model = FakeModel::always(Reply::text(["네."])).await;
    let few = Options::default().model(&model).set("AURA__LIMITS__STARTS_PER_MINUTE_PER_USER", 1);
    let busy = Server::start(few).await;
    run(&mut recorded, &busy.user(), "안녕하세요").await;
    let too_often = busy.user().post_stream(json!({"prompt": "안녕하세요"}));
    recorded.ask(too_often.header(ACCEPT, "application/json")).await;
    // Last, because the branch is merged already: it asks all the same.
    let another = Server::embedded().await;
    approved_otherwise(&mut recorded, &user).await;
    turned_down(&mut recorded, &another.user()).await;
    approved_otherwise(&mut recorded, &another.user()).await;
    recorded
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/examples.json")
}

/// One line for each kind of example.
fn kinds(examples: &Value) -> BTreeSet<String> {
    let of = |what: &str| examples[what].as_object().unwrap().clone();
    let answers = ["answers", "streams"].into_iter().flat_map(of).flat_map(|(id, answers)| {
        let statuses = answers.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        statuses.into_iter().map(move |status| format!("{id}: {status}"))
    });
    let events = of("events").into_iter().flat_map(|(kind, events)| {
        let events = events.as_array().unwrap().clone();
        events.into_iter().map(move |event| {
            let told = ["status", "thoughtType", "errorType", "chunk"].map(|field| &event[field]);
            format!("{kind}: {}", json!(told))
        })
    });
    answers.chain(events).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_in_the_documents_are_what_a_server_says() {
    let recorded = recorded().await.json();
    if std::env::var_os("BLESS").is_some() {
        let text = serde_json::to_string_pretty(&recorded).unwrap();
        std::fs::write(examples(), text + "\n").unwrap();
    }
    let kept: Value = serde_json::from_slice(&std::fs::read(examples()).unwrap()).unwrap();
    let how = "`BLESS=1 cargo test --test it -- described::` records src/http/examples.json anew";
    assert_eq!(kinds(&kept), kinds(&recorded), "{how}");
    // The examples themselves are as the documents say, which may have changed since.
    for (id, answers) in kept["answers"].as_object().unwrap() {
        for (status, answer) in answers.as_object().unwrap() {
            check_answer_of(id, status.parse().unwrap(), answer);
        }
    }
    for (id, streams) in kept["streams"].as_object().unwrap() {
        for (status, stream) in streams.as_object().unwrap() {
            let body = &operations()[id]["responses"][status]["content"]["text/event-stream"];
            assert!(body.is_object() || stream == "", "{id} {status}");
        }
    }
    let events = kept["events"].as_object().unwrap();
    for (kind, events) in events {
        events.as_array().unwrap().iter().for_each(|event| check_event(kind, event));
    }
    assert_eq!(events.len(), 15, "an example of every event: {:?}", events.keys());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documents_are_served_as_they_are_printed_and_not_again_to_who_has_them() {
    let server = Server::embedded().await;
    for (path, printed) in [
        ("/aura/openapi.json", aura_platform::app::openapi_json()),
        ("/aura/asyncapi.json", aura_platform::app::asyncapi_json()),
    ] {
        let response = server.anonymous(Method::GET, path).send().await.unwrap();
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json", "{path}");
        let tag = response.headers()[ETAG].to_str().unwrap().to_owned();
        assert!(response.text().await.unwrap() == printed, "{path}");
        let again =
            |tag: &str| server.anonymous(Method::GET, path).header(IF_NONE_MATCH, tag).send();
        let same = again(&format!("\"x\", W/{tag}")).await.unwrap();
        assert_eq!(same.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(same.text().await.unwrap(), "", "{path}");
        assert_eq!(again("\"x\"").await.unwrap().status(), StatusCode::OK, "{path}");
        let parsed: Map<String, Value> = serde_json::from_str(&printed).unwrap();
        assert_eq!(parsed["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}
