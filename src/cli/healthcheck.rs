//! `healthcheck`: what a container asks to learn whether its service lives.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use clap::Args;
use reqwest::Url;

use super::{CliError, block_on, print, settings};
use crate::http_client::{self, Patience};
use crate::settings::{ApiSettings, Purpose};

/// What an answer may take. A container's own limit for the check is usually larger.
const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What to ask; by default /health of the address that API_HOST and API_PORT name
    #[arg(long)]
    url: Option<Url>,
}

/// Prints one line. Every failure, also one of the settings, is exit code 1: a container's health
/// check knows no other.
pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let url = match &arguments.url {
        Some(url) => url.clone(),
        None => usual_url()?,
    };
    let shown = shown(&url);
    block_on(async move {
        let patience = Patience { connect: TIMEOUT, read: TIMEOUT };
        let client = http_client::build(patience).map_err(CliError::failed)?;
        let answer = client
            .get(url)
            .timeout(TIMEOUT)
            .send()
            .await
            .map_err(|error| down(&shown, http_client::root_cause(&error)))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(down(&shown, format!("answered {status}")));
        }
        print(&format!("UP: {shown} answered {status}"))
    })
}

fn usual_url() -> Result<Url, CliError> {
    let api = settings(Purpose::Inspection).map_err(CliError::failed)?.settings.api;
    let authority = reachable(&api);
    Url::parse(&format!("http://{authority}/health")).map_err(CliError::failed)
}

/// Where a service that listens on every address can be found on its own machine.
fn reachable(api: &ApiSettings) -> String {
    match api.host.parse::<IpAddr>() {
        Ok(ip) => loopback_if_any(SocketAddr::new(ip, api.port)).to_string(),
        Err(_) => format!("{}:{}", api.host, api.port),
    }
}

/// The address, with the loopback address in place of "every address".
pub(super) fn loopback_if_any(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The address as it is printed, which goes to a container's log: without a password.
fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() {
        // An address that has a password has a host, and so can be given another.
        let _ = shown.set_password(Some("***"));
    }
    shown.into()
}

fn down(url: &str, problem: impl Display) -> CliError {
    CliError::failed(format!("DOWN: {url}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(host: &str) -> String {
        reachable(&ApiSettings {
            host: host.to_owned(),
            port: 9000,
            drain_delay: Duration::ZERO,
            shutdown_grace: Duration::ZERO,
            max_connections: 1,
            header_timeout: Duration::ZERO,
            idle_timeout: Duration::ZERO,
            cors_origins: Vec::new(),
        })
    }

    #[test]
    fn a_password_is_not_printed() {
        let url = |text| shown(&Url::parse(text).unwrap());
        assert_eq!(url("https://kim:s3cret@aura/health"), "https://kim:***@aura/health");
        assert_eq!(url("http://aura:9000/health"), "http://aura:9000/health");
    }

    #[test]
    fn every_address_means_this_machine() {
        assert_eq!(reached("0.0.0.0"), "127.0.0.1:9000");
        assert_eq!(reached("::"), "[::1]:9000");
        assert_eq!(reached("10.0.0.7"), "10.0.0.7:9000");
        assert_eq!(reached("aura.internal"), "aura.internal:9000");
    }
}
