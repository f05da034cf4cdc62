//! What the inbox of a tenant keeps of each request (contract, section 5.6).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::approval::{ApprovalRequest, Decision};
use super::author::Author;
use super::ids::UserId;
use super::seal::TenantSealable;
use super::session::SessionMeta;
use super::time::UnixMs;

mod shown;

pub use shown::ShownApproval;

/// What has happened to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum InboxChange {
    /// It was asked.
    Asked,
    /// One of several people has said yes.
    Endorsed,
    /// It was decided.
    Decided,
}

impl InboxChange {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Asked, Self::Endorsed, Self::Decided];

    /// The word for it on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Endorsed => "endorsed",
            Self::Decided => "decided",
        }
    }
}

/// A request as it stood after a change, with what a list tells of it besides. Stores keep it sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboxItem {
    /// The change.
    pub change: InboxChange,
    /// When that was: when it was asked, or when it was decided.
    pub at_ms: UnixMs,
    /// The request, whose long fields may be cut.
    pub request: ApprovalRequest,
    /// The beginning of what its run was asked to do.
    pub prompt: String,
    /// Who has said yes, where several have to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endorsed_by: Vec<UserId>,
    /// Who decided, and how that is known; nobody, as long as nobody has.
    #[serde(flatten)]
    pub author: Author,
}

impl TenantSealable for InboxItem {
    const KIND: &'static str = "inbox_item";
}

impl InboxItem {
    /// A request that was asked; `meta` is its session, as long as that is known.
    pub fn asked(meta: Option<&SessionMeta>, request: &ApprovalRequest) -> Self {
        Self {
            change: InboxChange::Asked,
            at_ms: request.created_at,
            request: request.clone(),
            prompt: meta.map(|meta| meta.listed().prompt).unwrap_or_default(),
            endorsed_by: Vec::new(),
            author: Author::Nobody,
        }
    }

    /// The same as it was before anybody had said anything.
    pub fn as_asked(&self) -> Self {
        let mut request = self.request.reopened();
        request.quorum.approvals = 0;
        Self {
            change: InboxChange::Asked,
            at_ms: request.created_at,
            request,
            prompt: self.prompt.clone(),
            endorsed_by: Vec::new(),
            author: Author::Nobody,
        }
    }

    /// The same once so many people have said yes.
    #[must_use]
    pub fn endorsed(mut self, given: u32, at_ms: UnixMs) -> Self {
        self.request.quorum.approvals = given.max(self.request.quorum.approvals);
        Self { change: InboxChange::Endorsed, at_ms, ..self }
    }

    /// The same once it is decided.
    #[must_use]
    pub fn decided(self, decision: &Decision) -> Self {
        Self {
            change: InboxChange::Decided,
            at_ms: decision.at_ms,
            request: self.request.resolved(decision),
            author: decision.author.clone(),
            ..self
        }
    }

    /// What is kept of it while it waits: all but what can be long. That is read from the request.
    pub fn head(&self) -> Self {
        let request = ApprovalRequest {
            context: Value::Null,
            message: String::new(),
            preview: None,
            more: Map::new(),
            ..self.request.clone()
        };
        Self { request, ..self.clone() }
    }

    /// Whether this person has decided it, or is one of those who have said yes. Who a signal says that
    /// it comes from is nobody's word.
    pub fn is_decided_by(&self, user: &UserId) -> bool {
        let decided = match &self.author {
            Author::Checked(author) => author == user,
            Author::Known(_) | Author::Heard(_) | Author::Nobody => false,
        };
        decided || self.endorsed_by.contains(user)
    }
}
