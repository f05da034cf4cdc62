//! What a process reads of its store again and again is small, whatever waits there.

use std::cell::Cell;

use serde_json::{Value, json};

use crate::support::app::{Options, Server, eventually};
use crate::support::model::{FakeModel, Reply};
use crate::support::redis::RedisServer;
use crate::support::stream::SseStream;

/// What a Redis has been asked, and how much it has answered to others than to whoever looks here.
struct Watch<'a> {
    redis: &'a RedisServer,
    answered_here: Cell<u64>,
}

impl<'a> Watch<'a> {
    fn of(redis: &'a RedisServer) -> Self {
        Self { redis, answered_here: Cell::new(0) }
    }

    /// A number that a section of `INFO` tells.
    fn told(&self, section: &str, name: &str) -> u64 {
        let info = self.redis.ask(&format!("INFO {section}")).unwrap();
        let before = self.answered_here.get();
        self.answered_here.set(before + info.len() as u64);
        let line = info.lines().find_map(|line| line.strip_prefix(name));
        let digits =
            |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().unwrap().to_owned();
        line.map_or(0, |line| digits(line).parse().unwrap())
    }

    /// How many keys were read; a poll reads three for a request that waits.
    fn reads(&self) -> u64 {
        self.told("commandstats", "cmdstat_get:calls=")
    }

    /// How many commands it was given.
    fn commands(&self) -> u64 {
        self.told("stats", "total_commands_processed:")
    }

    /// How many bytes it has sent.
    fn sent(&self) -> u64 {
        let before = self.answered_here.get();
        self.told("stats", "total_net_output_bytes:") - before
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_poll_reads_what_was_said_of_a_waiting_request_and_not_the_request_each_time() {
    const BODY: usize = 90_000;
    let mail = json!({"to": ["kim@example.com"], "subject": "보고", "body": "x".repeat(BODY)});
    let model = FakeModel::always(Reply::tool_call("send_email", &mail)).await;
    let redis = RedisServer::start();
    let options = Options::default().model(&model).set("REDIS_URL", redis.url());
    let server = Server::start(options.set("AURA__TOOLS__UNCONFIGURED", "dry_run")).await;
    let user = server.user();
    let mut stream = user.stream("메일").await;
    let hitl = stream.until("hitl").await;
    let id = hitl.data["requestId"].as_str().unwrap().to_owned();

    // Once it is read whole: after that, only if somebody has changed it.
    let watch = Watch::of(&redis);
    let asked = watch.reads();
    eventually("the first poll", async || watch.reads() >= asked + 3).await;
    let (first, sent) = (watch.reads(), watch.sent());
    eventually("two more polls", async || watch.reads() >= first + 6).await;
    let read = watch.sent() - sent;
    assert!(read < BODY as u64, "{read} bytes were read by two polls");

    // As the Main Service decides, but for the message, which was lost.
    let key = format!("hitl:request:{id}");
    let stored = user.get(&format!("/aura/hitl/requests/{id}")).await;
    let mut request: Value = serde_json::from_str(stored.data().as_str().unwrap()).unwrap();
    request["status"] = json!("rejected");
    let text = request.to_string();
    let set = format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${}\r\n{text}", key.len(), text.len());
    redis.ask(&set).unwrap();
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "rejected");
}

/// Sessions of a list.
const LISTED: usize = 70;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_sessions_and_a_search_for_an_event_read_little_however_long_the_prompts_are() {
    // Their journals are short: what was asked is among the newest entries.
    let model = FakeModel::always(Reply::status(401)).await;
    let redis = RedisServer::start();
    let server =
        Server::start(Options::default().model(&model).set("REDIS_URL", redis.url())).await;
    let user = server.user();
    let context = json!({"metadata": {"folder": "y".repeat(60_000)}});
    for number in 0..LISTED {
        let prompt = format!("{number} {}", "x".repeat(60_000));
        let mut stream = user.stream_with(json!({"prompt": prompt, "context": context})).await;
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "failed");
    }
    let watch = Watch::of(&redis);
    let before = watch.sent();
    let page = user.get("/aura/sessions?limit=100").await;
    let sessions = page.data()["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), LISTED);
    for session in sessions {
        assert_eq!(
            (&session["status"], session["prompt"].as_str().unwrap().len()),
            (&json!("failed"), 200)
        );
        assert!(session["updatedAt"].as_u64() >= session["createdAt"].as_u64());
    }
    let read = watch.sent() - before;
    assert!(read < (LISTED * 16 * 1024) as u64, "{read} bytes were read for a page");

    let (before, sent_before) = (watch.commands(), watch.sent());
    let mut stream = SseStream::of(
        user.post_stream(json!({"prompt": "?"})).header("Last-Event-ID", "1").send().await.unwrap(),
    );
    stream.to_done().await;
    let (asked, read) = (watch.commands() - before, watch.sent() - sent_before);
    assert!(
        asked < 120 && read < 256 * 1024,
        "{asked} commands, {read} bytes for an id that is nowhere"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_waiting_runs_reads_little_however_long_their_arguments_are() {
    const WAITING: usize = 5;
    let mail = json!({"to": ["kim@example.com"], "subject": "보고", "body": "x".repeat(90_000)});
    let model = FakeModel::always(Reply::tool_call("send_email", &mail)).await;
    let redis = RedisServer::start();
    let options = Options::default().model(&model).set("REDIS_URL", redis.url());
    let server = Server::start(options.set("AURA__TOOLS__UNCONFIGURED", "dry_run")).await;
    let user = server.user();
    let mut streams = Vec::new();
    for _ in 0..WAITING {
        let mut stream = user.stream("메일").await;
        stream.until("hitl").await;
        streams.push(stream);
    }
    let watch = Watch::of(&redis);
    let mut least = u64::MAX;
    // A poll reads each request whole once, so between one of these pages' beginning and end none does.
    for _ in 0..=WAITING {
        let before = watch.sent();
        let page = user.get("/aura/sessions?limit=100").await;
        least = least.min(watch.sent() - before);
        let sessions = page.data()["sessions"].as_array().unwrap().iter();
        let statuses: Vec<_> = sessions.map(|one| one["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["waiting_approval"; WAITING]);
    }
    assert!(least < (WAITING * 16 * 1024) as u64, "{least} bytes were read for a page");
}
