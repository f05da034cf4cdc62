//! The tenant's inbox is told of what is asked and decided (contract, section 5.6).
//!
//! No run and no answer waits for it: what it keeps is a copy. Where a crash keeps it from being told, it
//! is told later:
//!
//! - A request was asked, and nobody has noted it: whoever has its run does so, when it takes the run over
//!   or, once a minute, finds it missing (`service/inbox.rs`).
//! - A request was decided, and is still noted as waiting: whoever looks at the inbox finds the decision, and
//!   notes it, and so does whoever takes the run over. Until then the request is left out of what waits.
//! - A request is noted whose run has forgotten it, because the store has lost its journal: it is left out
//!   once its time is up, or once its key is gone.

use std::sync::Arc;

use super::context::{RunContext, while_store_is_away};
use super::stored_request::{Stored, as_asked, keep_request};
use crate::domain::event::shown_request;
use crate::domain::{
    ApprovalRequest, Decision, InboxChange, InboxItem, RequestId, SessionId, SessionMeta,
};
use crate::store::{InboxNote, InboxStage, NotedRequest, StoreError};

/// So many bytes of JSON a request has in an inbox, at most: with what stands around it, it fits a frame.
pub(crate) const REQUEST_MAX: usize = 12 * 1024;

impl RunContext {
    /// Tells the inbox of requests that were asked, as soon as the store answers. Returns at once.
    pub(crate) fn note_asked<'a>(
        self: &Arc<Self>,
        meta: &SessionMeta,
        requests: impl Iterator<Item = &'a ApprovalRequest>,
    ) {
        for request in requests {
            let (ctx, item) = (Arc::clone(self), InboxItem::asked(Some(meta), request));
            self.tasks.spawn("inbox", async move { ctx.note_once_there(&item).await });
        }
    }

    /// The same of requests that were asked a while ago and still wait; of what was noted already nobody is told
    /// again.
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
            backoff.retry(|| self.store.note(&note), again).await
        };
        told(&item.request.request_id, noted.await);
    }

    /// Tells the inbox, for as long as a run waits for the store.
    async fn note(&self, item: &InboxItem) -> Result<(), StoreError> {
        let note = self.inbox_note(item)?;
        self.retry_unavailable(|| self.store.note(&note)).await
    }

    fn inbox_note(&self, item: &InboxItem) -> Result<InboxNote, StoreError> {
        let shown = shown_request(&item.request, REQUEST_MAX);
        let item = InboxItem { request: shown, ..item.clone() };
        let ApprovalRequest { request_id: request, session_id: session, .. } = &item.request;
        let change = self.sealed(request, session, &item)?;
        let (stage, kept) = match item.change {
            InboxChange::Asked | InboxChange::Endorsed => {
                let approvals = item.request.quorum.approvals;
                let head = self.sealed(request, session, &item.head())?;
                (InboxStage::Waiting { approvals }, head)
            }
            InboxChange::Decided => (InboxStage::Decided { at: item.at_ms }, change.clone()),
        };
        let missed = match item.change {
            InboxChange::Asked => None,
            InboxChange::Endorsed | InboxChange::Decided => {
                Some(self.sealed(request, session, &item.as_asked())?)
            }
        };
        let noted = NotedRequest {
            request: request.clone(),
            session: session.clone(),
            created_at: item.request.created_at,
            stage,
            item: kept,
        };
        Ok(InboxNote { tenant: item.request.tenant_id.clone(), noted, change, missed })
    }

    /// What is known of a request whose run is not at hand. Others write its key too; whose it is does not come
    /// from there.
    async fn item_of(
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
        let request = match stored {
            Stored::Readable(_, request) => Some(*request),
            Stored::Gone | Stored::Spoilt => as_asked(self, session, id).await?,
        };
        let Some(request) = request else { return Ok(None) };
        let request = ApprovalRequest {
            session_id: session.clone(),
            tenant_id: meta.tenant.clone(),
            ..request
        };
        Ok(Some(InboxItem { endorsed_by, ..InboxItem::asked(Some(&meta), &request) }))
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
