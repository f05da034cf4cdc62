//! What is known of a run without reading its journal.

use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::ids::{EventId, SessionId, TenantId, ThreadId, UserId};

/// Where a run stands (contract, section 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// At work.
    Running,
    /// Waiting for a person.
    WaitingApproval,
    /// Over, with an answer.
    Completed,
    /// Over, with an error or a deadline missed.
    Failed,
    /// Over, because a person said no.
    Rejected,
    /// Over, because it was cancelled.
    Cancelled,
}

/// The part of a session that never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionMeta {
    /// The session's id.
    pub session_id: SessionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Who started it, and to whom alone it exists.
    pub user: UserId,
    /// The conversation that it is part of.
    pub thread_id: ThreadId,
    /// The whole prompt.
    pub prompt: String,
    /// When it was started, in milliseconds since the Unix epoch.
    pub created_at_ms: u64,
    /// The id of its first journal entry.
    pub first_event: EventId,
}

impl SessionMeta {
    /// Whether the session exists for this caller (contract, section 2: it is its starter's alone).
    pub fn belongs_to(&self, caller: &Caller) -> bool {
        self.tenant == caller.tenant && self.user == caller.user
    }
}
