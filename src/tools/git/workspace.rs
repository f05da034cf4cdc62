//! Which directories the git tools may work in: the workspace root and what lies below it.

use std::path::{Path, PathBuf};

use super::refs::RelativePath;
use crate::tools::ToolError;

/// How many candidates a message names.
const MAX_CANDIDATES: usize = 20;
/// How many entries of the root are looked at when no repository was named.
const MAX_ENTRIES: usize = 1000;

/// The workspace root, canonical: no symbolic link is left in it.
#[derive(Clone, Debug)]
pub(super) struct Workspace {
    root: PathBuf,
}

/// A directory of the workspace that may hold a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    /// Where it is, canonical and inside the root.
    pub(super) directory: PathBuf,
    /// What people call it: its path below the root, or the root's own name.
    pub(super) name: String,
}

impl Location {
    /// The answer for a repository that is there and must not be used.
    pub(super) fn refused(&self, why: &str) -> ToolError {
        ToolError::NotFound(format!("the repository {} is not used: {why}", self.name))
    }
}

impl Workspace {
    /// The workspace below an existing directory.
    pub(super) fn new(root: &Path) -> std::io::Result<Self> {
        let root = root.canonicalize()?;
        if !root.is_dir() {
            return Err(std::io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { root })
    }

    /// Whether a path, once all symbolic links are followed, exists and lies inside the root.
    pub(super) fn contains(&self, path: &Path) -> bool {
        self.canonical(path).is_some()
    }

    /// Where a path leads once all symbolic links are followed, if that exists inside the root.
    pub(super) fn canonical(&self, path: &Path) -> Option<PathBuf> {
        path.canonicalize().ok().filter(|path| path.starts_with(&self.root))
    }

    /// The directory that a call names; without a name, the one there is.
    pub(super) fn locate(&self, named: Option<&RelativePath>) -> Result<Location, ToolError> {
        match named {
            Some(path) => self.at(path.as_str()),
            None => self.only_one(),
        }
    }

    /// A directory that git named, if it lies inside.
    pub(super) fn location_of(&self, directory: &Path) -> Option<Location> {
        let directory = directory.canonicalize().ok()?;
        let below = directory.strip_prefix(&self.root).ok()?;
        let name = if below.as_os_str().is_empty() {
            self.root.file_name().map_or_else(|| ".".into(), |name| name.to_string_lossy())
        } else {
            below.to_string_lossy()
        };
        Some(Location { name: name.into_owned(), directory })
    }

    fn at(&self, path: &str) -> Result<Location, ToolError> {
        let outside = || {
            let message = format!("there is no repository {path:?} in the workspace");
            ToolError::NotFound(message)
        };
        // A link that leads out is answered like a path that does not exist, so that nobody can
        // feel their way around outside.
        let location = self.location_of(&self.root.join(path)).ok_or_else(outside)?;
        if location.directory.is_dir() { Ok(location) } else { Err(outside()) }
    }

    fn only_one(&self) -> Result<Location, ToolError> {
        if has_git_entry(&self.root) {
            return self.at(".");
        }
        let candidates = self.candidates();
        match candidates.as_slice() {
            [only] => self.at(only),
            [] => Err(ToolError::NotFound("there is no repository in the workspace".into())),
            several => Err(ToolError::InvalidArguments(format!(
                "`repository`: there are several repositories, name one of: {}",
                several[..several.len().min(MAX_CANDIDATES)].join(", ")
            ))),
        }
    }

    /// The names of what looks like a repository directly below the root, sorted.
    fn candidates(&self) -> Vec<String> {
        let Ok(entries) = self.root.read_dir() else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .take(MAX_ENTRIES)
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| RelativePath::try_from(name.clone()).is_ok())
            .filter(|name| has_git_entry(&self.root.join(name)))
            .filter(|name| self.contains(&self.root.join(name)))
            .collect();
        names.sort();
        names
    }
}

fn has_git_entry(directory: &Path) -> bool {
    directory.join(".git").symlink_metadata().is_ok()
}
