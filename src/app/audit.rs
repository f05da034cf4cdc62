//! Checks audit chains from their first entry to their last.

use std::sync::Arc;

use super::AppError;
use crate::domain::{AuditEntry, Broken, ChainEnd, EntryHash, SystemClock, TenantId};
use crate::settings::RedisSettings;
use crate::shutdown::Tasks;
use crate::store::redis::{Config, RedisStore};
use crate::store::{Audit, StoreError};

/// How many entries are read at once.
const PAGE: usize = 1_000;

/// What was found out about one tenant's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose chain it is.
    pub tenant: TenantId,
    /// How many entries make a whole chain: all of them, or those before the break.
    pub entries: u64,
    /// When the first of these happened, in milliseconds since the Unix epoch.
    pub first_at_ms: Option<u64>,
    /// When the last of them happened, likewise.
    pub last_at_ms: Option<u64>,
    /// The hash of the last of them.
    pub last_hash: Option<EntryHash>,
    /// Where the chain is broken, if it is.
    pub damage: Option<Damage>,
}

/// A broken chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The number of the first entry that cannot be relied on.
    pub number: u64,
    /// What is wrong with it.
    pub problem: String,
}

/// Verifies the chains of these tenants, or of all that have one if none is named.
pub async fn verify(
    redis: &RedisSettings,
    tenants: Vec<TenantId>,
) -> Result<Vec<Report>, AppError> {
    let tasks = Tasks::new();
    let mut config = Config::new(redis.url.clone());
    config.command_timeout = redis.command_timeout;
    let (store, _) = RedisStore::start(config, Arc::new(SystemClock), &tasks)?;
    let reports = verify_in(&*store, tenants).await;
    tasks.stop();
    tasks.end().await;
    Ok(reports?)
}

async fn verify_in(store: &dyn Audit, named: Vec<TenantId>) -> Result<Vec<Report>, StoreError> {
    let tenants = if named.is_empty() { store.audited_tenants().await? } else { named };
    let mut reports = Vec::with_capacity(tenants.len());
    for tenant in tenants {
        reports.push(verify_one(store, tenant).await?);
    }
    Ok(reports)
}

async fn verify_one(store: &dyn Audit, tenant: TenantId) -> Result<Report, StoreError> {
    let mut walk = Walk::new(&tenant);
    let damage = match walk.finish(store, &tenant).await {
        Err(StoreError::Corrupt(problem)) => {
            Some(Damage { number: walk.end.number.saturating_add(1), problem })
        }
        walked => walked?,
    };
    let Walk { first, last, end } = walk;
    Ok(Report {
        tenant,
        entries: end.number,
        first_at_ms: first.as_ref().and_then(at_ms),
        last_at_ms: last.as_ref().and_then(at_ms),
        last_hash: last.map(|entry| entry.hash),
        damage,
    })
}

/// How far a chain has been found whole.
struct Walk {
    first: Option<AuditEntry>,
    last: Option<AuditEntry>,
    end: ChainEnd,
}

impl Walk {
    fn new(tenant: &TenantId) -> Self {
        Self { first: None, last: None, end: ChainEnd::genesis(tenant) }
    }

    /// Goes on until there is nothing left or something is broken.
    async fn finish(
        &mut self,
        store: &dyn Audit,
        tenant: &TenantId,
    ) -> Result<Option<Damage>, StoreError> {
        // Asked first: what is recorded meanwhile must not look as if it had been removed.
        let reached = store.audit_reached(tenant).await?;
        let mut limit = PAGE;
        loop {
            match store.audit(tenant, self.end.number, limit).await {
                Ok(page) if page.is_empty() => break,
                Ok(page) => {
                    if let Some(damage) = page.into_iter().find_map(|entry| self.step(entry)) {
                        return Ok(Some(damage));
                    }
                }
                // One by one, to find out which.
                Err(StoreError::Corrupt(_)) if limit > 1 => limit = 1,
                Err(error) => return Err(error),
            }
        }
        Ok(self.end.check_reaches(reached).err().map(Damage::from))
    }

    /// Takes the next entry; what is wrong with it, if anything.
    fn step(&mut self, entry: AuditEntry) -> Option<Damage> {
        match self.end.check(&entry) {
            Ok(end) => {
                self.end = end;
                self.first.get_or_insert_with(|| entry.clone());
                self.last = Some(entry);
                None
            }
            Err(broken) => Some(broken.into()),
        }
    }
}

impl From<Broken> for Damage {
    fn from(broken: Broken) -> Self {
        Self { number: broken.number(), problem: broken.to_string() }
    }
}

/// When the entry's fact happened, also if this version does not know its kind.
fn at_ms(entry: &AuditEntry) -> Option<u64> {
    let fact: serde_json::Value = serde_json::from_str(&entry.fact).ok()?;
    fact.get("atMs")?.as_u64()
}
