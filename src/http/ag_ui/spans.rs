//! What has begun in an AG-UI run and has no end yet: a message, a line of reasoning, steps. The protocol
//! wants all of it ended before the run is.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::event::Event;
use crate::domain::SessionId;
use crate::domain::event::told::ToldStep;
use crate::domain::plan::StepStatus;

/// A message that is being said, or thought.
#[derive(Clone, Debug)]
enum Speaking {
    Text(String),
    Reasoning(String),
}

/// All that has begun. Names are made of the session's, because they are the conversation's.
#[derive(Clone, Debug)]
pub(super) struct Spans {
    session: SessionId,
    speaking: Option<Speaking>,
    /// How many messages there were, by which they are told apart.
    messages: u32,
    steps: BTreeMap<(u64, String), ToldStep>,
}

impl Spans {
    /// Nothing has begun in that session.
    pub(super) fn new(session: SessionId) -> Self {
        Self { session, speaking: None, messages: 0, steps: BTreeMap::new() }
    }

    fn next_message(&mut self) -> String {
        self.messages += 1;
        format!("{}:{}", self.session, self.messages)
    }

    /// A piece of an answer.
    pub(super) fn say(&mut self, delta: &str) -> Vec<Event> {
        if let Some(Speaking::Text(message_id)) = &self.speaking {
            let message_id = message_id.clone();
            return vec![Event::TextMessageContent { message_id, delta: delta.to_owned() }];
        }
        let mut events = self.be_quiet();
        let message_id = self.next_message();
        self.speaking = Some(Speaking::Text(message_id.clone()));
        events.push(Event::TextMessageStart { message_id: message_id.clone(), role: "assistant" });
        events.push(Event::TextMessageContent { message_id, delta: delta.to_owned() });
        events
    }

    /// A piece of what a model thinks aloud.
    pub(super) fn think(&mut self, delta: &str) -> Vec<Event> {
        if let Some(Speaking::Reasoning(message_id)) = &self.speaking {
            let message_id = message_id.clone();
            return vec![Event::ReasoningMessageContent { message_id, delta: delta.to_owned() }];
        }
        let mut events = self.be_quiet();
        let message_id = self.next_message();
        self.speaking = Some(Speaking::Reasoning(message_id.clone()));
        events.push(Event::ReasoningStart { message_id: message_id.clone() });
        let role = "reasoning";
        events.push(Event::ReasoningMessageStart { message_id: message_id.clone(), role });
        events.push(Event::ReasoningMessageContent { message_id, delta: delta.to_owned() });
        events
    }

    /// Ends the message that is being said or thought, if one is.
    pub(super) fn be_quiet(&mut self) -> Vec<Event> {
        match self.speaking.take() {
            None => Vec::new(),
            Some(Speaking::Text(message_id)) => vec![Event::TextMessageEnd { message_id }],
            Some(Speaking::Reasoning(message_id)) => vec![
                Event::ReasoningMessageEnd { message_id: message_id.clone() },
                Event::ReasoningEnd { message_id },
            ],
        }
    }

    /// A step that is new, or has moved.
    pub(super) fn step(&mut self, step: ToldStep) -> Vec<Event> {
        let key = (step.order, step.step_id.clone());
        let is_at_work = is_at_work(&step);
        let name = name_of(&step);
        let was_at_work =
            self.steps.insert(key, step).is_some_and(|before| self::is_at_work(&before));
        let moved = match (was_at_work, is_at_work) {
            (false, true) => Some(Event::StepStarted { step_name: name }),
            (true, false) => Some(Event::StepFinished { step_name: name }),
            (true, true) | (false, false) => None,
        };
        [self.plan()].into_iter().chain(moved).collect()
    }

    /// A step that has moved, of which no more is told than how.
    pub(super) fn step_moved(
        &mut self,
        id: &str,
        status: StepStatus,
        description: &str,
    ) -> Vec<Event> {
        let known = self.steps.values().find(|step| step.step_id == id).cloned();
        known.map_or_else(Vec::new, |step| {
            self.step(ToldStep { status, description: description.to_owned(), ..step })
        })
    }

    /// The whole plan: an activity, so that the state stays the application's own.
    fn plan(&self) -> Event {
        let step = |step: &ToldStep| {
            json!({
                "id": step.step_id, "title": step.title, "description": step.description,
                "status": step.status, "order": step.order,
            })
        };
        let steps: Vec<Value> = self.steps.values().map(step).collect();
        Event::ActivitySnapshot {
            message_id: format!("{}:plan", self.session),
            activity_type: "PLAN",
            content: json!({ "steps": steps }),
            replace: true,
        }
    }

    /// The steps at work, as a run begins them that goes on after an interrupt.
    pub(super) fn started_steps(&self) -> Vec<Event> {
        self.at_work().map(|step_name| Event::StepStarted { step_name }).collect()
    }

    /// Ends everything, as a run's end wants it. The steps stay at work in the plan.
    pub(super) fn end_all(&mut self) -> Vec<Event> {
        let mut events = self.be_quiet();
        events.extend(self.at_work().map(|step_name| Event::StepFinished { step_name }));
        events
    }

    fn at_work(&self) -> impl Iterator<Item = String> {
        self.steps.values().filter(|step| is_at_work(step)).map(name_of)
    }
}

fn is_at_work(step: &ToldStep) -> bool {
    match step.status {
        StepStatus::InProgress => true,
        StepStatus::Pending | StepStatus::Completed | StepStatus::Failed | StepStatus::Skipped => {
            false
        }
    }
}

/// A step is known by its name, and two may have one title.
fn name_of(step: &ToldStep) -> String {
    format!("{}. {}", step.order, step.title)
}
