//! How connections are made: to whom, with which settings, and until what has been verified.

use std::sync::Arc;

use futures::StreamExt;
use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, RedisError, RedisResult};
use tokio::sync::{Notify, watch};

use self::cluster::Nodes;
use super::RedisStoreConfig;
use super::connection::{Connection, Counted, HealthCheck, RedisConnection};
use super::dialer::{Address, Dialer, NO_SERVER};
use super::fault::casts_doubt;
use super::sentinel::{SentinelWatch, Sentinels};
use crate::redis_url::Topology;
use crate::store::StoreError;

mod cluster;

/// Makes connections, and tells of a reason to doubt them.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    dialer: Dialer,
    /// The nodes of the cluster, if it is one.
    nodes: Nodes,
    /// Counts answers that no primary would give.
    doubts: watch::Sender<u64>,
}

impl Connector {
    /// A connector for what is configured; an error if the URL or the certificates cannot be used.
    pub(super) fn new(config: RedisStoreConfig) -> Result<Self, StoreError> {
        let dialer = Dialer::new(config)?;
        let nodes = Nodes::new(&dialer.url);
        let (doubts, _) = watch::channel(0);
        Ok(Self { dialer, nodes, doubts })
    }

    /// A connection for subscriptions: to the primary, or to any node of a cluster.
    /// `on_message` gets what is published to it, on the connection's own task, and must not block.
    pub(super) async fn subscriptions(
        &self,
        on_message: impl Fn(PushInfo) + Clone + Send + Sync + 'static,
    ) -> RedisResult<Connection<MultiplexedConnection>> {
        match &self.dialer.url.topology {
            Topology::Single => self.single(on_message).await,
            Topology::Sentinel(master) => self.behind_sentinel(master, on_message).await,
            Topology::Cluster => self.any_node(on_message).await,
        }
    }

    /// A connection for commands: to the primary, or to all those of a cluster.
    pub(super) async fn commands(&self) -> RedisResult<Connection<RedisConnection>> {
        match &self.dialer.url.topology {
            Topology::Cluster => self.all_primaries().await,
            Topology::Single | Topology::Sentinel(_) => Ok(self
                .subscriptions(|_| {})
                .await?
                .map(|link| RedisConnection::Server(Counted::new(link)))),
        }
    }

    /// Takes note of a failure: if it says that a server is not the primary, every connection is
    /// looked at without waiting for its next beat.
    pub(super) fn failed(&self, error: &RedisError) {
        if casts_doubt(error) {
            self.doubts.send_modify(|doubts| *doubts += 1);
        }
    }

    /// Tells of the doubts that come from now on.
    pub(super) fn doubts(&self) -> watch::Receiver<u64> {
        self.doubts.subscribe()
    }

    async fn single(
        &self,
        on_message: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> RedisResult<Connection<MultiplexedConnection>> {
        let (host, port) = self.dialer.url.hosts.first().ok_or(NO_SERVER)?;
        self.server(&self.dialer.url.server(host, *port), HealthCheck::Primary, on_message).await
    }

    /// A connection to the server that a sentinel names, and that is the primary. A sentinel that is
    /// away, or still names the primary of yesterday, is passed over.
    async fn behind_sentinel(
        &self,
        master: &str,
        on_message: impl Fn(PushInfo) + Clone + Send + Sync + 'static,
    ) -> RedisResult<Connection<MultiplexedConnection>> {
        let sentinels = Sentinels::new(self.dialer.clone(), master);
        let mut answers = sentinels.ask();
        let mut refused: Vec<Address> = Vec::new();
        let mut why = RedisError::from(NO_SERVER);
        while let Some(answer) = answers.next().await {
            let named = match answer {
                Ok(named) if refused.contains(&named.address) => continue,
                Ok(named) => named,
                Err(error) => {
                    // What a server said matters more than that a sentinel said nothing.
                    why = if refused.is_empty() { error } else { why };
                    continue;
                }
            };
            let url = self.dialer.url.server(&named.address.0, named.address.1);
            match self.server(&url, HealthCheck::Primary, on_message.clone()).await {
                Ok(connection) => {
                    return Ok(connection.watched(SentinelWatch::new(sentinels.clone(), named)));
                }
                Err(error) => (why, _) = (error, refused.push(named.address)),
            }
        }
        Err(why)
    }

    /// A connection to the server of this URL, which has shown to be the right one.
    async fn server(
        &self,
        url: &str,
        check: HealthCheck,
        on_message: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> RedisResult<Connection<MultiplexedConnection>> {
        let lost = Arc::new(Notify::new());
        let notice = Arc::clone(&lost);
        let config = self.dialer.connection_config().set_push_sender(
            move |push: PushInfo| -> Result<(), ()> {
                match push.kind {
                    PushKind::Disconnection => notice.notify_one(),
                    PushKind::Message => on_message(push),
                    // Confirmations are answers too; the rest is never asked for.
                    _ => {}
                }
                Ok(())
            },
        );
        let client = self.dialer.client(url)?;
        let link = client.get_multiplexed_async_connection_with_config(&config).await?;
        Connection::checked(link, check, lost).await
    }
}
