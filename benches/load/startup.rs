//! From the start of the process to its first answer, and what it holds then.

use crate::report::{judged, line, median, millis};
use crate::server::{Options, Process};
use aura_testing::redis::RedisServer;

const STARTS: usize = 10;

pub fn run() {
    let redis = RedisServer::start();
    let (started, rss) = start(&Options::production());
    judged("serve, embedded: start to /health", started, "ms", 100.0);
    line("serve, embedded: memory then", format!("{:.1} MiB", rss / 1024.0));
    let (started, rss) = start(&Options::production().redis(redis.url()));
    judged("serve, Redis: start to /health/ready", started, "ms", 100.0);
    line("serve, Redis: memory then", format!("{:.1} MiB", rss / 1024.0));
    let (started, _) = start(&Options::dev());
    line("serve --dev: start to /health, sample repository made", format!("{started:.1} ms"));
}

/// The medians of the time in milliseconds and the memory in KiB.
fn start(options: &Options) -> (f64, f64) {
    let starts = (0..STARTS).map(|_| {
        let process = Process::service(options);
        (millis(process.started_in), process.rss_kib())
    });
    let (times, memory): (Vec<f64>, Vec<f64>) = starts.unzip();
    (median(&times), median(&memory))
}
