//! Taking a checked out branch's index and work tree along with a merge.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::steps::name_some;
use crate::tools::ToolError;
use crate::tools::git::repository::Repository;

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
        let blocked = obstacles(self.place.work_tree(), &changes.fields());
        if blocked.is_empty() {
            return Ok(());
        }
        let files = name_some(&blocked);
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

/// What stands in the way of the added files, given as (status, path) pairs; tracked files that the
/// merge deletes do not.
fn obstacles(work_tree: &Path, changes: &[String]) -> Vec<String> {
    let pairs = || changes.chunks_exact(2).map(|pair| (pair[0].as_str(), Path::new(&pair[1])));
    let deleted: HashSet<&Path> =
        pairs().filter(|(status, _)| *status == "D").map(|(_, path)| path).collect();
    let mut found = BTreeSet::new();
    for (_, added) in pairs().filter(|(status, _)| *status == "A") {
        // Above an added file only directories may stand, below it nothing.
        let above = added.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty());
        found.extend(above.filter(|path| is_file(&work_tree.join(path))).map(Path::to_owned));
        files_below(work_tree, added.to_owned(), &mut found);
    }
    let untracked = found.iter().filter(|path| !deleted.contains(path.as_path()));
    untracked.map(|path| path.to_string_lossy().into_owned()).collect()
}

/// Whether something is there that is not a directory; a link is a file.
fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|there| !there.is_dir())
}

/// Collects the file at a path, or all files below it.
fn files_below(work_tree: &Path, start: PathBuf, found: &mut BTreeSet<PathBuf>) {
    let mut waiting = vec![start];
    while let Some(path) = waiting.pop() {
        let full = work_tree.join(&path);
        if is_file(&full) {
            found.insert(path);
        } else if let Ok(entries) = full.read_dir() {
            waiting.extend(entries.flatten().map(|entry| path.join(entry.file_name())));
        }
    }
}

/// The other work trees of the repository that have this ref checked out and still exist.
async fn others(repository: &Repository, full: &str) -> Result<Vec<PathBuf>, ToolError> {
    let output = repository.call(&["worktree", "list", "--porcelain", "-z"]).whole().await?;
    let fields = output.ok("worktree list")?.fields();
    // Git guesses the main work tree's path from the git directory's, which is not always right;
    // where the call works in the main one, it is the first entry and known anyway.
    let in_main = repository.git_dir() == repository.common_dir();
    let found = fields
        .split(String::is_empty)
        .skip(usize::from(in_main))
        .filter(|entry| entry.iter().any(|line| line.strip_prefix("branch ") == Some(full)))
        .filter_map(|entry| entry.first()?.strip_prefix("worktree ").map(PathBuf::from))
        .filter(|path| path.exists())
        .filter(|path| !path.canonicalize().is_ok_and(|path| path == repository.work_tree()));
    Ok(found.collect())
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
    let location = git.workspace.location_of(directory).ok_or_else(elsewhere)?;
    let place = Repository::open(Arc::clone(git), location).await?;
    if place.common_dir() == repository.common_dir() { Ok(place) } else { Err(elsewhere()) }
}
