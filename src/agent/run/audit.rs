//! What a run tells the audit stream: every request, decision and execution, before anything comes
//! of it. What cannot be recorded does not happen.

use super::arguments::parse_arguments;
use super::call_state::Executed;
use super::context::RunContext;
use super::journal::JournalError;
use super::record::{CallResult, PlannedCall};
use super::step::Run;
use crate::domain::audit;
use crate::domain::{
    ApprovalRequest, ArgumentsHash, AuditCall, AuditFact, AuditKind, AuditReason, Author, Decision,
    SessionMeta, TenantId, Verdict,
};
use crate::store::StoreError;

impl RunContext {
    /// Records a fact, however long the store makes it wait.
    pub(super) async fn record(
        &self,
        tenant: &TenantId,
        fact: &AuditFact,
    ) -> Result<(), StoreError> {
        self.retry_unavailable(|| self.store.record(tenant, fact)).await.map_err(|error| match error {
            StoreError::Corrupt(why) => StoreError::Corrupt(format!(
                "the audit stream of tenant {tenant} cannot be continued ({why}), and what cannot be \
                 recorded is not done; `aura-platform audit verify` says more"
            )),
            other => other,
        })
    }
}

impl RunContext {
    /// A request of a run was decided.
    pub(crate) async fn record_decision(
        &self,
        meta: &SessionMeta,
        planned: &PlannedCall,
        request: &ApprovalRequest,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        let superseded_by = decision.superseded_by.clone();
        let counts = decision.verdict == Verdict::Approved || superseded_by.is_some();
        let edited = decision.args.as_ref().filter(|_| counts);
        let kind = AuditKind::ApprovalDecided {
            verdict: decision.verdict,
            reason: decision.reason.as_deref().map(AuditReason::new),
            edited_arguments_hash: edited.map(|args| ArgumentsHash::of(&request.action_type, args)),
            superseded_by,
        };
        let hash = ArgumentsHash::of(&request.action_type, &request.context);
        let call = self.audited_call(meta, planned, hash);
        let (id, author) = (&request.request_id, decision.author.clone());
        let fact = AuditFact::of_request(id, kind, call, author, decision.at_ms);
        self.record(&meta.tenant, &fact.traced(&meta.trace)).await
    }

    /// A call of a run, with these arguments.
    fn audited_call(
        &self,
        meta: &SessionMeta,
        planned: &PlannedCall,
        hash: ArgumentsHash,
    ) -> AuditCall {
        let tool = planned.call.name.clone();
        let dry_run = self.tools.find(&tool).is_ok_and(|tool| tool.is_dry_run());
        AuditCall {
            session_id: meta.session_id.clone(),
            tool,
            tool_call_id: planned.call.id.clone(),
            arguments_hash: hash,
            dry_run,
        }
    }
}

impl Run {
    /// A person is about to be asked.
    pub(super) async fn record_request(
        &self,
        planned: &PlannedCall,
        request: &ApprovalRequest,
    ) -> Result<(), JournalError> {
        let asks = Author::Known(request.user_id.clone());
        let hash = ArgumentsHash::of(&request.action_type, &request.context);
        let call = self.audited_call(planned, hash);
        let kind = AuditKind::ApprovalRequested;
        let fact = AuditFact::of_request(&request.request_id, kind, call, asks, request.created_at);
        self.record(fact).await
    }

    /// A request was decided, by a person or by its deadline.
    pub(super) async fn record_decision(
        &self,
        planned: &PlannedCall,
        request: &ApprovalRequest,
        decision: &Decision,
    ) -> Result<(), JournalError> {
        let recorded = self.ctx.record_decision(&self.state.meta, planned, request, decision).await;
        recorded.map_err(JournalError::from)
    }

    /// A call is about to be run for the `attempt`th time.
    pub(super) async fn record_start(
        &self,
        call: &AuditCall,
        attempt: u32,
        approved: Option<&ApprovalRequest>,
    ) -> Result<(), JournalError> {
        self.record_execution(call, attempt, AuditKind::ExecutionStarted, approved).await
    }

    /// A call has been run.
    pub(super) async fn record_end(
        &self,
        call: &AuditCall,
        attempt: u32,
        outcome: &CallResult,
        approved: Option<&ApprovalRequest>,
    ) -> Result<(), JournalError> {
        let (outcome, reason) = match outcome {
            CallResult::Ok(_) => (audit::Outcome::Ok, None),
            CallResult::Err(error) => (audit::Outcome::Failed, Some(AuditReason::new(error))),
        };
        let kind = AuditKind::ExecutionFinished { outcome, reason };
        self.record_execution(call, attempt, kind, approved).await
    }

    /// The end of the last call, which a former owner may not have come to record.
    pub(super) async fn record_missed_end(&mut self) -> Result<(), JournalError> {
        let Some(Executed { planned, approved, attempts, outcome }) = self.state.executed.take()
        else {
            return Ok(());
        };
        let arguments = match &approved {
            Some(request) => request.context.clone(),
            None => parse_arguments(&planned.call).unwrap_or_default(),
        };
        let call = self.audited_call(&planned, ArgumentsHash::of(&planned.call.name, &arguments));
        self.record_end(&call, attempts, &outcome, approved.as_deref()).await
    }

    async fn record_execution(
        &self,
        call: &AuditCall,
        attempt: u32,
        kind: AuditKind,
        approved: Option<&ApprovalRequest>,
    ) -> Result<(), JournalError> {
        let who = Author::Known(self.state.meta.user.clone());
        let now = self.ctx.clock.now();
        let fact = AuditFact::of_execution(attempt, kind, call.clone(), who, now);
        let fact = match approved {
            Some(request) => fact.for_request(&request.request_id),
            None => fact,
        };
        self.record(fact).await
    }

    async fn record(&self, fact: AuditFact) -> Result<(), JournalError> {
        let meta = &self.state.meta;
        let recorded = self.ctx.record(&meta.tenant, &fact.traced(&meta.trace)).await;
        recorded.map_err(JournalError::from)
    }

    /// A call with these arguments.
    pub(super) fn audited_call(&self, planned: &PlannedCall, hash: ArgumentsHash) -> AuditCall {
        self.ctx.audited_call(&self.state.meta, planned, hash)
    }
}
