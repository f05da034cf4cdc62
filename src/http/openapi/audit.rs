//! The audit stream (`docs/AUDIT.md`).

use schemars::json_schema;

use super::super::audit::{PAGE, PAGE_MAX, Page};
use super::super::envelope::ApiResponse;
use super::super::error::ApiError;
use super::super::schemas::Schemas;
use super::operation::{Operation, Tag};

pub(in crate::http) fn page(schemas: &mut Schemas) -> Operation {
    let after = json_schema!({"type": "integer", "minimum": 0, "default": 0});
    let limit =
        json_schema!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE});
    Operation::new("listAuditEntries", Tag::Audit, "The tenant's audit stream, oldest first")
        .about("For callers with the role that the setting `audit.role` names.")
        .query(
            "after",
            "The number of the last entry that is known: the `next` of the last page.",
            after,
        )
        .query("limit", "How many a page has at most.", limit)
        .answers(200, "A page of entries.", schemas.of::<ApiResponse<Page>>())
        .refuses([
            ApiError::invalid("limit", "must be a number from 1 to 1000"),
            ApiError::malformed("the query cannot be read"),
            ApiError::forbidden("the caller has no role that may read the audit stream"),
            ApiError::store_unavailable(),
        ])
}
