//! Requests for approval and their one decision.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::audit::ArgumentsHash;
use super::caller::Caller;
use super::ids::{RequestId, SessionId, TenantId, ToolCallId, UserId};
use super::role::Role;

/// What became of a request (contract, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalStatus {
    /// Nobody has decided.
    Pending,
    /// A person said yes.
    Approved,
    /// A person said no.
    Rejected,
    /// Nobody said anything in time.
    TimedOut,
    /// The run was cancelled meanwhile.
    Cancelled,
}

/// The ways in which a request ends; there is no "pending" among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A person said yes.
    Approved,
    /// A person said no.
    Rejected,
    /// Nobody said anything in time.
    TimedOut,
    /// The run was cancelled meanwhile.
    Cancelled,
}

impl From<Verdict> for ApprovalStatus {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approved => Self::Approved,
            Verdict::Rejected => Self::Rejected,
            Verdict::TimedOut => Self::TimedOut,
            Verdict::Cancelled => Self::Cancelled,
        }
    }
}

/// The one decision on a request, as `aura:decision:<requestId>` keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// How the request ended.
    pub verdict: Verdict,
    /// Who decided; `None` for a deadline, and for a signal that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// Why, where a reason was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The arguments that were approved instead of those that were asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Value>,
    /// The hash of the tool and the arguments that whoever approved had before them; `None` if it
    /// is not known what that was, as with a signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args_hash: Option<ArgumentsHash>,
}

impl Decision {
    /// A decision of nobody in particular.
    pub fn of(verdict: Verdict, at_ms: u64) -> Self {
        Self { verdict, by: None, reason: None, at_ms, args: None, args_hash: None }
    }
}

/// Who may approve a tool's calls: a policy of the configuration, checked against the caller's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvers {
    /// Which people of the tenant.
    pub who: Who,
    /// How many different ones have to say yes.
    pub count: NonZeroU32,
}

/// Which people of a tenant may approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody.
    Tenant,
    /// Only who started the run.
    Requester,
    /// Everybody but who started the run.
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

    /// Whether this caller may approve what `requester` has started.
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
        match &self.who {
            Who::Tenant => f.write_str("tenant"),
            Who::Requester => f.write_str("requester"),
            Who::NotRequester => f.write_str("not_requester"),
            Who::Role(role) => write!(f, "role:{role}"),
        }
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
        let who = match who.trim() {
            "tenant" => Who::Tenant,
            "requester" => Who::Requester,
            "not_requester" => Who::NotRequester,
            who => match who.strip_prefix("role:").and_then(Role::named) {
                Some(role) => Who::Role(role),
                None => return Err(NoApprovers),
            },
        };
        match (&who, count) {
            // There is only one of them.
            (Who::Requester, count) if count > NonZeroU32::MIN => Err(NoApprovers),
            _ => Ok(Self { who, count }),
        }
    }
}

/// A request for approval, as `hitl:request:<requestId>` keeps it (contract, section 5.1).
///
/// Unknown fields that another publisher wrote are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRequest {
    /// The request's id.
    pub request_id: RequestId,
    /// The run that waits for it.
    pub session_id: SessionId,
    /// Who started the run.
    pub user_id: UserId,
    /// Whose people may decide.
    pub tenant_id: TenantId,
    /// The tool that is to run.
    pub action_type: String,
    /// The tool's arguments, exactly as they will be used.
    pub context: Value,
    /// What the person is asked, in words.
    pub message: String,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// When it was asked, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// When it ends by itself, in seconds since the Unix epoch.
    pub expires_at: u64,
    /// The call that is to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<ToolCallId>,
    /// The hash of the tool and these arguments: what runs has it, or does not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args_hash: Option<ArgumentsHash>,
    /// Everything else: `approvedBy`, `approvedAt`, `rejectedBy`, `rejectedAt`, `reason`, …
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
}

impl ApprovalRequest {
    /// The same request with its decision written into it.
    #[must_use]
    pub fn resolved(&self, decision: &Decision) -> Self {
        let mut request = self.clone();
        request.status = decision.verdict.into();
        for key in ["approvedBy", "approvedAt", "rejectedBy", "rejectedAt", "reason"] {
            request.more.shift_remove(key);
        }
        let (by, at) = match decision.verdict {
            Verdict::Approved => ("approvedBy", "approvedAt"),
            Verdict::Rejected => ("rejectedBy", "rejectedAt"),
            Verdict::TimedOut | Verdict::Cancelled => return request,
        };
        if let Some(args) = &decision.args {
            request.more.insert("args".into(), args.clone());
        }
        if let Some(user) = &decision.by {
            request.more.insert(by.into(), user.as_str().into());
        }
        request.more.insert(at.into(), decision.at_ms.into());
        if let Some(reason) = &decision.reason {
            request.more.insert("reason".into(), reason.as_str().into());
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
