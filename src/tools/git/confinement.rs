//! Whether everything that git would read of a repository's own data lies inside the workspace.
//!
//! Git follows symbolic links at every level of its directory, and `objects/info/alternates` to
//! other object directories. [`Look`] follows them too, once, and refuses what leads outside. It
//! lists directories and asks nothing of the files in them, so a large repository costs no more
//! than its directories do.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{DirEntry, File};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::blocking::Deadline;
use super::workspace::{Location, Workspace};
use crate::tools::ToolError;

/// How many object directories a repository may borrow from, at any remove.
const MAX_ALTERNATES: usize = 100;
/// Longest list of borrowed objects, in bytes.
const MAX_LIST: u64 = 64 * 1024;
/// How many entries are looked at. Objects do not count; refs of a very large repository are packed.
const MAX_ENTRIES: usize = 50_000;
/// What is large, and never read by our calls: submodules' repositories and other programs' data.
const NOT_READ: [&str; 3] = ["modules", "lfs", "annex"];

/// A look at a repository's own data.
pub(super) struct Look {
    workspace: Workspace,
    location: Location,
    deadline: Deadline,
    /// Directories still to be listed, canonical.
    waiting: Vec<Directory>,
    /// Directories that are listed or waiting: each is listed once, whatever leads to it.
    seen: HashSet<PathBuf>,
    entries: usize,
    alternates: usize,
}

struct Directory {
    path: PathBuf,
    /// Whether it holds objects: then its plain files are left out of the count.
    objects: bool,
}

impl Look {
    /// A look at the repository at that place.
    pub(super) fn new(workspace: Workspace, location: Location, deadline: Deadline) -> Self {
        let (waiting, seen) = (Vec::new(), HashSet::new());
        Self { workspace, location, deadline, waiting, seen, entries: 0, alternates: 0 }
    }

    /// Looks at everything below the git directories and at the objects that they borrow. Blocks.
    ///
    /// # Errors
    /// Something leads out of the workspace, cannot be looked at, or is too much.
    pub(super) fn through(mut self, git_dirs: [&Path; 2]) -> Result<(), ToolError> {
        for git_dir in git_dirs {
            let objects = git_dir.join("objects");
            if objects.symlink_metadata().is_ok() {
                self.borrowed(&objects)?;
            }
            self.enter(git_dir, false)?;
        }
        while let Some(directory) = self.waiting.pop() {
            self.list(&directory)?;
        }
        Ok(())
    }

    /// Looks at an object directory, at those that it borrows from, at theirs, and so on.
    fn borrowed(&mut self, objects: &Path) -> Result<(), ToolError> {
        let mut lenders = vec![self.inside(objects)?];
        while let Some(objects) = lenders.pop() {
            if !self.enter(&objects, true)? {
                continue;
            }
            self.alternates += 1;
            if self.alternates > MAX_ALTERNATES {
                return Err(self.refused("it borrows objects from too many places"));
            }
            // What is not UTF-8 is as good a path as any; and git ends a line with `\n` only.
            for line in self.list_of_lenders(&objects)?.split(|byte| *byte == b'\n') {
                if !line.is_empty() && !line.starts_with(b"#") {
                    lenders.push(self.lender(&objects, line)?);
                }
            }
        }
        Ok(())
    }

    /// The object directory that a line names, canonical and inside the workspace.
    fn lender(&self, objects: &Path, line: &[u8]) -> Result<PathBuf, ToolError> {
        let path = Path::new(OsStr::from_bytes(line));
        // Git would unquote the one, and takes `..` of the other for what is written before it,
        // not for where a link leads. Neither is how git itself writes such a list.
        let mut tail = path.components().skip_while(|part| !matches!(part, Component::Normal(_)));
        if line.starts_with(b"\"") || tail.any(|part| part == Component::ParentDir) {
            return Err(self.refused("its list of borrowed objects has an unusual path"));
        }
        let outside = "it borrows objects from outside of the workspace";
        self.workspace.canonical(&objects.join(path)).ok_or_else(|| self.refused(outside))
    }

    /// The content of `info/alternates`; nothing if there is none.
    fn list_of_lenders(&self, objects: &Path) -> Result<Vec<u8>, ToolError> {
        let path = objects.join("info/alternates");
        let unusable = || self.refused("its list of borrowed objects cannot be read");
        if matches!(path.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound) {
            return Ok(Vec::new());
        }
        let path = self.inside(&path)?;
        // Opening a pipe would wait for somebody to write to it.
        if !path.metadata().is_ok_and(|there| there.is_file()) {
            return Err(unusable());
        }
        let mut list = Vec::new();
        let read =
            File::open(&path).and_then(|file| file.take(MAX_LIST + 1).read_to_end(&mut list));
        match read {
            Ok(length) if length as u64 <= MAX_LIST => Ok(list),
            Ok(_) => Err(self.refused("its list of borrowed objects is too long")),
            Err(_) => Err(unusable()),
        }
    }

    /// Puts a directory on the list, unless it is there. Whether it was not.
    fn enter(&mut self, path: &Path, objects: bool) -> Result<bool, ToolError> {
        self.deadline.check()?;
        let fresh = self.seen.insert(path.to_owned());
        if fresh {
            self.waiting.push(Directory { path: path.to_owned(), objects });
        }
        Ok(fresh)
    }

    fn list(&mut self, directory: &Directory) -> Result<(), ToolError> {
        let entries = match directory.path.read_dir() {
            Ok(entries) => entries,
            // Git tidies up at any time.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            // Git may well find in it what cannot be listed.
            Err(_) => return Err(self.unreadable()),
        };
        for entry in entries {
            let entry = entry.map_err(|_| self.unreadable())?;
            self.look_at(&entry, directory.objects)?;
        }
        Ok(())
    }

    fn look_at(&mut self, entry: &DirEntry, objects: bool) -> Result<(), ToolError> {
        self.deadline.check()?;
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(_) => return Err(self.unreadable()),
        };
        if objects && kind.is_file() {
            return Ok(());
        }
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(self.refused("its git directory has too many entries"));
        }
        if kind.is_dir() && (objects || !NOT_READ.iter().any(|name| entry.file_name() == *name)) {
            self.enter(&entry.path(), objects)?;
        } else if kind.is_symlink() {
            let target = self.inside(&entry.path())?;
            if target.is_dir() {
                self.enter(&target, objects)?;
            }
        }
        Ok(())
    }

    /// Where a path leads once all links are followed.
    fn inside(&self, path: &Path) -> Result<PathBuf, ToolError> {
        let outside = "a link in its git directory leads outside";
        self.workspace.canonical(path).ok_or_else(|| self.refused(outside))
    }

    fn unreadable(&self) -> ToolError {
        self.refused("its git directory cannot be read")
    }

    fn refused(&self, why: &str) -> ToolError {
        self.location.refused(why)
    }
}
