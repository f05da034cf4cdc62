//! How many streams and events a second, and what an event costs over the mere sending of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use memchr::memmem;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::baseline::{self, Baseline};
use crate::client::{Connection, Counted, END, post};
use crate::report::{judged, line, median};
use crate::server::{Options, Process};
use aura_testing::redis::RedisServer;

const CLIENTS: usize = 64;
const WORDS: usize = 200;
const ROUNDS: usize = 5;
/// A round is over after this many streams or this long, whatever comes first.
const STREAMS: usize = 600;
const ROUND: Duration = Duration::from_secs(4);

/// Who is asked.
struct Contender<'a> {
    name: &'static str,
    process: &'a Process,
    request: Vec<u8>,
    rounds: Vec<Round>,
}

/// What came of one round.
#[derive(Clone, Copy)]
struct Round {
    streams_per_second: f64,
    events_per_second: f64,
    /// Wall-clock time per event, all clients taken together, in microseconds.
    micros: f64,
    /// Processor time of the server per event, in microseconds.
    cpu_micros: f64,
}

pub fn run() {
    let runtime = Runtime::new().unwrap();
    let redis = RedisServer::start();
    let embedded = Process::service(&Options::dev());
    let with_redis = Process::service(&Options::dev().redis(redis.url()));
    let request = post(&format!("안녕하세요 words={WORDS}"));
    let frames = runtime.block_on(capture(&embedded, &request));
    let bare = Baseline::start(&frames);
    let contender = |name, process, request| Contender { name, process, request, rounds: vec![] };
    let mut contenders = [
        contender(
            "bare axum, many frames a write",
            &bare.process,
            bare.request(baseline::AT_ONCE, &request),
        ),
        contender(
            "bare axum, one frame a write",
            &bare.process,
            bare.request(baseline::ONE_BY_ONE, &request),
        ),
        contender("service, embedded store", &embedded, request.clone()),
        contender("service, Redis", &with_redis, request.clone()),
    ];
    for _ in 0..ROUNDS {
        for contender in &mut contenders {
            let round = runtime.block_on(round(contender));
            contender.rounds.push(round);
        }
    }
    tell(&contenders, &frames);
    line("embedded: memory after all of this", format!("{:.0} MiB", embedded.rss_kib() / 1024.0));
}

fn tell(contenders: &[Contender<'_>; 4], frames: &[u8]) {
    let events = memmem::find_iter(frames, b"\nevent: ").count();
    line("a stream", format!("{events} events, {} bytes; {CLIENTS} clients", frames.len()));
    for contender in contenders {
        let of = |value: fn(&Round) -> f64| {
            median(&contender.rounds.iter().map(value).collect::<Vec<_>>())
        };
        let numbers = format!(
            "{:6.0} streams/s {:8.0} events/s {:6.2} us/event {:6.2} us CPU/event",
            of(|r| r.streams_per_second),
            of(|r| r.events_per_second),
            of(|r| r.micros),
            of(|r| r.cpu_micros)
        );
        line(contender.name, numbers);
    }
    let [at_once, one_by_one, embedded, redis] = contenders;
    let over = |service: &Contender<'_>, bare: &Contender<'_>, value: fn(&Round) -> f64| {
        let pairs = service.rounds.iter().zip(&bare.rounds);
        let ratios: Vec<f64> = pairs.map(|(service, bare)| value(service) / value(bare)).collect();
        (median(&ratios) - 1.0) * 100.0
    };
    judged(
        "embedded over bare axum, one frame a write",
        over(embedded, one_by_one, |r| r.micros),
        "%",
        30.0,
    );
    let more = |service, bare, value| format!("{:+.0} %", over(service, bare, value));
    line("the same in processor time", more(embedded, one_by_one, |r| r.cpu_micros));
    line("embedded over bare axum, many frames a write", more(embedded, at_once, |r| r.micros));
    line("Redis over bare axum, one frame a write", more(redis, one_by_one, |r| r.micros));
}

/// The body of one stream of the service.
async fn capture(service: &Process, request: &[u8]) -> Vec<u8> {
    let mut connection = Connection::open(service.address).await;
    let answer = connection.until(request, END).await;
    unchunked(&answer)
}

/// The body of an answer in chunks.
fn unchunked(answer: &[u8]) -> Vec<u8> {
    let head = memmem::find(answer, b"\r\n\r\n").unwrap() + 4;
    let (mut rest, mut body) = (&answer[head..], Vec::new());
    loop {
        let digits = memmem::find(rest, b"\r\n").unwrap();
        let size = std::str::from_utf8(&rest[..digits]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[digits + 2..digits + 2 + size]);
        rest = &rest[digits + 2 + size + 2..];
    }
}

async fn round(contender: &Contender<'_>) -> Round {
    let taken = Arc::new(AtomicUsize::new(0));
    let (cpu, begun) = (contender.process.cpu(), Instant::now());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (address, request) = (contender.process.address, contender.request.clone());
        let taken = Arc::clone(&taken);
        clients.spawn(async move {
            let mut connection = Connection::open(address).await;
            let mut all: Vec<Counted> = Vec::new();
            while taken.fetch_add(1, Ordering::Relaxed) < STREAMS && begun.elapsed() < ROUND {
                all.push(connection.stream(&request).await);
            }
            all
        });
    }
    let streams: Vec<Counted> = clients.join_all().await.into_iter().flatten().collect();
    let (elapsed, cpu) = (begun.elapsed().as_secs_f64(), contender.process.cpu() - cpu);
    let events: usize = streams.iter().map(|stream| stream.events).sum();
    let count = |n: usize| f64::from(u32::try_from(n).unwrap());
    Round {
        streams_per_second: count(streams.len()) / elapsed,
        events_per_second: count(events) / elapsed,
        micros: elapsed * 1e6 / count(events),
        cpu_micros: cpu.as_secs_f64() * 1e6 / count(events),
    }
}
