//! A live connection, and how its death is noticed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::TryFutureExt;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{
    Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisFuture, RedisResult,
    ServerErrorKind, Value, cmd, pipe,
};
use tokio::sync::{Notify, watch};
use tokio::time::{Interval, timeout};

use super::sentinel::SentinelWatch;
use crate::backoff::Backoff;
use crate::ticks::every;

/// How often a connection is asked whether it lives, and how long it has to answer.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);
/// Unanswered beats after which a connection counts as dead although nobody closed it.
const MISSED_HEARTBEATS: u32 = 2;

/// Where commands go.
#[derive(Clone)]
pub(super) enum RedisConnection {
    /// To the one primary.
    Server(Counted),
    /// To the node that has the key: redirections are followed by the library.
    Cluster(ClusterConnection),
}

impl std::fmt::Debug for RedisConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Server(_) => "Server",
            Self::Cluster(_) => "Cluster",
        })
    }
}

/// A connection to one server which counts what that has answered: under load a beat may wait behind
/// thousands of commands, and each answer is as good a sign of life. Clones count together.
#[derive(Clone)]
pub(super) struct Counted {
    link: MultiplexedConnection,
    answered: Arc<AtomicU64>,
}

impl Counted {
    /// Counts from here on.
    pub(super) fn new(link: MultiplexedConnection) -> Self {
        Self { link, answered: Arc::default() }
    }
}

impl ConnectionLike for Counted {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let Self { link, answered } = self;
        Box::pin(link.req_packed_command(cmd).inspect_ok(|_| {
            answered.fetch_add(1, Ordering::Relaxed);
        }))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let Self { link, answered } = self;
        Box::pin(link.req_packed_commands(cmd, offset, count).inspect_ok(|_| {
            answered.fetch_add(1, Ordering::Relaxed);
        }))
    }

    fn get_db(&self) -> i64 {
        self.link.get_db()
    }
}

/// A connection whose answered commands are a sign of life, beside its heartbeats.
pub(super) trait Lively: ConnectionLike {
    /// How many commands its server has answered so far; always zero where that says nothing of it.
    fn answered(&self) -> u64;
}

impl Lively for MultiplexedConnection {
    fn answered(&self) -> u64 {
        // Messages come on it, hardly any answers.
        0
    }
}

impl Lively for RedisConnection {
    fn answered(&self) -> u64 {
        match self {
            Self::Server(link) => link.answered.load(Ordering::Relaxed),
            // The answers of one node say nothing of the others.
            Self::Cluster(_) => 0,
        }
    }
}

impl ConnectionLike for RedisConnection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(link) => link.req_packed_command(cmd),
            Self::Cluster(link) => link.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(link) => link.req_packed_commands(cmd, offset, count),
            Self::Cluster(link) => link.req_packed_commands(cmd, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(link) => link.get_db(),
            Self::Cluster(link) => link.get_db(),
        }
    }
}

/// What makes a connection the right one.
#[derive(Clone, Copy, Debug)]
pub(super) enum HealthCheck {
    /// The server answers, and is the primary.
    Primary,
    /// The node answers, and belongs to a cluster that is up: messages of all others come to it.
    Member,
    /// All primaries of the cluster answer, as far as they can be connected to.
    Primaries,
}

/// A live connection and the means to notice that it no longer is.
#[derive(Debug)]
pub(super) struct Connection<L> {
    /// Where commands go.
    pub(super) link: L,
    check: HealthCheck,
    /// Where the servers are behind Sentinel.
    watch: Option<SentinelWatch>,
    lost: Arc<Notify>,
    missed: u32,
}

impl<L: Lively> Connection<L> {
    /// A connection that has just shown to be the right one; `lost` is notified when it is closed.
    pub(super) async fn checked(
        link: L,
        check: HealthCheck,
        lost: Arc<Notify>,
    ) -> RedisResult<Self> {
        let mut connection = Self { link, check, watch: None, lost, missed: 0 };
        connection.examine().await.unwrap_or_else(silent)?;
        Ok(connection)
    }

    /// Whether messages may be lost on their way to it while it lives: nodes of a cluster send them
    /// to each other once, received or not.
    pub(super) fn may_miss(&self) -> bool {
        matches!(self.check, HealthCheck::Member)
    }

    /// The same connection, which from now on must also be to the server that the sentinels name.
    pub(super) fn watched(self, watch: SentinelWatch) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// The same connection in another form.
    pub(super) fn map<M>(self, form: impl FnOnce(L) -> M) -> Connection<M> {
        let Self { link, check, watch, lost, missed } = self;
        Connection { link: form(link), check, watch, lost, missed }
    }

    /// Whether it is the right one; `None`: it has not answered in time.
    async fn examine(&mut self) -> Option<RedisResult<()>> {
        let check = async {
            match self.check {
                HealthCheck::Primary => is_primary(&mut self.link).await,
                HealthCheck::Member => is_member(&mut self.link).await,
                // The library sends it to all of them, and fails if one of them does.
                HealthCheck::Primaries => cmd("PING").exec_async(&mut self.link).await,
            }
        };
        let answer = timeout(HEARTBEAT, check).await.ok()?;
        // The library's own time-out may be shorter than a beat.
        Some(answer).filter(|answer| !answer.as_ref().is_err_and(RedisError::is_timeout))
    }

    /// One beat of the heart; the reason, once the connection is of no more use.
    pub(super) async fn heartbeat(&mut self) -> Result<(), &'static str> {
        let answered = self.link.answered();
        match self.examine().await {
            Some(Ok(())) => self.missed = 0,
            Some(Err(error)) if error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly) => {
                return Err("the server is no longer the primary");
            }
            // It is slow, and the beat waits behind what others have asked.
            None if self.link.answered() > answered => self.missed = 0,
            Some(Err(_)) | None => self.missed += 1,
        }
        if self.missed >= MISSED_HEARTBEATS {
            return Err("the server does not answer");
        }
        if let Some(watch) = &mut self.watch
            && !watch.agrees().await
        {
            return Err("Sentinel names another primary");
        }
        Ok(())
    }
}

fn silent() -> RedisResult<()> {
    Err((ErrorKind::Io, "PING was not answered in time").into())
}

/// Sends a question that not every server understands or allows, and a PING, and gives what was
/// said to each. What is still loading its data, or has lost its primary, refuses the PING.
async fn ask<T: FromRedisValue>(
    link: &mut impl ConnectionLike,
    question: Cmd,
) -> RedisResult<(Option<T>, RedisResult<Value>)> {
    let mut both = pipe();
    both.ignore_errors().add_command(question).cmd("PING");
    let (answer, ping): (RedisResult<Value>, RedisResult<Value>) = both.query_async(link).await?;
    Ok((answer.ok().and_then(|answer| T::from_redis_value(answer).ok()), ping))
}

async fn is_primary(link: &mut impl ConnectionLike) -> RedisResult<()> {
    let (hello, ping) = ask::<HashMap<String, Value>>(link, cmd("HELLO")).await?;
    let role = hello.unwrap_or_default().remove("role").map(String::from_redis_value);
    match role {
        Some(Ok(role)) if role != "master" => {
            let kind = ErrorKind::Server(ServerErrorKind::ReadOnly);
            Err((kind, "the server is not the primary", role).into())
        }
        _ => ping.map(drop),
    }
}

async fn is_member(link: &mut impl ConnectionLike) -> RedisResult<()> {
    let mut info = cmd("CLUSTER");
    info.arg("INFO");
    let (info, ping) = ask::<String>(link, info).await?;
    match info {
        Some(info) if info.contains("cluster_state:fail") => {
            Err((ErrorKind::Server(ServerErrorKind::ClusterDown), "the cluster is down").into())
        }
        Some(_) | None => ping.map(drop),
    }
}

/// The pauses between attempts to connect: none at first, then up to a second.
pub(super) fn attempts() -> Backoff {
    Backoff::eager(Duration::from_millis(50), Duration::from_secs(1))
}

/// When [`Connection::heartbeat`] is due.
#[derive(Debug)]
pub(super) struct Heartbeats {
    ticks: Interval,
    doubts: watch::Receiver<u64>,
}

/// Why a heartbeat is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It is time.
    Regularly,
    /// A command was answered as only the wrong server would.
    InDoubt,
}

impl Heartbeats {
    /// Those of a connection that has just been made, which is as good as a heartbeat.
    pub(super) fn new(doubts: watch::Receiver<u64>) -> Self {
        Self { ticks: every(HEARTBEAT), doubts }
    }

    /// Returns when the next one is due; the reason, once the server has closed the connection.
    /// Cancel-safe.
    pub(super) async fn next<L>(&mut self, of: &Connection<L>) -> Result<Due, &'static str> {
        tokio::select! {
            () = of.lost.notified() => Err("it was closed"),
            _ = self.doubts.changed() => Ok(Due::InDoubt),
            _ = self.ticks.tick() => Ok(Due::Regularly),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::future::pending;

    use super::*;

    /// A server that never comes to the beat; of other commands it answers so many in each.
    struct Busy {
        answered: AtomicU64,
        in_each: u64,
    }

    impl ConnectionLike for Busy {
        fn req_packed_command<'a>(&'a mut self, _: &'a Cmd) -> RedisFuture<'a, Value> {
            pending().boxed()
        }

        fn req_packed_commands<'a>(
            &'a mut self,
            _: &'a Pipeline,
            _: usize,
            _: usize,
        ) -> RedisFuture<'a, Vec<Value>> {
            self.answered.fetch_add(self.in_each, Ordering::Relaxed);
            pending().boxed()
        }

        fn get_db(&self) -> i64 {
            0
        }
    }

    impl Lively for Busy {
        fn answered(&self) -> u64 {
            self.answered.load(Ordering::Relaxed)
        }
    }

    fn connection(in_each: u64) -> Connection<Busy> {
        let link = Busy { answered: AtomicU64::new(0), in_each };
        let lost = Arc::new(Notify::new());
        Connection { link, check: HealthCheck::Primary, watch: None, lost, missed: 0 }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_answers_others_lives_and_one_that_answers_nobody_does_not() {
        let mut busy = connection(1);
        for _ in 0..10 {
            assert_eq!(busy.heartbeat().await, Ok(()));
        }
        let mut silent = connection(0);
        assert_eq!(silent.heartbeat().await, Ok(()));
        assert_eq!(silent.heartbeat().await, Err("the server does not answer"));
    }
}
