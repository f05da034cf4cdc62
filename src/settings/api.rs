//! Section `api`: how to listen.

use std::net::IpAddr;
use std::time::Duration;

use url::Host;

use super::check::Check;
use super::key::keys;
use super::kinds::{Each, Parsed, Time, Whole, each, parsed, seconds, whole};
use crate::origin::AllowedOrigin;

keys! { KEYS;
    HOST: Parsed<String> = "api.host", parsed(host), env: ["API_HOST"], dev: "127.0.0.1";
    PORT: Whole<u16> = "api.port", whole(0..=u16::MAX), env: ["API_PORT"];
    DRAIN_DELAY: Time = "api.drain_delay_seconds", seconds(0..=600), dev: "0";
    SHUTDOWN_GRACE: Time = "api.shutdown_grace_seconds", seconds(0..=3600);
    MAX_CONNECTIONS: Whole<usize> = "api.max_connections", whole(1..=1_000_000);
    HEADER_TIMEOUT: Time = "api.header_timeout_seconds", seconds(1..=60);
    IDLE_TIMEOUT: Time = "api.idle_timeout_seconds", seconds(1..=3600);
    CORS_ORIGINS: Each<AllowedOrigin> = "api.cors_origins", each(),
        dev: "http://localhost:* http://127.0.0.1:*";
}

/// Section `api`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiSettings {
    /// An IP address or a host name, without brackets.
    pub host: String,
    /// 0: any free port.
    pub port: u16,
    /// How long the port stays open once the process was told to stop.
    pub drain_delay: Duration,
    /// What open streams get to end in.
    pub shutdown_grace: Duration,
    /// Connections open at once.
    pub max_connections: usize,
    /// What a client gets to send its request head in, from its first byte.
    pub header_timeout: Duration,
    /// How long a connection is kept on which nothing of a request has come.
    pub idle_timeout: Duration,
    /// Whose web pages may call from a browser; empty: nobody's.
    pub cors_origins: Vec<AllowedOrigin>,
}

impl ApiSettings {
    /// `None` only together with a fault.
    pub(super) fn read(check: &mut Check) -> Option<Self> {
        let host = HOST.read(check);
        Some(Self {
            port: PORT.read(check),
            drain_delay: DRAIN_DELAY.read(check),
            shutdown_grace: SHUTDOWN_GRACE.read(check),
            max_connections: MAX_CONNECTIONS.read(check),
            header_timeout: HEADER_TIMEOUT.read(check),
            idle_timeout: IDLE_TIMEOUT.read(check),
            cors_origins: CORS_ORIGINS.read(check),
            // Last, so that every fault has been found.
            host: host?,
        })
    }
}

/// An IP address or a host name.
pub(super) fn host(text: &str) -> Result<String, &'static str> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let is_host = bare.parse::<IpAddr>().is_ok() || Host::parse(bare).is_ok();
    is_host.then(|| bare.to_owned()).ok_or("must be an IP address or a host name")
}
