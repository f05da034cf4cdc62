//! What many people read of an inbox is read of the store once (contract, section 5.6).

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::inbox::{PENDING, asked, ids, mailer, only, page};
use crate::resume::request_of;
use crate::support::app::{Options, Server};
use crate::support::keys::Keys;
use crate::support::redis::RedisServer;
use crate::support::stream::SseStream;

const WAITING: usize = 40;
const READERS: usize = 20;

/// How often each command was called since the last time.
async fn calls(keys: &mut Keys) -> HashMap<String, usize> {
    let told: String = keys.command(&["INFO", "commandstats"]).await;
    let _: String = keys.command(&["CONFIG", "RESETSTAT"]).await;
    let line = |line: &str| {
        let (name, stats) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), stats.split(',').next()?.parse().ok()?))
    };
    told.lines().filter_map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_reads_a_page_and_a_change_is_read_once_for_all() {
    let (model, redis) = (mailer().await, RedisServer::start());
    let options = || Options::default().model(&model).set("REDIS_URL", redis.url());
    let (first, second) = tokio::join!(Server::start(options()), Server::start(options()));
    let user = second.user();
    let mut all = Vec::new();
    for n in 0..WAITING {
        let (_run, hitl) = asked(&first.user(), &format!("메일 {n}")).await;
        all.push(request_of(&hitl).to_owned());
    }
    // Who waits is polled for; a process that stands still does not. Its runs are nobody's for a while.
    first.pause();
    let whole = page(&user, PENDING, |data| data["count"] == WAITING).await;
    assert_eq!(whole["approvals"][0]["requestId"], json!(all[WAITING - 1]));

    let mut keys = Keys::of(&redis).await;
    calls(&mut keys).await;
    let mut before = String::new();
    for n in 0..READERS {
        let answer = user.get(&format!("{PENDING}?limit=1{before}")).await;
        assert_eq!(
            (ids(&answer)[0], &answer.data()["count"]),
            (all[WAITING - 1 - n].as_str(), &json!(WAITING))
        );
        before = format!("&before={}", answer.data()["next"].as_str().unwrap());
    }
    let gets = calls(&mut keys).await["get"];
    // A decision and a request each, and now and then all is looked through.
    assert!(gets < READERS * WAITING / 2, "{gets}");

    let mut live = Vec::new();
    for _ in 0..READERS {
        let request = user.request(Method::GET, "/aura/approvals/stream");
        live.push(SseStream::of(request.send().await.unwrap()));
    }
    for stream in &mut live {
        let snapshot = stream.next().await.unwrap();
        assert_eq!((snapshot.is("snapshot"), &snapshot.data["count"]), (true, &json!(WAITING)));
    }
    calls(&mut keys).await;
    let (_run, hitl) = asked(&user, "또 하나").await;
    let mut told: Vec<Value> = Vec::new();
    for stream in &mut live {
        let frame = stream.next().await.unwrap();
        assert!(frame.is("asked"), "{frame:?}");
        told.push(frame.data["request"]["requestId"].clone());
    }
    assert_eq!(told, vec![json!(request_of(&hitl)); READERS]);
    let reads = calls(&mut keys).await.get("xrange").copied().unwrap_or(0);
    assert!(reads < READERS, "{reads}");
    first.go_on();
}

/// Nobody is shown what they have just seen decided, on whichever replica they look.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_in_the_next_list_on_every_replica() {
    let (model, redis) = (mailer().await, RedisServer::start());
    let options = || Options::default().model(&model).set("REDIS_URL", redis.url());
    let (first, second) = tokio::join!(Server::start(options()), Server::start(options()));
    let (here, there) = (first.user(), second.user());
    for n in 0..5 {
        let (mut run, hitl) = asked(&here, &format!("메일 {n}")).await;
        only(&there, PENDING).await;
        here.approve(request_of(&hitl)).await;
        let after = there.get(PENDING).await;
        assert_eq!((ids(&after).len(), &after.data()["count"]), (0, &json!(0)));
        let decided = there.get("/aura/approvals?status=decided&limit=1").await;
        assert_eq!(ids(&decided), [request_of(&hitl)]);
        run.to_done().await;
    }
}
