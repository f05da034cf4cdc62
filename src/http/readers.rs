//! How many streams each user reads (contract, section 3).
//!
//! This process counts its own, and tells the store, which knows those of all processes. A stream that opens
//! waits for the store's word; one that closes is told of afterwards, as soon as the store can be reached.
//! All are told again where the store may have left them out: if it had not heard of this process for a while,
//! and now and then, because it forgets what does not change.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::error::ApiError;
use crate::domain::{Caller, Share, TenantId, UserId};
use crate::shutdown::Tasks;
use crate::store::{OpenStreams, Store};
use crate::ticks::at_once_and_every;

/// For how long the store takes this process to be there without hearing of it.
const TERM: Duration = Duration::from_secs(15);
/// How often it hears of it; what could not be told is told again by then.
const TICK: Duration = Duration::from_secs(3);
/// Users of whom the store is told at a time.
const AT_ONCE: usize = 32;
/// Beats after which everything is told again.
const TICKS_PER_FULL_REPORT: u32 = 1200;

type Owner = (TenantId, UserId);

/// The readers of this process. Cloning shares them.
#[derive(Clone)]
pub struct Readers {
    store: Arc<dyn Store>,
    most: Share,
    shared: Arc<Shared>,
}

/// What the readers and their teller share.
#[derive(Debug, Default)]
struct Shared {
    counts: Mutex<Counts>,
    /// Notified when the store is to be told of somebody.
    changed: Notify,
    /// Notified when it has been told of all who had changed, or could not be.
    told: Notify,
}

/// One lock, held for a few instructions: streams change their user's count as they open and close, the teller
/// takes who has changed. However many open and close while the store is slow, there is one entry for each user.
#[derive(Debug, Default)]
struct Counts {
    version: u64,
    open: HashMap<Owner, u32>,
    /// Users of whom the store has not been told since their streams changed.
    changed: HashSet<Owner>,
    /// Whether the store is being told of some.
    telling: bool,
}

/// One stream that is read; dropping it makes room for another.
pub struct Reader {
    readers: Readers,
    owner: Owner,
}

impl Readers {
    /// At most so many for each user, counted in this store.
    pub fn start(store: Arc<dyn Store>, most: Share, tasks: &Tasks) -> Self {
        let readers = Self { store, most, shared: Arc::default() };
        let shared = Arc::clone(&readers.shared);
        let teller = Teller { store: Arc::clone(&readers.store), most, shared };
        if most.most.is_some() {
            // To the end: a process that stops breaks its streams off, and their clients go elsewhere.
            tasks.spawn_support(teller.tell());
        }
        readers
    }

    /// One more stream of this caller's, if there is room for it.
    pub(super) async fn open(&self, caller: &Caller) -> Result<Reader, ApiError> {
        let owner = (caller.tenant.clone(), caller.user.clone());
        let open = self.shared.lock().change(&owner, |count| count.saturating_add(1));
        let reader = Reader { readers: self.clone(), owner };
        if self.most.most.is_some() {
            let (tenant, user) = &reader.owner;
            match self.store.count_streams(tenant, user, open, self.most).await {
                Ok(room) => room?,
                // A store that takes no writes can be read all the same; it is told later.
                Err(_) => self.tell(&reader.owner),
            }
        }
        Ok(reader)
    }
}

impl Readers {
    /// Waits until the store has been told of every stream that has closed, or could not be told. A process that
    /// ends waits for this, once it has no streams: its readers go elsewhere, and their places must be free there.
    pub async fn settle(&self) {
        loop {
            let told = self.shared.told.notified();
            if self.most.most.is_none() || self.shared.lock().is_settled() {
                return;
            }
            told.await;
        }
    }

    /// Has the store told of a user's streams. Where there is no limit nobody listens.
    fn tell(&self, owner: &Owner) {
        if self.most.most.is_some() {
            self.shared.has_changed(owner);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.readers.shared.lock().change(&self.owner, |count| count.saturating_sub(1));
        self.readers.tell(&self.owner);
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

    fn is_settled(&self) -> bool {
        self.changed.is_empty() && !self.telling
    }

    fn of(&self, owner: &Owner) -> u32 {
        self.open.get(owner).copied().unwrap_or(0)
    }
}

impl Shared {
    fn has_changed(&self, owner: &Owner) {
        self.lock().changed.insert(owner.clone());
        self.changed.notify_one();
    }

    fn take_changed(&self) -> HashSet<Owner> {
        let mut counts = self.lock();
        counts.telling = true;
        std::mem::take(&mut counts.changed)
    }

    fn have_been_told(&self) {
        self.lock().telling = false;
        self.told.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock()
    }
}

/// Tells the store of streams that have closed.
struct Teller {
    store: Arc<dyn Store>,
    most: Share,
    shared: Arc<Shared>,
}

impl Teller {
    async fn tell(self) {
        let (mut untold, mut count) = (HashSet::new(), 0_u32);
        let mut ticks = at_once_and_every(TICK);
        loop {
            tokio::select! {
                () = self.shared.changed.notified() => {
                    // What is told is how many there are now: once for each user is enough.
                    self.tell_of(self.shared.take_changed(), &mut untold).await;
                    self.shared.have_been_told();
                }
                _ = ticks.tick() => {
                    count = count.wrapping_add(1);
                    let known = self.store.heard_of(TERM).await.unwrap_or(true);
                    if !known || count.is_multiple_of(TICKS_PER_FULL_REPORT) {
                        untold.extend(self.shared.lock().open.keys().cloned());
                    }
                    let owners = std::mem::take(&mut untold);
                    self.tell_of(owners, &mut untold).await;
                }
            }
        }
    }

    /// Tells of these users' streams; what cannot be told is left for later.
    async fn tell_of(&self, owners: HashSet<Owner>, untold: &mut HashSet<Owner>) {
        // They are there, whatever the limit says.
        let most = Share { most: None, ..self.most };
        let told = owners.into_iter().map(|owner| async move {
            let open = self.shared.lock().change(&owner, |count| count);
            let told = self.store.count_streams(&owner.0, &owner.1, open, most).await;
            told.is_err().then_some(owner)
        });
        let mut told = futures::stream::iter(told).buffer_unordered(AT_ONCE);
        while let Some(left) = told.next().await {
            untold.extend(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_streams_change_before_the_store_is_told_each_user_is_remembered_once() {
        let shared = Shared::default();
        for _ in 0..1_000 {
            for user in ["kim", "lee"] {
                shared.has_changed(&(TenantId::new("t"), UserId::new(user)));
            }
        }
        assert_eq!(shared.take_changed().len(), 2);
        assert!(shared.take_changed().is_empty());
    }
}
