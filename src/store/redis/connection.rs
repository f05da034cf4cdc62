//! One connection to the server: how it is made, how its death is noticed, when to try again.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, IntoConnectionInfo, ProtocolVersion,
    PushInfo, PushKind, RedisError, RedisResult, ServerErrorKind,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::store::StoreError;

/// Longest that making a connection may take, the handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a connection is asked whether it lives, and how long it has to answer.
const BEAT: Duration = Duration::from_secs(1);
/// Unanswered beats after which a connection counts as dead although nobody closed it.
const MISSED_BEATS: u32 = 2;
/// Unacknowledged bytes and silent peers are given up by the kernel after this long.
const PEER_TIMEOUT: Duration = Duration::from_secs(10);
/// Commands that may wait to be written.
const WRITE_QUEUE: usize = 1_024;

/// Makes connections. Every one speaks RESP3, so that its end is pushed to us.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    client: Client,
    response_timeout: Duration,
}

impl Connector {
    /// A connector for the configured server; an error if the URL cannot be understood.
    pub(super) fn new(url: &SecretString, response_timeout: Duration) -> Result<Self, StoreError> {
        let client = Self::info(url.expose_secret()).and_then(Client::open);
        // The library's text for a bad URL says what is wrong and never repeats the URL.
        let client = client.map_err(|error| {
            StoreError::Unavailable(format!("the Redis URL cannot be used: {error}"))
        })?;
        Ok(Self { client, response_timeout })
    }

    fn info(url: &str) -> RedisResult<ConnectionInfo> {
        let info = url.into_connection_info()?;
        let keepalive = TcpKeepalive::new().with_time(PEER_TIMEOUT).with_interval(PEER_TIMEOUT / 5);
        let tcp = TcpSettings::default()
            .set_nodelay(true)
            .set_keepalive(keepalive)
            .set_user_timeout(PEER_TIMEOUT);
        let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Ok(info.set_tcp_settings(tcp).set_redis_settings(redis))
    }

    /// A connection that has answered a PING; `on_message` gets what is published to it, on the
    /// connection's own task, and must not block.
    pub(super) async fn connect(
        &self,
        on_message: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> RedisResult<Connection> {
        let lost = Arc::new(Notify::new());
        let notice = Arc::clone(&lost);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(self.response_timeout))
            .set_pipeline_buffer_size(WRITE_QUEUE)
            .set_push_sender(move |push: PushInfo| -> Result<(), ()> {
                match push.kind {
                    PushKind::Disconnection => notice.notify_one(),
                    PushKind::Message => on_message(push),
                    // Confirmations are answers too; the rest is never asked for.
                    _ => {}
                }
                Ok(())
            });
        let link = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut connection = Connection { link, lost, missed: 0 };
        // A server that is still loading its data shakes hands and then refuses everything.
        connection.ping().await?;
        Ok(connection)
    }
}

/// A live connection and the means to notice that it no longer is.
#[derive(Debug)]
pub(super) struct Connection {
    /// Where commands go.
    pub(super) link: MultiplexedConnection,
    lost: Arc<Notify>,
    missed: u32,
}

impl Connection {
    async fn ping(&mut self) -> RedisResult<()> {
        let ping = redis::cmd("PING");
        match timeout(BEAT, ping.query_async::<()>(&mut self.link)).await {
            Ok(answer) => answer,
            Err(_) => Err((ErrorKind::Io, "PING was not answered in time").into()),
        }
    }

    /// Returns once the server has closed the connection. Cancel-safe.
    pub(super) async fn closed(&self) {
        self.lost.notified().await;
    }

    /// One beat of the heart: `false` once it has stopped.
    pub(super) async fn beats(&mut self) -> bool {
        self.missed = if self.ping().await.is_ok() { 0 } else { self.missed + 1 };
        self.missed < MISSED_BEATS
    }
}

/// The ticks at which [`Connection::beats`] is due.
pub(super) fn heartbeat() -> tokio::time::Interval {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat
}

/// How long to wait before the next attempt to connect: at once, then longer and longer up to 1 s.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(1);

    /// Waits for as long as is due.
    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    fn next(&mut self) -> Duration {
        let doublings = self.attempts.checked_sub(1);
        self.attempts = self.attempts.saturating_add(1);
        doublings.map_or(Duration::ZERO, |n| {
            Self::FIRST.saturating_mul(1 << n.min(10)).min(Self::LONGEST)
        })
    }

    /// The connection held: the next loss is a new one.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// What went wrong, in the port's terms.
pub(super) fn store_error(error: &RedisError) -> StoreError {
    if is_unreadable(error) {
        StoreError::Corrupt(error.to_string())
    } else {
        StoreError::Unavailable(error.to_string())
    }
}

/// Whether the server answered, but with something else than what this service writes.
fn is_unreadable(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedReturnType | ErrorKind::Parse)
        || error.code() == Some("WRONGTYPE")
}

/// Whether the server has become a replica: a new connection may find the primary.
pub(super) fn is_demoted(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connector(url: &str) -> Result<Connector, StoreError> {
        Connector::new(&url.into(), Duration::from_secs(2))
    }

    #[test]
    fn the_first_attempt_is_made_at_once_and_later_ones_at_most_a_second_apart() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..40).map(|_| backoff.next()).collect();
        assert_eq!(waits[..4], [0, 50, 100, 200].map(Duration::from_millis));
        assert!(waits[10..].iter().all(|wait| *wait == Backoff::LONGEST));
        backoff.reset();
        assert_eq!(backoff.next(), Duration::ZERO);
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_without_being_repeated() {
        for url in ["", "127.0.0.1:6379", "http://:s3cret@host/", "redis://:s3cret@host/notadb"] {
            let error = connector(url).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        for url in ["redis://host", "redis://user:pw@host:6380/3", "rediss://:pw@host/1"] {
            assert!(connector(url).is_ok(), "{url}");
        }
    }
}
