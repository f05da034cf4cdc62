//! Section `tools`: the limits of tools, and who has to approve them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::check::Check;
use super::key::keys;
use super::kinds::{Choice, Parsed, Text, Time, Whole, one_of, rule, seconds, whole};
use super::tables::{Table, said, table};
use crate::domain::{ApprovalRule, Approvers, NoApprovers, Unconfigured};

keys! { KEYS;
    UNCONFIGURED: Choice<Unconfigured> = "tools.unconfigured",
        one_of(("refuse", Unconfigured::Refuse), &[("dry_run", Unconfigured::DryRun)]),
        dev: "dry_run";
    TIMEOUT: Time = "tools.timeout_seconds", seconds(1..=3600);
    MAX_OUTPUT_BYTES: Whole<usize> = "tools.max_output_bytes", whole(1024..=16_777_216);
    GIT_PATH: Text = "tools.git_path", Text;
    GIT_MAX_MEMORY_BYTES: Whole<u64> = "tools.git_max_memory_bytes",
        whole(67_108_864..=1_099_511_627_776);
    APPROVAL: Table<Choice<ApprovalRule>> = "tools.approval",
        table("texts", one_of(("required", ApprovalRule::Required), &[("none", ApprovalRule::None)]));
    APPROVERS: Table<Parsed<Approvers, NoApprovers>> = "tools.approvers",
        table("texts", rule(str::parse));
}

/// Section `tools`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolSettings {
    /// What one call may take.
    pub timeout: Duration,
    /// Bytes of one result that the model gets to see.
    pub max_output_bytes: usize,
    /// Where git is looked for, as in `PATH`.
    pub git_path: String,
    /// Bytes of memory that one git process may have.
    pub git_max_memory_bytes: u64,
    /// What a tool does whose service is not configured.
    pub unconfigured: Unconfigured,
    /// Who has to approve what, by the tool's name; whether there is such a tool is not checked.
    pub approval: BTreeMap<String, ApprovalRule>,
    /// Who may approve what, by the tool's name; whether there is such a tool is not checked.
    pub approvers: BTreeMap<String, Approvers>,
}

impl ToolSettings {
    /// `None` only together with a fault.
    pub(super) fn read(check: &mut Check) -> Option<Self> {
        Some(Self {
            unconfigured: UNCONFIGURED.read(check),
            timeout: TIMEOUT.read(check),
            max_output_bytes: MAX_OUTPUT_BYTES.read(check),
            git_max_memory_bytes: GIT_MAX_MEMORY_BYTES.read(check),
            approval: APPROVAL.read(check),
            approvers: said(APPROVERS.read(check)),
            // Last, so that every fault has been found.
            git_path: GIT_PATH.read(check)?,
        })
    }
}
