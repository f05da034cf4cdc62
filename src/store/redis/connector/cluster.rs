//! Connections to a cluster.
//!
//! What is published on one node reaches every other over the cluster's own bus, so subscriptions
//! need one plain connection, to any node that is part of the cluster.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClientBuilder;
use redis::{ErrorKind, FromRedisValue, ProtocolVersion, PushInfo, RedisError, RedisResult, Value};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::super::connection::{Connection, HealthCheck, RedisConnection};
use super::super::dialer::{Address, CONNECT_TIMEOUT, NO_SERVER, in_url, info, tcp};
use super::Connector;
use crate::redis_url::RedisUrl;

/// Longest that connecting to all nodes may take; each has [`CONNECT_TIMEOUT`], and those that do
/// not answer are waited for twice, as a node of the URL and as one of the cluster.
const CLUSTER_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a command is sent again, after a redirection or to a node that had to be found again.
const RETRIES: u32 = 5;
/// Milliseconds before a command is sent again, at least and at most.
const RETRY_WAIT_MS: (u64, u64) = (20, 200);

/// The nodes of a cluster that were seen last, and those of the URL.
#[derive(Clone, Debug)]
pub(super) struct Nodes {
    named: Vec<Address>,
    /// Held for moments only.
    seen: Arc<Mutex<Vec<Address>>>,
}

impl Nodes {
    pub(super) fn new(url: &RedisUrl) -> Self {
        Self { named: url.hosts.clone(), seen: Arc::default() }
    }

    /// All of them, each once.
    fn all(&self) -> Vec<Address> {
        let seen = self.seen.lock();
        let all: BTreeSet<_> = self.named.iter().chain(seen.iter()).cloned().collect();
        all.into_iter().collect()
    }

    fn saw(&self, nodes: Vec<Address>) {
        *self.seen.lock() = nodes;
    }
}

impl Connector {
    /// A connection to the first node that answers, from a random one on: processes spread.
    pub(super) async fn any_node(
        &self,
        on_message: impl Fn(PushInfo) + Clone + Send + Sync + 'static,
    ) -> RedisResult<Connection<MultiplexedConnection>> {
        let mut nodes = self.nodes.all();
        let first = RandomState::new().hash_one("first") as usize % nodes.len().max(1);
        nodes.rotate_left(first);
        let mut why = RedisError::from(NO_SERVER);
        for (host, port) in nodes {
            let url = self.dialer.url.server(&host, port);
            match self.server(&url, HealthCheck::Member, on_message.clone()).await {
                Ok(mut connection) => {
                    self.look_around(&mut connection.link, &host).await?;
                    return Ok(connection);
                }
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    /// Connections to all primaries.
    pub(super) async fn all_primaries(&self) -> RedisResult<Connection<RedisConnection>> {
        let nodes = self.nodes.all();
        let nodes = nodes.iter().map(|(host, port)| info(&self.dialer.url.server(host, *port)));
        let mut cluster = ClusterClientBuilder::new(nodes.collect::<RedisResult<Vec<_>>>()?)
            .use_protocol(ProtocolVersion::RESP3)
            .connection_timeout(CONNECT_TIMEOUT)
            .response_timeout(self.dialer.response_timeout)
            .overall_response_timeout(Some(self.dialer.response_timeout))
            .retries(RETRIES)
            .min_retry_wait(RETRY_WAIT_MS.0)
            .max_retry_wait(RETRY_WAIT_MS.1)
            .tcp_settings(tcp());
        if let Some(certificates) = self.dialer.certificates() {
            cluster = cluster.certs(certificates);
        }
        let cluster = cluster.build()?;
        let silent = || Err((ErrorKind::Io, "the cluster did not answer in time").into());
        let link = timeout(CLUSTER_TIMEOUT, cluster.get_async_connection()).await;
        let link = RedisConnection::Cluster(link.unwrap_or_else(|_| silent())?);
        // The library connects to nodes again by itself: nothing ever closes the whole of it.
        Connection::checked(link, HealthCheck::Primaries, Arc::new(Notify::new())).await
    }

    /// Takes note of all nodes, for when this one is gone.
    async fn look_around(&self, link: &mut MultiplexedConnection, asked: &str) -> RedisResult<()> {
        let slots: Vec<Vec<Value>> = redis::cmd("CLUSTER").arg("SLOTS").query_async(link).await?;
        // Each range: its first slot, its last, and then its nodes.
        let nodes = slots.into_iter().flat_map(|range| range.into_iter().skip(2));
        self.nodes.saw(nodes.filter_map(|node| address(node, asked)).collect());
        Ok(())
    }
}

/// A node's address; one that does not know its own is where it was asked.
fn address(node: Value, asked: &str) -> Option<Address> {
    let mut parts = Vec::<Value>::from_redis_value(node).ok()?.into_iter();
    let host = Option::<String>::from_redis_value(parts.next()?).ok()?;
    let port = u16::from_redis_value(parts.next()?).ok()?;
    match host.as_deref() {
        Some("?") => None,
        None | Some("") => Some((asked.to_owned(), port)),
        Some(_) => Some((in_url(host?), port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(host: Value, port: i64) -> Value {
        Value::Array(vec![host, Value::Int(port), Value::BulkString(b"id".to_vec())])
    }

    #[test]
    fn a_node_is_where_it_says_or_where_it_was_asked() {
        let text = |text: &str| Value::BulkString(text.into());
        let found = |host| address(node(host, 7000), "asked");
        assert_eq!(found(text("10.0.0.1")), Some(("10.0.0.1".into(), 7000)));
        assert_eq!(found(text("fd00::1")), Some(("[fd00::1]".into(), 7000)));
        assert_eq!(found(text("")), Some(("asked".into(), 7000)));
        assert_eq!(found(Value::Nil), Some(("asked".into(), 7000)));
        assert_eq!(found(text("?")), None);
        assert_eq!(address(text("what"), "asked"), None);
    }
}
