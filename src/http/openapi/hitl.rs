//! Approvals (contract, section 5.4).

use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Map, Value};

use super::super::approvals::{ApprovalsPage, PAGE, PAGE_MAX};
use super::super::body::BODY_MAX;
use super::super::envelope::ApiResponse;
use super::super::error::ApiError;
use super::super::hitl::{Answered, Decided, StoredRequest, StoredSignal};
use super::super::schemas::Schemas;
use super::operation::{Operation, Tag};
use crate::domain::{RequestId, SessionId, UserId};

const NAMED: &str = "The request for approval.";

/// An approval. The body may be empty.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what is read field by field")]
struct ApproveRequest {
    /// Who approves: the caller, or 403.
    user_id: Option<UserId>,
    /// The arguments that the tool is to run with instead of those that were shown: all of them. Where
    /// another person has to see a change, a new request asks about them.
    args: Option<Map<String, Value>>,
}

/// A rejection. The body may be empty.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what is read field by field")]
struct RejectRequest {
    /// Who rejects: the caller, or 403.
    user_id: Option<UserId>,
    /// Why. What is longer than 1,000 characters is cut; without one it is "User rejected".
    reason: Option<String>,
}

pub(in crate::http) fn list(schemas: &mut Schemas) -> Operation {
    let status =
        json_schema!({"type": "string", "enum": ["pending", "decided"], "default": "pending"});
    let limit =
        json_schema!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE});
    let before = schemas.of::<RequestId>();
    Operation::new(
        "listApprovals",
        Tag::Approvals,
        "What waits in the caller's tenant, or was decided lately",
    )
    .about("Newest first. What was decided is listed for 7 days.")
    .query("status", "Those that wait, or those that are decided.", status)
    .query("limit", "How many a page has at most.", limit)
    .query("before", "Only those before this one: the `next` of the last page.", before)
    .answers(200, "A page of requests.", schemas.of::<ApiResponse<ApprovalsPage>>())
    .refuses([
        ApiError::invalid("status", "must be pending or decided"),
        ApiError::invalid("limit", "must be a number from 1 to 100"),
        ApiError::invalid("before", "must be the id of a request of this list"),
        ApiError::malformed("the query cannot be read"),
        ApiError::store_unavailable(),
    ])
}

pub(in crate::http) fn request(schemas: &mut Schemas) -> Operation {
    Operation::new("getApprovalRequest", Tag::Approvals, "A request for approval")
        .about("`data` is a JSON text. Its status is how the request ended.")
        .path("requestId", NAMED, schemas.of::<RequestId>())
        .answers(200, "The request.", schemas.of::<ApiResponse<StoredRequest>>())
        .refuses([ApiError::not_found("request"), ApiError::store_unavailable()])
}

pub(in crate::http) fn signal(schemas: &mut Schemas) -> Operation {
    Operation::new("getSignal", Tag::Approvals, "The last signal of a session")
        .about("`data` is a JSON text, as it was published.")
        .path("sessionId", "The session.", schemas.of::<SessionId>())
        .answers(200, "The signal.", schemas.of::<ApiResponse<StoredSignal>>())
        .refuses([ApiError::not_found("signal"), ApiError::store_unavailable()])
}

pub(in crate::http) fn approve(schemas: &mut Schemas) -> Operation {
    let body = schemas.read::<ApproveRequest>();
    let name = "Approve a request, as the Main Service does";
    approval(Operation::new("approve", Tag::Approvals, name), body, schemas).about(
        "Under the platform's Gateway the Main Service answers here, which knows no `args` and counts for nothing \
         where a policy narrows who may approve: `/aura/approvals/{requestId}/approve` is for those.",
    )
}

pub(in crate::http) fn reject(schemas: &mut Schemas) -> Operation {
    let body = schemas.read::<RejectRequest>();
    let name = "Reject a request, as the Main Service does";
    rejection(Operation::new("reject", Tag::Approvals, name), body, schemas)
        .about("The tool does not run, and the run ends with the reason.")
}

pub(in crate::http) fn approve_in_inbox(schemas: &mut Schemas) -> Operation {
    let body = closed(&schemas.read::<ApproveRequest>());
    let name = "Approve a request, on a path that always reaches this service";
    approval(Operation::new("approveInInbox", Tag::Approvals, name), body, schemas)
        .about(
            "The first decision wins, over all replicas and ways. Once it is made, the tool runs with exactly \
             the arguments that were shown, or with `args`. A field that is not known is refused.",
        )
        .refuses([ApiError::invalid("arguments", "is not known; there are userId and args")])
}

pub(in crate::http) fn reject_in_inbox(schemas: &mut Schemas) -> Operation {
    let body = closed(&schemas.read::<RejectRequest>());
    let name = "Reject a request, on a path that always reaches this service";
    rejection(Operation::new("rejectInInbox", Tag::Approvals, name), body, schemas)
        .about(
            "The tool does not run, and the run ends with the reason. A field that is not known is refused.",
        )
        .refuses([ApiError::invalid("why", "is not known; there are userId and reason")])
}

/// The same with no other fields.
fn closed(body: &Schema) -> Schema {
    json_schema!({ "allOf": [body], "unevaluatedProperties": false })
}

fn approval(operation: Operation, body: Schema, schemas: &mut Schemas) -> Operation {
    let operation = operation
        .body(false, "Who approves, and changed arguments; all of it may be left out.", body)
        .refuses([
            ApiError::invalid("args", "must be an object"),
            ApiError::forbidden("the caller is none of those who may approve this"),
            ApiError::tool_held(
                "git_merge",
                "why an operator has stopped the tool; the request waits",
            ),
        ]);
    review(operation, schemas)
}

fn rejection(operation: Operation, body: Schema, schemas: &mut Schemas) -> Operation {
    let operation = operation.body(false, "Who rejects, and why; all of it may be left out.", body);
    review(operation, schemas)
}

fn review(operation: Operation, schemas: &mut Schemas) -> Operation {
    operation
        .path("requestId", NAMED, schemas.of::<RequestId>())
        .answers(200, "The answer counts.", schemas.of::<ApiResponse<Answered>>())
        .answers(
            409,
            "It was decided before: the decision that stands.",
            schemas.of::<ApiResponse<Decided>>(),
        )
        .refuses(super::of_json_bodies(BODY_MAX))
        .refuses([
            ApiError::forbidden("userId is not the caller"),
            ApiError::not_found("request"),
            ApiError::store_unavailable(),
            ApiError::request_spoilt("the stored request cannot be read now"),
        ])
}
