//! The steps of a run's plan: how one is added, and how one moves.

use super::journal::Draft;
use super::record::Record;
use super::step::Run;
use crate::domain::plan::{PlanStep, StepStatus};
use crate::domain::{Confidence, Event, StepId, excerpt};

/// Longest title of a step, in bytes.
const TITLE_MAX: usize = 200;
/// Longest description of a step, in bytes.
const DESCRIPTION_MAX: usize = 900;

impl Run {
    /// A step to add to the plan, in its place. Long words are cut: every frame that the step is in
    /// stays small.
    pub(super) fn new_step(
        &self,
        offset: usize,
        title: &str,
        description: &str,
        confidence: Confidence,
    ) -> PlanStep {
        let order = u32::try_from(self.state.plan.len() + offset + 1).unwrap_or(u32::MAX);
        PlanStep {
            step_id: StepId::new(format!("step_{order}")),
            title: excerpt(title, TITLE_MAX),
            description: excerpt(description, DESCRIPTION_MAX),
            status: StepStatus::Pending,
            confidence,
            order,
        }
    }

    /// The entries that move a step of the plan.
    pub(super) fn move_step(&self, step: &StepId, status: StepStatus) -> Vec<Draft> {
        self.state.step(step).map_or_else(Vec::new, |step| moved(step, status))
    }
}

/// The entries that move `step` to `status`; none if it is there already.
pub(super) fn moved(step: &PlanStep, status: StepStatus) -> Vec<Draft> {
    if step.status == status {
        return Vec::new();
    }
    let moved = PlanStep { status, ..step.clone() };
    let record = Record::StepMoved { step: moved.step_id.clone(), status, confidence: None };
    vec![
        Draft::Both(Event::PlanStepUpdate(moved.clone()), record),
        Draft::Event(Event::TimelineStepUpdate(moved)),
    ]
}
