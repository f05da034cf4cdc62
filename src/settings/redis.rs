//! Section `redis`: where runs are kept, whole or in parts.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::api::host;
use super::check::Check;
use super::files::certificates;
use super::key::{Kind, keys};
use super::kinds::{Parsed, Secret, Time, Whole, milliseconds, parsed, seconds, whole};
use super::secret::Visibility;
use crate::redis_url::RedisUrl;

keys! { KEYS;
    URL: ServerUrl = "redis.url", ServerUrl, env: ["REDIS_URL"];
    HOST: Parsed<String> = "redis.host", parsed(host), env: ["REDIS_HOST"];
    PORT: Whole<u16> = "redis.port", whole(1..=u16::MAX), env: ["REDIS_PORT"];
    PASSWORD: Secret = "redis.password", Secret, env: ["REDIS_PASSWORD"];
    CA_FILE: Parsed<Vec<u8>, String> = "redis.ca_file", parsed(certificates);
    COMMAND_TIMEOUT: Time = "redis.command_timeout_ms", milliseconds(100..=60_000);
    PATIENCE: Time = "redis.patience_seconds", seconds(1..=600);
}

/// Section `redis`.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// The Redis to use; `None`: the embedded store.
    pub server: Option<RedisServer>,
    /// How long runs and streams wait for a store that is away.
    pub patience: Duration,
}

/// A Redis, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct RedisServer {
    /// A URL of any form that is understood, with the password where there is one.
    pub url: SecretString,
    /// PEM: who signs the servers' certificates; `None`: the public authorities.
    pub ca: Option<Vec<u8>>,
    /// What one command may take.
    pub command_timeout: Duration,
}

impl RedisSettings {
    /// `None` only together with a fault.
    pub(super) fn read(check: &mut Check) -> Option<Self> {
        let patience = PATIENCE.read(check);
        Some(Self { server: RedisServer::read(check)?, patience })
    }
}

impl RedisServer {
    /// The URL without its user and password.
    pub fn shown_url(&self) -> String {
        ServerUrl::VISIBILITY.masked(self.url.expose_secret())
    }

    /// `Some(None)`: no Redis is set.
    fn read(check: &mut Check) -> Option<Option<Self>> {
        let command_timeout = COMMAND_TIMEOUT.read(check);
        let ca = CA_FILE.read(check);
        let whole = URL.explicit_layer(check);
        let parts = [
            (HOST.name, HOST.explicit_layer(check)),
            (PORT.name, PORT.explicit_layer(check)),
            (PASSWORD.name, PASSWORD.explicit_layer(check)),
        ];
        let highest_part = parts.iter().filter_map(|(_, layer)| *layer).max();
        let url = match (whole, highest_part) {
            (None, None) => return Some(None),
            (whole, part) if whole >= part => {
                for (part, _) in parts.iter().filter(|(_, layer)| layer.is_some()) {
                    note_unused(check, part, URL.name);
                }
                URL.read(check)?
            }
            (whole, _) => {
                if whole.is_some() {
                    let [host, port, password] = parts.map(|(part, _)| part);
                    note_unused(check, URL.name, &format!("{host}, {port} and {password}"));
                }
                SecretString::from(String::from(url_of_parts(check)?))
            }
        };
        Some(Some(Self { url, ca, command_timeout }))
    }
}

/// A URL of any form that is understood; `None` if it is not set.
#[derive(Clone, Copy)]
struct ServerUrl;

impl Kind for ServerUrl {
    type Value = Option<SecretString>;
    const VISIBILITY: Visibility = Visibility::Url;

    fn read(&self, check: &mut Check, name: &str) -> Option<SecretString> {
        let text = check.text(name)?;
        match RedisUrl::parse(text.trim()) {
            Ok(_) => Some(SecretString::from(text.trim())),
            Err(error) => {
                check.fault(name, error.to_string());
                None
            }
        }
    }

    fn values(&self) -> String {
        "redis://, rediss://, redis+sentinel://, redis+cluster://".to_owned()
    }
}

/// Tells that a setting has no effect, because another one wins.
fn note_unused(check: &mut Check, unused: &str, winner: &str) {
    let origin = check.origin(unused).map(|origin| format!(" (from {origin})")).unwrap_or_default();
    check.note(format!("{unused}{origin} has no effect: {winner} wins"));
}

fn url_of_parts(check: &mut Check) -> Option<Url> {
    let host_name = HOST.read(check);
    let port = PORT.read(check);
    // The URL type encodes what would end the password, but takes a percent sign as it is.
    let password = PASSWORD.read(check).map(|text| text.expose_secret().replace('%', "%25"));
    let host_name = match host_name {
        Some(name) if name.contains(':') => format!("[{name}]"),
        Some(name) => name,
        None => "localhost".to_owned(),
    };
    let mut url = Url::parse(&format!("redis://{host_name}:{port}")).ok()?;
    url.set_password(password.as_deref()).ok()?;
    Some(url)
}
