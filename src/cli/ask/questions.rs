//! The questions that are open, in the order in which they were asked. Pure: it knows only what the
//! stream has told, and what this person has said.

use std::collections::VecDeque;

use serde_json::Value;

use super::decision::Standing;
use super::trouble::Trouble;
use crate::domain::RequestId;
use crate::domain::event::told::{Asked, CallStatus, ToldEvent};
use crate::domain::text::quoted;

/// A question that nobody has answered yet, as far as the stream has told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    pub(super) id: RequestId,
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
    ///
    /// # Errors
    /// A question has an id that no request has: nobody could answer it.
    pub(super) fn take(&mut self, event: &ToldEvent) -> Result<Vec<Question>, Trouble> {
        Ok(match event {
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
            ToldEvent::Hitl(asked) => self.ask(asked)?,
            ToldEvent::Failed { request_id, .. } => {
                self.settle(|question| question.id.as_str() == request_id)
            }
            ToldEvent::End { .. } => self.settle(|_| true),
            ToldEvent::Start { .. }
            | ToldEvent::Thought { .. }
            | ToldEvent::PlanStep(_)
            | ToldEvent::PlanStepUpdate { .. }
            | ToldEvent::Content { .. }
            | ToldEvent::Error(_)
            | ToldEvent::Other => Vec::new(),
        })
    }

    /// A question about a call takes the place of the one before it: it is about changed arguments.
    fn ask(&mut self, asked: &Asked) -> Result<Vec<Question>, Trouble> {
        let id = RequestId::parse(&asked.request_id).ok_or_else(|| {
            Trouble::Nonsense(format!(
                "its requestId {} is no request's id",
                quoted(&asked.request_id)
            ))
        })?;
        let call = self.pending.clone();
        let settled = self.settle(|question| call.is_some() && question.call == call);
        self.open.push_back(Question {
            id,
            asked: asked.clone(),
            call,
            whole: None,
            draft: None,
            is_answered: false,
        });
        Ok(settled)
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
        questions.iter().map(|question| question.id.as_str()).collect()
    }

    fn asked(events: &[ToldEvent]) -> Questions {
        let mut questions = Questions::default();
        for event in events {
            assert!(questions.take(event).unwrap().is_empty(), "{event:?}");
        }
        questions
    }

    #[test]
    fn of_several_questions_the_one_goes_away_whose_call_goes_on() {
        let mut questions = asked(&[
            call("a", "pending"),
            hitl("req_aaaaaaaaaaaa"),
            call("b", "pending"),
            hitl("req_bbbbbbbbbbbb"),
        ]);
        assert_eq!(questions.next().unwrap().id.as_str(), "req_aaaaaaaaaaaa");
        assert_eq!(ids(&questions.take(&call("b", "running")).unwrap()), ["req_bbbbbbbbbbbb"]);
        assert_eq!(questions.next().unwrap().id.as_str(), "req_aaaaaaaaaaaa");
        assert_eq!(ids(&questions.take(&call("a", "cancelled")).unwrap()), ["req_aaaaaaaaaaaa"]);
        assert!(questions.next().is_none());
    }

    #[test]
    fn a_question_that_was_answered_here_goes_away_without_a_word() {
        let mut questions = asked(&[call("a", "pending"), hitl("req_aaaaaaaaaaaa")]);
        questions.answered();
        assert!(questions.next().is_none());
        assert_eq!(questions.take(&call("a", "running")).unwrap(), []);
    }

    #[test]
    fn a_question_about_changed_arguments_takes_the_place_of_the_first() {
        let mut questions = asked(&[call("a", "pending"), hitl("req_111111111111")]);
        let _ = questions.take(&call("a", "pending")).unwrap();
        assert_eq!(ids(&questions.take(&hitl("req_222222222222")).unwrap()), ["req_111111111111"]);
        assert_eq!(questions.next().unwrap().id.as_str(), "req_222222222222");
    }

    #[test]
    fn silence_and_the_end_of_the_run_settle_what_is_open() {
        let mut questions = asked(&[call("a", "pending"), hitl("req_aaaaaaaaaaaa")]);
        let failed =
            json!({"type": "failed", "message": "", "error": "", "requestId": "req_aaaaaaaaaaaa"});
        assert_eq!(ids(&questions.take(&event(&failed)).unwrap()), ["req_aaaaaaaaaaaa"]);
        let mut questions = asked(&[hitl("req_bbbbbbbbbbbb")]);
        let end = json!({"type": "end", "message": "", "status": "cancelled"});
        assert_eq!(ids(&questions.take(&event(&end)).unwrap()), ["req_bbbbbbbbbbbb"]);
    }

    #[test]
    fn a_question_that_was_decided_long_ago_is_not_asked_again() {
        let mut questions = asked(&[call("a", "pending"), hitl("req_aaaaaaaaaaaa")]);
        let standing = |status: &str| {
            let stored =
                json!({"requestId": "req_aaaaaaaaaaaa", "status": status, "context": {"x": 1}});
            serde_json::from_value(stored)
        };
        questions.know(standing("pending").unwrap());
        assert_eq!(questions.next().unwrap().arguments(), &json!({"x": 1}));
        questions.know(standing("approved").unwrap());
        assert!(questions.next().is_none());
    }

    #[test]
    fn a_question_that_could_not_be_answered_is_refused_before_anybody_sees_it() {
        for id in ["../../sessions/victim/cancel?x=", "$(touch x)", "req_1/..", ""] {
            let mut questions = Questions::default();
            let refused = questions.take(&hitl(id)).unwrap_err().to_string();
            assert!(refused.ends_with("is no request's id"), "{refused}");
            assert!(questions.next().is_none());
        }
    }
}
