//! Section `audit`: who may read the audit streams, and what seals them.

use secrecy::ExposeSecret;

use super::check::Check;
use super::key::keys;
use super::kinds::{Secret, Text};
use crate::domain::{AuditKey, Role};

/// The least bytes of an audit key: as many as its HMAC-SHA256 has.
const KEY_MIN: usize = 32;

keys! { KEYS;
    ROLE: Text = "audit.role", Text;
    KEY: Secret = "audit.key", Secret;
}

/// Section `audit`.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    /// The role whose callers may read the audit stream; `None`: nobody.
    pub role: Option<Role>,
    /// What seals the entries of audit streams; `None`: nothing.
    pub key: Option<AuditKey>,
}

impl AuditSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        Self { role: role(check), key: key(check) }
    }
}

/// An empty text would be no setting at all, so nobody is said in a word.
fn role(check: &mut Check) -> Option<Role> {
    let role = ROLE.read(check)?;
    Role::named(&role).filter(|role| role.as_str() != "none")
}

/// The key that seals audit entries, where there is one.
fn key(check: &mut Check) -> Option<AuditKey> {
    let key = KEY.read(check)?;
    let bytes = key.expose_secret().as_bytes();
    if bytes.len() < KEY_MIN {
        let has = bytes.len();
        KEY.fault(check, format!("must have at least {KEY_MIN} bytes, has {has}"));
    }
    Some(AuditKey::new(bytes))
}
