//! Events as the lines of JSON that clients read (contract, section 4.2), none of them too long for a frame.
//!
//! Each type of event is a struct below this module, which is written as it stands there: the order of its
//! fields is the order of the bytes, and its JSON Schema, which `/aura/asyncapi.json` has, is made from it.
//!
//! What others write into an event can have any length. So an event is written with as much of each text
//! and value as a frame has room for in usual cases; where that comes to too much, it is written again with
//! shares that are measured to fit.

use std::borrow::Cow;
use std::marker::PhantomData;

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::one_line::json_line;
use super::shown::Shares;
use super::{ErrorEvent, Event};
use crate::domain::ids::SessionId;
use crate::domain::time::UnixSeconds;

mod content;
mod hitl;
mod plan;
mod run;
mod schemas;
mod thought;
mod tool_execution;

use content::Content;
use hitl::Hitl;
use plan::{PlanStepAdded, PlanStepUpdate, TimelineStepUpdate};
use run::{End, Error, Failed, Start};
pub use schemas::{EventSchema, event_schemas};
use thought::Thought;
use tool_execution::ToolExecuted;

/// Most bytes of one frame (contract, section 4.1).
pub const FRAME_MAX: usize = 16 * 1024;
/// Most bytes of a payload: around it a frame has the event's id, twice its name, the names of the fields
/// and the ends of the lines.
pub const PAYLOAD_MAX: usize = FRAME_MAX - 160;

/// The type of errors.
pub(super) const ERROR_KIND: &str = Error::KIND;

/// The fields that one type of event has besides those of every payload.
pub(super) trait Fields: Serialize + JsonSchema {
    /// The SSE `event` field, and the payload's `type`.
    const KIND: &'static str;
}

// What stands before its own fields in the payload of every event. Without a description: the schema has
// that of the fields.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{F}Event")]
struct Payload<S, F: Fields> {
    /// The version of the payloads. A change that a client could not read would be another version.
    version: Version,
    /// The type of the event, the same as the SSE `event` field.
    #[serde(rename = "type")]
    kind: Kind<F>,
    /// When the event was made, in Unix seconds.
    timestamp: UnixSeconds,
    /// The session, which is one run.
    session_id: S,
    #[serde(flatten)]
    fields: F,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
enum Version {
    #[serde(rename = "1.0")]
    First,
}

/// The constant `type` of a payload.
struct Kind<F>(PhantomData<F>);

impl<F: Fields> Serialize for Kind<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(F::KIND)
    }
}

impl<F: Fields> JsonSchema for Kind<F> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        F::KIND.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "const": F::KIND})
    }
}

/// The payload of an event of a session.
pub(super) fn of(event: &Event, session: &SessionId, now: UnixSeconds) -> Bytes {
    match event {
        Event::Error(error) => of_error(error, Some(session), now),
        other => fitted(|shares| shares.line(other, session, now)),
    }
}

/// The payload of an error, which alone can come before there is a session.
pub(super) fn of_error(error: &ErrorEvent, session: Option<&SessionId>, now: UnixSeconds) -> Bytes {
    fitted(|shares| line(session, now, Error::shown(error, shares)))
}

/// What is written, as long as a payload can be at most.
fn fitted(written: impl Fn(Shares) -> Vec<u8>) -> Bytes {
    Shares::fitted(PAYLOAD_MAX, written, Vec::len).into()
}

fn line<S: Serialize, F: Fields>(session_id: S, timestamp: UnixSeconds, fields: F) -> Vec<u8> {
    let kind = Kind(PhantomData);
    let payload = Payload { version: Version::First, kind, timestamp, session_id, fields };
    // Every map key is text and every value is JSON already.
    json_line(&payload)
}

impl Shares {
    fn line(self, event: &Event, session: &SessionId, now: UnixSeconds) -> Vec<u8> {
        match event {
            Event::Start { message, thread_id, model } => {
                line(session, now, Start::shown(message, thread_id, model, self))
            }
            Event::Thought { kind, content, sources } => {
                line(session, now, Thought::shown(*kind, content, sources, self))
            }
            Event::PlanStep(step) => line(session, now, PlanStepAdded::shown(step, self)),
            Event::PlanStepUpdate(step) => line(session, now, PlanStepUpdate::shown(step, self)),
            Event::TimelineStepUpdate(step) => {
                line(session, now, TimelineStepUpdate::shown(step, self))
            }
            Event::ToolExecution(call) => line(session, now, ToolExecuted::shown(call, self)),
            Event::Hitl { request, step_id, confidence } => {
                line(session, now, Hitl::shown(request, step_id, *confidence, self))
            }
            Event::Content { content, chunk, metadata } => {
                line(session, now, Content::shown(content, *chunk, metadata, self))
            }
            Event::Notice { content } => line(session, now, Content::notice(content, self)),
            Event::Error(error) => line(session, now, Error::shown(error, self)),
            Event::Failed { message, error, error_type, request_id } => {
                line(session, now, Failed::shown((message, error), *error_type, request_id, self))
            }
            Event::End { message, status, usage, duration } => {
                line(session, now, End::shown(message, *status, *usage, *duration, self))
            }
        }
    }
}

/// The SSE `event` field of an event, and its payload's `type`.
pub(super) fn kind_of(event: &Event) -> &'static str {
    match event {
        Event::Start { .. } => Start::KIND,
        Event::Thought { .. } => Thought::KIND,
        Event::PlanStep(_) => PlanStepAdded::KIND,
        Event::PlanStepUpdate(_) => PlanStepUpdate::KIND,
        Event::TimelineStepUpdate(_) => TimelineStepUpdate::KIND,
        Event::ToolExecution(_) => ToolExecuted::KIND,
        Event::Hitl { .. } => Hitl::KIND,
        Event::Content { .. } | Event::Notice { .. } => Content::KIND,
        Event::Error(_) => Error::KIND,
        Event::Failed { .. } => Failed::KIND,
        Event::End { .. } => End::KIND,
    }
}

#[cfg(test)]
mod tests;
