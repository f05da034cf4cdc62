//! What operators see and do (contract, section 5.7).

use schemars::{JsonSchema, json_schema};

use super::super::body::BODY_MAX;
use super::super::envelope::ApiResponse;
use super::super::error::ApiError;
use super::super::operators::holds::{List, NAMED_MAX, REASON_MAX, Shown};
use super::super::operators::not_an_operator;
use super::super::operators::runs::{PAGE, PAGE_MAX, Page};
use super::super::schemas::Schemas;
use super::super::sessions::Cancelled;
use super::operation::{Operation, Tag};
use crate::domain::{HoldName, SessionId, SessionStatus, TenantId};

const OF_ROLE: &str = "For callers with the role that the setting `admin.role` names.";
const NAMED: &str = "The hold.";
const NOT_BLANK: &str = r"\S";

/// What a hold stops, and why. There must be a tool, or `runs` must be true.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what is read field by field")]
struct PutHold {
    /// Only for this tenant; without one, for all.
    #[schemars(length(max = NAMED_MAX), regex(pattern = NOT_BLANK))]
    tenant: Option<String>,
    /// The tool whose calls fail, and whose requests cannot be approved.
    #[schemars(length(max = NAMED_MAX), regex(pattern = NOT_BLANK))]
    tool: Option<String>,
    /// Whether new runs are refused; by default they are not.
    runs: Option<bool>,
    /// Why; whoever is stopped reads it.
    #[schemars(length(max = REASON_MAX), regex(pattern = NOT_BLANK))]
    reason: String,
}

pub(in crate::http) fn list_runs(schemas: &mut Schemas) -> Operation {
    let limit =
        json_schema!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE});
    let (tenant, status, before) =
        (schemas.of::<TenantId>(), schemas.of::<SessionStatus>(), schemas.of::<SessionId>());
    Operation::new("listRuns", Tag::Operators, "The runs of all tenants, newest first")
        .about(OF_ROLE)
        .query("tenant", "Only those of this tenant.", tenant)
        .query("status", "Only those that stand so.", status)
        .query("limit", "How many a page has at most.", limit)
        .query("before", "Only those before this one: the `next` of the last page.", before)
        .answers(200, "A page of runs.", schemas.of::<ApiResponse<Page>>())
        .refuses([
            ApiError::invalid("limit", "must be a number from 1 to 100"),
            ApiError::invalid(
                "status",
                "must be running, waiting_approval, completed, failed, rejected or cancelled",
            ),
            ApiError::malformed("the query cannot be read"),
            not_an_operator(),
            ApiError::not_found("session"),
            ApiError::store_unavailable(),
        ])
}

pub(in crate::http) fn cancel_run(schemas: &mut Schemas) -> Operation {
    Operation::new("cancelRun", Tag::Operators, "Stop a run of any tenant")
        .about("As its starter would. It is audited in the tenant of the run.")
        .path("sessionId", "The session, which is one run.", schemas.of::<SessionId>())
        .answers(200, "It is cancelled, or will be.", schemas.of::<ApiResponse<Cancelled>>())
        .answers(409, "It was over already: how it ended.", schemas.of::<ApiResponse<Cancelled>>())
        .refuses([not_an_operator(), ApiError::not_found("session"), ApiError::store_unavailable()])
}

pub(in crate::http) fn list_holds(schemas: &mut Schemas) -> Operation {
    Operation::new("listHolds", Tag::Operators, "What is stopped")
        .about(OF_ROLE)
        .answers(200, "The holds in force.", schemas.of::<ApiResponse<List>>())
        .refuses([not_an_operator(), ApiError::store_unavailable()])
}

pub(in crate::http) fn show_hold(schemas: &mut Schemas) -> Operation {
    named(Operation::new("getHold", Tag::Operators, "One hold"), schemas)
        .about(OF_ROLE)
        .answers(200, "The hold.", schemas.of::<ApiResponse<Shown>>())
        .refuses([ApiError::not_found("hold")])
}

pub(in crate::http) fn put_hold(schemas: &mut Schemas) -> Operation {
    let body = json_schema!({
        "allOf": [schemas.read::<PutHold>()],
        "anyOf": [
            {"required": ["tool"], "properties": {"tool": {"type": "string"}}},
            {"required": ["runs"], "properties": {"runs": {"const": true}}},
        ],
    });
    named(Operation::new("putHold", Tag::Operators, "Stop new runs, or a tool"), schemas)
        .about(
            "At once, on all replicas, until it is lifted; it takes the place of a hold of the same name. Runs are \
             refused with 503 and the reason; calls of the tool fail with it, and its requests cannot be approved. \
             What runs already is not stopped.",
        )
        .body(true, "What to stop, and why.", body)
        .answers(200, "It is in force.", schemas.of::<ApiResponse<Shown>>())
        .refuses(super::of_json_bodies(BODY_MAX))
        .refuses([
            ApiError::invalid("tool", "must be there, unless runs is true"),
            ApiError::invalid("name", "there are as many holds as there may be (200)"),
            ApiError::missing("reason"),
        ])
}

pub(in crate::http) fn lift_hold(schemas: &mut Schemas) -> Operation {
    named(Operation::new("liftHold", Tag::Operators, "Lift a hold"), schemas)
        .answers(200, "It is lifted; this is what it was.", schemas.of::<ApiResponse<Shown>>())
        .refuses([ApiError::not_found("hold")])
}

fn named(operation: Operation, schemas: &mut Schemas) -> Operation {
    operation.path("name", NAMED, schemas.of::<HoldName>()).refuses([
        ApiError::invalid("name", "must be 1 to 64 of a-z, 0-9 and -"),
        not_an_operator(),
        ApiError::store_unavailable(),
    ])
}
