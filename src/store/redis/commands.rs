//! The connection of all commands, and its supervisor.
//!
//! Nothing subscribes here: a connection that mixed both could take a confirmation for an answer.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, Script, ServerErrorKind};
use tokio::sync::watch;
use tracing::{info, warn};

use super::connection::{Connection, Due, Heartbeats, RedisConnection, attempts};
use super::connector::Connector;
use super::fault::store_error;
use crate::backoff::Backoff;
use crate::store::{NotReady, StoreError};
use crate::telemetry::metrics::Metrics;

mod batch;
mod names;

/// Where the connection stands.
#[derive(Clone, Debug)]
enum Link {
    /// The first attempt since the start, or since the loss, is under way: worth waiting for.
    Connecting,
    Up(RedisConnection),
    /// Attempts fail: not worth waiting for.
    Down(Arc<str>),
}

/// Sends commands. While the server is known to be away, each fails at once; otherwise each is
/// answered or fails within the configured time. Cloning shares the connection.
#[derive(Clone, Debug)]
pub(super) struct Commands {
    link: watch::Receiver<Link>,
    connector: Connector,
    patience: Duration,
}

impl Commands {
    /// Commands over a connection that does not exist yet, and the task that keeps it, for as long as
    /// there may be commands. Once that is dropped, the connection of that moment stays usable.
    pub(super) fn new(
        connector: Connector,
        patience: Duration,
        metrics: Metrics,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (state, link) = watch::channel(Link::Connecting);
        metrics.store_up.set(0);
        let keeper = Keeper { connector: connector.clone(), state, metrics };
        (Self { link, connector, patience }, keeper.keep())
    }

    /// Sends one command.
    pub(super) async fn query<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, StoreError> {
        let mut link = self.link().await?;
        cmd.query_async(&mut link).await.map_err(|error| self.failed(&error))
    }

    /// Tries whether the server takes a write.
    pub(super) async fn try_write(&self, cmd: &Cmd) -> Result<(), NotReady> {
        let mut link = self.link().await.map_err(|_| NotReady::Away)?;
        let answer: RedisResult<()> = cmd.query_async(&mut link).await;
        answer.map_err(|error| {
            // Whoever has found out that a server is no primary says so to all.
            let _ = self.failed(&error);
            error.code().map_or(NotReady::Away, |code| NotReady::RefusesWrites(code.to_owned()))
        })
    }

    /// Runs a script on one key; the script is sent along only if the server does not know it.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        script: &AtomicStep,
        key: &str,
        args: &[Cow<'_, [u8]>],
    ) -> Result<T, StoreError> {
        self.script_on(script, &[key], args).await
    }

    /// The same on several keys, which choose the same slot of a cluster.
    pub(super) async fn script_on<T: FromRedisValue>(
        &self,
        script: &AtomicStep,
        keys: &[impl AsRef<str> + Sync],
        args: &[Cow<'_, [u8]>],
    ) -> Result<T, StoreError> {
        let mut link = self.link().await?;
        let known = script.call("EVALSHA", script.hash.get_hash(), keys, args);
        let answer = match known.query_async(&mut link).await {
            Err(error) if is_unknown_script(&error) => {
                let call = script.call("EVAL", script.source, keys, args);
                call.query_async(&mut link).await
            }
            answer => answer,
        };
        answer.map_err(|error| self.failed(&error))
    }

    async fn link(&self) -> Result<RedisConnection, StoreError> {
        let known = self.link.borrow().clone();
        match known {
            Link::Up(link) => Ok(link),
            Link::Down(why) => Err(StoreError::Unavailable(why.to_string())),
            Link::Connecting => self.settled().await,
        }
    }

    async fn settled(&self) -> Result<RedisConnection, StoreError> {
        let mut link = self.link.clone();
        let settled = link.wait_for(|link| !matches!(link, Link::Connecting));
        match tokio::time::timeout(self.patience, settled).await {
            Ok(Ok(link)) => match &*link {
                Link::Up(link) => Ok(link.clone()),
                Link::Down(why) => Err(StoreError::Unavailable(why.to_string())),
                Link::Connecting => Err(StoreError::Unavailable("not connected".into())),
            },
            Ok(Err(_)) => Err(StoreError::Unavailable("shutting down".into())),
            Err(_) => Err(StoreError::Unavailable("no connection in time".into())),
        }
    }

    fn failed(&self, error: &RedisError) -> StoreError {
        self.connector.failed(error);
        store_error(error)
    }
}

/// A Lua script that is one of the store's atomic guarantees.
#[derive(Debug)]
pub(super) struct AtomicStep {
    source: &'static str,
    hash: Script,
}

impl AtomicStep {
    /// The step that this source text performs.
    pub(super) fn new(source: &'static str) -> Self {
        Self { source, hash: Script::new(source) }
    }

    fn call(
        &self,
        verb: &str,
        what: &str,
        keys: &[impl AsRef<str>],
        args: &[Cow<'_, [u8]>],
    ) -> Cmd {
        let mut cmd = redis::cmd(verb);
        cmd.arg(what).arg(keys.len());
        for key in keys {
            cmd.arg(key.as_ref());
        }
        for arg in args {
            cmd.arg(arg.as_ref());
        }
        cmd
    }
}

fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Keeps the connection.
struct Keeper {
    connector: Connector,
    state: watch::Sender<Link>,
    metrics: Metrics,
}

impl Keeper {
    async fn keep(self) {
        let mut backoff = attempts();
        loop {
            backoff.wait().await;
            match self.connector.commands().await {
                Ok(connection) => {
                    info!("connected to Redis for commands");
                    self.metrics.store_up.set(1);
                    self.state.send_replace(Link::Up(connection.link.clone()));
                    let Err(why) = self.outlive(connection, &mut backoff).await;
                    warn!(why, "lost the Redis connection for commands");
                    self.metrics.store_up.set(0);
                    self.state.send_replace(Link::Connecting);
                }
                Err(error) => self.refused(&error),
            }
        }
    }

    /// Returns, with the reason, once the connection is of no more use.
    async fn outlive(
        &self,
        mut connection: Connection<RedisConnection>,
        backoff: &mut Backoff,
    ) -> Result<Infallible, &'static str> {
        let mut heartbeats = Heartbeats::new(self.connector.doubts());
        loop {
            let due = heartbeats.next(&connection).await?;
            connection.heartbeat().await?;
            if due == Due::Regularly {
                backoff.reset();
            }
        }
    }

    /// Says once for each outage why there is no connection.
    fn refused(&self, error: &RedisError) {
        let why: Arc<str> = error.to_string().into();
        let before = self.state.send_replace(Link::Down(Arc::clone(&why)));
        if !matches!(before, Link::Down(_)) {
            warn!(error = %why, "Redis cannot be reached for commands; trying again");
        }
    }
}
