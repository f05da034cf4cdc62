//! A small, believable repository to try the git tools on: `main`, a `feature` branch that merges
//! cleanly into it and a `conflict` branch that does not.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Config;
use super::command::Runner;
use crate::tools::ToolError;

/// The history in the format of `git fast-import`. Authors and dates are fixed, so every sample has
/// the same commits.
const HISTORY: &[u8] = include_bytes!("sample/history.fi");

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
/// A directory that already holds a repository is left as it is.
///
/// It appears all at once: a crash on the way leaves no half-made repository under that name.
///
/// # Errors
/// The directory holds something else or cannot be written; there is no git.
pub async fn create(directory: &Path) -> Result<PathBuf, SampleError> {
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
    let fresh = tempfile::Builder::new().prefix(".sample-").tempdir_in(parent).map_err(fault)?;
    fill(fresh.path()).await?;
    // Takes the place of an empty directory, but of nothing else.
    std::fs::rename(fresh.path(), directory).map_err(fault)?;
    // Under its own name now: there is nothing left to clean up.
    let _ = fresh.keep();
    directory.canonicalize().map_err(fault)
}

async fn fill(directory: &Path) -> Result<(), ToolError> {
    let Config { search_path, timeout, max_output_bytes, .. } = Config::new(directory);
    let runner = Runner::new(search_path, timeout, max_output_bytes);
    let init = ["init", "--quiet", "--template=", "--initial-branch=main"];
    let history = ["fast-import", "--quiet", "--done"];
    let check_out = ["read-tree", "-m", "-u", "HEAD"];
    runner.git(directory).args(init).whole().await?.ok("init")?;
    runner.git(directory).args(history).stdin(HISTORY).whole().await?.ok("fast-import")?;
    runner.git(directory).args(check_out).whole().await?.ok("read-tree")?;
    Ok(())
}
