//! The steps of a merge, in the order that the parent module explains.

use serde_json::{Value, json};

use super::named_files::{MAX_FILES, name_some};
use super::ref_update::RefUpdate;
use super::signature::signed;
use super::work_tree::CheckedOut;
use super::{Arguments, TRAILER};
use crate::domain::ToolCallId;
use crate::domain::text::first_chars;
use crate::tools::ToolError;
use crate::tools::git::refs::{CommitHash, RefName};
use crate::tools::git::repository::Repository;

/// A merge that git is able to do.
pub(super) struct Merge<'a> {
    pub(super) repository: &'a Repository,
    pub(super) source: &'a str,
    pub(super) target: String,
    /// Where the target is.
    pub(super) old: String,
    /// Where the source is.
    pub(super) theirs: String,
}

impl<'a> Merge<'a> {
    /// Finds both branches.
    pub(super) async fn prepare(
        repository: &'a Repository,
        call: &'a Arguments,
    ) -> Result<Self, ToolError> {
        let old = repository.branch(&call.target).await?;
        let theirs = repository.branch(&call.source).await?;
        check_unmoved(&call.target, call.target_commit.as_ref(), &old)?;
        check_unmoved(&call.source, call.source_commit.as_ref(), &theirs)?;
        let target = call.target.as_branch().to_owned();
        let full = format!("refs/heads/{target}");
        if repository.call(&["symbolic-ref", "--quiet", &full]).whole().await?.code == Some(0) {
            let message = format!("the branch {target} is only another name for a branch");
            return Err(ToolError::Conflict(message));
        }
        Ok(Self { repository, source: call.source.as_branch(), target, old, theirs })
    }

    /// Whether the target already has everything. Without common history there is no merge.
    pub(super) async fn is_up_to_date(&self) -> Result<bool, ToolError> {
        match self.repository.merge_base(&self.old, &self.theirs).await? {
            Some(base) => Ok(base == self.theirs),
            None => Err(ToolError::Conflict(format!(
                "{} and {} have no common history; nothing was changed",
                self.source, self.target
            ))),
        }
    }

    /// Why nobody is asked about it.
    pub(super) fn nothing_to_merge(&self) -> ToolError {
        let Self { source, target, .. } = self;
        ToolError::Conflict(format!(
            "{target} already has everything of {source}: there is nothing to merge"
        ))
    }

    /// The merged tree, or the files in which the branches conflict.
    pub(super) async fn tree(&self) -> Result<String, ToolError> {
        let args = ["merge-tree", "--write-tree", "--name-only", "-z", "--no-messages"];
        let output = self.repository.call(&args).args([&self.old, &self.theirs]).whole().await?;
        let fields = output.fields();
        match (output.code, fields.split_first()) {
            (Some(0), Some((tree, _))) => Ok(tree.clone()),
            (Some(1), Some((_, files))) => Err(ToolError::Conflict(format!(
                "{} cannot be merged into {}: conflict in {}; nothing was changed",
                self.source,
                self.target,
                name_some(files)
            ))),
            _ => Err(output.failure("merge-tree")),
        }
    }

    /// Writes the merge commit; nothing refers to it yet.
    pub(super) async fn commit(
        &self,
        tree: &str,
        message: Option<&str>,
        call: &ToolCallId,
    ) -> Result<String, ToolError> {
        let default = format!("Merge branch '{}' into {}", self.source, self.target);
        let message = message.map_or(default.as_str(), str::trim);
        let trailer = trailer(call);
        let args = ["commit-tree", "--no-gpg-sign", "-p", &self.old, "-p", &self.theirs];
        let command = self.repository.call(&args).args(["-m", message, "-m", &trailer, tree]);
        let output = signed(command, self.repository).whole().await?.ok("commit-tree")?;
        Ok(output.text().trim().to_owned())
    }

    /// Steps 3 to 5 of the module's text.
    pub(super) async fn publish(
        &self,
        new: &str,
        place: Option<&CheckedOut>,
    ) -> Result<(), ToolError> {
        let Self { repository, old, target, .. } = self;
        if let Some(place) = place {
            place.check_untracked(old, new).await?;
        }
        let update = RefUpdate::prepare(repository, target, old, new, self.source).await?;
        if let Some(place) = place
            && let Err(error) = place.go(old, new).await
        {
            update.abort().await;
            return Err(error);
        }
        let Err(error) = update.commit().await else {
            return Ok(());
        };
        // What counts is where the branch is: git may have moved it and died before it said so.
        let full = format!("refs/heads/{target}^{{commit}}");
        let look = repository.call(&["rev-parse", "--verify", "--quiet", &full]).whole();
        let now = look.await.map_err(|_| {
            ToolError::Failed(format!("{error}; whether {target} has moved to {new} is unknown"))
        })?;
        if now.text().trim() == new {
            return Ok(());
        }
        match place {
            Some(place) => Err(place.go_back(old, new, error).await),
            None => Err(error),
        }
    }

    /// The result of a merge that has happened.
    pub(super) async fn done(
        &self,
        new: &str,
        work_tree_updated: bool,
    ) -> Result<Value, ToolError> {
        // The merge has happened: a list that cannot be had must not make it look failed.
        let args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", &self.old, new];
        let files = self.repository.call(&args).whole().await.map(|output| output.fields()).ok();
        Ok(json!({
            "merged": true,
            "alreadyUpToDate": false,
            "repository": self.repository.name(),
            "source": self.source,
            "target": self.target,
            "commit": new,
            "previous": self.old,
            "merges": self.theirs,
            "filesChanged": files.as_ref().map(Vec::len),
            "files": files.map(|files| files.into_iter().take(MAX_FILES).collect::<Vec<_>>()),
            "workTreeUpdated": work_tree_updated,
        }))
    }

    /// The result where the target already has everything.
    pub(super) fn nothing_to_do(&self) -> Value {
        json!({
            "merged": false,
            "alreadyUpToDate": true,
            "repository": self.repository.name(),
            "source": self.source,
            "target": self.target,
            "commit": self.old,
            "previous": self.old,
            "note": format!("{} already has everything of {}", self.target, self.source),
        })
    }
}

/// Refuses a branch that is not where it was when somebody was asked.
fn check_unmoved(
    branch: &RefName,
    pinned: Option<&CommitHash>,
    now: &str,
) -> Result<(), ToolError> {
    match pinned.map(CommitHash::as_str) {
        Some(then) if then != now => Err(ToolError::Conflict(format!(
            "{} has moved from {then} to {now} since the merge was asked about; nothing was changed",
            branch.as_branch()
        ))),
        Some(_) | None => Ok(()),
    }
}

/// The line that names the call. Its id is a model's.
fn trailer(call: &ToolCallId) -> String {
    let id: String = call.as_str().chars().filter(char::is_ascii_graphic).collect();
    format!("{TRAILER}: {}", first_chars(&id, 200).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_id_cannot_add_lines_to_the_commit() {
        let call = ToolCallId::new("call_1\n\nSigned-off-by: you\u{202e}");
        assert_eq!(trailer(&call), "Aura-Call: call_1Signed-off-by:you");
    }
}
