//! A repository that was looked over before anything is done in it.
//!
//! Git follows many pointers: `.git` may be a file that points elsewhere, `core.worktree` may move
//! the work tree, `objects/info/alternates` borrows objects, anything below may be a symbolic link.
//! [`Repository::open`] follows them all once ([`super::confinement`]), refuses what leads out of
//! the workspace, and pins what it found: every later call names git directory and work tree and
//! discovers nothing.
//!
//! It also refuses settings that would run a program and that no override reaches
//! ([`super::command`] lists the others). The look is not a lock: whoever can change the
//! repository's settings between the look and the call already runs programs on this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Git;
use super::blocking::blocking;
use super::command::{GitCommand, path_of};
use super::confinement::Look;
use super::origin::Origin;
use super::refs::RefName;
use super::workspace::Location;
use crate::tools::ToolError;

/// A repository with a work tree inside the workspace.
#[derive(Clone)]
pub(super) struct Repository {
    git: Arc<Git>,
    location: Location,
    git_dir: PathBuf,
    common_dir: PathBuf,
    identity: Option<Identity>,
    origin: Option<Origin>,
}

/// Who a commit is by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) email: String,
}

impl Repository {
    /// Opens the repository whose work tree is exactly this directory; one above it is not found.
    pub(super) async fn open(git: Arc<Git>, location: Location) -> Result<Self, ToolError> {
        git.available()?;
        let (git_dir, common_dir) = discover(&git, &location).await?;
        check_confined(&git, &location, &git_dir, &common_dir).await?;
        let repository = Self { git, location, git_dir, common_dir, identity: None, origin: None };
        let (identity, origin) = repository.check_settings().await?;
        Ok(Self { identity, origin, ..repository })
    }

    /// What people call it.
    pub(super) fn name(&self) -> &str {
        &self.location.name
    }

    /// Its work tree.
    pub(super) fn work_tree(&self) -> &Path {
        &self.location.directory
    }

    /// The directory of this work tree's own state: `HEAD`, the index, a merge in progress.
    pub(super) fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The directory that all work trees of the repository share; its identity.
    pub(super) fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// Who the repository's own settings say that commits are by.
    pub(super) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Where it was cloned from, if that is a place on another machine.
    pub(super) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The tools that it was opened with.
    pub(super) fn git(&self) -> &Arc<Git> {
        &self.git
    }

    /// A call in this repository, and in no other.
    pub(super) fn call<'a>(&'a self, args: &[&str]) -> GitCommand<'a> {
        let command = self.git.runner.git(&self.location.directory);
        command
            .env("GIT_DIR", &self.git_dir)
            .env("GIT_WORK_TREE", &self.location.directory)
            .args(args)
    }

    /// The commit of a local branch.
    pub(super) async fn branch(&self, name: &RefName) -> Result<String, ToolError> {
        let found = self.commit_at(&format!("refs/heads/{}", name.as_branch())).await?;
        found.ok_or_else(|| {
            ToolError::NotFound(format!(
                "there is no branch {:?} in {}",
                name.as_str(),
                self.name()
            ))
        })
    }

    /// The commit that a branch, a tag, a remote branch, `HEAD` or a hash stands for; in this order.
    pub(super) async fn revision(&self, name: &RefName) -> Result<String, ToolError> {
        let text = name.as_str();
        if text == "HEAD" {
            return self.head().await;
        }
        let mut places: Vec<String> = match text {
            full if full.starts_with("refs/") => vec![full.into()],
            short => ["heads", "tags", "remotes"].map(|at| format!("refs/{at}/{short}")).into(),
        };
        if name.may_be_hash() {
            places.push(text.into());
        }
        for place in places {
            if let Some(commit) = self.commit_at(&place).await? {
                return Ok(commit);
            }
        }
        let message = format!("there is no branch, tag or commit {text:?} in {}", self.name());
        Err(ToolError::NotFound(message))
    }

    /// The last commit of what is checked out.
    pub(super) async fn head(&self) -> Result<String, ToolError> {
        let none = || ToolError::NotFound(format!("{} has no commits yet", self.name()));
        self.commit_at("HEAD").await?.ok_or_else(none)
    }

    /// The best common ancestor of two commits, if they have one.
    pub(super) async fn merge_base(&self, a: &str, b: &str) -> Result<Option<String>, ToolError> {
        let output = self.call(&["merge-base", a, b]).whole().await?;
        match output.code {
            Some(0) => Ok(Some(output.text().trim().to_owned())),
            Some(1) => Ok(None),
            Some(_) | None => Err(output.failure("merge-base")),
        }
    }

    async fn commit_at(&self, place: &str) -> Result<Option<String>, ToolError> {
        let commit = format!("{place}^{{commit}}");
        let output =
            self.call(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).whole();
        let output = output.await?;
        Ok((output.code == Some(0)).then(|| output.text().trim().to_owned()))
    }

    /// Refuses settings that run programs, and finds identity and origin on the way.
    async fn check_settings(&self) -> Result<(Option<Identity>, Option<Origin>), ToolError> {
        let output = self.call(&["config", "--list", "-z"]).whole().await?.ok("config")?;
        let (mut name, mut email, mut origin) = (None, None, None);
        for entry in output.fields() {
            let (key, value) = entry.split_once('\n').unwrap_or((&entry, ""));
            if runs_a_program(key) {
                let why = format!("its setting {key:?} would run a program");
                return Err(self.location.refused(&why));
            }
            match key {
                "user.name" => name = Some(value.to_owned()),
                "user.email" => email = Some(value.to_owned()),
                "remote.origin.url" => origin = Origin::of_url(value),
                _ => {}
            }
        }
        Ok((name.zip(email).map(|(name, email)| Identity { name, email }), origin))
    }
}

/// The git directory and the shared one of the repository at that very place.
async fn discover(git: &Git, location: &Location) -> Result<(PathBuf, PathBuf), ToolError> {
    let no_repository =
        || ToolError::NotFound(format!("{} is not a git repository", location.name));
    let ceiling = location.directory.parent().unwrap_or(Path::new("/"));
    let output = git
        .runner
        .git(&location.directory)
        .env("GIT_CEILING_DIRECTORIES", ceiling)
        .args(["rev-parse", "--path-format=absolute", "--show-toplevel"])
        .args(["--absolute-git-dir", "--git-common-dir"])
        .whole()
        .await?;
    if output.code != Some(0) {
        return Err(no_repository());
    }
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let lines: Vec<_> = lines.map(|line| path_of(line).canonicalize()).collect();
    let [Ok(top), Ok(git_dir), Ok(common_dir)] = lines.as_slice() else {
        return Err(no_repository());
    };
    if *top != location.directory {
        return Err(location.refused("its work tree is somewhere else"));
    }
    let workspace = git.workspace()?;
    if ![git_dir, common_dir].into_iter().all(|path| workspace.contains(path)) {
        return Err(location.refused("its git directory is outside of the workspace"));
    }
    Ok((git_dir.clone(), common_dir.clone()))
}

/// Whether a setting names a program that one of our calls would run, out of reach of an override.
/// The section and the last part of a key are lower case in git's listing.
fn runs_a_program(key: &str) -> bool {
    let section = key.split('.').next().unwrap_or_default();
    let last = key.rsplit('.').next().unwrap_or_default();
    match section {
        "filter" => matches!(last, "clean" | "smudge" | "process"),
        "merge" => last == "driver",
        "hook" => last == "command",
        _ => false,
    }
}

/// Refuses a repository whose own data lead out of the workspace.
async fn check_confined(
    git: &Git,
    location: &Location,
    git_dir: &Path,
    common_dir: &Path,
) -> Result<(), ToolError> {
    let (workspace, location) = (git.workspace()?.clone(), location.clone());
    let (git_dir, common_dir) = (git_dir.to_owned(), common_dir.to_owned());
    blocking(git.runner.timeout, move |deadline| {
        Look::new(workspace, location, deadline).through([&git_dir, &common_dir])
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::runs_a_program;

    #[test]
    fn settings_that_run_programs_are_told_from_their_neighbours() {
        for key in ["filter.lfs.smudge", "filter.a.b.process", "merge.x.driver", "hook.x.command"] {
            assert!(runs_a_program(key), "{key}");
        }
        for key in ["filter.lfs.required", "merge.conflictstyle", "merge.x.name", "core.bare"] {
            assert!(!runs_a_program(key), "{key}");
        }
    }
}
