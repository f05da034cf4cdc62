//! How often a run may change hands while it is at work: a step that ends its process is not to end
//! all the others, one after the other.
//!
//! The journal counts. Whoever takes over a run that was at work says so before doing anything for
//! it, and a step that comes to its end starts the count anew. A run that waits for people does
//! nothing that could end a process, so it changes hands without being counted, and so does one that
//! its owner gives up on purpose.

use futures::future::join_all;

use super::finish::taken_over_too_often;
use super::journal::{Draft, JournalError, opening};
use super::record::Record;
use super::run::{Exit, Run};
use super::service::AgentService;
use super::state::{Node, State, last_id, status_of};
use crate::domain::event::ErrorEvent;
use crate::domain::{SessionId, SessionStatus};

/// The take-over, of those without a step forward between them, at which a run ends.
const LAST: u32 = 3;
/// Entries at the end of a journal in which its newest record is looked for.
const RECENT: usize = 100;

/// Whose hands a run went through since it has last come forward.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Hands {
    /// How often it was taken over from an owner that was lost, while it was at work.
    lost: u32,
    /// Whether its owner has given it up on purpose, and nobody has taken it over yet.
    given_up: bool,
}

impl Hands {
    /// Moves on by one record.
    pub(super) fn note(&mut self, record: &Record) {
        self.given_up = matches!(record, Record::HandedOver);
        match record {
            Record::TakenOver { planned: false } => self.lost += 1,
            Record::Opened(_)
            | Record::Analyzed
            | Record::Answered { .. }
            | Record::ToolFinished { .. }
            | Record::Ended { .. }
            | Record::Withdrawn => self.lost = 0,
            // All that is said again by whoever repeats a step; and being asked is no step of a run.
            Record::TakenOver { planned: true }
            | Record::HandedOver
            | Record::Asked { .. }
            | Record::StepAdded { .. }
            | Record::StepMoved { .. }
            | Record::ApprovalAsked { .. }
            | Record::DeadlineNear { .. }
            | Record::VoteUncounted { .. }
            | Record::StillAsked
            | Record::ApprovalResolved { .. }
            | Record::ToolStarting { .. } => {}
        }
    }
}

impl State {
    /// Why this run, which was at work, is not to be taken over once more, if it is not.
    pub(super) fn refuses_take_over(&self) -> Option<ErrorEvent> {
        let now = self.hands.lost.saturating_add(1);
        (!self.hands.given_up && now >= LAST).then(|| taken_over_too_often(now))
    }
}

impl Run {
    /// Goes on with a run that somebody else had at work. That is stored first: what comes next may
    /// end this process, too.
    pub(super) async fn take_up(mut self) -> Exit {
        let planned = self.state.hands.given_up;
        let told = self.commit_now(Record::TakenOver { planned }).await;
        match told {
            Ok(()) => self.drive().await,
            Err(error) => Exit::Abandoned(error),
        }
    }

    /// Leaves the run to another owner, between two steps.
    pub(super) async fn hand_over(mut self) -> Exit {
        let told = match self.state.node {
            Node::AwaitApproval => self.writer.flush().await,
            Node::Analyze
            | Node::Plan
            | Node::Execute
            | Node::Tools
            | Node::Reflect
            | Node::Done => self.commit_now(Record::HandedOver).await,
        };
        match told {
            Ok(()) => Exit::HandedOver,
            Err(error) => Exit::Abandoned(error),
        }
    }

    async fn commit_now(&mut self, record: Record) -> Result<(), JournalError> {
        self.commit(vec![Draft::Record(record)]).await?;
        self.writer.flush().await
    }
}

impl AgentService {
    /// Notes that these runs are given up in the middle of a step, so that nobody takes the step for
    /// what ended the process. What cannot be noted counts like a lost owner.
    pub(super) async fn note_hand_overs(&self, sessions: &[SessionId]) {
        join_all(sessions.iter().map(|session| self.note_hand_over(session))).await;
    }

    async fn note_hand_over(&self, session: &SessionId) {
        let (store, clock) = (&self.env.desk.store, &self.env.desk.clock);
        let Ok(newest) = store.newest(session, RECENT).await else { return };
        if status_of(&newest) != Some(SessionStatus::Running) {
            return;
        }
        let last = last_id(&newest);
        let entry = opening(last.next(clock.now_ms()), &Record::HandedOver);
        if let Err(error) = store.append(session, last, &[entry]).await {
            tracing::debug!(%session, %error, "hand-over not noted");
        }
    }
}
