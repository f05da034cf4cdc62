//! Section `github`.

use secrecy::SecretString;
use url::Url;

use super::check::Check;
use super::key::keys;
use super::kinds::{HttpUrl, Secret};
use super::network::NetworkSettings;

keys! { KEYS;
    TOKEN: Secret = "github.token", Secret, env: ["GITHUB_TOKEN"];
    API_URL: HttpUrl = "github.api_url", HttpUrl, env: ["GITHUB_API_URL"];
}

/// Section `github`.
#[derive(Clone, Debug)]
pub struct GitHubSettings {
    /// `None`: the tools are not configured.
    pub token: Option<SecretString>,
    /// The REST API's base.
    pub api_url: Url,
    /// Whether a person set it.
    pub own_api_url: bool,
}

impl GitHubSettings {
    /// `None` only together with a fault.
    pub(super) fn read(check: &mut Check, network: &NetworkSettings) -> Option<Self> {
        let own_api_url = API_URL.is_explicit(check);
        let token = TOKEN.read(check);
        let api_url = network.url_for_key(check, &API_URL, token.is_some())?;
        Some(Self { token, api_url, own_api_url })
    }
}
