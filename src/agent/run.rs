//! A run: a short loop over explicit states, one method per state, one file per idea.
//!
//! The run holds nothing while it waits for a person: it ends with [`Exit::Parked`], and its
//! journal is folded again when the decision is there. Waiting and recovery are thus one path.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::budget::Budget;
use super::gate::Gate;
use super::journal::{Desk, Draft, JournalError, Writer};
use super::ownership::Terms;
use super::state::{CallStatus, Node, State};
use crate::domain::event::ThoughtKind;
use crate::domain::plan::{PlanStep, StepStatus};
use crate::domain::{Confidence, Decision, Event, RequestId, StepId, Verdict};
use crate::llm::ChatModel;
use crate::tools::Tools;

use super::record::Record;

/// How far a run may go.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How often the model may be asked.
    pub max_turns: u32,
    /// How many tools may be called.
    pub max_tool_calls: u32,
    /// How long a person may think.
    pub hitl_timeout: Duration,
    /// How many tokens may be used.
    pub budget: Budget,
    /// The estimated tokens of one request to the model above which the conversation is trimmed;
    /// `None`: never.
    pub context_tokens: Option<u64>,
}

/// What all runs of a process share.
pub struct Env {
    /// Journal, clock and tasks.
    pub desk: Desk,
    /// Who thinks.
    pub model: Arc<dyn ChatModel>,
    /// What can be done.
    pub tools: Arc<Tools>,
    /// Who waits for a person.
    pub gate: Arc<Gate>,
    /// How far a run may go.
    pub limits: Limits,
    /// How long this process looks after a run without being heard of.
    pub terms: Terms,
}

/// Why a run stopped working.
#[derive(Debug)]
pub enum Exit {
    /// It is over; the trailer is written.
    Over,
    /// It waits for a person.
    Parked(RequestId),
    /// The process is to stop; whatever the run has done so far is stored.
    HandedOver,
    /// It cannot go on here; another owner may.
    Abandoned(JournalError),
}

/// What a step leads to.
pub(super) enum Flow {
    /// The next step.
    Next,
    /// The end of this run's work, for now or for ever.
    Leave(Exit),
}

/// Every step may find that the run is not ours any more.
pub(super) type Step = Result<Flow, JournalError>;

/// A run at work.
pub struct Run {
    pub(super) env: Arc<Env>,
    pub(super) state: State,
    pub(super) writer: Writer,
    pub(super) cancel: CancellationToken,
}

impl Run {
    /// A run that goes on from `state`, writing with `writer`.
    pub fn new(env: Arc<Env>, state: State, writer: Writer, cancel: CancellationToken) -> Self {
        Self { env, state, writer, cancel }
    }

    /// Works until there is nothing to do but wait, or nothing at all, or the process is to stop.
    pub async fn drive(mut self) -> Exit {
        let stopping = self.env.desk.tasks.stopping();
        loop {
            if stopping.is_cancelled() && self.state.node != Node::Done {
                return self.hand_over().await;
            }
            match self.step().await {
                Ok(Flow::Next) => {}
                Ok(Flow::Leave(exit)) => return exit,
                Err(error) => return Exit::Abandoned(error),
            }
        }
    }

    /// Goes on with what was decided about the pending request.
    pub async fn decided(mut self, decision: Decision) -> Exit {
        match self.take_decision(decision).await {
            Ok(()) => self.drive().await,
            Err(error) => Exit::Abandoned(error),
        }
    }

    /// Leaves the run to another owner, between two steps.
    async fn hand_over(self) -> Exit {
        match self.writer.flush().await {
            Ok(()) => Exit::HandedOver,
            Err(error) => Exit::Abandoned(error),
        }
    }

    async fn step(&mut self) -> Step {
        if self.cancel.is_cancelled() {
            match self.state.node {
                Node::Done => {}
                Node::AwaitApproval => return self.withdraw_question().await,
                Node::Analyze | Node::Plan | Node::Execute | Node::Tools | Node::Reflect => {
                    return self.finish_cancelled().await;
                }
            }
        }
        match self.state.node {
            Node::Analyze => self.analyze().await,
            Node::Plan => self.ask_model().await,
            Node::Execute => self.execute().await,
            Node::Tools => self.act().await,
            Node::AwaitApproval => Ok(self.park()),
            Node::Reflect => self.reflect().await,
            Node::Done => Ok(Flow::Leave(Exit::Over)),
        }
    }

    async fn analyze(&mut self) -> Step {
        let start = Event::Start {
            message: "요청을 처리하기 시작했습니다.".into(),
            thread_id: self.state.meta.thread_id.clone(),
            model: self.env.model.name().to_owned(),
        };
        let thought = Event::Thought {
            kind: ThoughtKind::Analysis,
            content: format!("요청을 분석합니다. {}", self.state.context.summary()),
            sources: Vec::new(),
        };
        self.commit(vec![Draft::Event(start), Draft::Both(thought, Record::Analyzed)]).await?;
        Ok(Flow::Next)
    }

    /// Takes the next call of the model's turn, or asks the model to go on.
    async fn execute(&mut self) -> Step {
        match self.state.next_call().cloned() {
            Some(call) => self.consider(call).await,
            None => self.ask_model().await,
        }
    }

    /// Goes on with a call that was decided about, or that a former owner had started.
    async fn act(&mut self) -> Step {
        let Some(call) = self.state.next_call().cloned() else { return self.ask_model().await };
        match &call.status {
            CallStatus::Decided(request, decision) => {
                self.act_on_decision(&call, request, decision).await
            }
            CallStatus::Started(approved) => self.start_again(&call, approved.as_deref()).await,
            CallStatus::Open | CallStatus::Asked(_) | CallStatus::Finished => {
                self.consider(call).await
            }
        }
    }

    fn park(&self) -> Flow {
        match self.state.pending_request() {
            Some(request) => Flow::Leave(Exit::Parked(request.request_id.clone())),
            None => Flow::Next,
        }
    }

    async fn take_decision(&mut self, decision: Decision) -> Result<(), JournalError> {
        let Some(request) = self.state.pending_request() else { return Ok(()) };
        let request = request.request_id.clone();
        let record = Record::ApprovalResolved { request, decision: decision.clone() };
        let draft = match decision.verdict {
            Verdict::Approved => {
                let content = match &decision.by {
                    Some(user) => format!("{user} 님이 승인했습니다. 작업을 실행합니다."),
                    None => "승인되었습니다. 작업을 실행합니다.".to_owned(),
                };
                let kind = ThoughtKind::Decision;
                Draft::Both(Event::Thought { kind, content, sources: Vec::new() }, record)
            }
            Verdict::Rejected | Verdict::TimedOut | Verdict::Cancelled => Draft::Record(record),
        };
        self.env.desk.metrics.approval_decided(decision.verdict);
        self.commit(vec![draft]).await
    }

    /// Applies the records and queues the entries, as one atomic append.
    pub(super) async fn commit(&mut self, drafts: Vec<Draft>) -> Result<(), JournalError> {
        for draft in &drafts {
            if let Some(record) = draft.record() {
                self.state.apply(record);
            }
            if let Draft::Event(Event::Content { content, .. }) = draft {
                self.state.show(content);
            }
        }
        self.writer.append(&drafts).await
    }

    /// A step to add to the plan, in its place.
    pub(super) fn new_step(
        &self,
        offset: usize,
        title: &str,
        description: String,
        confidence: Confidence,
    ) -> PlanStep {
        let order = u32::try_from(self.state.plan.len() + offset + 1).unwrap_or(u32::MAX);
        PlanStep {
            step_id: StepId::new(format!("step_{order}")),
            title: title.to_owned(),
            description,
            status: StepStatus::Pending,
            confidence,
            order,
        }
    }

    /// The entries that move a step of the plan.
    pub(super) fn move_step(&self, step: &StepId, status: StepStatus) -> Vec<Draft> {
        self.state.step(step).map_or_else(Vec::new, |step| moved(step, status))
    }
}

/// The entries that move `step` to `status`; none if it is there already.
pub(super) fn moved(step: &PlanStep, status: StepStatus) -> Vec<Draft> {
    if step.status == status {
        return Vec::new();
    }
    let moved = PlanStep { status, ..step.clone() };
    let record = Record::StepMoved { step: moved.step_id.clone(), status, confidence: None };
    vec![
        Draft::Both(Event::PlanStepUpdate(moved.clone()), record),
        Draft::Event(Event::TimelineStepUpdate(moved)),
    ]
}
