//! Where the memory goes of a run that waits for a person while its client holds the stream open.
//!
//! Every number comes from a fresh process: an allocator gives little back, so that what is no
//! longer used would be counted again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::baseline::{self, Baseline};
use crate::client::{Connection, MAIL, PULL_REQUEST, get, post};
use crate::redis_server::RedisServer;
use crate::report::{judged, line};
use crate::resp::Redis;
use crate::server::{Options, Process};

const FEW: usize = 1_000;
const MANY: usize = 5_000;
/// How many clients come at the same time.
const CROWD: usize = 32;
const BUDGET_KIB: f64 = 8.0;

/// Seen by a client as soon as its run waits.
const WAITS: &[u8] = b"\nevent: hitl\n";

pub fn run() {
    let runtime = Runtime::new().unwrap();
    let ask = post(MAIL);
    embedded(&runtime, &ask);
    parts(&runtime, &ask);
    redis(&runtime, &ask);
}

/// What the budget is about.
fn embedded(runtime: &Runtime, ask: &[u8]) {
    let service = Process::service(&Options::dev());
    let idle = service.settled_rss_kib();
    line("idle", format!("{:.1} MiB", idle / 1024.0));
    let few = runtime.block_on(open(&service, FEW, ask, WAITS));
    let with_few = service.settled_rss_kib();
    judged(
        &format!("each of {FEW} waiting streams"),
        (with_few - idle) / count(FEW),
        "KiB",
        BUDGET_KIB,
    );
    let more = runtime.block_on(open(&service, MANY - FEW, ask, WAITS));
    let with_many = service.settled_rss_kib();
    judged(
        &format!("each of {MANY} waiting streams"),
        (with_many - idle) / count(MANY),
        "KiB",
        BUDGET_KIB,
    );
    let grown = (with_many - with_few) / count(MANY - FEW);
    line("each further one", format!("{grown:.2} KiB"));
    drop((few, more));
}

/// The same in parts: each costs about the sum of two of them.
fn parts(runtime: &Runtime, ask: &[u8]) {
    let keep_alive = get("/health", "");
    let each = |what: &str, kib: f64| line(what, format!("{kib:.2} KiB"));
    let service = Process::service(&Options::dev());
    let kib = grown(runtime, &service, || {
        open(&service, MANY, &keep_alive, b"\"UP\"")
    });
    each(&format!("each of {MANY} idle keep-alive connections"), kib);
    let service = Process::service(&Options::dev());
    let kib = grown(runtime, &service, || leave(&service, MANY, ask));
    each(
        &format!("each of {MANY} waiting runs whose clients have gone"),
        kib,
    );
    let bare = Baseline::start(b"id: 1\nevent: hitl\ndata: {}\n\n");
    let hold = bare.request(baseline::HOLD, ask);
    let kib = grown(runtime, &bare.process, || {
        open(&bare.process, MANY, &hold, WAITS)
    });
    each(&format!("each of {MANY} open streams of bare axum"), kib);
}

fn redis(runtime: &Runtime, ask: &[u8]) {
    let server = RedisServer::start();
    let service = Process::service(&Options::dev().redis(server.url()));
    let kib = grown(runtime, &service, || async {
        let held = open(&service, MANY, ask, WAITS).await;
        let connections = Redis::connect(server.port()).other_clients();
        judged(
            &format!("Redis connections with {MANY} waiting streams"),
            count(connections),
            "",
            8.0,
        );
        held
    });
    judged(
        &format!("with Redis, each of {MANY} waiting streams"),
        kib,
        "KiB",
        BUDGET_KIB,
    );
}

/// By how many KiB for each of [`MANY`] a process grows while what `fill` returns is held.
fn grown<F: Future>(runtime: &Runtime, process: &Process, fill: impl FnOnce() -> F) -> f64 {
    let before = process.settled_rss_kib();
    let held = runtime.block_on(fill());
    let after = process.settled_rss_kib();
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
    let (left, request) = (
        Arc::new(AtomicUsize::new(count)),
        Arc::<[u8]>::from(request),
    );
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
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap())
}
