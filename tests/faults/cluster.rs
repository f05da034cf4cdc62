//! Servers that share a Redis, each behind a proxy of its own, and where to find them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{sleep, timeout};

use crate::append_log::{AppendLog, Gone, Owner};
use crate::proxy::{Action, Moment, Proxy, Spot, Trap};
use aura_testing::app::{Caller, Options, Server};

/// How long a run's owner may be silent, in seconds, unless a test says otherwise.
pub const LEASE_SECONDS: u64 = 1;

/// How long a start is waited for that is to be interrupted.
const NEXT_START: Duration = Duration::from_secs(2);

/// Sends a signal to a process that we started.
pub fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    // It may have ended by itself.
    let _ = kill_process(pid, signal);
}

/// Where the servers listen, as a load balancer would know it: one that has just died is still in
/// the list.
#[derive(Debug, Default)]
pub struct Doors(RwLock<Vec<String>>);

impl Doors {
    /// All of them; at least one has been opened.
    pub fn all(&self) -> Vec<String> {
        self.0.read().unwrap().clone()
    }

    fn open(&self, replica: usize, base: &str) {
        let mut doors = self.0.write().unwrap();
        if doors.len() <= replica {
            doors.resize(replica + 1, base.to_owned());
        }
        base.clone_into(&mut doors[replica]);
    }
}

/// What all replicas share.
pub struct Cluster {
    /// Where they are.
    pub doors: Doors,
    /// Who wrote last.
    pub append_log: Arc<AppendLog>,
    redis_port: u16,
    options: Options,
    root: PathBuf,
    owners: AtomicU32,
}

impl Cluster {
    /// Servers on that Redis and that workspace; none yet.
    pub fn new(redis_port: u16, options: Options, root: PathBuf) -> Arc<Self> {
        Self::with_lease(LEASE_SECONDS, redis_port, options, root)
    }

    /// The same, with another lease.
    pub fn with_lease(
        lease_seconds: u64,
        redis_port: u16,
        options: Options,
        root: PathBuf,
    ) -> Arc<Self> {
        let options = options
            .set("AURA__AGENT__LEASE_SECONDS", lease_seconds)
            .set("AURA__STREAM__KEEP_ALIVE_SECONDS", 1);
        Arc::new(Self {
            doors: Doors::default(),
            append_log: Arc::default(),
            redis_port,
            options,
            root,
            owners: AtomicU32::new(0),
        })
    }

    /// Starts a replica.
    pub async fn replica(self: &Arc<Self>, number: usize) -> Replica {
        let proxy = Proxy::before(self.redis_port, Arc::clone(&self.append_log)).await;
        let (server, owner) = self.start(&proxy, number).await;
        Replica { cluster: Arc::clone(self), number, proxy, server, owner }
    }

    async fn start(&self, proxy: &Proxy, number: usize) -> (Server, Owner) {
        let owner = self.owners.fetch_add(1, Ordering::SeqCst);
        proxy.belongs_to(owner);
        let options = self.options.clone().set("REDIS_URL", proxy.url());
        let server = Server::start_in(options, &self.root).await;
        self.doors.open(number, server.base());
        (server, owner)
    }
}

/// Asks a server to end. A machine that is busy with something else may leave it no time to come to
/// the end of its steps (exit code 1); what becomes of those is seen by the checker.
async fn end(server: Server) {
    let code = server.terminate().await;
    assert!(matches!(code, 0 | 1), "a server that was asked to end failed: {code}");
}

/// A server that can be tormented.
pub struct Replica {
    cluster: Arc<Cluster>,
    number: usize,
    proxy: Proxy,
    server: Server,
    owner: Owner,
}

impl Replica {
    /// `kill -9`, and a new process in its place.
    pub async fn kill(self) -> Self {
        self.cluster.append_log.gone(self.owner, Gone::Lost);
        let Self { cluster, number, proxy, server, .. } = self;
        server.kill().await;
        let (server, owner) = cluster.start(&proxy, number).await;
        Self { cluster, number, proxy, server, owner }
    }

    /// SIGTERM; once it has ended, a new process in its place.
    pub async fn terminate(self) -> Self {
        self.cluster.append_log.gone(self.owner, Gone::Left);
        let Self { cluster, number, proxy, server, .. } = self;
        end(server).await;
        let (server, owner) = cluster.start(&proxy, number).await;
        Self { cluster, number, proxy, server, owner }
    }

    /// SIGTERM, and nothing in its place.
    pub async fn end(self) {
        end(self.server).await;
    }

    /// SIGSTOP, and SIGCONT after a while.
    pub async fn pause(&self, time: Duration) {
        self.cluster.append_log.gone(self.owner, Gone::Lost);
        signal(self.server.pid(), Signal::STOP);
        sleep(time).await;
        signal(self.server.pid(), Signal::CONT);
    }

    /// Nothing gets through to Redis and back for a while; what was sent arrives late.
    pub async fn isolate(&self, time: Duration) {
        self.cluster.append_log.gone(self.owner, Gone::Lost);
        self.proxy.stall();
        sleep(time).await;
        self.proxy.resume();
    }

    /// Closes its connections to Redis.
    pub fn cut(&self) {
        self.proxy.cut();
    }

    /// Arranges `kill -9` at an append.
    pub fn dies_at(&self, spot: Spot, moment: Moment) {
        self.proxy.set(Trap { pid: self.server.pid(), action: Action::Kill, spot, moment });
    }

    /// Arranges SIGSTOP at an append, until [`Proxy::go_on`].
    pub fn stands_still_at(&self, spot: Spot, moment: Moment) {
        self.proxy.set(Trap { pid: self.server.pid(), action: Action::StandStill, spot, moment });
    }

    /// Stands still for a while in the middle of the next start, if one comes within that time. The
    /// run that may be begun there has no owner that anybody hears of.
    pub async fn pause_in_a_start(&self, time: Duration) {
        self.stands_still_at(Spot::Next("opened"), Moment::Before);
        if timeout(NEXT_START, self.proxy.sprung()).await.is_err() {
            return self.proxy.disarm();
        }
        self.cluster.append_log.gone(self.owner, Gone::Lost);
        sleep(time).await;
        self.proxy.go_on();
    }

    /// The usual user, at this server.
    pub fn user(&self) -> Caller {
        self.server.user()
    }

    /// What the process that runs now has logged.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Where it answers.
    pub fn base(&self) -> &str {
        self.server.base()
    }

    /// The proxy before its Redis.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }
}
