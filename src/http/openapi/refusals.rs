//! What a request can be refused with. The table of `http::error` says which status, code and headers a
//! refusal has; an operation only says which refusals it knows.

use std::collections::BTreeMap;

use axum::response::IntoResponse;
use schemars::{Schema, json_schema};

use super::super::envelope::ErrorResponse;
use super::super::error::ApiError;
use super::super::schemas::Schemas;
use super::model::{MediaType, OrReference, Response};
use super::stream_events::Streamed;
use crate::domain::ErrorCode;
use crate::sse::frame::Form;

/// The refusals of one operation, by status.
pub(super) struct Refusals(BTreeMap<u16, Vec<ApiError>>);

impl Refusals {
    /// Those of every route.
    pub(super) fn of_any_route() -> Self {
        let mut refusals = Self(BTreeMap::new());
        refusals
            .add([ApiError::malformed("Host: must be there exactly once"), ApiError::internal()]);
        refusals
    }

    /// Those of every guarded route (contract, section 2).
    pub(super) fn of_guarded_route() -> Self {
        let mut refusals = Self::of_any_route();
        refusals.add([
            ApiError::malformed("the header X-Tenant-ID is there more than once"),
            ApiError::unauthenticated("Authorization: Bearer <token> is missing"),
            ApiError::token_invalid(),
            ApiError::token_expired(),
            ApiError::tenant_missing(),
            ApiError::tenant_mismatch(),
            ApiError::forbidden("X-User-ID is not the token's sub"),
            ApiError::too_many_connections(10_000),
        ]);
        refusals
    }

    pub(super) fn add(&mut self, errors: impl IntoIterator<Item = ApiError>) {
        for error in errors {
            self.0.entry(error.status().as_u16()).or_default().push(error);
        }
    }

    /// One response for each status; `form`: of the events of those who read streams, if they get any.
    pub(super) fn responses(
        self,
        form: Option<Form>,
        schemas: &mut Schemas,
    ) -> BTreeMap<String, Response> {
        let stream = form.map(|form| Streamed::Refusal(form).schema(schemas));
        let told = |(status, errors): (u16, Vec<ApiError>)| {
            (status.to_string(), response(&errors, stream.clone(), schemas))
        };
        self.0.into_iter().map(told).collect()
    }
}

fn response(errors: &[ApiError], stream: Option<Schema>, schemas: &mut Schemas) -> Response {
    let lines =
        errors.iter().map(|error| format!("- `{}`: {}", error.code().code(), error.detail()));
    let lines: Vec<String> = lines.collect();
    let json = ("application/json", body(errors, schemas));
    let stream = stream.map(|stream| ("text/event-stream", stream));
    let content = [json].into_iter().chain(stream);
    Response {
        description: lines.join("\n"),
        headers: headers(errors),
        content: content.map(|(media, schema)| (media, MediaType::of(schema))).collect(),
    }
}

/// The headers that any of these errors has.
fn headers(errors: &[ApiError]) -> BTreeMap<String, OrReference<super::model::Header>> {
    let mut sent = super::correlation();
    let known = super::headers::of_answers();
    for error in errors {
        let response = error.clone().into_response();
        let names = response.headers().keys().filter_map(|name| {
            known.keys().find(|known| known.eq_ignore_ascii_case(name.as_str()))
        });
        sent.extend(names.map(|name| ((*name).to_owned(), OrReference::to("headers", name))));
    }
    sent
}

fn body(errors: &[ApiError], schemas: &mut Schemas) -> Schema {
    let mut codes: Vec<&str> = errors.iter().map(|error| error.code().code()).collect();
    codes.sort_unstable();
    codes.dedup();
    let any = schemas.of::<ErrorResponse>();
    if codes.len() == ErrorCode::ALL.len() {
        return any;
    }
    json_schema!({"allOf": [any, {"properties": {"errorCode": {"enum": codes}}}]})
}
