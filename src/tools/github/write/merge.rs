//! `github_merge_pr`.

use std::fmt::Display;
use std::num::NonZeroU64;
use std::sync::Arc;

use http::StatusCode;
use reqwest::{Method, Url};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{push_list, shown};
use crate::domain::json::mended;
use crate::domain::sentences::{Listed, PullMerge};
use crate::domain::text::quoted;
use crate::domain::{Language, Preview};
use crate::tools::git::refs::{CommitHash, RefName};
use crate::tools::github::TOKEN_SETTING;
use crate::tools::github::client::Client;
use crate::tools::github::names::{Owner, RepositoryName};
use crate::tools::github::requests::{Answer, Requests};
use crate::tools::github::wire::{ChangedFile, CheckRun, CheckRuns, Pull};
use crate::tools::write_tool::WriteTool;
use crate::tools::{Forecast, Pin, ToolContext, ToolError};

/// How the commits of a pull request go into its base.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum MergeMethod {
    #[default]
    Merge,
    Squash,
    Rebase,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools::github) struct MergePull {
    /// Owner of the repository, a user or an organisation.
    owner: Owner,
    /// Name of the repository.
    repo: RepositoryName,
    /// Number of the pull request.
    number: NonZeroU64,
    /// How: "merge" with a merge commit, "squash" into one commit, or "rebase". Default: merge.
    #[serde(default)]
    merge_method: MergeMethod,
    /// The whole hash of the commit that the head must still be at: if it has moved, nothing is
    /// merged.
    sha: Option<CommitHash>,
    /// The branch that the pull request must still go into: if it goes elsewhere, nothing is merged.
    base: Option<RefName>,
}

/// What of a pull request is pinned.
const OF: &[&str] = &["owner", "repo", "number"];

/// GitHub's word that it is done.
#[derive(Debug, Deserialize)]
struct Merged {
    sha: String,
    message: Option<String>,
}

impl WriteTool for MergePull {
    const NAME: &'static str = "github_merge_pr";
    const DESCRIPTION: &'static str = "Merge a pull request on GitHub into its base branch.";
    const SETTING: &'static str = TOKEN_SETTING;
    const PINS: &'static [Pin] =
        &[Pin { argument: "sha", of: OF }, Pin { argument: "base", of: OF }];
    type Facts = Client;
    type Service = Arc<Client>;

    fn fault(&self, _client: &Client) -> Option<(&'static str, String)> {
        None
    }

    fn question(&self, language: Language) -> String {
        let Self { owner, repo, number, sha, base, .. } = self;
        let method = match self.merge_method {
            MergeMethod::Merge => "merge",
            MergeMethod::Squash => "squash",
            MergeMethod::Rebase => "rebase",
        };
        let base = base.as_ref().map(|base| quoted(base.as_str()));
        language.sentences().may_merge_pull(PullMerge {
            repository: &format_args!("{owner}/{repo}"),
            number: number.get(),
            method,
            base: base.as_ref().map(|base| base as &dyn Display),
            commit: sha.as_ref().map(|sha| sha as &dyn Display),
        })
    }

    async fn forecast(
        &self,
        _facts: &Client,
        client: &Arc<Client>,
        language: Language,
    ) -> Result<Forecast, ToolError> {
        let github = Requests::begin(client);
        let pull = self.look(&github).await?;
        self.check_mergeable(&pull)?;
        let head = &pull.head.sha;
        let (files, checks) =
            tokio::join!(self.files(&github), checks(&github, &self.owner, &self.repo, head));
        let preview = self.preview(&pull, files, checks, language);
        let pins = [("sha", head), ("base", &pull.base.name)];
        let pins = pins.map(|(name, value)| (name.to_owned(), Value::from(value.as_str())));
        Ok(Forecast { pins: pins.into_iter().collect(), preview: Some(preview) })
    }

    fn request(&self, client: &Client) -> Value {
        shown("PUT", &self.url(client, &["merge"]), &self.body())
    }

    async fn send(
        self,
        _facts: &Client,
        client: &Arc<Client>,
        // Not for an idempotency key: GitHub takes none (see `requests`).
        _context: &ToolContext,
    ) -> Result<Value, ToolError> {
        let github = Requests::begin(client);
        // GitHub compares the head by itself, but merges into whatever the base is by now.
        if self.base.is_some() {
            self.check_base(&self.look(&github).await?)?;
        }
        let url = self.url(client, &["merge"]);
        let answer = github.send(Method::PUT, url, &self.body()).await?;
        match answer.status {
            status if status.is_success() => self.merged(&answer),
            StatusCode::METHOD_NOT_ALLOWED => self.not_allowed(&github, &answer).await,
            StatusCode::CONFLICT => Err(self.conflict("it has changed", &github.message(&answer))),
            _ => Err(github.refusal(&answer, &format!("pull request {}", self.subject()))),
        }
    }
}

impl MergePull {
    fn subject(&self) -> String {
        format!("{}/{}#{}", self.owner, self.repo, self.number)
    }

    fn url(&self, client: &Client, more: &[&str]) -> Url {
        let number = self.number.to_string();
        let path = ["repos", self.owner.as_str(), self.repo.as_str(), "pulls", &number];
        client.url(path.into_iter().chain(more.iter().copied()), &[])
    }

    /// The pull request as it is now.
    async fn look(&self, github: &Requests<'_>) -> Result<Pull, ToolError> {
        let what = format!("pull request {}", self.subject());
        github.get_json(self.url(github.client, &[]), &what).await
    }

    /// Refuses a pull request that goes elsewhere than it did: whoever can edit it, and GitHub itself
    /// where a base is deleted, can give it another base without moving its head.
    fn check_base(&self, pull: &Pull) -> Result<(), ToolError> {
        match &self.base {
            Some(base) if base.as_str() != pull.base.name => {
                let (was, now) = (quoted(base.as_str()), quoted(&pull.base.name));
                Err(self.unmergeable(&format!("its base is {now} now, not {was}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses what GitHub would refuse, as far as it says so before.
    fn check_mergeable(&self, pull: &Pull) -> Result<(), ToolError> {
        let moved = |sha: &CommitHash| !sha.as_str().eq_ignore_ascii_case(&pull.head.sha);
        let why = match &self.sha {
            _ if pull.merged == Some(true) => "it is merged already".to_owned(),
            _ if pull.state != "open" => format!("it is {}", pull.state),
            Some(sha) if moved(sha) => {
                format!("its head has moved from {sha} to {}", pull.head.sha)
            }
            _ if pull.draft => "it is a draft".to_owned(),
            _ if pull.mergeable == Some(false) => "it conflicts with its base".to_owned(),
            _ => return self.check_base(pull),
        };
        Err(self.unmergeable(&why))
    }

    fn unmergeable(&self, why: &str) -> ToolError {
        let subject = self.subject();
        ToolError::Conflict(format!("{subject} cannot be merged: {why}; nothing was changed"))
    }

    /// The files that change, as many as GitHub lists at once.
    async fn files(&self, github: &Requests<'_>) -> Result<Vec<ChangedFile>, ToolError> {
        let number = self.number.to_string();
        let path = ["repos", self.owner.as_str(), self.repo.as_str(), "pulls", &number, "files"];
        let what = format!("the files of pull request {}", self.subject());
        github.get_json(github.client.url(path, &[("per_page", "100")]), &what).await
    }

    fn preview(
        &self,
        pull: &Pull,
        files: Result<Vec<ChangedFile>, ToolError>,
        checks: Result<Vec<CheckRun>, ToolError>,
        language: Language,
    ) -> Preview {
        let Pull { title, head, base, commits, changed_files, .. } = pull;
        let words = language.sentences();
        let commits = commits.map_or("?".into(), |n| n.to_string());
        let mut text = format!(
            "{} → {}\n{}\n\n{}\n",
            head.name,
            base.name,
            words.at_commit(&head.sha),
            words.listed(Listed::Commits, &commits)
        );
        push_list(&mut text, Listed::Checks, checks, None, language);
        push_list(&mut text, Listed::Files, files, *changed_files, language);
        Preview::text(&format!("{} {title}", self.subject()), text.trim_end(), language)
    }

    fn body(&self) -> Value {
        let mut body = json!({"merge_method": self.merge_method});
        if let Some(sha) = &self.sha {
            body["sha"] = sha.as_str().into();
        }
        body
    }

    fn merged(&self, answer: &Answer) -> Result<Value, ToolError> {
        let merged: Merged = serde_json::from_slice(&mended(&answer.body)).map_err(|error| {
            let status = answer.status;
            ToolError::Uncertain(format!("GitHub answered {status}, but no commit: {error}"))
        })?;
        let mut result = self.result(Some(&merged.sha), false);
        result["message"] = merged.message.into();
        Ok(result)
    }

    /// A 405 says of a pull request that is merged already the same as of one that cannot be.
    async fn not_allowed(
        &self,
        github: &Requests<'_>,
        answer: &Answer,
    ) -> Result<Value, ToolError> {
        match self.look(github).await {
            Ok(pull) if pull.merged == Some(true) => {
                Ok(self.result(pull.merge_commit_sha.as_deref(), true))
            }
            Ok(_) | Err(_) => Err(self.conflict("it cannot be merged", &github.message(answer))),
        }
    }

    fn conflict(&self, why: &str, message: &str) -> ToolError {
        let subject = self.subject();
        ToolError::Conflict(format!("GitHub does not merge {subject}, because {why}: {message}"))
    }

    fn result(&self, commit: Option<&str>, already: bool) -> Value {
        json!({
            "owner": self.owner.as_str(),
            "repo": self.repo.as_str(),
            "number": self.number,
            "merged": true,
            "alreadyMerged": already,
            "commit": commit,
        })
    }
}

/// What was checked of a commit.
async fn checks(
    github: &Requests<'_>,
    owner: &Owner,
    repo: &RepositoryName,
    sha: &str,
) -> Result<Vec<CheckRun>, ToolError> {
    let path = ["repos", owner.as_str(), repo.as_str(), "commits", sha, "check-runs"];
    let url = github.client.url(path, &[("per_page", "100")]);
    let checks: CheckRuns = github.get_json(url, &format!("the checks of {sha}")).await?;
    Ok(checks.check_runs)
}
