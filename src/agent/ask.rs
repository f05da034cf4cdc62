//! Asking a person, so that no answer can be lost (contract, section 5.3, 1).

use serde_json::Value;

use super::journal::{Draft, JournalError};
use super::record::{PlannedCall, Record};
use super::run::{Env, Flow, Run, Step};
use super::votes::keep_request;
use crate::domain::event::ToolStatus;
use crate::domain::plan::StepStatus;
use crate::domain::{ApprovalRequest, ApprovalStatus, Decision, Event, RequestId, Verdict};
use crate::tools::Tool;

impl Run {
    /// Asks whether a call may run. `doubt` says what is unknown about an earlier attempt.
    ///
    /// The order is the guarantee: the gate expects the answer, the subscription is live and the
    /// request is stored; only then does the journal, and with it any client, get the question.
    pub(super) async fn ask(
        &mut self,
        planned: &PlannedCall,
        tool: &dyn Tool,
        arguments: Value,
        doubt: Option<&str>,
    ) -> Step {
        self.writer.flush().await?;
        let request = self.request_for(planned, tool, arguments, doubt);
        let record = Record::ApprovalAsked {
            call: planned.call.id.clone(),
            request: Box::new(request.clone()),
        };
        let mut asked = self.state.clone();
        asked.apply(&record);
        let checkpoint = asked.checkpoint();

        self.env.gate.expect(&request);
        let store = &self.env.desk.store;
        let opened = self.env.desk.patiently(|| store.open(&request, &checkpoint)).await;
        if let Err(error) = opened {
            self.env.gate.withdraw(&request.session_id);
            return Err(JournalError::StoreAway(error));
        }
        log_interrupt(&request);

        let mut drafts = self.move_step(&planned.step, StepStatus::InProgress);
        let pending = self.execution(planned, &request.context, ToolStatus::Pending);
        drafts.push(Draft::Event(Event::ToolExecution(pending)));
        let confidence =
            self.state.step(&planned.step).map_or(self.state.confidence, |s| s.confidence);
        let hitl = Event::Hitl {
            request: Box::new(request.clone()),
            step_id: planned.step.clone(),
            confidence,
        };
        drafts.push(Draft::Both(hitl, record));
        self.env.gate.show(&request.session_id);
        let shown = match self.commit(drafts).await {
            Ok(()) => self.writer.flush().await,
            Err(error) => Err(error),
        };
        if let Err(error) = shown {
            self.env.gate.withdraw(&request.session_id);
            return Err(error);
        }
        self.env.desk.metrics.approvals_asked.inc();
        Ok(Flow::Next)
    }

    /// Takes back a question that was asked while somebody was cancelling the run: unlike one that
    /// waits already, it was not there to be decided when the cancellation came.
    pub(super) async fn withdraw_question(&mut self) -> Step {
        let Some(request) = self.state.pending_request().map(|asked| asked.request_id.clone())
        else {
            return self.finish_cancelled().await;
        };
        let Env { desk, gate, .. } = &*self.env;
        let at_ms = desk.clock.now_ms();
        let proposal = Decision { verdict: Verdict::Cancelled, by: None, reason: None, at_ms };
        let decided = desk.patiently(|| desk.store.decide(&request, &proposal)).await;
        let standing = decided.map_err(JournalError::StoreAway)?.standing(proposal);
        gate.withdraw(&self.state.meta.session_id);
        self.env.desk.metrics.approval_decided(standing.verdict);
        keep_request(&self.env, &request, &standing).await;
        let resolved = Record::ApprovalResolved { request, decision: standing };
        self.commit(vec![Draft::Record(resolved)]).await?;
        self.finish_cancelled().await
    }

    fn request_for(
        &self,
        planned: &PlannedCall,
        tool: &dyn Tool,
        arguments: Value,
        doubt: Option<&str>,
    ) -> ApprovalRequest {
        let now_ms = self.env.desk.clock.now_ms();
        let wait_ms = u64::try_from(self.env.limits.hitl_timeout.as_millis()).unwrap_or(u64::MAX);
        let question = tool.question(&arguments);
        ApprovalRequest {
            request_id: RequestId::generate(),
            session_id: self.state.meta.session_id.clone(),
            user_id: self.state.meta.user.clone(),
            tenant_id: self.state.meta.tenant.clone(),
            action_type: planned.call.name.clone(),
            context: arguments,
            message: doubt.map_or(question.clone(), |doubt| format!("{doubt} {question}")),
            status: ApprovalStatus::Pending,
            created_at: now_ms,
            // Whole seconds on the wire: nobody gets less than the time promised.
            expires_at: now_ms.saturating_add(wait_ms).div_ceil(1000),
            more: serde_json::Map::new(),
        }
    }
}

fn log_interrupt(request: &ApprovalRequest) {
    tracing::info!(
        tool = %request.action_type, request = %request.request_id, session = %request.session_id,
        tenant = %request.tenant_id, expires_at = request.expires_at, "HITL Interrupt"
    );
    tracing::info!(session = %request.session_id, "checkpoint saved");
}
