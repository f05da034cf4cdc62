//! What the server says, as far as a terminal shows it (contract, section 4.2). Everything in it is
//! foreign: [`super::screen`] makes it harmless.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::event::{EndStatus, NoticeMark};
use crate::domain::{Usage, json};

/// An event of the stream.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(super) enum Event {
    Start {
        message: String,
        #[serde(default)]
        model: String,
    },
    Thought {
        #[serde(default)]
        thought_type: ThoughtType,
        content: String,
    },
    PlanStep {
        title: String,
        #[serde(default)]
        order: u64,
    },
    ToolExecution(ToolExecution),
    Hitl(Asked),
    Content {
        content: String,
        #[serde(default)]
        metadata: Value,
    },
    Error {
        error: String,
        #[serde(default)]
        error_type: String,
        #[serde(default)]
        message: String,
    },
    Failed {
        message: String,
        #[serde(default)]
        request_id: String,
    },
    End {
        message: String,
        status: EndStatus,
        #[serde(default)]
        usage: Usage,
        #[serde(default)]
        duration_ms: u64,
    },
    /// One that this program does not show, or does not know yet.
    #[serde(other)]
    Other,
}

/// Kinds of thought, as far as they are shown differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ThoughtType {
    /// In pieces.
    Reasoning,
    /// Of what a person decided.
    Decision,
    #[default]
    #[serde(other)]
    Other,
}

/// A tool's call has moved.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolExecution {
    pub(super) tool_call_id: String,
    pub(super) tool_name: String,
    #[serde(default)]
    pub(super) tool_args: Value,
    pub(super) status: CallStatus,
    #[serde(default)]
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) duration_ms: Option<u64>,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CallStatus {
    Pending,
    Running,
    Success,
    Failed,
    Cancelled,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    pub(super) request_id: String,
    #[serde(default)]
    pub(super) action_type: String,
    pub(super) message: String,
    #[serde(default)]
    pub(super) context: Value,
    /// How long the arguments are, where not all of them are here.
    #[serde(default)]
    pub(super) context_bytes: Option<u64>,
    /// In seconds since the Unix epoch.
    #[serde(default)]
    pub(super) expires_at: i64,
    #[serde(default)]
    pub(super) approvers: String,
    #[serde(default)]
    pub(super) approvals_needed: u64,
    #[serde(default)]
    pub(super) approvals: u64,
    #[serde(default)]
    pub(super) preview: Option<Preview>,
}

/// What will happen.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Preview {
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) content: String,
}

/// A stored question: how it stands, and its arguments, whole.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Standing {
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) outcome: Option<String>,
    #[serde(default)]
    pub(super) context: Value,
}

impl Event {
    /// An event's payload; `None` if it is none.
    pub(super) fn read(data: &str) -> Option<Self> {
        serde_json::from_value(json::read_document(data.as_bytes()).ok()?).ok()
    }

    /// Whether it is a sentence for people in place of an answer (contract, section 4.4).
    pub(super) fn is_notice(metadata: &Value) -> bool {
        NoticeMark::deserialize(metadata).is_ok_and(|mark| mark.notice)
    }
}

impl Standing {
    /// Whether an answer may still count.
    pub(super) fn is_open(&self) -> bool {
        self.status == "pending" && self.outcome.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_not_known_yet_is_no_fault() {
        assert_eq!(Event::read(r#"{"type":"hologram","x":1}"#), Some(Event::Other));
        assert_eq!(Event::read("{"), None);
        let thought = r#"{"type":"thought","thoughtType":"dream","content":"x"}"#;
        let content = "x".to_owned();
        let expected = Event::Thought { thought_type: ThoughtType::Other, content };
        assert_eq!(Event::read(thought), Some(expected));
    }
}
