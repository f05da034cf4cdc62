//! What users may do how often, in the embedded store.

use std::time::Duration;

use async_trait::async_trait;

use super::expiring::Expiring;
use super::{MemoryStore, lock};
use crate::domain::{Allowance, Rate, TenantId, UserId};
use crate::store::{Quotas, StoreError};

/// When all of each user's starts are there again, in microseconds.
pub(super) type StartTable = Expiring<(TenantId, UserId), u64>;

#[async_trait]
impl Quotas for MemoryStore {
    async fn take_start(
        &self,
        tenant: &TenantId,
        user: &UserId,
        rate: Rate,
    ) -> Result<Allowance, StoreError> {
        let (key, now) = ((tenant.clone(), user.clone()), self.clock.now_ms());
        let mut table = lock(&self.starts);
        let before = table.get(&key, now).copied().unwrap_or(0);
        let now_us = now.saturating_mul(1000);
        let (granted, whole_at) = rate.take(before, now_us);
        let whole_in_us = whole_at.saturating_sub(now_us);
        // A millisecond more than it lasts: what has expired allows everything.
        let kept = Duration::from_micros(whole_in_us) + Duration::from_millis(1);
        table.put(key, whole_at, now, kept);
        Ok(rate.allowance(granted, whole_in_us))
    }
}
