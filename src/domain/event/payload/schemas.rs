//! The JSON Schema of every type of event, made from the structs that are written.

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::content::Content;
use super::hitl::Hitl;
use super::plan::{PlanStepAdded, PlanStepUpdate, TimelineStepUpdate};
use super::run::{End, Error, Failed, Start};
use super::thought::Thought;
use super::tool_execution::ToolExecuted;
use super::{Fields, Payload};
use crate::domain::ids::SessionId;

/// The schema of one type of event.
#[derive(Clone, Debug)]
pub struct EventSchema {
    /// The SSE `event` field, and the payload's `type`.
    pub kind: &'static str,
    /// The name of its definition.
    pub name: String,
    /// A reference to its definition, which the generator has.
    pub schema: Schema,
}

impl EventSchema {
    fn of<S: JsonSchema, F: Fields>(generator: &mut SchemaGenerator) -> Self {
        let schema = generator.subschema_for::<Payload<S, F>>();
        Self { kind: F::KIND, name: Payload::<S, F>::schema_name().into_owned(), schema }
    }
}

/// The payloads of all types of event (contract, section 4.2), in the order in which a run has them.
pub fn event_schemas(generator: &mut SchemaGenerator) -> Vec<EventSchema> {
    type Session = &'static SessionId;
    vec![
        EventSchema::of::<Session, Start<'static>>(generator),
        EventSchema::of::<Session, Thought<'static>>(generator),
        EventSchema::of::<Session, PlanStepAdded<'static>>(generator),
        EventSchema::of::<Session, PlanStepUpdate<'static>>(generator),
        EventSchema::of::<Session, TimelineStepUpdate<'static>>(generator),
        EventSchema::of::<Session, ToolExecuted<'static>>(generator),
        EventSchema::of::<Session, Hitl<'static>>(generator),
        EventSchema::of::<Session, Content<'static>>(generator),
        EventSchema::of::<Option<Session>, Error<'static>>(generator),
        EventSchema::of::<Session, Failed<'static>>(generator),
        EventSchema::of::<Session, End<'static>>(generator),
    ]
}
