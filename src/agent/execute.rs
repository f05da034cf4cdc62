//! Tool calls: checked, approved where they must be, and bracketed by "about to" and "done".

use serde_json::Value;
use std::sync::Arc;
use tokio::time::Instant;

use super::journal::{Draft, JournalError};
use super::record::{Outcome, PlannedCall, Record};
use super::run::{Flow, Run, Step};
use super::state::Call;
use super::turn::parse_arguments;
use crate::domain::event::{ToolExecution, ToolStatus};
use crate::domain::plan::StepStatus;
use crate::domain::{ApprovalRequest, Decision, Event, Verdict};
use crate::tools::{Effect, Tool, ToolContext};

impl Run {
    /// Decides what happens with a call: it is refused, run, or a person is asked.
    pub(super) async fn consider(&mut self, call: Call) -> Step {
        let planned = call.planned;
        let (tool, arguments) = match self.checked(&planned) {
            Ok(checked) => checked,
            Err(error) => return self.refuse(&planned, error).await,
        };
        if self.env.tools.needs_approval(&planned.call.name) {
            return self.ask(&planned, &*tool, arguments, None).await;
        }
        self.run_tool(&planned, &*tool, arguments).await
    }

    /// Goes on after a person, or the deadline, has decided.
    pub(super) async fn act_on_decision(
        &mut self,
        call: &Call,
        request: &ApprovalRequest,
        decision: &Decision,
    ) -> Step {
        let planned = &call.planned;
        match decision.verdict {
            Verdict::Approved => {
                // Exactly the arguments that were shown, not the model's text read once more.
                let arguments = request.context.clone();
                match self.env.tools.find(&planned.call.name) {
                    Ok(tool) => self.run_tool(planned, &*tool, arguments).await,
                    Err(error) => self.refuse(planned, error.to_string()).await,
                }
            }
            Verdict::Rejected => self.finish_rejected(planned, request, decision).await,
            Verdict::TimedOut => self.finish_timed_out(planned, request).await,
            Verdict::Cancelled => self.finish_cancelled().await,
        }
    }

    /// A call that a former owner had started: what only reads is repeated, what changes something
    /// may have happened, so a person is asked again.
    pub(super) async fn start_again(
        &mut self,
        call: &Call,
        approved: Option<&ApprovalRequest>,
    ) -> Step {
        let planned = &call.planned;
        let (tool, arguments) = match self.checked(planned) {
            Ok(checked) => checked,
            Err(error) => return self.refuse(planned, error).await,
        };
        match tool.spec().effect {
            Effect::Reads => self.run_tool(planned, &*tool, arguments).await,
            Effect::Writes => {
                // The same arguments that were shown before.
                let arguments = approved.map_or(arguments, |request| request.context.clone());
                let doubt = doubt(approved);
                tracing::warn!(
                    session = %self.state.meta.session_id, tool = %planned.call.name,
                    call = %planned.call.id, "tool in doubt; asking again"
                );
                self.ask(planned, &*tool, arguments, Some(&doubt)).await
            }
        }
    }

    fn checked(&self, planned: &PlannedCall) -> Result<(Arc<dyn Tool>, Value), String> {
        let limit = self.env.limits.max_tool_calls;
        if self.state.attempts >= limit {
            return Err(format!("the run has used up its {limit} tool calls"));
        }
        let tool = self.env.tools.find(&planned.call.name).map_err(|error| error.to_string())?;
        let arguments = parse_arguments(&planned.call)?;
        tool.check(&arguments).map_err(|error| error.to_string())?;
        Ok((tool, arguments))
    }

    /// Ends a call that cannot be run; the model reads why and may do better.
    async fn refuse(&mut self, planned: &PlannedCall, error: String) -> Step {
        let arguments = parse_arguments(&planned.call)
            .unwrap_or_else(|_| Value::String(planned.call.arguments.clone()));
        let shown = self.execution(planned, &arguments, ToolStatus::Failed);
        let shown = ToolExecution { error: Some(error.clone()), ..shown };
        self.finish_call(planned, shown, Outcome::Err(error)).await?;
        Ok(Flow::Next)
    }

    async fn run_tool(&mut self, planned: &PlannedCall, tool: &dyn Tool, arguments: Value) -> Step {
        if tool.spec().effect == Effect::Writes && self.is_to_stop().await? {
            return Ok(Flow::Next);
        }
        let mut drafts = self.move_step(&planned.step, StepStatus::InProgress);
        let running = self.execution(planned, &arguments, ToolStatus::Running);
        let call = planned.call.id.clone();
        let starting = Record::ToolStarting { call: call.clone() };
        drafts.push(Draft::Both(Event::ToolExecution(running), starting));
        self.commit(drafts).await?;
        // What a crash must know is stored before anything happens outside.
        self.writer.flush().await?;

        let context = ToolContext { session: self.state.meta.session_id.clone(), call };
        let began = Instant::now();
        let result = tool.run(&arguments, &context).await;
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            session = %context.session, tool = %planned.call.name, call = %context.call,
            duration_ms, ok = result.is_ok(), dry_run = tool.is_dry_run(), "tool finished"
        );

        let shown = self.execution(planned, &arguments, ToolStatus::Success);
        let (shown, outcome) = match result {
            Ok(value) => {
                (ToolExecution { result: Some(value.clone()), ..shown }, Outcome::Ok(value))
            }
            Err(error) => {
                let error = error.to_string();
                let status = ToolStatus::Failed;
                (ToolExecution { status, error: Some(error.clone()), ..shown }, Outcome::Err(error))
            }
        };
        let shown = ToolExecution { duration_ms: Some(duration_ms), ..shown };
        self.finish_call(planned, shown, outcome).await?;
        self.writer.flush().await?;
        Ok(Flow::Next)
    }

    /// The last look before a side effect: the message that somebody wants the run to stop may have
    /// been lost, the wish itself is stored.
    async fn is_to_stop(&self) -> Result<bool, JournalError> {
        let (desk, session) = (&self.env.desk, &self.state.meta.session_id);
        let asked = desk.patiently(|| desk.store.cancel_requested(session)).await;
        if asked.map_err(JournalError::StoreAway)? {
            self.cancel.cancel();
        }
        Ok(self.cancel.is_cancelled())
    }

    async fn finish_call(
        &mut self,
        planned: &PlannedCall,
        shown: ToolExecution,
        outcome: Outcome,
    ) -> Result<(), JournalError> {
        let status = match outcome {
            Outcome::Ok(_) => StepStatus::Completed,
            Outcome::Err(_) => StepStatus::Failed,
        };
        let record = Record::ToolFinished { call: planned.call.id.clone(), outcome };
        let mut drafts = vec![Draft::Both(Event::ToolExecution(shown), record)];
        drafts.extend(self.move_step(&planned.step, status));
        self.commit(drafts).await
    }

    /// The call as clients see it.
    pub(super) fn execution(
        &self,
        planned: &PlannedCall,
        arguments: &Value,
        status: ToolStatus,
    ) -> ToolExecution {
        ToolExecution {
            call_id: planned.call.id.clone(),
            tool: planned.call.name.clone(),
            arguments: arguments.clone(),
            status,
            requires_approval: self.env.tools.needs_approval(&planned.call.name),
            result: None,
            error: None,
            duration_ms: None,
        }
    }
}

/// What is known of a call whose outcome is not.
pub(super) fn doubt(approved: Option<&ApprovalRequest>) -> String {
    let attempt = match approved {
        Some(request) => format!("승인된 이전 실행({})", request.request_id),
        None => "이전 실행".to_owned(),
    };
    format!(
        "{attempt}이 시작된 뒤 서버가 중단되어 결과를 알 수 없습니다. 이미 실행되었을 수 있습니다."
    )
}
