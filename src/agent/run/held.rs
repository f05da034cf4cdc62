//! Calls of tools that an operator has stopped (contract, section 5.7).

use super::prepared::Refusal;
use super::step::Run;
use crate::domain::Holds;
use crate::store::StoreError;

impl Run {
    /// Why a call of this tool fails, if an operator has stopped it, as far as that is known here.
    pub(super) async fn held(&self, tool: &str) -> Option<Refusal> {
        self.refused_by(&*self.ctx.holds_at_hand().await, tool)
    }

    /// The same as the store has it now: the last look before a side effect.
    pub(super) async fn held_now(&self, tool: &str) -> Result<Option<Refusal>, StoreError> {
        let holds = self.ctx.retry_unavailable(|| self.ctx.holds()).await?;
        Ok(self.refused_by(&holds, tool))
    }

    fn refused_by(&self, holds: &Holds, tool: &str) -> Option<Refusal> {
        let meta = &self.state.meta;
        let hold = holds.of_tool(&meta.tenant, tool)?;
        self.ctx.metrics.held("call");
        tracing::info!(session = %meta.session_id, tool, reason = %hold.reason, "tool not run: an operator holds it");
        Some(Refusal::Other(self.words().held(tool, &hold.reason)))
    }
}
