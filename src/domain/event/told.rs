//! Events as their readers find them (contract, section 4.2): what [`super::payload`] has written, read
//! back by those who show it in another form. What a reader does not know yet is [`ToldEvent::Other`].

use serde::Deserialize;
use serde_json::Value;

use super::{EndStatus, NoticeMark};
use crate::domain::json;
use crate::domain::message::Usage;
use crate::domain::plan::StepStatus;
use crate::domain::time::UnixSeconds;

/// An event, and when it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// `timestamp`.
    pub at: UnixSeconds,
    /// Everything else.
    pub event: ToldEvent,
}

/// What an event tells.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ToldEvent {
    /// The run has begun.
    Start {
        /// For people.
        message: String,
        /// The conversation.
        #[serde(default)]
        thread_id: String,
        /// The model's name.
        #[serde(default)]
        model: String,
    },
    /// What the agent thinks.
    Thought {
        /// Of which kind.
        #[serde(default)]
        thought_type: ThoughtType,
        /// The thought.
        content: String,
    },
    /// A new step of the plan.
    PlanStep(ToldStep),
    /// A step has moved.
    PlanStepUpdate {
        /// The step.
        step_id: String,
        /// Where it stands now.
        status: StepStatus,
        /// A sentence.
        #[serde(default)]
        description: String,
    },
    /// A tool call has moved.
    ToolExecution(ToldCall),
    /// A person is asked.
    Hitl(Asked),
    /// A piece of the answer, or a notice.
    Content {
        /// The text.
        content: String,
        /// What belongs to it.
        #[serde(default)]
        metadata: Value,
    },
    /// Something went wrong.
    Error(ToldError),
    /// The run failed for want of an answer.
    Failed {
        /// For people.
        message: String,
        /// The request that nobody answered.
        #[serde(default)]
        request_id: String,
    },
    /// The run is over.
    End {
        /// For people.
        message: String,
        /// How it ended.
        status: EndStatus,
        /// Tokens used.
        #[serde(default)]
        usage: Usage,
        /// From the start of the run, in milliseconds.
        #[serde(default)]
        duration_ms: u64,
    },
    /// One that says nothing of its own (the timeline's), or that is not known yet.
    #[serde(other)]
    Other,
}

/// Kinds of thought, as far as they are shown differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThoughtType {
    /// What a model streams as its reasoning: comes in pieces.
    Reasoning,
    /// Any other, which is whole.
    #[default]
    #[serde(other)]
    Whole,
}

/// A step of the plan.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldStep {
    /// Unique within the run.
    #[serde(default)]
    pub step_id: String,
    /// A few words.
    pub title: String,
    /// A sentence.
    #[serde(default)]
    pub description: String,
    /// Where it stands.
    pub status: StepStatus,
    /// Its place, from 1.
    #[serde(default)]
    pub order: u64,
}

/// A tool call.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldCall {
    /// The call.
    pub tool_call_id: String,
    /// The tool.
    pub tool_name: String,
    /// Its arguments, as far as they are shown.
    #[serde(default)]
    pub tool_args: Value,
    /// Where it stands.
    pub status: CallStatus,
    /// What came of it.
    #[serde(default)]
    pub result: Value,
    /// How long that is, where not all of it is here.
    #[serde(default)]
    pub result_bytes: Option<u64>,
    /// Why nothing came of it.
    #[serde(default)]
    pub error: Option<String>,
    /// How long it ran, in milliseconds.
    #[serde(default)]
    pub duration_ms: Option<u64>,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// Waiting for a person.
    Pending,
    /// At work.
    Running,
    /// Done.
    Success,
    /// Tried without success, or not to be tried.
    Failed,
    /// Never run, or stopped.
    Cancelled,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Its id.
    pub request_id: String,
    /// The tool.
    #[serde(default)]
    pub action_type: String,
    /// For people.
    pub message: String,
    /// The tool's arguments, as far as they are shown.
    #[serde(default)]
    pub context: Value,
    /// How long these are, where not all of them are here.
    #[serde(default)]
    pub context_bytes: Option<u64>,
    /// Until when it may be answered, in seconds since the Unix epoch.
    #[serde(default)]
    pub expires_at: i64,
    /// Who may approve.
    #[serde(default)]
    pub approvers: String,
    /// How many have to.
    #[serde(default)]
    pub approvals_needed: u64,
    /// How many have.
    #[serde(default)]
    pub approvals: u64,
    /// What will happen.
    #[serde(default)]
    pub preview: Option<ToldPreview>,
}

/// What will happen.
#[derive(Clone, Debug, PartialEq, Deserialize, serde::Serialize)]
pub struct ToldPreview {
    /// `diff`, `text` or `checklist`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// A few words.
    #[serde(default)]
    pub title: String,
    /// In several lines.
    #[serde(default)]
    pub content: String,
}

/// An error.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldError {
    /// What was wrong, precisely.
    pub error: String,
    /// Its class.
    #[serde(default)]
    pub error_type: String,
    /// The platform's code.
    #[serde(default)]
    pub error_code: String,
    /// For people.
    #[serde(default)]
    pub message: String,
    /// Whether the same request may succeed later.
    #[serde(default)]
    pub retryable: bool,
}

impl Told {
    /// Reads an event's flat payload; `None` if it is none.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let value = json::read_document(payload).ok()?;
        let at = value.get("timestamp").and_then(Value::as_u64).unwrap_or_default();
        Some(Self { at: UnixSeconds::new(at), event: serde_json::from_value(value).ok()? })
    }
}

impl NoticeMark {
    /// Whether a `content` event with this `metadata` is a notice (contract, section 4.4).
    pub fn is_on(metadata: &Value) -> bool {
        Self::deserialize(metadata).is_ok_and(|mark| mark.notice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(payload: &str) -> Option<ToldEvent> {
        Told::read(payload.as_bytes()).map(|told| told.event)
    }

    #[test]
    fn an_event_that_is_not_known_yet_is_no_fault() {
        assert_eq!(event(r#"{"type":"hologram","x":1}"#), Some(ToldEvent::Other));
        assert_eq!(event("{"), None);
        let thought = r#"{"type":"thought","thoughtType":"dream","content":"x"}"#;
        let content = "x".to_owned();
        let expected = ToldEvent::Thought { thought_type: ThoughtType::Whole, content };
        assert_eq!(event(thought), Some(expected));
    }

    #[test]
    fn a_notice_is_told_from_a_piece_of_the_answer() {
        assert!(NoticeMark::is_on(&serde_json::json!({"notice": true})));
        assert!(!NoticeMark::is_on(&serde_json::json!({})) && !NoticeMark::is_on(&Value::Null));
    }
}
