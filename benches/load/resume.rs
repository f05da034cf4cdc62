//! How long a client that comes back waits for a session of 1,000 events.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use memchr::memmem;

use crate::client::{END, get, post};
use crate::report::{judged, line, median, millis};
use crate::resp::PATIENCE;
use crate::server::{Options, Process};
use aura_testing::redis::RedisServer;

const EVENTS: usize = 1_000;
const RESUMES: usize = 100;

pub fn run() {
    resume("embedded", &Process::service(&Options::dev()));
    let redis = RedisServer::start();
    resume("Redis", &Process::service(&Options::dev().redis(redis.url())));
}

fn resume(store: &str, service: &Process) {
    let mut client = Client::of(service);
    // An answer of so many words, and the few events around it.
    client.read(&post(&format!("안녕하세요 words={}", EVENTS - 9)));
    let events = memmem::find_iter(&client.seen, b"\nevent: ").count();
    let session = client.session();
    let request = get(&format!("/aura/sessions/{session}/stream"), "Last-Event-ID: 0\r\n");
    let times: Vec<Times> = (0..RESUMES).map(|_| client.read(&request)).collect();
    let first: Vec<Duration> = times.iter().map(|times| times.first).collect();
    let whole: Vec<Duration> = times.iter().map(|times| times.whole).collect();
    let what = format!("{store}: first byte of {events} events");
    judged(&what, millis(median(&first)), "ms", 5.0);
    line(&format!("{store}: all {events} events"), format!("{:.2} ms", millis(median(&whole))));
}

struct Times {
    first: Duration,
    whole: Duration,
}

struct Client {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Client {
    fn of(service: &Process) -> Self {
        let stream = TcpStream::connect(service.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream, seen: Vec::new() }
    }

    /// Sends a request and reads its stream to the end.
    fn read(&mut self, request: &[u8]) -> Times {
        let mut buffer = vec![0; 64 * 1024];
        self.seen.clear();
        let begun = Instant::now();
        self.stream.write_all(request).unwrap();
        let mut first = None;
        while !self.seen.ends_with(END) {
            let read = self.stream.read(&mut buffer).unwrap();
            assert_ne!(read, 0, "the stream broke off");
            self.seen.extend_from_slice(&buffer[..read]);
            if first.is_none() && memmem::find(&self.seen, b"\r\nid: ").is_some() {
                first = Some(begun.elapsed());
            }
        }
        Times { first: first.unwrap(), whole: begun.elapsed() }
    }

    fn session(&self) -> String {
        const HEADER: &[u8] = b"x-session-id: ";
        let start = memmem::find(&self.seen, HEADER).unwrap() + HEADER.len();
        let length = memmem::find(&self.seen[start..], b"\r\n").unwrap();
        String::from_utf8(self.seen[start..start + length].to_vec()).unwrap()
    }
}
