//! What a run tells the audit stream: every request, decision and execution, before anything comes
//! of it. What cannot be recorded does not happen.

use super::journal::{Desk, JournalError};
use super::record::{Outcome, PlannedCall};
use super::run::Run;
use crate::domain::audit;
use crate::domain::{
    ApprovalRequest, ArgumentsHash, AuditCall, AuditFact, AuditKind, AuditReason, Decision,
    TenantId, Verdict,
};
use crate::store::StoreError;

impl Desk {
    /// Records a fact, however long the store makes it wait.
    pub(super) async fn record(
        &self,
        tenant: &TenantId,
        fact: &AuditFact,
    ) -> Result<(), StoreError> {
        self.patiently(|| self.store.record(tenant, fact)).await
    }
}

impl Run {
    /// A person is about to be asked.
    pub(super) async fn record_request(
        &self,
        planned: &PlannedCall,
        request: &ApprovalRequest,
    ) -> Result<(), JournalError> {
        let who = Some(request.user_id.clone());
        let call = self.audited(planned, request);
        let kind = AuditKind::ApprovalRequested;
        let fact = AuditFact::of_request(&request.request_id, kind, call, who, request.created_at);
        self.record(&fact).await
    }

    /// A request was decided, by a person or by its deadline.
    pub(super) async fn record_decision(
        &self,
        planned: &PlannedCall,
        request: &ApprovalRequest,
        decision: &Decision,
    ) -> Result<(), JournalError> {
        let edited = decision.args.as_ref().filter(|_| decision.verdict == Verdict::Approved);
        let kind = AuditKind::ApprovalDecided {
            verdict: decision.verdict,
            reason: decision.reason.as_deref().map(AuditReason::new),
            edited_arguments_hash: edited.map(|args| ArgumentsHash::of(&request.action_type, args)),
        };
        let call = self.audited(planned, request);
        let (id, who) = (&request.request_id, decision.by.clone());
        self.record(&AuditFact::of_request(id, kind, call, who, decision.at_ms)).await
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
        outcome: &Outcome,
        approved: Option<&ApprovalRequest>,
    ) -> Result<(), JournalError> {
        let (outcome, reason) = match outcome {
            Outcome::Ok(_) => (audit::Outcome::Ok, None),
            Outcome::Err(error) => (audit::Outcome::Failed, Some(AuditReason::new(error))),
        };
        let kind = AuditKind::ExecutionFinished { outcome, reason };
        self.record_execution(call, attempt, kind, approved).await
    }

    async fn record_execution(
        &self,
        call: &AuditCall,
        attempt: u32,
        kind: AuditKind,
        approved: Option<&ApprovalRequest>,
    ) -> Result<(), JournalError> {
        let who = Some(self.state.meta.user.clone());
        let now_ms = self.env.desk.clock.now_ms();
        let fact = AuditFact::of_execution(attempt, kind, call.clone(), who, now_ms);
        let fact = match approved {
            Some(request) => fact.for_request(&request.request_id),
            None => fact,
        };
        self.record(&fact).await
    }

    async fn record(&self, fact: &AuditFact) -> Result<(), JournalError> {
        let recorded = self.env.desk.record(&self.state.meta.tenant, fact).await;
        recorded.map_err(JournalError::StoreAway)
    }

    /// The call that a request is about, with the arguments that were shown.
    fn audited(&self, planned: &PlannedCall, request: &ApprovalRequest) -> AuditCall {
        self.audited_call(planned, ArgumentsHash::of(&request.action_type, &request.context))
    }

    /// A call with these arguments.
    pub(super) fn audited_call(&self, planned: &PlannedCall, hash: ArgumentsHash) -> AuditCall {
        let tool = planned.call.name.clone();
        let dry_run = self.env.tools.find(&tool).is_ok_and(|tool| tool.is_dry_run());
        AuditCall {
            session_id: self.state.meta.session_id.clone(),
            tool,
            tool_call_id: planned.call.id.clone(),
            arguments_hash: hash,
            dry_run,
        }
    }
}
