//! What an operator chooses once for all runs, in words of the settings.

use serde::{Deserialize, Serialize};

/// How people are asked about several calls of one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// One after another: the next only once the last is decided, and has run.
    OneByOne,
    /// About all of them at once.
    Together,
}

/// What a rejection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnReject {
    /// The run ends.
    Stop,
    /// The model is told the reason, and may do something else.
    Continue,
}

/// Whether a person has to approve a tool, whatever the tool says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalRule {
    /// A person must approve every call.
    Required,
    /// Nobody is asked.
    None,
}

/// What a tool does whose service is not configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unconfigured {
    /// Show what would be sent, and say that it was not.
    DryRun,
    /// Fail, naming the missing setting, before a person is asked.
    Refuse,
}
