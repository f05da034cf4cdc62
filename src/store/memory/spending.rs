//! What tenants have spent, in the embedded store.

use async_trait::async_trait;

use super::MemoryStore;
use super::expiring::Expiring;
use crate::domain::{TenantId, UtcDay};
use crate::store::{SPENT_MAX, Spending, StoreError, ttl};

/// Tokens by tenant and day.
pub(super) type SpendingTable = Expiring<(TenantId, UtcDay), u64>;

#[async_trait]
impl Spending for MemoryStore {
    async fn spend(&self, tenant: &TenantId, day: UtcDay, tokens: u64) -> Result<u64, StoreError> {
        let mut table = self.spending.lock();
        let (key, now) = ((tenant.clone(), day), self.clock.now());
        Ok(table.renew(key, now, ttl::SPENT, |total| {
            *total = total.saturating_add(tokens).min(SPENT_MAX);
            *total
        }))
    }

    async fn spent(&self, tenant: &TenantId, day: UtcDay) -> Result<u64, StoreError> {
        let key = (tenant.clone(), day);
        Ok(self.spending.lock().get(&key, self.clock.now()).copied().unwrap_or(0))
    }
}
