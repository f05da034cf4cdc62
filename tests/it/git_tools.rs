//! Contract, section 7: the git tools, on real repositories.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::path::Path;

use aura_platform::tools::ToolError;

use crate::support::git::git;

mod confinement;
mod hostile;
pub mod memory;
mod merging;
mod policy;
mod questions;
mod reading;
mod work_trees;

/// The message of a conflict; any other error is the wrong one.
fn conflict(error: ToolError) -> String {
    match error {
        ToolError::Conflict(message) => message,
        other => panic!("{other}"),
    }
}

/// Whether a person's git sees nothing changed, added or untracked.
fn is_clean(repository: &Path) -> bool {
    git(repository, &["status", "--porcelain"]).is_empty()
}
