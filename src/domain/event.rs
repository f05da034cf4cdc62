//! The typed events of the stream and their flat payloads (contract, section 4.2).

use std::time::Duration;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::approval::ApprovalRequest;
use super::confidence::Confidence;
use super::error_code::ErrorCode;
use super::error_type::ErrorType;
use super::ids::{RequestId, SessionId, StepId, ThreadId, ToolCallId};
use super::message::Usage;
use super::plan::PlanStep;
use super::session::SessionStatus;
use super::time::UnixSeconds;

mod arguments;
mod one_line;
mod payload;
mod piece;
mod request;
mod shown;
pub mod told;

pub use arguments::{Lost, lost, shown_value};
pub use one_line::json_line;
pub use payload::{EventSchema, FRAME_MAX, PAYLOAD_MAX, event_schemas};
pub use piece::Piece;
pub use request::shown_request;
pub use shown::RESULT_SHOWN_MAX;

/// What a client can be told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The run has begun.
    Start {
        /// For people.
        message: String,
        /// The conversation.
        thread_id: ThreadId,
        /// The model's name.
        model: String,
    },
    /// What the agent thinks.
    Thought {
        /// Of which kind.
        kind: ThoughtKind,
        /// The thought.
        content: String,
        /// What it rests on: tools, pages.
        sources: Vec<String>,
    },
    /// A new step of the plan.
    PlanStep(PlanStep),
    /// A step has moved.
    PlanStepUpdate(PlanStep),
    /// The same, for the timeline.
    TimelineStepUpdate(PlanStep),
    /// A tool call has moved.
    ToolExecution(ToolExecution),
    /// A person is asked.
    Hitl {
        /// What is asked.
        request: Box<ApprovalRequest>,
        /// The step that waits.
        step_id: StepId,
        /// How sure the model was, where its probabilities say so; a guess has no place here.
        confidence: Option<Confidence>,
    },
    /// A piece of the answer.
    Content {
        /// The text.
        content: Piece,
        /// Whether it is a piece (`true`) or the whole answer.
        chunk: bool,
        /// Anything that belongs to the answer.
        metadata: Value,
    },
    /// A `content` event that is no part of an answer: it says that there is none, for those who are
    /// shown nothing else (contract, section 4.4).
    Notice {
        /// One sentence for people.
        content: Piece,
    },
    /// Something went wrong.
    Error(ErrorEvent),
    /// The run failed for want of an answer.
    Failed {
        /// For people.
        message: String,
        /// What happened.
        error: String,
        /// Its class.
        error_type: ErrorType,
        /// The request that nobody answered.
        request_id: RequestId,
    },
    /// The run is over.
    End {
        /// For people.
        message: String,
        /// How it ended.
        status: EndStatus,
        /// Tokens used.
        usage: Usage,
        /// From the start of the run, waiting included.
        duration: Duration,
    },
}

/// The kinds of thought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ThoughtType")]
pub enum ThoughtKind {
    /// Reading the request.
    Analysis,
    /// Choosing steps.
    Planning,
    /// Working something out.
    Reasoning,
    /// Acting on a person's decision.
    Decision,
    /// Looking back.
    Reflection,
}

/// Where a tool call stands, with what belongs to that.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolState {
    /// Waiting for a person.
    Pending,
    /// At work.
    Running,
    /// Over.
    Ended {
        /// What came of it.
        outcome: ToolOutcome,
        /// How long it ran; nothing if it never did.
        duration: Duration,
    },
}

/// Where a tool call stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// Waiting for a person.
    Pending,
    /// At work.
    Running,
    /// Done, with a result.
    Success,
    /// Tried without success, or not to be tried.
    Failed,
    /// Never run, or stopped.
    Cancelled,
}

/// What came of a tool call.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolOutcome {
    /// Done, with this result.
    Success(Value),
    /// Tried without success, or not to be tried: why.
    Failed(String),
    /// Never run, or stopped because its run was cancelled; why, where somebody said so.
    Cancelled(Option<String>),
}

impl ToolState {
    /// The end of a call that never ran.
    pub fn never_ran(outcome: ToolOutcome) -> Self {
        Self::Ended { outcome, duration: Duration::ZERO }
    }

    /// What clients are told of it (contract, section 4.2).
    pub fn status(&self) -> ToolStatus {
        match self {
            Self::Pending => ToolStatus::Pending,
            Self::Running => ToolStatus::Running,
            Self::Ended { outcome: ToolOutcome::Success(_), .. } => ToolStatus::Success,
            Self::Ended { outcome: ToolOutcome::Failed(_), .. } => ToolStatus::Failed,
            Self::Ended { outcome: ToolOutcome::Cancelled(_), .. } => ToolStatus::Cancelled,
        }
    }

    fn result(&self) -> Option<&Value> {
        match self {
            Self::Ended { outcome: ToolOutcome::Success(result), .. } => Some(result),
            Self::Ended { outcome: ToolOutcome::Failed(_) | ToolOutcome::Cancelled(_), .. }
            | Self::Pending
            | Self::Running => None,
        }
    }

    fn error(&self) -> Option<&str> {
        match self {
            Self::Ended { outcome: ToolOutcome::Failed(error), .. } => Some(error),
            Self::Ended { outcome: ToolOutcome::Cancelled(error), .. } => error.as_deref(),
            Self::Ended { outcome: ToolOutcome::Success(_), .. }
            | Self::Pending
            | Self::Running => None,
        }
    }

    fn duration(&self) -> Option<Duration> {
        match self {
            Self::Ended { duration, .. } => Some(*duration),
            Self::Pending | Self::Running => None,
        }
    }
}

/// A tool call as clients see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolExecution {
    /// The call.
    pub call_id: ToolCallId,
    /// The tool.
    pub tool: String,
    /// Its arguments: what was shown is what runs. Empty if the model wrote something else than a
    /// JSON object.
    pub arguments: Map<String, Value>,
    /// Whether a person must agree.
    pub requires_approval: bool,
    /// Where it stands.
    pub state: ToolState,
}

/// An error as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorEvent {
    /// What was wrong, precisely.
    pub error: String,
    /// Its class.
    pub error_type: ErrorType,
    /// The platform's code.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndStatus {
    /// With an answer.
    Completed,
    /// With an error or a missed deadline.
    Failed,
    /// A person said no.
    Rejected,
    /// Somebody cancelled it.
    Cancelled,
}

impl From<EndStatus> for SessionStatus {
    fn from(status: EndStatus) -> Self {
        match status {
            EndStatus::Completed => Self::Completed,
            EndStatus::Failed => Self::Failed,
            EndStatus::Rejected => Self::Rejected,
            EndStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl Event {
    /// The SSE `event` field, and the payload's `type`.
    pub fn kind(&self) -> &'static str {
        payload::kind_of(self)
    }

    /// The flat payload: one line of JSON. However long the texts and values in it are, its frame has at
    /// most [`FRAME_MAX`] bytes: what does not fit is cut, and its full length told.
    pub fn payload(&self, session: &SessionId, now: UnixSeconds) -> Bytes {
        payload::of(self, session, now)
    }
}

impl ErrorEvent {
    /// The SSE `event` field, and the payload's `type`.
    pub const KIND: &'static str = payload::ERROR_KIND;

    /// The payload of the event, in the same way; `None`: there is no session yet.
    pub fn payload(&self, session: Option<&SessionId>, now: UnixSeconds) -> Bytes {
        payload::of_error(self, session, now)
    }
}

/// What the `metadata` of a `content` event says of it, where it is a notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NoticeMark {
    /// Whether it is no part of the answer.
    pub notice: bool,
}
