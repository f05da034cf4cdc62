//! Tool calls: checked, approved where they must be, and bracketed by "about to" and "done".

use std::fmt::Display;

use serde_json::Value;
use tokio::time::Instant;

use super::arguments::parse_arguments;
use super::ending::{Ending, reason_of};
use super::journal::{Draft, JournalError};
use super::prepared::{Ready, Refusal};
use super::record::{CallResult, PlannedCall, Record};
use super::step::{Flow, Run, Step};
use crate::domain::event::{ToolExecution, ToolOutcome, ToolState};
use crate::domain::plan::StepStatus;
use crate::domain::sentences::Sentences;
use crate::domain::time::whole_ms;
use crate::domain::{ApprovalRequest, ArgumentsHash, Decision, Event, OnReject, Verdict};
use crate::tools::{Call, Effect, ToolContext, ToolError};

impl Run {
    /// Goes on after a person, or the deadline, has decided.
    pub(super) async fn act_on_decision(
        &mut self,
        planned: &PlannedCall,
        request: &ApprovalRequest,
        decision: &Decision,
    ) -> Step {
        if let Some(next) = &decision.superseded_by {
            return self.ask_instead(planned, request, decision, next).await;
        }
        match (decision.verdict, self.ctx.limits.on_reject) {
            (Verdict::Approved, _) => self.run_approved(planned, request, decision).await,
            (Verdict::Rejected, OnReject::Stop) => {
                self.finish(Ending::Rejected(request, decision)).await
            }
            (Verdict::Rejected, OnReject::Continue) => {
                self.decline(planned, request, decision).await
            }
            (Verdict::TimedOut, _) => self.finish(Ending::TimedOut(request)).await,
            (Verdict::Cancelled, _) => self.finish(Ending::Cancelled).await,
        }
    }

    /// Runs an approved call with exactly what was approved: not with the model's text read once
    /// more, and not at all if that is not what the person had before them.
    async fn run_approved(
        &mut self,
        planned: &PlannedCall,
        request: &ApprovalRequest,
        decision: &Decision,
    ) -> Step {
        let hash = ArgumentsHash::of(&planned.call.name, &request.context);
        let edited = decision.args.is_some();
        let asked_about = request.args_hash.as_ref().filter(|_| !edited);
        let approved = [asked_about, decision.args_hash.as_ref()];
        if approved.into_iter().flatten().any(|approved| *approved != hash) {
            tracing::error!(
                session = %self.state.meta.session_id, request = %request.request_id,
                "approved arguments are not the ones that would run; not run"
            );
            let error = "what was approved is not what would be run";
            return self.refuse(planned, Refusal::Other(error.into())).await;
        }
        match self.ready_as_approved(planned, request).await {
            Ok(ready) => self.run_tool(planned, ready, Some(request)).await,
            Err(refusal) => self.refuse(planned, refusal).await,
        }
    }

    /// A call that a former owner had started: what only reads is repeated, what changes something
    /// may have happened, so a person is asked again.
    pub(super) async fn start_again(
        &mut self,
        planned: &PlannedCall,
        approved: Option<&ApprovalRequest>,
    ) -> Step {
        // What was approved before need not be what the model wrote.
        let ready = match approved {
            Some(request) => self.ready_as_approved(planned, request).await,
            None => self.ready(planned).await,
        };
        let ready = match ready {
            Ok(ready) => ready,
            // It may have happened all the same, and the model is to know that.
            Err(Refusal::Invalid(error) | Refusal::Other(error)) => {
                let error = format!("{} {error}", self.doubt(approved));
                return self.refuse(planned, Refusal::Other(error)).await;
            }
        };
        match ready.tool.spec().effect {
            Effect::ReadOnly => self.run_tool(planned, ready, approved).await,
            Effect::SideEffect => {
                let doubt = self.doubt(approved);
                if let Some(Refusal::Invalid(held) | Refusal::Other(held)) =
                    self.held(&planned.call.name).await
                {
                    return self.refuse(planned, Refusal::Other(format!("{doubt} {held}"))).await;
                }
                tracing::warn!(
                    session = %self.state.meta.session_id, tool = %planned.call.name,
                    call = %planned.call.id, "tool in doubt; asking again"
                );
                self.ask_about(vec![(planned.clone(), ready)], Some(&doubt)).await
            }
        }
    }

    /// A call that a person does not want, in a run that goes on: the model reads why.
    async fn decline(
        &mut self,
        planned: &PlannedCall,
        request: &ApprovalRequest,
        decision: &Decision,
    ) -> Step {
        let error = self.words().declined(reason_of(decision));
        let declined = ToolState::never_ran(ToolOutcome::Cancelled(Some(error.clone())));
        let shown = self.execution(planned, &request.context, declined);
        self.finish_call(planned, shown, CallResult::Err(error), false).await?;
        Ok(Flow::Next)
    }

    /// Ends a call that cannot be run; the model reads why and may do better, but not for ever.
    pub(super) async fn refuse(&mut self, planned: &PlannedCall, refusal: Refusal) -> Step {
        let (error, invalid) = match refusal {
            Refusal::Invalid(error) => (error, true),
            Refusal::Other(error) => (error, false),
        };
        let arguments = parse_arguments(&planned.call).unwrap_or_default();
        let refused = ToolState::never_ran(ToolOutcome::Failed(error.clone()));
        let shown = self.execution(planned, &arguments, refused);
        let tool = &planned.call.name;
        self.finish_call(planned, shown, CallResult::Err(error.clone()), invalid).await?;
        match self.state.invalid_calls.hopeless(tool, &error).filter(|_| invalid) {
            Some(hopeless) => self.fail(hopeless).await,
            None => Ok(Flow::Next),
        }
    }

    /// Runs a call, between "about to" and "done". `approved` is the request that allowed it, where
    /// one was needed.
    pub(super) async fn run_tool(
        &mut self,
        planned: &PlannedCall,
        ready: Ready,
        approved: Option<&ApprovalRequest>,
    ) -> Step {
        let Ready { tool, call: work, arguments } = ready;
        if tool.spec().effect == Effect::SideEffect {
            let held =
                async { self.held_now(&planned.call.name).await.map_err(JournalError::from) };
            match tokio::try_join!(self.is_to_stop(), held)? {
                (true, _) => return Ok(Flow::Next),
                (false, Some(held)) => return self.refuse(planned, held).await,
                (false, None) => {}
            }
        }
        let mut drafts = self.move_step(&planned.step, StepStatus::InProgress);
        let running = self.execution(planned, &arguments, ToolState::Running);
        let call = planned.call.id.clone();
        let attempt = self.state.attempts_of(&call) + 1;
        let hash = ArgumentsHash::of(&planned.call.name, &arguments);
        let audited = self.audited_call(planned, hash);
        self.record_start(&audited, attempt, approved).await?;
        let starting = Record::ToolStarting { call: call.clone() };
        drafts.push(Draft::Both(Event::ToolExecution(running), starting));
        self.commit(drafts).await?;
        // What a crash must know is stored before anything happens outside.
        self.writer.flush().await?;

        let context = ToolContext { session: self.state.meta.session_id.clone(), call };
        let began = Instant::now();
        let result = self.result_of(tool.spec().effect, work, &context).await;
        let duration = began.elapsed();
        tracing::info!(
            session = %context.session, tool = %planned.call.name, call = %context.call,
            duration_ms = whole_ms(duration), ok = matches!(result, Some(Ok(_))), stopped = result.is_none(),
            dry_run = tool.is_dry_run(), "tool finished"
        );

        let came_of_it = came_of(result, self.words());
        let outcome = outcome_of(&came_of_it, self.words());
        let is_stopped = matches!(came_of_it, ToolOutcome::Cancelled(_));
        let ended = ToolState::Ended { outcome: came_of_it, duration };
        let shown = self.execution(planned, &arguments, ended);
        // The journal first: what it does not know would be asked about again.
        if is_stopped {
            // Its step ends with the run, as every other that is at work.
            self.commit(vec![finished(planned, shown, outcome.clone(), false)]).await?;
        } else {
            self.finish_call(planned, shown, outcome.clone(), false).await?;
        }
        self.writer.flush().await?;
        self.record_end(&audited, attempt, &outcome, approved).await?;
        Ok(Flow::Next)
    }

    /// What came of the tool; `None` if it was stopped, because somebody wants the run to stop. Only
    /// a tool that reads can be: what changes something is awaited, so that it is known what it did.
    async fn result_of(
        &self,
        effect: Effect,
        call: Box<dyn Call>,
        context: &ToolContext,
    ) -> Option<Result<Value, ToolError>> {
        let work = call.run(context);
        match effect {
            Effect::ReadOnly => self.cancel.run_until_cancelled(work).await,
            Effect::SideEffect => Some(work.await),
        }
    }

    /// The last look before a side effect: the message that somebody wants the run to stop may have
    /// been lost, the request to cancel is stored.
    async fn is_to_stop(&self) -> Result<bool, JournalError> {
        let (ctx, session) = (&self.ctx, &self.state.meta.session_id);
        let asked = ctx.retry_unavailable(|| ctx.store.cancel_requested(session)).await;
        if asked.map_err(JournalError::from)? {
            self.cancel.cancel();
        }
        Ok(self.cancel.is_cancelled())
    }

    async fn finish_call(
        &mut self,
        planned: &PlannedCall,
        shown: ToolExecution,
        outcome: CallResult,
        invalid: bool,
    ) -> Result<(), JournalError> {
        let status = match outcome {
            CallResult::Ok(_) => StepStatus::Completed,
            CallResult::Err(_) => StepStatus::Failed,
        };
        let mut drafts = vec![finished(planned, shown, outcome, invalid)];
        drafts.extend(self.move_step(&planned.step, status));
        self.commit(drafts).await
    }

    /// What is known of a call whose outcome is not.
    pub(super) fn doubt(&self, approved: Option<&ApprovalRequest>) -> String {
        let request = approved.map(|approved| &approved.request_id as &dyn Display);
        self.words().in_doubt(request)
    }

    /// The call as clients see it.
    pub(super) fn execution(
        &self,
        planned: &PlannedCall,
        arguments: &Value,
        state: ToolState,
    ) -> ToolExecution {
        ToolExecution {
            call_id: planned.call.id.clone(),
            tool: planned.call.name.clone(),
            arguments: arguments.as_object().cloned().unwrap_or_default(),
            requires_approval: self.ctx.tools.needs_approval(&planned.call.name),
            state,
        }
    }
}

/// What came of a call, as recovery reads it.
fn outcome_of(outcome: &ToolOutcome, words: &dyn Sentences) -> CallResult {
    match outcome {
        ToolOutcome::Success(result) => CallResult::Ok(result.clone()),
        ToolOutcome::Failed(error) => CallResult::Err(error.clone()),
        ToolOutcome::Cancelled(why) => {
            CallResult::Err(why.clone().unwrap_or_else(|| words.stopped().to_owned()))
        }
    }
}

/// What came of a call that was run; `None`: it was stopped.
fn came_of(result: Option<Result<Value, ToolError>>, words: &dyn Sentences) -> ToolOutcome {
    match result {
        Some(Ok(value)) => ToolOutcome::Success(value),
        Some(Err(error)) => ToolOutcome::Failed(error.to_string()),
        None => ToolOutcome::Cancelled(Some(words.stopped().to_owned())),
    }
}

/// The end of a call, as clients see it and as recovery reads it.
fn finished(
    planned: &PlannedCall,
    shown: ToolExecution,
    outcome: CallResult,
    invalid: bool,
) -> Draft {
    let record = Record::ToolFinished { call: planned.call.id.clone(), outcome, invalid };
    Draft::Both(Event::ToolExecution(shown), record)
}
