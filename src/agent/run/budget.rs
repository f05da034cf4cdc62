//! Token budgets: what one run may use, and what a tenant may use in a day.
//!
//! A budget is looked at before each turn of the model and charged after it, so the turn that
//! crosses the limit is still paid. What a run has used is folded from its records and survives a
//! crash. What a tenant has used is a counter of the store, charged before the turn is recorded: a
//! turn that a crash cuts off in between is asked again, billed again, and counted again.

use super::errors::Failure;
use super::journal::JournalError;
use super::step::Run;
use crate::domain::{ToolCall, Usage, UtcDay};
use crate::llm::tokens::{self, Tokens};

impl Run {
    /// Why the model may not be asked any more, if a budget is spent.
    pub(super) async fn spent_budget(&self) -> Result<Option<Failure>, JournalError> {
        let (budget, used) = (self.ctx.limits.budget, self.state.usage.total_tokens);
        if let Some(limit) = budget.per_run
            && used >= limit
        {
            return Ok(Some(run_is_spent(used, limit)));
        }
        let Some(limit) = budget.per_day else { return Ok(None) };
        let (ctx, tenant, today) = (&self.ctx, &self.state.meta.tenant, self.today());
        let spent = ctx.retry_unavailable(|| ctx.store.spent(tenant, today)).await;
        let spent = spent.map_err(JournalError::from)?;
        Ok((spent >= limit).then(|| day_is_spent(spent, limit, today)))
    }

    /// Charges the tenant's day with what a turn used, if anybody looks at it.
    pub(super) async fn pay(&self, usage: Usage) -> Result<(), JournalError> {
        if self.ctx.limits.budget.per_day.is_none() || usage.total_tokens == 0 {
            return Ok(());
        }
        let (ctx, tenant, today) = (&self.ctx, &self.state.meta.tenant, self.today());
        // Where the store did not say whether it has counted, it counts once more.
        let paid =
            ctx.retry_unavailable(|| ctx.store.spend(tenant, today, usage.total_tokens)).await;
        paid.map(|_| ()).map_err(JournalError::from)
    }

    fn today(&self) -> UtcDay {
        UtcDay::of(self.ctx.clock.now())
    }
}

/// What a turn used, estimated, for a provider that does not count. `reasoned` is how many of its
/// tokens were only thought.
pub(super) fn estimated(
    prompt_tokens: u64,
    reasoned: u64,
    text: &str,
    calls: &[ToolCall],
) -> Usage {
    let mut said = Tokens::default();
    said.add(text);
    calls.iter().for_each(|call| said.add_call(call));
    let completion_tokens = said.count().saturating_add(reasoned);
    let total_tokens = prompt_tokens.saturating_add(completion_tokens);
    Usage { prompt_tokens, completion_tokens, total_tokens }
}

/// What a turn used that did not come to its end: nothing, if nothing of it has come.
pub(super) fn cut_short(prompt_tokens: u64, reasoned: u64, shown: &str) -> Usage {
    if tokens::of_text(shown) == 0 && reasoned == 0 {
        return Usage::default();
    }
    estimated(prompt_tokens, reasoned, shown, &[])
}

fn run_is_spent(used: u64, limit: u64) -> Failure {
    let error = format!("the token budget of this run is spent: {used} of {limit} tokens");
    Failure::run_budget(error, limit)
}

fn day_is_spent(spent: u64, limit: u64, day: UtcDay) -> Failure {
    let error = format!(
        "the tenant's token budget of {day} (UTC) is spent: {spent} of {limit} tokens; it begins anew \
         at midnight UTC"
    );
    Failure::day_budget(error, limit)
}
