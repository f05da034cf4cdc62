//! The outside of the service: reads like the table of routes of the contract (section 1).
//!
//! Every route is closed unless the table says [`Access::Open`]; an unknown path is closed too. A
//! fault leaves a handler as an [`error::ApiError`] and gets its body in one place, [`render`].

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

pub use self::access::Access;
use self::readers::Readers;
use self::refusal_body::RefusalBody;
pub use self::route::Route;
use self::route::{guarded, open};
use crate::agent::AgentService;
use crate::domain::{Clock, Language, Role};
use crate::sse::frame::Form;
use crate::store::Store;
use crate::telemetry::metrics::Metrics;

mod accept;
mod access;
pub mod ag_ui;
pub mod approvals;
mod asyncapi;
pub mod audit;
pub mod auth;
mod bearer;
pub mod body;
mod body_watch;
pub mod console;
pub mod cors;
mod crowd;
mod docs;
pub mod documents;
pub mod envelope;
pub mod error;
mod examples;
mod expiry;
pub mod extract;
pub mod health;
pub mod hitl;
mod host;
pub mod idempotency;
pub mod listen;
pub mod metrics;
mod openapi;
pub mod operators;
mod private;
pub mod readers;
mod refusal_body;
pub mod render;
pub mod request_log;
mod route;
mod schemas;
pub mod sessions;
pub mod stream;
pub mod tail;
mod versioned;

/// What `http` is told by the composition root.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// How callers are checked.
    pub auth: auth::AuthConfig,
    /// Whose web pages may call.
    pub origins: cors::Origins,
    /// The longest prompt that a run is started with, in bytes.
    pub prompt_bytes: usize,
    /// The longest silence on a stream.
    pub keep_alive: Duration,
    /// The language of what a stream says where the language of its run is not known.
    pub language: Language,
    /// How long a stream waits for a store that is away.
    pub store_patience: Duration,
    /// The role whose callers may read the audit stream; `None`: nobody.
    pub auditors: Option<Role>,
    /// The role whose callers are operators; `None`: nobody.
    pub operators: Option<Role>,
    /// The page for people.
    pub console: console::ConsoleConfig,
}

/// What handlers share.
pub struct Http {
    /// The agent.
    pub service: Arc<AgentService>,
    /// The store, for reading streams and for readiness.
    pub store: Arc<dyn Store>,
    /// Who gives the time.
    pub clock: Arc<dyn Clock>,
    /// Keys and times.
    pub config: HttpConfig,
    /// Who reads how many streams.
    pub readers: Readers,
    /// What is counted.
    pub metrics: Metrics,
    /// Cancelled once the process was told to stop: it still does its work, and is not ready for more.
    pub leaving: CancellationToken,
    /// Cancelled once the process is to stop.
    pub stopping: CancellationToken,
}

/// The state as axum hands it to handlers.
pub type Shared = Arc<Http>;

/// The route table.
pub fn routes() -> Vec<Route> {
    vec![
        guarded("/aura/test/stream")
            .refusing_as(RefusalBody::Event { on_get: Form::Enveloped })
            .post(stream::post, openapi::start)
            .get(stream::get, openapi::start_enveloped)
            .without_head("GET, POST"),
        guarded("/aura/ag-ui")
            .refusing_as(RefusalBody::EnvelopeOnly)
            .post(ag_ui::post, openapi::run_ag_ui),
        guarded("/aura/hitl/requests/{requestId}").get(hitl::request, openapi::request),
        guarded("/aura/hitl/signals/{sessionId}").get(hitl::signal, openapi::signal),
        guarded("/aura/hitl/approve/{requestId}").post(hitl::approve, openapi::approve),
        guarded("/aura/hitl/reject/{requestId}").post(hitl::reject, openapi::reject),
        guarded("/aura/approvals").get(approvals::list, openapi::list_approvals),
        guarded("/aura/approvals/stream")
            .refusing_as(RefusalBody::Event { on_get: Form::Flat })
            .get(approvals::stream, openapi::watch_approvals)
            .without_head("GET"),
        guarded("/aura/approvals/{requestId}/approve")
            .post(approvals::approve, openapi::approve_in_inbox),
        guarded("/aura/approvals/{requestId}/reject")
            .post(approvals::reject, openapi::reject_in_inbox),
        guarded("/aura/sessions").get(sessions::list, openapi::list_sessions),
        guarded("/aura/sessions/{sessionId}").get(sessions::show, openapi::show_session),
        guarded("/aura/sessions/{sessionId}/stream")
            .refusing_as(RefusalBody::Event { on_get: Form::Flat })
            .get(stream::join, openapi::join_session)
            .without_head("GET"),
        guarded("/aura/sessions/{sessionId}/cancel")
            .post(sessions::cancel, openapi::cancel_session),
        guarded("/aura/audit").get(audit::page, openapi::audit_page),
        guarded("/aura/admin/runs").get(operators::runs::list, openapi::list_runs),
        guarded("/aura/admin/runs/{sessionId}/cancel")
            .post(operators::runs::cancel, openapi::cancel_run),
        guarded("/aura/admin/holds").get(operators::holds::list, openapi::list_holds),
        guarded("/aura/admin/holds/{name}")
            .get(operators::holds::show, openapi::show_hold)
            .put(operators::holds::put, openapi::put_hold)
            .delete(operators::holds::lift, openapi::lift_hold),
        open("/health").get(health::live, openapi::live),
        open("/aura/health").get(health::live, openapi::live_behind_gateway),
        open("/health/ready").get(health::ready, openapi::ready),
        // Not under /aura, so the Gateway never forwards it.
        open("/metrics").get(metrics::show, openapi::metrics),
        open("/aura/openapi.json").get(documents::show_openapi, openapi::openapi_document),
        open("/aura/asyncapi.json").get(documents::show_asyncapi, openapi::asyncapi_document),
        open("/aura/docs").get(docs::show, openapi::docs_page),
        open("/").get(console::page, openapi::console_page),
        open("/console/{file}").get(console::show, openapi::console_file),
    ]
}

/// The router: all routes behind their guard, faults rendered, every answer readable for the pages
/// that may call, arrivals logged.
pub fn router(http: Http) -> Router {
    let http = Arc::new(http);
    let routes = routes();
    let faults = render::Faults::new(Arc::clone(&http), &routes);
    let (mut open, mut guarded) = (Router::new(), Router::new());
    for Route { path, access, handler, .. } in routes {
        match access {
            Access::Open => open = open.route(path, handler),
            Access::Guarded => guarded = guarded.route(path, handler),
        }
    }
    let guard = from_fn_with_state(Arc::clone(&http), auth::guard);
    let guarded = guarded
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(guard)
        .layer(from_fn(crowd::refuse));
    open.method_not_allowed_fallback(error::no_such_method)
        .merge(guarded)
        .layer(from_fn(host::check))
        .layer(CatchPanicLayer::custom(error::from_panic))
        .layer(from_fn_with_state(faults, render::faults))
        .layer(from_fn_with_state(Arc::clone(&http), cors::share))
        .layer(from_fn(private::keep))
        .layer(from_fn(request_log::log))
        .with_state(http)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A route as documents and code both tell it: method, path without names, whether it is guarded.
    type Told = (String, String, bool);

    /// `/aura/sessions/{sessionId}?limit=20` is `/aura/sessions/{}`: names are the documents' own, and `…` is any.
    fn nameless(path: &str) -> String {
        let path = path.split('?').next().unwrap_or(path);
        let is_name = |part: &&str| part.starts_with('{') || *part == "…";
        let parts = path.split('/').map(|part| if is_name(&part) { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    /// The routes of one row: each between back-ticks, with its method. Of `GET`/`PUT /path`, which are several
    /// methods of one path, each counts.
    fn routes_of(row: &str) -> Vec<(String, String)> {
        let (mut methods, mut told) = (Vec::new(), Vec::new());
        for code in row.split('`').skip(1).step_by(2) {
            let (method, path) = code.split_once(' ').unwrap_or((code, ""));
            methods.push(method.to_owned());
            if path.starts_with('/') {
                told.extend(methods.drain(..).map(|method| (method, nameless(path))));
            }
        }
        told
    }

    /// The routes in the tables of a document: between back-ticks in the first column, the second
    /// says whether they are guarded.
    fn documented(page: &str) -> BTreeSet<Told> {
        let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
        let rows = rows.filter(|row| row.starts_with('`'));
        let told = rows.filter_map(|row| row.split_once(" | ")).flat_map(|(routes, rest)| {
            let is_guarded = rest.starts_with("yes");
            let told = routes_of(routes).into_iter();
            told.map(move |(method, path)| (method, path, is_guarded))
        });
        told.collect()
    }

    fn served() -> BTreeSet<Told> {
        let of_route = |route: Route| {
            let told = move |method: &str| {
                (method.to_owned(), nameless(route.path), route.access == Access::Guarded)
            };
            route.methods().map(told).collect::<Vec<_>>()
        };
        routes().into_iter().flat_map(of_route).collect()
    }

    #[test]
    fn the_routes_are_the_documented_ones() {
        assert_eq!(documented(include_str!("../docs/ROUTES.md")), served());
    }

    #[test]
    fn every_route_is_in_the_contract_or_a_decision_record_and_guarded_as_it_says() {
        // What was added to the contract's, with the decision record that says why.
        let ag_ui = include_str!("../docs/adr/0013-ag-ui-is-a-second-rendering-of-the-journal.md");
        let deciding = include_str!("../docs/adr/0015-decisions-have-a-path-of-this-service.md");
        let holds = include_str!(
            "../docs/adr/0017-holds-are-read-by-everyone-who-starts-asks-or-decides.md"
        );
        let added = [
            ("POST", "/aura/ag-ui", ag_ui),
            ("POST", "/aura/approvals/{requestId}/approve", deciding),
            ("POST", "/aura/approvals/{requestId}/reject", deciding),
            ("GET", "/aura/admin/holds", holds),
        ];
        let mut contract = documented(include_str!("../docs/CONTRACT.md"));
        for (method, path, record) in added {
            assert!(record.contains(&format!("`{method} {path}`")), "{path}");
            contract.insert((method.to_owned(), nameless(path), true));
        }
        let served = served();
        let unknown: Vec<_> = served.difference(&contract).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
