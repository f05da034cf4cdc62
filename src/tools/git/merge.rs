//! `git_merge`: all or nothing.
//!
//! # The order of things, and what a crash leaves
//!
//! 1. The merge is computed from commits alone (`merge-tree`), without index or work tree. A
//!    conflict ends it here; nothing but unreferenced objects was written, which git collects.
//! 2. The merge commit is written. Nothing refers to it yet.
//! 3. Git takes the lock of the branch and checks that it is still where it was
//!    ([`ref_update::RefUpdate`]). From here on no other git can move the branch.
//! 4. If the branch is checked out somewhere, index and work tree there go to the new commit
//!    ([`work_tree`]). It must have been clean; git checks all paths before it writes the first.
//! 5. The branch moves to the new commit, and the lock is gone.
//!
//! If step 4 or 5 fails, index and work tree go back. If the process dies within step 4 or between
//! 4 and 5, git's lock on the branch goes with it, history is as it was, and the work tree shows
//! the merge's changes as uncommitted: the next merge is refused because of them, and
//! `git reset --hard` removes them. The other order would leave the branch merged and a work tree
//! that, committed, silently undoes the merge.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use self::ref_update::RefUpdate;
use self::work_tree::CheckedOut;
use super::Git;
use super::command::GitCommand;
use super::refs::{RefName, RelativePath};
use super::repository::Repository;
use crate::domain::ToolCallId;
use crate::shutdown::Tasks;
use crate::tools::registry::{is_plain_line, parse_arguments, schema_of};
use crate::tools::{Effect, Tool, ToolContext, ToolError, ToolSpec};

mod ref_update;
mod work_tree;

/// How many files a result or a message names.
const MAX_FILES: usize = 50;
/// Longest commit message, in bytes.
const MAX_MESSAGE: usize = 4000;
/// Who merges where the repository does not say.
const NAME: &str = "Aura-Platform";
const EMAIL: &str = "aura@dwp.local";

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Path of the repository below the workspace root; not needed if there is only one.
    repository: Option<RelativePath>,
    /// The local branch whose commits are merged.
    source: RefName,
    /// The local branch that takes them in. Default: the current branch.
    target: Option<RefName>,
    /// Message of the merge commit. Default: git's own wording.
    message: Option<String>,
}

/// The tool.
pub(super) struct GitMerge {
    spec: ToolSpec,
    git: Arc<Git>,
    tasks: Tasks,
}

impl GitMerge {
    pub(super) fn new(git: Arc<Git>, tasks: Tasks) -> Self {
        let spec = ToolSpec {
            name: "git_merge".into(),
            description: "Merge one local branch of a git repository into another with a merge \
                commit. If they conflict, nothing is changed and the conflicting files are named."
                .into(),
            parameters: schema_of::<Arguments>(),
            effect: Effect::Writes,
        };
        Self { spec, git, tasks }
    }
}

#[async_trait]
impl Tool for GitMerge {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, arguments: &Value) -> Result<(), ToolError> {
        let arguments = Arguments::parse(arguments)?;
        self.git
            .workspace
            .locate(arguments.repository.as_ref())
            .map(drop)
    }

    fn question(&self, arguments: &Value) -> String {
        let Ok(arguments) = Arguments::parse(arguments) else {
            return "브랜치를 병합할까요?".into();
        };
        let source = arguments.source.as_branch();
        let target = match &arguments.target {
            Some(target) => format!("{} 브랜치", target.as_branch()),
            None => "현재 브랜치".into(),
        };
        let repository = self.git.name_of(arguments.repository.as_ref());
        format!("{source} 브랜치를 {target}에 병합할까요? (저장소: {repository})")
    }

    async fn run(&self, arguments: &Value, context: &ToolContext) -> Result<Value, ToolError> {
        let arguments = Arguments::parse(arguments)?;
        let merge = merge(Arc::clone(&self.git), arguments, context.call.clone());
        let broke_off = |_| ToolError::Failed("the merge broke off".into());
        self.tasks.spawn(merge).await.map_err(broke_off)?
    }
}

impl Arguments {
    fn parse(arguments: &Value) -> Result<Self, ToolError> {
        let arguments: Self = parse_arguments(arguments)?;
        let fault = match (&arguments.target, &arguments.message) {
            (Some(target), _) if target.as_branch() == arguments.source.as_branch() => {
                "`target`: it is the same branch as `source`"
            }
            (_, Some(message)) if message.trim().is_empty() => "`message`: it is empty",
            (_, Some(message)) if message.len() > MAX_MESSAGE => "`message`: it is too long",
            (_, Some(message)) if !message.split('\n').all(is_plain_line) => {
                "`message`: it has control or invisible characters"
            }
            _ => return Ok(arguments),
        };
        Err(ToolError::InvalidArguments(fault.into()))
    }
}

/// A merge that git is able to do.
struct Merge<'a> {
    repository: &'a Repository,
    source: &'a str,
    target: String,
    /// Where the target is.
    old: String,
    /// Where the source is.
    theirs: String,
}

async fn merge(git: Arc<Git>, arguments: Arguments, call: ToolCallId) -> Result<Value, ToolError> {
    let repository = git.open(arguments.repository.as_ref()).await?;
    let _alone = git.lock(repository.common_dir()).await;
    let merge = Merge::prepare(&repository, &arguments).await?;
    if merge.is_up_to_date().await? {
        return Ok(merge.nothing_to_do());
    }
    let checked_out = CheckedOut::find(&repository, &merge.target).await?;
    if let Some(place) = &checked_out {
        place.check_clean().await?;
    }
    let tree = merge.tree().await?;
    let new = merge
        .commit(&tree, arguments.message.as_deref(), &call)
        .await?;
    merge.publish(&new, checked_out.as_ref()).await?;
    merge.done(&new, checked_out.is_some()).await
}

impl<'a> Merge<'a> {
    async fn prepare(repository: &'a Repository, call: &'a Arguments) -> Result<Self, ToolError> {
        let target = match &call.target {
            Some(target) => target.clone(),
            None => current_branch(repository).await?,
        };
        let old = repository.branch(&target).await?;
        let theirs = repository.branch(&call.source).await?;
        let target = target.as_branch().to_owned();
        let full = format!("refs/heads/{target}");
        if repository
            .call(&["symbolic-ref", "--quiet", &full])
            .whole()
            .await?
            .code
            == Some(0)
        {
            let message = format!("the branch {target} is only another name for a branch");
            return Err(ToolError::Conflict(message));
        }
        Ok(Self {
            repository,
            source: call.source.as_branch(),
            target,
            old,
            theirs,
        })
    }

    /// Whether the target already has everything. Without common history there is no merge.
    async fn is_up_to_date(&self) -> Result<bool, ToolError> {
        match self.repository.merge_base(&self.old, &self.theirs).await? {
            Some(base) => Ok(base == self.theirs),
            None => Err(ToolError::Conflict(format!(
                "{} and {} have no common history; nothing was changed",
                self.source, self.target
            ))),
        }
    }

    /// The merged tree, or the files in which the branches conflict.
    async fn tree(&self) -> Result<String, ToolError> {
        let args = [
            "merge-tree",
            "--write-tree",
            "--name-only",
            "-z",
            "--no-messages",
        ];
        let output = self
            .repository
            .call(&args)
            .args([&self.old, &self.theirs])
            .whole()
            .await?;
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
    async fn commit(
        &self,
        tree: &str,
        message: Option<&str>,
        call: &ToolCallId,
    ) -> Result<String, ToolError> {
        let default = format!("Merge branch '{}' into {}", self.source, self.target);
        let message = message.map_or(default.as_str(), str::trim);
        let trailer = trailer(call);
        let args = [
            "commit-tree",
            "--no-gpg-sign",
            "-p",
            &self.old,
            "-p",
            &self.theirs,
        ];
        let command = self
            .repository
            .call(&args)
            .args(["-m", message, "-m", &trailer, tree]);
        let output = signed(command, self.repository)
            .whole()
            .await?
            .ok("commit-tree")?;
        Ok(output.text().trim().to_owned())
    }

    /// Steps 3 to 5 of the module's text.
    async fn publish(&self, new: &str, place: Option<&CheckedOut>) -> Result<(), ToolError> {
        let Self {
            repository,
            old,
            target,
            ..
        } = self;
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
        let now = repository
            .call(&["rev-parse", "--verify", "--quiet", &full])
            .whole()
            .await?;
        if now.text().trim() == new {
            return Ok(());
        }
        match place {
            Some(place) => Err(place.go_back(old, new, error).await),
            None => Err(error),
        }
    }

    async fn done(&self, new: &str, work_tree_updated: bool) -> Result<Value, ToolError> {
        // The merge has happened: a list that cannot be had must not make it look failed.
        let args = [
            "diff-tree",
            "-r",
            "-z",
            "--name-only",
            "--no-renames",
            &self.old,
            new,
        ];
        let files = self
            .repository
            .call(&args)
            .whole()
            .await
            .map(|output| output.fields())
            .ok();
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

    fn nothing_to_do(&self) -> Value {
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

/// The branch that is checked out where the call works.
async fn current_branch(repository: &Repository) -> Result<RefName, ToolError> {
    let output = repository
        .call(&["symbolic-ref", "--quiet", "HEAD"])
        .whole()
        .await?;
    RefName::try_from(output.text().trim().to_owned()).map_err(|_| {
        let name = repository.name();
        ToolError::Conflict(format!("{name} has no current branch: name the target"))
    })
}

/// The call with the names that its commit or log entry is to carry.
fn signed<'a>(command: GitCommand<'a>, repository: &Repository) -> GitCommand<'a> {
    let given = repository.identity();
    let given = given.filter(|id| !id.name.trim().is_empty() && !id.email.trim().is_empty());
    let (name, email) = given.map_or((NAME, EMAIL), |id| (&id.name, &id.email));
    command
        .env("GIT_AUTHOR_NAME", name)
        .env("GIT_AUTHOR_EMAIL", email)
        .env("GIT_COMMITTER_NAME", name)
        .env("GIT_COMMITTER_EMAIL", email)
}

/// By which a later run can find out that a call's merge has happened. The id is a model's.
fn trailer(call: &ToolCallId) -> String {
    let id: String = call
        .as_str()
        .chars()
        .filter(char::is_ascii_graphic)
        .take(200)
        .collect();
    format!("Aura-Call: {id}")
}

/// The first of many names.
fn name_some(files: &[String]) -> String {
    let shown = files[..files.len().min(MAX_FILES)].join(", ");
    match files.len().saturating_sub(MAX_FILES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_id_cannot_add_lines_to_the_commit() {
        let call = ToolCallId::new("call_1\n\nSigned-off-by: you\u{202e}");
        assert_eq!(trailer(&call), "Aura-Call: call_1Signed-off-by:you");
    }

    #[test]
    fn arguments_that_make_no_merge_are_refused() {
        let refused = |arguments: Value| Arguments::parse(&arguments).unwrap_err().to_string();
        let same = refused(json!({"source": "a", "target": "refs/heads/a"}));
        assert!(same.contains("`target`: it is the same branch"), "{same}");
        let option = refused(json!({"source": "--help"}));
        assert!(
            option.contains("`source`: \"--help\" is not the name of a branch"),
            "{option}"
        );
        assert!(
            refused(json!({"source": "a", "message": " \n"})).contains("`message`: it is empty")
        );
        assert!(refused(json!({"source": "a", "message": "x\u{1b}[31m"})).contains("`message`"));
        assert!(refused(json!({"source": "a", "squash": true})).contains("unknown field `squash`"));
        assert!(Arguments::parse(&json!({"source": "a", "message": "제목\n\n본문"})).is_ok());
    }
}
