//! The tenant's inbox is told of what is asked and decided (contract, section 5.6).
//!
//! What it keeps is a copy. A run tells it of a request before it asks; no answer waits for it. Where a crash keeps
//! it from being told, it is told later:
//!
//! - A request was noted, and never asked: who was about to ask takes it back if another has the run, and
//!   otherwise whoever takes the run over does (`service/inbox/owner.rs`).
//! - A request was asked, and it could not be noted, or that was lost: whoever has its run does so, when it takes
//!   the run over or, once a minute, finds it missing.
//! - A request was decided, and is still noted as waiting: whoever looks at the inbox finds the decision, and
//!   notes it, and so does whoever takes the run over. Until then the request is left out of what waits.
//! - A request is noted whose run has forgotten it, because the store has lost its journal: it is left out
//!   once its time is up, or once its key is gone.

use std::sync::Arc;

use futures::future::join_all;

use super::context::{RunContext, while_store_is_away};
use super::status::known_requests;
use super::stored_request::{Stored, asked_in_journal, keep_request};
use crate::agent::approval::seals::Subject;
use crate::domain::event::shown_request;
use crate::domain::seal::TenantSealable;
use crate::domain::{
    ApprovalRequest, Deadline, Decision, InboxChange, InboxItem, OfTenant, RequestId, Sealed,
    SessionId, SessionMeta, TenantId, Verdict,
};
use crate::store::{ChangedRequest, InboxNote, InboxStage, NotedRequest, StoreError};

/// How often something that is none of ours may be met in a request's place before it is given up for now.
const ATTEMPTS: u32 = 16;

/// So many bytes of JSON a request has in an inbox, at most: with what stands around it, it fits a frame.
pub(crate) const REQUEST_MAX: usize = 12 * 1024;

impl RunContext {
    /// Tells the inbox of requests that are stored and about to be asked: whoever sees that they are finds them there,
    /// whatever becomes of this process. If it cannot be told, they are asked all the same.
    pub(super) async fn note_asked<'a>(
        &self,
        meta: &SessionMeta,
        requests: impl Iterator<Item = &'a ApprovalRequest>,
    ) {
        let notes = requests.map(|request| async move {
            told(&request.request_id, self.note(&InboxItem::asked(Some(meta), request)).await);
        });
        join_all(notes).await;
    }

    /// Takes back those of these requests which the journal of their run does not know: they were noted, and never
    /// asked. Only for a run that whoever was about to ask cannot go on with any more.
    pub(crate) async fn take_back_unasked(
        &self,
        session: &SessionId,
        noted: Vec<(RequestId, Deadline)>,
    ) {
        let journal = match self.retry_unavailable(|| self.journal(session)).await {
            Ok(journal) => journal,
            Err(error) => return tracing::warn!(%session, %error, "requests not taken back"),
        };
        let known = known_requests(&journal);
        for (request, deadline) in noted.iter().filter(|(request, _)| !known.contains(request)) {
            self.take_back(session, request, *deadline).await;
        }
    }

    /// Takes back a request that may have been noted, and will never be asked.
    pub(super) async fn take_back(
        &self,
        session: &SessionId,
        request: &RequestId,
        deadline: Deadline,
    ) {
        let proposal = Decision::of(Verdict::Cancelled, self.clock.now());
        let about = Subject { request, session, deadline };
        match self.retry_unavailable(|| self.decide(about, &proposal)).await {
            Ok(decided) => {
                keep_decision(self, session, request, &decided.standing(proposal)).await;
                tracing::info!(%session, %request, "a request that was never asked is taken back");
            }
            Err(error) => tracing::warn!(%session, %request, %error, "request not taken back"),
        }
    }

    /// Tells the inbox, once the store answers, of requests that were asked a while ago and still wait; of what was
    /// noted already nobody is told again.
    pub(crate) fn note_again(self: &Arc<Self>, session: &SessionId, asked: Vec<ApprovalRequest>) {
        let (ctx, session) = (Arc::clone(self), session.clone());
        self.tasks.spawn("inbox", async move {
            for request in asked {
                match ctx.item_again(&session, request).await {
                    Ok(item) => ctx.note_once_there(&item).await,
                    Err((request, error)) => told(&request, Err(error)),
                }
            }
        });
    }

    /// What is known of a request that was asked a while ago.
    async fn item_again(
        &self,
        session: &SessionId,
        request: ApprovalRequest,
    ) -> Result<InboxItem, (RequestId, StoreError)> {
        let id = &request.request_id;
        let look = || async {
            tokio::try_join!(self.store.session(session), self.approved_by(session, id))
        };
        let (meta, endorsed_by) =
            self.retry_unavailable(look).await.map_err(|error| (id.clone(), error))?;
        let given = u32::try_from(endorsed_by.len()).unwrap_or(u32::MAX);
        let item = InboxItem { endorsed_by, ..InboxItem::asked(meta.as_ref(), &request) };
        Ok(if given > 0 { item.endorsed(given, self.clock.now()) } else { item })
    }

    async fn note_once_there(&self, item: &InboxItem) {
        let stopping = self.tasks.stopping();
        let noted = async {
            let note = self.inbox_note(item)?;
            // Whoever takes the run over notes it.
            let again = |error: &StoreError| error.is_transient() && !stopping.is_cancelled();
            let backoff = while_store_is_away().cut_by(stopping.clone());
            backoff.retry(|| self.note_verified(&note), again).await
        };
        told(&item.request.request_id, noted.await);
    }

    /// Tells the inbox, for as long as a run waits for the store.
    async fn note(&self, item: &InboxItem) -> Result<(), StoreError> {
        let note = self.inbox_note(item)?;
        self.retry_unavailable(|| self.note_verified(&note)).await
    }

    /// Notes it, unless the request is known to have come as far already: what only says so gives way.
    async fn note_verified(&self, note: &InboxNote) -> Result<(), StoreError> {
        let mut note = note.clone();
        for _ in 0..ATTEMPTS {
            let Some(standing) = self.store.note(&note).await? else { return Ok(()) };
            if self.opened_noted(&note.tenant, &standing).is_some() {
                return Ok(());
            }
            note.void = Some(standing);
        }
        Err(StoreError::Contended("somebody keeps writing in an inbox"))
    }

    /// What is noted of a request; `None` unless one of us has noted just that for this tenant.
    pub(crate) fn opened_noted(
        &self,
        tenant: &TenantId,
        noted: &NotedRequest,
    ) -> Option<InboxItem> {
        let NotedRequest { request, session, created_at, stage, item } = noted;
        let of = OfTenant { tenant, request, session };
        let opened = self.opened_item(of, item)?;
        // The rest stands beside what is sealed.
        let agrees = opened.request.created_at == *created_at && stage_of(&opened) == *stage;
        if !agrees {
            self.tell_unverified(session, request, InboxItem::KIND);
        }
        agrees.then_some(opened)
    }

    /// What a change tells; `None` unless one of us has written it for this tenant.
    pub(crate) fn opened_change(
        &self,
        tenant: &TenantId,
        change: &ChangedRequest,
    ) -> Option<InboxItem> {
        let ChangedRequest { request, session, item, .. } = change;
        self.opened_item(OfTenant { tenant, request, session }, item)
    }

    fn opened_item(&self, of: OfTenant<'_>, item: &Sealed<InboxItem>) -> Option<InboxItem> {
        let opened = self.seals.seal().open_for(of, item);
        if opened.is_none() {
            self.tell_unverified(of.session, of.request, InboxItem::KIND);
        }
        opened
    }

    fn sealed_item(&self, item: &InboxItem) -> Result<Sealed<InboxItem>, StoreError> {
        let ApprovalRequest { tenant_id: tenant, request_id: request, session_id: session, .. } =
            &item.request;
        let sealed = self.seals.seal().seal_for(OfTenant { tenant, request, session }, item);
        sealed.map_err(|error| StoreError::Rejected(error.to_string()))
    }

    fn inbox_note(&self, item: &InboxItem) -> Result<InboxNote, StoreError> {
        let shown = shown_request(&item.request, REQUEST_MAX);
        let item = InboxItem { request: shown, ..item.clone() };
        let ApprovalRequest { request_id: request, session_id: session, .. } = &item.request;
        let (change, stage) = (self.sealed_item(&item)?, stage_of(&item));
        let kept = match stage {
            InboxStage::Waiting { .. } => self.sealed_item(&item.head())?,
            InboxStage::Decided { .. } => change.clone(),
        };
        let missed = match item.change {
            InboxChange::Asked => None,
            InboxChange::Endorsed | InboxChange::Decided => {
                Some(self.sealed_item(&item.as_asked())?)
            }
        };
        let noted = NotedRequest {
            request: request.clone(),
            session: session.clone(),
            created_at: item.request.created_at,
            stage,
            item: kept,
        };
        let tenant = item.request.tenant_id.clone();
        Ok(InboxNote { tenant, noted, change, missed, void: None })
    }

    /// What is known of a request whose run is not at hand. Who may decide it and how far it has come is what we
    /// have noted, or what its run's journal says. Others write its key too: from there comes what it is about, as
    /// a click would find it, and what they say who has voted.
    pub(super) async fn item_of(
        &self,
        session: &SessionId,
        id: &RequestId,
    ) -> Result<Option<InboxItem>, StoreError> {
        let (stored, meta, endorsed_by) = self
            .retry_unavailable(|| async {
                tokio::try_join!(
                    Stored::read(self, id),
                    self.store.session(session),
                    self.approved_by(session, id)
                )
            })
            .await?;
        let Some(meta) = meta else { return Ok(None) };
        let stored = match stored {
            Stored::Readable(_, request) => Some(*request),
            Stored::Gone | Stored::Spoilt => None,
        };
        let noted = self.noted_item(&meta.tenant, session, id).await?;
        let asked = match noted {
            Some(noted) if stored.is_some() => Some(noted),
            noted => self.asked_item(&meta, id).await?.or(noted),
        };
        let Some(asked) = asked else { return Ok(None) };
        let request = match stored {
            Some(ApprovalRequest { context, message, preview, standing, more, .. }) => {
                ApprovalRequest { context, message, preview, standing, more, ..asked.request }
            }
            None => asked.request,
        };
        Ok(Some(InboxItem { request, endorsed_by, ..asked }))
    }

    /// What is noted of a request, as it was asked.
    async fn noted_item(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        id: &RequestId,
    ) -> Result<Option<InboxItem>, StoreError> {
        let noted = self.retry_unavailable(|| self.store.noted_request(tenant, id)).await?;
        let noted = noted.filter(|noted| noted.session == *session);
        let item = noted.and_then(|noted| self.opened_noted(tenant, &noted));
        Ok(item.map(|item| InboxItem { request: item.request.reopened(), ..item }))
    }

    /// What its run's journal says of a request.
    async fn asked_item(
        &self,
        meta: &SessionMeta,
        id: &RequestId,
    ) -> Result<Option<InboxItem>, StoreError> {
        let session = &meta.session_id;
        let asked = self.retry_unavailable(|| asked_in_journal(self, session, id)).await?;
        let request = asked.map(|request| ApprovalRequest {
            session_id: session.clone(),
            tenant_id: meta.tenant.clone(),
            ..request
        });
        Ok(request.map(|request| InboxItem::asked(Some(meta), &request)))
    }
}

/// How far an item says that its request has come.
pub(crate) fn stage_of(item: &InboxItem) -> InboxStage {
    match item.change {
        InboxChange::Asked | InboxChange::Endorsed => {
            InboxStage::Waiting { approvals: item.request.quorum.approvals }
        }
        InboxChange::Decided => InboxStage::Decided { at: item.at_ms },
    }
}

/// Writes the decision that stands into the stored request, and tells the inbox of it.
pub(crate) async fn keep_decision(
    ctx: &RunContext,
    session: &SessionId,
    id: &RequestId,
    standing: &Decision,
) {
    tokio::join!(
        keep_request(ctx, session, id, standing),
        note_decided(ctx, session, id, standing)
    );
}

/// Tells the inbox of the decision that stands.
pub(crate) async fn note_decided(
    ctx: &RunContext,
    session: &SessionId,
    id: &RequestId,
    standing: &Decision,
) {
    let noted = async {
        match ctx.item_of(session, id).await? {
            Some(item) => ctx.note(&item.decided(standing)).await,
            None => Ok(()),
        }
    };
    told(id, noted.await);
}

/// Tells the inbox that so many people have said yes.
pub(crate) async fn note_endorsed(
    ctx: &RunContext,
    session: &SessionId,
    id: &RequestId,
    given: u32,
) {
    let noted = async {
        match ctx.item_of(session, id).await? {
            Some(item) => ctx.note(&item.endorsed(given, ctx.clock.now())).await,
            None => Ok(()),
        }
    };
    told(id, noted.await);
}

fn told(request: &RequestId, noted: Result<(), StoreError>) {
    if let Err(error) = noted {
        tracing::warn!(%request, %error, "the inbox was not told of a request");
    }
}
