//! Taking a checked out branch's index and work tree along with a merge.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::obstacles::{Change, Search};
use super::named_files::{MAX_FILES, name_some};
use crate::tools::ToolError;
use crate::tools::git::blocking::blocking;
use crate::tools::git::command::path_of;
use crate::tools::git::repository::Repository;

mod obstacles;

/// What stands in a git directory while something else is being done there.
const IN_PROGRESS: &[&str] =
    &["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"];

/// The one work tree in which the target branch is checked out: the call's own or a linked one.
pub(super) struct CheckedOut {
    place: Repository,
}

impl CheckedOut {
    /// Finds it; `None` if the branch is checked out nowhere.
    pub(super) async fn find(
        repository: &Repository,
        branch: &str,
    ) -> Result<Option<Self>, ToolError> {
        let full = format!("refs/heads/{branch}");
        let head = repository.call(&["symbolic-ref", "--quiet", "HEAD"]).whole().await?;
        let mut places = Vec::new();
        if head.text().trim() == full {
            places.push(repository.clone());
        }
        for directory in others(repository, &full).await? {
            places.push(open_linked(repository, branch, &directory).await?);
        }
        if places.len() > 1 {
            let message = format!("{branch} is checked out in several work trees");
            return Err(ToolError::Conflict(message));
        }
        Ok(places.pop().map(|place| Self { place }))
    }

    /// Refuses a work tree with changes to tracked files, or in the middle of something else.
    pub(super) async fn check_clean(&self) -> Result<(), ToolError> {
        let git_dir = self.place.git_dir();
        if let Some(what) = IN_PROGRESS.iter().find(|what| git_dir.join(what).exists()) {
            return Err(self.refused(&format!("something else is in progress there ({what})")));
        }
        let args = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no"];
        let output = self.place.call(&args).args(["--ignore-submodules=all"]).whole().await?;
        let fields = output.ok("status")?.fields();
        let changed: Vec<String> =
            fields.iter().filter_map(|entry| entry.get(3..)).map(str::to_owned).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let files = name_some(&changed);
        Err(self.refused(&format!("it has uncommitted changes in {files}")))
    }

    /// Refuses if files that git does not track stand where the merge adds files. Git looks as well,
    /// but takes ignored files for worthless and would overwrite them.
    pub(super) async fn check_untracked(&self, old: &str, new: &str) -> Result<(), ToolError> {
        let args = ["diff-tree", "-r", "-z", "--name-status", "--no-renames", "--diff-filter=AD"];
        let changes = self.place.call(&args).args([old, new]).whole().await?.ok("diff-tree")?;
        let changes = Change::all(changes.raw_fields());
        let work_tree = self.place.work_tree().to_owned();
        let limit = self.place.git().runner.timeout;
        let blocked = blocking(limit, move |deadline| {
            Search::new(&work_tree, &changes, deadline).obstacles(&changes)
        });
        let blocked = blocked.await?;
        if blocked.is_empty() {
            return Ok(());
        }
        let mut files = name_some(&blocked[..blocked.len().min(MAX_FILES)]);
        if blocked.len() > MAX_FILES {
            // The search ended there: nobody knows how many.
            files.push_str(" and more");
        }
        Err(self.refused(&format!("untracked files would be overwritten: {files}")))
    }

    /// Brings index and work tree from `old` to `new`. On an error they are at `old`, unless the
    /// error says otherwise.
    pub(super) async fn go(&self, old: &str, new: &str) -> Result<(), ToolError> {
        // Files that were touched but not changed would look changed to the next step. The exit
        // status only tells whether there were any.
        self.place.call(&["update-index", "-q", "--refresh"]).whole().await?;
        let rehearsal = self.place.call(&["read-tree", "-m", "-u", "-n", old, new]).whole().await?;
        if rehearsal.code != Some(0) {
            return Err(self.refused(rehearsal.complaint()));
        }
        let done = self.place.call(&["read-tree", "-m", "-u", old, new]).whole().await;
        match done.and_then(|output| output.ok("read-tree")) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.go_back(old, new, error).await),
        }
    }

    /// Brings index and work tree back to `old` from `new`, or from anywhere on the way to it, and
    /// returns the error that made it necessary.
    pub(super) async fn go_back(&self, old: &str, new: &str, error: ToolError) -> ToolError {
        // With all of `new` in the index, going to `old` also removes what `new` had added.
        let steps: [&[&str]; 2] = [&["read-tree", new], &["read-tree", "--reset", "-u", old]];
        for step in steps {
            let done = self.place.call(step).whole().await;
            if done.and_then(|output| output.ok("read-tree")).is_err() {
                return ToolError::Failed(format!(
                    "{error}; the branch is as it was, but files of the work tree may already be \
                     merged: `git reset --hard` takes them back"
                ));
            }
        }
        let _ = self.place.call(&["update-index", "-q", "--refresh"]).whole().await;
        error
    }

    fn refused(&self, why: &str) -> ToolError {
        let name = self.place.name();
        ToolError::Conflict(format!(
            "the work tree {name} cannot take the merge: {why}; nothing was changed"
        ))
    }
}

/// The other work trees of the repository that have this ref checked out and still exist.
async fn others(repository: &Repository, full: &str) -> Result<Vec<PathBuf>, ToolError> {
    let output = repository.call(&["worktree", "list", "--porcelain", "-z"]).whole().await?;
    let output = output.ok("worktree list")?;
    let fields: Vec<&[u8]> = output.raw_fields().collect();
    let branch = format!("branch {full}");
    // Git guesses the main work tree's path from the git directory's, which is not always right;
    // where the call works in the main one, it is the first entry and known anyway.
    let in_main = repository.git_dir() == repository.common_dir();
    let found = fields
        .split(|field| field.is_empty())
        .skip(usize::from(in_main))
        .filter(|entry| entry.contains(&branch.as_bytes()))
        .filter_map(|entry| entry.first()?.strip_prefix(b"worktree ").map(path_of))
        .filter(|path| path.exists())
        .filter(|path| !path.canonicalize().is_ok_and(|path| path == repository.work_tree()));
    Ok(found.map(Path::to_owned).collect())
}

/// Opens another work tree with the same care as the first, and checks that it is the repository's.
async fn open_linked(
    repository: &Repository,
    branch: &str,
    directory: &Path,
) -> Result<Repository, ToolError> {
    let git = repository.git();
    let elsewhere = || {
        let message = format!("{branch} is checked out in a work tree that cannot be used");
        ToolError::Conflict(message)
    };
    let location = git.workspace()?.location_of(directory).ok_or_else(elsewhere)?;
    let place = Repository::open(Arc::clone(git), location).await?;
    if place.common_dir() == repository.common_dir() { Ok(place) } else { Err(elsewhere()) }
}
