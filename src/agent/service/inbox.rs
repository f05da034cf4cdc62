//! What waits for the people of a tenant, and what was decided lately (contract, section 5.6).
//!
//! The index of the store says where to look; of what waits, each process keeps what it has read for a tenant's
//! people (`inbox/inboxes.rs`). Whether a request of a page still waits is read from its decision, what it is about from
//! the request that a click would decide.

use std::borrow::Borrow;
use std::sync::Arc;

use tokio::task::yield_now;

use self::mend::{Amiss, drop_lost, mend};
use self::recent::InboxNews;
use self::tenant::{InboxFollower, TenantInbox};
use super::drive::AgentService;
use crate::agent::run::inbox::REQUEST_MAX;
use crate::agent::run::stored_request::{Stored, as_asked};
use crate::domain::event::shown_request;
use crate::domain::{
    ApprovalRequest, Caller, EventId, InboxChange, InboxItem, RequestId, SessionId, Standing,
    TenantId,
};
use crate::store::{InboxPlace, Noted, ReadError, StoreError};

pub(crate) mod inboxes;
mod mend;
mod owner;
mod reader;
pub(crate) mod recent;
pub(crate) mod tenant;
mod waiting;

/// Reading a stored request takes a while: others have their turn after so many.
const READ_IN_A_ROW: usize = 16;

/// A request as one caller sees it.
#[derive(Clone, Debug)]
pub struct InboxLine {
    /// The request, and what is known of it; its long fields may be cut.
    pub item: InboxItem,
    /// Whether this caller's yes would count.
    pub can_decide: bool,
    /// Whether this caller has decided it, or is one of those who have said yes.
    pub decided_by_me: bool,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct InboxPage {
    /// Its requests, newest first.
    pub lines: Vec<InboxLine>,
    /// How many requests of the tenant wait whose approval this caller's yes would count for.
    pub count: usize,
    /// The request to go on from, if there are more.
    pub next: Option<RequestId>,
}

impl AgentService {
    /// The requests of the caller's tenant that wait, or that were decided in the last 7 days; newest first,
    /// those before `before`, at most `limit`. What anybody was answered before is in it, on whichever process.
    pub async fn inbox(
        &self,
        caller: &Caller,
        which: Noted,
        before: Option<&InboxPlace>,
        limit: usize,
    ) -> Result<InboxPage, StoreError> {
        let inbox = self.inbox_of(&caller.tenant);
        match which {
            Noted::Waiting => {
                inbox.look().await?;
                Ok(self.waiting(&inbox, caller, before, limit).await?.0)
            }
            Noted::Decided => {
                // One more than asked for tells whether there is a next page.
                let decided = self.decided(&caller.tenant, before, limit + 1);
                let (mut items, ()) = tokio::try_join!(decided, inbox.look())?;
                let next = next_of(&mut items, limit);
                let lines = items.into_iter().map(|item| self.line(caller, item)).collect();
                Ok(InboxPage { lines, count: self.count(&inbox, caller), next })
            }
        }
    }

    /// Follows the changes of the inbox of the caller's tenant.
    pub fn follow_inbox(&self, caller: &Caller) -> InboxFollower {
        self.inbox_of(&caller.tenant).follow()
    }

    /// The newest requests that wait, for who follows the inbox, and the newest change that is in them.
    pub async fn inbox_snapshot(
        &self,
        caller: &Caller,
        follower: &InboxFollower,
        limit: usize,
    ) -> Result<(InboxPage, EventId), StoreError> {
        follower.inbox.look().await?;
        self.waiting(&follower.inbox, caller, None, limit).await
    }

    /// The first `limit` changes after this one, oldest first, for who follows the inbox. [`ReadError::Gap`] if
    /// it is not kept. Dropping it on the way loses nothing.
    pub async fn inbox_changes(
        &self,
        follower: &mut InboxFollower,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<Arc<InboxNews>>, ReadError> {
        if let Some(at_hand) = follower.at_hand(after, limit).await? {
            return Ok(at_hand);
        }
        let tenant = &follower.inbox.tenant;
        let mut all = Vec::new();
        for change in self.ctx.store.changes(tenant, after, limit).await? {
            let item = self.ctx.opened_change(tenant, &change);
            all.push(Arc::new(InboxNews { id: change.id, item }));
            if all.len() % READ_IN_A_ROW == 0 {
                yield_now().await;
            }
        }
        Ok(all)
    }

    /// Where a request of the caller's tenant is, or was, in such a list; `None` if it never was in it, or no
    /// more is known of it.
    pub async fn place_in_inbox(
        &self,
        caller: &Caller,
        which: Noted,
        id: &RequestId,
    ) -> Result<Option<InboxPlace>, StoreError> {
        let noted = self.ctx.store.noted_request(&caller.tenant, id).await?;
        Ok(noted.and_then(|noted| noted.place(which)))
    }

    /// A request as the caller sees it. After one change it is always the same to them.
    pub fn inbox_line(&self, caller: &Caller, item: InboxItem) -> InboxLine {
        self.line(caller, item)
    }

    fn inbox_of(&self, tenant: &TenantId) -> Arc<TenantInbox> {
        self.inboxes.of(&self.ctx, tenant)
    }

    fn count(&self, inbox: &TenantInbox, caller: &Caller) -> usize {
        inbox.count(caller, &self.ctx.approvers, self.ctx.clock.now())
    }

    /// A page of what is known to wait, and the newest change that is in it.
    async fn waiting(
        &self,
        inbox: &TenantInbox,
        caller: &Caller,
        before: Option<&InboxPlace>,
        limit: usize,
    ) -> Result<(InboxPage, EventId), StoreError> {
        let (mut items, newest) = inbox.page(before, limit + 1, self.ctx.clock.now());
        let next = next_of(&mut items, limit);
        let items = self.whole(inbox, items).await?;
        let lines = items.into_iter().map(|item| self.line(caller, item)).collect();
        Ok((InboxPage { lines, count: self.count(inbox, caller), next }, newest))
    }

    /// Those of these requests that really wait, with what they are about. The others are known to wait no more.
    async fn whole(
        &self,
        inbox: &TenantInbox,
        items: Vec<Arc<InboxItem>>,
    ) -> Result<Vec<InboxItem>, StoreError> {
        let asked: Vec<(SessionId, RequestId)> = items.iter().map(|item| asked_by(item)).collect();
        let ids: Vec<RequestId> = asked.iter().map(|(_, request)| request.clone()).collect();
        let (decisions, texts) =
            tokio::try_join!(self.ctx.decisions(&asked), self.ctx.store.requests(&ids))?;
        let (mut whole, mut amiss, mut lost) = (Vec::new(), Amiss::default(), Vec::new());
        for (at, ((item, text), decision)) in items.iter().zip(texts).zip(decisions).enumerate() {
            if at % READ_IN_A_ROW == READ_IN_A_ROW - 1 {
                yield_now().await;
            }
            let (session, id) = asked_by(item);
            let request = match decision {
                Some(decision) => {
                    inbox.forget(&id);
                    amiss.decided(session, id, decision);
                    continue;
                }
                None => self.as_a_click_finds_it(item, text).await?,
            };
            match request {
                Some(request) => whole.push(with_content(item, request)),
                None => {
                    inbox.forget(&id);
                    lost.push(id);
                }
            }
        }
        mend(&self.ctx, &inbox.tenant, amiss);
        drop_lost(&self.ctx, &inbox.tenant, lost);
        Ok(whole)
    }

    /// What a request is about: as it is stored or, where nobody can read that, as it was asked. `None` if nothing
    /// is left of it.
    async fn as_a_click_finds_it(
        &self,
        item: &InboxItem,
        text: Option<String>,
    ) -> Result<Option<ApprovalRequest>, StoreError> {
        let ApprovalRequest { session_id, request_id, .. } = &item.request;
        match text.map_or(Stored::Gone, |text| Stored::of(text, request_id)) {
            Stored::Readable(_, request) => Ok(Some(*request)),
            Stored::Gone | Stored::Spoilt => as_asked(&self.ctx, session_id, request_id).await,
        }
    }

    async fn decided(
        &self,
        tenant: &TenantId,
        before: Option<&InboxPlace>,
        wanted: usize,
    ) -> Result<Vec<InboxItem>, StoreError> {
        let (mut items, mut reached) = (Vec::new(), before.cloned());
        while items.len() < wanted {
            let missing = wanted - items.len();
            let store = &self.ctx.store;
            let part = store.noted(tenant, Noted::Decided, reached.as_ref(), missing).await?;
            let is_last = part.len() < missing;
            reached = part.last().and_then(|noted| noted.place(Noted::Decided));
            items.extend(part.iter().filter_map(|noted| self.ctx.opened_noted(tenant, noted)));
            if is_last {
                break;
            }
        }
        Ok(items)
    }

    fn line(&self, caller: &Caller, item: InboxItem) -> InboxLine {
        let can_decide = self.can_decide(caller, &item);
        let decided_by_me = item.is_decided_by(&caller.user);
        InboxLine { item, can_decide, decided_by_me }
    }

    /// Whether the caller's yes would count: nobody has decided, the policy lets them, and they have not said so
    /// before.
    fn can_decide(&self, caller: &Caller, item: &InboxItem) -> bool {
        let is_open = match item.change {
            InboxChange::Asked | InboxChange::Endorsed => true,
            InboxChange::Decided => false,
        };
        let ApprovalRequest { action_type, user_id, .. } = &item.request;
        is_open
            && self.ctx.approvers.of(action_type).include(caller, user_id)
            && !item.endorsed_by.contains(&caller.user)
    }
}

/// Leaves no more than `limit`; the request to go on from, if there were more.
fn next_of<T: Borrow<InboxItem>>(items: &mut Vec<T>, limit: usize) -> Option<RequestId> {
    let more = items.len() > limit;
    items.truncate(limit);
    items.last().filter(|_| more).map(|item| item.borrow().request.request_id.clone())
}

fn asked_by(item: &InboxItem) -> (SessionId, RequestId) {
    (item.request.session_id.clone(), item.request.request_id.clone())
}

/// The request with what it is about, as a click would find it. All that says who may decide, and until when,
/// stays as we have noted it: others write the stored request too.
fn with_content(item: &InboxItem, stored: ApprovalRequest) -> InboxItem {
    let request = ApprovalRequest {
        context: stored.context,
        message: stored.message,
        preview: stored.preview,
        standing: Standing::Pending,
        ..item.request.clone()
    };
    InboxItem { request: shown_request(&request, REQUEST_MAX), ..item.clone() }
}
