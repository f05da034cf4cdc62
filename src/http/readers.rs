//! How many streams each user reads (contract, section 3).
//!
//! This process counts its own, and tells the store, which knows those of all processes. A stream that opens
//! waits for the store's word; one that closes is told of afterwards, as soon as the store can be reached.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::error::ApiError;
use crate::domain::{Caller, Share, TenantId, UserId};
use crate::shutdown::Tasks;
use crate::store::{OpenStreams, Store, StoreError};

/// How long after a failure the store is told again.
const PAUSE: Duration = Duration::from_secs(1);

type Owner = (TenantId, UserId);

/// The readers of this process. Cloning shares them.
#[derive(Clone)]
pub struct Readers {
    store: Arc<dyn Store>,
    most: Share,
    counts: Arc<Mutex<Counts>>,
    closed: mpsc::UnboundedSender<Owner>,
}

#[derive(Debug, Default)]
struct Counts {
    version: u64,
    open: HashMap<Owner, u32>,
}

/// One stream that is read; dropping it makes room for another.
pub struct Reader {
    readers: Readers,
    owner: Owner,
}

impl Readers {
    /// At most so many for each user, counted in this store.
    pub fn start(store: Arc<dyn Store>, most: Share, tasks: &Tasks) -> Self {
        let (closed, news) = mpsc::unbounded_channel();
        let readers = Self { store, most, counts: Arc::default(), closed };
        let (counts, stopping) = (Arc::clone(&readers.counts), tasks.stopping());
        let teller = Teller { store: Arc::clone(&readers.store), most, counts };
        tasks.spawn("stream counts", async move {
            stopping.run_until_cancelled(teller.tell(news)).await
        });
        readers
    }

    /// One more stream of this caller's, if there is room for it.
    pub(super) async fn open(&self, caller: &Caller) -> Result<Reader, ApiError> {
        let owner = (caller.tenant.clone(), caller.user.clone());
        let open = lock(&self.counts).change(&owner, |count| count.saturating_add(1));
        let reader = Reader { readers: self.clone(), owner };
        if self.most.most.is_some() {
            let (tenant, user) = &reader.owner;
            self.store.count_streams(tenant, user, open, self.most).await??;
        }
        Ok(reader)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        lock(&self.readers.counts).change(&self.owner, |count| count.saturating_sub(1));
        // Once the process stops nobody listens, and nobody counts it any more.
        let _ = self.readers.closed.send(self.owner.clone());
    }
}

impl Counts {
    fn change(&mut self, owner: &Owner, by: impl FnOnce(u32) -> u32) -> OpenStreams {
        let count = by(self.of(owner));
        if count == 0 {
            self.open.remove(owner);
        } else {
            self.open.insert(owner.clone(), count);
        }
        self.version += 1;
        OpenStreams { count, version: self.version }
    }

    fn of(&self, owner: &Owner) -> u32 {
        self.open.get(owner).copied().unwrap_or(0)
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    // No code that could panic runs under this lock, so a poisoned one is still whole.
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the store of streams that have closed.
struct Teller {
    store: Arc<dyn Store>,
    most: Share,
    counts: Arc<Mutex<Counts>>,
}

impl Teller {
    async fn tell(self, mut news: mpsc::UnboundedReceiver<Owner>) {
        let mut untold = HashSet::new();
        loop {
            let next = if untold.is_empty() { news.recv().await } else { news.try_recv().ok() };
            match next {
                Some(owner) => {
                    untold.insert(owner);
                }
                None if untold.is_empty() => return,
                None => untold = self.tell_all(untold).await,
            }
        }
    }

    /// Tells of each; those that could not be told are left.
    async fn tell_all(&self, untold: HashSet<Owner>) -> HashSet<Owner> {
        let mut left = HashSet::new();
        for owner in untold {
            if self.tell_of(&owner).await.is_err() {
                left.insert(owner);
            }
        }
        if !left.is_empty() {
            sleep(PAUSE).await;
        }
        left
    }

    async fn tell_of(&self, owner: &Owner) -> Result<(), StoreError> {
        if self.most.most.is_none() {
            return Ok(());
        }
        let open = lock(&self.counts).change(owner, |count| count);
        // There are no more than before, so there is room.
        self.store.count_streams(&owner.0, &owner.1, open, self.most).await.map(|_| ())
    }
}
