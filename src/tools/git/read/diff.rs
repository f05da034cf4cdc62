//! `git_diff`: what differs between two states of a repository.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{MAX_LISTED, Operation, bounded_text};
use crate::domain::artifact::Text;
use crate::domain::{Artifact, Language};
use crate::tools::ToolError;
use crate::tools::git::refs::{RefName, RelativePath};
use crate::tools::git::repository::Repository;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Diff {
    /// Path of the repository below the workspace root; not needed if there is only one.
    repository: Option<RelativePath>,
    /// Branch, tag or commit to start from. Default: HEAD, the last commit.
    from: Option<RefName>,
    /// Branch, tag or commit to go to. Default: the files as they are now, not yet committed.
    to: Option<RefName>,
    /// Show only what `to` has changed since it left `from`, as a pull request does. Needs `to`.
    #[serde(default, rename = "sinceMergeBase")]
    since_merge_base: bool,
    /// Only this file or directory.
    path: Option<RelativePath>,
}

/// Nothing of the repository's own taste, and no programs.
const PLAIN: &[&str] = &[
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-relative",
    "--ignore-submodules=all",
    "--find-renames",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--word-diff=none",
    "-O/dev/null",
];

impl Operation for Diff {
    const NAME: &'static str = "git_diff";
    const DESCRIPTION: &'static str = "Show what differs between two branches, tags or commits, or \
        between the last commit and the files as they are now: per file the lines added and \
        deleted, and the patch.";

    fn repository(&self) -> Option<&RelativePath> {
        self.repository.as_ref()
    }

    fn artifact(result: &Value, _language: Language) -> Option<Artifact> {
        let (from, to) = (result["from"]["name"].as_str()?, result["to"]["name"].as_str()?);
        let patch = result["patch"].as_str().filter(|patch| !patch.is_empty())?;
        let truncated = result["truncated"].as_bool().unwrap_or_default();
        Some(Artifact::Diff(Text::new(format!("{from} → {to}"), patch, truncated)))
    }

    async fn read(self, repository: &Repository) -> Result<Value, ToolError> {
        let mut ends = self.ends(repository).await?;
        let from = ends[0].clone();
        ends.push("--".into());
        ends.extend(self.path.iter().map(|path| path.as_str().to_owned()));
        let numbers = repository.call(PLAIN).args(["--numstat", "-z"]).args(&ends).output();
        let numbers = numbers.await?.ok("diff")?;
        let patch = repository.call(PLAIN).args(["--patch"]).args(&ends).output();
        let patch = patch.await?.ok("diff")?;
        let files = files(&numbers.fields());
        Ok(json!({
            "repository": repository.name(),
            "from": {"name": self.from.as_ref().map_or("HEAD", RefName::as_str), "commit": from},
            "to": match &self.to {
                Some(name) => json!({"name": name.as_str(), "commit": ends[1]}),
                None => json!({"name": "work tree", "commit": null}),
            },
            "fileCount": files.len(),
            "files": files.iter().take(MAX_LISTED).collect::<Vec<_>>(),
            "patch": bounded_text(&patch),
            "truncated": patch.missing > 0 || numbers.missing > 0 || files.len() > MAX_LISTED,
        }))
    }
}

impl Diff {
    /// The commits to compare, one or two.
    async fn ends(&self, repository: &Repository) -> Result<Vec<String>, ToolError> {
        let from = match &self.from {
            Some(name) => repository.revision(name).await?,
            None => repository.head().await?,
        };
        let Some(to) = &self.to else {
            return if self.since_merge_base {
                Err(ToolError::InvalidArguments("`sinceMergeBase`: it needs `to`".into()))
            } else {
                Ok(vec![from])
            };
        };
        let to = repository.revision(to).await?;
        if !self.since_merge_base {
            return Ok(vec![from, to]);
        }
        let base = repository.merge_base(&from, &to).await?;
        let base = base.ok_or_else(|| {
            ToolError::Conflict("the two have no common history to compare from".into())
        })?;
        Ok(vec![base, to])
    }
}

/// Reads `--numstat -z`: `added TAB deleted TAB path`, or with an empty path and then the old and
/// the new name. A binary file has `-` for numbers.
fn files(fields: &[String]) -> Vec<Value> {
    let mut files = Vec::new();
    let mut fields = fields.iter();
    while let Some(field) = fields.next() {
        let mut parts = field.splitn(3, '\t');
        let (Some(added), Some(deleted), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let (added, deleted) = (added.parse::<u64>().ok(), deleted.parse::<u64>().ok());
        if path.is_empty() {
            let (Some(old), Some(new)) = (fields.next(), fields.next()) else {
                break;
            };
            files.push(json!({"path": new, "added": added, "deleted": deleted, "from": old}));
        } else {
            files.push(json!({"path": path, "added": added, "deleted": deleted}));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_and_binary_files_are_read() {
        let fields = ["1\t2\ta b.rs", "0\t0\t", "old", "new", "-\t-\tlogo.png"];
        let expected = [
            json!({"path": "a b.rs", "added": 1, "deleted": 2}),
            json!({"path": "new", "added": 0, "deleted": 0, "from": "old"}),
            json!({"path": "logo.png", "added": null, "deleted": null}),
        ];
        assert_eq!(files(&fields.map(str::to_owned)), expected);
    }
}
