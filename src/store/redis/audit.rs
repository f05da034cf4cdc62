//! An audit chain is one stream: entry `<number>-0` has the fields `previous`, `fact` and `hash`,
//! and nothing of ours ever trims, expires or deletes it (`docs/AUDIT.md`).
//!
//! The server keeps the highest id that it ever gave out, also when the entry has been removed. It
//! goes on from there: what is missing stays missing, and no number means two things.

use std::collections::HashMap;

use async_trait::async_trait;
use redis::{FromRedisValue, Value};

use self::recorder::Pending;
pub(super) use self::recorder::Recorder;
use super::{RedisStore, keys};
use crate::domain::{AuditEntry, AuditFact, EntryHash, EntryMac, TenantId};
use crate::store::audit::audit_text;
use crate::store::{Audit, StoreError};

mod anchor;
mod recorder;

fn stream_id(number: u64) -> String {
    format!("{number}-0")
}

fn number_of(id: &str) -> Option<u64> {
    id.strip_suffix("-0")?.parse().ok()
}

/// An entry as XRANGE tells it: its id, and its fields and values in turn.
type Stored = (String, Vec<Value>);

/// The entry, if it has the form of one: just these fields, in this order, each once. More could be
/// read by somebody else, and would be covered by no hash.
fn entry((id, fields): Stored) -> Result<AuditEntry, StoreError> {
    let text = |value: &Value| String::from_redis_value(value.clone()).ok();
    let texts: Option<Vec<String>> = fields.iter().map(text).collect();
    let texts = texts.unwrap_or_default();
    let parts = match texts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["previous", previous, "fact", fact, "hash", hash] => (previous, fact, hash, None),
        ["previous", previous, "fact", fact, "hash", hash, "mac", mac] => {
            (previous, fact, hash, Some(EntryMac::parse(mac).ok_or_else(|| unreadable(&id))?))
        }
        _ => return Err(unreadable(&id)),
    };
    let (previous, fact, hash, mac) = parts;
    match (number_of(&id), EntryHash::parse(previous), EntryHash::parse(hash)) {
        (Some(number), Some(previous), Some(hash)) => {
            Ok(AuditEntry { number, previous, fact: fact.to_owned(), hash, mac })
        }
        _ => Err(unreadable(&id)),
    }
}

fn unreadable(id: &str) -> StoreError {
    StoreError::Corrupt(format!("entry {id} of the audit stream has not the form of one"))
}

#[async_trait]
impl Audit for RedisStore {
    async fn record(&self, tenant: &TenantId, fact: &AuditFact) -> Result<(), StoreError> {
        let event = self.recorder.event(tenant, fact)?;
        self.recorder.record(tenant, Pending { fact: audit_text(fact)?, event }).await
    }

    async fn audit(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        // Whatever comes after, also what has not the form of an id of ours.
        let after = format!("({}", stream_id(after));
        let mut range = redis::cmd("XRANGE");
        range.arg(keys::audit(tenant)).arg(after).arg("+").arg("COUNT").arg(limit);
        let found: Vec<Stored> = self.commands.query(&range).await?;
        found.into_iter().map(entry).collect()
    }

    async fn audit_reached(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let key = keys::audit(tenant);
        if !self.commands.query::<bool>(redis::cmd("EXISTS").arg(&key)).await? {
            return Ok(0);
        }
        let mut info = redis::cmd("XINFO");
        info.arg("STREAM").arg(&key);
        let info: HashMap<String, Value> = self.commands.query(&info).await?;
        let id = info.get("last-generated-id").cloned();
        let id = id.and_then(|id| String::from_redis_value(id).ok()).unwrap_or_default();
        number_of(&id).ok_or_else(|| unreadable(&id))
    }

    /// Asks the one server that is connected: of a Cluster that would be one node's tenants.
    async fn audited_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        // An anchor tells of a stream that somebody has deleted.
        let mut names = self.commands.names(keys::ALL_AUDIT).await?;
        names.extend(self.commands.names(keys::ALL_ANCHORS).await?);
        let mut tenants: Vec<TenantId> =
            names.iter().filter_map(|key| keys::tenant_of_audit(key)).collect();
        tenants.sort();
        tenants.dedup();
        Ok(tenants)
    }
}
