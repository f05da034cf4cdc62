//! `git_log`: the latest commits.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Operation;
use crate::tools::ToolError;
use crate::tools::git::refs::{RefName, RelativePath};
use crate::tools::git::repository::Repository;

const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    /// Path of the repository below the workspace root; not needed if there is only one.
    repository: Option<RelativePath>,
    /// Branch, tag or commit to look back from. Default: HEAD, the current branch.
    #[serde(rename = "ref")]
    start: Option<RefName>,
    /// Only commits that changed this file or directory.
    path: Option<RelativePath>,
    /// How many commits, at most 100. Default: 20.
    limit: Option<u32>,
}

impl Operation for Log {
    const NAME: &'static str = "git_log";
    const DESCRIPTION: &'static str = "List the latest commits of a branch, newest first: hash, \
        author, date and subject.";

    fn repository(&self) -> Option<&RelativePath> {
        self.repository.as_ref()
    }

    async fn read(self, repository: &Repository) -> Result<Value, ToolError> {
        let start = match &self.start {
            Some(name) => repository.revision(name).await?,
            None => repository.head().await?,
        };
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
        let count = format!("--max-count={limit}");
        let args = [
            "log",
            "-z",
            "--no-patch",
            "--no-color",
            "--no-show-signature",
            "--format=tformat:%H%x00%h%x00%an%x00%aI%x00%s",
            &count,
            "--end-of-options",
            &start,
            "--",
        ];
        let output = repository.call(&args).args(self.path.as_ref().map(RelativePath::as_str));
        let output = output.listing().await?.ok("log")?;
        let commits: Vec<Value> = output.fields().chunks_exact(5).map(commit).collect();
        Ok(json!({
            "repository": repository.name(),
            "ref": self.start.as_ref().map_or("HEAD", RefName::as_str),
            "commits": commits,
            "truncated": output.missing > 0,
        }))
    }
}

fn commit(fields: &[String]) -> Value {
    json!({
        "hash": fields[0],
        "shortHash": fields[1],
        "author": fields[2],
        "date": fields[3],
        "subject": fields[4],
    })
}
