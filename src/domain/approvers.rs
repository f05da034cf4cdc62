//! Who may approve what: a policy of the configuration, and what people are told of it.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use thiserror::Error;

use super::caller::Caller;
use super::ids::UserId;
use super::number::whole;
use super::role::Role;

/// Who may approve a tool's calls: a policy of the configuration, checked against the caller's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvers {
    /// Which people of the tenant.
    pub who: Who,
    /// How many different ones have to say yes.
    pub count: NonZeroU32,
}

/// Which people of a tenant may approve.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", rename = "Approvers")]
#[schemars(extend("pattern" = r"^(tenant|requester|not_requester|role:.+)$"))]
pub enum Who {
    /// Everybody.
    Tenant,
    /// Only who asks for it: who started the run, or who changed the arguments since.
    Requester,
    /// Everybody but who asks for it.
    NotRequester,
    /// Whoever has this role.
    Role(Role),
}

impl Default for Approvers {
    fn default() -> Self {
        Self { who: Who::Tenant, count: NonZeroU32::MIN }
    }
}

impl Approvers {
    /// Whether any answer of the tenant will do, also one that says nothing certain of its sender,
    /// such as a published signal.
    pub fn is_anybody(&self) -> bool {
        *self == Self::default()
    }

    /// Whether more people than one have to have seen what is approved: then nobody approves what
    /// they have just changed (contract, section 5.3, 9).
    pub fn want_another_pair_of_eyes(&self) -> bool {
        match self.who {
            Who::NotRequester => true,
            Who::Tenant | Who::Requester | Who::Role(_) => self.count > NonZeroU32::MIN,
        }
    }

    /// Whether this caller may approve what `requester` asks for.
    pub fn include(&self, caller: &Caller, requester: &UserId) -> bool {
        match &self.who {
            Who::Tenant => true,
            Who::Requester => caller.user == *requester,
            Who::NotRequester => caller.user != *requester,
            Who::Role(role) => caller.roles.include(role),
        }
    }
}

impl fmt::Display for Approvers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count > NonZeroU32::MIN {
            write!(f, "{} of ", self.count)?;
        }
        self.who.fmt(f)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant => f.write_str("tenant"),
            Self::Requester => f.write_str("requester"),
            Self::NotRequester => f.write_str("not_requester"),
            Self::Role(role) => write!(f, "role:{role}"),
        }
    }
}

impl Serialize for Who {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that names no approvers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "must be \"tenant\", \"requester\", \"not_requester\" or \"role:<name>\", \
     with \"<number> of \" before it if several have to approve"
)]
pub struct NoApprovers;

impl FromStr for Approvers {
    type Err = NoApprovers;

    fn from_str(text: &str) -> Result<Self, NoApprovers> {
        let (count, who) = match text.split_once(" of ") {
            Some((count, who)) => (count.trim().parse().map_err(|_| NoApprovers)?, who),
            None => (NonZeroU32::MIN, text),
        };
        match (who.parse()?, count) {
            // There is only one of them.
            (Who::Requester, count) if count > NonZeroU32::MIN => Err(NoApprovers),
            (who, count) => Ok(Self { who, count }),
        }
    }
}

impl FromStr for Who {
    type Err = NoApprovers;

    fn from_str(text: &str) -> Result<Self, NoApprovers> {
        match text.trim() {
            "tenant" => Ok(Self::Tenant),
            "requester" => Ok(Self::Requester),
            "not_requester" => Ok(Self::NotRequester),
            who => match who.strip_prefix("role:").and_then(Role::named) {
                Some(role) => Ok(Self::Role(role)),
                None => Err(NoApprovers),
            },
        }
    }
}

/// What people are told of who has to say yes to a request, and of how far that has come. It is a
/// copy for them: the settings and the store decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", from = "Told")]
pub struct Quorum {
    /// Which people of the tenant.
    pub approvers: Who,
    /// How many different ones have to say yes.
    pub approvals_needed: NonZeroU32,
    /// How many have; once it is approved, whoever decided it included.
    pub approvals: u32,
}

impl Quorum {
    /// Everybody has said yes who has to, since the request is approved. The last of them is noted nowhere
    /// but in the decision.
    pub fn complete(&mut self) {
        self.approvals = self.approvals.max(self.approvals_needed.get());
    }
}

impl From<&Approvers> for Quorum {
    fn from(policy: &Approvers) -> Self {
        Self { approvers: policy.who.clone(), approvals_needed: policy.count, approvals: 0 }
    }
}

/// The same as it may be found stored: by an older process without any of it, or written back by
/// somebody else in another form. What cannot be read is what holds unless the settings say otherwise.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    approvers: Value,
    approvals_needed: Value,
    approvals: Value,
}

impl From<Told> for Quorum {
    fn from(told: Told) -> Self {
        let count = |value: &Value| whole(value).and_then(|count| u32::try_from(count).ok());
        let who = told.approvers.as_str().and_then(|text| text.parse().ok());
        let needed = count(&told.approvals_needed).and_then(NonZeroU32::new);
        Self {
            approvers: who.unwrap_or(Who::Tenant),
            approvals_needed: needed.unwrap_or(NonZeroU32::MIN),
            approvals: count(&told.approvals).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::TenantId;

    #[test]
    fn approvers_read_as_they_are_written() {
        for text in ["tenant", "requester", "not_requester", "role:manager", "2 of role:manager"] {
            assert_eq!(text.parse::<Approvers>().unwrap().to_string(), text);
        }
        for text in ["", "everybody", "role:", "0 of tenant", "x of tenant", "2 of requester"] {
            assert!(text.parse::<Approvers>().is_err(), "{text}");
        }
        assert!("1 of tenant".parse::<Approvers>().unwrap().is_anybody());
        assert!(!"2 of tenant".parse::<Approvers>().unwrap().is_anybody());
    }

    #[test]
    fn who_may_approve_is_read_from_the_caller() {
        let caller = |user: &str, role: Option<&str>| Caller {
            tenant: TenantId::new("tenant1"),
            user: UserId::new(user),
            roles: role.and_then(Role::named).into_iter().collect(),
        };
        let (kim, lee) = (caller("kim", None), caller("lee", Some("manager")));
        let may = |policy: &str, caller: &Caller| {
            policy.parse::<Approvers>().unwrap().include(caller, &UserId::new("kim"))
        };
        assert!(may("tenant", &kim) && may("tenant", &lee));
        assert!(may("requester", &kim) && !may("requester", &lee));
        assert!(!may("not_requester", &kim) && may("not_requester", &lee));
        assert!(!may("role:manager", &kim) && may("role:manager", &lee));
    }

    #[test]
    fn where_one_person_will_do_they_may_change_what_they_approve() {
        let four_eyes =
            |policy: &str| policy.parse::<Approvers>().unwrap().want_another_pair_of_eyes();
        for one in ["tenant", "requester", "role:manager"] {
            assert!(!four_eyes(one), "{one}");
        }
        for several in ["not_requester", "2 of tenant", "2 of role:manager", "2 of not_requester"] {
            assert!(four_eyes(several), "{several}");
        }
    }

    #[test]
    fn what_people_are_told_reads_back_also_where_somebody_else_has_written_it_anew() {
        let policy: Approvers = "2 of role:manager".parse().unwrap();
        let told = Quorum { approvals: 1, ..Quorum::from(&policy) };
        let text = serde_json::to_string(&told).unwrap();
        assert_eq!(text, r#"{"approvers":"role:manager","approvalsNeeded":2,"approvals":1}"#);
        let anew = r#"{"approvers":"role:manager","approvalsNeeded":2.0,"approvals":1.0}"#;
        for text in [text.as_str(), anew] {
            assert_eq!(serde_json::from_str::<Quorum>(text).unwrap(), told);
        }
        let older: Quorum = serde_json::from_str("{}").unwrap();
        assert_eq!(older, Quorum::from(&Approvers::default()));
    }
}
