//! Where the memory goes of a run that waits for a person while its client holds the stream open.
//!
//! Every number comes from a fresh process: an allocator gives little back, so that what is no
//! longer used would be counted again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::baseline::{self, Baseline};
use crate::client::{Connection, MAIL, PULL_REQUEST, get, post};
use crate::report::{judged, line};
use crate::resp::Redis;
use crate::server::{Options, Process};
use aura_testing::redis::RedisServer;

const FEW: usize = 1_000;
const MANY: usize = 5_000;
/// Runs that read a repository before they ask: each starts a few processes for that.
const READING: usize = 200;
/// How many clients come at the same time.
const CROWD: usize = 32;
const BUDGET_KIB: f64 = 8.0;

/// Seen by a client as soon as its run waits.
const WAITS: &[u8] = b"\nevent: hitl\n";

pub fn run() {
    let runtime = Runtime::new().unwrap();
    let ask = post(MAIL);
    embedded(&runtime, &ask);
    redis(&runtime, &ask);
    parts(&runtime, &ask);
}

/// What the budget is about.
fn embedded(runtime: &Runtime, ask: &[u8]) {
    let service = Process::service(&Options::dev());
    let idle = service.own_kib();
    line("idle", format!("{:.1} MiB", service.rss_kib() / 1024.0));
    let few = runtime.block_on(open(&service, FEW, ask, WAITS));
    let each = (service.settled_kib() - idle) / count(FEW);
    judged(&format!("embedded, each of {FEW} waiting streams"), each, "KiB", BUDGET_KIB);
    let more = runtime.block_on(open(&service, MANY - FEW, ask, WAITS));
    let each = (service.settled_kib() - idle) / count(MANY);
    judged(&format!("embedded, each of {MANY} waiting streams"), each, "KiB", BUDGET_KIB);
    drop((few, more));
}

fn redis(runtime: &Runtime, ask: &[u8]) {
    let server = RedisServer::start();
    let service = Process::service(&Options::dev().redis(server.url()));
    let idle = service.own_kib();
    let held = runtime.block_on(open(&service, MANY, ask, WAITS));
    let each = (service.settled_kib() - idle) / count(MANY);
    judged(&format!("Redis, each of {MANY} waiting streams"), each, "KiB", BUDGET_KIB);
    let connections = Redis::connect(server.port()).other_clients();
    judged(&format!("connections to Redis with {MANY} of them"), count(connections), "", 8.0);
    drop(held);
}

/// The same in parts: a waiting stream costs about a waiting run and an open stream.
fn parts(runtime: &Runtime, ask: &[u8]) {
    let each = |what: String, kib: f64| line(&what, format!("{kib:.2} KiB"));
    let service = Process::service(&Options::dev());
    let idle = service.own_kib();
    runtime.block_on(leave(&service, MANY, ask));
    let kib = (service.settled_kib() - idle) / count(MANY);
    each(format!("embedded, each of {MANY} runs whose clients have gone"), kib);

    let service = Process::service(&Options::dev());
    let idle = service.own_kib();
    let held = runtime.block_on(open(&service, READING, &post(PULL_REQUEST), WAITS));
    let kib = (service.settled_kib() - idle) / count(READING);
    each(format!("embedded, each of {READING} streams that read a repository first"), kib);
    drop(held);

    let service = Process::service(&Options::dev());
    let keep_alive = get("/health", "");
    let kib = held_open(runtime, &service, &keep_alive, b"\"UP\"");
    each(format!("each of {MANY} connections without a stream"), kib);
    let bare = Baseline::start(b"id: 1\nevent: hitl\ndata: {}\n\n");
    let hold = bare.request(baseline::HOLD, ask);
    let kib = held_open(runtime, &bare.process, &hold, WAITS);
    each(format!("bare axum, each of {MANY} open streams"), kib);
}

/// By how many KiB a process grows for each of [`MANY`] connections that are kept.
fn held_open(runtime: &Runtime, process: &Process, request: &[u8], needle: &'static [u8]) -> f64 {
    let before = process.own_kib();
    let held = runtime.block_on(open(process, MANY, request, needle));
    let after = process.own_kib();
    drop(held);
    (after - before) / count(MANY)
}

/// Opens connections, and keeps them once their answer holds this.
async fn open(
    process: &Process,
    count: usize,
    request: &[u8],
    needle: &'static [u8],
) -> Vec<Connection> {
    let (left, request) = (Arc::new(AtomicUsize::new(count)), Arc::<[u8]>::from(request));
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let (left, request, address) = (Arc::clone(&left), Arc::clone(&request), process.address);
        crowd.spawn(async move {
            let mut held = Vec::new();
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                .is_ok()
            {
                let mut connection = Connection::open(address).await;
                connection.until(&request, needle).await;
                held.push(connection);
            }
            held
        });
    }
    crowd.join_all().await.into_iter().flatten().collect()
}

/// Starts runs, and leaves each as soon as it waits.
async fn leave(process: &Process, count: usize, ask: &[u8]) {
    for _ in 0..count.div_ceil(CROWD) {
        drop(open(process, CROWD, ask, WAITS).await);
    }
    // The server has noticed once it holds as many descriptors as before.
    while process.descriptors() > CROWD {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap())
}
