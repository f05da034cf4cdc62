//! What waits for the people of a tenant, and what was decided lately (contract, section 5.6).
//!
//! The index of the store says where to look. Whether a request still waits is read from its decision, what
//! it is about from the request that a click would decide.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::drive::AgentService;
use crate::agent::run::inbox::{REQUEST_MAX, keep_decision};
use crate::agent::run::state::State;
use crate::agent::run::status::decided_requests;
use crate::agent::run::stored_request::{Stored, as_asked};
use crate::domain::event::shown_request;
use crate::domain::{
    ApprovalRequest, Caller, Decision, Entry, InboxChange, InboxItem, RequestId, SessionId,
    Standing, TenantId,
};
use crate::store::{ChangedRequest, InboxPlace, InboxStage, Noted, NotedRequest, StoreError};

/// Noted requests that are read in one go.
const AT_ONCE: usize = 500;
/// How long after its deadline a request that nobody has decided is dropped from the inbox: by then nobody has
/// its run any more.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

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
    /// those before `before`, at most `limit`.
    pub async fn inbox(
        self: &Arc<Self>,
        caller: &Caller,
        which: Noted,
        before: Option<&InboxPlace>,
        limit: usize,
    ) -> Result<InboxPage, StoreError> {
        // One more than asked for tells whether there is a next page.
        let (wanted, at) = (limit + 1, Position { before, wanted: limit + 1 });
        let (mut items, mut count) = match which {
            Noted::Waiting => self.waiting(caller, at).await?,
            Noted::Decided => {
                let (decided, (_, count)) = tokio::try_join!(
                    self.decided(&caller.tenant, at),
                    self.waiting(caller, Position { before: None, wanted: 0 })
                )?;
                (decided, count)
            }
        };
        let more = items.len() == wanted;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|item| item.request.request_id.clone());
        let items = match which {
            Noted::Waiting => {
                let (items, gone) = self.with_contents(items).await?;
                let counted = gone.iter().filter(|item| self.can_decide(caller, item)).count();
                count = count.saturating_sub(counted);
                self.drop_lost(&caller.tenant, gone);
                items
            }
            Noted::Decided => items,
        };
        let lines = items.into_iter().map(|item| self.line(caller, item)).collect();
        Ok(InboxPage { lines, count, next })
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

    /// A change of an inbox as the caller sees it; `None` if none of us has written it. Of one caller it is
    /// always the same.
    pub fn inbox_change(&self, caller: &Caller, change: &ChangedRequest) -> Option<InboxLine> {
        let item = self.ctx.opened_change(&caller.tenant, change)?;
        Some(self.line(caller, item))
    }

    /// The part of a list that is wanted of what waits, without what is only read for that part; and how much of
    /// all that waits the caller may decide.
    async fn waiting(
        self: &Arc<Self>,
        caller: &Caller,
        Position { before, wanted }: Position<'_>,
    ) -> Result<(Vec<InboxItem>, usize), StoreError> {
        let store = &self.ctx.store;
        let (mut items, mut count, mut reached) = (Vec::new(), 0, None);
        loop {
            let part =
                store.noted(&caller.tenant, Noted::Waiting, reached.as_ref(), AT_ONCE).await?;
            let is_last = part.len() < AT_ONCE;
            reached = part.last().and_then(|noted| noted.place(Noted::Waiting));
            for (place, item) in self.undecided(&caller.tenant, part).await? {
                count += usize::from(self.can_decide(caller, &item));
                if items.len() < wanted && before.is_none_or(|before| place < *before) {
                    items.push(item);
                }
            }
            if is_last {
                return Ok((items, count));
            }
        }
    }

    /// Those of some noted requests that really wait. Where the inbox has not been told of a decision, it is
    /// told now.
    async fn undecided(
        self: &Arc<Self>,
        tenant: &TenantId,
        noted: Vec<NotedRequest>,
    ) -> Result<Vec<(InboxPlace, InboxItem)>, StoreError> {
        let asked: Vec<(SessionId, RequestId)> =
            noted.iter().map(|noted| (noted.session.clone(), noted.request.clone())).collect();
        let decisions = self.ctx.decisions(&asked).await?;
        let now = self.ctx.clock.now();
        let (mut waiting, mut untold, mut abandoned) = (Vec::new(), Vec::new(), Vec::new());
        for (noted, decision) in noted.into_iter().zip(decisions) {
            let opened = self.ctx.opened_noted(tenant, &noted);
            match (decision, opened, noted.place(Noted::Waiting)) {
                (Some(decision), opened, _) => {
                    untold.push((noted.session.clone(), noted.request.clone(), decision));
                    // It may be another tenant's.
                    abandoned.extend(opened.is_none().then_some(noted));
                }
                (None, Some(item), Some(place)) => {
                    let deadline = item.request.deadline;
                    if !deadline.has_passed(now) {
                        waiting.push((place, item));
                    } else if now.since(deadline.at()) > ABANDONED {
                        abandoned.push(noted);
                    }
                }
                (None, None, _) | (None, _, None) => abandoned.push(noted),
            }
        }
        self.mend_inbox(tenant, untold, abandoned);
        Ok(waiting)
    }

    /// Tells the inbox of decisions, and drops from it what cannot be decided any more. Returns at once.
    fn mend_inbox(
        self: &Arc<Self>,
        tenant: &TenantId,
        untold: Vec<(SessionId, RequestId, Decision)>,
        abandoned: Vec<NotedRequest>,
    ) {
        if untold.is_empty() && abandoned.is_empty() {
            return;
        }
        let (service, tenant) = (Arc::clone(self), tenant.clone());
        self.ctx.tasks.spawn("inbox", async move {
            for (session, request, decision) in untold {
                keep_decision(&service.ctx, &session, &request, &decision).await;
            }
            for noted in abandoned {
                service.drop_as_seen(&tenant, &noted).await;
            }
        });
    }

    /// Drops from the inbox what is noted of a request, unless that has changed since. If it cannot be done:
    /// whoever looks next does it.
    async fn drop_as_seen(&self, tenant: &TenantId, seen: &NotedRequest) {
        let store = &self.ctx.store;
        if let Ok(Some(noted)) = store.noted_request(tenant, &seen.request).await
            && noted == *seen
        {
            let _ = store.drop_noted(tenant, &noted).await;
        }
    }

    /// Notes what waits here and is not noted. It should never be needed, but for an inbox that was lost.
    pub(super) async fn note_missing(&self) {
        let mut asked: BTreeMap<TenantId, Vec<(RequestId, SessionId)>> = BTreeMap::new();
        for (session, waiting) in self.runs.all_waiting() {
            if waiting.shown {
                asked.entry(waiting.tenant).or_default().push((waiting.request, session));
            }
        }
        for (tenant, asked) in &asked {
            for part in asked.chunks(AT_ONCE) {
                let ids: Vec<RequestId> = part.iter().map(|(request, _)| request.clone()).collect();
                // A store that is away is logged by the store; there will be another look.
                let Ok(missing) = self.ctx.store.unnoted(tenant, &ids).await else { return };
                let lost = part.iter().filter(|(request, _)| missing.contains(request));
                let sessions: BTreeSet<&SessionId> = lost.map(|(_, session)| session).collect();
                for session in sessions {
                    self.note_waiting(session).await;
                }
            }
        }
    }

    /// Tells of what the run of this journal knows to be decided: its former owner may have come no further than
    /// to go on with it. Returns at once; of what was told before nobody is told again.
    pub(super) fn tell_decided(self: &Arc<Self>, session: &SessionId, journal: &[Entry]) {
        let asked: Vec<(SessionId, RequestId)> =
            decided_requests(journal).into_iter().map(|id| (session.clone(), id)).collect();
        if asked.is_empty() {
            return;
        }
        let service = Arc::clone(self);
        self.ctx.tasks.spawn("inbox", async move {
            let ctx = &service.ctx;
            let found = ctx.retry_unavailable(|| ctx.decisions(&asked)).await.unwrap_or_default();
            for ((session, request), decision) in asked.iter().zip(found) {
                if let Some(decision) = decision {
                    keep_decision(ctx, session, request, &decision).await;
                }
            }
        });
    }

    async fn note_waiting(&self, session: &SessionId) {
        let Ok(journal) = self.journal(session).await else { return };
        if let Some(state) = State::fold_or_log(session, &journal) {
            self.ctx.note_again(session, state.pending_requests().cloned().collect());
        }
    }

    async fn decided(
        &self,
        tenant: &TenantId,
        Position { before, wanted }: Position<'_>,
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

    /// Adds to requests that wait what they are about; those of which nothing is left are returned as well.
    async fn with_contents(
        &self,
        items: Vec<InboxItem>,
    ) -> Result<(Vec<InboxItem>, Vec<InboxItem>), StoreError> {
        let ids: Vec<RequestId> =
            items.iter().map(|item| item.request.request_id.clone()).collect();
        let texts = self.ctx.store.requests(&ids).await?;
        let (mut whole, mut lost) = (Vec::with_capacity(items.len()), Vec::new());
        for (item, text) in items.into_iter().zip(texts) {
            let stored =
                text.map_or(Stored::Gone, |text| Stored::of(text, &item.request.request_id));
            let request = match stored {
                Stored::Readable(_, request) => Some(*request),
                Stored::Gone | Stored::Spoilt => {
                    let ApprovalRequest { session_id, request_id, .. } = &item.request;
                    as_asked(&self.ctx, session_id, request_id).await?
                }
            };
            match request {
                Some(request) => whole.push(with_content(item, request)),
                None => lost.push(item),
            }
        }
        Ok((whole, lost))
    }

    /// Drops requests from the inbox of which neither the request nor the journal is left: nobody can decide
    /// them. Returns at once.
    fn drop_lost(self: &Arc<Self>, tenant: &TenantId, lost: Vec<InboxItem>) {
        if lost.is_empty() {
            return;
        }
        let (service, tenant) = (Arc::clone(self), tenant.clone());
        self.ctx.tasks.spawn("inbox", async move {
            let store = &service.ctx.store;
            for item in lost {
                // If it cannot be done: whoever looks next does it.
                let noted = store.noted_request(&tenant, &item.request.request_id).await;
                if let Ok(Some(noted)) = noted
                    && let InboxStage::Waiting { .. } = noted.stage
                {
                    let _ = store.drop_noted(&tenant, &noted).await;
                }
            }
        });
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

/// Which part of a list is wanted.
#[derive(Clone, Copy)]
struct Position<'a> {
    before: Option<&'a InboxPlace>,
    wanted: usize,
}

/// The request with what it is about, as a click would find it. All that says who may decide, and until when,
/// stays as we have noted it: others write the stored request too.
fn with_content(item: InboxItem, stored: ApprovalRequest) -> InboxItem {
    let request = ApprovalRequest {
        context: stored.context,
        message: stored.message,
        preview: stored.preview,
        standing: Standing::Pending,
        ..item.request
    };
    InboxItem { request: shown_request(&request, REQUEST_MAX), ..item }
}
