//! A live connection, and how its death is noticed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{
    Cmd, ErrorKind, FromRedisValue, Pipeline, RedisFuture, RedisResult, ServerErrorKind, Value,
    cmd, pipe,
};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::connector::Overseer;
use crate::backoff::Backoff;

/// How often a connection is asked whether it lives, and how long it has to answer.
pub(super) const BEAT: Duration = Duration::from_secs(1);
/// Unanswered beats after which a connection counts as dead although nobody closed it.
const MISSED_BEATS: u32 = 2;

/// Where commands go.
#[derive(Clone)]
pub(super) enum Line {
    /// To the one primary.
    Server(MultiplexedConnection),
    /// To the node that has the key: redirections are followed by the library.
    Cluster(ClusterConnection),
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Server(_) => "Server",
            Self::Cluster(_) => "Cluster",
        })
    }
}

impl ConnectionLike for Line {
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
pub(super) enum Vital {
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
    vital: Vital,
    /// Where the servers are behind Sentinel.
    overseer: Option<Overseer>,
    lost: Arc<Notify>,
    missed: u32,
}

impl<L: ConnectionLike> Connection<L> {
    /// A connection that has just shown to be the right one; `lost` is notified when it is closed.
    pub(super) async fn checked(link: L, vital: Vital, lost: Arc<Notify>) -> RedisResult<Self> {
        let mut connection = Self { link, vital, overseer: None, lost, missed: 0 };
        connection.examine().await?;
        Ok(connection)
    }

    /// Whether messages may be lost on their way to it while it lives: nodes of a cluster send them
    /// to each other once, received or not.
    pub(super) fn may_miss(&self) -> bool {
        matches!(self.vital, Vital::Member)
    }

    /// The same connection, which from now on must also be the one that the overseer wants.
    pub(super) fn overseen(self, overseer: Overseer) -> Self {
        Self { overseer: Some(overseer), ..self }
    }

    /// The same connection in another form.
    pub(super) fn map<M>(self, form: impl FnOnce(L) -> M) -> Connection<M> {
        let Self { link, vital, overseer, lost, missed } = self;
        Connection { link: form(link), vital, overseer, lost, missed }
    }

    async fn examine(&mut self) -> RedisResult<()> {
        let vital = async {
            match self.vital {
                Vital::Primary => is_primary(&mut self.link).await,
                Vital::Member => is_member(&mut self.link).await,
                // The library sends it to all of them, and fails if one of them does.
                Vital::Primaries => cmd("PING").exec_async(&mut self.link).await,
            }
        };
        let silent = || Err((ErrorKind::Io, "PING was not answered in time").into());
        timeout(BEAT, vital).await.unwrap_or_else(|_| silent())
    }

    /// Returns once the server has closed the connection. Cancel-safe.
    pub(super) async fn closed(&self) {
        self.lost.notified().await;
    }

    /// One beat of the heart; the reason, once the connection is of no more use.
    pub(super) async fn beat(&mut self) -> Result<(), &'static str> {
        match self.examine().await {
            Ok(()) => self.missed = 0,
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly) => {
                return Err("the server is no longer the primary");
            }
            Err(_) => self.missed += 1,
        }
        if self.missed >= MISSED_BEATS {
            return Err("the server does not answer");
        }
        if let Some(overseer) = &mut self.overseer
            && !overseer.agrees().await
        {
            return Err("Sentinel names another primary");
        }
        Ok(())
    }
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

/// The ticks at which [`Connection::beat`] is due.
pub(super) fn heartbeat() -> tokio::time::Interval {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat
}
