//! Git, for agents: five tools that read a repository of the workspace and one that merges.
//!
//! The tools run the `git` program, so that a merge here is the merge that people know. Three
//! walls stand around it: [`refs`] lets no name be anything but a name, [`workspace`],
//! [`repository`] and [`confinement`] let no path lead out of the workspace root, [`command`] lets
//! no repository run a program. How a merge stays all or nothing is told in [`merge`].

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use thiserror::Error;
use tokio::sync::OwnedMutexGuard;

use self::command::Runner;
use self::workspace::Workspace;
use super::{Readiness, Tool, ToolError};
use crate::shutdown::Tasks;

mod blocking;
mod command;
mod confinement;
mod fields;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod memory;
mod merge;
mod origin;
mod read;
pub(in crate::tools) mod refs;
mod repository;
pub mod sample;
mod workspace;

/// The oldest git that can compute a merge without a work tree.
const OLDEST: (u32, u32) = (2, 38);
/// What the git tools may use.
#[derive(Clone, Debug)]
pub struct GitConfig {
    /// The directory that holds the repositories, or is one. Nothing outside of it is touched. `None`: not
    /// configured.
    pub workspace_root: Option<PathBuf>,
    /// How long one call of a tool that reads may take, and each step of a merge.
    pub timeout: Duration,
    /// How much memory one git process may have, in bytes; at most two processes a core run at once.
    pub max_memory_bytes: u64,
    /// How many bytes of one git call's output are used.
    pub max_output_bytes: usize,
    /// Git's whole `PATH`.
    pub search_path: OsString,
}

/// Why there are no git tools.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The workspace root is not a directory that can be read.
    #[error("the workspace root {} cannot be used: {source}", root.display())]
    Root {
        /// The configured root.
        root: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// What all git tools share.
struct Git {
    runner: Runner,
    /// `None` if no root is configured.
    workspace: Option<Workspace>,
    /// One lock per repository (by its shared git directory), held for a whole merge, so that two
    /// merges of this process never mix. Other processes are kept out by git's own locks.
    merging: Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>,
    /// Why git cannot be used, if it cannot.
    unavailable: Option<String>,
}

/// The six git tools. Looks once whether there is a git that is new enough; without one the tools
/// are there and say so when they are used. A merge runs as one of `tasks`, so that it comes to its
/// end even if nobody waits for it any more.
///
/// Where no workspace root is configured, each call fails with [`ToolError::NotConfigured`], and rules about the
/// tools can still be kept.
///
/// # Errors
/// The workspace root is not a directory.
pub async fn tools(config: GitConfig, tasks: Tasks) -> Result<Vec<Arc<dyn Tool>>, SetupError> {
    let runner = Runner::new(&config);
    let Some(root) = config.workspace_root else {
        return Ok(all(runner, None, None, tasks));
    };
    let workspace = Workspace::new(&root).map_err(|source| SetupError::Root { root, source })?;
    let unavailable = match runner.version().await {
        Ok(version) if version >= OLDEST => None,
        Ok((major, minor)) => Some(format!(
            "the git tools need git {}.{} or newer, found {major}.{minor}",
            OLDEST.0, OLDEST.1
        )),
        Err(error) => Some(format!("the git tools need git: {error}")),
    };
    if let Some(reason) = &unavailable {
        tracing::warn!(reason, "git tools unavailable");
    }
    Ok(all(runner, Some(workspace), unavailable, tasks))
}

fn all(
    runner: Runner,
    workspace: Option<Workspace>,
    unavailable: Option<String>,
    tasks: Tasks,
) -> Vec<Arc<dyn Tool>> {
    let git = Arc::new(Git { runner, workspace, merging: Mutex::default(), unavailable });
    let mut tools = read::tools(&git);
    tools.push(Arc::new(merge::GitMerge::new(git, tasks)));
    tools
}

impl Git {
    /// Where the repositories are.
    fn workspace(&self) -> Result<&Workspace, ToolError> {
        self.workspace.as_ref().ok_or(ToolError::NotConfigured { setting: "WORKSPACE_ROOT" })
    }

    /// Whether there is a workspace, and a git to read and change it with.
    fn readiness(&self) -> Readiness {
        Readiness::of(self.workspace().and_then(|_| self.available()))
    }

    fn available(&self) -> Result<(), ToolError> {
        match &self.unavailable {
            None => Ok(()),
            Some(reason) => Err(ToolError::Failed(reason.clone())),
        }
    }

    /// Waits until no other merge of this process works on that repository.
    async fn lock(&self, common_dir: &Path) -> OwnedMutexGuard<()> {
        let lock = {
            let mut merging = self.merging.lock();
            Arc::clone(merging.entry(common_dir.to_owned()).or_default())
        };
        lock.lock_owned().await
    }
}
