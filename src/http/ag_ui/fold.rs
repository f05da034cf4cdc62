//! A session's journal as AG-UI runs: a pure function of its events, and of which run is wanted.
//!
//! A run of ours that asks a person is several of AG-UI's: a question ends one, and the next begins
//! behind it. Questions that are asked together end it together, as its interrupts. So a run is a stretch of
//! the journal, from its beginning or from a question to the next one or the end. Everything before it is folded as well, but not told: which steps
//! are open, and what a client knows of calls and plan, depends on it.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::calls::Calls;
use super::event::{Event, Interrupt, Outcome, PROTOCOL_VERSION, TokenUsage};
use super::spans::Spans;
use crate::domain::event::told::{Asked, ThoughtType, ToldError, ToldEvent};
use crate::domain::event::{EndStatus, NoticeMark};
use crate::domain::{RequestId, SessionId, ThreadId, Usage};

/// The run that a client asks for, by the names that it gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantedRun {
    pub(super) thread: ThreadId,
    pub(super) run: String,
    /// The questions that it goes on from; none for the session's first run.
    pub(super) after: Vec<RequestId>,
}

/// Where the fold is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Before the run; these questions are still to come.
    Before(HashSet<String>),
    Within,
    /// Behind its end.
    Over,
}

/// What an event of the journal comes to in the run.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rendered {
    pub(super) events: Vec<Event>,
    /// Whether they are the beginning of a run that goes on from the question in that journal event.
    pub(super) is_beginning: bool,
}

/// The fold.
#[derive(Debug)]
pub(super) struct Fold {
    wanted: WantedRun,
    phase: Phase,
    spans: Spans,
    calls: Calls,
    model: String,
    error: Option<ToldError>,
    /// What was asked in this run so far.
    interrupts: Vec<Interrupt>,
}

impl Fold {
    /// Before the first event of that session.
    pub(super) fn new(session: &SessionId, wanted: WantedRun) -> Self {
        let after: HashSet<String> = wanted.after.iter().map(ToString::to_string).collect();
        let phase = if after.is_empty() { Phase::Within } else { Phase::Before(after) };
        let (spans, calls) = (Spans::new(session.clone()), Calls::new(session.clone()));
        let (model, error, interrupts) = (String::new(), None, Vec::new());
        Self { wanted, phase, spans, calls, model, error, interrupts }
    }

    /// Whether the run is over: there is nothing more to say.
    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Takes the journal's next event; of a question also how many were asked together with it and are still to
    /// come.
    pub(super) fn take(&mut self, event: &ToldEvent, behind: u32) -> Rendered {
        let events = self.events_of(event, behind);
        match (&mut self.phase, event) {
            (Phase::Over, _) => Rendered::default(),
            (Phase::Within, event) => {
                if behind == 0 && is_end(event) {
                    self.phase = Phase::Over;
                }
                Rendered { events, is_beginning: false }
            }
            (Phase::Before(after), ToldEvent::Hitl(asked)) => {
                after.remove(&asked.request_id);
                if !after.is_empty() {
                    return Rendered::default();
                }
                self.phase = Phase::Within;
                self.interrupts.clear();
                Rendered { events: self.beginning(), is_beginning: true }
            }
            (Phase::Before(_), ToldEvent::End { .. }) => {
                self.phase = Phase::Over;
                Rendered { events: vec![no_such_question()], is_beginning: false }
            }
            (
                Phase::Before(_),
                ToldEvent::Start { .. }
                | ToldEvent::Thought { .. }
                | ToldEvent::PlanStep(_)
                | ToldEvent::PlanStepUpdate { .. }
                | ToldEvent::ToolExecution(_)
                | ToldEvent::Content { .. }
                | ToldEvent::Error(_)
                | ToldEvent::Failed { .. }
                | ToldEvent::Other,
            ) => Rendered::default(),
        }
    }

    fn events_of(&mut self, event: &ToldEvent, behind: u32) -> Vec<Event> {
        match event {
            ToldEvent::Start { model, .. } => {
                self.model.clone_from(model);
                self.beginning()
            }
            ToldEvent::Thought { thought_type: ThoughtType::Reasoning, content } => {
                self.spans.think(content)
            }
            ToldEvent::Thought { thought_type: ThoughtType::Whole, content } => {
                self.whole(|spans| spans.think(content))
            }
            ToldEvent::PlanStep(step) => self.spans.step(step.clone()),
            ToldEvent::PlanStepUpdate { step_id, status, description } => {
                self.spans.step_moved(step_id, *status, description)
            }
            ToldEvent::ToolExecution(call) => {
                let mut events = self.spans.be_quiet();
                events.extend(self.calls.moved(call));
                events
            }
            ToldEvent::Hitl(asked) => self.asked(asked, behind),
            ToldEvent::Content { content, metadata } if NoticeMark::is_on(metadata) => {
                self.whole(|spans| spans.say(content))
            }
            ToldEvent::Content { content, .. } => self.spans.say(content),
            ToldEvent::Error(error) => {
                self.error = Some(error.clone());
                vec![Event::Custom { name: "aura.error", value: error_value(error) }]
            }
            ToldEvent::End { message, status, usage, .. } => self.end(message, *status, *usage),
            ToldEvent::Failed { .. } | ToldEvent::Other => Vec::new(),
        }
    }

    /// What is said in one go, and is no part of what is said before or after it.
    fn whole(&mut self, say: impl FnOnce(&mut Spans) -> Vec<Event>) -> Vec<Event> {
        let mut events = self.spans.be_quiet();
        events.extend(say(&mut self.spans));
        events.extend(self.spans.be_quiet());
        events
    }

    fn beginning(&self) -> Vec<Event> {
        let started = Event::RunStarted {
            thread_id: self.wanted.thread.to_string(),
            run_id: self.wanted.run.clone(),
            protocol_version: PROTOCOL_VERSION,
        };
        [started].into_iter().chain(self.spans.started_steps()).collect()
    }

    fn asked(&mut self, asked: &Asked, behind: u32) -> Vec<Event> {
        self.interrupts.push(interrupt(asked, self.calls.proposed()));
        if behind > 0 {
            return Vec::new();
        }
        let interrupts = std::mem::take(&mut self.interrupts);
        self.finished(Outcome::Interrupt { interrupts }, Vec::new())
    }

    fn end(&mut self, message: &str, status: EndStatus, usage: Usage) -> Vec<Event> {
        let usage = vec![TokenUsage {
            model: self.model.clone(),
            input_tokens: usage.prompt_tokens,
            output_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
        }];
        match status {
            EndStatus::Completed => self.finished(Outcome::Success, usage),
            // Somebody has stopped it; it did not fail.
            EndStatus::Rejected | EndStatus::Cancelled => self.finished(Outcome::Cancelled, usage),
            EndStatus::Failed => {
                let mut events = self.spans.end_all();
                let (message, code) = match &self.error {
                    Some(error) => (error.error.clone(), Some(error.error_code.clone())),
                    None => (message.to_owned(), None),
                };
                events.push(Event::RunError { message, code, usage });
                events
            }
        }
    }

    fn finished(&mut self, outcome: Outcome, usage: Vec<TokenUsage>) -> Vec<Event> {
        let mut events = self.spans.end_all();
        events.push(Event::RunFinished {
            thread_id: self.wanted.thread.to_string(),
            run_id: self.wanted.run.clone(),
            outcome,
            usage,
        });
        events
    }
}

/// Whether an AG-UI run ends with it.
fn is_end(event: &ToldEvent) -> bool {
    match event {
        ToldEvent::Hitl(_) | ToldEvent::End { .. } => true,
        ToldEvent::Start { .. }
        | ToldEvent::Thought { .. }
        | ToldEvent::PlanStep(_)
        | ToldEvent::PlanStepUpdate { .. }
        | ToldEvent::ToolExecution(_)
        | ToldEvent::Content { .. }
        | ToldEvent::Error(_)
        | ToldEvent::Failed { .. }
        | ToldEvent::Other => false,
    }
}

fn no_such_question() -> Event {
    let message = "the session has not asked what this run is to go on from".to_owned();
    Event::RunError { message, code: Some("E1004".to_owned()), usage: Vec::new() }
}

fn error_value(error: &ToldError) -> Value {
    json!({
        "error": error.error, "errorType": error.error_type, "errorCode": error.error_code,
        "message": error.message, "retryable": error.retryable,
    })
}

fn interrupt(asked: &Asked, tool_call_id: Option<String>) -> Interrupt {
    let expires_at = jiff::Timestamp::from_second(asked.expires_at).ok();
    Interrupt {
        id: asked.request_id.clone(),
        reason: "tool_call",
        message: asked.message.clone(),
        tool_call_id,
        response_schema: response_schema(),
        expires_at: expires_at.map(|at| at.to_string()),
        metadata: json!({ "aura": {
            "tool": asked.action_type,
            "arguments": asked.context,
            "argumentsBytes": asked.context_bytes,
            "preview": asked.preview,
            "approvers": asked.approvers,
            "approvalsNeeded": asked.approvals_needed,
            "approvals": asked.approvals,
        }}),
    }
}

/// The answer that an interrupt expects, in the form that the protocol recommends for approvals.
fn response_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "approved": { "type": "boolean" },
            "reason": { "type": "string", "description": "Why not. Kept with the decision." },
            "editedArgs": {
                "type": "object",
                "description": "Full replacement of the tool's arguments. Not merged.",
            },
        },
        "required": ["approved"],
    })
}

#[cfg(test)]
mod tests;
