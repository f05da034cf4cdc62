//! A workspace with a repository for each session, in which doing something twice shows.
//!
//! A merge that has happened makes the next one say "already up to date", which would hide a second
//! one. So a colleague undoes every merge as soon as it has happened: the branch's own log, which
//! git writes, then has a line for each time that a merge was really done.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinHandle;

use aura_testing::git::{commit, git};

/// How soon the colleague looks again. A second owner needs at least a lease to begin.
const LOOK: Duration = Duration::from_millis(20);

/// Repositories to merge in. Each has `main`, which is not checked out, and one more commit on
/// `feature`.
pub struct Workspace {
    directory: TempDir,
    watched: Arc<Mutex<Vec<PathBuf>>>,
    colleague: JoinHandle<()>,
}

impl Workspace {
    /// With no repository yet, and the colleague at work.
    pub fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let pattern = directory.path().join("pattern");
        std::fs::create_dir(&pattern).unwrap();
        git(&pattern, &["init", "--quiet", "--template="]);
        commit(&pattern, "README.md", "안녕하세요\n");
        git(&pattern, &["checkout", "--quiet", "-b", "feature"]);
        commit(&pattern, "feature.txt", "new\n");
        std::fs::create_dir(directory.path().join("repositories")).unwrap();
        let before = std::fs::read_to_string(main_of(&pattern)).unwrap();
        let watched = Arc::default();
        let colleague = tokio::spawn(undo(Arc::clone(&watched), before));
        Self { directory, watched, colleague }
    }

    /// Adds a repository.
    pub fn add(&self, name: &str) {
        let repository = self.root().join(name);
        copy(&self.directory.path().join("pattern"), &repository);
        self.watched.lock().unwrap().push(repository);
    }

    /// Lets the colleague look at these no more.
    pub fn forget(&self) {
        self.watched.lock().unwrap().clear();
    }

    /// What `WORKSPACE_ROOT` must be.
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("repositories")
    }

    /// How often a merge was done in a repository, by the log that git keeps.
    pub fn merges(&self, name: &str) -> usize {
        let log = self.root().join(name).join(".git/logs/refs/heads/main");
        let log = std::fs::read_to_string(log).unwrap();
        log.lines().filter(|line| line.contains("\tmerge feature")).count()
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.colleague.abort();
    }
}

fn main_of(repository: &Path) -> PathBuf {
    repository.join(".git/refs/heads/main")
}

async fn undo(watched: Arc<Mutex<Vec<PathBuf>>>, before: String) {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        for repository in watched.lock().unwrap().iter() {
            let main = main_of(repository);
            // Git replaces the file as a whole, and so does this.
            if std::fs::read_to_string(&main).is_ok_and(|now| now != before) {
                let new = repository.join(".git/undone");
                std::fs::write(&new, &before).unwrap();
                std::fs::rename(&new, &main).unwrap();
            }
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
