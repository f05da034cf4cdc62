//! The end of a run: `end` and the trailer, in one append with all that leads up to them.

use std::time::Duration;

use super::arguments::parse_arguments;
use super::call_state::{CallState, CallStatus};
use super::ending::{Ending, Facts, Work};
use super::errors::Failure;
use super::journal::{Draft, JournalError};
use super::plan::moved;
use super::record::{PlannedCall, Record};
use super::state::{Node, PARAGRAPH, State};
use super::step::{Exit, Flow, Run, Step};
use crate::domain::event::{EndStatus, Piece, ToolExecution, ToolOutcome, ToolState};
use crate::domain::plan::{PlanStep, StepStatus};
use crate::domain::{
    AnnouncementKind, ApprovalRequest, Event, Language, Message, UnixMs, Usage, excerpt,
};
use crate::store::Store;
use crate::tools::Effect;

impl Run {
    /// Looks back on the work, and ends it well.
    pub(super) async fn reflect(&mut self) -> Step {
        let work = Work {
            calls: self.state.attempts,
            successes: self.state.successes,
            tools: self.tools_used(),
        };
        self.finish(Ending::Completed(&work)).await
    }

    /// Ends the run with an error that clients see.
    pub(super) async fn fail(&mut self, failure: Failure) -> Step {
        tracing::warn!(
            session = %self.state.meta.session_id, error_type = %failure.error_type,
            error = %failure.error, "run failed"
        );
        self.finish(Ending::Failed(&failure)).await
    }

    /// Ends a run that broke down, with no more than its journal: nothing is asked, recorded or
    /// remembered, for one of these may be what broke.
    pub(crate) async fn abort(mut self, failure: &Failure) -> Result<(), JournalError> {
        let end = Ending::Failed(failure).facts(self.state.language);
        let mut drafts = self.close_work(&end);
        drafts.extend(self.last_words(end));
        self.write_end(drafts).await
    }

    /// Takes back what is still asked, closes what is open, and writes the end.
    pub(super) async fn finish(&mut self, ending: Ending<'_>) -> Step {
        let mut end = ending.facts(self.state.language);
        let status = end.status;
        let mut drafts = self.withdraw_questions().await?;
        drafts.extend(self.close_work(&end));
        drafts.extend(end.thought.take());
        // Whoever sees the end may ask the next question at once: its history must be there.
        self.remember(end.note.as_deref()).await;
        drafts.extend(self.last_words(end));
        self.write_end(drafts).await?;
        self.ctx.metrics.run_ended(status);
        Ok(Flow::Leave(Exit::Over))
    }

    async fn write_end(&mut self, mut drafts: Vec<Draft>) -> Result<(), JournalError> {
        // Whatever happens to a run, `start` is the first that it says (contract, section 4.4).
        if self.state.node == Node::Analyze {
            drafts.insert(0, self.start_event());
        }
        // Whoever sees the end may start the next run at once: its place must be free. If it cannot be
        // told, whoever counts finds out.
        let (_, placed) = tokio::join!(
            self.ctx.store.leave_run(&self.state.meta),
            self.will_announce(AnnouncementKind::Ended)
        );
        let placed = placed?;
        self.commit(drafts).await?;
        self.writer.flush().await?;
        self.ctx.have_announced(&self.state.meta.session_id, placed).await;
        save_ending(&*self.ctx.store, &self.state).await;
        Ok(())
    }

    /// The steps and the calls that are not finished come to the end that this ending gives them.
    fn close_work(&self, end: &Facts) -> Vec<Draft> {
        let mut drafts = close_steps(&self.state, end.at_work);
        drafts.extend(self.close_calls(end.status));
        drafts
    }

    fn last_words(&self, end: Facts) -> Vec<Draft> {
        let now = self.ctx.clock.now();
        last_words(end, Some(&self.state), self.ctx.notices, now)
    }

    /// Adds what was asked and what was answered to the thread; tools' results stay in the journal.
    async fn remember(&self, note: Option<&str>) {
        let answer = self.state.answer();
        let parts = [Some(answer.as_str()).filter(|answer| !answer.is_empty()), note];
        let answer = parts.into_iter().flatten().collect::<Vec<_>>().join(PARAGRAPH);
        let said = [
            Message::User { content: gist(&self.state.meta.prompt) },
            Message::Assistant { content: gist(&answer), tool_calls: Vec::new() },
        ];
        let (store, meta) = (&self.ctx.store, &self.state.meta);
        let kept = self.ctx.retry_unavailable(|| store.remember(meta, &said)).await;
        if let Err(error) = kept {
            tracing::warn!(session = %meta.session_id, %error, "thread history not saved");
        }
    }

    /// What clients see of the calls that will not be run any more, or whose end is not known.
    fn close_calls(&self, status: EndStatus) -> Vec<Draft> {
        let close = |call: &CallState| match &call.status {
            CallStatus::Asked(request) | CallStatus::Decided(request, _) => {
                Some(self.never_run(&call.planned, request))
            }
            CallStatus::Started(approved) => {
                Some(self.never_known(&call.planned, approved.as_deref(), status))
            }
            CallStatus::Open | CallStatus::Finished => None,
        };
        let closed = self.state.calls.iter().filter_map(close);
        closed.map(|call| Draft::Event(Event::ToolExecution(call))).collect()
    }

    fn never_run(&self, planned: &PlannedCall, request: &ApprovalRequest) -> ToolExecution {
        let never_ran = ToolState::never_ran(ToolOutcome::Cancelled(None));
        self.execution(planned, &request.context, never_ran)
    }

    /// A call that a former owner had started, of a run that is not to go on. Of one that only reads
    /// nobody has to know how far it came.
    fn never_known(
        &self,
        planned: &PlannedCall,
        approved: Option<&ApprovalRequest>,
        status: EndStatus,
    ) -> ToolExecution {
        let arguments = match approved {
            Some(request) => request.context.clone(),
            None => parse_arguments(&planned.call).unwrap_or_default(),
        };
        let tool = self.ctx.tools.find(&planned.call.name);
        let reads = tool.is_ok_and(|tool| tool.spec().effect == Effect::ReadOnly);
        let outcome = match status {
            EndStatus::Cancelled if reads => {
                ToolOutcome::Cancelled(Some(self.words().stopped().to_owned()))
            }
            EndStatus::Cancelled
            | EndStatus::Completed
            | EndStatus::Failed
            | EndStatus::Rejected => ToolOutcome::Failed(self.doubt(approved)),
        };
        // How long it ran, nobody knows.
        let ended = ToolState::Ended { outcome, duration: Duration::ZERO };
        self.execution(planned, &arguments, ended)
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
    excerpt(text, GIST_MAX)
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

/// What every journal ends with: the notice, if there is to be one, the reason, `end`, the trailer.
fn last_words(ending: Facts, state: Option<&State>, notices: bool, now: UnixMs) -> Vec<Draft> {
    let notice = ending.notice.as_deref().filter(|_| notices);
    let follows = state.is_some_and(|state| state.has_shown);
    let mut drafts: Vec<Draft> =
        notice.map(|words| notice_of(words, follows)).into_iter().collect();
    drafts.extend(ending.events.into_iter().map(Draft::Event));
    let end = Event::End {
        message: ending.message.to_owned(),
        status: ending.status,
        usage: state.map_or_else(Usage::default, |state| state.usage),
        duration: state.map_or(Duration::ZERO, |state| now.since(state.meta.created_at_ms)),
    };
    drafts.extend([Draft::Both(end, Record::Ended { status: ending.status }), Draft::Done]);
    drafts
}

/// A notice; clients put it right after what they show of an answer, so there it begins a paragraph.
fn notice_of(words: &str, follows: bool) -> Draft {
    let between = if follows { PARAGRAPH } else { "" };
    let (content, _) = Piece::first_of(&format!("{between}{words}"));
    Draft::Event(Event::Notice { content })
}

/// All that can be said of a run whose journal cannot be understood.
pub(crate) fn aborted(failure: &Failure, language: Language, notices: bool) -> Vec<Draft> {
    last_words(Ending::Failed(failure).facts(language), None, notices, UnixMs::default())
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
