//! The state of a run: what its records make of it, one after another, and nothing else.

use schemars::JsonSchema;
use serde::Serialize;

use super::call_state::{CallState, CallStatus, Executed};
use super::hands::Hands;
use super::invalid_calls::InvalidCalls;
use super::record::{CallResult, Opened, PlannedCall, Record};
use super::status::waits_after;
use crate::agent::approval::uncounted::UncountedVote;
use crate::domain::event::EndStatus;
use crate::domain::instructions::system_prompt;
use crate::domain::plan::{PlanStep, StepStatus};
use crate::domain::{
    ApprovalRequest, Confidence, Deadline, Decision, Language, Message, PageContext, RequestId,
    SessionMeta, SessionStatus, StepId, ToolCallId, Usage,
};

/// What stands between the texts of two turns.
pub(crate) const PARAGRAPH: &str = "\n\n";

/// The title by which older processes knew the step that stands for the answer: their records do not
/// mark it. It stays as it is, whatever the step is called today.
const UNMARKED_ANSWER: &str = "답변 작성";

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// Reads the request and the page.
    Analyze,
    /// Asks the model what to do.
    Plan,
    /// Takes the next call of the plan, or asks the model to go on.
    Execute,
    /// Runs a tool.
    Tools,
    /// Waits for a person.
    AwaitApproval,
    /// Looks back on the work.
    Reflect,
    /// It is over.
    Done,
}

/// A run's state.
#[derive(Clone, Debug)]
pub struct State {
    /// What never changes.
    pub meta: SessionMeta,
    /// The page.
    pub context: PageContext,
    /// The language in which the run speaks to people.
    pub language: Language,
    /// Where the run is.
    pub node: Node,
    /// The conversation, the system prompt first.
    pub messages: Vec<Message>,
    /// How many messages came from earlier runs, the system prompt included.
    pub inherited: usize,
    /// The plan.
    pub plan: Vec<PlanStep>,
    /// The step of the plan that stands for the answer, if that has begun.
    answer_step: Option<StepId>,
    /// How often the model was asked.
    pub turns: u32,
    /// The calls of the model's last turn.
    pub calls: Vec<CallState>,
    /// Calls of tools so far, and how many of them succeeded.
    pub attempts: u32,
    /// Calls that succeeded.
    pub successes: u32,
    /// Calls whose arguments were not valid.
    pub invalid_calls: InvalidCalls,
    /// How sure the model was of its last turn, where it said so.
    pub measured: Option<Confidence>,
    /// Whether the model was asked for a turn that has not arrived yet.
    pub asking: bool,
    /// Text of the current turn that clients have seen and the conversation does not have yet.
    pub shown: String,
    /// Whether clients had seen any part of an answer when the current turn began: its text then
    /// follows a blank line.
    pub continues: bool,
    /// Whether clients have seen any part of an answer.
    pub has_shown: bool,
    /// Tokens so far.
    pub usage: Usage,
    /// The latest request for approval.
    pub last_request: Option<ApprovalRequest>,
    /// Whether the last record says that people are asked.
    pub ends_waiting: bool,
    /// The requests whose people were warned that the deadline comes.
    pub warned: Vec<RequestId>,
    /// The votes that do not count, of which people were told.
    pub uncounted: Vec<(RequestId, UncountedVote)>,
    /// The call that was run last, if nothing has happened since: the audit stream may not have its
    /// end yet.
    pub executed: Option<Executed>,
    /// The owners that it has had since its last finished step.
    pub(super) hands: Hands,
    /// How it ended, once it is over.
    pub ended: Option<EndStatus>,
}

impl State {
    /// A run that has just been opened.
    pub fn open(opened: &Opened) -> Self {
        let content = system_prompt(opened.instructions.as_ref(), &opened.context);
        let mut messages = vec![Message::System { content }];
        messages.extend(opened.history.iter().cloned());
        let inherited = messages.len();
        messages.push(Message::User { content: opened.meta.prompt.clone() });
        Self {
            meta: opened.meta.clone(),
            context: opened.context.clone(),
            language: opened.language,
            node: Node::Analyze,
            messages,
            inherited,
            plan: Vec::new(),
            answer_step: None,
            turns: 0,
            calls: Vec::new(),
            attempts: 0,
            successes: 0,
            invalid_calls: InvalidCalls::default(),
            measured: None,
            asking: false,
            shown: String::new(),
            continues: false,
            has_shown: false,
            usage: Usage::default(),
            last_request: None,
            ends_waiting: false,
            warned: Vec::new(),
            uncounted: Vec::new(),
            executed: None,
            hands: Hands::default(),
            ended: None,
        }
    }

    /// Notes a piece of the answer that clients have seen.
    pub fn show(&mut self, text: &str) {
        self.shown.push_str(text);
        self.has_shown = true;
    }

    /// Moves on by one record.
    pub fn apply(&mut self, record: &Record) {
        self.hands.note(record);
        // Who has the run says nothing of where it stands.
        if matches!(record, Record::TakenOver { .. } | Record::HandedOver) {
            return;
        }
        self.ends_waiting = waits_after(record.kind());
        // The steps of the plan move together with what moves them.
        if !matches!(record, Record::StepMoved { .. }) {
            self.executed = None;
        }
        match record {
            Record::Opened(_) => {}
            Record::Analyzed => self.node = Node::Plan,
            Record::Asked { turn } => self.asked(*turn),
            Record::Answered { content, calls, usage, measured, confidence: _ } => {
                self.answered(content, calls, *usage);
                self.measured = *measured;
            }
            Record::StepAdded { step, is_answer } => self.add_step(step, *is_answer),
            Record::StepMoved { step, status, confidence } => {
                self.move_step(step, *status, *confidence);
            }
            Record::ApprovalAsked { call, request, behind: _ } => {
                self.last_request = Some((**request).clone());
                self.set_call(call, CallStatus::Asked(request.clone()));
            }
            Record::DeadlineNear { request } => self.warned.push(request.clone()),
            Record::VoteUncounted { request, vote } => {
                self.uncounted.push((request.clone(), vote.clone()));
            }
            Record::StillAsked => {}
            Record::ApprovalResolved { request, decision } => self.resolved(request, decision),
            Record::ToolStarting { call } => self.starting(call),
            Record::ToolFinished { call, outcome, invalid } => {
                self.finished(call, outcome, *invalid);
            }
            Record::Ended { status } => {
                self.ended = Some(*status);
                self.node = Node::Done;
            }
            // The first is only ever the first record of a journal, which folds to no state.
            Record::Withdrawn | Record::TakenOver { .. } | Record::HandedOver => {}
        }
    }

    /// The call to act on next: one that was decided about or had been started.
    pub fn call_under_way(&self) -> Option<&CallState> {
        self.calls.iter().find(|call| match call.status {
            CallStatus::Decided(..) | CallStatus::Started(_) => true,
            CallStatus::Open | CallStatus::Asked(_) | CallStatus::Finished => false,
        })
    }

    /// Which call of the run this is, from 0, in the order in which the model wanted them: whatever
    /// became of those beside it.
    pub fn ordinal_of(&self, id: &ToolCallId) -> usize {
        let is_finished = |call: &&CallState| call.status == CallStatus::Finished;
        let before = self.attempts as usize - self.calls.iter().filter(is_finished).count();
        let place = self.calls.iter().position(|call| &call.planned.call.id == id);
        before + place.unwrap_or(self.calls.len())
    }

    /// How often a call was started.
    pub fn attempts_of(&self, id: &ToolCallId) -> u32 {
        let call = self.calls.iter().find(|call| &call.planned.call.id == id);
        call.map_or(0, |call| call.attempts)
    }

    /// The calls that nothing has happened to yet.
    pub fn open_calls(&self) -> impl Iterator<Item = &CallState> {
        self.calls.iter().filter(|call| call.status == CallStatus::Open)
    }

    /// The requests that people are asked now.
    pub fn pending_requests(&self) -> impl Iterator<Item = &ApprovalRequest> {
        self.calls.iter().filter_map(|call| match &call.status {
            CallStatus::Asked(request) => Some(&**request),
            CallStatus::Open
            | CallStatus::Decided(..)
            | CallStatus::Started(_)
            | CallStatus::Finished => None,
        })
    }

    /// The last of the deadlines that the run waits for.
    pub fn waits_until(&self) -> Option<Deadline> {
        self.pending_requests().map(|request| request.deadline).max()
    }

    /// The call and the request, if people are asked this.
    pub fn asked_about(&self, request: &RequestId) -> Option<(&PlannedCall, &ApprovalRequest)> {
        self.calls.iter().find_map(|call| match &call.status {
            CallStatus::Asked(asked) if &asked.request_id == request => {
                Some((&call.planned, &**asked))
            }
            _ => None,
        })
    }

    /// Whether people are asked this.
    pub fn is_pending(&self, request: &RequestId) -> bool {
        self.asked_about(request).is_some()
    }

    /// What clients have seen of the text of the turn under way.
    pub fn partial(&self) -> &str {
        if self.continues {
            self.shown.strip_prefix(PARAGRAPH).unwrap_or_default()
        } else {
            &self.shown
        }
    }

    /// The step of that id.
    pub fn step(&self, id: &StepId) -> Option<&PlanStep> {
        self.plan.iter().find(|step| &step.step_id == id)
    }

    /// The step that stands for the answer, if that has begun.
    pub fn answer_step(&self) -> Option<&PlanStep> {
        self.answer_step.as_ref().and_then(|id| self.step(id))
    }

    /// Where it stands, for people (contract, section 5.5).
    pub fn status(&self) -> SessionStatus {
        match self.ended {
            Some(end) => end.into(),
            None if self.node == Node::AwaitApproval => SessionStatus::WaitingApproval,
            None => SessionStatus::Running,
        }
    }

    /// What this run itself added to the conversation.
    pub fn own_messages(&self) -> &[Message] {
        &self.messages[self.inherited..]
    }

    /// The whole answer so far.
    pub fn answer(&self) -> String {
        let said = self.own_messages().iter().filter_map(|message| match message {
            Message::Assistant { content, .. } if !content.is_empty() => Some(content.as_str()),
            Message::Assistant { .. }
            | Message::System { .. }
            | Message::User { .. }
            | Message::Tool { .. } => None,
        });
        let mut said: Vec<&str> = said.collect();
        said.extend(Some(self.partial()).filter(|begun| !begun.is_empty()));
        said.join(PARAGRAPH)
    }

    fn asked(&mut self, turn: u32) {
        // Asked again, for instance by a new owner, it is still the same turn.
        if !std::mem::replace(&mut self.asking, true) {
            self.continues = self.has_shown;
        }
        self.turns = turn;
    }

    fn answered(&mut self, content: &str, calls: &[PlannedCall], usage: Usage) {
        self.messages.push(Message::Assistant {
            content: content.to_owned(),
            tool_calls: calls.iter().map(|planned| planned.call.clone()).collect(),
        });
        self.calls = calls
            .iter()
            .map(|planned| CallState {
                planned: planned.clone(),
                status: CallStatus::Open,
                attempts: 0,
            })
            .collect();
        self.usage.add(usage);
        self.asking = false;
        self.shown.clear();
        self.node = if calls.is_empty() { Node::Reflect } else { Node::Execute };
    }

    fn resolved(&mut self, request: &RequestId, decision: &Decision) {
        for call in &mut self.calls {
            if let CallStatus::Asked(asked) = &call.status
                && &asked.request_id == request
            {
                let mut asked = Box::new(asked.resolved(decision));
                if let Some(args) =
                    decision.args.as_ref().filter(|_| decision.superseded_by.is_none())
                {
                    asked.context = args.clone();
                }
                self.last_request = Some((*asked).clone());
                call.status = CallStatus::Decided(asked, decision.clone());
            }
        }
        self.node = self.node_of_calls();
    }

    fn starting(&mut self, id: &ToolCallId) {
        let found = self.calls.iter().find(|call| &call.planned.call.id == id);
        let approved = found.and_then(|call| match &call.status {
            CallStatus::Decided(request, _) => Some(request.clone()),
            CallStatus::Started(approved) => approved.clone(),
            CallStatus::Open | CallStatus::Asked(_) | CallStatus::Finished => None,
        });
        if let Some(call) = self.calls.iter_mut().find(|call| &call.planned.call.id == id) {
            call.attempts += 1;
        }
        self.set_call(id, CallStatus::Started(approved));
    }

    fn finished(&mut self, call: &ToolCallId, outcome: &CallResult, invalid: bool) {
        self.attempts += 1;
        self.successes += u32::from(matches!(outcome, CallResult::Ok(_)));
        if let Some(found) = self.calls.iter().find(|c| &c.planned.call.id == call) {
            if let CallStatus::Started(approved) = &found.status {
                self.executed = Some(Executed {
                    planned: found.planned.clone(),
                    approved: approved.clone(),
                    attempts: found.attempts,
                    outcome: outcome.clone(),
                });
            }
            self.invalid_calls.note(&found.planned.call.name, self.turns, invalid);
            self.messages.push(Message::Tool {
                call_id: call.clone(),
                name: found.planned.call.name.clone(),
                content: outcome.for_model(),
            });
        }
        self.set_call(call, CallStatus::Finished);
    }

    fn set_call(&mut self, id: &ToolCallId, status: CallStatus) {
        if let Some(call) = self.calls.iter_mut().find(|call| &call.planned.call.id == id) {
            call.status = status;
        }
        self.node = self.node_of_calls();
    }

    /// Where the calls of the model's turn leave the run. While a person is asked, no further call
    /// begins: after a question there is silence (contract, section 4.4).
    fn node_of_calls(&self) -> Node {
        if self.call_under_way().is_some() {
            Node::Tools
        } else if self.pending_requests().next().is_some() {
            Node::AwaitApproval
        } else {
            Node::Execute
        }
    }

    fn add_step(&mut self, step: &PlanStep, is_answer: bool) {
        if self.answer_step.is_none() && (is_answer || step.title == UNMARKED_ANSWER) {
            self.answer_step = Some(step.step_id.clone());
        }
        self.plan.push(step.clone());
    }

    fn move_step(&mut self, id: &StepId, status: StepStatus, confidence: Option<Confidence>) {
        if let Some(step) = self.plan.iter_mut().find(|step| &step.step_id == id) {
            step.status = status;
            step.confidence = confidence.unwrap_or(step.confidence);
        }
    }
}
