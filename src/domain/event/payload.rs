//! Events as the lines of JSON that clients read (contract, section 4.2), none of them too long for a frame.
//!
//! What others write into an event can have any length. So an event is written with as much of each text
//! and value as a frame has room for in usual cases; where that comes to too much, it is written again with
//! shares that are measured to fit.

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::shown::Shares;
use super::{Event, NoticeMark, ToolExecution, one_line};
use crate::domain::approval::ApprovalRequest;
use crate::domain::ids::SessionId;
use crate::domain::plan::PlanStep;
use crate::domain::time::{UnixSeconds, whole_ms};

/// Most bytes of one frame (contract, section 4.1).
pub const FRAME_MAX: usize = 16 * 1024;
/// Most bytes of a payload: around it a frame has the event's id, twice its name, the names of the fields
/// and the ends of the lines.
pub const PAYLOAD_MAX: usize = FRAME_MAX - 160;

/// The payload of an event, as long as a frame can be at most.
pub(super) fn of(event: &Event, session: Option<&SessionId>, now: UnixSeconds) -> Bytes {
    let written = |shares| {
        let stamped = Stamped { event, session, now, shares };
        // Every map key is a literal and every value is JSON already, so nothing here can fail.
        one_line::to_vec(&stamped).unwrap_or_else(|_| b"{}".to_vec())
    };
    Shares::fitted(PAYLOAD_MAX, written, Vec::len).into()
}

struct Stamped<'a> {
    event: &'a Event,
    session: Option<&'a SessionId>,
    now: UnixSeconds,
    shares: Shares,
}

impl Serialize for Stamped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", "1.0")?;
        map.serialize_entry("type", self.event.kind())?;
        map.serialize_entry("timestamp", &self.now)?;
        map.serialize_entry("sessionId", &self.session)?;
        self.shares.write_fields(&mut map, self.event)?;
        map.end()
    }
}

impl Shares {
    fn write_fields<M: SerializeMap>(self, map: &mut M, event: &Event) -> Result<(), M::Error> {
        match event {
            Event::Start { message, thread_id, model } => {
                map.serialize_entry("message", &self.text(message))?;
                map.serialize_entry("threadId", &self.text(thread_id.as_str()))?;
                map.serialize_entry("model", &self.text(model))
            }
            Event::Thought { kind, content, sources } => {
                map.serialize_entry("event", "thought_chain")?;
                map.serialize_entry("thoughtType", kind)?;
                map.serialize_entry("content", &self.text(content))?;
                map.serialize_entry("sources", &self.names(sources))
            }
            Event::PlanStep(step) => self.write_plan_step(map, step),
            Event::PlanStepUpdate(step) => self.write_plan_step_update(map, step),
            Event::TimelineStepUpdate(step) => self.write_timeline_update(map, step),
            Event::ToolExecution(call) => self.write_tool_execution(map, call),
            Event::Hitl { request, step_id, confidence } => {
                self.write_question(map, request)?;
                map.serialize_entry("stepId", step_id)?;
                if let Some(confidence) = confidence {
                    map.serialize_entry("confidence", confidence)?;
                }
                self.write_terms(map, request)
            }
            Event::Content { content, chunk, metadata } => {
                map.serialize_entry("content", content.as_str())?;
                map.serialize_entry("chunk", chunk)?;
                map.serialize_entry("metadata", &self.metadata(metadata))
            }
            Event::Notice { content } => {
                map.serialize_entry("content", &self.text(content.as_str()))?;
                map.serialize_entry("chunk", &false)?;
                map.serialize_entry("metadata", &NoticeMark { notice: true })
            }
            Event::Error(error) => {
                map.serialize_entry("error", &self.text(&error.error))?;
                map.serialize_entry("errorType", &error.error_type)?;
                map.serialize_entry("errorCode", error.code.code())?;
                map.serialize_entry("message", &self.text(&error.message))?;
                map.serialize_entry("retryable", &error.retryable)
            }
            Event::Failed { message, error, error_type, request_id } => {
                map.serialize_entry("message", &self.text(message))?;
                map.serialize_entry("error", &self.text(error))?;
                map.serialize_entry("errorType", error_type)?;
                map.serialize_entry("requestId", request_id)
            }
            Event::End { message, status, usage, duration } => {
                map.serialize_entry("message", &self.text(message))?;
                map.serialize_entry("status", status)?;
                map.serialize_entry("usage", usage)?;
                map.serialize_entry("durationMs", &whole_ms(*duration))
            }
        }
    }

    fn write_plan_step<M: SerializeMap>(
        self,
        map: &mut M,
        step: &PlanStep,
    ) -> Result<(), M::Error> {
        map.serialize_entry("stepId", &step.step_id)?;
        map.serialize_entry("id", &step.step_id)?;
        map.serialize_entry("title", &self.text(&step.title))?;
        let description = self.text(&step.description);
        map.serialize_entry("description", &description)?;
        map.serialize_entry("content", &description)?;
        map.serialize_entry("status", &step.status)?;
        map.serialize_entry("confidence", &step.confidence)?;
        map.serialize_entry("order", &step.order)
    }

    fn write_plan_step_update<M: SerializeMap>(
        self,
        map: &mut M,
        step: &PlanStep,
    ) -> Result<(), M::Error> {
        map.serialize_entry("stepId", &step.step_id)?;
        map.serialize_entry("id", &step.step_id)?;
        map.serialize_entry("status", &step.status)?;
        map.serialize_entry("progress", &step.status.progress())?;
        map.serialize_entry("confidence", &step.confidence)?;
        map.serialize_entry("description", &self.text(&step.description))
    }

    fn write_timeline_update<M: SerializeMap>(
        self,
        map: &mut M,
        step: &PlanStep,
    ) -> Result<(), M::Error> {
        map.serialize_entry("stepId", &step.step_id)?;
        map.serialize_entry("id", &step.step_id)?;
        map.serialize_entry("title", &self.text(&step.title))?;
        map.serialize_entry("status", &step.status)?;
        map.serialize_entry("progress", &step.status.progress())
    }

    fn write_tool_execution<M: SerializeMap>(
        self,
        map: &mut M,
        call: &ToolExecution,
    ) -> Result<(), M::Error> {
        map.serialize_entry("event", "action_execution")?;
        map.serialize_entry("toolCallId", &self.id(call.call_id.as_str()))?;
        let tool = self.name(&call.tool);
        map.serialize_entry("toolName", &tool)?;
        map.serialize_entry("tool", &tool)?;
        let (arguments, full_length) = self.arguments(&call.arguments);
        map.serialize_entry("toolArgs", &arguments)?;
        map.serialize_entry("params", &arguments)?;
        if let Some(bytes) = full_length {
            map.serialize_entry("toolArgsBytes", &bytes)?;
        }
        map.serialize_entry("status", call.state.word())?;
        map.serialize_entry("requiresApproval", &call.requires_approval)?;
        let (result, full_length) = self.result(call.state.result());
        map.serialize_entry("result", &result)?;
        if let Some(bytes) = full_length {
            map.serialize_entry("resultBytes", &bytes)?;
        }
        map.serialize_entry("error", &call.state.error().map(|error| self.text(error)))?;
        map.serialize_entry("durationMs", &call.state.duration().map(whole_ms))
    }

    fn write_question<M: SerializeMap>(
        self,
        map: &mut M,
        request: &ApprovalRequest,
    ) -> Result<(), M::Error> {
        map.serialize_entry("event", "hitl_request")?;
        map.serialize_entry("requestId", &request.request_id)?;
        map.serialize_entry("id", &request.request_id)?;
        let action = self.name(&request.action_type);
        map.serialize_entry("actionType", &action)?;
        map.serialize_entry("action", &action)?;
        map.serialize_entry("message", &self.text(&request.message))?;
        let (context, full_length) = self.value(&request.context);
        map.serialize_entry("context", &context)?;
        map.serialize_entry("params", &context)?;
        if let Some(bytes) = full_length {
            map.serialize_entry("contextBytes", &bytes)?;
        }
        map.serialize_entry("requiresApproval", &true)
    }

    /// Until when somebody may answer, and who.
    fn write_terms<M: SerializeMap>(
        self,
        map: &mut M,
        request: &ApprovalRequest,
    ) -> Result<(), M::Error> {
        map.serialize_entry("expiresAt", &request.deadline.expires_at())?;
        map.serialize_entry("approvers", &request.quorum.approvers)?;
        map.serialize_entry("approvalsNeeded", &request.quorum.approvals_needed)?;
        map.serialize_entry("approvals", &request.quorum.approvals)?;
        match &request.preview {
            Some(preview) => map.serialize_entry("preview", &self.preview(preview)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
