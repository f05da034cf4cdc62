//! What the owner of a run tells its inbox again, because it may not have been told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::timeout;

use crate::agent::run::inbox::keep_decision;
use crate::agent::run::state::State;
use crate::agent::run::status::{decided_requests, known_requests};
use crate::agent::service::drive::AgentService;
use crate::domain::{Deadline, Entry, EventId, InboxItem, RequestId, SessionId, TenantId, last_id};
use crate::store::StoreError;

/// Requests that are asked about in one go.
const AT_ONCE: usize = 500;

impl AgentService {
    /// Notes what waits here and is not noted. It should never be needed, but for an inbox that was lost.
    pub(in crate::agent::service) async fn note_missing(&self) {
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
    pub(in crate::agent::service) fn tell_decided(
        self: &Arc<Self>,
        session: &SessionId,
        journal: &[Entry],
    ) {
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

    /// Takes back what a former owner of this run has noted and never asked. Returns at once.
    pub(in crate::agent::service) fn take_back_unasked(
        self: &Arc<Self>,
        session: &SessionId,
        journal: &[Entry],
    ) {
        let (service, session) = (Arc::clone(self), session.clone());
        let (known, last) = (known_requests(journal), last_id(journal));
        let is_over = journal.last().is_some_and(Entry::is_done);
        self.ctx.tasks.spawn("inbox", async move {
            let unasked = match service.noted_of(&session).await {
                Ok(noted) => noted.into_iter().filter(|(request, _)| !known.contains(request)),
                Err(error) => return tracing::warn!(%session, %error, "requests not taken back"),
            };
            let unasked: Vec<_> = unasked.collect();
            if !unasked.is_empty() && (is_over || service.has_moved_on(&session, last).await) {
                service.ctx.take_back_unasked(&session, unasked).await;
            }
        });
    }

    /// What is noted of a run's requests that wait.
    async fn noted_of(
        &self,
        session: &SessionId,
    ) -> Result<Vec<(RequestId, Deadline)>, StoreError> {
        let ctx = &self.ctx;
        let meta = ctx.retry_unavailable(|| ctx.store.session(session)).await?;
        let Some(meta) = meta else { return Ok(Vec::new()) };
        let inbox = self.inboxes.of(ctx, &meta.tenant);
        ctx.retry_unavailable(|| inbox.look()).await?;
        let noted = inbox.of_session(session);
        let request =
            |item: &Arc<InboxItem>| (item.request.request_id.clone(), item.request.deadline);
        Ok(noted.iter().map(request).collect())
    }

    /// Whether a journal grows beyond this entry, which is waited for: then nobody can go on from there any more,
    /// and whatever a former owner was about to append either is in it or never will be.
    async fn has_moved_on(&self, session: &SessionId, last: EventId) -> bool {
        let ctx = &self.ctx;
        let moved_on = async {
            let mut follower = ctx.retry_unavailable(|| ctx.store.follow(session)).await?;
            loop {
                let newest = ctx.retry_unavailable(|| ctx.store.newest(session, 1)).await?;
                if last_id(&newest) > last {
                    return Ok::<(), StoreError>(());
                }
                follower.changed().await;
            }
        };
        let stopping = ctx.tasks.stopping();
        let moved_on = stopping.run_until_cancelled(timeout(ctx.terms.lease, moved_on)).await;
        matches!(moved_on, Some(Ok(Ok(()))))
    }
}
