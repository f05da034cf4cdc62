//! The audit chains of the embedded store: they last as long as it does, and have a share of its room. Where
//! they take more, the oldest entries go.

use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;

use super::MemoryStore;
use super::usage::PLACE;
use crate::domain::{AuditEntry, AuditFact, ChainEnd, TenantId};
use crate::store::audit::audit_text;
use crate::store::{Audit, StoreError};

/// Bytes of a hash.
const HASH: usize = 64;
/// The part of a chain that goes at once where the chains take too much.
const PART: usize = 16;

/// Each tenant's chain, and the bytes of all of them.
#[derive(Debug, Default)]
pub(super) struct AuditTable {
    chains: BTreeMap<TenantId, Chain>,
    bytes: usize,
}

impl AuditTable {
    /// About how many bytes all entries take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn record(&mut self, tenant: &TenantId, fact: String) {
        let chain = self
            .chains
            .entry(tenant.clone())
            .or_insert_with(|| Chain::new(ChainEnd::genesis(tenant)));
        self.bytes += chain.push(fact);
    }

    /// Lets go of the oldest entries of the chain that takes most, again and again, until all take no more
    /// than so many bytes; how many entries that were. So a tenant with many entries loses its own.
    pub(super) fn let_go_until(&mut self, bytes: usize) -> usize {
        let mut gone = 0;
        while self.bytes > bytes {
            let Some(largest) = self.chains.values_mut().max_by_key(|chain| chain.bytes) else {
                break;
            };
            let before = (largest.bytes, largest.entries.len());
            largest.let_go_of_oldest();
            self.bytes -= before.0 - largest.bytes;
            gone += before.1 - largest.entries.len();
        }
        gone
    }
}

/// The entries of a tenant that are kept, and where its chain ends, whether or not any is.
#[derive(Debug)]
struct Chain {
    entries: VecDeque<AuditEntry>,
    end: ChainEnd,
    bytes: usize,
}

impl Chain {
    fn new(end: ChainEnd) -> Self {
        Self { entries: VecDeque::new(), end, bytes: 0 }
    }

    /// Adds an entry; its bytes.
    fn push(&mut self, fact: String) -> usize {
        let entry = self.end.then(fact);
        let bytes = weight(&entry);
        self.end = entry.end();
        self.bytes += bytes;
        self.entries.push_back(entry);
        bytes
    }

    fn let_go_of_oldest(&mut self) {
        let part = self.entries.len().div_ceil(PART);
        let gone: usize = self.entries.drain(..part).map(|entry| weight(&entry)).sum();
        self.bytes -= gone;
    }

    /// The kept entries with a greater number.
    fn after(&self, number: u64) -> impl Iterator<Item = &AuditEntry> {
        self.entries.range(self.entries.partition_point(|entry| entry.number <= number)..)
    }
}

/// An entry's place, its two hashes and its fact.
fn weight(entry: &AuditEntry) -> usize {
    PLACE + 2 * HASH + entry.fact.len()
}

#[async_trait]
impl Audit for MemoryStore {
    async fn record(&self, tenant: &TenantId, fact: &AuditFact) -> Result<(), StoreError> {
        let text = audit_text(fact)?;
        self.audit.lock().record(tenant, text);
        Ok(())
    }

    async fn audit(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let table = self.audit.lock();
        let chain = table.chains.get(tenant);
        Ok(chain.map_or_else(Vec::new, |chain| chain.after(after).take(limit).cloned().collect()))
    }

    async fn audit_reached(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let table = self.audit.lock();
        Ok(table.chains.get(tenant).map_or(0, |chain| chain.end.number))
    }

    async fn audited_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        Ok(self.audit.lock().chains.keys().cloned().collect())
    }
}
