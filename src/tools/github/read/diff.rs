//! `github_get_pr_diff`: what a pull request changes.

use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Lookup;
use crate::domain::artifact::Text;
use crate::domain::{Artifact, Language};
use crate::tools::ToolError;
use crate::tools::github::names::{Owner, RepositoryName};
use crate::tools::github::requests::Requests;
use crate::tools::github::text::Head;

const ACCEPT: &str = "application/vnd.github.diff";
/// Most bytes that are read to count what is left out. GitHub itself makes no larger diffs.
const READ_MAX: usize = 32 * 1024 * 1024;
/// Begins the part about one file; no line of a file can, because it has a mark in front.
const FILE: &[u8] = b"diff --git ";

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetDiff {
    /// Owner of the repository, a user or an organisation.
    owner: Owner,
    /// Name of the repository.
    repo: RepositoryName,
    /// Number of the pull request.
    number: NonZeroU64,
}

impl Lookup for GetDiff {
    const NAME: &'static str = "github_get_pr_diff";
    const DESCRIPTION: &'static str = "Show what a pull request on GitHub changes, as a diff. A \
        long one is cut, with a note of how much is left out.";

    fn subject(&self) -> String {
        format!("{}/{}#{}", self.owner, self.repo, self.number)
    }

    fn artifact(result: &Value, _language: Language) -> Option<Artifact> {
        let (owner, repo) = (result["owner"].as_str()?, result["repo"].as_str()?);
        let title = format!("{owner}/{repo}#{}", result["number"]);
        let truncated = result["truncated"].as_bool().unwrap_or_default();
        Some(Artifact::Diff(Text::new(title, result["diff"].as_str()?, truncated)))
    }

    async fn read(self, github: &Requests<'_>) -> Result<Value, ToolError> {
        let number = self.number.to_string();
        let path = ["repos", self.owner.as_str(), self.repo.as_str(), "pulls", &number];
        let what = format!("the diff of pull request {}", self.subject());
        let response = github.get(github.client.url(path, &[]), ACCEPT, &what).await?;
        let (mut head, mut files) = (Head::new(github.client.max_output_bytes), Files::default());
        let whole = github
            .pieces(response, READ_MAX, |piece| {
                head.push(piece);
                files.push(piece);
            })
            .await?;
        let cut = head.cut();
        let mut shown = Files::default();
        shown.push(cut.text.as_bytes());
        let (bytes, left_out) = (cut.missing, files.count - shown.count);
        let end = if whole { "" } else { ", and what is beyond 32 MiB" };
        let note = if bytes > 0 { format!(", {left_out} more files{end}") } else { end.to_owned() };
        Ok(json!({
            "owner": self.owner.as_str(),
            "repo": self.repo.as_str(),
            "number": self.number,
            "fileCount": files.count,
            "diff": cut.with_note(&note),
            "truncated": bytes > 0 || !whole,
            "leftOut": {"bytes": bytes, "files": left_out},
        }))
    }
}

/// Counts the files of a diff that comes in pieces.
#[derive(Default)]
struct Files {
    count: u64,
    line: LineMatch,
}

/// What is known of the line that is being read.
enum LineMatch {
    /// So far it is the beginning of [`FILE`], so many bytes of it.
    Matches(usize),
    /// It is another one.
    Other,
}

impl Default for LineMatch {
    fn default() -> Self {
        Self::Matches(0)
    }
}

impl Files {
    fn push(&mut self, piece: &[u8]) {
        for byte in piece {
            self.line = match self.line {
                _ if *byte == b'\n' => LineMatch::Matches(0),
                LineMatch::Matches(so_far) if FILE.get(so_far) == Some(byte) => {
                    let whole = so_far + 1 == FILE.len();
                    self.count += u64::from(whole);
                    if whole { LineMatch::Other } else { LineMatch::Matches(so_far + 1) }
                }
                LineMatch::Matches(_) | LineMatch::Other => LineMatch::Other,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_however_the_pieces_are_cut() {
        let diff = b"diff --git a/a b/a\n+diff --git x\n diff --git y\ndiff --git a/b b/b\ndiff";
        for size in 1..diff.len() {
            let mut files = Files::default();
            diff.chunks(size).for_each(|piece| files.push(piece));
            assert_eq!(files.count, 2, "pieces of {size}");
        }
    }
}
