//! The anchor of an audit chain: where it was known to end, sealed with the audit key. A stream alone
//! does not tell that its end was cut, or that there ever was one.

use redis::Value;

use super::recorder::Recorder;
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
    /// Notes that the chain goes as far as this.
    pub(super) async fn anchor(
        &self,
        key: &AuditKey,
        tenant: &TenantId,
        end: &ChainEnd,
    ) -> Result<(), StoreError> {
        let AuditAnchor { end, mac } = key.anchor(tenant, end);
        let number = end.number.to_string();
        let args = [number.as_str(), end.hash.as_str(), mac.as_str()];
        let args = args.map(|arg| arg.as_bytes().into());
        self.commands.script(&self.set_anchor, &keys::audit_anchor(tenant), &args).await
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
        Err(error @ StoreError::Unavailable(_)) => return Err(error),
    };
    let texts: Vec<Option<String>> = found
        .into_iter()
        .map(|value| redis::FromRedisValue::from_redis_value(value).ok())
        .collect();
    let [Some(number), Some(hash), Some(mac)] = &texts[..] else { return Ok(None) };
    let parts = (number.parse().ok(), EntryHash::parse(hash), EntryMac::parse(mac));
    let (Some(number), Some(hash), Some(mac)) = parts else { return Ok(None) };
    Ok(Some(AuditAnchor { end: ChainEnd { number, hash }, mac }))
}
