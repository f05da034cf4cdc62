//! What this process knows of one tenant's inbox, and who waits to know more.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;
use tokio::time::Instant;

use super::recent::{InboxNews, RecentChanges};
use super::waiting::Waiting;
use crate::agent::approval::policy::ApproverPolicy;
use crate::domain::{Caller, EventId, InboxItem, RequestId, SessionId, TenantId, UnixMs};
use crate::store::{InboxPlace, StoreError};

/// What this process knows of one tenant's inbox.
#[derive(Debug)]
pub(super) struct TenantInbox {
    pub(super) tenant: TenantId,
    /// One lock, held for a few instructions and for each request of a page. The reader writes, and whoever finds
    /// that a request waits no more.
    known: Mutex<Known>,
    /// How often somebody has asked for a look.
    wanted: watch::Sender<u64>,
    looks: watch::Receiver<Looks>,
    changed: watch::Receiver<u64>,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) waiting: Waiting,
    pub(super) changes: RecentChanges,
    read_at: Instant,
}

/// How far the reader has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Looks {
    /// All who had asked by then are answered.
    pub(super) answered: u64,
    /// Why the last look came to nothing, if it did.
    pub(super) failed: Option<StoreError>,
}

/// The reader's ends of what it tells.
pub(super) struct Ends {
    pub(super) wanted: watch::Receiver<u64>,
    pub(super) looks: watch::Sender<Looks>,
    /// Counted up when there is something new for those who follow.
    pub(super) changed: watch::Sender<u64>,
}

impl TenantInbox {
    /// An inbox of which nothing is known yet.
    pub(super) fn unread(tenant: &TenantId) -> (Arc<Self>, Ends) {
        let (wanted, wanted_end) = watch::channel(0);
        let (looks_end, looks) = watch::channel(Looks::default());
        let (changed_end, changed) = watch::channel(0);
        let known = Known {
            waiting: Waiting::default(),
            changes: RecentChanges::after(EventId::ZERO),
            read_at: Instant::now(),
        };
        let (tenant, known) = (tenant.clone(), Mutex::new(known));
        let ends = Ends { wanted: wanted_end, looks: looks_end, changed: changed_end };
        (Arc::new(Self { tenant, known, wanted, looks, changed }), ends)
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock()
    }

    /// How long ago somebody has asked for a look.
    pub(super) fn unread_for(&self) -> Duration {
        self.known().read_at.elapsed()
    }

    /// Whether somebody reads it of the store.
    pub(super) fn has_reader(&self) -> bool {
        self.looks.has_changed().is_ok()
    }

    /// Returns once all is known that was so before this was called. Dropping it on the way loses nothing.
    pub(super) async fn look(&self) -> Result<(), StoreError> {
        self.known().read_at = Instant::now();
        let mut mine = 0;
        self.wanted.send_modify(|wanted| {
            *wanted += 1;
            mine = *wanted;
        });
        let mut looks = self.looks.clone();
        match looks.wait_for(|looks| looks.answered >= mine).await {
            Ok(looks) => looks.failed.clone().map_or(Ok(()), Err),
            Err(_) => Err(StoreError::Unavailable("the inbox is read no more".into())),
        }
    }

    /// The newest requests that wait, before a place, and the newest change that is in them.
    pub(super) fn page(
        &self,
        before: Option<&InboxPlace>,
        most: usize,
        now: UnixMs,
    ) -> (Vec<Arc<InboxItem>>, EventId) {
        let mut known = self.known();
        known.waiting.expire(now);
        (known.waiting.page(before, most), known.changes.newest())
    }

    /// How many wait to which this caller's yes would count.
    pub(super) fn count(&self, caller: &Caller, policy: &ApproverPolicy, now: UnixMs) -> usize {
        let mut known = self.known();
        known.waiting.expire(now);
        known.waiting.count(caller, policy)
    }

    /// What a run asks, as it is noted.
    pub(super) fn of_session(&self, session: &SessionId) -> Vec<Arc<InboxItem>> {
        self.known().waiting.of_session(session)
    }

    /// A request waits no more.
    pub(super) fn forget(&self, id: &RequestId) {
        self.known().waiting.remove(id);
    }

    /// Follows the changes.
    pub(super) fn follow(self: &Arc<Self>) -> InboxFollower {
        InboxFollower {
            inbox: Arc::clone(self),
            changed: self.changed.clone(),
            // What was known before may be old.
            in_doubt: true,
        }
    }
}

/// Follows the changes of an inbox.
#[derive(Debug)]
pub struct InboxFollower {
    pub(super) inbox: Arc<TenantInbox>,
    changed: watch::Receiver<u64>,
    in_doubt: bool,
}

impl InboxFollower {
    /// Returns once there may be changes. Cancel-safe.
    pub async fn changed(&mut self) {
        if self.changed.changed().await.is_err() {
            // The next look finds that nobody reads any more.
            self.in_doubt = true;
        }
    }

    /// What nothing would tell of is looked for next.
    pub fn doubt(&mut self) {
        self.in_doubt = true;
    }

    /// The first `limit` changes after this one that are at hand; `None` if that is not at hand. Dropping it on
    /// the way loses nothing.
    pub(super) async fn at_hand(
        &mut self,
        after: EventId,
        limit: usize,
    ) -> Result<Option<Vec<Arc<InboxNews>>>, StoreError> {
        let has_failed = self.inbox.looks.borrow().failed.is_some();
        if self.in_doubt || has_failed {
            self.inbox.look().await?;
            self.in_doubt = false;
        }
        self.changed.mark_unchanged();
        Ok(self.inbox.known().changes.since(after, limit))
    }
}
