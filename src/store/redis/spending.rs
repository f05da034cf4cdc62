//! What tenants have spent: one counter for each tenant and day.

use std::borrow::Cow;

use async_trait::async_trait;

use super::{RedisStore, keys};
use crate::domain::{TenantId, UtcDay};
use crate::store::{SPENT_MAX, Spending, StoreError, ttl};

#[async_trait]
impl Spending for RedisStore {
    async fn spend(&self, tenant: &TenantId, day: UtcDay, tokens: u64) -> Result<u64, StoreError> {
        let key = keys::spent(tenant, day);
        let args = [tokens.min(SPENT_MAX), ttl::SPENT.as_secs(), SPENT_MAX];
        let args = args.map(|arg| Cow::Owned(arg.to_string().into_bytes()));
        self.commands.script(&self.spend, &key, &args).await
    }

    async fn spent(&self, tenant: &TenantId, day: UtcDay) -> Result<u64, StoreError> {
        let key = keys::spent(tenant, day);
        let total: Option<u64> = self.commands.query(redis::cmd("GET").arg(key)).await?;
        Ok(total.unwrap_or(0))
    }
}
