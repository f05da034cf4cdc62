//! The table of endings: for each way in which a run can end, all that its end says.

use super::errors::failure;
use super::tool_call::NO_REASON;
use crate::domain::event::{EndStatus, ErrorEvent};
use crate::domain::plan::StepStatus;
use crate::domain::text::{cut, escape_invisible};
use crate::domain::{ApprovalRequest, Decision, ErrorCode, ErrorType, Event};

/// What the contract (section 4.4) says to a person who did not answer.
const TIMED_OUT: &str = "사용자 응답 지연으로 작업이 취소되었습니다";
/// Characters of a person's reason that a notice quotes; the `error` event has all of it.
const REASON_SHOWN: usize = 100;

/// One line of the table.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    /// The status that `end` tells.
    pub(super) status: EndStatus,
    /// The message of `end`.
    pub(super) message: &'static str,
    /// What becomes of the steps of the plan that are at work.
    pub(super) at_work: StepStatus,
    /// One sentence for those who are shown nothing but `content` (contract, section 4.4); `None`:
    /// there is an answer.
    pub(super) notice: Option<String>,
    /// What clients are told of the reason, in this order.
    pub(super) events: Vec<Event>,
    /// What the thread's next run reads of this one beside its answer.
    pub(super) note: Option<String>,
}

impl Ending {
    /// With an answer.
    pub(super) fn completed() -> Self {
        Self {
            status: EndStatus::Completed,
            message: "작업이 완료되었습니다.",
            at_work: StepStatus::Completed,
            notice: None,
            events: Vec::new(),
            note: None,
        }
    }

    /// With an error.
    pub(super) fn failed(error: ErrorEvent) -> Self {
        Self {
            status: EndStatus::Failed,
            message: "작업이 실패했습니다.",
            at_work: StepStatus::Failed,
            notice: Some(format!("작업을 마치지 못했습니다: {}", error.message)),
            note: Some(format!("[작업이 오류로 끝났습니다: {}]", error.error)),
            events: vec![Event::Error(error)],
        }
    }

    /// A person said no.
    pub(super) fn rejected(request: &ApprovalRequest, decision: &Decision) -> Self {
        let tool = &request.action_type;
        let reason = decision.reason.as_deref();
        let quoted =
            reason.map_or_else(String::new, |reason| format!(" (사유: {})", shown(reason)));
        let reason = reason.unwrap_or(NO_REASON);
        let error = ErrorEvent {
            message: "사용자가 작업을 거절했습니다.".into(),
            ..failure(reason.into(), ErrorType::Rejection, ErrorCode::Forbidden, false)
        };
        Self {
            status: EndStatus::Rejected,
            message: "작업이 거절되었습니다.",
            at_work: StepStatus::Failed,
            notice: Some(format!("승인이 거절되어 {tool} 작업을 실행하지 않았습니다{quoted}.")),
            events: vec![Event::Error(error)],
            note: Some(format!("[사용자가 {tool} 실행을 거절했습니다: {reason}]")),
        }
    }

    /// Nobody answered in time.
    pub(super) fn timed_out(request: &ApprovalRequest) -> Self {
        let waited = request.deadline.ms().saturating_sub(request.created_at) / 1000;
        let error = format!("nobody answered {} within {waited} s", request.request_id);
        let failed = Event::Failed {
            message: TIMED_OUT.into(),
            error: error.clone(),
            error_type: ErrorType::Timeout,
            request_id: request.request_id.clone(),
        };
        let error = ErrorEvent {
            message: TIMED_OUT.into(),
            ..failure(error, ErrorType::Timeout, ErrorCode::ExternalTimeout, true)
        };
        Self {
            status: EndStatus::Failed,
            message: TIMED_OUT,
            at_work: StepStatus::Failed,
            notice: Some(format!("{TIMED_OUT}.")),
            events: vec![failed, Event::Error(error)],
            note: Some(format!("[{TIMED_OUT}: {}]", request.action_type)),
        }
    }

    /// Somebody cancelled it.
    pub(super) fn cancelled() -> Self {
        Self {
            status: EndStatus::Cancelled,
            message: "작업이 취소되었습니다.",
            at_work: StepStatus::Skipped,
            notice: Some("요청에 따라 작업을 취소했습니다.".into()),
            events: Vec::new(),
            note: Some("[작업이 취소되었습니다]".into()),
        }
    }
}

/// The beginning of a person's words, as one line.
fn shown(reason: &str) -> String {
    cut(&escape_invisible(reason), REASON_SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_persons_reason_the_notice_shows_the_beginning_on_one_plain_line() {
        assert_eq!(shown("아니요"), "아니요");
        let long = shown(&format!("아니요\n\u{202e}{}", "가".repeat(1000)));
        assert!(long.starts_with("아니요\\u{a}\\u{202e}가"), "{long}");
        assert!(long.ends_with("가… (이하 916자 생략)"), "{long}");
    }
}
