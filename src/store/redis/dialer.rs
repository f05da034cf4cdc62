//! How one server is reached: the login, the settings of the connection, and whom to trust.

use std::sync::Arc;
use std::time::Duration;

use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, IntoConnectionInfo, ProtocolVersion,
    RedisResult, TlsCertificates,
};
use secrecy::ExposeSecret;

use super::RedisStoreConfig;
use crate::redis_url::RedisUrl;
use crate::store::StoreError;

/// Where a server is: its host, as it stands in a URL, and its port.
pub(super) type Address = (String, u16);

/// Longest that making a connection to one server may take, the handshake included.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Unacknowledged bytes and silent peers are given up by the kernel after this long.
const PEER_TIMEOUT: Duration = Duration::from_secs(10);
/// Commands that may wait to be written.
const WRITE_QUEUE: usize = 1_024;
/// A URL without servers is not parsed; there is nothing better to say.
pub(super) const NO_SERVER: (ErrorKind, &str) =
    (ErrorKind::InvalidClientConfig, "the URL names no server");

/// Makes clients of single servers. Every one speaks RESP3, so that its end is pushed to us.
#[derive(Clone, Debug)]
pub(super) struct Dialer {
    pub(super) url: RedisUrl,
    /// PEM: who signs the servers' certificates, instead of the public authorities.
    ca: Option<Arc<[u8]>>,
    pub(super) response_timeout: Duration,
}

impl Dialer {
    /// A dialer for what is configured; an error if the URL or the certificates cannot be used.
    pub(super) fn new(config: RedisStoreConfig) -> Result<Self, StoreError> {
        let unusable = |what: &str, why: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("{what} cannot be used: {why}"))
        };
        let url = RedisUrl::parse(config.url.expose_secret());
        let url = url.map_err(|error| unusable("the Redis URL", &error))?;
        let ca = config.ca.map(Arc::from);
        let dialer = Self { url, ca, response_timeout: config.command_timeout };
        for (host, port) in &dialer.url.hosts {
            // The library's text for a bad URL says what is wrong and never repeats the URL.
            let client = dialer.client(&dialer.url.server(host, *port));
            let what = if dialer.ca.is_some() { "redis.ca_file" } else { "the Redis URL" };
            client.map_err(|error| unusable(what, &error))?;
        }
        Ok(dialer)
    }

    /// A client of the server of this URL, which connects to nothing yet.
    pub(super) fn client(&self, url: &str) -> RedisResult<Client> {
        let info = info(url)?;
        match self.certificates() {
            Some(certificates) if url.starts_with("rediss:") => {
                Client::build_with_tls(info, certificates)
            }
            Some(_) | None => Client::open(info),
        }
    }

    /// How long connections and answers are waited for, and how much may wait to be sent.
    pub(super) fn connection_config(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(self.response_timeout))
            .set_pipeline_buffer_size(WRITE_QUEUE)
    }

    /// Who signs the servers' certificates, if not the public authorities.
    pub(super) fn certificates(&self) -> Option<TlsCertificates> {
        let root_cert = Some(self.ca.as_ref()?.to_vec());
        Some(TlsCertificates { client_tls: None, root_cert })
    }
}

/// What a URL says of a server, with what every connection has.
pub(super) fn info(url: &str) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?;
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_tcp_settings(tcp()).set_redis_settings(redis))
}

/// What every connection has below the protocol.
pub(super) fn tcp() -> TcpSettings {
    let keepalive = TcpKeepalive::new().with_time(PEER_TIMEOUT).with_interval(PEER_TIMEOUT / 5);
    TcpSettings::default().set_nodelay(true).set_keepalive(keepalive).set_user_timeout(PEER_TIMEOUT)
}

/// A host as it stands in a URL.
pub(super) fn in_url(host: String) -> String {
    if host.contains(':') { format!("[{host}]") } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> RedisStoreConfig {
        RedisStoreConfig {
            url: url.into(),
            ca: None,
            max_events: 1,
            command_timeout: Duration::from_secs(1),
            audit_key: None,
            publishes_audit: false,
            metrics: crate::telemetry::metrics::Metrics::default(),
        }
    }

    fn dialer(url: &str) -> Result<Dialer, StoreError> {
        Dialer::new(config(url))
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_without_being_repeated() {
        for url in ["", "127.0.0.1:6379", "http://:s3cret@host/", "redis://:s3cret@host/notadb"] {
            let error = dialer(url).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        for url in [
            "redis://host",
            "redis://user:pw@host:6380/3",
            "rediss://:pw@host/1",
            "redis+sentinel://:pw@one,two/mymaster/1",
            "rediss+cluster://:pw@one:7000,two:7001",
        ] {
            assert!(dialer(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn certificates_that_cannot_be_read_are_refused_at_once() {
        let mut config = config("rediss://host");
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        config.ca = Some(broken.into());
        assert!(matches!(Dialer::new(config), Err(StoreError::Unavailable(_))));
    }
}
