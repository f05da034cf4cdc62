//! Checks audit chains from their first entry to their last.

use std::sync::Arc;

use super::AppError;
use crate::domain::{
    AuditAnchor, AuditEntry, AuditKey, Broken, ChainEnd, EntryHash, SystemClock, TenantId, UnixMs,
};
use crate::settings::RedisServer;
use crate::shutdown::Tasks;
use crate::store::redis::{RedisStore, RedisStoreConfig};
use crate::store::{Audit, StoreError};
use crate::telemetry::metrics::Metrics;

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
    pub first_at_ms: Option<UnixMs>,
    /// When the last of them happened, likewise.
    pub last_at_ms: Option<UnixMs>,
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
///
/// With an audit `key` every entry must carry its seal, from the first one that carries any, and the
/// chain must go as far as its anchor says.
pub async fn verify(
    redis: &RedisServer,
    max_events: usize,
    key: Option<&AuditKey>,
    tenants: Vec<TenantId>,
) -> Result<Vec<Report>, AppError> {
    let tasks = Tasks::new();
    let config = RedisStoreConfig {
        url: redis.url.clone(),
        ca: redis.ca.clone(),
        max_events,
        command_timeout: redis.command_timeout,
        // Nothing is recorded.
        audit_key: None,
        publishes_audit: false,
        metrics: Metrics::default(),
    };
    let (store, _) = RedisStore::start(config, Arc::new(SystemClock), &tasks)?;
    let reports = verify_in(&store, key, tenants).await;
    tasks.stop();
    tasks.end().await;
    Ok(reports?)
}

async fn verify_in(
    store: &RedisStore,
    key: Option<&AuditKey>,
    named: Vec<TenantId>,
) -> Result<Vec<Report>, StoreError> {
    let tenants = if named.is_empty() { store.audited_tenants().await? } else { named };
    let mut reports = Vec::with_capacity(tenants.len());
    for tenant in tenants {
        reports.push(verify_one(store, key, tenant).await?);
    }
    Ok(reports)
}

async fn verify_one(
    store: &RedisStore,
    key: Option<&AuditKey>,
    tenant: TenantId,
) -> Result<Report, StoreError> {
    // Asked first: what is recorded meanwhile must not look as if it had been removed.
    let seals = match key {
        Some(key) => Some(Seals::of(key, &tenant, store.audit_anchor(&tenant).await?)),
        None => None,
    };
    let mut walk = Walk::new(&tenant, seals);
    let damage = match walk.finish(store, &tenant).await {
        Err(StoreError::Corrupt(problem)) => {
            Some(Damage { number: walk.end.number.saturating_add(1), problem })
        }
        walked => walked?,
    };
    let Walk { first, last, end, .. } = walk;
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
struct Walk<'a> {
    first: Option<AuditEntry>,
    last: Option<AuditEntry>,
    end: ChainEnd,
    seals: Option<Seals<'a>>,
}

/// What the audit key says of a chain.
struct Seals<'a> {
    key: &'a AuditKey,
    /// How far the chain is known to go; `None` if nothing that the key has sealed says so.
    anchor: Option<ChainEnd>,
    /// Whether an entry was sealed: from then on every one has to be.
    begun: bool,
}

impl<'a> Seals<'a> {
    fn of(key: &'a AuditKey, tenant: &TenantId, anchor: Option<AuditAnchor>) -> Self {
        let anchor = anchor.and_then(|anchor| key.opened(tenant, &anchor).cloned());
        Self { key, anchor, begun: false }
    }

    /// What is wrong with the seal of an entry that fits into its chain.
    fn check(&mut self, entry: &AuditEntry) -> Result<(), Broken> {
        let number = entry.number;
        self.begun |= entry.mac.is_some();
        if self.begun && !self.key.has_sealed(entry) {
            return Err(Broken::Unsealed { number });
        }
        match &self.anchor {
            Some(anchor) if anchor.number == number && anchor.hash != entry.hash => {
                Err(Broken::Rebuilt { number })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What is wrong with where the chain ends.
    fn check_end(&self, end: &ChainEnd) -> Result<(), Broken> {
        match &self.anchor {
            Some(anchor) => end.check_reaches(anchor.number),
            None => Err(Broken::Adrift { number: end.number.saturating_add(1) }),
        }
    }
}

impl<'a> Walk<'a> {
    fn new(tenant: &TenantId, seals: Option<Seals<'a>>) -> Self {
        Self { first: None, last: None, end: ChainEnd::genesis(tenant), seals }
    }

    /// Goes on until there is nothing left or something is broken.
    async fn finish(
        &mut self,
        store: &RedisStore,
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
        let reaches = self.end.check_reaches(reached);
        let sealed = self.seals.as_ref().map_or(Ok(()), |seals| seals.check_end(&self.end));
        Ok(reaches.and(sealed).err().map(Damage::from))
    }

    /// Takes the next entry; what is wrong with it, if anything.
    fn step(&mut self, entry: AuditEntry) -> Option<Damage> {
        let sealed = |seals: &mut Seals<'_>| seals.check(&entry);
        let checked = self.end.check(&entry).and_then(|end| {
            self.seals.as_mut().map_or(Ok(()), sealed)?;
            Ok(end)
        });
        match checked {
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
fn at_ms(entry: &AuditEntry) -> Option<UnixMs> {
    let fact: serde_json::Value = serde_json::from_str(&entry.fact).ok()?;
    fact.get("atMs")?.as_u64().map(UnixMs::new)
}
