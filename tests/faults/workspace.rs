//! A workspace with a repository for each session, and a `git` that keeps count: what was done is
//! known from outside, whatever the server says.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::git::{commit, git};

/// Repositories to merge in. Each has `main`, which is checked out, and one commit on `feature`.
pub struct Workspace {
    directory: TempDir,
}

/// What happened to a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// How often a merge was begun.
    pub started: usize,
    /// How often `main` has moved because of one.
    pub moved: usize,
}

impl Workspace {
    /// With these repositories.
    pub fn with(repositories: impl IntoIterator<Item = String>) -> Self {
        let workspace = Self { directory: TempDir::new().unwrap() };
        let pattern = workspace.path("pattern");
        std::fs::create_dir(&pattern).unwrap();
        git(&pattern, &["init", "--quiet", "--template="]);
        commit(&pattern, "README.md", "안녕하세요\n");
        git(&pattern, &["checkout", "--quiet", "-b", "feature"]);
        commit(&pattern, "feature.txt", "new\n");
        git(&pattern, &["checkout", "--quiet", "main"]);
        std::fs::create_dir(workspace.root()).unwrap();
        workspace.add(repositories);
        workspace.install_git();
        workspace
    }

    /// Adds repositories.
    pub fn add(&self, repositories: impl IntoIterator<Item = String>) {
        for name in repositories {
            copy(&self.path("pattern"), &self.root().join(name));
        }
    }

    /// What `WORKSPACE_ROOT` must be.
    pub fn root(&self) -> PathBuf {
        self.path("repositories")
    }

    /// What `PATH` must be, so that the git that keeps count is found first.
    pub fn search_path(&self) -> String {
        format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap())
    }

    /// What was done to each repository so far.
    pub fn done(&self) -> HashMap<String, Done> {
        let mut all: HashMap<String, Done> = HashMap::new();
        let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        for line in log.lines() {
            let name = Path::new(line).file_name().unwrap().to_str().unwrap();
            all.entry(name.to_owned()).or_default().started += 1;
        }
        for (name, done) in &mut all {
            let moves = self.root().join(name).join(".git/logs/refs/heads/main");
            let moves = std::fs::read_to_string(moves).unwrap_or_default();
            done.moved = moves.lines().filter(|line| line.contains("\tmerge feature")).count();
        }
        all
    }

    /// A `git` that notes each call that only a merge makes, once for each, and then does it:
    /// whether the target is a symbolic branch is the first thing that `git_merge` asks.
    fn install_git(&self) {
        let find = std::process::Command::new("sh").args(["-c", "command -v git"]).output();
        let real = String::from_utf8(find.unwrap().stdout).unwrap();
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in\n\
             *' symbolic-ref --quiet refs/heads/main') echo \"$PWD\" >> '{log}' ;;\nesac\n\
             exec '{real}' \"$@\"\n",
            log = self.path("log").display(),
            real = real.trim(),
        );
        let bin = self.path("bin");
        std::fs::create_dir(&bin).unwrap();
        std::fs::write(bin.join("git"), script).unwrap();
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(bin.join("git"), executable).unwrap();
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
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
