//! Every way in which a run ends. Each ends with `end` and the trailer, in one append.

use super::execute::{NO_REASON, doubt};
use super::journal::{Draft, JournalError};
use super::record::{PlannedCall, Record};
use super::run::{Exit, Flow, Run, Step, moved};
use super::state::{Call, CallStatus, State};
use super::turn::{failure, parse_arguments, thought};
use crate::domain::event::{EndStatus, ErrorEvent, ThoughtKind, ToolExecution, ToolStatus};
use crate::domain::plan::{PlanStep, StepStatus};
use crate::domain::{ApprovalRequest, Decision, ErrorCode, Event, Message, Usage};
use crate::store::{Store, StoreError};

/// What the contract (section 4.4) says to a person who did not answer.
const TIMED_OUT: &str = "사용자 응답 지연으로 작업이 취소되었습니다";
/// What `end` says after an error.
const FAILED: &str = "작업이 실패했습니다.";

impl Run {
    /// Looks back on the work, and ends it well.
    pub(super) async fn reflect(&mut self) -> Step {
        let (attempts, successes) = (self.state.attempts, self.state.successes);
        let content = match attempts {
            0 => "도구 없이 답변을 마쳤습니다.".to_owned(),
            n if n == successes => {
                format!("도구 {n}회 실행이 모두 성공했고, 결과를 답변에 반영했습니다.")
            }
            n => format!(
                "도구 {n}회 실행 중 {successes}회 성공했습니다. 실패한 내용은 답변에 밝혔습니다."
            ),
        };
        let mut drafts = Vec::new();
        if let Some(step) = self.answer_step() {
            drafts.extend(moved(step, StepStatus::Completed));
        }
        drafts.push(thought(ThoughtKind::Reflection, content, self.tools_used()));
        self.finish(drafts, EndStatus::Completed, "작업이 완료되었습니다.", None).await
    }

    /// Ends the run with an error that clients see.
    pub(super) async fn fail(&mut self, error: ErrorEvent) -> Step {
        tracing::warn!(
            session = %self.state.meta.session_id, error_type = error.error_type,
            error = %error.error, "run failed"
        );
        let note = format!("[작업이 오류로 끝났습니다: {}]", error.error);
        let mut drafts = self.withdraw_questions().await?;
        drafts.extend(close_steps(&self.state, StepStatus::Failed));
        drafts.extend(self.close_calls());
        drafts.push(Draft::Event(Event::Error(error)));
        self.finish(drafts, EndStatus::Failed, FAILED, Some(note)).await
    }

    /// Ends the run because a person said no.
    pub(super) async fn finish_rejected(
        &mut self,
        request: &ApprovalRequest,
        decision: &Decision,
    ) -> Step {
        let mut drafts = self.withdraw_questions().await?;
        let reason = decision.reason.clone().unwrap_or_else(|| NO_REASON.into());
        drafts.extend(close_steps(&self.state, StepStatus::Failed));
        drafts.extend(self.close_calls());
        let error = ErrorEvent {
            message: "사용자가 작업을 거절했습니다.".into(),
            ..failure(reason.clone(), "RejectionError", ErrorCode::Forbidden, false)
        };
        drafts.push(Draft::Event(Event::Error(error)));
        let note = format!("[사용자가 {} 실행을 거절했습니다: {reason}]", request.action_type);
        self.finish(drafts, EndStatus::Rejected, "작업이 거절되었습니다.", Some(note)).await
    }

    /// Ends the run because nobody answered in time.
    pub(super) async fn finish_timed_out(&mut self, request: &ApprovalRequest) -> Step {
        let mut drafts = self.withdraw_questions().await?;
        drafts.extend(close_steps(&self.state, StepStatus::Failed));
        drafts.extend(self.close_calls());
        let waited = (request.expires_at * 1000).saturating_sub(request.created_at) / 1000;
        let error = format!("nobody answered {} within {waited} s", request.request_id);
        drafts.push(Draft::Event(Event::Failed {
            message: TIMED_OUT.into(),
            error: error.clone(),
            error_type: "TimeoutError",
            request_id: request.request_id.clone(),
        }));
        let error = ErrorEvent {
            message: TIMED_OUT.into(),
            ..failure(error, "TimeoutError", ErrorCode::ExternalTimeout, true)
        };
        drafts.push(Draft::Event(Event::Error(error)));
        let note = format!("[{TIMED_OUT}: {}]", request.action_type);
        self.finish(drafts, EndStatus::Failed, TIMED_OUT, Some(note)).await
    }

    /// Ends the run because somebody cancelled it.
    pub(super) async fn finish_cancelled(&mut self) -> Step {
        let mut drafts = self.withdraw_questions().await?;
        drafts.extend(self.close_calls());
        drafts.extend(close_steps(&self.state, StepStatus::Skipped));
        let note = "[작업이 취소되었습니다]".to_owned();
        self.finish(drafts, EndStatus::Cancelled, "작업이 취소되었습니다.", Some(note)).await
    }

    /// Ends a run that broke down, with no more than its journal: nothing is asked, recorded or
    /// remembered, for one of these may be what broke.
    pub(super) async fn break_off(mut self, error: ErrorEvent) -> Result<(), JournalError> {
        let mut drafts = close_steps(&self.state, StepStatus::Failed);
        drafts.extend(self.close_calls());
        drafts.push(Draft::Event(Event::Error(error)));
        let now_ms = self.env.desk.clock.now_ms();
        drafts.extend(ending(Some(&self.state), EndStatus::Failed, FAILED, now_ms));
        self.commit(drafts).await?;
        self.writer.flush().await?;
        save_ending(&*self.env.desk.store, &self.state).await;
        Ok(())
    }

    /// Writes the end and the trailer. `note` is what the thread's next run reads of this one, where
    /// there is no answer.
    async fn finish(
        &mut self,
        mut drafts: Vec<Draft>,
        status: EndStatus,
        message: &str,
        note: Option<String>,
    ) -> Step {
        // Whoever sees the end may ask the next question at once: its history must be there.
        self.remember(note).await;
        drafts.extend(ending(Some(&self.state), status, message, self.env.desk.clock.now_ms()));
        self.commit(drafts).await?;
        self.writer.flush().await?;
        self.env.desk.metrics.run_ended(status);
        save_ending(&*self.env.desk.store, &self.state).await;
        Ok(Flow::Leave(Exit::Over))
    }

    /// Adds what was asked and what was answered to the thread; tools' results stay in the journal.
    async fn remember(&self, note: Option<String>) {
        let mut answer = self.state.answer();
        if let Some(note) = note {
            answer = if answer.is_empty() { note } else { format!("{answer}\n\n{note}") };
        }
        let said = [
            Message::User { content: gist(&self.state.meta.prompt) },
            Message::Assistant { content: gist(&answer), tool_calls: Vec::new() },
        ];
        let (store, meta) = (&self.env.desk.store, &self.state.meta);
        let kept = self.env.desk.patiently(|| store.remember(meta, &said)).await;
        if let Err(error) = kept {
            tracing::warn!(session = %meta.session_id, %error, "thread history not saved");
        }
    }

    /// What clients see of the calls that will not be run any more, or whose end is not known.
    fn close_calls(&self) -> Vec<Draft> {
        let close = |call: &Call| match &call.status {
            CallStatus::Asked(request) | CallStatus::Decided(request, _) => {
                Some(self.never_run(&call.planned, request))
            }
            CallStatus::Started(approved) => {
                Some(self.never_known(&call.planned, approved.as_deref()))
            }
            CallStatus::Open | CallStatus::Finished => None,
        };
        self.state.calls.iter().filter_map(close).collect()
    }

    fn never_run(&self, planned: &PlannedCall, request: &ApprovalRequest) -> Draft {
        let cancelled = self.execution(planned, &request.context, ToolStatus::Cancelled);
        Draft::Event(Event::ToolExecution(cancelled))
    }

    /// A call that a former owner had started, of a run that is not to go on.
    fn never_known(&self, planned: &PlannedCall, approved: Option<&ApprovalRequest>) -> Draft {
        let arguments = match approved {
            Some(request) => request.context.clone(),
            None => parse_arguments(&planned.call).unwrap_or_default(),
        };
        let failed = self.execution(planned, &arguments, ToolStatus::Failed);
        let failed = ToolExecution { error: Some(doubt(approved)), ..failed };
        Draft::Event(Event::ToolExecution(failed))
    }

    fn tools_used(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for message in self.state.own_messages() {
            if let Message::Tool { name, .. } = message
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        }
        names
    }
}

/// As much of a message as its thread remembers.
fn gist(text: &str) -> String {
    const GIST_MAX: usize = 16 * 1024;
    match text.len() {
        0..=GIST_MAX => text.to_owned(),
        _ => format!("{}…", &text[..text.floor_char_boundary(GIST_MAX)]),
    }
}

/// Moves every open step of the plan to its end: what was at work to `at_work`, the rest is skipped.
fn close_steps(state: &State, at_work: StepStatus) -> Vec<Draft> {
    let close = |step| match step_end(step, at_work) {
        Some(status) => moved(step, status),
        None => Vec::new(),
    };
    state.plan.iter().flat_map(close).collect()
}

fn step_end(step: &PlanStep, at_work: StepStatus) -> Option<StepStatus> {
    match step.status {
        StepStatus::InProgress => Some(at_work),
        StepStatus::Pending => Some(StepStatus::Skipped),
        StepStatus::Completed | StepStatus::Failed | StepStatus::Skipped => None,
    }
}

/// The last two entries of every journal.
fn ending(state: Option<&State>, status: EndStatus, message: &str, now_ms: u64) -> [Draft; 2] {
    let end = Event::End {
        message: message.to_owned(),
        status,
        usage: state.map_or_else(Usage::default, |state| state.usage),
        duration_ms: state.map_or(0, |state| now_ms.saturating_sub(state.meta.created_at_ms)),
    };
    [Draft::Both(end, Record::Ended { status }), Draft::Done]
}

/// All that can be said of a run whose journal cannot be understood: an error, the end, the trailer.
pub(super) fn breakdown(error: ErrorEvent) -> Vec<Draft> {
    let mut drafts = vec![Draft::Event(Event::Error(error))];
    drafts.extend(ending(None, EndStatus::Failed, FAILED, 0));
    drafts
}

/// Tells those who read only keys that the run is over. The journal has it already, so a failure
/// costs nothing but a stale checkpoint.
async fn save_ending(store: &dyn Store, state: &State) {
    let meta = &state.meta;
    if let Err(error) = store.save_checkpoint(&meta.session_id, &state.checkpoint()).await {
        tracing::warn!(session = %meta.session_id, %error, "final checkpoint not saved");
    } else {
        tracing::info!(session = %meta.session_id, status = ?state.status(), "checkpoint saved");
    }
}

/// A run that panicked.
pub(super) fn panicked() -> ErrorEvent {
    failure("the run broke down".into(), "InternalError", ErrorCode::Internal, true)
}

/// A run that met something stored that cannot be read: trying again would meet it again.
pub(super) fn unreadable(error: &StoreError) -> ErrorEvent {
    failure(error.to_string(), "StoreCorruptError", ErrorCode::Internal, false)
}
