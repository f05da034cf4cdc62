//! What stands in a work tree where a merge adds files.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use crate::tools::ToolError;
use crate::tools::git::blocking::Deadline;
use crate::tools::git::merge::steps::MAX_FILES;

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
    /// A search where these changes, given as (status, path) pairs, are to happen.
    pub(super) fn new(work_tree: &'a Path, changes: &'a [String], deadline: Deadline) -> Self {
        let deleted = with_status("D", changes).collect();
        Self { work_tree, deleted, deadline, found: BTreeSet::new() }
    }

    /// What stands in the way of the added files, sorted; at most one more than a message names.
    /// Blocks.
    pub(super) fn obstacles(mut self, changes: &[String]) -> Result<Vec<String>, ToolError> {
        for added in with_status("A", changes) {
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

fn with_status<'a>(wanted: &str, changes: &'a [String]) -> impl Iterator<Item = &'a Path> {
    let pairs = changes.chunks_exact(2).filter(move |pair| pair[0] == wanted);
    pairs.map(|pair| Path::new(&pair[1]))
}

/// Whether something is there that is not a directory; a link is a file.
fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|there| !there.is_dir())
}
