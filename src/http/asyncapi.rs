//! The AsyncAPI 3.0 document: which events the streams have, and what is in them. The schemas of the payloads
//! are made from the types that are written.

use std::collections::BTreeMap;

use schemars::json_schema;
use serde_json::{Map, Value, json};

use super::approvals::events;
use super::bearer::{BEARER, security_schemes};
use super::examples;
use super::schemas::Schemas;
use crate::domain::event::{EventSchema, event_schemas};
use crate::sse::frame::Form;

mod model;

use model::{
    AsyncApi, Bindings, Channel, Components, Example, HttpBinding, Info, License, Message,
    Operation, Reference, Server, Variable,
};

const ABOUT: &str = "\
The event streams of Aura-Platform, as Server-Sent Events. One event is `id: <id>`, `event: <type>`, `data: <one \
line of JSON>` and a blank line. Ids are decimal integers that grow within a stream. Lines that begin with a colon \
say that the connection lives.

An event of a run keeps its id and its bytes for ever, so `Last-Event-ID` gets exactly what comes after it. The last \
thing in such a stream is the trailer, `data: [DONE]`. A stream that ends without it was lost on the way: its run \
goes on, and the client asks again with `Last-Event-ID`.

The stream of the inbox has no trailer, and keeps the latest changes only: a `Last-Event-ID` from before those is \
answered with a new `snapshot`, which stands for everything before it.

What a request for a stream looks like, and what it can be refused with, says the OpenAPI document \
(`/aura/openapi.json`).

New types of event, new fields and new words in enums may come: a client passes over what it does not know.";

/// The document.
pub(super) fn document() -> AsyncApi {
    let mut schemas = Schemas::new();
    let events = event_schemas(schemas.generator());
    let inbox = events::schemas(schemas.generator());
    let mut definitions = schemas.definitions();
    let mut messages: BTreeMap<String, Message> = BTreeMap::new();
    for event in &events {
        let envelope = schema_of(event, Form::Enveloped);
        definitions.insert(envelope, enveloped(event, &definitions));
        for form in [Form::Flat, Form::Enveloped] {
            messages.insert(named(event, form), message(event, form, &definitions));
        }
    }
    for event in &inbox {
        messages.insert(named(event, Form::Flat), message(event, Form::Flat, &definitions));
    }
    messages.insert(DONE.to_owned(), done());
    definitions.sort_keys();
    AsyncApi {
        asyncapi: "3.0.0",
        info: Info {
            title: "Aura-Platform",
            version: env!("CARGO_PKG_VERSION"),
            description: ABOUT,
            license: License {
                name: "Apache-2.0",
                url: "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        default_content_type: "application/json",
        servers: [(
            "here",
            Server {
                host: "{host}",
                protocol: "http",
                description: "The server that this document comes from.",
                variables: [(
                    "host",
                    Variable { default: "localhost:9000", description: "Its name and port." },
                )]
                .into(),
            },
        )]
        .into(),
        channels: channels(&events, &inbox),
        operations: operations(),
        components: Components {
            messages,
            schemas: definitions,
            security_schemes: security_schemes(),
        },
    }
}

/// The name of the trailer among the messages.
const DONE: &str = "done";

fn named(event: &EventSchema, form: Form) -> String {
    match form {
        Form::Flat => event.kind.to_owned(),
        Form::Enveloped => format!("{}_enveloped", event.kind),
    }
}

/// The name of the schema of its payload.
fn schema_of(event: &EventSchema, form: Form) -> String {
    match form {
        Form::Flat => event.name.clone(),
        Form::Enveloped => format!("Enveloped{}", event.name),
    }
}

fn message(event: &EventSchema, form: Form, definitions: &Map<String, Value>) -> Message {
    let example = |payload: &Value| match form {
        Form::Flat => Example { payload: payload.clone() },
        Form::Enveloped => Example { payload: json!({"type": event.kind, "data": payload}) },
    };
    let about = definitions.get(&event.name).and_then(|schema| schema["description"].as_str());
    Message {
        name: event.kind.to_owned(),
        title: schema_of(event, form),
        summary: about.unwrap_or_default().to_owned(),
        content_type: "application/json",
        headers: fields(Some(event.kind)),
        payload: json!(Reference::to("schemas", &schema_of(event, form))),
        examples: examples::events(event.kind).map(example).collect(),
    }
}

fn done() -> Message {
    Message {
        name: DONE.to_owned(),
        title: "Trailer".to_owned(),
        summary: "The run is over, and this is the end of its stream.".to_owned(),
        content_type: "text/plain",
        headers: fields(None),
        payload: json!({"type": "string", "const": "[DONE]"}),
        examples: vec![Example { payload: "[DONE]".into() }],
    }
}

/// The fields of an event besides its data.
fn fields(event: Option<&str>) -> Value {
    let id =
        json!({"type": "string", "pattern": "^[0-9]+$", "description": "The id of the event."});
    match event {
        Some(kind) => json!({
            "type": "object",
            "required": ["id", "event"],
            "properties": {"id": id, "event": {"type": "string", "const": kind}},
        }),
        None => json!({"type": "object", "required": ["id"], "properties": {"id": id}}),
    }
}

/// The payload of the enveloped form (contract, section 4.3).
fn enveloped(event: &EventSchema, definitions: &Map<String, Value>) -> Value {
    let about = definitions.get(&event.name).map(|schema| schema["description"].clone());
    json_schema!({
        "description": about.unwrap_or_default(),
        "type": "object",
        "required": ["type", "data"],
        "properties": {"type": {"type": "string", "const": event.kind}, "data": event.schema},
    })
    .into()
}

/// A message of a channel.
fn in_channel(name: String) -> (String, Value) {
    let reference = json!(Reference::to("messages", &name));
    (name, reference)
}

fn channels(events: &[EventSchema], inbox: &[EventSchema]) -> BTreeMap<&'static str, Channel> {
    let of = |form: Form| {
        let names = events.iter().map(|event| named(event, form)).chain([DONE.to_owned()]);
        names.map(in_channel).collect()
    };
    let of_inbox = || {
        let messages = inbox.iter().map(|event| event.kind.to_owned());
        messages.map(in_channel).collect()
    };
    let channel = |address, description, messages, parameters| Channel {
        address,
        description,
        messages,
        parameters,
    };
    let session = json!({"sessionId": {"description": "The session, which is one run."}});
    [
        (
            "run",
            channel(
                "/aura/test/stream",
                "The stream of a run that is started, or joined, with POST.",
                of(Form::Flat),
                None,
            ),
        ),
        (
            "runEnveloped",
            channel(
                "/aura/test/stream",
                "The same with GET, in the enveloped form 1.0.",
                of(Form::Enveloped),
                None,
            ),
        ),
        (
            "session",
            channel(
                "/aura/sessions/{sessionId}/stream",
                "The stream of a session that is there already.",
                of(Form::Flat),
                Some(session),
            ),
        ),
        (
            "inbox",
            channel(
                "/aura/approvals/stream",
                "What waits for the people of a tenant, as it changes. It has no trailer.",
                of_inbox(),
                None,
            ),
        ),
    ]
    .into()
}

/// What the service does: it sends.
fn operations() -> BTreeMap<&'static str, Operation> {
    let sends = |channel, method, summary| Operation {
        action: "send",
        channel: Reference::at(format!("#/channels/{channel}")),
        summary,
        description: "Wants the headers `Authorization` and `X-Tenant-ID`. With `Last-Event-ID` it tells what comes after \
                      that event.",
        security: [Reference::to("securitySchemes", BEARER)],
        bindings: Bindings { http: HttpBinding { method, binding_version: "0.3.0" } },
    };
    [
        ("sendRun", sends("run", "POST", "Tell what a run does, as it does it.")),
        ("sendRunEnveloped", sends("runEnveloped", "GET", "The same, in the enveloped form 1.0.")),
        (
            "sendSession",
            sends("session", "GET", "Tell what a session's run has done, and what it does."),
        ),
        ("sendInbox", sends("inbox", "GET", "Tell what waits for the people of a tenant.")),
    ]
    .into()
}
