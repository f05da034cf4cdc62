//! The audit chains of the embedded store: they last as long as it does.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::usage::PLACE;
use super::{MemoryStore, lock};
use crate::domain::{AuditEntry, AuditFact, ChainEnd, TenantId};
use crate::store::{Audit, StoreError, audit_text};

/// Bytes of a hash.
const HASH: usize = 64;

/// Each tenant's chain; entry `n` is at `n - 1`.
pub(super) type AuditTable = BTreeMap<TenantId, Vec<AuditEntry>>;

#[async_trait]
impl Audit for MemoryStore {
    async fn record(&self, tenant: &TenantId, fact: &AuditFact) -> Result<(), StoreError> {
        let text = audit_text(fact)?;
        let mut table = lock(&self.audit);
        let chain = table.entry(tenant.clone()).or_default();
        let end = chain.last().map_or_else(|| ChainEnd::genesis(tenant), AuditEntry::end);
        // It is kept as long as the store is; its hashes stand beside it.
        self.usage.add(PLACE + 2 * HASH + text.len());
        chain.push(end.then(text));
        Ok(())
    }

    async fn audit(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        let table = lock(&self.audit);
        let chain = table.get(tenant).map_or(&[][..], Vec::as_slice);
        Ok(chain.iter().skip(after).take(limit).cloned().collect())
    }

    async fn audit_reached(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let table = lock(&self.audit);
        let newest = table.get(tenant).and_then(|chain| chain.last());
        Ok(newest.map_or(0, |entry| entry.number))
    }

    async fn audited_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        Ok(lock(&self.audit).keys().cloned().collect())
    }
}
