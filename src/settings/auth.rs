//! Section `auth`: the key of the tokens, and who has which role.

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use uuid::Uuid;

use super::Purpose;
use super::check::Check;
use super::key::{Key, keys};
use super::kinds::{Each, Flag, Secret, Time, each, seconds};
use super::tables::{Table, table};
use crate::domain::{DecisionSeal, Role, RoleGrants, TenantId, UserId};
use crate::token::TokenKey;

keys! { KEYS;
    JWT_SECRET: Secret = "auth.jwt_secret", Secret, env: ["JWT_SECRET", "SECRET_KEY"];
    JWT_SECRET_PREVIOUS: Secret =
        "auth.jwt_secret_previous", Secret, env: ["JWT_SECRET_PREVIOUS"];
    LEEWAY: Time = "auth.leeway_seconds", seconds(0..=300);
    CLOSE_STREAMS_AT_EXPIRY: Flag = "auth.close_streams_at_expiry", Flag;
    ROLES: Table<Each<Member>> = "auth.roles", table("lists of users", each());
}

/// Section `auth`.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// The key of the tokens.
    pub key: TokenKey,
    /// Another key that verifies tokens too.
    pub previous: Option<TokenKey>,
    /// What seals decisions in the store, by the same secret; it opens what the other one has sealed, too.
    pub seal: DecisionSeal,
    /// Where the key came from.
    pub key_origin: KeyOrigin,
    /// By how much clocks may differ.
    pub leeway: Duration,
    /// Whether a stream is broken off when the token that opened it expires.
    pub close_streams_at_expiry: bool,
    /// The roles that users have besides those of their tokens.
    pub roles: RoleGrants,
}

/// Where the key of the tokens came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// Somebody has set it.
    Settings,
    /// It was made up, and what it signs counts for this process only.
    ThrowAway,
}

impl AuthSettings {
    /// `None` only together with a fault.
    pub(super) fn read(check: &mut Check, purpose: Purpose) -> Option<Self> {
        let leeway = LEEWAY.read(check);
        let close_streams_at_expiry = CLOSE_STREAMS_AT_EXPIRY.read(check);
        let roles = roles(check);
        let (secret, key_origin) = match JWT_SECRET.read(check) {
            Some(secret) => (secret, KeyOrigin::Settings),
            None => (throw_away_secret(check, purpose)?, KeyOrigin::ThrowAway),
        };
        let mut seal = DecisionSeal::new(secret.expose_secret().as_bytes());
        let previous = JWT_SECRET_PREVIOUS.read(check);
        if let Some(previous) = &previous {
            seal = seal.also_opening(previous.expose_secret().as_bytes());
        }
        let previous = previous.and_then(|previous| strong(&previous, &JWT_SECRET_PREVIOUS, check));
        let key = strong(&secret, &JWT_SECRET, check)?;
        Some(Self { key, previous, seal, key_origin, leeway, close_streams_at_expiry, roles })
    }
}

/// The key of a secret that nobody can guess; any other is a fault.
fn strong(secret: &SecretString, setting: &Key<Secret>, check: &mut Check) -> Option<TokenKey> {
    let key = TokenKey::new(secret);
    key.map_err(|weak| setting.fault(check, weak.to_string())).ok()
}

/// The secret of a process that was given none; for production that is a fault.
fn throw_away_secret(check: &mut Check, purpose: Purpose) -> Option<SecretString> {
    match purpose {
        Purpose::Dev | Purpose::Inspection => {
            let random = [Uuid::new_v4(), Uuid::new_v4()].map(|part| part.simple().to_string());
            Some(SecretString::from(random.concat()))
        }
        Purpose::Production => {
            let variable = JWT_SECRET.variable();
            let problem = format!(
                "not set: set {variable} to the key that signs the tokens, at least 32 bytes (to \
                 make one: `openssl rand -hex 32`); `serve --dev` needs none"
            );
            JWT_SECRET.fault(check, problem);
            None
        }
    }
}

/// The table of roles, each with its list of users.
fn roles(check: &mut Check) -> RoleGrants {
    let mut grants = RoleGrants::default();
    for (name, users) in ROLES.entries(check) {
        let Some(role) = Role::named(&name) else {
            users.fault(check, "a role's name must not be blank");
            continue;
        };
        for Member { tenant, user } in users.read(check) {
            grants.grant(role.clone(), tenant, user);
        }
    }
    grants
}

/// Who has a role: `<tenant>/<user>`. What comes after the first slash is the user's.
struct Member {
    tenant: TenantId,
    user: UserId,
}

/// A text that names no member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum NoMember {
    #[error("every entry must be <tenant>/<user>, for instance 1/7")]
    Form,
    #[error("every entry must name one user, there is no \"*\"")]
    Everybody,
}

impl FromStr for Member {
    type Err = NoMember;

    fn from_str(entry: &str) -> Result<Self, NoMember> {
        let (tenant, user) = entry.split_once('/').ok_or(NoMember::Form)?;
        match (tenant.trim(), user.trim()) {
            ("", _) | (_, "") => Err(NoMember::Form),
            ("*", _) | (_, "*") => Err(NoMember::Everybody),
            (tenant, user) => Ok(Self { tenant: TenantId::new(tenant), user: UserId::new(user) }),
        }
    }
}
