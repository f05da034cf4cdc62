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
use serde_json::Value;

use self::steps::Merge;
use self::work_tree::CheckedOut;
use super::Git;
use super::refs::{CommitHash, RefName, RelativePath};
use super::repository::Repository;
use super::workspace::Location;
use crate::domain::text::{is_plain_line, quoted, quoted_start};
use crate::domain::{Language, ToolCallId};
use crate::shutdown::Tasks;
use crate::tools::registry::{parse_arguments, schema_of};
use crate::tools::{
    Call, Effect, Forecast, Pin, Readiness, Tool, ToolContext, ToolError, ToolSpec,
};

mod named_files;
mod preview;
mod ref_update;
mod signature;
mod steps;
mod work_tree;

/// Longest commit message, in bytes.
const MAX_MESSAGE: usize = 4000;
/// Characters of it that the question shows; the request for approval has all of them.
const MESSAGE_SHOWN: usize = 200;
/// The trailer by which a later run can find out that a call's merge has happened.
const TRAILER: &str = "Aura-Call";

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Path of the repository below the workspace root; not needed if there is only one.
    repository: Option<RelativePath>,
    /// The local branch whose commits are merged.
    source: RefName,
    /// The local branch that takes them in.
    target: RefName,
    /// Message of the merge commit. Default: git's own wording.
    message: Option<String>,
    /// The whole hash of the commit that `source` must still be at: if it has moved, nothing is merged.
    source_commit: Option<CommitHash>,
    /// The whole hash of the commit that `target` must still be at: if it has moved, nothing is merged.
    target_commit: Option<CommitHash>,
}

/// What a person approves is the commits that they saw, not whatever the branches are at by then.
const PINS: &[Pin] = &[
    Pin { argument: "source_commit", of: &["repository", "source"] },
    Pin { argument: "target_commit", of: &["repository", "target"] },
];

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
            effect: Effect::SideEffect,
            dry_run: false,
            pins: PINS,
        };
        Self { spec, git, tasks }
    }
}

#[async_trait]
impl Tool for GitMerge {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn readiness(&self) -> Readiness {
        self.git.readiness()
    }

    async fn call(self: Arc<Self>, arguments: &Value) -> Result<Box<dyn Call>, ToolError> {
        let workspace = self.git.workspace()?;
        let arguments = Arguments::parse(arguments)?;
        let location = workspace.locate(arguments.repository.as_ref())?;
        Ok(Box::new(MergeCall { tool: self, location, arguments }))
    }
}

/// A call of it.
struct MergeCall {
    tool: Arc<GitMerge>,
    location: Location,
    arguments: Arguments,
}

#[async_trait]
impl Call for MergeCall {
    fn question(&self, language: Language) -> String {
        let words = language.sentences();
        let Arguments { source, target, message, .. } = &self.arguments;
        let (source, target) = (quoted(source.as_branch()), quoted(target.as_branch()));
        let repository = quoted(&self.location.name);
        let message = message
            .as_deref()
            .map(|message| words.with_message(&quoted_start(message, MESSAGE_SHOWN, language)));
        words.may_merge([&source, &target], &repository) + message.as_deref().unwrap_or_default()
    }

    async fn forecast(&self, language: Language) -> Result<Forecast, ToolError> {
        let _place = self.tool.git.runner.place().await?;
        forecast(&self.tool.git, &self.location, &self.arguments, language).await
    }

    async fn run(self: Box<Self>, context: &ToolContext) -> Result<Value, ToolError> {
        let Self { tool, location, arguments } = *self;
        let merge = merge(Arc::clone(&tool.git), location, arguments, context.call.clone());
        let broke_off = |_| ToolError::Failed("the merge broke off".into());
        tool.tasks.spawn("merge", merge).await.map_err(broke_off)?
    }
}

impl Arguments {
    fn parse(arguments: &Value) -> Result<Self, ToolError> {
        let arguments: Self = parse_arguments(arguments)?;
        let fault = match &arguments.message {
            _ if arguments.target.as_branch() == arguments.source.as_branch() => {
                "`target`: it is the same branch as `source`"
            }
            Some(message) if message.trim().is_empty() => "`message`: it is empty",
            Some(message) if message.len() > MAX_MESSAGE => "`message`: it is too long",
            Some(message) if !message.split('\n').all(is_plain_line) => {
                "`message`: it has control or invisible characters"
            }
            Some(message) if message.split('\n').any(is_trailer) => {
                "`message`: it has a line `Aura-Call`, which only the tool itself writes"
            }
            Some(_) | None => return Ok(arguments),
        };
        Err(ToolError::InvalidArguments(fault.into()))
    }
}

/// Whether git would take a line for the one that tells which call a merge came from.
fn is_trailer(line: &str) -> bool {
    let start = line.trim_start().get(..TRAILER.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(TRAILER))
}

/// The first steps of the merge, as far as they change nothing.
async fn forecast(
    git: &Arc<Git>,
    location: &Location,
    arguments: &Arguments,
    language: Language,
) -> Result<Forecast, ToolError> {
    let repository = Repository::open(Arc::clone(git), location.clone()).await?;
    let merge = Merge::prepare(&repository, arguments).await?;
    if merge.is_up_to_date().await? {
        return Err(merge.nothing_to_merge());
    }
    let checked_out = CheckedOut::find(&repository, &merge.target).await?;
    let tree = merge.tree().await?;
    if let Some(place) = &checked_out {
        place.check_clean().await?;
        place.check_untracked(&merge.old, &tree).await?;
    }
    let preview = merge.preview(&tree, checked_out.is_some(), language).await;
    Ok(Forecast { pins: merge.pins(), preview: Some(preview) })
}

async fn merge(
    git: Arc<Git>,
    location: Location,
    arguments: Arguments,
    call: ToolCallId,
) -> Result<Value, ToolError> {
    let repository = {
        let _place = git.runner.place().await?;
        Repository::open(Arc::clone(&git), location).await?
    };
    let _alone = git.lock(repository.common_dir()).await;
    // Not before: merges that wait for one another would keep all places from those who read.
    let _place = git.runner.place().await?;
    let merge = Merge::prepare(&repository, &arguments).await?;
    if merge.is_up_to_date().await? {
        return Ok(merge.nothing_to_do());
    }
    let checked_out = CheckedOut::find(&repository, &merge.target).await?;
    if let Some(place) = &checked_out {
        place.check_clean().await?;
    }
    let tree = merge.tree().await?;
    let new = merge.commit(&tree, arguments.message.as_deref(), &call).await?;
    merge.publish(&new, checked_out.as_ref()).await?;
    merge.done(&new, checked_out.is_some()).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_that_make_no_merge_are_refused() {
        let refused = |arguments: Value| Arguments::parse(&arguments).unwrap_err().to_string();
        let same = refused(json!({"source": "a", "target": "refs/heads/a"}));
        assert!(same.contains("`target`: it is the same branch"), "{same}");
        let option = refused(json!({"source": "--help", "target": "b"}));
        assert!(option.contains("`source`: \"--help\" is not the name of a branch"), "{option}");
        let open = refused(json!({"source": "a"}));
        assert_eq!(open, "the arguments are not valid: missing field `target`");
        let strange = refused(json!({"source": "a", "target": "b", "squash": true}));
        assert!(strange.contains("unknown field `squash`"), "{strange}");
    }

    #[test]
    fn a_message_that_is_none_or_poses_as_the_tools_own_is_refused() {
        let with = |message: &str| {
            Arguments::parse(&json!({"source": "a", "target": "b", "message": message}))
        };
        for bad in [" \n", "x\u{1b}[31m", "x\n\nAura-Call: call_1", "x\n\n aura-call : call_1"] {
            let error = with(bad).unwrap_err().to_string();
            assert!(error.contains("`message`"), "{bad:?}: {error}");
        }
        assert!(with("제목\n\n본문: Aura-Call 없이").is_ok());
    }
}
