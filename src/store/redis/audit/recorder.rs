//! Recording without getting in each other's way.
//!
//! Every tenant has a lane. What is to be recorded queues there, and one task at a time takes what
//! waits and appends it in one step (group commit): five hundred facts at once cost a few round
//! trips, and a process never competes with itself. The task ends when nothing waits.
//!
//! Against other processes it is optimistic: it names the end of the chain that it knows. If that
//! is not the end any more, the answer says what is, and the hashes are made anew.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{number_of, stream_id, unreadable};
use crate::backoff::Backoff;
use crate::domain::{
    AuditEntry, AuditFact, AuditKey, ChainEnd, EntryHash, EntryMac, PlatformEvent, TenantId,
};
use crate::shutdown::Tasks;
use crate::store::StoreError;
use crate::store::redis::commands::{AtomicStep, Commands};
use crate::store::redis::json::to_json;
use crate::store::redis::keys;

/// The most entries of one append: the server does nothing else meanwhile.
const BATCH: usize = 256;
/// Appends of one batch before it is given up. Whenever one fails, another process's has succeeded.
const ATTEMPTS: u32 = 50;

/// Records the facts of one process.
#[derive(Debug)]
pub(in crate::store::redis) struct Recorder {
    pub(super) commands: Commands,
    tasks: Tasks,
    append: AtomicStep,
    pub(super) set_anchor: AtomicStep,
    /// What seals the entries, if anything does.
    key: Option<AuditKey>,
    /// Whether every entry is published for the platform's own log.
    publishes: bool,
    /// Never held over an await, nor over anything that is not quick.
    lanes: Mutex<HashMap<TenantId, Lane>>,
}

/// One tenant's queue.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Waiting>,
    /// Where the chain ended when this process last knew; `None` if it may have written since.
    end: Option<ChainEnd>,
    /// Who takes what waits; `None` or finished if nobody does.
    committer: Option<JoinHandle<()>>,
}

/// A fact that is to be recorded.
#[derive(Debug)]
pub(super) struct Pending {
    /// As it is recorded.
    pub(super) fact: String,
    /// As it is published, where it is.
    pub(super) event: Option<String>,
}

/// One that somebody waits for.
#[derive(Debug)]
struct Waiting {
    pending: Pending,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl Recorder {
    pub(in crate::store::redis) fn new(
        commands: Commands,
        tasks: Tasks,
        key: Option<AuditKey>,
        publishes: bool,
    ) -> Self {
        let append = AtomicStep::new(include_str!("../append_audit.lua"));
        let set_anchor = AtomicStep::new(include_str!("../anchor_audit.lua"));
        Self { commands, tasks, append, set_anchor, key, publishes, lanes: Mutex::default() }
    }

    /// The fact as the platform's own log reads it, where that is told.
    pub(super) fn event(
        &self,
        tenant: &TenantId,
        fact: &AuditFact,
    ) -> Result<Option<String>, StoreError> {
        let event = || to_json(&PlatformEvent::of(tenant, fact));
        self.publishes.then(event).transpose()
    }

    /// Returns once the fact is an entry. Who stops waiting does not stop the recording.
    pub(super) async fn record(
        self: &Arc<Self>,
        tenant: &TenantId,
        pending: Pending,
    ) -> Result<(), StoreError> {
        let (done, recorded) = oneshot::channel();
        self.queue(tenant, Waiting { pending, done });
        let ended = |_| Err(StoreError::Unavailable("the recorder has ended".into()));
        recorded.await.unwrap_or_else(ended)
    }

    fn queue(self: &Arc<Self>, tenant: &TenantId, waiting: Waiting) {
        let mut lanes = self.lanes();
        let lane = lanes.entry(tenant.clone()).or_default();
        lane.waiting.push_back(waiting);
        if lane.committer.as_ref().is_none_or(JoinHandle::is_finished) {
            let (recorder, tenant) = (Arc::clone(self), tenant.clone());
            lane.committer =
                Some(self.tasks.spawn("audit", async move { recorder.commit(&tenant).await }));
        }
    }

    /// Appends what waits until nothing does.
    async fn commit(&self, tenant: &TenantId) {
        while let Some((batch, end)) = self.next_batch(tenant) {
            let result = self.append(tenant, end, &batch).await;
            let outcome = result.as_ref().map(|_| ()).map_err(Clone::clone);
            if let Some(lane) = self.lanes().get_mut(tenant) {
                lane.end = result.ok();
            }
            for waiting in batch {
                // Whoever asked may have gone.
                let _ = waiting.done.send(outcome.clone());
            }
        }
    }

    /// What waits, and where the chain was last known to end. `None`: the caller has to end, because
    /// the next to queue starts another committer.
    fn next_batch(&self, tenant: &TenantId) -> Option<(Vec<Waiting>, Option<ChainEnd>)> {
        let mut lanes = self.lanes();
        let lane = lanes.get_mut(tenant)?;
        if lane.waiting.is_empty() {
            lane.committer = None;
            return None;
        }
        let count = lane.waiting.len().min(BATCH);
        Some((lane.waiting.drain(..count).collect(), lane.end.take()))
    }

    /// Appends the batch to the chain, which is thought to end at `known`; where it ends then.
    async fn append(
        &self,
        tenant: &TenantId,
        known: Option<ChainEnd>,
        batch: &[Waiting],
    ) -> Result<ChainEnd, StoreError> {
        let mut backoff = Backoff::new(Duration::from_millis(2), Duration::from_millis(50));
        let mut tip = match &known {
            Some(end) => Tip { stored: end.clone(), follows: end.clone() },
            None => self.tip(tenant, None, ChainEnd::genesis(tenant)).await?,
        };
        for attempt in 0..ATTEMPTS {
            let entries = chained(&tip.follows, batch, self.key.as_ref());
            match self.append_after(tenant, &tip.stored, &entries, batch).await? {
                None => {
                    let end = entries.last().map_or(tip.follows.clone(), AuditEntry::end);
                    if let Some(key) = &self.key {
                        self.anchor(key, tenant, &tip.follows, &end).await?;
                    }
                    return Ok(end);
                }
                Some(actual) => tip = self.tip(tenant, known.as_ref(), actual).await?,
            }
            // The first time, this process may merely not have looked for long.
            if attempt > 0 {
                backoff.wait().await;
            }
        }
        Err(StoreError::Contended("other processes do not let this one record an audit entry"))
    }

    /// What follows a stream that ends at `stored`. With an audit key that is the furthest that this
    /// process, or the anchor, knows of: a cut stream is not grown over, what is missing stays missing.
    async fn tip(
        &self,
        tenant: &TenantId,
        known: Option<&ChainEnd>,
        stored: ChainEnd,
    ) -> Result<Tip, StoreError> {
        if known.is_some_and(|known| known.number > stored.number) {
            tracing::error!(
                tenant = tenant.as_str(),
                entry = stored.number,
                "an audit stream ends earlier than before: somebody has cut it, or Redis has lost what \
                 it had acknowledged"
            );
        }
        let Some(key) = &self.key else { return Ok(Tip { follows: stored.clone(), stored }) };
        let anchored = self.anchored(key, tenant).await?;
        if known.is_none() && anchored.is_none() {
            self.begin_anchor(key, tenant).await?;
        }
        let known = anchored.into_iter().chain(known.cloned()).max_by_key(|end| end.number);
        let further = known.filter(|known| known.number >= stored.number);
        Ok(Tip { follows: further.unwrap_or_else(|| stored.clone()), stored })
    }

    /// One attempt: `None` if it succeeded, otherwise where the stream really ends.
    async fn append_after(
        &self,
        tenant: &TenantId,
        stored: &ChainEnd,
        entries: &[AuditEntry],
        batch: &[Waiting],
    ) -> Result<Option<ChainEnd>, StoreError> {
        let genesis = ChainEnd::genesis(tenant).hash;
        let stored_hash = if stored.hash == genesis { "" } else { stored.hash.as_str() };
        let mut args = vec![
            owned(stream_id(stored.number)),
            borrowed(stored_hash),
            borrowed(keys::PLATFORM_AUDIT),
        ];
        for (AuditEntry { number, previous, fact, hash, mac }, waiting) in entries.iter().zip(batch)
        {
            let event = waiting.pending.event.as_deref().unwrap_or_default();
            args.push(owned(stream_id(*number)));
            let mac = mac.as_ref().map_or("", EntryMac::as_str);
            let previous = previous.as_str();
            args.extend([previous, fact.as_str(), hash.as_str(), mac, event].map(borrowed));
        }
        let key = keys::audit(tenant);
        let (appended, id, hash): (u8, String, String) =
            self.commands.script(&self.append, &key, &args).await?;
        if appended == 1 {
            return Ok(None);
        }
        let number = number_of(&id).ok_or_else(|| unreadable(&id))?;
        let hash = if hash.is_empty() { Some(genesis) } else { EntryHash::parse(&hash) };
        let hash = hash.ok_or_else(|| unreadable(&id))?;
        Ok(Some(ChainEnd { number, hash }))
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<TenantId, Lane>> {
        // A panic elsewhere leaves every lane usable: each change is one assignment.
        self.lanes.lock()
    }
}

/// Where a chain goes on.
#[derive(Debug)]
struct Tip {
    /// The end of the stream, as the server has it.
    stored: ChainEnd,
    /// What the next entry follows: the same, unless entries are known to be missing.
    follows: ChainEnd,
}

/// The entries that follow `end`, one for each fact.
fn chained(end: &ChainEnd, batch: &[Waiting], key: Option<&AuditKey>) -> Vec<AuditEntry> {
    let mut end = end.clone();
    let mut entries = Vec::with_capacity(batch.len());
    for waiting in batch {
        let entry = end.then(waiting.pending.fact.clone());
        let entry = match key {
            Some(key) => key.sealed(entry),
            None => entry,
        };
        end = entry.end();
        entries.push(entry);
    }
    entries
}

fn owned(text: String) -> Cow<'static, [u8]> {
    Cow::Owned(text.into_bytes())
}

fn borrowed(text: &str) -> Cow<'_, [u8]> {
    Cow::Borrowed(text.as_bytes())
}
