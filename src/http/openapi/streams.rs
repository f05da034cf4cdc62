//! The stream routes (contract, sections 3 and 4).

use schemars::{JsonSchema, json_schema};
use serde_json::{Map, Value};

use super::super::body::BODY_MAX;
use super::super::error::ApiError;
use super::super::schemas::Schemas;
use super::operation::{Operation, Tag};
use super::stream_events::Streamed;
use crate::domain::SessionId;
use crate::sse::frame::Form;

/// What a run is to do, or which session is to be joined.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", extend("anyOf" = [
    {"required": ["prompt"], "properties": {"prompt": {"type": "string"}}},
    {"required": ["message"], "properties": {"message": {"type": "string"}}},
    {"required": ["sessionId"], "properties": {"sessionId": {"type": "string"}}},
]))]
#[expect(dead_code, reason = "describes what is read field by field")]
struct RunRequest {
    /// What the agent is asked; at most 64 KiB, unless the setting `limits.prompt_bytes` says otherwise. It may be
    /// missing where a session is named.
    #[schemars(regex(pattern = r"\S"), length(max = 65_536))]
    prompt: Option<String>,
    /// The same as `prompt`.
    #[schemars(regex(pattern = r"\S"), length(max = 65_536))]
    message: Option<String>,
    /// What the page shows that the user has before them.
    context: Option<PageContext>,
    /// The session to join.
    session_id: Option<SessionId>,
    /// The conversation that the run goes on with; at most 200 bytes.
    #[schemars(rename = "thread_id", length(max = 200))]
    thread: Option<String>,
    /// The same as `thread_id`.
    #[schemars(length(max = 200))]
    thread_id: Option<String>,
}

/// What a page shows. Other keys are kept.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what is read field by field")]
pub(super) struct PageContext {
    /// The application.
    active_app: Option<Plain>,
    /// The ids of what is selected.
    selected_item_ids: Option<Vec<Option<Plain>>>,
    /// The page's address.
    url: Option<Plain>,
    /// The page's path.
    path: Option<Plain>,
    /// The same as `path`.
    pathname: Option<Plain>,
    /// The page's title.
    title: Option<Plain>,
    /// The item that is shown.
    item_id: Option<Plain>,
    /// Anything else.
    metadata: Option<Map<String, Value>>,
    /// The frontend's own state: `selectedItems`, `context`, `viewState`. What has the expected form counts
    /// like `selectedItemIds` and `metadata`.
    remote_state: Option<Value>,
}

#[derive(JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "describes what is read field by field")]
enum Plain {
    Text(String),
    Number(f64),
    Flag(bool),
}

const RUN: &str = "\
The stream is that of a run, and the run is there whoever reads: losing the connection neither stops it nor \
repeats it. To go on, send the same request with `Last-Event-ID`, or read `/aura/sessions/{sessionId}/stream`. \
With an `Idempotency-Key` the same request can be sent as often as it takes, also before any event has come.

A stream that ends without `data: [DONE]` was lost on the way: its run goes on.";

pub(in crate::http) fn post(schemas: &mut Schemas) -> Operation {
    let body = schemas.read::<RunRequest>();
    let operation = Operation::new("startRun", Tag::Runs, "Start a run, or join one")
        .about(RUN)
        .body(true, "At most 256 KiB.", body)
        .header("X-Session-ID")
        .refuses(super::of_json_bodies(BODY_MAX))
        .refuses([ApiError::malformed("the body is empty"), ApiError::missing("prompt")])
        .refuses([ApiError::invalid("prompt", "must be at most 65536 bytes")]);
    opened(started(operation), Form::Flat, schemas)
}

pub(in crate::http) fn get(schemas: &mut Schemas) -> Operation {
    let prompt = json_schema!({"type": "string"});
    let thread = || json_schema!({"type": "string", "maxLength": 200});
    let operation =
        Operation::new("startRunEnveloped", Tag::Runs, "The same, in the enveloped form 1.0")
            .about(RUN)
            .query(
                "message",
                "What the agent is asked. It may be missing where a session is named, and has to fit the request's head.",
                prompt,
            )
            .query("sessionId", "The session to join.", schemas.of::<SessionId>())
            .query("thread_id", "The conversation that the run goes on with.", thread())
            .query("threadId", "The same as `thread_id`.", thread())
            .header("X-Session-ID")
            .refuses([
                ApiError::malformed("the query cannot be read"),
                ApiError::missing("message"),
                ApiError::invalid("message", "must be at most 65536 bytes"),
            ]);
    at_end(opened(started(operation), Form::Enveloped, schemas))
}

pub(in crate::http) fn join(schemas: &mut Schemas) -> Operation {
    let operation = Operation::new("joinSession", Tag::Runs, "Read the stream of a session")
        .about("From its first event, or from `Last-Event-ID`.")
        .path("sessionId", "The session, which is one run.", schemas.of::<SessionId>());
    at_end(opened(operation, Form::Flat, schemas))
}

pub(in crate::http) fn inbox(schemas: &mut Schemas) -> Operation {
    Operation::new("watchApprovals", Tag::Approvals, "The same as it changes")
        .about(
            "Begins with what waits (`snapshot`), or after `Last-Event-ID` with what has changed since (`asked`, \
             `endorsed`, `decided`). Where that is not known any more, there is a new snapshot. It has no trailer: a \
             stream that ends was lost on the way.",
        )
        .header("Last-Event-ID")
        .header("Accept")
        .answers_with(200, "The inbox of the caller's tenant.", "text/event-stream", Streamed::Inbox.schema(schemas))
        .with_header("Cache-Control")
        .with_header("X-Accel-Buffering")
        .refuses([ApiError::too_often_for_now(), ApiError::store_unavailable()])
}

/// What starts a run.
fn started(operation: Operation) -> Operation {
    operation.header("Idempotency-Key").refuses([
        ApiError::runs_held("why an operator has stopped them"),
        ApiError::invalid("Idempotency-Key", "must be 1 to 255 visible ASCII characters"),
        ApiError::another_prompt(),
        ApiError::another_request(),
    ])
}

/// What answers with the stream of a run.
fn opened(operation: Operation, form: Form, schemas: &mut Schemas) -> Operation {
    let events = Streamed::Run(form).schema(schemas);
    operation
        .header("Last-Event-ID")
        .header("Accept")
        .answers_with(200, "The stream of the session.", "text/event-stream", events)
        .with_header("X-Session-ID")
        .with_header("Cache-Control")
        .with_header("X-Accel-Buffering")
        .refuses([
            ApiError::not_found("session"),
            ApiError::too_often_for_now(),
            ApiError::store_unavailable(),
        ])
}

/// What an `EventSource` may read.
fn at_end(operation: Operation) -> Operation {
    operation
        .answers_nothing(
            204,
            "The session is over, and `Last-Event-ID` is its last: do not reconnect.",
        )
        .with_header("X-Session-ID")
}
