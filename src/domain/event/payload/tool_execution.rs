//! How a tool call moves.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::shown::Shares;
use super::super::{ToolExecution, ToolStatus};
use super::Fields;
use crate::domain::time::whole_ms;

/// A tool call has moved. A call has one of these events for each status that it comes to.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ToolExecution")]
pub(super) struct ToolExecuted<'a> {
    /// The name by which the AI workspace knows this event.
    event: Workspace,
    /// The call, unique within the run.
    tool_call_id: Cow<'a, str>,
    /// The tool.
    tool_name: Cow<'a, str>,
    /// The same as `toolName`.
    tool: Cow<'a, str>,
    /// The arguments of the call. Where they had to be cut, the last ones are left out, and long values are
    /// the beginnings of their text. Empty if the model wrote something else than a JSON object.
    tool_args: Cow<'a, Map<String, Value>>,
    /// The same as `toolArgs`.
    params: Cow<'a, Map<String, Value>>,
    /// The full length of the arguments as JSON, in bytes; only there if they had to be cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_args_bytes: Option<usize>,
    /// Where the call stands.
    status: ToolStatus,
    /// Whether a person must agree before the tool runs.
    requires_approval: bool,
    /// What the tool gave, if it succeeded: any JSON value, or the beginning of its text where it had to be
    /// cut.
    result: Option<Value>,
    /// The full length of the result as JSON, in bytes; only there if it had to be cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    result_bytes: Option<usize>,
    /// Why the call failed or was cancelled, where that is known.
    error: Option<Cow<'a, str>>,
    /// How long the tool ran, in milliseconds, once the call is over; 0 if it never ran.
    duration_ms: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Workspace {
    ActionExecution,
}

impl Fields for ToolExecuted<'_> {
    const KIND: &'static str = "tool_execution";
}

impl<'a> ToolExecuted<'a> {
    pub(super) fn shown(call: &'a ToolExecution, shares: Shares) -> Self {
        let tool: Cow<'a, str> = shares.name(&call.tool).into();
        let (arguments, tool_args_bytes) = shares.arguments(&call.arguments);
        let (result, result_bytes) = shares.result(call.state.result());
        Self {
            event: Workspace::ActionExecution,
            tool_call_id: shares.id(call.call_id.as_str()),
            tool_name: tool.clone(),
            tool,
            tool_args: arguments.clone(),
            params: arguments,
            tool_args_bytes,
            status: call.state.status(),
            requires_approval: call.requires_approval,
            result,
            result_bytes,
            error: call.state.error().map(|error| shares.text(error)),
            duration_ms: call.state.duration().map(whole_ms),
        }
    }
}
