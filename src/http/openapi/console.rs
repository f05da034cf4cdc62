//! The console's page and its files.

use schemars::json_schema;

use super::super::error::ApiError;
use super::super::schemas::Schemas;
use super::operation::{Operation, Tag};

pub(in crate::http) fn page(_: &mut Schemas) -> Operation {
    let text = json_schema!({"type": "string"});
    Operation::new("getConsole", Tag::Service, "The console: a page for people")
        .answers_with(200, "The page, which loads nothing from elsewhere.", "text/html", text)
        .with_header("ETag")
        .with_header("Cache-Control")
        .answers_nothing(304, "It is the one that `If-None-Match` names.")
        .with_header("ETag")
        .with_header("Cache-Control")
        .refuses([ApiError::not_found("file")])
}

pub(in crate::http) fn file(_: &mut Schemas) -> Operation {
    let text = json_schema!({"type": "string"});
    Operation::new("getConsoleFile", Tag::Service, "A file that the console's page loads")
        .path("file", "The file's name.", json_schema!({"type": "string"}))
        .answers_with(200, "The file.", "text/javascript", text.clone())
        .or_in("text/css", text.clone())
        .or_in("text/html", text.clone())
        .or_in("image/svg+xml", text)
        .or_in("application/json", json_schema!({"type": "object"}))
        .with_header("ETag")
        .with_header("Cache-Control")
        .answers_nothing(304, "It is the one that `If-None-Match` names.")
        .with_header("ETag")
        .with_header("Cache-Control")
        .refuses([ApiError::not_found("file")])
}
