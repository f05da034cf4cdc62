//! Section `network`: over which ways keys may go.

use std::net::IpAddr;

use url::Url;

use super::check::Check;
use super::key::{Key, keys};
use super::kinds::{HttpUrl, Texts};
use super::secret;

keys! { KEYS;
    PLAIN_HTTP_HOSTS: Texts = "network.plain_http_hosts", Texts;
}

/// Section `network`, as far as other sections ask for it.
#[derive(Clone, Debug)]
pub(super) struct NetworkSettings {
    plain_http_hosts: Vec<String>,
}

impl NetworkSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        Self { plain_http_hosts: PLAIN_HTTP_HOSTS.read(check).unwrap_or_default() }
    }

    /// The address of a service to which a key is sent along, if there is one, beside the address or in
    /// it. Nobody on the way is to see that, so plain `http://` leads to this machine only, or to a host
    /// that this section names. `None`: it is not set, or there is a fault.
    pub(super) fn url_for_key<N: AsRef<str>>(
        &self,
        check: &mut Check,
        key: &Key<HttpUrl, N>,
        has_key: bool,
    ) -> Option<Url> {
        let url = key.read(check)?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let is_here = host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let has_key = has_key || secret::has_key(&url);
        if !has_key || url.scheme() == "https" || is_here || self.plain_http_hosts.contains(&host) {
            return Some(url);
        }
        let setting = PLAIN_HTTP_HOSTS.variable();
        let problem = format!(
            "would send a key over plain http://: use https://, or name the host {host} in {setting}"
        );
        key.fault(check, problem);
        None
    }
}
