//! The route of the AG-UI protocol.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use super::super::ag_ui::Stamped;
use super::super::body::BODY_MAX;
use super::super::error::ApiError;
use super::super::schemas::Schemas;
use super::operation::{Operation, Tag};
use super::streams::PageContext;

/// `RunAgentInput` of AG-UI 1.0, as far as it counts here. Everything else in it is not looked at.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", extend("anyOf" = [
    {"required": ["messages"], "properties": {"messages": {
        "type": "array", "contains": {"type": "object", "properties": {"role": {"const": "user"}}, "required": ["role"]},
    }}},
    {"required": ["resume"], "properties": {"resume": {"type": "array", "minItems": 1}}},
]))]
#[expect(dead_code, reason = "describes what is read field by field")]
struct AgUiRunInput {
    /// The conversation; at most 200 bytes.
    #[schemars(regex(pattern = r"\S"), length(max = 200))]
    thread_id: String,
    /// The run. The same id again joins the same run.
    #[schemars(regex(pattern = r"^[!-~]{1,249}$"))]
    run_id: String,
    /// The conversation so far. The last message of the user is the prompt; there may be none where `resume`
    /// has answers.
    messages: Option<Vec<Message>>,
    /// What the page shows, entry by entry.
    context: Option<Vec<ContextEntry>>,
    /// The application's state. Its `context` is the page, where `forwardedProps` has none.
    state: Option<WithPage>,
    /// Its `context` is the page, as in `POST /aura/test/stream`.
    forwarded_props: Option<WithPage>,
    /// Answers to the interrupts of the run before: one for each, and at most `agent.max_tool_calls`. All of
    /// them are checked before the first is decided.
    resume: Option<Vec<ResumeEntry>>,
}

/// One of the user has text; of all others nothing is looked at.
struct Message;

impl JsonSchema for Message {
    fn schema_name() -> Cow<'static, str> {
        "AgUiMessage".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "One of the user has text; of all others nothing is looked at.",
            "anyOf": [
                {
                    "type": "object",
                    "required": ["role", "content"],
                    "properties": {
                        "role": { "const": "user" },
                        "content": { "anyOf": [
                            { "type": "string", "pattern": r"\S" },
                            { "type": "array", "contains": {
                                "type": "object",
                                "required": ["text"],
                                "properties": { "text": { "type": "string", "pattern": r"\S" } },
                            }},
                        ]},
                    },
                },
                { "not": {
                    "type": "object",
                    "required": ["role"],
                    "properties": { "role": { "const": "user" } },
                }},
            ],
        })
    }
}

/// Anything; if it is an object, it may say what the page shows.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "describes what is read field by field")]
enum WithPage {
    Object { context: Option<Box<PageContext>> },
    Other(NoObject),
}

struct NoObject;

impl JsonSchema for NoObject {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "NoObject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "not": { "type": "object" } })
    }
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[expect(dead_code, reason = "describes what is read field by field")]
struct ContextEntry {
    description: String,
    value: String,
}

/// An answer to an interrupt, which is a request for approval.
#[derive(JsonSchema)]
#[schemars(tag = "status", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[expect(dead_code, reason = "describes what is read field by field")]
enum ResumeEntry {
    /// It is answered.
    Resolved { interrupt_id: String, payload: ResumePayload },
    /// It is left, and so rejected.
    Cancelled { interrupt_id: String },
}

/// What a person says.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", inline)]
#[expect(dead_code, reason = "describes what is read field by field")]
struct ResumePayload {
    /// Whether the tool may run.
    approved: bool,
    /// The arguments that it is to run with instead of those that were shown: all of them.
    edited_args: Option<Map<String, Value>>,
    /// Why not.
    reason: Option<String>,
}

pub(in crate::http) fn run(schemas: &mut Schemas) -> Operation {
    let body = schemas.read::<AgUiRunInput>();
    Operation::new("runAgUi", Tag::Runs, "The same runs, in the AG-UI protocol")
        .about(
            "A run of AG-UI ends where a person is asked, with an interrupt; the next one, with `resume`, answers \
             and goes on. `docs/AG_UI.md` says how the events correspond.",
        )
        .body(true, "At most 256 KiB.", body)
        .header("Last-Event-ID")
        .answers_with(200, "The events of the run.", "text/event-stream", stream(schemas))
        .with_header("X-Session-ID")
        .with_header("Cache-Control")
        .refuses(super::of_json_bodies(BODY_MAX))
        .refuses([
            ApiError::malformed("the body is empty"),
            ApiError::missing("threadId"),
            ApiError::invalid("messages", "the last message of the user must have text"),
            ApiError::forbidden("the caller is none of those who may approve this"),
            ApiError::not_found("session"),
            ApiError::another_run(),
            ApiError::too_often_for_now(),
            ApiError::runs_held("why an operator has stopped them"),
            ApiError::tool_held("git_merge", "why an operator has stopped the tool; the request waits"),
            ApiError::store_unavailable(),
            ApiError::request_spoilt("the stored request cannot be read now"),
        ])
}

/// One event of the stream.
fn stream(schemas: &mut Schemas) -> Schema {
    let event = schemas.of::<Stamped>();
    json_schema!({
        "type": "object",
        "description": "Server-Sent Events, each of them this: `id: <id>`, `data: <an event of AG-UI 1.0>` and a \
            blank line. The last one is RUN_FINISHED or RUN_ERROR.",
        "required": ["id", "data"],
        "properties": {
            "id": {
                "type": "string",
                "pattern": r"^[0-9]+(\.[0-9]+)?$",
                "description": "An event of the session; of several frames of one event the number behind a dot.",
            },
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": event,
            },
        },
    })
}
