//! The headers of requests and answers (contract, section 2).

use std::collections::BTreeMap;

use schemars::{Schema, json_schema};

use super::model::{Header, Parameter, Place};

/// The headers that may come with every request; what they say is logged.
pub(super) const ALWAYS: [&str; 4] =
    ["X-Correlation-ID", "X-Trace-ID", "X-Gateway-Request-Id", "traceparent"];
/// Those of every guarded request besides.
pub(super) const GUARDED: [&str; 5] =
    ["X-Tenant-ID", "X-User-ID", "X-DWP-Source", "X-DWP-Caller-Type", "X-Agent-ID"];

/// Every header that a request may have, by name.
pub(super) fn parameters() -> BTreeMap<&'static str, Parameter> {
    let text = || json_schema!({"type": "string"});
    let id = || json_schema!({"type": "string", "minLength": 1});
    let all = [
        (
            "X-Tenant-ID",
            "The caller's tenant: the token's `tenant_id`. The one header of a guarded route that must be \
             there besides `Authorization`.",
            id(),
        ),
        ("X-User-ID", "The caller: the token's `sub`. May be left out.", text()),
        (
            "X-DWP-Source",
            "Where the request comes from: `FRONTEND`, `AURA`, `INTERNAL` or `BATCH`. It is logged.",
            text(),
        ),
        ("X-DWP-Caller-Type", "Who calls: `USER` or `AGENT`. It is logged.", text()),
        (
            "X-Agent-ID",
            "The browser tab. A run that names no `thread_id` goes on with the conversation of its tab. At \
             most 200 bytes; a longer one is ignored.",
            text(),
        ),
        (
            "X-Correlation-ID",
            "Follows a request through the platform: it is logged, and echoed in the answer. One is made if it \
             is missing.",
            text(),
        ),
        ("X-Trace-ID", "A trace id of the platform's; it is logged.", text()),
        ("X-Gateway-Request-Id", "The Gateway's id of the request; it is logged.", text()),
        ("traceparent", "W3C Trace Context. Its trace id is the `traceId` of a refusal.", text()),
        (
            "Last-Event-ID",
            "The id of the last event that the client has. It gets those after it, byte for byte as they were, \
             and then the live ones. What is not a decimal integer is ignored.",
            text(),
        ),
        ("X-Session-ID", "The session to join, where neither path nor body name one.", text()),
        (
            "Idempotency-Key",
            "A text of the client's choice, kept for 24 hours: the first request with it starts a run, every \
             other one with the same body joins that run. With another body: 409.",
            json_schema!({
                "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"
            }),
        ),
        (
            "Accept",
            "With `application/json` and without `text/event-stream`, a refusal has a JSON body; otherwise that \
             of a stream route is an event stream.",
            text(),
        ),
    ];
    all.into_iter().map(|(name, about, schema)| (name, header(name, about, schema))).collect()
}

fn header(name: &'static str, description: &'static str, schema: Schema) -> Parameter {
    let required = name == "X-Tenant-ID";
    Parameter { name, place: Place::Header, required, description, schema, example: None }
}

/// Every header that an answer may have and that clients look at, by name.
pub(super) fn of_answers() -> BTreeMap<&'static str, Header> {
    let text = || json_schema!({"type": "string"});
    let count = || json_schema!({"type": "integer", "minimum": 0});
    let seconds = || json_schema!({"type": "integer", "minimum": 1});
    let all = [
        ("X-Correlation-ID", "That of the request, or one that was made for it.", text()),
        ("X-Session-ID", "The session whose stream this is.", text()),
        ("Retry-After", "Seconds after which the same request may succeed.", seconds()),
        ("WWW-Authenticate", "`Bearer`: a valid token is wanted.", text()),
        ("RateLimit-Limit", "How much is allowed.", count()),
        ("RateLimit-Remaining", "How much of that is left.", count()),
        ("RateLimit-Reset", "Seconds until all of it is there again.", seconds()),
        ("ETag", "Names this version of the document; send it as `If-None-Match`.", text()),
        ("Cache-Control", "How long this may be kept.", text()),
        ("X-Accel-Buffering", "`no`: a proxy hands on every event as it comes.", text()),
    ];
    // Where all connections are taken nobody knows how much is left of what.
    let required = |name: &str| !name.starts_with("RateLimit-");
    let header = |(name, description, schema)| {
        (name, Header { description, required: required(name), schema })
    };
    all.into_iter().map(header).collect()
}
