//! The steps of a plan, and how they move.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::shown::Shares;
use super::Fields;
use crate::domain::confidence::Confidence;
use crate::domain::ids::StepId;
use crate::domain::plan::{PlanStep, StepStatus};

/// A new step of the plan.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PlanStep")]
pub(super) struct PlanStepAdded<'a> {
    /// The step, unique within the run.
    step_id: &'a StepId,
    /// The same as `stepId`.
    id: &'a StepId,
    /// A few words.
    title: Cow<'a, str>,
    /// One sentence.
    description: Cow<'a, str>,
    /// The same as `description`.
    content: Cow<'a, str>,
    /// Where the step stands.
    status: StepStatus,
    /// How sure the model was when it chose this step.
    confidence: Confidence,
    /// Its place in the plan.
    #[schemars(range(min = 1))]
    order: u32,
}

impl Fields for PlanStepAdded<'_> {
    const KIND: &'static str = "plan_step";
}

impl<'a> PlanStepAdded<'a> {
    pub(super) fn shown(step: &'a PlanStep, shares: Shares) -> Self {
        let description = shares.text(&step.description);
        Self {
            step_id: &step.step_id,
            id: &step.step_id,
            title: shares.text(&step.title),
            content: description.clone(),
            description,
            status: step.status,
            confidence: step.confidence,
            order: step.order,
        }
    }
}

/// A step of the plan has moved.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlanStepUpdate<'a> {
    /// The step.
    step_id: &'a StepId,
    /// The same as `stepId`.
    id: &'a StepId,
    /// Where the step stands now.
    status: StepStatus,
    /// How far it is: 0 not begun, 1 over.
    #[schemars(range(min = 0, max = 1))]
    progress: f64,
    /// How sure the model was when it chose this step.
    confidence: Confidence,
    /// One sentence.
    description: Cow<'a, str>,
}

impl Fields for PlanStepUpdate<'_> {
    const KIND: &'static str = "plan_step_update";
}

impl<'a> PlanStepUpdate<'a> {
    pub(super) fn shown(step: &'a PlanStep, shares: Shares) -> Self {
        Self {
            step_id: &step.step_id,
            id: &step.step_id,
            status: step.status,
            progress: step.status.progress(),
            confidence: step.confidence,
            description: shares.text(&step.description),
        }
    }
}

/// A step of the plan has moved, for those who show a timeline.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TimelineStepUpdate<'a> {
    /// The step.
    step_id: &'a StepId,
    /// The same as `stepId`.
    id: &'a StepId,
    /// A few words.
    title: Cow<'a, str>,
    /// Where the step stands now.
    status: StepStatus,
    /// How far it is: 0 not begun, 1 over.
    #[schemars(range(min = 0, max = 1))]
    progress: f64,
}

impl Fields for TimelineStepUpdate<'_> {
    const KIND: &'static str = "timeline_step_update";
}

impl<'a> TimelineStepUpdate<'a> {
    pub(super) fn shown(step: &'a PlanStep, shares: Shares) -> Self {
        Self {
            step_id: &step.step_id,
            id: &step.step_id,
            title: shares.text(&step.title),
            status: step.status,
            progress: step.status.progress(),
        }
    }
}
