//! The memory that one git process may have, whatever is in the repository.
//!
//! The shell sets the limit and becomes git, so that git has it from its first instruction on, and
//! hands it on to whatever it starts. (Set from outside on a process that runs already, it would
//! come too late on a busy machine.) The shell reads no word of the call: they are its parameters.
//!
//! What is limited is the memory that is git's own (`RLIMIT_DATA`), not its address space: packs and
//! their indexes are mapped, can be far larger than the limit, and cost nothing that the system
//! cannot have back.

use rustix::process::{Resource, getrlimit};
use tokio::process::Command;

use crate::tools::ToolError;

/// Sets the limit, in units of 1024 bytes, and becomes git with the rest of the parameters.
const BECOME_GIT: &str = r#"ulimit -d "$1" && shift && exec git "$@""#;
/// What the shell's complaints begin with.
const SHELL_NAME: &str = "git";
/// How git, its libraries and the system say that there is no more.
const REFUSALS: &[&str] =
    &["ut of memory", "Cannot allocate memory", "Resource temporarily unavailable"];

/// The most memory of one git process.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemoryLimit {
    bytes: u64,
}

impl MemoryLimit {
    /// This many bytes, or what this process itself may have, if that is less.
    pub(super) fn new(bytes: u64) -> Self {
        let own = getrlimit(Resource::Data).maximum.unwrap_or(u64::MAX);
        Self { bytes: bytes.min(own) }
    }

    /// A git under this limit, still without arguments. It is looked for in the command's `PATH`.
    pub(super) fn git(self) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", BECOME_GIT, SHELL_NAME]).arg((self.bytes / 1024).to_string());
        command
    }

    /// The error for a git that failed with this complaint, if that was for want of memory.
    pub(super) fn exceeded(self, complaint: &str) -> Option<ToolError> {
        REFUSALS.iter().any(|words| complaint.contains(words)).then(|| {
            let mib = self.bytes / (1024 * 1024);
            ToolError::Failed(format!(
                "git needs more memory for this than the {mib} MiB that tools.git_max_memory_bytes allows"
            ))
        })
    }
}
