//! Section `workspace`: where the git tools work.

use std::path::PathBuf;

use super::check::Check;
use super::files::directory;
use super::key::keys;
use super::kinds::{Flag, Parsed, parsed};

keys! { KEYS;
    ROOT: Parsed<PathBuf> = "workspace.root", parsed(directory), env: ["WORKSPACE_ROOT"];
    SAMPLE: Flag = "workspace.sample", Flag;
}

/// Section `workspace`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// The directory that the git tools may use; it exists. `None`: not configured.
    pub root: Option<PathBuf>,
    /// Whether a sample repository is made in that directory if there is nothing in it.
    pub sample: bool,
}

impl WorkspaceSettings {
    pub(super) fn read(check: &mut Check) -> Self {
        let root = ROOT.read(check);
        let sample = SAMPLE.read(check);
        // A sample without a place for it is a mistake.
        if sample && !ROOT.is_set(check) {
            let problem = format!("there is no place for it: set {} as well", ROOT.variable());
            SAMPLE.fault(check, problem);
        }
        Self { root, sample }
    }
}
