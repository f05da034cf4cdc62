//! Section `auth`: the key of the tokens, and who has which role.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use uuid::Uuid;

use super::super::Purpose;
use super::super::check::Check;
use super::super::names;
use super::super::sections::{AuthSettings, KeyOrigin};
use crate::domain::{DecisionSeal, Role, RoleGrants, TenantId, UserId};
use crate::token::TokenKey;

impl AuthSettings {
    /// `None` only together with a fault.
    pub(super) fn read(check: &mut Check, purpose: Purpose) -> Option<Self> {
        let leeway = check.seconds("auth.leeway_seconds", 0..=300);
        let close_streams_at_expiry = check.flag("auth.close_streams_at_expiry").unwrap_or(false);
        let roles = roles(check);
        let (secret, key_origin) = match check.secret("auth.jwt_secret") {
            Some(secret) => (secret, KeyOrigin::Settings),
            None => (throw_away_secret(check, purpose)?, KeyOrigin::ThrowAway),
        };
        match TokenKey::new(&secret) {
            Ok(key) => {
                let seal = DecisionSeal::new(secret.expose_secret().as_bytes());
                Some(Self { key, seal, key_origin, leeway, close_streams_at_expiry, roles })
            }
            Err(weak) => {
                check.fault("auth.jwt_secret", weak.to_string());
                None
            }
        }
    }
}

/// The secret of a process that was given none; for production that is a fault.
fn throw_away_secret(check: &mut Check, purpose: Purpose) -> Option<SecretString> {
    match purpose {
        Purpose::Dev | Purpose::Inspection => {
            let random = [Uuid::new_v4(), Uuid::new_v4()].map(|part| part.simple().to_string());
            Some(SecretString::from(random.concat()))
        }
        Purpose::Production => {
            check.fault(
                "auth.jwt_secret",
                "not set: set JWT_SECRET to the key that signs the tokens, at least 32 bytes (to \
                 make one: `openssl rand -hex 32`); `serve --dev` needs none",
            );
            None
        }
    }
}

/// The table of roles, each with its list of users.
fn roles(check: &mut Check) -> RoleGrants {
    let mut grants = RoleGrants::default();
    for name in check.below(names::ROLES) {
        let key = format!("{}.{name}", names::ROLES);
        let Some(role) = Role::named(&name) else {
            check.fault(&key, "a role's name must not be blank");
            continue;
        };
        for Member { tenant, user } in check.each(&key) {
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
