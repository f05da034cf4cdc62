//! The audit stream over REST (`docs/AUDIT.md`).

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::auth::Authenticated;
use super::error::ApiError;
use super::extract::Params;
use super::{Shared, envelope};
use crate::domain::{AuditEntry, AuditFact, EntryHash, EntryMac};
use crate::store::StoreError;

/// How many entries a page has, unless the caller says.
pub(super) const PAGE: usize = 100;
/// How many it may have at most.
pub(super) const PAGE_MAX: usize = 1_000;

/// A page of an audit stream.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditPage")]
pub(super) struct Page {
    /// Oldest first.
    entries: Vec<ShownEntry>,
    /// The `after` of the next page, if there is one by now.
    next: Option<u64>,
}

/// An entry of an audit stream: a fact, bound to all entries before it.
// The fact is canonical JSON, which reads and writes without a change.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
struct ShownEntry {
    /// Its number in the tenant's stream, from 1.
    number: u64,
    /// The hash of the entry before it.
    previous: EntryHash,
    /// The SHA-256 of `<number>\n<previous>\n<fact>`.
    hash: EntryHash,
    /// What shows that a holder of the audit key has recorded it; only there if there is such a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<EntryMac>,
    /// What happened.
    #[schemars(with = "AuditFact")]
    fact: Value,
}

impl ShownEntry {
    fn of(entry: AuditEntry) -> Result<Self, StoreError> {
        let AuditEntry { number, previous, fact, hash, mac } = entry;
        let not_json = |error| {
            StoreError::Corrupt(format!("entry {number} of an audit stream is not JSON: {error}"))
        };
        let fact = serde_json::from_str(&fact).map_err(not_json)?;
        Ok(Self { number, previous, hash, mac, fact })
    }
}

/// `GET /aura/audit`: the facts of the caller's tenant, oldest first, for those who may read them.
pub async fn page(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    params: Params,
) -> Result<Response, ApiError> {
    let auditors = http.config.auditors.as_ref();
    if !auditors.is_some_and(|role| caller.roles.include(role)) {
        return Err(ApiError::forbidden("the caller has no role that may read the audit stream"));
    }
    let after = after(params.first_of(&["after"]))?;
    let limit = params.limit(PAGE, PAGE_MAX)?;
    // One more than asked for tells whether there is a next page.
    let mut entries = http.store.audit(&caller.tenant, after, limit + 1).await?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|entry| entry.number);
    let entries = entries.into_iter().map(ShownEntry::of).collect::<Result<_, _>>()?;
    Ok(envelope::success(&*http.clock, "Audit entries retrieved", Page { entries, next }))
}

fn after(text: Option<&str>) -> Result<u64, ApiError> {
    let Some(text) = text else { return Ok(0) };
    text.parse().map_err(|_| ApiError::invalid("after", "must be the number of an entry, or 0"))
}
