//! From the approval's PUBLISH to the next event at the client, beside what Redis itself takes from
//! a PUBLISH to the subscriber.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use memchr::memmem;

use crate::client::{END, MAIL, post};
use crate::report::{judged, line, median, millis, quantile};
use crate::resp::{PATIENCE, Redis};
use crate::server::{Options, Process};
use aura_testing::redis::RedisServer;

const APPROVALS: usize = 500;
/// Nobody answers faster than this; the run has parked by then.
const THINKING: Duration = Duration::from_millis(4);

pub fn run() {
    let server = RedisServer::start();
    let service = Process::service(&Options::dev().redis(server.url()));
    let ask = post(MAIL);
    let mut person = Person::of(&service, server.port());
    let mut bare = Bare::of(server.port());
    let (mut approvals, mut publishes, mut steps) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..APPROVALS {
        approvals.push(person.approve_one(&ask));
        publishes.push(bare.publish_one());
        steps.push(bare.decide_one());
    }
    let both = |times: &[Duration]| {
        let (middle, most) = (millis(median(times)), millis(quantile(times, 0.99)));
        format!("p50 {middle:.3} ms, p99 {most:.3} ms")
    };
    line("bare Redis: PUBLISH to the message at a subscriber", both(&publishes));
    line("bare Redis: the same, then SET NX, then XADD", both(&steps));
    line("PUBLISH of the approval to the next event at the client", both(&approvals));
    let over = |bare: &[Duration]| millis(median(&approvals)) / millis(median(bare));
    judged("the approval over the bare message, p50", over(&publishes), "x", 2.0);
    line("the approval over the bare steps, p50", format!("{:.2} x", over(&steps)));
}

/// Somebody who asks for things, and approves them with `redis-cli`.
struct Person {
    stream: TcpStream,
    seen: Vec<u8>,
    redis: Redis,
}

impl Person {
    fn of(service: &Process, redis: u16) -> Self {
        let stream = TcpStream::connect(service.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream, seen: Vec::new(), redis: Redis::connect(redis) }
    }

    /// One run from its start to its end; the time from its approval to the event that follows.
    fn approve_one(&mut self, ask: &[u8]) -> Duration {
        self.stream.write_all(ask).unwrap();
        self.seen.clear();
        let session = self.field(b"x-session-id: ", b"\r\n");
        let hitl = self.until(b"\nevent: hitl\n");
        let request = self.field(b"\"requestId\":\"", b"\"");
        // The whole of that event, and nothing after it.
        while memmem::find(&self.seen[hitl..], b"\n\n").is_none() {
            self.read();
        }
        let channel = format!("hitl:channel:{session}");
        let signal =
            format!(r#"{{"type":"approval","requestId":"{request}","status":"approved"}}"#);
        sleep(THINKING);
        let before = self.seen.len();
        let begun = Instant::now();
        self.redis.send(&["PUBLISH", &channel, &signal]);
        while self.seen.len() == before || !self.seen[before..].starts_with_event() {
            self.read();
        }
        let took = begun.elapsed();
        assert_eq!(self.redis.line(), ":1", "one process listens");
        self.until(END);
        took
    }

    /// The text between these two, as soon as it is there.
    fn field(&mut self, from: &[u8], to: &[u8]) -> String {
        let start = self.until(from);
        loop {
            if let Some(length) = memmem::find(&self.seen[start..], to) {
                return String::from_utf8(self.seen[start..start + length].to_vec()).unwrap();
            }
            self.read();
        }
    }

    /// Reads until this has come; the place after it.
    fn until(&mut self, needle: &[u8]) -> usize {
        loop {
            if let Some(at) = memmem::find(&self.seen, needle) {
                return at + needle.len();
            }
            self.read();
        }
    }

    fn read(&mut self) {
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the stream broke off: {}", String::from_utf8_lossy(&self.seen));
        self.seen.extend_from_slice(&buffer[..read]);
    }
}

/// What came may be the end of a chunk, or a keep-alive.
trait StartsWithEvent {
    fn starts_with_event(&self) -> bool;
}

impl StartsWithEvent for [u8] {
    fn starts_with_event(&self) -> bool {
        memmem::find(self, b"\nevent: ").is_some()
    }
}

/// A publisher and a subscriber.
struct Bare {
    publisher: Redis,
    subscriber: Redis,
    commands: Redis,
}

impl Bare {
    const CHANNEL: &str = "bare";

    fn of(redis: u16) -> Self {
        let mut subscriber = Redis::connect(redis);
        subscriber.send(&["SUBSCRIBE", Self::CHANNEL]);
        // An array of the word, the channel and how many there are.
        for _ in 0..6 {
            subscriber.line();
        }
        let (publisher, commands) = (Redis::connect(redis), Redis::connect(redis));
        Self { publisher, subscriber, commands }
    }

    fn publish_one(&mut self) -> Duration {
        self.timed(|_| {})
    }

    /// What no service can do without: the message, the one decision, and its place in the log,
    /// each of which waits for the one before.
    fn decide_one(&mut self) -> Duration {
        self.timed(|commands| {
            commands.send(&["SET", "bare:decision", "approved", "EX", "60", "NX"]);
            commands.line();
            commands.send(&["XADD", "bare:journal", "MAXLEN", "~", "1000", "*", "t", "thought"]);
            // The entry's id, in two lines.
            commands.line();
            commands.line();
        })
    }

    fn timed(&mut self, afterwards: impl FnOnce(&mut Redis)) -> Duration {
        sleep(THINKING);
        let begun = Instant::now();
        self.publisher.send(&["PUBLISH", Self::CHANNEL, "approved"]);
        self.subscriber.message();
        afterwards(&mut self.commands);
        let took = begun.elapsed();
        assert_eq!(self.publisher.line(), ":1");
        took
    }
}
