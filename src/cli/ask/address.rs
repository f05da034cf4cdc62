//! The address of the server that is asked.

use std::fmt;

use reqwest::Url;
use thiserror::Error;

/// An address below which the server's routes are: http or https, a host, perhaps a path, and nothing secret.
#[derive(Clone, Debug)]
pub(super) struct Address {
    url: Url,
    /// The same as people read it, without a slash at its end.
    shown: String,
}

/// Why a text is no address. Nothing of the text is in it, since there may be a password in that.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum NotAnAddress {
    #[error("http:// or https:// is missing at its beginning")]
    NoScheme,
    #[error("must begin with http:// or https://")]
    OtherScheme,
    #[error("must have no user and no password in it; --token or AURA_TOKEN says who asks")]
    Credentials,
    #[error("must have neither ? nor #")]
    Query,
    #[error("{0}")]
    Malformed(String),
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, NotAnAddress> {
        if !text.contains("://") {
            return Err(NotAnAddress::NoScheme);
        }
        let url = Url::parse(text).map_err(|error| NotAnAddress::Malformed(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(NotAnAddress::OtherScheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotAnAddress::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(NotAnAddress::Query);
        }
        let shown = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, shown })
    }

    /// The address of a path below this one. Whatever a segment has in it, it stays one segment.
    pub(super) fn below(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        // An address with a host has segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_with_a_host_and_perhaps_a_path() {
        let shown = |text: &str| Address::parse(text).unwrap().to_string();
        assert_eq!(shown("http://127.0.0.1:9000/"), "http://127.0.0.1:9000");
        assert_eq!(shown("https://portal.example/api"), "https://portal.example/api");
        for bad in ["", "127.0.0.1:9000", "ftp://host", "http://host/?x=1", "http://host/#x"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_without_its_scheme_is_told_what_is_missing() {
        for text in ["127.0.0.1:9101", "localhost:9101", "portal.example/api", "u:p@host", ""] {
            assert_eq!(Address::parse(text).unwrap_err(), NotAnAddress::NoScheme, "{text}");
        }
    }

    #[test]
    fn no_address_has_a_password_in_it_and_no_refusal_shows_one() {
        for text in ["http://u:s3cret@host", "http://:s3cret@host/api", "https://s3cret@host"] {
            assert_eq!(Address::parse(text).unwrap_err(), NotAnAddress::Credentials, "{text}");
        }
        for text in ["http://u:s3cret@", "ftp://u:s3cret@host", "http://u:s3cret@host:port"] {
            let told = Address::parse(text).unwrap_err().to_string();
            assert!(!told.contains("s3cret"), "{told}");
        }
    }

    #[test]
    fn no_id_makes_another_path_of_a_path() {
        let of = |base: &str, id: &str| {
            Address::parse(base).unwrap().below(&["approvals", id, "approve"]).to_string()
        };
        assert_eq!(of("http://host", "req_1"), "http://host/approvals/req_1/approve");
        assert_eq!(of("http://host/api", "req_1"), "http://host/api/approvals/req_1/approve");
        let hostile = of("http://host/api", "../../sessions/victim/cancel?x=#y");
        assert_eq!(
            hostile,
            "http://host/api/approvals/..%2F..%2Fsessions%2Fvictim%2Fcancel%3Fx=%23y/approve"
        );
    }
}
