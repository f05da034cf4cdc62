//! Origins of web pages, as browsers name them and as settings allow them (contract, section 2).

use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;
use url::Url;

/// Which pages may call this service from a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// The pages of one origin, written as browsers write it: in lower case, without a default port.
    Exactly(String),
    /// The pages that are served over plain HTTP on the browser's own machine, from any port of
    /// this host.
    EveryPortOf(Loopback),
}

/// The names of the browser's own machine that can be allowed with every port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loopback {
    /// `localhost`.
    Localhost,
    /// `127.0.0.1`.
    Ipv4,
}

/// One origin, written as browsers write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ExactOrigin(String);

/// A text that is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoOrigin {
    /// It would let every page on the web in.
    #[error("must name each origin: \"*\" would let every web page call this service")]
    Everybody,
    /// `:*` where it has no place.
    #[error("may have \":*\" only as http://localhost:* or http://127.0.0.1:*")]
    EveryPort,
    /// It has not the form of one.
    #[error(
        "must be an origin, http:// or https:// and a host, with a port or without, and no more"
    )]
    Form,
}

impl Loopback {
    const ALL: [Self; 2] = [Self::Localhost, Self::Ipv4];

    const fn origin(self) -> &'static str {
        match self {
            Self::Localhost => "http://localhost",
            Self::Ipv4 => "http://127.0.0.1",
        }
    }

    /// Whether it is this host's origin, without a port or with any.
    fn covers(self, origin: &str) -> bool {
        match origin.strip_prefix(self.origin()) {
            Some("") => true,
            Some(rest) => rest.strip_prefix(':').is_some_and(is_port),
            None => false,
        }
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

impl AllowedOrigin {
    /// Whether a page with this origin, as the browser names it in `Origin`, is meant.
    pub fn covers(&self, origin: &str) -> bool {
        match self {
            Self::Exactly(allowed) => allowed == origin,
            Self::EveryPortOf(host) => host.covers(origin),
        }
    }
}

impl FromStr for AllowedOrigin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        if text == "*" {
            return Err(NoOrigin::Everybody);
        }
        if let Some(host) = text.strip_suffix(":*") {
            let known = Loopback::ALL.into_iter().find(|known| known.origin() == host);
            return known.map(Self::EveryPortOf).ok_or(NoOrigin::EveryPort);
        }
        exact(text).map(Self::Exactly).ok_or(NoOrigin::Form)
    }
}

impl ExactOrigin {
    /// As browsers write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ExactOrigin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        match text {
            "*" => Err(NoOrigin::Everybody),
            _ => exact(text).map(Self).ok_or(NoOrigin::Form),
        }
    }
}

/// The origin as browsers write it, if the text is nothing but an origin.
fn exact(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let is_bare = !rest.contains(['/', '\\', '?', '#', '@', '*']);
    let url = Url::parse(text).ok().filter(|url| is_bare && url.has_host())?;
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    is_web.then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(text: &str) -> AllowedOrigin {
        text.parse().unwrap()
    }

    #[test]
    fn an_origin_is_taken_as_browsers_write_it() {
        for (text, browsers) in [
            ("http://localhost:4200", "http://localhost:4200"),
            ("HTTPS://Portal.Example:443", "https://portal.example"),
            ("http://portal.example:80", "http://portal.example"),
            ("https://포털.example", "https://xn--wv7bl3c.example"),
            ("http://[::1]:4200", "http://[::1]:4200"),
        ] {
            assert_eq!(allowed(text), AllowedOrigin::Exactly(browsers.into()), "{text}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_none() {
        for text in [
            "",
            "null",
            "localhost:4200",
            "//localhost",
            "http://",
            "http:localhost",
            "http://a/",
            "http://a/app",
            "http://a?x",
            "http://a#x",
            "http://me@a",
            "http://a:x",
            "http://a:99999",
            "http://a b",
            "ftp://a",
            "file:///a",
            "data:x",
            "https://*.a",
        ] {
            assert_eq!(text.parse::<AllowedOrigin>(), Err(NoOrigin::Form), "{text}");
        }
        assert_eq!("*".parse::<AllowedOrigin>(), Err(NoOrigin::Everybody));
        for text in ["https://localhost:*", "http://portal.example:*", "http://[::1]:*", ":*"] {
            assert_eq!(text.parse::<AllowedOrigin>(), Err(NoOrigin::EveryPort), "{text}");
        }
    }

    #[test]
    fn an_exact_origin_covers_itself_and_nothing_like_it() {
        let portal = allowed("https://portal.example");
        assert!(portal.covers("https://portal.example"));
        for other in [
            "http://portal.example",
            "https://portal.example:8443",
            "https://portal.example.evil",
            "https://evil.portal.example",
            "https://portal.example/",
            "null",
            "",
        ] {
            assert!(!portal.covers(other), "{other}");
        }
    }

    #[test]
    fn every_port_of_this_machine_is_just_that() {
        for host in ["http://localhost", "http://127.0.0.1"] {
            let every_port = allowed(&format!("{host}:*"));
            for port in ["", ":80", ":4200", ":65535"] {
                assert!(every_port.covers(&format!("{host}{port}")), "{host}{port}");
            }
            for more in [":", ":x", ":65536", ".evil", ":4200/", ":4200.evil", "@evil", ":+80"] {
                assert!(!every_port.covers(&format!("{host}{more}")), "{host}{more}");
            }
        }
        assert!(!allowed("http://localhost:*").covers("https://localhost:4200"));
        assert!(!allowed("http://localhost:*").covers("http://127.0.0.1:4200"));
    }
}
