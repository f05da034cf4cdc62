//! The port of the audit streams (`docs/AUDIT.md`).

use async_trait::async_trait;

use super::errors::StoreError;
use crate::domain::{AuditEntry, AuditFact, TenantId};

/// One hash-chained stream of facts per tenant, kept for ever. Nothing in it is changed or removed by
/// this service; what somebody else changes or removes, the chain shows. A store in memory keeps the
/// newest entries, as many as it has room for; their numbers and hashes go on as if all were there.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Adds a fact. When this returns `Ok`, it is the newest or an earlier entry of the tenant's
    /// chain. Recorders of all processes make one chain, and none waits for more than a few round
    /// trips, however many record at once; one that never gets its turn is told
    /// [`StoreError::Contended`]. A caller that gives up waiting has recorded the fact or
    /// not, as after an error; recording it again is safe and may add it twice.
    async fn record(&self, tenant: &TenantId, fact: &AuditFact) -> Result<(), StoreError>;

    /// The first `limit` entries with a number greater than `after`, oldest first, as they are
    /// stored: whether they make a whole chain is for the caller to check.
    async fn audit(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// The number of the newest entry that there ever was, as far as the store knows: also if
    /// somebody has removed it. 0 if there was none.
    async fn audit_reached(&self, tenant: &TenantId) -> Result<u64, StoreError>;

    /// Every tenant that has a stream, in the order of their names.
    async fn audited_tenants(&self) -> Result<Vec<TenantId>, StoreError>;
}

/// The text of a fact that is to be recorded.
pub(in crate::store) fn audit_text(fact: &AuditFact) -> Result<String, StoreError> {
    fact.to_text().map_err(|error| StoreError::Rejected(error.to_string()))
}
