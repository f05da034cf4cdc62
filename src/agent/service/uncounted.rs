//! Votes that do not count, on their way to the run that tells of them (contract, section 5.3, 8).

use std::sync::Arc;

use super::drive::AgentService;
use super::runs::UncountedOutcome;
use crate::agent::approval::request::PendingRequest;
use crate::agent::approval::uncounted::UncountedVote;
use crate::agent::run::stored_request::put_back;
use crate::domain::{Approvers, RequestId, SessionId};

impl AgentService {
    /// Somebody has said yes who cannot: the run tells of it, once, and then the request is put back.
    pub(super) async fn on_uncounted(
        self: &Arc<Self>,
        session: &SessionId,
        waiting: &PendingRequest,
        vote: UncountedVote,
    ) {
        let (request, approvers, held) = (&waiting.request, &waiting.approvers, vote.held.clone());
        match self.runs.note_uncounted(session, request, vote) {
            UncountedOutcome::Known => put_back(&self.ctx, session, request).await,
            UncountedOutcome::WhileAtWork => {
                log_uncounted(session, request, approvers, held.as_deref());
                put_back(&self.ctx, session, request).await;
            }
            UncountedOutcome::Resume(token) => {
                log_uncounted(session, request, approvers, held.as_deref());
                self.resume(session, token, None).await;
            }
        }
    }
}

fn log_uncounted(
    session: &SessionId,
    request: &RequestId,
    approvers: &Approvers,
    held: Option<&str>,
) {
    let why = match held {
        Some(reason) => format!("an operator holds the tool: {reason}"),
        None => format!("only {approvers} may approve, over REST"),
    };
    tracing::warn!(%session, %request, why, "HITL signal ignored");
}
