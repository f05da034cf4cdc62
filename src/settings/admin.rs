//! Section `admin`: who may operate the service.

use super::check::Check;
use super::key::keys;
use super::kinds::Text;
use crate::domain::Role;

keys! { KEYS;
    ROLE: Text = "admin.role", Text, dev: "operator";
}

/// Section `admin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminSettings {
    /// The role whose callers are operators; `None`: nobody.
    pub role: Option<Role>,
}

impl AdminSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        let role = ROLE.read(check).and_then(|role| Role::named(&role));
        Self { role: role.filter(|role| role.as_str() != "none") }
    }
}
