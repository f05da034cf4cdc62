//! A proxy between one server and its Redis. It understands enough to know an append to a journal
//! when it sees one, and can kill the server, or have it stand still, right before or after it.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::append_log::{Append, AppendLog, Owner};
use crate::cluster::signal;
use crate::resp;

/// On which side of an append it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The append did not happen.
    Before,
    /// It happened, and the server never heard of it.
    After,
}

/// How long an append that will never happen is held before the server dies: whatever it does
/// without waiting for the append, it does now.
const RASH: Duration = Duration::from_millis(250);

/// What happens to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `kill -9`.
    Kill,
    /// SIGSTOP; what is under way stays where it is until [`Proxy::go_on`].
    StandStill,
}

/// Which append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// By its number, from 1.
    Number(usize),
    /// The one with a record of that kind, for so many times, from 1.
    Record(&'static str, usize),
    /// The next one with a record of that kind.
    Next(&'static str),
}

impl Spot {
    /// For people.
    pub fn describe(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Record(kind, times) => format!("{kind}, {times}."),
            Self::Next(kind) => format!("the next {kind}"),
        }
    }

    /// Whether an append is it, after those that went before.
    fn is(self, append: &Append, earlier: &[Append]) -> bool {
        match self {
            Self::Number(number) => earlier.len() + 1 == number,
            Self::Record(kind, times) => {
                let with_it = earlier.iter().filter(|append| append.has_record(kind)).count();
                append.has_record(kind) && with_it + 1 == times
            }
            Self::Next(kind) => append.has_record(kind),
        }
    }
}

/// What is to happen at an append.
#[derive(Clone, Copy, Debug)]
pub struct Trap {
    /// The process.
    pub pid: u32,
    /// What happens to it.
    pub action: Action,
    /// At which append.
    pub spot: Spot,
    /// On which side of it.
    pub moment: Moment,
}

/// The proxy. Dropping it closes it.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    upstream: u16,
    append_log: Arc<AppendLog>,
    /// Which process connects now.
    owner: AtomicU32,
    stalled: watch::Sender<bool>,
    /// Counts cuts: a connection that was opened before the latest one is closed.
    cuts: watch::Sender<u32>,
    trap: Mutex<Option<Trap>>,
    /// Appends that Redis has confirmed.
    appends: Mutex<Vec<Append>>,
    /// The append at which the trap sprang.
    sprung: watch::Sender<Option<Append>>,
    /// The process that a trap has stopped.
    standing: watch::Sender<Option<u32>>,
}

impl Proxy {
    /// A proxy before the Redis on that port.
    pub async fn before(upstream: u16, append_log: Arc<AppendLog>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            upstream,
            append_log,
            owner: AtomicU32::new(0),
            stalled: watch::Sender::new(false),
            cuts: watch::Sender::new(0),
            trap: Mutex::new(None),
            appends: Mutex::default(),
            sprung: watch::Sender::new(None),
            standing: watch::Sender::new(None),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { port, shared, accepting }
    }

    /// What the server's `REDIS_URL` must be.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Connections from now on are this process'.
    pub fn belongs_to(&self, owner: Owner) {
        self.shared.owner.store(owner, Ordering::SeqCst);
    }

    /// Sets a trap.
    pub fn set(&self, trap: Trap) {
        self.shared.sprung.send_replace(None);
        *self.shared.trap.lock().unwrap() = Some(trap);
    }

    /// Takes the trap away, if it has not sprung.
    pub fn disarm(&self) {
        self.shared.trap.lock().unwrap().take();
    }

    /// Lets a process that stands still go on, and with it what was under way.
    pub fn go_on(&self) {
        if let Some(pid) = self.shared.standing.send_replace(None) {
            signal(pid, Signal::CONT);
        }
    }

    /// The append at which the trap has sprung; the process is dead, or stands still.
    pub async fn sprung(&self) -> Append {
        let mut sprung = self.shared.sprung.subscribe();
        sprung.wait_for(Option::is_some).await.unwrap().clone().unwrap()
    }

    /// Holds everything up, in both directions, like a network that has come apart. What was sent
    /// meanwhile arrives late, even if nobody waits for it any more.
    pub fn stall(&self) {
        self.shared.stalled.send_replace(true);
    }

    /// Ends [`Proxy::stall`].
    pub fn resume(&self) {
        self.shared.stalled.send_replace(false);
    }

    /// Closes all connections.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((server, _)) = listener.accept().await {
        tokio::spawn(serve(server, Arc::clone(&shared)));
    }
}

/// The appends that were sent and not answered yet, in order; `None` for any other command.
type Unanswered = Mutex<VecDeque<Option<Append>>>;

struct Connection {
    shared: Arc<Shared>,
    owner: Owner,
    unanswered: Unanswered,
}

async fn serve(server: TcpStream, shared: Arc<Shared>) {
    let mut cuts = shared.cuts.subscribe();
    cuts.mark_unchanged();
    shared.flowing().await;
    let Ok(redis) = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.upstream)).await else {
        return;
    };
    for stream in [&server, &redis] {
        // Nagle's delay is not what is to be tested.
        let _ = stream.set_nodelay(true);
    }
    let owner = shared.owner.load(Ordering::SeqCst);
    let connection = Connection { shared, owner, unanswered: Unanswered::default() };
    let (from_server, to_server) = server.into_split();
    let (from_redis, to_redis) = redis.into_split();
    // Whichever ends first closes both.
    tokio::select! {
        () = connection.commands(from_server, to_redis) => {}
        () = connection.answers(from_redis, to_server) => {}
        _ = cuts.changed() => {}
    }
}

impl Connection {
    async fn commands(&self, mut server: OwnedReadHalf, mut redis: OwnedWriteHalf) {
        let mut buffer = BytesMut::new();
        loop {
            while let Some(length) = resp::length(&buffer) {
                let command = buffer.split_to(length);
                let append = Append::of(&resp::words(&command));
                let trap = append.as_ref().and_then(|a| self.shared.springs(Moment::Before, a));
                if let Some((trap, append)) = trap.zip(append.clone()) {
                    match trap.action {
                        Action::Kill => {
                            tokio::time::sleep(RASH).await;
                            return self.shared.kill(trap, append);
                        }
                        Action::StandStill => self.shared.stand_still(trap, append).await,
                    }
                }
                self.shared.flowing().await;
                self.unanswered.lock().unwrap().push_back(append);
                if redis.write_all(&command).await.is_err() {
                    return;
                }
            }
            if !matches!(server.read_buf(&mut buffer).await, Ok(1..)) {
                return;
            }
        }
    }

    async fn answers(&self, mut redis: OwnedReadHalf, mut server: OwnedWriteHalf) {
        let mut buffer = BytesMut::new();
        loop {
            while let Some(length) = resp::length(&buffer) {
                let answer = buffer.split_to(length);
                // Messages answer nothing.
                let append = match answer[0] {
                    b'>' => None,
                    _ => self.unanswered.lock().unwrap().pop_front().flatten(),
                };
                if let Some(append) = append.filter(|_| is_done(&answer)) {
                    self.shared.append_log.appended(self.owner, &append);
                    if let Some(trap) = self.shared.springs(Moment::After, &append) {
                        match trap.action {
                            Action::Kill => return self.shared.kill(trap, append),
                            Action::StandStill => {
                                self.shared.stand_still(trap, append.clone()).await;
                            }
                        }
                    }
                    self.shared.appends.lock().unwrap().push(append);
                }
                self.shared.flowing().await;
                if server.write_all(&answer).await.is_err() {
                    return;
                }
            }
            if !matches!(redis.read_buf(&mut buffer).await, Ok(1..)) {
                return;
            }
        }
    }
}

/// Whether the script answered that the entries are in the journal; not that it is unknown, nor
/// that somebody else has written, nor that the journal is gone.
fn is_done(answer: &[u8]) -> bool {
    answer == b":1\r\n" || answer == b":2\r\n"
}

impl Shared {
    async fn flowing(&self) {
        // The sender lives in `self`.
        let _ = self.stalled.subscribe().wait_for(|stalled| !stalled).await;
    }

    /// Takes the trap, if this is where it springs.
    fn springs(&self, moment: Moment, append: &Append) -> Option<Trap> {
        let mut trap = self.trap.lock().unwrap();
        trap.take_if(|trap| {
            trap.moment == moment && trap.spot.is(append, &self.appends.lock().unwrap())
        })
    }

    /// Stops the process; returns once it may go on.
    async fn stand_still(&self, trap: Trap, append: Append) {
        signal(trap.pid, Signal::STOP);
        let mut standing = self.standing.subscribe();
        self.standing.send_replace(Some(trap.pid));
        self.sprung.send_replace(Some(append));
        // The sender lives in `self`.
        let _ = standing.wait_for(Option::is_none).await;
    }

    fn kill(&self, trap: Trap, append: Append) {
        signal(trap.pid, Signal::KILL);
        self.sprung.send_replace(Some(append));
    }
}
