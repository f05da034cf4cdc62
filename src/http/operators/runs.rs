//! The runs of all tenants, and stopping one (contract, section 5.7).

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check_operator;
use crate::agent::{RunFilter, SessionSummary};
use crate::domain::{SessionId, SessionMeta, SessionStatus, TenantId, UserId};
use crate::http::auth::Authenticated;
use crate::http::error::ApiError;
use crate::http::extract::{Params, PathId};
use crate::http::sessions::{Line, cancel_answer};
use crate::http::{Shared, envelope};

/// How many runs a page has, unless the caller says.
pub(in crate::http) const PAGE: usize = 50;
/// How many it may have at most.
pub(in crate::http) const PAGE_MAX: usize = 100;

/// A page of the runs of all tenants.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RunPage")]
pub(in crate::http) struct Page {
    /// Newest first. There may be none although `next` says where to go on: a page looks at a bounded part of all runs.
    runs: Vec<Run>,
    /// The `before` of the next page, if there is one.
    next: Option<SessionId>,
}

/// A run, as operators see it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RunSummary")]
struct Run {
    #[serde(flatten)]
    line: Line,
    /// Whose it is.
    tenant_id: TenantId,
    /// Who started it.
    user_id: UserId,
}

impl From<SessionSummary> for Run {
    fn from(run: SessionSummary) -> Self {
        let SessionMeta { tenant, user, .. } = run.meta.clone();
        Self { line: run.into(), tenant_id: tenant, user_id: user }
    }
}

/// `GET /aura/admin/runs`: the runs of all tenants, newest first.
pub async fn list(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    params: Params,
) -> Result<Response, ApiError> {
    check_operator(&http, &caller)?;
    let limit = params.limit(PAGE, PAGE_MAX)?;
    let filter = RunFilter {
        tenant: params.first_of(&["tenant"]).map(TenantId::new),
        status: status(params.first_of(&["status"]))?,
    };
    let before = match params.first_of(&["before"]) {
        Some(id) => Some(known(&http, id).await?),
        None => None,
    };
    let (runs, next) = http.service.all_runs(&filter, before.as_ref(), limit).await?;
    let runs = runs.into_iter().map(Run::from).collect();
    Ok(envelope::success(&*http.clock, "Runs retrieved", Page { runs, next }))
}

/// `POST /aura/admin/runs/{sessionId}/cancel`: stops a run of any tenant.
pub async fn cancel(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(id): PathId,
) -> Result<Response, ApiError> {
    check_operator(&http, &caller)?;
    let missing = || ApiError::not_found("session");
    let id = SessionId::parse(&id).ok_or_else(missing)?;
    let meta = http.service.any_run(&id).await?.ok_or_else(missing)?;
    let cancelled = http.service.cancel_as_operator(&caller, &meta).await;
    cancel_answer(&http, meta.session_id, cancelled)
}

/// The run of that id, whoever has started it, also if its journal has expired.
async fn known(http: &Shared, id: &str) -> Result<SessionMeta, ApiError> {
    let missing = || ApiError::not_found("session");
    let id = SessionId::parse(id).ok_or_else(missing)?;
    http.service.any_known_run(&id).await?.ok_or_else(missing)
}

fn status(text: Option<&str>) -> Result<Option<SessionStatus>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let known = SessionStatus::deserialize(Value::from(text));
    let wrong = "must be running, waiting_approval, completed, failed, rejected or cancelled";
    known.map(Some).map_err(|_| ApiError::invalid("status", wrong))
}
