//! What one event of a stream is once a client has taken it apart: its id, its type and its data.
//!
//! OpenAPI 3.1 has no word for the events of a stream. Tools that know `text/event-stream` take the schema of such an
//! answer for the schema of each of its events.

use schemars::{Schema, json_schema};
use serde_json::Value;

use super::super::approvals::events;
use super::super::schemas::Schemas;
use crate::domain::event::{EventSchema, event_schemas};
use crate::sse::frame::Form;

/// What is streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Streamed {
    /// A run, from `start` to the trailer.
    Run(Form),
    /// A refusal, for those who read streams: one `error`, and the trailer.
    Refusal(Form),
    /// The inbox of a tenant, which has no end.
    Inbox,
}

impl Streamed {
    /// The schema of its events: a reference to their definition.
    pub(super) fn schema(self, schemas: &mut Schemas) -> Schema {
        let generator = schemas.generator();
        let events = match self {
            Self::Run(_) => event_schemas(generator),
            Self::Refusal(_) => {
                let mut events = event_schemas(generator);
                events.retain(|event| event.kind == "error");
                events
            }
            Self::Inbox => events::schemas(generator),
        };
        let trailer = (self != Self::Inbox).then(trailer);
        let choices = events.iter().map(|event| self.event(event)).chain(trailer);
        let choices: Vec<Value> = choices.map(Value::from).collect();
        let definition = json_schema!({ "description": self.about(), "anyOf": choices });
        schemas.define(self.name(), definition)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Run(Form::Flat) => "RunStreamEvent",
            Self::Run(Form::Enveloped) => "EnvelopedRunStreamEvent",
            Self::Refusal(Form::Flat) => "RefusalStreamEvent",
            Self::Refusal(Form::Enveloped) => "EnvelopedRefusalStreamEvent",
            Self::Inbox => "InboxStreamEvent",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Run(_) => {
                "Server-Sent Events, each of them this: `id: <id>`, `event: <type>`, `data: <one line of JSON>` and a \
                 blank line; the last one is `id: <id>`, `data: [DONE]`. `/aura/asyncapi.json` describes them."
            }
            Self::Refusal(_) => "One `error` event and the trailer, for those who read streams.",
            Self::Inbox => {
                "Server-Sent Events, each of them this: `id: <id>`, `event: <type>`, `data: <one line of JSON>` and a \
                 blank line. `/aura/asyncapi.json` describes them."
            }
        }
    }

    fn event(self, event: &EventSchema) -> Schema {
        let payload = match self {
            Self::Run(Form::Enveloped) | Self::Refusal(Form::Enveloped) => json_schema!({
                "type": "object",
                "required": ["type", "data"],
                "properties": { "type": { "const": event.kind }, "data": event.schema },
            }),
            Self::Run(Form::Flat) | Self::Refusal(Form::Flat) | Self::Inbox => event.schema.clone(),
        };
        json_schema!({
            "type": "object",
            "required": ["id", "event", "data"],
            "properties": {
                "id": id(),
                "event": { "const": event.kind },
                "data": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": payload,
                },
            },
        })
    }
}

fn trailer() -> Schema {
    json_schema!({
        "type": "object",
        "required": ["id", "data"],
        "properties": { "id": id(), "data": { "const": "[DONE]" } },
    })
}

fn id() -> Schema {
    json_schema!({ "type": "string", "pattern": "^[0-9]+$" })
}
