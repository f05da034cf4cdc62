//! Answers to what an operator has stopped (contract, section 5.7).

use super::decide::DecisionError;
use super::drive::AgentService;
use crate::domain::{ApprovalRequest, Standing, Vote};

impl AgentService {
    /// Whether what a request says of itself is true, or can become so, while no decision stands.
    pub(super) async fn counts(&self, request: &ApprovalRequest) -> bool {
        match request.standing {
            Standing::Pending | Standing::Voted(Vote::Reject) => true,
            Standing::Voted(Vote::Approve) => {
                let (holds, tool) = (self.ctx.holds_at_hand().await, &request.action_type);
                let is_held = holds.of_tool(&request.tenant_id, tool).is_some();
                !is_held && self.ctx.approvers.of(tool).is_anybody()
            }
            // It would say that there is one.
            Standing::Decided(_) => false,
        }
    }

    /// Refuses a yes to what an operator holds. What is over already is told as such.
    pub(super) async fn check_not_held(
        &self,
        request: &ApprovalRequest,
    ) -> Result<(), DecisionError> {
        let holds = self.ctx.holds().await?;
        let tool = &request.action_type;
        let Some(hold) = holds.of_tool(&request.tenant_id, tool) else { return Ok(()) };
        let is_over = request.deadline.has_passed(self.ctx.clock.now())
            || self.ctx.decision(&request.session_id, &request.request_id).await?.is_some();
        if is_over {
            return Ok(());
        }
        self.ctx.metrics.held("approval");
        Err(DecisionError::Held { tool: tool.clone(), reason: hold.reason.clone() })
    }
}
