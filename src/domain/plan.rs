//! The plan that a run shows while it works.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::confidence::Confidence;
use super::ids::StepId;

/// Where a step stands (contract, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// At work, or waiting for a person.
    InProgress,
    /// Done.
    Completed,
    /// Tried, without success.
    Failed,
    /// Not tried any more.
    Skipped,
}

impl StepStatus {
    /// How far a step of this status is, 0.0 to 1.0.
    pub fn progress(self) -> f64 {
        match self {
            Self::Pending => 0.0,
            Self::InProgress => 0.5,
            Self::Completed | Self::Failed | Self::Skipped => 1.0,
        }
    }
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanStep {
    /// Unique within the run.
    pub step_id: StepId,
    /// A few words.
    pub title: String,
    /// A sentence.
    pub description: String,
    /// Where it stands.
    pub status: StepStatus,
    /// How sure the model was when it chose this step.
    pub confidence: Confidence,
    /// Its place, from 1.
    #[schemars(range(min = 1))]
    pub order: u32,
}
