//! The questions that are open, in the order in which they were asked. Pure: it knows only what the
//! stream has told, and what this person has said.

use std::collections::VecDeque;

use serde_json::Value;

use super::server::Standing;
use crate::domain::event::told::{Asked, CallStatus, ToldEvent};

/// A question that nobody has answered yet, as far as the stream has told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    pub(super) asked: Asked,
    /// The call that waits.
    call: Option<String>,
    /// The arguments without anything left out, once they are known.
    pub(super) whole: Option<Value>,
    /// What a person made of the arguments so far.
    pub(super) draft: Option<String>,
    /// Whether this person has nothing more to say to it.
    is_answered: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: VecDeque<Question>,
    /// The call that the next question is about.
    pending: Option<String>,
}

impl Question {
    /// What a person starts from who changes the arguments.
    pub(super) fn arguments(&self) -> &Value {
        self.whole.as_ref().unwrap_or(&self.asked.context)
    }
}

impl Questions {
    /// Takes note of an event, and returns the questions that this person was still to answer, and that
    /// are settled by it.
    pub(super) fn take(&mut self, event: &ToldEvent) -> Vec<Question> {
        match event {
            ToldEvent::ToolExecution(call) => match call.status {
                CallStatus::Pending => {
                    self.pending = Some(call.tool_call_id.clone());
                    Vec::new()
                }
                CallStatus::Running
                | CallStatus::Success
                | CallStatus::Failed
                | CallStatus::Cancelled => {
                    self.settle(|question| question.call.as_ref() == Some(&call.tool_call_id))
                }
            },
            ToldEvent::Hitl(asked) => self.ask(asked),
            ToldEvent::Failed { request_id, .. } => {
                self.settle(|question| question.asked.request_id == *request_id)
            }
            ToldEvent::End { .. } => self.settle(|_| true),
            ToldEvent::Start { .. }
            | ToldEvent::Thought { .. }
            | ToldEvent::PlanStep(_)
            | ToldEvent::PlanStepUpdate { .. }
            | ToldEvent::Content { .. }
            | ToldEvent::Error(_)
            | ToldEvent::Other => Vec::new(),
        }
    }

    /// A question about a call takes the place of the one before it: it is about changed arguments.
    fn ask(&mut self, asked: &Asked) -> Vec<Question> {
        let call = self.pending.clone();
        let settled = self.settle(|question| call.is_some() && question.call == call);
        self.open.push_back(Question {
            asked: asked.clone(),
            call,
            whole: None,
            draft: None,
            is_answered: false,
        });
        settled
    }

    fn settle(&mut self, is_settled: impl Fn(&Question) -> bool) -> Vec<Question> {
        let (settled, open) =
            self.open.drain(..).partition::<Vec<_>, _>(|question| is_settled(question));
        self.open = open.into();
        settled.into_iter().filter(|question| !question.is_answered).collect()
    }

    /// The question that this person is to answer next.
    pub(super) fn next(&mut self) -> Option<&mut Question> {
        self.open.iter_mut().find(|question| !question.is_answered)
    }

    /// How that question stands in the store.
    pub(super) fn know(&mut self, standing: Standing) {
        if !standing.is_open() {
            self.answered();
        } else if let Some(next) = self.next() {
            next.whole = Some(standing.context);
        }
    }

    /// This person has nothing more to say to that question.
    pub(super) fn answered(&mut self) {
        if let Some(next) = self.next() {
            next.is_answered = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::event::told::Told;

    fn event(payload: &Value) -> ToldEvent {
        Told::read(payload.to_string().as_bytes()).unwrap().event
    }

    fn call(id: &str, status: &str) -> ToldEvent {
        event(
            &json!({"type": "tool_execution", "toolCallId": id, "toolName": "t", "status": status}),
        )
    }

    fn hitl(id: &str) -> ToldEvent {
        event(&json!({"type": "hitl", "requestId": id, "message": "?", "context": {}}))
    }

    fn ids(questions: &[Question]) -> Vec<&str> {
        questions.iter().map(|question| question.asked.request_id.as_str()).collect()
    }

    fn asked(events: &[ToldEvent]) -> Questions {
        let mut questions = Questions::default();
        for event in events {
            assert!(questions.take(event).is_empty(), "{event:?}");
        }
        questions
    }

    #[test]
    fn of_several_questions_the_one_goes_away_whose_call_goes_on() {
        let mut questions =
            asked(&[call("a", "pending"), hitl("req_a"), call("b", "pending"), hitl("req_b")]);
        assert_eq!(questions.next().unwrap().asked.request_id, "req_a");
        assert_eq!(ids(&questions.take(&call("b", "running"))), ["req_b"]);
        assert_eq!(questions.next().unwrap().asked.request_id, "req_a");
        assert_eq!(ids(&questions.take(&call("a", "cancelled"))), ["req_a"]);
        assert!(questions.next().is_none());
    }

    #[test]
    fn a_question_that_was_answered_here_goes_away_without_a_word() {
        let mut questions = asked(&[call("a", "pending"), hitl("req_a")]);
        questions.answered();
        assert!(questions.next().is_none());
        assert_eq!(questions.take(&call("a", "running")), []);
    }

    #[test]
    fn a_question_about_changed_arguments_takes_the_place_of_the_first() {
        let mut questions = asked(&[call("a", "pending"), hitl("req_1")]);
        let _ = questions.take(&call("a", "pending"));
        assert_eq!(ids(&questions.take(&hitl("req_2"))), ["req_1"]);
        assert_eq!(questions.next().unwrap().asked.request_id, "req_2");
    }

    #[test]
    fn silence_and_the_end_of_the_run_settle_what_is_open() {
        let mut questions = asked(&[call("a", "pending"), hitl("req_a")]);
        let failed = json!({"type": "failed", "message": "", "error": "", "requestId": "req_a"});
        assert_eq!(ids(&questions.take(&event(&failed))), ["req_a"]);
        let mut questions = asked(&[hitl("req_b")]);
        let end = json!({"type": "end", "message": "", "status": "cancelled"});
        assert_eq!(ids(&questions.take(&event(&end))), ["req_b"]);
    }

    #[test]
    fn a_question_that_was_decided_long_ago_is_not_asked_again() {
        let mut questions = asked(&[call("a", "pending"), hitl("req_a")]);
        let standing =
            |status: &str| serde_json::from_value(json!({"status": status, "context": {"x": 1}}));
        questions.know(standing("pending").unwrap());
        assert_eq!(questions.next().unwrap().arguments(), &json!({"x": 1}));
        questions.know(standing("approved").unwrap());
        assert!(questions.next().is_none());
    }
}
