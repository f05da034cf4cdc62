//! `git_branch_list`: the local branches.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{MAX_LISTED, Operation};
use crate::tools::ToolError;
use crate::tools::git::origin::Origin;
use crate::tools::git::refs::RelativePath;
use crate::tools::git::repository::Repository;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Branches {
    /// Path of the repository below the workspace root; not needed if there is only one.
    repository: Option<RelativePath>,
}

impl Operation for Branches {
    const NAME: &'static str = "git_branch_list";
    const DESCRIPTION: &'static str = "List the local branches of a git repository, the latest \
        commit first; say which one is current, and where the repository was cloned from.";

    fn repository(&self) -> Option<&RelativePath> {
        self.repository.as_ref()
    }

    async fn read(self, repository: &Repository) -> Result<Value, ToolError> {
        let format = "--format=%(refname:lstrip=2)%00%(HEAD)%00%(objectname)%00%(subject)%00";
        // One more than is shown tells whether there are more.
        let count = format!("--count={}", MAX_LISTED + 1);
        let args = ["for-each-ref", format, &count, "--sort=-committerdate", "refs/heads"];
        let output = repository.call(&args).listing().await?.ok("for-each-ref")?;
        let fields = output.fields();
        let branches: Vec<Value> = fields.chunks_exact(4).map(branch).collect();
        Ok(json!({
            "repository": repository.name(),
            "origin": repository.origin().map(Origin::as_str),
            "branches": branches.iter().take(MAX_LISTED).collect::<Vec<_>>(),
            "truncated": output.missing > 0 || branches.len() > MAX_LISTED,
        }))
    }
}

/// The line end that git puts between two branches is at the front of the second one's name.
fn branch(fields: &[String]) -> Value {
    json!({
        "name": fields[0].trim_start_matches('\n'),
        "current": fields[1] == "*",
        "hash": fields[2],
        "subject": fields[3],
    })
}
