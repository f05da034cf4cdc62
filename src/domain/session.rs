//! What is known of a run without reading its journal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::hash::PromptHash;
use super::ids::{EventId, SessionId, TenantId, ThreadId, UserId};
use super::text::first_chars;
use super::time::UnixMs;
use super::trace::RequestTrace;

/// As much of a prompt as the index of sessions keeps, in characters.
const PROMPT_LISTED: usize = 200;

/// Where a run stands (contract, section 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// The whole prompt, or its beginning where `prompt_hash` is there.
    pub prompt: String,
    /// The hash of the whole prompt, where only its beginning is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_hash: Option<PromptHash>,
    /// When it was started.
    pub created_at_ms: UnixMs,
    /// The id of its first journal entry.
    pub first_event: EventId,
    /// By which names the platform follows the request that started it.
    #[serde(default, skip_serializing_if = "RequestTrace::is_empty")]
    pub trace: RequestTrace,
}

impl SessionMeta {
    /// The same as the index of sessions keeps it, with no more of the prompt than lists show: the
    /// whole of it stands in the journal.
    pub fn listed(&self) -> Self {
        let mut listed = self.clone();
        let (shown, left) = first_chars(&self.prompt, PROMPT_LISTED);
        if left > 0 {
            listed.prompt_hash.get_or_insert_with(|| PromptHash::of(&self.prompt));
            listed.prompt = shown.to_owned();
        }
        listed
    }

    /// Whether the session was started with this prompt.
    pub fn was_started_with(&self, prompt: &str) -> bool {
        match &self.prompt_hash {
            Some(whole) => *whole == PromptHash::of(prompt),
            None => self.prompt == prompt,
        }
    }

    /// Whether the session exists for this caller (contract, section 2: it is its starter's alone).
    pub fn belongs_to(&self, caller: &Caller) -> bool {
        self.tenant == caller.tenant && self.user == caller.user
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(prompt: &str) -> SessionMeta {
        SessionMeta {
            session_id: SessionId::new("s"),
            tenant: TenantId::new("t"),
            user: UserId::new("u"),
            thread_id: ThreadId::new("h"),
            prompt: prompt.to_owned(),
            prompt_hash: None,
            created_at_ms: UnixMs::new(1),
            first_event: EventId::new(1),
            trace: RequestTrace::default(),
        }
    }

    #[test]
    fn a_long_prompt_is_cut_in_the_index_and_still_told_from_others() {
        let (short, long) = (meta(&"가".repeat(200)), meta(&"가".repeat(201)));
        assert_eq!(short.listed(), short);
        let listed = long.listed();
        assert_eq!(listed.prompt, short.prompt);
        assert_eq!(listed.listed(), listed, "cut once");
        for meta in [&long, &listed] {
            assert!(meta.was_started_with(&long.prompt));
            assert!(!meta.was_started_with(&short.prompt));
        }
    }
}
