//! What tenants have spent: one counter for each tenant and day.

use async_trait::async_trait;
use redis::pipe;

use super::{RedisStore, keys};
use crate::domain::{TenantId, UtcDay};
use crate::store::{Spending, StoreError, ttl};

#[async_trait]
impl Spending for RedisStore {
    async fn spend(&self, tenant: &TenantId, day: UtcDay, tokens: u64) -> Result<u64, StoreError> {
        let key = keys::spent(tenant, day);
        let mut steps = pipe();
        // Both or neither: a counter without an end would never go away.
        steps.atomic().cmd("INCRBY").arg(&key).arg(tokens);
        steps.cmd("EXPIRE").arg(&key).arg(ttl::SPENT.as_secs()).ignore();
        let (total,): (u64,) = self.commands.pipe(&steps).await?;
        Ok(total)
    }

    async fn spent(&self, tenant: &TenantId, day: UtcDay) -> Result<u64, StoreError> {
        let key = keys::spent(tenant, day);
        let total: Option<u64> = self.commands.query(redis::cmd("GET").arg(key)).await?;
        Ok(total.unwrap_or(0))
    }
}
