//! What users may do how often: one point in time for each, moved by a script.

use std::borrow::Cow;

use async_trait::async_trait;

use super::{RedisStore, keys};
use crate::domain::{Allowance, Rate, TenantId, UserId};
use crate::store::{Quotas, StoreError};

#[async_trait]
impl Quotas for RedisStore {
    async fn take_start(
        &self,
        tenant: &TenantId,
        user: &UserId,
        rate: Rate,
    ) -> Result<Allowance, StoreError> {
        let key = keys::starts(tenant, user);
        let args = [rate.share_us(), rate.period_us()];
        let args = args.map(|arg| Cow::Owned(arg.to_string().into_bytes()));
        let (granted, whole_in_us): (bool, u64) =
            self.commands.script(&self.take_start, &key, &args).await?;
        Ok(rate.allowance(granted, whole_in_us))
    }
}
