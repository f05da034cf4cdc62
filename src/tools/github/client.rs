//! Where GitHub is, the token for it, and the one way to ask it something.

use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};

use super::{GitHubConfig, SetupError};
use crate::http_client::{self, Patience};

/// The version of the API that is spoken.
pub(super) const API_VERSION: &str = "2022-11-28";
/// How answers are asked for where nothing else is.
pub(super) const JSON: &str = "application/vnd.github+json";
/// Longest wait for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// GitHub's API.
pub(super) struct Client {
    http: reqwest::Client,
    api: Url,
    authorization: Option<HeaderValue>,
    /// Taken out of what GitHub says.
    pub(super) token: Option<SecretString>,
    pub(super) timeout: Duration,
    pub(super) max_output_bytes: usize,
}

impl Client {
    pub(super) fn new(config: GitHubConfig) -> Result<Self, SetupError> {
        let patience = Patience {
            // Whoever cannot connect is to be told so, not that the time is up.
            connect: CONNECT_MAX.min(config.timeout / 2),
            // Only a net: the deadline of a call comes before it.
            read: config.timeout * 2,
        };
        let authorization = config.token.as_ref().map(|token| {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
                .map_err(|_| SetupError::Token)?;
            value.set_sensitive(true);
            Ok::<_, SetupError>(value)
        });
        Ok(Self {
            http: http_client::build(patience)?,
            api: config.api,
            authorization: authorization.transpose()?,
            token: config.token,
            timeout: config.timeout,
            max_output_bytes: config.max_output_bytes,
        })
    }

    /// The address of something, from the segments of its path and its query; each is encoded.
    pub(super) fn url<'a>(
        &self,
        path: impl IntoIterator<Item = &'a str>,
        query: &[(&str, &str)],
    ) -> Url {
        let mut url = self.api.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Whether an address that GitHub gave is one of its API: the token goes nowhere else.
    pub(super) fn is_ours(&self, url: &Url) -> bool {
        url.origin() == self.api.origin()
    }

    /// A request with everything that each one has.
    pub(super) fn request(&self, method: Method, url: Url, accept: &str) -> RequestBuilder {
        let request = self
            .http
            .request(method, url)
            .header(ACCEPT, accept)
            .header("x-github-api-version", API_VERSION);
        match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        }
    }
}
