//! Reads one tenant's inbox for all of this process who want to know.
//!
//! It begins with all that is noted as waiting, and goes on with the changes. Each request is opened once, and
//! held against its decision when it comes. What no change tells of, such as a decision whose process was killed
//! before it told the inbox, or what somebody has deleted, is found by going through what is noted again and
//! again, a part at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::mend::{Amiss, mend};
use super::recent::{InboxNews, RecentChanges};
use super::tenant::{Looks, TenantInbox};
use super::waiting::Waiting;
use crate::agent::run::context::RunContext;
use crate::agent::run::inbox::stage_of;
use crate::domain::{InboxChange, InboxItem, RequestId, SessionId, TenantId};
use crate::store::{
    ChangedRequest, Follower, InboxPlace, Noted, NotedRequest, ReadError, StoreError,
};

/// Noted requests, or changes, that are read in one go.
const PART: usize = 256;
/// How often a part of what is noted is looked through again.
const AGAIN: Duration = Duration::from_secs(2);
/// Opening a sealed request takes a while: others have their turn after so many.
const OPENED_IN_A_ROW: usize = 16;
/// How often all is read anew in one look because changes are missing, before that is given up for now.
const ATTEMPTS: usize = 4;

/// Reads one tenant's inbox.
pub(super) struct Reader {
    ctx: Arc<RunContext>,
    inbox: Arc<TenantInbox>,
    wanted: watch::Receiver<u64>,
    looks: watch::Sender<Looks>,
    changed: watch::Sender<u64>,
    follower: Option<Follower>,
    /// Whether all that waits was read, so that the changes are enough.
    has_all: bool,
    /// Down to where what is noted was looked through again.
    seen_to: Option<InboxPlace>,
}

impl Reader {
    /// A tenant's inbox, and who reads it.
    pub(super) fn of(ctx: &Arc<RunContext>, tenant: &TenantId) -> (Arc<TenantInbox>, Self) {
        let (inbox, ends) = TenantInbox::unread(tenant);
        let reader = Self {
            ctx: Arc::clone(ctx),
            inbox: Arc::clone(&inbox),
            wanted: ends.wanted,
            looks: ends.looks,
            changed: ends.changed,
            follower: None,
            has_all: false,
            seen_to: None,
        };
        (inbox, reader)
    }

    /// Reads until nobody wants to know any more.
    pub(super) async fn read(mut self, is_let_go: impl Fn() -> bool) {
        let mut again = interval_at(Instant::now() + AGAIN, AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let answered = *self.wanted.borrow_and_update();
            let failed = self.look().await.err();
            if failed.is_some() {
                // Whoever follows finds out.
                self.changed.send_modify(|changed| *changed += 1);
            }
            let is_up = failed.is_none();
            self.looks.send_replace(Looks { answered, failed });
            tokio::select! {
                _ = self.wanted.changed() => {}
                () = grown(&mut self.follower) => {}
                _ = again.tick() => {
                    if is_let_go() {
                        return;
                    }
                    if is_up {
                        // If it cannot be done: the next look tells.
                        let _ = self.look_through_a_part().await;
                    }
                }
            }
        }
    }

    /// Reads what has changed, to the end.
    async fn look(&mut self) -> Result<(), StoreError> {
        let (store, tenant) = (Arc::clone(&self.ctx.store), self.inbox.tenant.clone());
        if self.follower.is_none() {
            self.follower = Some(store.follow_inbox(&tenant).await?);
        }
        for _ in 0..ATTEMPTS {
            if !self.has_all {
                self.read_all().await?;
            }
            match self.read_changes().await {
                Ok(()) => return Ok(()),
                Err(ReadError::Gap { .. }) => self.has_all = false,
                Err(ReadError::Store(error)) => return Err(error),
            }
        }
        Err(StoreError::Contended("the changes of an inbox go faster than they can be read"))
    }

    /// Reads all that waits. What changes meanwhile is among the changes after the newest one of now.
    async fn read_all(&mut self) -> Result<(), StoreError> {
        let (store, tenant) = (&self.ctx.store, &self.inbox.tenant);
        let newest = store.newest_change(tenant).await?;
        let (mut waiting, mut reached) = (Waiting::default(), None);
        loop {
            let part = store.noted(tenant, Noted::Waiting, reached.as_ref(), PART).await?;
            let is_last = part.len() < PART;
            reached = part.last().and_then(|noted| noted.place(Noted::Waiting));
            self.judged(part).await?.into_iter().for_each(|item| waiting.put(item));
            if is_last {
                break;
            }
        }
        let mut known = self.inbox.known();
        (known.waiting, known.changes) = (waiting, RecentChanges::after(newest));
        drop(known);
        (self.has_all, self.seen_to) = (true, None);
        self.changed.send_modify(|changed| *changed += 1);
        Ok(())
    }

    async fn read_changes(&self) -> Result<(), ReadError> {
        loop {
            let newest = self.inbox.known().changes.newest();
            let changes = self.ctx.store.changes(&self.inbox.tenant, newest, PART).await?;
            let is_last = changes.len() < PART;
            self.take(changes).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    async fn take(&self, changes: Vec<ChangedRequest>) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut all = Vec::with_capacity(changes.len());
        for (at, change) in changes.iter().enumerate() {
            yield_now_and_then(at).await;
            let item = self.ctx.opened_change(&self.inbox.tenant, change);
            all.push(InboxNews { id: change.id, item });
        }
        let decided = self.decided_of(&all).await?;
        let mut known = self.inbox.known();
        for news in all {
            match &news.item {
                Some(item) if is_open(item) && !decided.contains(&item.request.request_id) => {
                    known.waiting.put(Arc::new(item.head()));
                }
                Some(item) => known.waiting.remove(&item.request.request_id),
                None => {}
            }
            known.changes.push(news);
        }
        drop(known);
        self.changed.send_modify(|changed| *changed += 1);
        Ok(())
    }

    /// Those of the requests that are said to wait that are decided: nobody is believed about that who cannot
    /// write decisions.
    async fn decided_of(&self, all: &[InboxNews]) -> Result<HashSet<RequestId>, StoreError> {
        let open = all.iter().filter_map(|news| news.item.as_ref()).filter(|item| is_open(item));
        let asked: Vec<(SessionId, RequestId)> = open
            .map(|item| (item.request.session_id.clone(), item.request.request_id.clone()))
            .collect();
        if asked.is_empty() {
            return Ok(HashSet::new());
        }
        let decisions = self.ctx.decisions(&asked).await?;
        let decided = asked.into_iter().zip(decisions).filter(|(_, decision)| decision.is_some());
        Ok(decided.map(|((_, request), _)| request).collect())
    }

    /// Reads the next part of what is noted again.
    async fn look_through_a_part(&mut self) -> Result<(), StoreError> {
        let (store, tenant) = (&self.ctx.store, &self.inbox.tenant);
        let part = store.noted(tenant, Noted::Waiting, self.seen_to.as_ref(), PART).await?;
        let last = part.last().and_then(|noted| noted.place(Noted::Waiting));
        let last = last.filter(|_| part.len() == PART);
        let judged = self.judged(part).await?;
        let kept = judged.iter().map(|item| item.request.request_id.clone()).collect();
        let mut known = self.inbox.known();
        known.waiting.keep_only(self.seen_to.as_ref(), last.as_ref(), &kept);
        judged.into_iter().for_each(|item| known.waiting.put(item));
        drop(known);
        self.seen_to = last;
        Ok(())
    }

    /// Those of some noted requests that really wait. What is amiss with the others is mended.
    async fn judged(&self, part: Vec<NotedRequest>) -> Result<Vec<Arc<InboxItem>>, StoreError> {
        let asked: Vec<(SessionId, RequestId)> =
            part.iter().map(|noted| (noted.session.clone(), noted.request.clone())).collect();
        let decisions = self.ctx.decisions(&asked).await?;
        let (now, mut waiting, mut amiss) = (self.ctx.clock.now(), Vec::new(), Amiss::default());
        for (at, (noted, decision)) in part.into_iter().zip(decisions).enumerate() {
            let opened = match self.known(&noted) {
                Some(known) => Some(known),
                None => {
                    yield_now_and_then(at).await;
                    self.ctx.opened_noted(&self.inbox.tenant, &noted).map(Arc::new)
                }
            };
            waiting.extend(amiss.without(noted, opened, decision, now));
        }
        mend(&self.ctx, &self.inbox.tenant, amiss);
        Ok(waiting)
    }

    /// What is known already of a noted request.
    fn known(&self, noted: &NotedRequest) -> Option<Arc<InboxItem>> {
        let known = self.inbox.known();
        let item = known.waiting.get(&noted.request)?;
        let is_same = stage_of(item) == noted.stage
            && item.request.session_id == noted.session
            && item.request.created_at == noted.created_at;
        is_same.then(|| Arc::clone(item))
    }
}

fn is_open(item: &InboxItem) -> bool {
    match item.change {
        InboxChange::Asked | InboxChange::Endorsed => true,
        InboxChange::Decided => false,
    }
}

/// Lets others have their turn after each so many.
async fn yield_now_and_then(at: usize) {
    if at % OPENED_IN_A_ROW == OPENED_IN_A_ROW - 1 {
        yield_now().await;
    }
}

/// Returns once there may be changes.
async fn grown(follower: &mut Option<Follower>) {
    match follower {
        Some(follower) => follower.changed().await,
        None => std::future::pending().await,
    }
}
