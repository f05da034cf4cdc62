//! The inbox: what waits for the caller's tenant, and what was decided lately, as a page and live (contract,
//! section 5.6), and the decisions on it.
//!
//! The Gateway sends `/aura/hitl/` to the Main Service, which knows no changed arguments and whose yes does not
//! count where a policy narrows who may approve. What is decided here reaches this service on every way.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method};
use schemars::JsonSchema;
use serde::Serialize;

use self::shown::Approval;
use super::auth::Authenticated;
use super::body::Fields;
use super::error::ApiError;
use super::extract::{Params, PathId};
use super::stream::{last_event_id, refuse_head};
use super::tail::Tail;
use super::tail::inbox::InboxFeed;
use super::{Shared, envelope, hitl};
use crate::domain::{Caller, RequestId};
use crate::store::{InboxPlace, Noted};

pub mod events;
pub mod shown;

/// How many requests a page has, unless the caller says.
pub(super) const PAGE: usize = 50;
/// How many it may have at most.
pub(super) const PAGE_MAX: usize = 100;

/// One page of the inbox.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ApprovalsPage {
    /// The requests, newest first.
    approvals: Vec<Approval>,
    /// How many requests of the tenant wait for which this caller's yes would count.
    count: usize,
    /// The `before` of the next page; null if there is none.
    next: Option<RequestId>,
}

/// `GET /aura/approvals`: the requests of the caller's tenant, newest first.
pub async fn list(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    params: Params,
) -> Result<Response, ApiError> {
    let which = status(&params)?;
    let limit = params.limit(PAGE, PAGE_MAX)?;
    let before = before(&http, &caller, which, &params).await?;
    let page = http.service.inbox(&caller, which, before.as_ref(), limit).await?;
    let approvals = page.lines.into_iter().map(Approval::from).collect();
    let data = ApprovalsPage { approvals, count: page.count, next: page.next };
    Ok(envelope::success(&*http.clock, "Approvals retrieved", data))
}

/// `GET /aura/approvals/stream`: the same, live. Without a `Last-Event-ID`, or with one after which changes are
/// missing, it begins with what waits now.
pub async fn stream(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    refuse_head(&method, "GET")?;
    let reader = http.readers.open(&caller).await?;
    let feed = InboxFeed::open(&http, caller, last_event_id(&headers)).await?;
    Ok(Tail::of(&http, feed, reader).response())
}

/// `POST /aura/approvals/{requestId}/approve`: a yes (contract, section 5.4). A field that is not known is refused, so that no
/// misspelt one has the arguments run that were to be changed.
pub async fn approve(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(id): PathId,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let fields = Fields::read(&headers, body).await?;
    fields.only(&["userId", "args"])?;
    hitl::approved(&http, &caller, &id, &fields).await
}

/// `POST /aura/approvals/{requestId}/reject`: a no (contract, section 5.4).
pub async fn reject(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(id): PathId,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let fields = Fields::read(&headers, body).await?;
    fields.only(&["userId", "reason"])?;
    hitl::rejected(&http, &caller, &id, &fields).await
}

fn status(params: &Params) -> Result<Noted, ApiError> {
    match params.first_of(&["status"]) {
        Some("pending") | None => Ok(Noted::Waiting),
        Some("decided") => Ok(Noted::Decided),
        Some(_) => Err(ApiError::invalid("status", "must be pending or decided")),
    }
}

async fn before(
    http: &Shared,
    caller: &Caller,
    which: Noted,
    params: &Params,
) -> Result<Option<InboxPlace>, ApiError> {
    let Some(text) = params.first_of(&["before"]) else { return Ok(None) };
    let place = match RequestId::parse(text) {
        Some(id) => http.service.place_in_inbox(caller, which, &id).await?,
        None => None,
    };
    let unknown = || ApiError::invalid("before", "must be the id of a request of this list");
    place.map(Some).ok_or_else(unknown)
}
