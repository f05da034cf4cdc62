//! What stands in a work tree where a merge adds files.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use crate::tools::ToolError;
use crate::tools::git::blocking::Deadline;
use crate::tools::git::command::path_of;
use crate::tools::git::merge::named_files::MAX_FILES;

/// A file that the merge adds or deletes.
pub(super) enum Change {
    Added(PathBuf),
    Deleted(PathBuf),
}

impl Change {
    /// Of a list of statuses and names, alternating, as `diff-tree -z --name-status` gives it. Names
    /// are taken as the bytes that they are: a file is found by no others.
    pub(super) fn all<'a>(mut fields: impl Iterator<Item = &'a [u8]>) -> Vec<Self> {
        let mut changes = Vec::new();
        while let (Some(status), Some(name)) = (fields.next(), fields.next()) {
            let path = path_of(name).to_owned();
            match status {
                b"A" => changes.push(Self::Added(path)),
                b"D" => changes.push(Self::Deleted(path)),
                _ => {}
            }
        }
        changes
    }

    fn added(&self) -> Option<&Path> {
        match self {
            Self::Added(path) => Some(path),
            Self::Deleted(_) => None,
        }
    }

    fn deleted(&self) -> Option<&Path> {
        match self {
            Self::Added(_) => None,
            Self::Deleted(path) => Some(path),
        }
    }
}

/// A search for files that git does not track. It follows no link, and ends when it has found more
/// than a message names.
pub(super) struct Search<'a> {
    work_tree: &'a Path,
    /// Tracked files that the merge deletes: they are not in its way.
    deleted: HashSet<&'a Path>,
    deadline: Deadline,
    found: BTreeSet<PathBuf>,
}

impl<'a> Search<'a> {
    /// A search where these changes are to happen.
    pub(super) fn new(work_tree: &'a Path, changes: &'a [Change], deadline: Deadline) -> Self {
        let deleted = changes.iter().filter_map(Change::deleted).collect();
        Self { work_tree, deleted, deadline, found: BTreeSet::new() }
    }

    /// What stands in the way of the added files, sorted; at most one more than a message names.
    /// Blocks.
    pub(super) fn obstacles(mut self, changes: &[Change]) -> Result<Vec<String>, ToolError> {
        for added in changes.iter().filter_map(Change::added) {
            match self.file_above(added)? {
                Some(file) => self.note(file),
                None => self.files_at(added)?,
            }
            if self.is_enough() {
                break;
            }
        }
        Ok(self.found.iter().map(|path| path.to_string_lossy().into_owned()).collect())
    }

    /// The first thing on the way to a path that is no directory. What is beyond it is somewhere
    /// else.
    fn file_above(&self, path: &Path) -> Result<Option<PathBuf>, ToolError> {
        let above: Vec<&Path> = path.ancestors().skip(1).collect();
        // From the top, which is the work tree itself.
        for directory in above.into_iter().rev().skip(1) {
            self.deadline.check()?;
            if is_file(&self.work_tree.join(directory)) {
                return Ok(Some(directory.to_owned()));
            }
        }
        Ok(None)
    }

    /// Notes the file at a path, or all files below it.
    fn files_at(&mut self, start: &Path) -> Result<(), ToolError> {
        let mut waiting = vec![start.to_owned()];
        while let Some(path) = waiting.pop() {
            self.deadline.check()?;
            let full = self.work_tree.join(&path);
            if is_file(&full) {
                self.note(path);
            } else if let Ok(entries) = full.read_dir() {
                for entry in entries.flatten() {
                    self.deadline.check()?;
                    waiting.push(path.join(entry.file_name()));
                }
            }
            if self.is_enough() {
                break;
            }
        }
        Ok(())
    }

    fn note(&mut self, path: PathBuf) {
        if !self.deleted.contains(path.as_path()) {
            self.found.insert(path);
        }
    }

    fn is_enough(&self) -> bool {
        self.found.len() > MAX_FILES
    }
}

/// Whether something is there that is not a directory; a link is a file.
fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|there| !there.is_dir())
}
