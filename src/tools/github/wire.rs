//! GitHub's answers, as far as they are looked at, and what a model gets to see of them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::text::Cut;
use crate::domain::text::first_chars;
use crate::domain::{Language, preview};
use crate::tools::ToolError;
use crate::tools::git::refs::CommitHash;

/// How many labels are told.
const MAX_LABELS: usize = 20;

/// A pull request. A list has fewer fields than a single one.
#[derive(Debug, Deserialize)]
pub(super) struct Pull {
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) state: String,
    html_url: String,
    #[serde(default)]
    pub(super) draft: bool,
    user: Option<User>,
    pub(super) head: Side,
    pub(super) base: Side,
    body: Option<String>,
    #[serde(default)]
    labels: Vec<Label>,
    pub(super) merged: Option<bool>,
    pub(super) mergeable: Option<bool>,
    mergeable_state: Option<String>,
    pub(super) merge_commit_sha: Option<String>,
    pub(super) commits: Option<u64>,
    additions: Option<u64>,
    deletions: Option<u64>,
    pub(super) changed_files: Option<u64>,
    created_at: Option<String>,
    updated_at: Option<String>,
    merged_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct User {
    login: String,
}

#[derive(Debug, Deserialize)]
struct Label {
    name: String,
}

/// One side of a pull request.
#[derive(Debug, Deserialize)]
pub(super) struct Side {
    #[serde(rename = "ref")]
    pub(super) name: String,
    pub(super) sha: String,
    /// `None`: the fork is gone.
    repo: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    full_name: String,
}

/// A file that changes.
#[derive(Debug, Deserialize)]
pub(super) struct ChangedFile {
    filename: String,
    #[serde(default)]
    additions: u64,
    #[serde(default)]
    deletions: u64,
}

/// What changes between two commits.
#[derive(Debug, Deserialize)]
pub(super) struct Comparison {
    /// Commits that the head has and the base has not.
    pub(super) ahead_by: u64,
    #[serde(default)]
    pub(super) commits: Vec<Commit>,
    #[serde(default)]
    pub(super) files: Vec<ChangedFile>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Commit {
    sha: String,
    commit: CommitText,
}

#[derive(Debug, Deserialize)]
struct CommitText {
    message: String,
}

/// What was checked of a commit.
#[derive(Debug, Deserialize)]
pub(super) struct CheckRuns {
    #[serde(default)]
    pub(super) check_runs: Vec<CheckRun>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CheckRun {
    name: String,
    status: String,
    conclusion: Option<String>,
}

impl Commit {
    /// Its hash, if GitHub tells a whole one.
    pub(super) fn hash(&self) -> Result<CommitHash, ToolError> {
        CommitHash::try_from(self.sha.clone())
            .map_err(|fault| ToolError::Failed(format!("GitHub names a commit, but {fault}")))
    }
}

/// One line of a preview's list, in which long names are cut.
pub(super) trait Line {
    fn line(&self, language: Language) -> String;
}

impl Line for ChangedFile {
    fn line(&self, language: Language) -> String {
        let Self { filename, additions, deletions } = self;
        format!("{} +{additions} −{deletions}", preview::entry(filename, language))
    }
}

impl Line for Commit {
    fn line(&self, language: Language) -> String {
        let subject = self.commit.message.lines().next().unwrap_or_default();
        let (hash, _) = first_chars(&self.sha, 10);
        format!("{} {}", preview::entry(hash, language), preview::entry(subject, language))
    }
}

impl Line for CheckRun {
    fn line(&self, language: Language) -> String {
        let outcome = self.conclusion.as_deref().unwrap_or(&self.status);
        format!("{}: {}", preview::entry(&self.name, language), preview::entry(outcome, language))
    }
}

impl Side {
    fn to_value(&self) -> Value {
        let repository = self.repo.as_ref().map(|repository| repository.full_name.as_str());
        json!({"ref": self.name, "sha": self.sha, "repository": repository})
    }
}

impl Pull {
    /// One line of a list.
    pub(super) fn brief(&self) -> Value {
        json!({
            "number": self.number,
            "title": self.title,
            "state": if self.merged_at.is_some() { "merged" } else { self.state.as_str() },
            "draft": self.draft,
            "author": self.user.as_ref().map(|user| user.login.as_str()),
            "head": self.head.to_value(),
            "base": self.base.to_value(),
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "url": self.html_url,
        })
    }

    /// All that is known of it, with at most so many bytes of its description.
    pub(super) fn full(&self, max_body: usize) -> Value {
        let mut pull = self.brief();
        let labels = self.labels.iter().take(MAX_LABELS).map(|label| label.name.as_str());
        let more = json!({
            "labels": labels.collect::<Vec<_>>(),
            "merged": self.merged.unwrap_or(self.merged_at.is_some()),
            "mergedAt": self.merged_at,
            "mergeable": self.mergeable,
            "mergeableState": self.mergeable_state,
            "commits": self.commits,
            "additions": self.additions,
            "deletions": self.deletions,
            "changedFiles": self.changed_files,
            "body": self.body.as_deref().map(|body| Cut::of(body, max_body).with_note("")),
        });
        if let (Value::Object(pull), Value::Object(more)) = (&mut pull, more) {
            pull.extend(more);
        }
        pull
    }
}
