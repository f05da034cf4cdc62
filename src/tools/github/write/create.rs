//! `github_create_pr`.

use std::sync::Arc;

use http::StatusCode;
use reqwest::{Method, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{push_list, shown};
use crate::domain::json::mended;
use crate::domain::sentences::Listed;
use crate::domain::text::{is_plain_line, quoted, quoted_start};
use crate::domain::{Language, Preview};
use crate::tools::git::refs::{CommitHash, RefName};
use crate::tools::github::TOKEN_SETTING;
use crate::tools::github::client::Client;
use crate::tools::github::names::{Owner, RepositoryName};
use crate::tools::github::requests::{Answer, Requests};
use crate::tools::github::wire::{Commit, Comparison, Pull};
use crate::tools::write_tool::WriteTool;
use crate::tools::{Forecast, Pin, ToolContext, ToolError};

/// GitHub's own limits, in characters.
const MAX_TITLE: usize = 256;
const MAX_BODY: usize = 65_536;
/// What GitHub says where there is one already.
const EXISTS: &str = "A pull request already exists";

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools::github) struct CreatePull {
    /// Owner of the repository, a user or an organisation.
    owner: Owner,
    /// Name of the repository.
    repo: RepositoryName,
    /// Title, one line.
    title: String,
    /// Description in Markdown.
    body: Option<String>,
    /// Branch that holds the changes; `user:branch` if it is in a fork.
    head: String,
    /// Branch that is to take them in.
    base: RefName,
    /// The whole hash of the commit that `head` must still be at: if it has moved, nothing is asked for.
    head_commit: Option<CommitHash>,
}

impl WriteTool for CreatePull {
    const NAME: &'static str = "github_create_pr";
    const DESCRIPTION: &'static str =
        "Create a pull request on GitHub that asks to merge one branch into another.";
    const SETTING: &'static str = TOKEN_SETTING;
    const PINS: &'static [Pin] = &[Pin { argument: "head_commit", of: &["owner", "repo", "head"] }];
    type Facts = Client;
    type Service = Arc<Client>;

    fn fault(&self, _client: &Client) -> Option<(&'static str, String)> {
        let body = self.body.as_deref().unwrap_or_default();
        let checks = [
            ("title", !self.title.trim().is_empty(), "it is empty"),
            ("title", is_plain_line(&self.title), "it has control or invisible characters"),
            ("title", self.title.chars().count() <= MAX_TITLE, "it is longer than 256 characters"),
            ("body", body.chars().count() <= MAX_BODY, "it is longer than 65536 characters"),
            ("head", is_head(&self.head), "it is not a branch"),
            ("base", self.base.as_str() != self.head, "it is the same branch as `head`"),
        ];
        let failed = checks.into_iter().find(|(_, fine, _)| !fine);
        failed.map(|(field, _, fault)| (field, fault.to_owned()))
    }

    fn question(&self, language: Language) -> String {
        let Self { owner, repo, title, head, base, .. } = self;
        let (head, base) = (quoted(head), quoted(base.as_str()));
        let title = quoted_start(title, MAX_TITLE, language);
        let repository = format_args!("{owner}/{repo}");
        language.sentences().may_create_pull(&repository, [&head, &base], &title)
    }

    async fn forecast(
        &self,
        _facts: &Client,
        client: &Arc<Client>,
        language: Language,
    ) -> Result<Forecast, ToolError> {
        let github = Requests::begin(client);
        let comparison = self.compare(&github, &[]).await?;
        let tip = self.tip(&github, &comparison).await?;
        self.check_unmoved(&tip)?;
        let pins = [("head_commit".to_owned(), Value::from(tip.as_str()))].into_iter().collect();
        Ok(Forecast { pins, preview: Some(self.preview(comparison, language)) })
    }

    fn request(&self, client: &Client) -> Value {
        shown("POST", &self.url(client, &[]), &self.body())
    }

    async fn send(
        self,
        _facts: &Client,
        client: &Arc<Client>,
        // Not for an idempotency key: GitHub takes none (see `requests`).
        _context: &ToolContext,
    ) -> Result<Value, ToolError> {
        let github = Requests::begin(client);
        // GitHub is told a branch, and takes whatever that is at by now.
        if self.head_commit.is_some() {
            let comparison = self.compare(&github, &[]).await?;
            self.check_unmoved(&self.tip(&github, &comparison).await?)?;
        }
        let answer = github.send(Method::POST, self.url(client, &[]), &self.body()).await?;
        if answer.status.is_success() {
            return self.created(&github, &answer);
        }
        let message = github.message(&answer);
        if answer.status == StatusCode::UNPROCESSABLE_ENTITY && message.contains(EXISTS) {
            return self.existing(&github, &message).await;
        }
        Err(github.refusal(&answer, &format!("a pull request in {}/{}", self.owner, self.repo)))
    }
}

impl CreatePull {
    fn url(&self, client: &Client, query: &[(&str, &str)]) -> Url {
        client.url(["repos", self.owner.as_str(), self.repo.as_str(), "pulls"], query)
    }

    /// What the head has and the base has not.
    async fn compare(
        &self,
        github: &Requests<'_>,
        query: &[(&str, &str)],
    ) -> Result<Comparison, ToolError> {
        let Self { owner, repo, head, base, .. } = self;
        let range = format!("{base}...{head}");
        let path = ["repos", owner.as_str(), repo.as_str(), "compare", &range];
        let what = format!("the branches {base} and {head} of {owner}/{repo}");
        github.get_json(github.client.url(path, query), &what).await
    }

    /// The commit that the head is at: the last that the comparison lists, if it lists them all.
    async fn tip(
        &self,
        github: &Requests<'_>,
        comparison: &Comparison,
    ) -> Result<CommitHash, ToolError> {
        let all = comparison.ahead_by;
        let is_whole = comparison.commits.len() as u64 >= all;
        let tip = if is_whole {
            comparison.commits.last().map(Commit::hash)
        } else {
            let last = [("per_page", "1"), ("page", &all.to_string())];
            self.compare(github, &last).await?.commits.last().map(Commit::hash)
        };
        let Self { owner, repo, head, base, .. } = self;
        tip.transpose()?.filter(|_| all > 0).ok_or_else(|| {
            let why = format!("{head} has no commits that are not in {base} of {owner}/{repo}");
            ToolError::Conflict(format!("{why}: there is nothing to ask for"))
        })
    }

    /// Refuses a head that is not where it was when somebody was asked.
    fn check_unmoved(&self, now: &CommitHash) -> Result<(), ToolError> {
        match &self.head_commit {
            Some(then) if then != now => Err(ToolError::Conflict(format!(
                "{} has moved from {then} to {now} since the pull request was asked about; nothing \
                 was created",
                self.head
            ))),
            Some(_) | None => Ok(()),
        }
    }

    fn preview(&self, comparison: Comparison, language: Language) -> Preview {
        let Comparison { ahead_by, commits, files } = comparison;
        let mut text = format!("{} → {}\n", self.head, self.base);
        push_list(&mut text, Listed::Commits, Ok(commits), Some(ahead_by), language);
        push_list(&mut text, Listed::Files, Ok(files), None, language);
        if let Some(body) = self.body.as_deref().filter(|body| !body.trim().is_empty()) {
            let heading = language.sentences().body_heading();
            text.push_str(&format!("\n{heading}\n{body}\n"));
        }
        let title = format!("{}/{}: {}", self.owner, self.repo, self.title);
        Preview::text(&title, text.trim_end(), language)
    }

    fn body(&self) -> Value {
        let mut body = json!({"title": self.title, "head": self.head, "base": self.base.as_str()});
        if let Some(text) = &self.body {
            body["body"] = text.as_str().into();
        }
        body
    }

    fn created(&self, github: &Requests<'_>, answer: &Answer) -> Result<Value, ToolError> {
        let pull: Pull = serde_json::from_slice(&mended(&answer.body)).map_err(|error| {
            let status = answer.status;
            ToolError::Uncertain(format!("GitHub answered {status}, but not with a PR: {error}"))
        })?;
        let mut result = pull.full(github.client.max_output_bytes);
        result["created"] = true.into();
        Ok(result)
    }

    /// The pull request that is there already, which is what was wanted.
    async fn existing(&self, github: &Requests<'_>, message: &str) -> Result<Value, ToolError> {
        let head = match self.head.split_once(':') {
            Some(_) => self.head.clone(),
            None => format!("{}:{}", self.owner, self.head),
        };
        let query = [("state", "open"), ("head", &head), ("base", self.base.as_str())];
        let what = format!("pull requests of {}/{}", self.owner, self.repo);
        let found: Vec<Pull> = github.get_json(self.url(github.client, &query), &what).await?;
        let Some(pull) = found.first() else {
            return Err(ToolError::Conflict(format!("GitHub says: {message}")));
        };
        let mut result = pull.full(github.client.max_output_bytes);
        result["created"] = false.into();
        result["alreadyExists"] = true.into();
        result["message"] = message.into();
        Ok(result)
    }
}

/// A branch, of a fork where its owner stands before it.
fn is_head(head: &str) -> bool {
    let (fork, branch) = match head.split_once(':') {
        Some((fork, branch)) => (Some(fork), branch),
        None => (None, head),
    };
    let is_owner = |fork: &str| Owner::try_from(fork.to_owned()).is_ok();
    fork.is_none_or(is_owner) && RefName::try_from(branch.to_owned()).is_ok()
}
