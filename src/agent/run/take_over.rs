//! How often a run may be taken over while it is at work: a step that crashes its process must not
//! crash one process after another.
//!
//! The journal counts. Whoever takes over a run that was at work says so before doing anything for
//! it, and a step that comes to its end starts the count anew. A run that waits for people does
//! nothing that could end a process, so its take-overs are not counted; nor are those of a run that
//! its owner gives up on purpose.

use super::errors::{Failure, taken_over_too_often};
use super::journal::{Draft, JournalError};
use super::record::Record;
use super::state::{Node, State};
use super::step::{Exit, Run};

/// The take-over, of those without a step forward between them, at which a run ends.
const LAST: u32 = 3;

impl State {
    /// Why this run, which was at work, is not to be taken over once more, if it is not.
    pub(crate) fn refuses_take_over(&self) -> Option<Failure> {
        let now = self.hands.lost.saturating_add(1);
        (!self.hands.given_up && now >= LAST).then(|| taken_over_too_often(now))
    }
}

impl Run {
    /// Goes on with a run that somebody else had at work. That is stored first: what comes next may
    /// end this process, too.
    pub(crate) async fn take_up(mut self) -> Exit {
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
