//! Holds: what operators stop, and lift (contract, section 5.7).

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::check_operator;
use crate::agent::{PutHold, PutHoldRefused};
use crate::domain::text::escape_invisible;
use crate::domain::{Hold, HoldName, HoldScope, Operator, TenantId, UnixSeconds};
use crate::http::auth::Authenticated;
use crate::http::body::Fields;
use crate::http::error::ApiError;
use crate::http::extract::PathId;
use crate::http::{Shared, envelope};

/// Longest reason, in characters.
pub(in crate::http) const REASON_MAX: usize = 500;
/// Longest name of a tenant or of a tool, in characters.
pub(in crate::http) const NAMED_MAX: usize = 200;

/// All holds that are in force.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HoldList")]
pub(in crate::http) struct List {
    /// In the order of their names.
    holds: Vec<Shown>,
}

/// A hold.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Hold")]
pub(in crate::http) struct Shown {
    /// Its name.
    name: HoldName,
    #[serde(flatten)]
    scope: HoldScope,
    /// Why; whoever is stopped reads it.
    #[schemars(length(max = REASON_MAX))]
    reason: String,
    /// Who has put it.
    put_by: Operator,
    /// When, in Unix seconds.
    put_at: UnixSeconds,
}

impl Shown {
    fn of(name: &HoldName, hold: &Hold) -> Self {
        let Hold { scope, reason, put_by, put_at_ms } = hold.clone();
        Self { name: name.clone(), scope, reason, put_by, put_at: put_at_ms.second() }
    }
}

/// `GET /aura/admin/holds`: all of them.
pub async fn list(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
) -> Result<Response, ApiError> {
    check_operator(&http, &caller)?;
    let holds = http.service.holds().await?;
    let holds = holds.iter().map(|(name, hold)| Shown::of(name, hold)).collect();
    Ok(envelope::success(&*http.clock, "Holds retrieved", List { holds }))
}

/// `GET /aura/admin/holds/{name}`: one of them.
pub async fn show(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(name): PathId,
) -> Result<Response, ApiError> {
    check_operator(&http, &caller)?;
    let name = hold_name(&name)?;
    let holds = http.service.holds().await?;
    let hold = holds.get(&name).ok_or_else(|| ApiError::not_found("hold"))?;
    Ok(envelope::success(&*http.clock, "Hold retrieved", Shown::of(&name, hold)))
}

/// `PUT /aura/admin/holds/{name}`: stops something, in the place of what a hold of this name stopped.
pub async fn put(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(name): PathId,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    check_operator(&http, &caller)?;
    let name = hold_name(&name)?;
    let wanted = wanted(&Fields::read(&headers, body).await?)?;
    let put = http.service.put_hold(&caller, &name, wanted).await?;
    let message = match (&put.hold.scope.tool, put.knows_tool) {
        (Some(tool), false) => format!("Hold is in force; this server knows no tool named {tool}"),
        (Some(_) | None, _) => "Hold is in force".to_owned(),
    };
    Ok(envelope::success(&*http.clock, &message, Shown::of(&name, &put.hold)))
}

/// `DELETE /aura/admin/holds/{name}`: lifts it.
pub async fn lift(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    PathId(name): PathId,
) -> Result<Response, ApiError> {
    check_operator(&http, &caller)?;
    let name = hold_name(&name)?;
    let lifted = http.service.lift_hold(&caller, &name).await?;
    let lifted = lifted.ok_or_else(|| ApiError::not_found("hold"))?;
    Ok(envelope::success(&*http.clock, "Hold lifted", Shown::of(&name, &lifted)))
}

impl From<PutHoldRefused> for ApiError {
    fn from(refused: PutHoldRefused) -> Self {
        match refused {
            PutHoldRefused::Full => Self::invalid("name", &refused.to_string()),
            PutHoldRefused::Store(error) => error.into(),
        }
    }
}

fn hold_name(text: &str) -> Result<HoldName, ApiError> {
    HoldName::parse(text)
        .ok_or_else(|| ApiError::invalid("name", "must be 1 to 64 of a-z, 0-9 and -"))
}

fn wanted(fields: &Fields) -> Result<PutHold, ApiError> {
    fields.only(&["tenant", "tool", "runs", "reason"])?;
    let tenant = named(fields, "tenant")?.map(TenantId::new);
    let tool = named(fields, "tool")?.map(str::to_owned);
    let runs = match fields.value("runs") {
        None => false,
        Some(Value::Bool(runs)) => *runs,
        Some(_) => return Err(ApiError::invalid("runs", "must be true or false")),
    };
    if tool.is_none() && !runs {
        return Err(ApiError::invalid("tool", "must be there, unless runs is true"));
    }
    Ok(PutHold { scope: HoldScope { tenant, tool, runs }, reason: reason(fields)? })
}

/// A name that is left out, or says something.
fn named<'a>(fields: &'a Fields, name: &str) -> Result<Option<&'a str>, ApiError> {
    match fields.text(name)?.map(str::trim) {
        Some("") => Err(ApiError::invalid(name, "must not be blank")),
        Some(text) if text.chars().count() > NAMED_MAX => {
            Err(ApiError::invalid(name, &format!("must be at most {NAMED_MAX} characters long")))
        }
        text => Ok(text),
    }
}

fn reason(fields: &Fields) -> Result<String, ApiError> {
    let reason = fields.text("reason")?.map(str::trim).unwrap_or_default();
    if reason.is_empty() {
        return Err(ApiError::missing("reason"));
    }
    if reason.chars().count() > REASON_MAX {
        let wrong = format!("must be at most {REASON_MAX} characters long");
        return Err(ApiError::invalid("reason", &wrong));
    }
    Ok(escape_invisible(reason))
}
