//! How connections are made: to whom, with which settings, and until what has been verified.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, IntoConnectionInfo, ProtocolVersion,
    PushInfo, PushKind, RedisError, RedisResult, TlsCertificates,
};
use secrecy::ExposeSecret;
use tokio::sync::{Notify, watch};

use self::cluster::Nodes;
use super::Config;
use super::connection::{Connection, Counted, Line, Vital};
use super::fault::casts_doubt;
use crate::redis_url::{RedisUrl, Topology};
use crate::store::StoreError;

mod cluster;
mod sentinel;

pub(super) use self::sentinel::Overseer;

/// Longest that making a connection to one server may take, the handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Unacknowledged bytes and silent peers are given up by the kernel after this long.
const PEER_TIMEOUT: Duration = Duration::from_secs(10);
/// Commands that may wait to be written.
const WRITE_QUEUE: usize = 1_024;

/// Makes connections. Every one speaks RESP3, so that its end is pushed to us.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    url: RedisUrl,
    /// The nodes of the cluster, if it is one.
    nodes: Nodes,
    /// PEM: who signs the servers' certificates, instead of the public authorities.
    ca: Option<Arc<[u8]>>,
    response_timeout: Duration,
    /// Counts answers that no primary would give.
    doubts: watch::Sender<u64>,
}

impl Connector {
    /// A connector for what is configured; an error if the URL or the certificates cannot be used.
    pub(super) fn new(config: Config) -> Result<Self, StoreError> {
        let unusable = |what: &str, why: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("{what} cannot be used: {why}"))
        };
        let url = RedisUrl::parse(config.url.expose_secret());
        let url = url.map_err(|error| unusable("the Redis URL", &error))?;
        let nodes = Nodes::new(&url);
        let (doubts, _) = watch::channel(0);
        let ca = config.ca.map(Arc::from);
        let connector = Self { url, nodes, ca, response_timeout: config.command_timeout, doubts };
        for (host, port) in &connector.url.hosts {
            // The library's text for a bad URL says what is wrong and never repeats the URL.
            let client = connector.client(&connector.url.server(host, *port));
            let what = if connector.ca.is_some() { "redis.ca_file" } else { "the Redis URL" };
            client.map_err(|error| unusable(what, &error))?;
        }
        Ok(connector)
    }

    /// A connection for subscriptions: to the primary, or to any node of a cluster.
    /// `on_message` gets what is published to it, on the connection's own task, and must not block.
    pub(super) async fn subscriptions(
        &self,
        on_message: impl Fn(PushInfo) + Clone + Send + Sync + 'static,
    ) -> RedisResult<Connection<MultiplexedConnection>> {
        match &self.url.topology {
            Topology::Single => self.single(on_message).await,
            Topology::Sentinel(master) => self.behind_sentinel(master, on_message).await,
            Topology::Cluster => self.any_node(on_message).await,
        }
    }

    /// A connection for commands: to the primary, or to all those of a cluster.
    pub(super) async fn commands(&self) -> RedisResult<Connection<Line>> {
        match &self.url.topology {
            Topology::Cluster => self.all_primaries().await,
            Topology::Single | Topology::Sentinel(_) => {
                Ok(self.subscriptions(|_| {}).await?.map(|link| Line::Server(Counted::new(link))))
            }
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
        let (host, port) = self.url.hosts.first().ok_or(NO_SERVER)?;
        self.server(&self.url.server(host, *port), Vital::Primary, on_message).await
    }

    /// A connection to the server of this URL, which has shown to be the right one.
    async fn server(
        &self,
        url: &str,
        vital: Vital,
        on_message: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> RedisResult<Connection<MultiplexedConnection>> {
        let lost = Arc::new(Notify::new());
        let notice = Arc::clone(&lost);
        let config = self.patience().set_push_sender(move |push: PushInfo| -> Result<(), ()> {
            match push.kind {
                PushKind::Disconnection => notice.notify_one(),
                PushKind::Message => on_message(push),
                // Confirmations are answers too; the rest is never asked for.
                _ => {}
            }
            Ok(())
        });
        let client = self.client(url)?;
        let link = client.get_multiplexed_async_connection_with_config(&config).await?;
        Connection::checked(link, vital, lost).await
    }

    fn patience(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(self.response_timeout))
            .set_pipeline_buffer_size(WRITE_QUEUE)
    }

    fn client(&self, url: &str) -> RedisResult<Client> {
        let info = info(url)?;
        match self.certificates() {
            Some(certificates) if url.starts_with("rediss:") => {
                Client::build_with_tls(info, certificates)
            }
            Some(_) | None => Client::open(info),
        }
    }

    fn certificates(&self) -> Option<TlsCertificates> {
        let root_cert = Some(self.ca.as_ref()?.to_vec());
        Some(TlsCertificates { client_tls: None, root_cert })
    }
}

/// A URL without servers is not parsed; there is nothing better to say.
const NO_SERVER: (ErrorKind, &str) = (ErrorKind::InvalidClientConfig, "the URL names no server");

fn info(url: &str) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?;
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_tcp_settings(tcp()).set_redis_settings(redis))
}

fn tcp() -> TcpSettings {
    let keepalive = TcpKeepalive::new().with_time(PEER_TIMEOUT).with_interval(PEER_TIMEOUT / 5);
    TcpSettings::default().set_nodelay(true).set_keepalive(keepalive).set_user_timeout(PEER_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connector(url: &str) -> Result<Connector, StoreError> {
        Connector::new(Config::new(url.into()))
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_without_being_repeated() {
        for url in ["", "127.0.0.1:6379", "http://:s3cret@host/", "redis://:s3cret@host/notadb"] {
            let error = connector(url).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        for url in [
            "redis://host",
            "redis://user:pw@host:6380/3",
            "rediss://:pw@host/1",
            "redis+sentinel://:pw@one,two/mymaster/1",
            "rediss+cluster://:pw@one:7000,two:7001",
        ] {
            assert!(connector(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn certificates_that_cannot_be_read_are_refused_at_once() {
        let mut config = Config::new("rediss://host".into());
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        config.ca = Some(broken.into());
        assert!(matches!(Connector::new(config), Err(StoreError::Unavailable(_))));
    }
}
