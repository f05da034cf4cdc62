//! Sessions (contract, section 5.5).

use schemars::json_schema;

use super::super::envelope::ApiResponse;
use super::super::error::ApiError;
use super::super::schemas::Schemas;
use super::super::sessions::{Cancelled, Full, PAGE, PAGE_MAX, Page};
use super::operation::{Operation, Tag};
use crate::domain::SessionId;

const NAMED: &str = "The session, which is one run.";

pub(in crate::http) fn list(schemas: &mut Schemas) -> Operation {
    let limit =
        json_schema!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE});
    Operation::new("listSessions", Tag::Sessions, "The caller's sessions, newest first")
        .query("limit", "How many a page has at most.", limit)
        .query(
            "before",
            "Only those before this one: the `next` of the last page.",
            schemas.of::<SessionId>(),
        )
        .answers(200, "A page of sessions.", schemas.of::<ApiResponse<Page>>())
        .refuses([
            ApiError::invalid("limit", "must be a number from 1 to 100"),
            ApiError::malformed("the query cannot be read"),
            ApiError::not_found("session"),
            ApiError::store_unavailable(),
        ])
}

pub(in crate::http) fn show(schemas: &mut Schemas) -> Operation {
    Operation::new("getSession", Tag::Sessions, "One session in full")
        .path("sessionId", NAMED, schemas.of::<SessionId>())
        .answers(200, "The session.", schemas.of::<ApiResponse<Full>>())
        .refuses([ApiError::not_found("session"), ApiError::store_unavailable()])
}

pub(in crate::http) fn cancel(schemas: &mut Schemas) -> Operation {
    Operation::new("cancelSession", Tag::Sessions, "Stop a run")
        .about(
            "A model's answer and a tool that only reads are stopped at once; a side effect under way is \
             awaited. The stream ends with `end` (`cancelled`) and `[DONE]`.",
        )
        .path("sessionId", NAMED, schemas.of::<SessionId>())
        .answers(200, "It is cancelled, or will be.", schemas.of::<ApiResponse<Cancelled>>())
        .answers(409, "It was over already: how it ended.", schemas.of::<ApiResponse<Cancelled>>())
        .refuses([ApiError::not_found("session"), ApiError::store_unavailable()])
}
