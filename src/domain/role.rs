//! Roles: what a token or the settings say that somebody is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::ids::{TenantId, UserId};

/// The name of a role; never blank, without blanks around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Role(Arc<str>);

impl Role {
    /// The role of that name; `None` if the name is blank.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        (!name.is_empty()).then(|| Self(Arc::from(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The roles that somebody has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// Whether this role is among them.
    pub fn include(&self, role: &Role) -> bool {
        self.0.contains(role)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These roles and those.
    #[must_use]
    pub fn and(mut self, more: &Self) -> Self {
        self.0.extend(more.0.iter().cloned());
        self
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().collect())
    }
}

/// As the claim `role` holds them: one as a text, several as a list.
impl Serialize for Roles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names: Vec<&str> = self.0.iter().map(Role::as_str).collect();
        match names.as_slice() {
            [only] => serializer.serialize_str(only),
            several => several.serialize(serializer),
        }
    }
}

/// Roles that the settings give to users, since the platform's tokens carry none (contract,
/// section 2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleGrants(BTreeMap<(TenantId, UserId), Roles>);

impl RoleGrants {
    /// Gives a role to a user.
    pub fn grant(&mut self, role: Role, tenant: TenantId, user: UserId) {
        self.0.entry((tenant, user)).or_default().0.insert(role);
    }

    /// The roles of a user: those of the token, and those that were granted.
    pub fn complete(&self, token: Roles, tenant: &TenantId, user: &UserId) -> Roles {
        match self.0.get(&(tenant.clone(), user.clone())) {
            Some(granted) => token.and(granted),
            None => token,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str) -> Role {
        Role::named(name).unwrap()
    }

    #[test]
    fn a_role_has_a_name() {
        assert_eq!(Role::named(" \t"), None);
        assert_eq!(role(" auditor ").as_str(), "auditor");
    }

    #[test]
    fn what_is_granted_comes_on_top_of_the_token_and_belongs_to_one_user_of_one_tenant() {
        let mut grants = RoleGrants::default();
        grants.grant(role("maintainer"), TenantId::new("1"), UserId::new("7"));
        let roles = |tenant: &str, user: &str| {
            let token = Roles::from_iter([role("auditor")]);
            grants.complete(token, &TenantId::new(tenant), &UserId::new(user))
        };
        let both = roles("1", "7");
        assert!(both.include(&role("auditor")) && both.include(&role("maintainer")));
        for (tenant, user) in [("1", "8"), ("2", "7"), ("7", "1")] {
            assert!(!roles(tenant, user).include(&role("maintainer")), "{tenant}/{user}");
        }
    }

    #[test]
    fn one_role_is_written_as_a_text_and_several_as_a_list() {
        let json = |names: &[&str]| {
            let roles: Roles = names.iter().map(|name| role(name)).collect();
            serde_json::to_string(&roles).unwrap()
        };
        assert_eq!(json(&["a"]), r#""a""#);
        assert_eq!(json(&["b", "a"]), r#"["a","b"]"#);
    }
}
