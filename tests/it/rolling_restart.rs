//! Restarting two servers one after the other behind the shipped gateway, while people work.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::support::app::{Caller, Options, PATIENCE, Server, client};
use crate::support::nginx::Gateway;
use crate::support::redis::{RedisServer, free_port};
use crate::support::stream::{SseStream, StreamEnd};

/// 80 requests a second.
const PACE: Duration = Duration::from_micros(12_500);
/// How often a run's stream may be broken off: at most twice while two servers are restarted.
const BROKEN_MAX: usize = 4;

/// Two servers that can be started again on their ports.
struct Replicas {
    redis: RedisServer,
    ports: [u16; 2],
}

impl Replicas {
    fn new() -> Self {
        Self { redis: RedisServer::start(), ports: [free_port(), free_port()] }
    }

    async fn start(&self, index: usize) -> Server {
        let options = Options::default()
            .set("REDIS_URL", self.redis.url())
            .set("API_PORT", self.ports[index])
            // A machine that is busy with other things is no reason to say that Redis is away.
            .set("AURA__REDIS__COMMAND_TIMEOUT_MS", 20_000)
            .set("AURA__API__DRAIN_DELAY_SECONDS", 1);
        let server = Server::start(options).await;
        server.is_ready().await;
        server
    }

    fn addresses(&self) -> [SocketAddr; 2] {
        self.ports.map(|port| (Ipv4Addr::LOCALHOST, port).into())
    }

    /// Two entries in a user's list of sessions are two runs.
    async fn runs(&self, user: &Caller) -> usize {
        let (mut count, mut before) = (0, String::new());
        loop {
            let page = user.get(&format!("/aura/sessions?limit=100{before}")).await;
            count += page.data()["sessions"].as_array().unwrap().len();
            match page.data()["next"].as_str() {
                Some(next) => before = format!("&before={next}"),
                None => return count,
            }
        }
    }
}

/// What the requests came to.
#[derive(Debug, Default)]
struct Counts {
    lists: AtomicUsize,
    runs: AtomicUsize,
    broken_off: AtomicUsize,
}

/// Reads a run to its end, also where its stream is broken off on the way.
async fn run(user: &Caller, counts: &Counts, number: usize) {
    let mut stream = user.stream(&format!("안녕 {number} words=20")).await;
    assert_eq!(stream.status, 200, "run {number}");
    let session = stream.session();
    for _ in 0..BROKEN_MAX {
        match stream.to_end().await {
            StreamEnd::Whole => {
                assert!(stream.frames.last().is_some_and(|frame| frame.is_done()), "run {number}");
                counts.runs.fetch_add(1, Ordering::Relaxed);
                return;
            }
            StreamEnd::BrokenOff => {
                counts.broken_off.fetch_add(1, Ordering::Relaxed);
                let seen = stream.frames.last().map(|frame| frame.id);
                stream = resumed(user, &session, seen).await;
            }
        }
    }
    panic!("run {number} was broken off again and again");
}

async fn resumed(user: &Caller, session: &str, seen: Option<u64>) -> SseStream {
    let stream = user.resume(session, seen).await;
    assert_eq!(stream.status, 200, "{session} after {seen:?}");
    stream
}

async fn list(user: &Caller, counts: &Counts) {
    let answer = user.request(Method::GET, "/aura/sessions?limit=1").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    counts.lists.fetch_add(1, Ordering::Relaxed);
}

/// Asks 80 times a second until it is told to stop, every eighth time for a run; all requests.
async fn load(user: Caller, counts: Arc<Counts>, enough: CancellationToken) -> Vec<JoinHandle<()>> {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut requests = Vec::new();
    while enough.run_until_cancelled(pace.tick()).await.is_some() {
        let (user, counts, number) = (user.clone(), Arc::clone(&counts), requests.len());
        requests.push(tokio::spawn(async move {
            match number % 8 {
                0 => run(&user, &counts, number).await,
                _ => list(&user, &counts).await,
            }
        }));
    }
    requests
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_answers_every_request() {
    let replicas = Replicas::new();
    let (mut first, mut second) = tokio::join!(replicas.start(0), replicas.start(1));
    let Some(gateway) = Gateway::to_replicas(replicas.addresses()).await else {
        return;
    };
    let user = Caller::new(client(), &format!("{}/api", gateway.base()), "tenant1", "user123");
    let (counts, enough) = (Arc::new(Counts::default()), CancellationToken::new());
    let requests = tokio::spawn(load(user.clone(), Arc::clone(&counts), enough.clone()));
    for _ in 0..2 {
        assert_eq!(first.terminate().await, 0);
        first = replicas.start(0).await;
        assert_eq!(second.terminate().await, 0);
        second = replicas.start(1).await;
    }
    enough.cancel();
    let requests = timeout(PATIENCE, requests).await.unwrap().unwrap();
    let asked = requests.len();
    for answered in timeout(PATIENCE * 2, join_all(requests)).await.expect("not all answered") {
        answered.unwrap();
    }
    eprintln!("rolling restart: {asked} requests, {counts:?}");
    let (lists, runs) = (counts.lists.load(Ordering::Relaxed), counts.runs.load(Ordering::Relaxed));
    assert_eq!(lists + runs, asked, "every request was answered");
    assert_eq!(replicas.runs(&second.user()).await, runs, "and no run is there twice");
}
