//! Nobody can keep the service busy: it answers while the worst inputs that are known are worked on.

use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::excess::call_of;
use crate::git_tools::memory::{Large, TOO_MANY};
use crate::support::app::{Caller, Options, Server, eventually};
use crate::support::github::{self, FakeGitHub};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Reply};
use crate::support::raw::{Raw, head};
use crate::support::stream::SseStream;
use crate::support::world::{Kind, World};
use crate::with_both_stores;

const MERGE: &str = "feature 브랜치를 main에 병합해주세요";

/// Within which `/health` answers while others are worked on: much more than it takes, and much less
/// than any of these inputs took.
const BOUND: Duration = Duration::from_secs(5);

/// Between two questions for the health.
const PAUSE: Duration = Duration::from_millis(10);

/// Does the work, and asks `/health` all the while, over a new connection each time, as a probe does.
async fn health_answers_during(server: &Server, work: impl Future<Output = ()>) {
    let asks = async {
        loop {
            let asked = server.anonymous(Method::GET, "/health").header("connection", "close");
            let answered = timeout(BOUND, asked.send()).await.expect("/health does not answer");
            assert_eq!(answered.unwrap().status(), 200);
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = asks => {}
    }
}

/// These tests can fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[should_panic(expected = "/health does not answer")]
async fn a_server_that_stands_still_is_noticed() {
    let server = Server::embedded().await;
    server.pause();
    health_answers_during(&server, std::future::pending()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_prompts_of_marks_without_a_partner_keep_nobody_waiting() {
    let server = Server::start(Options::default().set("LOG_LEVEL", "warn")).await;
    let user = server.user();
    let prompts = [
        format!("PR을 분석해주세요 {}", "'s ".repeat(20_000)),
        format!("PR을 분석해주세요 {}", "'s ".repeat(20_000)),
        format!("send an e-mail to a@b.co saying \"{}", "“".repeat(20_000)),
        format!("feature 브랜치를 main에 병합해주세요 {}", "‘".repeat(20_000)),
    ];
    let all = prompts.iter().map(|prompt| async {
        let mut stream = user.stream(prompt).await;
        loop {
            match stream.next().await {
                None => panic!("broken off: {:#?}", stream.summary()),
                // It is asked about: that is the end of the work.
                Some(frame) if frame.is("hitl") || frame.is_done() => return,
                Some(_) => {}
            }
        }
    });
    health_answers_during(&server, async { drop(join_all(all).await) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_and_arguments_that_double_at_each_level_keep_nobody_waiting() {
    let deep = (0..60).fold(json!({}), |inner, _| json!({ "a": inner }));
    let model = FakeModel::answering(move |body: &Value| {
        let last = body["messages"].as_array().unwrap().last().unwrap();
        match last["content"].as_str() {
            Some("dear") => Reply::tool_call("bad_dear", &json!({})),
            Some("twice") => Reply::tool_call("bad_twice", &deep),
            _ => Reply::text(["끝"]),
        }
    })
    .await;
    let script = format!("{}/tests/it/mcp/misbehaving.py", env!("CARGO_MANIFEST_DIR"));
    let options = Options::default()
        .model(&model)
        .set("AURA__MCP__SERVERS__BAD__COMMAND", json!(["python3", script]));
    let server = Server::start(options).await;
    let user = server.user();
    health_answers_during(&server, async {
        let left_out = async || server.log().contains("too dear");
        eventually("the tool is left out, and the log says why", left_out).await;
        for (prompt, reason) in [("dear", "there is no tool"), ("twice", "too deep ones")] {
            let mut stream = user.stream(prompt).await;
            stream.to_done().await;
            assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
            let refused = stream.all("tool_execution").pop().unwrap().data.clone();
            let error = refused["error"].as_str().unwrap();
            assert!(error.contains(reason), "{error}");
        }
    })
    .await;
}

/// A model that calls these tools, one after another, and then answers.
async fn calling(calls: impl IntoIterator<Item = (&'static str, Value)>) -> FakeModel {
    let calls = calls.into_iter().map(|(tool, arguments)| Reply::tool_call(tool, &arguments));
    FakeModel::scripted(calls.chain([Reply::text(["끝"])])).await
}

/// Has the model do what it is to do, and approves all that is asked; what came of each call.
async fn run(user: &Caller) -> Vec<Value> {
    let mut stream = user.stream("해줘").await;
    while let Some(frame) = stream.next().await.filter(|frame| !frame.is_done()) {
        if frame.is("hitl") {
            let approved = user.approve(frame.data["requestId"].as_str().unwrap()).await;
            assert_eq!(approved.status, 200, "{approved:?}");
        }
    }
    assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());
    let calls = stream.all("tool_execution").into_iter();
    let ended = calls.filter(|call| call.data["durationMs"].is_u64());
    ended.map(|call| call.data.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_streams_than_there_are_connections_keep_nobody_waiting() {
    let server = Server::start(Options::default().set("AURA__API__MAX_CONNECTIONS", 20)).await;
    let mut first = server.user().stream(MERGE).await;
    first.until("hitl").await;
    let join = head(&format!("GET /aura/sessions/{}/stream", first.session()), &[], None);
    health_answers_during(&server, async {
        let mut readers = Vec::new();
        for _ in 0..60 {
            let mut reader = Raw::connect(&server).await;
            reader.send(&join).await;
            readers.push(reader);
        }
        let mut refused = 0;
        for reader in &mut readers {
            refused += usize::from(reader.head().await.status() == 429);
        }
        assert!((40..60).contains(&refused), "{refused} of 60 are refused");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prompts_and_answers_of_any_length_keep_nobody_waiting() {
    let server = Server::start(Options::default().set("LOG_LEVEL", "warn")).await;
    let user = server.user();
    let words = |count: u64| format!("안녕 words={count}");
    let prompts = (0..10).map(|_| words(100_000_000)).chain((0..20).map(|_| "가 ".repeat(63_000)));
    health_answers_during(&server, async {
        let user = &user;
        let all = prompts.map(|prompt| async move {
            let body = json!({ "prompt": prompt });
            let answered = user.post_stream(body).send().await.unwrap();
            if answered.status() == 200 {
                let mut stream = SseStream::of(answered);
                stream.to_done().await;
                assert_eq!(stream.answer().split_whitespace().count(), 5_000);
                return 200;
            }
            answered.status().as_u16()
        });
        let statuses = join_all(all).await;
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 10, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 20, "{statuses:?}");
    })
    .await;
}

with_both_stores! {
    async fn lists_and_searches_over_long_sessions_keep_nobody_waiting(kind: Kind) {
        // Their journals are short: what was asked is among the newest entries.
        let model = FakeModel::always(Reply::status(401)).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let context = json!({"metadata": {"folder": "y".repeat(60_000)}});
        for number in 0..100 {
            let prompt = format!("{number} {}", "x".repeat(60_000));
            let body = json!({ "prompt": prompt, "context": context });
            user.stream_with(body).await.to_done().await;
        }
        health_answers_during(&world.server, async {
            for _ in 0..5 {
                let lists = (0..4).map(|_| user.get("/aura/sessions?limit=100"));
                let searches = (0..4).map(|_| async {
                    let asked = user.post_stream(json!({ "prompt": "?" }));
                    let asked = asked.header("Last-Event-ID", "1").send().await.unwrap();
                    SseStream::of(asked).to_done().await.len()
                });
                let (lists, searches) = tokio::join!(join_all(lists), join_all(searches));
                for list in lists {
                    let listed = list.data()["sessions"].as_array().map(Vec::len);
                    assert_eq!((list.status.as_u16(), listed), (200, Some(100)), "{list:?}");
                }
                assert!(searches.iter().all(|frames| *frames > 1), "{searches:?}");
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_mcp_server_that_asks_and_tells_without_end_keeps_nobody_waiting() {
    let model = calling([
        ("bad_tell_without_end", json!({})),
        ("bad_many_values", json!({})),
        ("bad_huge", json!({})),
        ("bad_ask_without_end", json!({})),
    ])
    .await;
    let script = format!("{}/tests/it/mcp/misbehaving.py", env!("CARGO_MANIFEST_DIR"));
    let read_only = json!(["tell_without_end", "many_values", "huge", "ask_without_end"]);
    let options = Options::default()
        .model(&model)
        .set("AURA__MCP__SERVERS__BAD__COMMAND", json!(["python3", script]))
        .set("AURA__MCP__SERVERS__BAD__READ_ONLY", read_only)
        .set("AURA__MCP__SERVERS__BAD__TIMEOUT_SECONDS", 5);
    let server = Server::start(options).await;
    health_answers_during(&server, async {
        server.logged("MCP server tells its tools", 1).await;
        let ended = run(&server.user()).await;
        let statuses: Vec<_> = ended.iter().map(|call| &call["status"]).collect();
        assert_eq!(statuses, ["success", "failed", "success", "failed"], "{ended:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_writes_without_measure_keeps_nobody_waiting() {
    let many: Map<String, Value> = (0..15_000).map(|n| (format!("k{n}"), json!("x"))).collect();
    let (long_id, long_name) = ("i".repeat(400_000), "n".repeat(500_000));
    let replies = [
        call_of("call_1", "git_status", 3_000_000, 6),
        call_of("call_2", "git_merge", 300_000, 15_000),
        call_of("call_3", &long_name, 10, 1),
        call_of(&long_id, "git_status", 10, 1),
        Reply::tool_call("send_email", &Value::Object(many)),
        Reply::stream().piece(&"가 ".repeat(200_000)).ends("stop").in_pieces_of(64 * 1024),
    ];
    let model = FakeModel::scripted(replies).await;
    let server = Server::start(Options::default().model(&model)).await;
    health_answers_during(&server, async {
        let ended = run(&server.user()).await;
        assert_eq!(ended.len(), 5, "{} calls", ended.len());
        assert!(ended.iter().all(|call| call["status"] == "failed"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reasons_of_any_length_keep_nobody_waiting_however_they_come() {
    let world = World::new(Kind::Redis).await;
    let (server, user) = (&world.server, world.server.user());
    let mut keys = Keys::of(world.redis.as_ref().unwrap()).await;
    let reason = "아 ".repeat(60_000);
    health_answers_during(server, async {
        for by_rest in [true, false] {
            let mut stream = user.stream(MERGE).await;
            let hitl = stream.until("hitl").await;
            let request = hitl.data["requestId"].as_str().unwrap();
            if by_rest {
                assert_eq!(user.reject(request, &reason).await.status, 200);
            } else {
                let signal = json!({ "type": "rejection", "requestId": request, "reason": reason });
                keys.publish(&stream.session(), &signal.to_string()).await;
            }
            stream.to_done().await;
            assert_eq!(stream.status_at_end(), "rejected");
        }
    })
    .await;
}

/// Bodies that are deep, each as long as may be or nearly so.
fn deep_bodies() -> Vec<String> {
    let lists = "[".repeat(120) + &"]".repeat(120);
    let kept = (0..15).fold(lists, |inner, _| {
        json!({ "metadata": { "$serde_json::private::RawValue": inner } }).to_string()
    });
    let body = |context: &str| format!(r#"{{"prompt":"p","context":{context}}}"#);
    let deep =
        |open: &str, close: &str, levels: usize| open.repeat(levels) + "1" + &close.repeat(levels);
    vec![
        body(&kept),
        body(&deep("[", "]", 120_000)),
        body(&deep(r#"{"a":"#, "}", 40_000)),
        body(&"[".repeat(250_000)),
        body(&format!(r#"{{"metadata":{{"a":[{}1]}}}}"#, "[[],{}],".repeat(25_000))),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_of_any_depth_keeps_nobody_waiting() {
    let server = Server::embedded().await;
    let user = server.user();
    health_answers_during(&server, async {
        for body in deep_bodies() {
            let all = (0..10).map(|_| async {
                let request = user.request(Method::POST, "/aura/test/stream");
                let request = request.header("Content-Type", "application/json");
                let answered = request.body(body.clone()).send().await.unwrap();
                let status = answered.status().as_u16();
                if status == 200 {
                    SseStream::of(answered).to_done().await;
                }
                status
            });
            let statuses = join_all(all).await;
            assert!(statuses.iter().all(|status| [200, 400].contains(status)), "{statuses:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_wants_to_be_compared_at_any_size_keeps_nobody_waiting() {
    let large = Large::new(TOO_MANY);
    let model = calling([
        ("git_diff", json!({"from": "main", "to": "first"})),
        ("git_show_file", json!({"path": "lines.txt"})),
        ("git_merge", json!({"source": "last", "target": "first"})),
    ])
    .await;
    let server = Server::start_in(Options::default().model(&model), large.repository()).await;
    health_answers_during(&server, async {
        let ended = run(&server.user()).await;
        let statuses: Vec<_> = ended.iter().map(|call| &call["status"]).collect();
        assert_eq!(statuses.len(), 3, "{statuses:?}");
        assert_eq!(statuses[..2], ["success", "success"], "{ended:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_without_an_end_keep_nobody_waiting() {
    let empty = FakeGitHub::answering(|request, number| {
        let host = request.header("host");
        let link = format!("<http://{host}/api/v3/repositories/7/pulls?page={}>", number + 2);
        github::Reply::json(json!([])).header("link", format!("{link}; rel=\"next\""))
    })
    .await;
    let list = json!({"owner": "acme", "repo": "shop", "limit": 60});
    let model = calling([("github_list_prs", list)]).await;
    let options = Options::default()
        .model(&model)
        .set("GITHUB_API_URL", empty.api())
        .set("GITHUB_TOKEN", github::TOKEN);
    let server = Server::start(options).await;
    health_answers_during(&server, async {
        let [list] = &run(&server.user()).await[..] else { panic!("one call") };
        assert_eq!(list["status"], "success", "{list}");
        assert!(empty.requests().len() <= 10, "{} pages", empty.requests().len());
    })
    .await;
}
