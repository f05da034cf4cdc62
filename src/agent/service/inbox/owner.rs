//! What the owner of a run tells its inbox again, because it may not have been told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::agent::run::inbox::keep_decision;
use crate::agent::run::state::State;
use crate::agent::run::status::decided_requests;
use crate::agent::service::drive::AgentService;
use crate::domain::{Entry, RequestId, SessionId, TenantId};

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
}
