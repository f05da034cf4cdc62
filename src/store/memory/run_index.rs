//! The index of all runs of the embedded store.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;

use super::MemoryStore;
use crate::domain::{SessionId, SessionMeta, TenantId};
use crate::store::{RUNS_LISTED, RunIndex, RunPage, RunPlace, RunsWanted, StoreError};

/// The places of all runs, and of each tenant's.
#[derive(Debug, Default)]
pub(super) struct RunLists {
    all: BTreeSet<RunPlace>,
    by_tenant: HashMap<TenantId, BTreeSet<RunPlace>>,
}

impl RunLists {
    /// Lists a run.
    pub(super) fn add(&mut self, meta: &SessionMeta) {
        let of_tenant = self.by_tenant.entry(meta.tenant.clone()).or_default();
        for list in [&mut self.all, of_tenant] {
            list.insert(RunPlace::of(meta));
            if list.len() > RUNS_LISTED {
                list.pop_first();
            }
        }
    }

    /// Keeps only these.
    pub(super) fn retain(&mut self, keep: impl Fn(&SessionId) -> bool) {
        self.all.retain(|place| keep(&place.session));
        self.by_tenant.retain(|_, list| {
            list.retain(|place| keep(&place.session));
            !list.is_empty()
        });
    }

    /// How many records take up memory.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.all.len() + self.by_tenant.len()
    }

    fn of(
        &self,
        tenant: Option<&TenantId>,
        before: Option<&RunPlace>,
        limit: usize,
    ) -> Vec<RunPlace> {
        let list = match tenant {
            Some(tenant) => self.by_tenant.get(tenant),
            None => Some(&self.all),
        };
        let Some(list) = list else { return Vec::new() };
        match before {
            Some(before) => list.range(..before).rev().take(limit).cloned().collect(),
            None => list.iter().rev().take(limit).cloned().collect(),
        }
    }
}

#[async_trait]
impl RunIndex for MemoryStore {
    async fn listed_runs(
        &self,
        tenant: Option<&TenantId>,
        wanted: RunsWanted,
        before: Option<&RunPlace>,
        limit: usize,
    ) -> Result<RunPage, StoreError> {
        let places = self.sessions.lock().index().of(tenant, before, limit);
        let next = places.last().filter(|_| places.len() == limit).cloned();
        let mut runs: Vec<SessionId> = places.into_iter().map(|place| place.session).collect();
        if wanted == RunsWanted::Live {
            let leases = self.leases.lock();
            runs.retain(|session| leases.contains_key(session));
        }
        let (now, table) = (self.clock.now(), self.sessions.lock());
        let runs = runs.iter().filter_map(|session| table.known(session, now).cloned()).collect();
        Ok(RunPage { runs, next })
    }
}
