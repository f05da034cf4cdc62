//! How every outbound HTTP client is built.
//!
//! The certificate roots are compiled in, because the usual constructor fails on machines without
//! a certificate store, even where only plain HTTP is spoken. The crypto provider is named, because
//! a process-wide default depends on who installed one first. Proxies of the environment and
//! redirects are not followed: a request with a key goes where the settings say, or nowhere.

use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::Resolve;
use reqwest::redirect;
use thiserror::Error;

/// How long a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For the next bytes of an answer, its head included. There is no limit for a whole answer.
    pub read: Duration,
}

/// Why no client could be built; nothing of it depends on the network.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The crypto provider lacks what TLS needs.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The client does not take its configuration.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}

/// A client with its own connection pool; clones of it share the pool.
///
/// # Errors
/// [`BuildError`]; not for anything that is missing on the machine.
pub fn build(patience: Patience) -> Result<reqwest::Client, BuildError> {
    Ok(builder(patience)?.build()?)
}

/// The same, whose names are looked up by `resolver`. An address that stands in a URL is not looked up.
///
/// # Errors
/// As those of [`build`].
pub fn build_resolving(
    patience: Patience,
    resolver: impl Resolve + 'static,
) -> Result<reqwest::Client, BuildError> {
    Ok(builder(patience)?.dns_resolver(resolver).build()?)
}

fn builder(patience: Patience) -> Result<reqwest::ClientBuilder, BuildError> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        .user_agent(concat!("aura-platform/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(patience.connect)
        .read_timeout(patience.read);
    Ok(builder)
}

/// The innermost cause of an error, which alone says what happened ("Connection refused").
pub fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_built_whatever_certificates_the_machine_has() {
        let patience = Patience { connect: Duration::from_secs(1), read: Duration::from_secs(1) };
        assert!(build(patience).is_ok());
    }
}
