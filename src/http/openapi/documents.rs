//! The documents themselves.

use schemars::json_schema;

use super::super::schemas::Schemas;
use super::operation::{Operation, Tag};

pub(in crate::http) fn openapi(_: &mut Schemas) -> Operation {
    document("getOpenApi", "This document", "An OpenAPI 3.1 document.")
}

pub(in crate::http) fn asyncapi(_: &mut Schemas) -> Operation {
    document("getAsyncApi", "The description of the event streams", "An AsyncAPI 3.0 document.")
}

pub(in crate::http) fn docs(_: &mut Schemas) -> Operation {
    let page = json_schema!({"type": "string"});
    Operation::new(
        "getDocs",
        Tag::Service,
        "A page that shows this document and that of the event streams",
    )
    .answers_with(200, "The page, which loads nothing from elsewhere.", "text/html", page)
    .with_header("Cache-Control")
}

fn document(id: &'static str, summary: &'static str, what: &'static str) -> Operation {
    Operation::new(id, Tag::Service, summary)
        .answers(200, what, json_schema!({"type": "object"}))
        .with_header("ETag")
        .with_header("Cache-Control")
        .answers_nothing(304, "It is the one that `If-None-Match` names.")
        .with_header("ETag")
        .with_header("Cache-Control")
}
