//! Runs whose journals are gone for good: the store has come back empty, or the journal has expired.
//!
//! There is nothing to go on from and nothing to end, so nothing of them is kept: readers find the
//! same out for themselves (`http/tail/journal.rs`) and tell their clients.

use super::drive::AgentService;
use crate::agent::approval::request::PendingRequest;
use crate::domain::SessionId;

/// Journals asked for in one go.
const AT_ONCE: usize = 500;

impl AgentService {
    /// Drops the waiting runs whose journals are gone. A run at work finds out by its next append.
    pub(super) async fn drop_all_gone(&self) {
        for waiting in self.runs.expecting().chunks(AT_ONCE) {
            // A store that is away is logged by the store; there will be another poll.
            let Ok(gone) = self.ctx.store.missing(waiting).await else { return };
            for session in gone {
                // One that is not suspended is at work; one that is not there has been decided about.
                if let Some(asked) = self.runs.remove_suspended(&session) {
                    self.end_gone(&session, asked).await;
                }
            }
        }
    }

    /// Drops a run whose journal is gone, wherever it stood.
    pub(super) async fn drop_gone(&self, session: &SessionId) {
        let asked = self.ctx.pending.withdraw(session);
        self.end_gone(session, asked).await;
    }

    /// Leaves nothing of the run here or in the store: no lease, no subscription, nothing that could
    /// still be approved.
    async fn end_gone(&self, session: &SessionId, asked: Vec<PendingRequest>) {
        self.ctx.metrics.runs_gone.inc();
        tracing::error!(%session, requests = asked.len(), "run dropped: its journal is gone for good");
        let asked = asked.into_iter().map(|waiting| (waiting.request, waiting.deadline)).collect();
        self.cancel_requests(session, asked, None).await;
        self.over(session).await;
    }
}
