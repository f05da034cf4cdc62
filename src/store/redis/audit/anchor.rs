//! The anchor of an audit chain: where it was known to end, sealed with the audit key. A stream alone
//! does not tell that its end was cut, or that there ever was one.
//!
//! It is begun once, before the first sealed entry, and only ever moved on from an anchor that the key has
//! sealed. One that somebody has removed or made up stays as it is, and every check of the chain tells of
//! it: a new one would hide whatever was cut before.

use redis::Value;

use super::recorder::Recorder;
use super::{Stored, entry};
use crate::domain::{AuditAnchor, AuditKey, ChainEnd, EntryHash, EntryMac, TenantId};
use crate::store::StoreError;
use crate::store::redis::commands::Commands;
use crate::store::redis::{RedisStore, keys};

impl RedisStore {
    /// Where the tenant's chain was known to end; `None` if nothing of that form says so. Whether the
    /// audit key has sealed it is for the caller to find out.
    pub async fn audit_anchor(&self, tenant: &TenantId) -> Result<Option<AuditAnchor>, StoreError> {
        stored(&self.commands, tenant).await
    }
}

impl Recorder {
    /// Notes that the chain goes as far as `end`, which follows `before`.
    pub(super) async fn anchor(
        &self,
        key: &AuditKey,
        tenant: &TenantId,
        before: &ChainEnd,
        end: &ChainEnd,
    ) -> Result<(), StoreError> {
        let mut standing = key.anchor(tenant, before);
        while standing.end.number < end.number {
            match self.move_anchor(tenant, standing.mac.as_str(), &key.anchor(tenant, end)).await? {
                Moved::Here => return Ok(()),
                // Another process was quicker, or is behind.
                Moved::From(Some(other)) if key.opened(tenant, &other).is_some() => {
                    standing = other
                }
                Moved::From(_) => {
                    let tenant = tenant.as_str();
                    tracing::error!(tenant, "the anchor of an audit stream is gone, or not ours");
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Begins the anchor where the chain ends, unless an entry of it was sealed: then there was one.
    pub(super) async fn begin_anchor(
        &self,
        key: &AuditKey,
        tenant: &TenantId,
    ) -> Result<(), StoreError> {
        if let Some(end) = self.unsealed_end(tenant).await? {
            self.move_anchor(tenant, "", &key.anchor(tenant, &end)).await?;
        }
        Ok(())
    }

    /// Where a chain ends that has no sealed entry yet, as far as its last one tells.
    async fn unsealed_end(&self, tenant: &TenantId) -> Result<Option<ChainEnd>, StoreError> {
        let stream = keys::audit(tenant);
        if !self.commands.query::<bool>(redis::cmd("EXISTS").arg(&stream)).await? {
            return Ok(Some(ChainEnd::genesis(tenant)));
        }
        let mut newest = redis::cmd("XREVRANGE");
        newest.arg(&stream).arg("+").arg("-").arg("COUNT").arg(1);
        let newest: Vec<Stored> = self.commands.query(&newest).await?;
        // What has not the form of an entry, or was all cut, is for whoever checks the chain.
        let newest = newest.into_iter().next().and_then(|newest| entry(newest).ok());
        Ok(newest.filter(|entry| entry.mac.is_none()).map(|entry| entry.end()))
    }

    /// Moves the anchor on, if what stands there has this seal; empty: if nothing stands there.
    async fn move_anchor(
        &self,
        tenant: &TenantId,
        standing: &str,
        to: &AuditAnchor,
    ) -> Result<Moved, StoreError> {
        let AuditAnchor { end, mac } = to;
        let number = end.number.to_string();
        let args = [standing, number.as_str(), end.hash.as_str(), mac.as_str()];
        let args = args.map(|arg| arg.as_bytes().into());
        let key = keys::audit_anchor(tenant);
        let found: Option<Vec<Value>> = self.commands.script(&self.set_anchor, &key, &args).await?;
        Ok(found.map_or(Moved::Here, |found| Moved::From(parsed(found))))
    }

    /// Where the chain was known to end, as the audit key has sealed it.
    pub(super) async fn anchored(
        &self,
        key: &AuditKey,
        tenant: &TenantId,
    ) -> Result<Option<ChainEnd>, StoreError> {
        let Some(anchor) = stored(&self.commands, tenant).await? else { return Ok(None) };
        let end = key.opened(tenant, &anchor).cloned();
        if end.is_none() {
            let tenant = tenant.as_str();
            tracing::error!(
                tenant,
                "the anchor of an audit stream was not sealed with the audit key"
            );
        }
        Ok(end)
    }
}

async fn stored(commands: &Commands, tenant: &TenantId) -> Result<Option<AuditAnchor>, StoreError> {
    let mut get = redis::cmd("HMGET");
    get.arg(keys::audit_anchor(tenant)).arg(&["number", "hash", "mac"]);
    let found: Vec<Value> = match commands.query(&get).await {
        Ok(found) => found,
        // Something else was put there.
        Err(StoreError::Corrupt(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(parsed(found))
}

/// An anchor of these parts: number, hash and seal; `None` if they have not the form of one.
fn parsed(parts: Vec<Value>) -> Option<AuditAnchor> {
    let texts = parts.into_iter().map(|part| redis::FromRedisValue::from_redis_value(part).ok());
    let texts: Vec<Option<String>> = texts.collect();
    let [Some(number), Some(hash), Some(mac)] = &texts[..] else { return None };
    let end = ChainEnd { number: number.parse().ok()?, hash: EntryHash::parse(hash)? };
    Some(AuditAnchor { end, mac: EntryMac::parse(mac)? })
}

/// What came of moving an anchor.
enum Moved {
    /// It was moved.
    Here,
    /// Something else stands there: an anchor, or what has not the form of one.
    From(Option<AuditAnchor>),
}
