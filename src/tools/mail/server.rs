//! A mail server as its URL describes it.

use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::{MailServerConfig, SetupError};

/// Where a server is and how it is spoken to.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) login: Option<Login>,
    pub(super) timeout: Duration,
}

/// How a connection is protected.
pub(super) enum Security {
    /// Not at all: for a server of one's own, on this machine or network.
    None,
    /// TLS after a greeting in the clear; without it nothing is sent.
    StartTls(TlsParameters),
    /// TLS from the first byte.
    Implicit(TlsParameters),
}

/// User and password.
pub(super) struct Login {
    user: String,
    pub(super) password: SecretString,
}

impl Login {
    pub(super) fn credentials(&self) -> Credentials {
        Credentials::new(self.user.clone(), self.password.expose_secret().to_owned())
    }
}

impl Server {
    pub(super) fn new(config: &MailServerConfig) -> Result<Self, SetupError> {
        let url = Url::parse(config.url.expose_secret())
            .map_err(|_| SetupError::Url("must be a URL that starts with smtp:// or smtps://"))?;
        let (host, is_local) = host(&url)?;
        let encrypted = is_encrypted(&url)?;
        let login = login(&url)?;
        if login.is_some() && !encrypted && !is_local {
            let fault = "tls=none would send the password in the clear: only to this machine";
            return Err(SetupError::Url(fault));
        }
        let security = match (url.scheme(), encrypted) {
            ("smtps", _) => Security::Implicit(tls(config, &host)?),
            (_, true) => Security::StartTls(tls(config, &host)?),
            (_, false) => Security::None,
        };
        let usual_port = if url.scheme() == "smtps" { 465 } else { 587 };
        let port = url.port().unwrap_or(usual_port);
        Ok(Self { host, port, security, login, timeout: config.timeout })
    }

    /// The user, if there is one.
    pub(super) fn user(&self) -> Option<&str> {
        self.login.as_ref().map(|login| login.user.as_str())
    }
}

/// The name or address to connect to, and whether that is this machine.
fn host(url: &Url) -> Result<(String, bool), SetupError> {
    // Of schemes that it does not know, the URL type takes any host for a name.
    let host = url.host_str().ok_or(SetupError::Url("it names no host"))?;
    match Host::parse(host).map_err(|_| SetupError::Url("its host is no host name"))? {
        Host::Domain(name) => {
            let is_local = name == "localhost";
            Ok((name, is_local))
        }
        Host::Ipv4(address) => Ok((address.to_string(), address.is_loopback())),
        Host::Ipv6(address) => Ok((address.to_string(), address.is_loopback())),
    }
}

/// Whether nothing may go out in the clear: always, unless the query says `tls=none`.
fn is_encrypted(url: &Url) -> Result<bool, SetupError> {
    let mut encrypted = true;
    for (name, value) in url.query_pairs() {
        match (&*name, &*value, url.scheme()) {
            ("tls", "none", "smtp") => encrypted = false,
            ("tls", "required", "smtp" | "smtps") => encrypted = true,
            _ => return Err(SetupError::Url("its query may be ?tls=none or ?tls=required")),
        }
    }
    Ok(encrypted)
}

fn login(url: &Url) -> Result<Option<Login>, SetupError> {
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(|text| text.into_owned())
            .map_err(|_| SetupError::Url("its user or password is not UTF-8"))
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(SetupError::Url("needs both user and password, or none")),
        (user, Some(password)) => {
            let password = SecretString::from(decoded(password)?);
            Ok(Some(Login { user: decoded(user)?, password }))
        }
    }
}

/// TLS 1.2 or newer, with the public roots and those of the settings.
fn tls(config: &MailServerConfig, host: &str) -> Result<TlsParameters, SetupError> {
    let mut tls = TlsParameters::builder(host.to_owned());
    let Some(pem) = &config.ca else {
        return tls.build().map_err(|error| SetupError::Tls(error.to_string()));
    };
    let unusable = |error| SetupError::Ca(format!("cannot be used: {error}"));
    tls = tls.add_root_certificate(Certificate::from_pem(pem).map_err(unusable)?);
    tls.build().map_err(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Result<Server, String> {
        let timeout = Duration::from_secs(1);
        let config = MailServerConfig { url: url.into(), ca: None, timeout };
        Server::new(&config).map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_says_where_how_and_as_whom() {
        let starttls = server("smtp://mail.example").unwrap();
        assert!(matches!(starttls.security, Security::StartTls(_)) && starttls.login.is_none());
        assert_eq!((starttls.host.as_str(), starttls.port), ("mail.example", 587));
        let implicit = server("smtps://aura%40dwp.example:p%40:ss@10.0.0.1").unwrap();
        assert!(matches!(implicit.security, Security::Implicit(_)));
        assert_eq!((implicit.port, implicit.user()), (465, Some("aura@dwp.example")));
        assert_eq!(implicit.login.unwrap().password.expose_secret(), "p@:ss");
        let own = server("smtp://[::1]:2525?tls=none").unwrap();
        assert!(matches!(own.security, Security::None));
        assert_eq!((own.host.as_str(), own.port), ("::1", 2525));
    }

    #[test]
    fn a_password_goes_nowhere_in_the_clear_but_to_this_machine() {
        for url in ["smtp://u:p@localhost?tls=none", "smtp://u:p@127.0.0.1?tls=none"] {
            assert!(server(url).is_ok(), "{url}");
        }
        let refused = server("smtp://u:hunter2@mail.example?tls=none").err().unwrap();
        assert!(refused.contains("in the clear") && !refused.contains("hunter2"), "{refused}");
        for url in [
            "smtp://mail.example?tls=opportunistic",
            "smtps://mail.example?tls=none",
            "smtp://mail.example?ssl=1",
            "smtp://u@mail.example",
            "smtp://:p@mail.example",
        ] {
            assert!(server(url).is_err(), "{url}");
        }
    }
}
