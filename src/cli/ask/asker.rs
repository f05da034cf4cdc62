//! Who asks: a token that somebody gave, or one made on the spot.

use std::path::Path;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::Arguments;
use crate::cli::{CliError, settings};
use crate::domain::{Clock, Roles, SystemClock, TenantId, UserId};
use crate::settings::{Environment, KeyOrigin, Purpose};
use crate::token::{Claims, TokenKey, unverified_tenant};

/// The variable that a token may stand in.
const VARIABLE: &str = "AURA_TOKEN";
/// For how long a token that is made counts; every request has a new one.
const TOKEN_LIFE: Duration = Duration::from_secs(60 * 60);
/// The platform's own first tenant and user.
const FIRST: &str = "1";

const NO_TOKEN: &str = "\
no token: give one with --token, --token-file or AURA_TOKEN (`serve --dev` prints one), or set JWT_SECRET \
to the server's secret";

/// Whoever asks, and in whose name.
pub(super) struct Asker {
    credential: Credential,
    tenant: TenantId,
}

enum Credential {
    Given(SecretString),
    Made { key: Box<TokenKey>, user: UserId },
}

impl Asker {
    /// The asker that the command line, the environment and the settings name, in this order.
    ///
    /// # Errors
    /// No token was given and none can be made, or what was given is not a token with a tenant.
    pub(super) fn of(arguments: &Arguments, environment: &Environment) -> Result<Self, CliError> {
        if let Some(token) = &arguments.token {
            return Self::with("--token", token.expose_secret());
        }
        if let Some(path) = &arguments.token_file {
            return Self::with("--token-file", of_file(path)?.expose_secret());
        }
        let is_named = arguments.sub.is_some() || arguments.tenant.is_some();
        if let (Some(token), false) = (environment.variable(VARIABLE), is_named) {
            return Self::with(VARIABLE, token);
        }
        Self::made(arguments)
    }

    fn with(source: &str, token: &str) -> Result<Self, CliError> {
        let token = token.trim();
        let tenant = unverified_tenant(token).ok_or_else(|| {
            CliError::Input(format!("{source}: not a token that names its tenant (tenant_id)"))
        })?;
        Ok(Self { credential: Credential::Given(SecretString::from(token)), tenant })
    }

    fn made(arguments: &Arguments) -> Result<Self, CliError> {
        let auth = settings(Purpose::Inspection)?.settings.auth;
        match auth.key_origin {
            KeyOrigin::ThrowAway => Err(CliError::Input(NO_TOKEN.to_owned())),
            KeyOrigin::Settings => {
                let user = UserId::new(arguments.sub.as_deref().unwrap_or(FIRST));
                let tenant = TenantId::new(arguments.tenant.as_deref().unwrap_or(FIRST));
                Ok(Self { credential: Credential::Made { key: Box::new(auth.key), user }, tenant })
            }
        }
    }

    /// What a person should know of the token that is used.
    pub(super) fn note(&self) -> Option<String> {
        match &self.credential {
            Credential::Given(_) => None,
            Credential::Made { user, .. } => {
                let tenant = &self.tenant;
                Some(format!("asking as user {user} of tenant {tenant}, with a token made for it"))
            }
        }
    }

    /// The tenant of the token.
    pub(super) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The token for a request that is about to be sent.
    pub(super) fn token(&self) -> Result<SecretString, CliError> {
        match &self.credential {
            Credential::Given(token) => Ok(token.clone()),
            Credential::Made { key, user } => {
                let now = SystemClock.now().second();
                let token = key.issue(&Claims {
                    sub: user.clone(),
                    tenant_id: self.tenant.clone(),
                    iat: Some(now),
                    exp: now.after(TOKEN_LIFE),
                    email: None,
                    roles: Roles::default(),
                });
                Ok(SecretString::from(token.map_err(CliError::failed)?))
            }
        }
    }
}

fn of_file(path: &Path) -> Result<SecretString, CliError> {
    let content = std::fs::read_to_string(path).map_err(|error| {
        CliError::Input(format!("--token-file: {} cannot be read: {error}", path.display()))
    })?;
    Ok(SecretString::from(content))
}
