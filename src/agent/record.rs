//! What a run writes down for itself: the records that its state is folded from.
//!
//! They are the hidden half of the journal. A change here must still read what older processes
//! wrote: add fields with a default, never rename.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::uncounted::UncountedVote;
use crate::domain::event::EndStatus;
use crate::domain::plan::{PlanStep, StepStatus};
use crate::domain::{
    ApprovalRequest, Confidence, Decision, Instructions, Message, PageContext, RequestId,
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
        outcome: Outcome,
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
pub enum Outcome {
    /// Its result.
    Ok(Value),
    /// Why there is none.
    Err(String),
}

impl Outcome {
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
    fn a_run_that_an_older_process_opened_has_no_instructions() {
        let meta = r#"{"sessionId":"s","tenant":"t","user":"u","threadId":"h","prompt":"p","createdAtMs":1,"firstEvent":1}"#;
        let older = format!(r#"{{"rec":"opened","meta":{meta},"context":{{}},"history":[]}}"#);
        let record: Record = serde_json::from_str(&older).unwrap();
        let Record::Opened(opened) = &record else { panic!("{record:?}") };
        assert_eq!(opened.instructions, None);
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
