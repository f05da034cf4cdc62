//! The typed events of the stream and their flat payloads (contract, section 4.2).

use std::borrow::Cow;

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::approval::ApprovalRequest;
use super::confidence::Confidence;
use super::error_code::ErrorCode;
use super::ids::{RequestId, SessionId, StepId, ThreadId, ToolCallId};
use super::message::Usage;
use super::plan::PlanStep;
use super::session::SessionStatus;
use super::text::{escape_invisible, escape_invisible_lines, excerpt};

mod one_line;

/// A call's arguments over this many bytes of JSON are cut in its `tool_execution`; whoever is asked to
/// approve it is shown all of them.
pub const ARGUMENTS_SHOWN_MAX: usize = 8 * 1024;
/// So much of one argument is shown of arguments that are cut, in bytes.
const ARGUMENT_SHOWN_MAX: usize = 1024;
/// So much of a tool's or a page's name is shown, in bytes: a model may make up any.
const NAME_MAX: usize = 200;
/// A tool's result over this many bytes of JSON is cut in the event.
pub const RESULT_SHOWN_MAX: usize = 8 * 1024;

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
        /// The text; under 1 KiB if it is a piece.
        content: String,
        /// Whether it is a piece (`true`) or the whole answer.
        chunk: bool,
        /// Anything that belongs to the answer.
        metadata: Value,
    },
    /// A `content` event that is no part of an answer: it says that there is none, for those who are
    /// shown nothing else (contract, section 4.4).
    Notice {
        /// One sentence for people; under 1 KiB.
        content: String,
    },
    /// Something went wrong.
    Error(ErrorEvent),
    /// The run failed for want of an answer.
    Failed {
        /// For people.
        message: String,
        /// What happened.
        error: String,
        /// Its class, for instance `TimeoutError`.
        error_type: &'static str,
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
        duration_ms: u64,
    },
}

/// The kinds of thought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
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
        /// How long it ran; 0 if it never did.
        duration_ms: u64,
    },
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
        Self::Ended { outcome, duration_ms: 0 }
    }

    /// The word for it (contract, section 4.2).
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Ended { outcome: ToolOutcome::Success(_), .. } => "success",
            Self::Ended { outcome: ToolOutcome::Failed(_), .. } => "failed",
            Self::Ended { outcome: ToolOutcome::Cancelled(_), .. } => "cancelled",
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

    fn duration_ms(&self) -> Option<u64> {
        match self {
            Self::Ended { duration_ms, .. } => Some(*duration_ms),
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
    /// Its class, for instance `RejectionError`.
    pub error_type: &'static str,
    /// The platform's code.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
        match self {
            Self::Start { .. } => "start",
            Self::Thought { .. } => "thought",
            Self::PlanStep(_) => "plan_step",
            Self::PlanStepUpdate(_) => "plan_step_update",
            Self::TimelineStepUpdate(_) => "timeline_step_update",
            Self::ToolExecution(_) => "tool_execution",
            Self::Hitl { .. } => "hitl",
            Self::Content { .. } | Self::Notice { .. } => "content",
            Self::Error(_) => "error",
            Self::Failed { .. } => "failed",
            Self::End { .. } => "end",
        }
    }

    /// The flat payload: one line of JSON. `session` is `None` only for an error that came before
    /// there was a session.
    pub fn payload(&self, session: Option<&SessionId>, unix_seconds: u64) -> Bytes {
        let stamped = Stamped { event: self, session, unix_seconds };
        // Every map key is a literal and every value is JSON already, so nothing here can fail.
        one_line::to_vec(&stamped).unwrap_or_else(|_| b"{}".to_vec()).into()
    }

    fn write_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Start { message, thread_id, model } => {
                map.serialize_entry("message", message)?;
                map.serialize_entry("threadId", thread_id)?;
                map.serialize_entry("model", model)
            }
            Self::Thought { kind, content, sources } => {
                map.serialize_entry("event", "thought_chain")?;
                map.serialize_entry("thoughtType", kind)?;
                map.serialize_entry("content", &escape_invisible_lines(content))?;
                let sources: Vec<_> = sources.iter().map(|name| shown_name(name)).collect();
                map.serialize_entry("sources", &sources)
            }
            Self::PlanStep(step) => write_plan_step(map, step),
            Self::PlanStepUpdate(step) => write_plan_step_update(map, step),
            Self::TimelineStepUpdate(step) => write_timeline_update(map, step),
            Self::ToolExecution(call) => write_tool_execution(map, call),
            Self::Hitl { request, step_id, confidence } => {
                write_hitl(map, request)?;
                map.serialize_entry("stepId", step_id)?;
                if let Some(confidence) = confidence {
                    map.serialize_entry("confidence", confidence)?;
                }
                write_terms(map, request)
            }
            Self::Content { content, chunk, metadata } => {
                map.serialize_entry("content", content)?;
                map.serialize_entry("chunk", chunk)?;
                map.serialize_entry("metadata", metadata)
            }
            Self::Notice { content } => {
                map.serialize_entry("content", &escape_invisible_lines(content))?;
                map.serialize_entry("chunk", &false)?;
                map.serialize_entry("metadata", &NoticeMark { notice: true })
            }
            Self::Error(error) => {
                map.serialize_entry("error", &escape_invisible_lines(&error.error))?;
                map.serialize_entry("errorType", error.error_type)?;
                map.serialize_entry("errorCode", error.code.code())?;
                map.serialize_entry("message", &escape_invisible_lines(&error.message))?;
                map.serialize_entry("retryable", &error.retryable)
            }
            Self::Failed { message, error, error_type, request_id } => {
                map.serialize_entry("message", message)?;
                map.serialize_entry("error", &escape_invisible_lines(error))?;
                map.serialize_entry("errorType", error_type)?;
                map.serialize_entry("requestId", request_id)
            }
            Self::End { message, status, usage, duration_ms } => {
                map.serialize_entry("message", message)?;
                map.serialize_entry("status", status)?;
                map.serialize_entry("usage", usage)?;
                map.serialize_entry("durationMs", duration_ms)
            }
        }
    }
}

/// What the `metadata` of a `content` event says of it, where it is a notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct NoticeMark {
    /// Whether it is no part of the answer.
    pub notice: bool,
}

fn write_plan_step<M: SerializeMap>(map: &mut M, step: &PlanStep) -> Result<(), M::Error> {
    map.serialize_entry("stepId", &step.step_id)?;
    map.serialize_entry("id", &step.step_id)?;
    map.serialize_entry("title", &escape_invisible_lines(&step.title))?;
    let description = escape_invisible_lines(&step.description);
    map.serialize_entry("description", &description)?;
    map.serialize_entry("content", &description)?;
    map.serialize_entry("status", &step.status)?;
    map.serialize_entry("confidence", &step.confidence)?;
    map.serialize_entry("order", &step.order)
}

fn write_plan_step_update<M: SerializeMap>(map: &mut M, step: &PlanStep) -> Result<(), M::Error> {
    map.serialize_entry("stepId", &step.step_id)?;
    map.serialize_entry("id", &step.step_id)?;
    map.serialize_entry("status", &step.status)?;
    map.serialize_entry("progress", &step.status.progress())?;
    map.serialize_entry("confidence", &step.confidence)?;
    map.serialize_entry("description", &escape_invisible_lines(&step.description))
}

fn write_timeline_update<M: SerializeMap>(map: &mut M, step: &PlanStep) -> Result<(), M::Error> {
    map.serialize_entry("stepId", &step.step_id)?;
    map.serialize_entry("id", &step.step_id)?;
    map.serialize_entry("title", &escape_invisible_lines(&step.title))?;
    map.serialize_entry("status", &step.status)?;
    map.serialize_entry("progress", &step.status.progress())
}

fn write_tool_execution<M: SerializeMap>(
    map: &mut M,
    call: &ToolExecution,
) -> Result<(), M::Error> {
    map.serialize_entry("event", "action_execution")?;
    map.serialize_entry("toolCallId", &call.call_id)?;
    let tool = shown_name(&call.tool);
    map.serialize_entry("toolName", &tool)?;
    map.serialize_entry("tool", &tool)?;
    let (arguments, full_length) = shown_arguments(&call.arguments);
    map.serialize_entry("toolArgs", &arguments)?;
    map.serialize_entry("params", &arguments)?;
    if let Some(bytes) = full_length {
        map.serialize_entry("toolArgsBytes", &bytes)?;
    }
    map.serialize_entry("status", call.state.word())?;
    map.serialize_entry("requiresApproval", &call.requires_approval)?;
    let (result, full_length) = shown_result(call.state.result());
    map.serialize_entry("result", &result)?;
    if let Some(bytes) = full_length {
        map.serialize_entry("resultBytes", &bytes)?;
    }
    let error = call.state.error();
    let error = error.map(|error| excerpt(&escape_invisible_lines(error), RESULT_SHOWN_MAX));
    map.serialize_entry("error", &error)?;
    map.serialize_entry("durationMs", &call.state.duration_ms())
}

fn write_hitl<M: SerializeMap>(map: &mut M, request: &ApprovalRequest) -> Result<(), M::Error> {
    map.serialize_entry("event", "hitl_request")?;
    map.serialize_entry("requestId", &request.request_id)?;
    map.serialize_entry("id", &request.request_id)?;
    map.serialize_entry("actionType", &request.action_type)?;
    map.serialize_entry("action", &request.action_type)?;
    map.serialize_entry("message", &escape_invisible_lines(&request.message))?;
    map.serialize_entry("context", &request.context)?;
    map.serialize_entry("params", &request.context)?;
    map.serialize_entry("requiresApproval", &true)
}

/// A tool's or a page's name, as people are shown it.
fn shown_name(name: &str) -> String {
    excerpt(&escape_invisible(name), NAME_MAX)
}

/// Until when somebody may answer, and who.
fn write_terms<M: SerializeMap>(map: &mut M, request: &ApprovalRequest) -> Result<(), M::Error> {
    map.serialize_entry("expiresAt", &request.deadline.expires_at())?;
    map.serialize_entry("approvers", &request.quorum.approvers)?;
    map.serialize_entry("approvalsNeeded", &request.quorum.approvals_needed)?;
    map.serialize_entry("approvals", &request.quorum.approvals)?;
    match &request.preview {
        Some(preview) => map.serialize_entry("preview", preview),
        None => Ok(()),
    }
}

/// The arguments as an event shows them, and their full length in bytes if they had to be cut: then long
/// values are the beginnings of their text, and what does not fit is left out.
fn shown_arguments(arguments: &Map<String, Value>) -> (Cow<'_, Map<String, Value>>, Option<usize>) {
    let length = |value: &Value| value.to_string().len();
    // Braces, and for each argument its quotes, colon and comma.
    let size = |name: &str, value: &Value| name.len() + length(value) + 4;
    let full = arguments.iter().map(|(name, value)| size(name, value)).sum::<usize>() + 1;
    if full <= ARGUMENTS_SHOWN_MAX {
        return (Cow::Borrowed(arguments), None);
    }
    let (mut shown, mut left) = (Map::new(), ARGUMENTS_SHOWN_MAX);
    for (name, value) in arguments {
        let value = shown_argument(value);
        let Some(rest) = left.checked_sub(size(name, &value)) else { break };
        left = rest;
        shown.insert(name.clone(), value);
    }
    (Cow::Owned(shown), Some(full))
}

fn shown_argument(value: &Value) -> Value {
    match value {
        Value::String(text) => excerpt(text, ARGUMENT_SHOWN_MAX).into(),
        Value::Array(_) | Value::Object(_) => {
            let text = value.to_string();
            if text.len() <= ARGUMENT_SHOWN_MAX {
                return value.clone();
            }
            excerpt(&text, ARGUMENT_SHOWN_MAX).into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The result as an event shows it, and its full length in bytes if it had to be cut: the cut one
/// is text, the beginning of the result's JSON.
fn shown_result(result: Option<&Value>) -> (Option<Value>, Option<usize>) {
    let Some(result) = result else { return (None, None) };
    let text = result.to_string();
    if text.len() <= RESULT_SHOWN_MAX {
        return (Some(result.clone()), None);
    }
    let end = text.floor_char_boundary(RESULT_SHOWN_MAX);
    (Some(Value::String(text[..end].to_owned())), Some(text.len()))
}

struct Stamped<'a> {
    event: &'a Event,
    session: Option<&'a SessionId>,
    unix_seconds: u64,
}

impl Serialize for Stamped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", "1.0")?;
        map.serialize_entry("type", self.event.kind())?;
        map.serialize_entry("timestamp", &self.unix_seconds)?;
        map.serialize_entry("sessionId", &self.session)?;
        self.event.write_fields(&mut map)?;
        map.end()
    }
}
