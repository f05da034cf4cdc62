//! What a run writes down for itself: the records that its state is folded from.
//!
//! They are the hidden half of the journal. A change here must still read what older processes
//! wrote: add fields with a default, never rename.

use serde::de::{self, value::StrDeserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agent::approval::uncounted::UncountedVote;
use crate::domain::event::EndStatus;
use crate::domain::plan::{PlanStep, StepStatus};
use crate::domain::{
    ApprovalRequest, Confidence, Decision, Instructions, Language, Message, PageContext, RequestId,
    SessionMeta, StepId, ToolCall, ToolCallId, Usage,
};

/// One step of a run, as recovery reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rec", rename_all = "snake_case")]
pub enum Record {
    /// The run exists.
    Opened(Box<Opened>),
    /// The request was read.
    Analyzed,
    /// The model is about to be asked.
    Asked {
        /// Which turn this is, from 1.
        turn: u32,
    },
    /// The model's whole turn has arrived; what of its text was shown stands before this.
    Answered {
        /// The turn's text.
        content: String,
        /// The tools that it wants, in order.
        calls: Vec<PlannedCall>,
        /// Tokens.
        usage: Usage,
        /// How sure one may be of this turn, measured or guessed.
        confidence: Confidence,
        /// How sure the model was, where it gave the probabilities of its tokens.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        measured: Option<Confidence>,
    },
    /// A step was added to the plan.
    StepAdded {
        /// The step.
        step: PlanStep,
        /// Whether it stands for the answer. Processes that did not record this knew that step by its
        /// title.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_answer: bool,
    },
    /// A step has moved.
    StepMoved {
        /// Which one.
        step: StepId,
        /// Where it is now.
        status: StepStatus,
        /// The confidence, where it was learnt anew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confidence: Option<Confidence>,
    },
    /// A person is asked about a call; everything of contract section 5.3 (1) is so.
    ApprovalAsked {
        /// The call.
        call: ToolCallId,
        /// How many questions were asked together with it and stand behind it.
        #[serde(default, skip_serializing_if = "is_zero")]
        behind: u32,
        /// What is asked.
        request: Box<ApprovalRequest>,
    },
    /// Whoever is asked was told that the time is nearly up.
    DeadlineNear {
        /// Which request.
        request: RequestId,
    },
    /// Somebody said yes who cannot, and people were told who can.
    VoteUncounted {
        /// On which request.
        request: RequestId,
        /// The vote.
        vote: UncountedVote,
    },
    /// The run waits for what people were asked before.
    StillAsked,
    /// The request was decided.
    ApprovalResolved {
        /// Which one.
        request: RequestId,
        /// How.
        decision: Decision,
    },
    /// The tool is about to start. With a tool that changes something, nobody may start it again.
    ToolStarting {
        /// The call.
        call: ToolCallId,
    },
    /// The tool has finished, or was never run because the call was not valid.
    ToolFinished {
        /// The call.
        call: ToolCallId,
        /// What came of it.
        outcome: CallResult,
        /// Whether it was never run because its arguments were not valid.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        invalid: bool,
    },
    /// Another process has the run from here on, which was at work and not waiting.
    TakenOver {
        /// Whether its former owner had given it up on purpose.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        planned: bool,
    },
    /// The owner gives up a run that is at work, because its process stops.
    HandedOver,
    /// The run is over.
    Ended {
        /// How.
        status: EndStatus,
    },
    /// There is no run, and there will be none: its start was given up. The only record of its
    /// journal.
    Withdrawn,
}

/// Which record it is: the beginning of its JSON tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// [`Record::Opened`]
    Opened,
    /// [`Record::Analyzed`]
    Analyzed,
    /// [`Record::Asked`]
    Asked,
    /// [`Record::Answered`]
    Answered,
    /// [`Record::StepAdded`]
    StepAdded,
    /// [`Record::StepMoved`]
    StepMoved,
    /// [`Record::ApprovalAsked`]
    ApprovalAsked,
    /// [`Record::DeadlineNear`]
    DeadlineNear,
    /// [`Record::VoteUncounted`]
    VoteUncounted,
    /// [`Record::StillAsked`]
    StillAsked,
    /// [`Record::ApprovalResolved`]
    ApprovalResolved,
    /// [`Record::ToolStarting`]
    ToolStarting,
    /// [`Record::ToolFinished`]
    ToolFinished,
    /// [`Record::TakenOver`]
    TakenOver,
    /// [`Record::HandedOver`]
    HandedOver,
    /// [`Record::Ended`]
    Ended,
    /// [`Record::Withdrawn`]
    Withdrawn,
}

impl RecordKind {
    /// Which record begins like this, if one does.
    pub fn of(beginning: &[u8]) -> Option<Self> {
        let rest = beginning.strip_prefix(br#"{"rec":""#)?;
        let end = rest.iter().position(|byte| *byte == b'"')?;
        let name = std::str::from_utf8(&rest[..end]).ok()?;
        Self::deserialize(StrDeserializer::<de::value::Error>::new(name)).ok()
    }
}

impl Record {
    /// Which one it is.
    pub fn kind(&self) -> RecordKind {
        match self {
            Self::Opened(_) => RecordKind::Opened,
            Self::Analyzed => RecordKind::Analyzed,
            Self::Asked { .. } => RecordKind::Asked,
            Self::Answered { .. } => RecordKind::Answered,
            Self::StepAdded { .. } => RecordKind::StepAdded,
            Self::StepMoved { .. } => RecordKind::StepMoved,
            Self::ApprovalAsked { .. } => RecordKind::ApprovalAsked,
            Self::DeadlineNear { .. } => RecordKind::DeadlineNear,
            Self::VoteUncounted { .. } => RecordKind::VoteUncounted,
            Self::StillAsked => RecordKind::StillAsked,
            Self::ApprovalResolved { .. } => RecordKind::ApprovalResolved,
            Self::ToolStarting { .. } => RecordKind::ToolStarting,
            Self::ToolFinished { .. } => RecordKind::ToolFinished,
            Self::TakenOver { .. } => RecordKind::TakenOver,
            Self::HandedOver => RecordKind::HandedOver,
            Self::Ended { .. } => RecordKind::Ended,
            Self::Withdrawn => RecordKind::Withdrawn,
        }
    }
}

/// How a run begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// The session.
    pub meta: SessionMeta,
    /// The page that the user looks at.
    pub context: PageContext,
    /// What the thread said before.
    pub history: Vec<Message>,
    /// The operator's instructions: a run keeps them, whoever goes on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Instructions>,
    /// The language in which the run speaks to people, whoever goes on with it.
    #[serde(default, skip_serializing_if = "Language::is_default")]
    pub language: Language,
}

/// A tool call with its place in the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedCall {
    /// The call, as the model wrote it.
    #[serde(flatten)]
    pub call: ToolCall,
    /// The step that stands for it.
    pub step: StepId,
}

/// What came of a tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallResult {
    /// Its result.
    Ok(Value),
    /// Why there is none.
    Err(String),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl CallResult {
    /// What the model reads.
    pub fn for_model(&self) -> String {
        match self {
            Self::Ok(value) => value.to_string(),
            Self::Err(error) => serde_json::json!({ "error": error }).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_an_older_process_opened_has_no_instructions_and_speaks_korean() {
        let meta = r#"{"sessionId":"s","tenant":"t","user":"u","threadId":"h","prompt":"p","createdAtMs":1,"firstEvent":1}"#;
        let older = format!(r#"{{"rec":"opened","meta":{meta},"context":{{}},"history":[]}}"#);
        let record: Record = serde_json::from_str(&older).unwrap();
        let Record::Opened(opened) = &record else { panic!("{record:?}") };
        assert_eq!((&opened.instructions, opened.language), (&None, Language::Korean));
        assert_eq!(serde_json::to_string(&record).unwrap(), older, "and is written as before");
    }

    #[test]
    fn the_beginning_of_a_record_tells_which_it_is() {
        let call = ToolCallId::new("c1");
        let long = CallResult::Err("x".repeat(1_000));
        let records = [
            Record::Analyzed,
            Record::Asked { turn: 1 },
            Record::StillAsked,
            Record::ToolStarting { call: call.clone() },
            Record::ToolFinished { call, outcome: long, invalid: true },
            Record::DeadlineNear { request: RequestId::new("req_1") },
            Record::TakenOver { planned: true },
            Record::HandedOver,
            Record::Ended { status: EndStatus::Cancelled },
            Record::Withdrawn,
        ];
        for record in records {
            let text = serde_json::to_vec(&record).unwrap();
            assert_eq!(RecordKind::of(&text[..text.len().min(40)]), Some(record.kind()));
        }
        for other in ["", "{}", r#"{"rec":"#, r#"{"rec":""#, r#"{"rec":"opened"#, r#"{"rec":"x"}"#]
        {
            assert_eq!(RecordKind::of(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_step_that_an_older_process_added_still_reads() {
        let step = r#"{"stepId":"step_1","title":"답변 작성","description":"d","status":"in_progress","confidence":0.5,"order":1}"#;
        let older = format!(r#"{{"rec":"step_added","step":{step}}}"#);
        let record: Record = serde_json::from_str(&older).unwrap();
        let Record::StepAdded { is_answer, .. } = &record else { panic!("{record:?}") };
        assert!(!is_answer);
        assert_eq!(serde_json::to_string(&record).unwrap(), older, "and is written as before");
    }

    #[test]
    fn a_finished_tool_that_an_older_process_wrote_down_still_reads() {
        let older = r#"{"rec":"tool_finished","call":"c1","outcome":{"ok":1}}"#;
        let record: Record = serde_json::from_str(older).unwrap();
        let Record::ToolFinished { invalid, .. } = &record else { panic!("{record:?}") };
        assert!(!invalid);
        assert_eq!(serde_json::to_string(&record).unwrap(), older, "and is written as before");
    }
}
