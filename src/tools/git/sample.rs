//! A small, believable repository to try the git tools on: `main`, a `feature` branch that merges
//! cleanly into it and a `conflict` branch that does not.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::GitConfig;
use super::command::Runner;
use crate::tools::ToolError;

/// The history in the format of `git fast-import`. Authors and dates are fixed, so every sample has
/// the same commits.
const HISTORY: &[u8] = include_bytes!("sample/history.fi");

/// How the name of a sample begins that is not finished yet.
const UNFINISHED: &str = ".sample-";

/// Why there is no sample.
#[derive(Debug, Error)]
pub enum SampleError {
    /// The directory cannot be made or written.
    #[error("the sample workspace {} cannot be written: {source}", directory.display())]
    Directory {
        /// Where it was to be.
        directory: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is something else in it.
    #[error("{} is neither empty nor a git repository", .0.display())]
    Occupied(PathBuf),
    /// Git could not make it.
    #[error(transparent)]
    Git(#[from] ToolError),
}

/// Makes `directory` the sample repository, with `main` checked out, and returns its canonical path.
/// A directory that already holds a repository is left as it is. Git is run as `config` says.
///
/// It appears all at once: a crash on the way leaves no half-made repository under that name.
///
/// # Errors
/// The directory holds something else or cannot be written; there is no git.
pub async fn create(directory: &Path, config: &GitConfig) -> Result<PathBuf, SampleError> {
    let fault = |source| SampleError::Directory { directory: directory.to_owned(), source };
    if directory.join(".git").exists() {
        return directory.canonicalize().map_err(fault);
    }
    if directory.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(SampleError::Occupied(directory.to_owned()));
    }
    let parent = match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    std::fs::create_dir_all(parent).map_err(fault)?;
    let fresh = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(parent).map_err(fault)?;
    fill(fresh.path(), config).await?;
    // Takes the place of an empty directory, but of nothing else.
    std::fs::rename(fresh.path(), directory).map_err(fault)?;
    // Under its own name now: there is nothing left to clean up.
    let _ = fresh.keep();
    directory.canonicalize().map_err(fault)
}

/// Makes the sample repository, as `sample`, in a workspace in which there is nothing, and returns its
/// path; `None` if there is something, which may be a sample that was made before.
///
/// # Errors
/// The directory cannot be read or written; there is no git.
pub async fn create_in_empty(
    workspace: &Path,
    config: &GitConfig,
) -> Result<Option<PathBuf>, SampleError> {
    let fault = |source| SampleError::Directory { directory: workspace.to_owned(), source };
    for entry in workspace.read_dir().map_err(fault)? {
        if !is_nothing(&entry.map_err(fault)?.file_name()) {
            return Ok(None);
        }
    }
    let sample = workspace.join("sample");
    match create(&sample, config).await {
        // Another process that shares the workspace was faster.
        Err(_) if sample.join(".git").exists() => Ok(None),
        made => made.map(Some),
    }
}

/// What is in a directory that nobody has put anything into: what file systems keep there, and what a
/// crash left of a sample.
fn is_nothing(name: &OsStr) -> bool {
    name == "lost+found" || name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes())
}

async fn fill(directory: &Path, config: &GitConfig) -> Result<(), ToolError> {
    let runner = Runner::new(config);
    let init = ["init", "--quiet", "--template=", "--initial-branch=main"];
    let history = ["fast-import", "--quiet", "--done"];
    let check_out = ["read-tree", "-m", "-u", "HEAD"];
    runner.git(directory).args(init).whole().await?.ok("init")?;
    runner.git(directory).args(history).stdin(HISTORY).whole().await?.ok("fast-import")?;
    runner.git(directory).args(check_out).whole().await?.ok("read-tree")?;
    Ok(())
}
