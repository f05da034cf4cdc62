//! What a merge will bring, for the person who is asked.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::steps::Merge;
use crate::domain::Preview;
use crate::tools::ToolError;

/// How many commits are named.
const MAX_COMMITS: usize = 20;
/// How many files are named.
const MAX_FILES: usize = 50;
/// How much of a commit's hash is shown.
const SHORT: usize = 10;

/// A file that the merge changes.
struct Change {
    /// Lines added and deleted; `None` if it has no lines.
    lines: Option<(u64, u64)>,
    path: String,
}

impl Merge<'_> {
    /// Where both branches are.
    pub(super) fn pins(&self) -> Map<String, Value> {
        let pins = [("source_commit", &self.theirs), ("target_commit", &self.old)];
        pins.into_iter().map(|(name, commit)| (name.to_owned(), commit.as_str().into())).collect()
    }

    /// The commits that come in, the files that change, and that nothing is in the way.
    pub(super) async fn preview(
        &self,
        tree: &str,
        checked_out: bool,
    ) -> Result<Preview, ToolError> {
        let (commits, changes) = (self.commits().await?, self.changes(tree).await?);
        let work_tree = if checked_out { " 작업 트리도 함께 바뀝니다." } else { "" };
        let mut text = format!("충돌 없이 병합됩니다.{work_tree}\n");
        let _ = writeln!(
            text,
            "{} {} → {} {}",
            self.source,
            short(&self.theirs),
            self.target,
            short(&self.old)
        );
        let _ = writeln!(text, "\n커밋 {}개", commits.len());
        for commit in commits.iter().take(MAX_COMMITS) {
            let _ = writeln!(text, "{commit}");
        }
        note_rest(&mut text, commits.len(), MAX_COMMITS);
        let sum = |side: fn(&(u64, u64)) -> u64| -> u64 {
            changes.iter().filter_map(|change| change.lines.as_ref().map(side)).sum()
        };
        let (added, deleted) = (sum(|lines| lines.0), sum(|lines| lines.1));
        let _ = writeln!(text, "\n파일 {}개 (+{added} −{deleted})", changes.len());
        for Change { lines, path } in changes.iter().take(MAX_FILES) {
            let _ = match lines {
                Some((added, deleted)) => writeln!(text, "{path} +{added} −{deleted}"),
                None => writeln!(text, "{path} (바이너리)"),
            };
        }
        note_rest(&mut text, changes.len(), MAX_FILES);
        let title = format!("{} → {} ({})", self.source, self.target, self.repository.name());
        Ok(Preview::text(&title, text.trim_end()))
    }

    /// The commits that come in, newest first: hash and subject.
    async fn commits(&self) -> Result<Vec<String>, ToolError> {
        let args = ["log", "-z", "--no-patch", "--no-color", "--no-show-signature"];
        let range = format!("{}..{}", self.old, self.theirs);
        let command = self.repository.call(&args);
        let command = command.args(["--format=tformat:%H %s", "--end-of-options", &range, "--"]);
        let output = command.whole().await?.ok("log")?;
        let line = |field: String| match field.split_once(' ') {
            Some((hash, subject)) => format!("{} {subject}", short(hash)),
            None => field,
        };
        Ok(output.fields().into_iter().map(line).collect())
    }

    async fn changes(&self, tree: &str) -> Result<Vec<Change>, ToolError> {
        let args = [
            "diff-tree",
            "-r",
            "-z",
            "--numstat",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
        ];
        let output = self.repository.call(&args).args([&self.old, tree]).whole().await?;
        let fields = output.ok("diff-tree")?.fields();
        Ok(fields.iter().filter_map(|field| Change::read(field)).collect())
    }
}

impl Change {
    /// `12\t3\tpath`, or `-\t-\tpath`.
    fn read(field: &str) -> Option<Self> {
        let mut parts = field.splitn(3, '\t');
        let (added, deleted, path) = (parts.next()?, parts.next()?, parts.next()?);
        let lines = added.parse().ok().zip(deleted.parse().ok());
        Some(Self { lines, path: path.to_owned() })
    }
}

fn note_rest(text: &mut String, all: usize, shown: usize) {
    if let Some(rest @ 1..) = all.checked_sub(shown) {
        let _ = writeln!(text, "… 외 {rest}개");
    }
}

/// The beginning of a commit's hash.
fn short(hash: &str) -> &str {
    hash.get(..SHORT).unwrap_or(hash)
}
