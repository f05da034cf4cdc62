//! The OpenAPI 3.1 document: what each line of the route table takes and answers.
//!
//! A line cannot be made without its operation ([`Route`](super::route::Route)), the schemas are those of the
//! types that are written, and what a refusal looks like says the table of [`error`](super::error).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::access::Access;
use super::bearer::{BEARER, security_schemes};
use super::error::ApiError;
use super::route::Route;
use super::schemas::Schemas;

mod ag_ui;
mod audit;
mod console;
mod documents;
mod headers;
mod health;
mod hitl;
mod model;
mod operation;
mod operators;
mod refusals;
mod sessions;
mod stream_events;
mod streams;
mod webhooks;

pub(super) use ag_ui::run as run_ag_ui;
pub(super) use audit::page as audit_page;
pub(super) use console::{file as console_file, page as console_page};
pub(super) use documents::{
    asyncapi as asyncapi_document, docs as docs_page, openapi as openapi_document,
};
pub(super) use health::{live, live_behind_gateway, metrics, ready};
pub(super) use hitl::{
    approve, approve_in_inbox, list as list_approvals, reject, reject_in_inbox, request, signal,
};
pub(super) use operation::Operation;
pub(super) use operators::{cancel_run, lift_hold, list_holds, list_runs, put_hold, show_hold};
pub(super) use sessions::{cancel as cancel_session, list as list_sessions, show as show_session};
pub(super) use streams::{
    get as start_enveloped, inbox as watch_approvals, join as join_session, post as start,
};

use model::{Components, Info, License, OpenApi, OrReference, ServerObject, TagObject};
use operation::Tag;

const ABOUT: &str = "\
The agent server of DWP: typed event streams, durable runs, human approvals.

A run lives on the server, not on the connection. `POST /aura/test/stream` starts one and answers with its \
event stream; whoever loses the connection asks again with `Last-Event-ID`, and gets what it has not had. \
Before a tool changes anything, the stream asks a person (`hitl`), who answers over REST.

Answers that are no stream are `nosniff`, and `no-store` unless they say otherwise.

Every refusal has one of the platform's codes. A method that a path does not take is 405 (`E1002`, with \
`Allow`), an unknown path 404 (`E1004`); without a valid token both are 401.

The events of the streams are described in the AsyncAPI document (`/aura/asyncapi.json`).";

/// The document, of these routes.
pub(super) fn document(routes: &[Route]) -> OpenApi {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes {
        let operations = route.operations.iter().map(|(method, describe)| {
            let operation = describe(&mut schemas).object(
                route.access,
                route.refusal_body.form(method),
                &mut schemas,
            );
            (method.as_str().to_ascii_lowercase(), json!(operation))
        });
        paths.insert(route.path.to_owned(), Value::Object(operations.collect()));
    }
    OpenApi {
        openapi: "3.1.0",
        info: Info {
            title: "Aura-Platform",
            version: env!("CARGO_PKG_VERSION"),
            description: ABOUT,
            license: License { name: "Apache-2.0", identifier: "Apache-2.0" },
        },
        servers: [ServerObject {
            url: "/",
            description: "The server that this document comes from.",
        }],
        tags: Tag::ALL.map(Tag::object).into(),
        paths,
        webhooks: webhooks::all(&mut schemas),
        components: Components {
            schemas: schemas.definitions(),
            headers: headers::of_answers(),
            parameters: headers::parameters(),
            security_schemes: security_schemes(),
        },
    }
}

/// What the guard wants of a request.
fn security(access: Access) -> Vec<BTreeMap<&'static str, [&'static str; 0]>> {
    match access {
        Access::Open => Vec::new(),
        Access::Guarded => vec![[(BEARER, [])].into()],
    }
}

/// What can be wrong with a JSON body.
fn of_json_bodies(limit: usize) -> [ApiError; 5] {
    [
        ApiError::malformed("the body is not JSON"),
        ApiError::invalid("body", "must be a JSON object"),
        ApiError::media_type(),
        ApiError::too_large(limit),
        ApiError::too_slow(),
    ]
}

/// The header of every answer.
fn correlation() -> BTreeMap<String, OrReference<model::Header>> {
    let name = "X-Correlation-ID";
    [(name.to_owned(), OrReference::to("headers", name))].into()
}

impl Tag {
    fn object(self) -> TagObject {
        TagObject { name: self.name(), description: self.about() }
    }
}
