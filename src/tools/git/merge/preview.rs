//! What a merge will bring, for the person who is asked.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::named_files::MAX_FILES;
use super::steps::Merge;
use crate::domain::sentences::{Listed, Sentences};
use crate::domain::text::first_chars;
use crate::domain::{Language, Preview, preview};
use crate::tools::ToolError;

/// How many commits are named.
const MAX_COMMITS: usize = 20;
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

    /// The commits that come in, the files that change, and that nothing is in the way. What git
    /// cannot tell in its time is said to be unknown, and is no reason not to ask.
    pub(super) async fn preview(
        &self,
        tree: &str,
        checked_out: bool,
        language: Language,
    ) -> Preview {
        let (Self { source, target, .. }, words) = (self, language.sentences());
        let (from, to) = (short(&self.theirs), short(&self.old));
        let clean = words.merges_cleanly(checked_out);
        let mut text = format!("{clean}\n{source} {from} → {target} {to}\n");
        match self.commits(language).await {
            Ok((count, newest)) => {
                let listed = words.listed(Listed::Commits, &count);
                let _ = writeln!(text, "\n{listed}\n{}", newest.join("\n"));
                note_rest(&mut text, count, newest.len(), words);
            }
            Err(error) => {
                let _ = writeln!(text, "\n{}", words.not_listed(Listed::Commits, &error));
            }
        }
        match self.changes(tree).await {
            Ok(changes) => list_changes(&mut text, &changes, language),
            Err(error) => {
                let _ = writeln!(text, "\n{}", words.not_listed(Listed::Files, &error));
            }
        }
        let title = format!("{source} → {target} ({})", self.repository.name());
        Preview::text(&title, text.trim_end(), language)
    }

    /// How many commits come in, and the newest of them: hash and subject.
    async fn commits(&self, language: Language) -> Result<(usize, Vec<String>), ToolError> {
        let range = format!("{}..{}", self.old, self.theirs);
        let count =
            self.repository.call(&["rev-list", "--count", "--end-of-options", &range, "--"]);
        let count = count.whole().await?.ok("rev-list")?;
        let args = ["log", "-z", "--no-patch", "--no-color", "--no-show-signature"];
        let most = format!("--max-count={MAX_COMMITS}");
        let log = ["--format=tformat:%H %s", &most, "--end-of-options", &range, "--"];
        let newest = self.repository.call(&args).args(log).whole().await?.ok("log")?.fields();
        let count = count.text().trim().parse().unwrap_or(newest.len());
        let line = |field: String| match field.split_once(' ') {
            Some((hash, subject)) => {
                format!("{} {}", short(hash), preview::entry(subject, language))
            }
            None => field,
        };
        Ok((count, newest.into_iter().map(line).collect()))
    }

    async fn changes(&self, tree: &str) -> Result<Vec<Change>, ToolError> {
        let counted = ["diff-tree", "-r", "-z", "--numstat", "--no-renames"];
        let commits = ["--no-ext-diff", "--no-textconv", &self.old, tree];
        let output = self.repository.call(&counted).args(commits).whole().await?;
        let fields = output.ok("diff-tree")?.fields();
        Ok(fields.iter().filter_map(|field| Change::read(field)).collect())
    }
}

/// Adds the files, and how many lines come and go.
fn list_changes(text: &mut String, changes: &[Change], language: Language) {
    let words = language.sentences();
    let sum = |side: fn(&(u64, u64)) -> u64| -> u64 {
        changes.iter().filter_map(|change| change.lines.as_ref().map(side)).sum()
    };
    let (added, deleted) = (sum(|lines| lines.0), sum(|lines| lines.1));
    let files = words.listed(Listed::Files, &changes.len());
    let _ = writeln!(text, "\n{files} (+{added} −{deleted})");
    for Change { lines, path } in changes.iter().take(MAX_FILES) {
        let path = preview::entry(path, language);
        let _ = match lines {
            Some((added, deleted)) => writeln!(text, "{path} +{added} −{deleted}"),
            None => writeln!(text, "{}", words.binary(&path)),
        };
    }
    note_rest(text, changes.len(), MAX_FILES, words);
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

fn note_rest(text: &mut String, all: usize, shown: usize, words: &dyn Sentences) {
    if let Some(rest @ 1..) = all.checked_sub(shown) {
        let _ = writeln!(text, "{}", words.and_more(rest as u64));
    }
}

/// The beginning of a commit's hash.
fn short(hash: &str) -> &str {
    first_chars(hash, SHORT).0
}
