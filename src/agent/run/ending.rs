//! The table of endings: for each way in which a run can end, all that its end says.

use super::errors::Failure;
use super::journal::Draft;
use crate::domain::event::{EndStatus, ErrorEvent, ThoughtKind};
use crate::domain::plan::StepStatus;
use crate::domain::sentences::Sentences;
use crate::domain::text::{cut, escape_invisible};
use crate::domain::{ApprovalRequest, Decision, ErrorCode, ErrorType, Event, Language};

/// Characters of a person's reason that a notice quotes; the `error` event has all of it.
const REASON_SHOWN: usize = 100;

/// The ways in which a run can end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending<'a> {
    /// With an answer.
    Completed(&'a Work),
    /// With an error.
    Failed(&'a Failure),
    /// A person said no to this.
    Rejected(&'a ApprovalRequest, &'a Decision),
    /// Nobody answered this in time.
    TimedOut(&'a ApprovalRequest),
    /// Somebody cancelled it.
    Cancelled,
}

/// What was done for an answer.
#[derive(Clone, Debug)]
pub(super) struct Work {
    /// Calls of tools.
    pub(super) calls: u32,
    /// Those that succeeded.
    pub(super) successes: u32,
    /// The tools that were called, each once.
    pub(super) tools: Vec<String>,
}

/// One line of the table.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// The status that `end` tells, the journal and the metrics keep.
    pub(super) status: EndStatus,
    /// The message of `end`.
    pub(super) message: &'static str,
    /// What becomes of the steps of the plan that are at work.
    pub(super) at_work: StepStatus,
    /// The last thought.
    pub(super) thought: Option<Draft>,
    /// One sentence for those who are shown nothing but `content` (contract, section 4.4); `None`:
    /// there is an answer.
    pub(super) notice: Option<String>,
    /// What clients are told of the reason, in this order.
    pub(super) events: Vec<Event>,
    /// What the thread's next run reads of this one beside its answer.
    pub(super) note: Option<String>,
}

impl Ending<'_> {
    /// All that it says, in this language.
    pub(super) fn facts(self, language: Language) -> Facts {
        let words = language.sentences();
        match self {
            Self::Completed(work) => Facts {
                status: EndStatus::Completed,
                message: words.completed(),
                at_work: StepStatus::Completed,
                thought: Some(work.looking_back(words)),
                notice: None,
                events: Vec::new(),
                note: None,
            },
            Self::Failed(failure) => Facts {
                status: EndStatus::Failed,
                message: words.failed(),
                at_work: StepStatus::Failed,
                thought: None,
                notice: Some(words.failed_because(&failure.event(words).message)),
                events: vec![Event::Error(failure.event(words))],
                note: Some(words.note_of_failure(&failure.error)),
            },
            Self::Rejected(request, decision) => Facts {
                status: EndStatus::Rejected,
                message: words.rejected(),
                at_work: StepStatus::Failed,
                thought: None,
                notice: Some(words.rejected_call(
                    &request.action_type,
                    decision.reason.as_deref().map(|reason| shown(reason, language)).as_deref(),
                )),
                events: vec![Event::Error(rejection(decision, words))],
                note: Some(words.note_of_rejection(&request.action_type, reason_of(decision))),
            },
            Self::TimedOut(request) => Facts {
                status: EndStatus::Failed,
                message: words.timed_out(),
                at_work: StepStatus::Failed,
                thought: None,
                notice: Some(format!("{}.", words.timed_out())),
                events: silence(request, words),
                note: Some(format!("[{}: {}]", words.timed_out(), request.action_type)),
            },
            Self::Cancelled => Facts {
                status: EndStatus::Cancelled,
                message: words.cancelled(),
                at_work: StepStatus::Skipped,
                thought: None,
                notice: Some(words.cancelled_as_asked().to_owned()),
                events: Vec::new(),
                note: Some(format!("[{}]", words.request_cancelled())),
            },
        }
    }
}

impl Work {
    fn looking_back(&self, words: &dyn Sentences) -> Draft {
        let content = words.looking_back(self.calls, self.successes);
        Draft::thought(ThoughtKind::Reflection, content, self.tools.clone())
    }
}

/// What clients are told of a no.
fn rejection(decision: &Decision, words: &dyn Sentences) -> ErrorEvent {
    ErrorEvent {
        error: reason_of(decision).to_owned(),
        error_type: ErrorType::Rejection,
        code: ErrorCode::Forbidden,
        message: words.rejected_by_person().to_owned(),
        retryable: false,
    }
}

/// What clients are told of a request that nobody answered.
fn silence(request: &ApprovalRequest, words: &dyn Sentences) -> Vec<Event> {
    let waited = request.deadline.at().since(request.created_at).as_secs();
    let error = format!("nobody answered {} within {waited} s", request.request_id);
    let message = words.timed_out().to_owned();
    let failed = Event::Failed {
        message: message.clone(),
        error: error.clone(),
        error_type: ErrorType::Timeout,
        request_id: request.request_id.clone(),
    };
    let (error_type, code) = (ErrorType::Timeout, ErrorCode::ExternalTimeout);
    vec![failed, Event::Error(ErrorEvent { error, error_type, code, message, retryable: true })]
}

/// Why somebody said no: their own words, or the usual ones if they said none (contract, section 5.4).
pub(super) fn reason_of(decision: &Decision) -> &str {
    decision.reason.as_deref().unwrap_or("User rejected")
}

/// The beginning of a person's words, as one line.
fn shown(reason: &str, language: Language) -> String {
    cut(&escape_invisible(reason), REASON_SHOWN, language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_persons_reason_the_notice_shows_the_beginning_on_one_plain_line() {
        assert_eq!(shown("아니요", Language::Korean), "아니요");
        let long = shown(&format!("아니요\n\u{202e}{}", "가".repeat(1000)), Language::Korean);
        assert!(long.starts_with("아니요\\u{a}\\u{202e}가"), "{long}");
        assert!(long.ends_with("가… (이하 916자 생략)"), "{long}");
    }
}
