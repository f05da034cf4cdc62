//! `github_create_pr`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Sendable;
use crate::tools::git::refs::RefName;
use crate::tools::registry::is_plain_line;

/// GitHub's public API.
const API: &str = "https://api.github.com";
/// The version of it that is spoken.
const API_VERSION: &str = "2022-11-28";
/// GitHub's own limits, in characters.
const MAX_TITLE: usize = 256;
const MAX_BODY: usize = 65_536;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PullRequest {
    /// Owner of the repository, a user or an organisation.
    owner: String,
    /// Name of the repository.
    repo: String,
    /// Title, one line.
    title: String,
    /// Description in Markdown.
    body: Option<String>,
    /// Branch that holds the changes; `user:branch` if it is in a fork.
    head: String,
    /// Branch that is to take them in.
    base: String,
}

impl Sendable for PullRequest {
    const NAME: &'static str = "github_create_pr";
    const DESCRIPTION: &'static str =
        "Create a pull request on GitHub that asks to merge one branch into another.";
    const SETTING: &'static str = "GITHUB_TOKEN";

    fn fault(&self) -> Option<(&'static str, &'static str)> {
        let body = self.body.as_deref().unwrap_or_default();
        let (fork, head) = match self.head.split_once(':') {
            Some((fork, head)) => (Some(fork), head),
            None => (None, self.head.as_str()),
        };
        let checks = [
            ("owner", is_owner(&self.owner), "it is not the name of a GitHub account"),
            ("repo", is_repository(&self.repo), "it is not the name of a GitHub repository"),
            ("title", !self.title.trim().is_empty(), "it is empty"),
            ("title", is_plain_line(&self.title), "it has control or invisible characters"),
            ("title", self.title.chars().count() <= MAX_TITLE, "it is longer than 256 characters"),
            ("body", body.chars().count() <= MAX_BODY, "it is longer than 65536 characters"),
            ("head", fork.is_none_or(is_owner) && is_branch(head), "it is not a branch"),
            ("base", is_branch(&self.base), "it is not a branch"),
            ("base", self.base != self.head, "it is the same branch as `head`"),
        ];
        let failed = checks.into_iter().find(|(_, fine, _)| !fine);
        failed.map(|(field, _, fault)| (field, fault))
    }

    fn question(&self) -> String {
        let Self { owner, repo, title, head, base, .. } = self;
        format!("{owner}/{repo} 저장소에 PR을 생성할까요? \"{title}\" ({head} → {base})")
    }

    fn request(&self) -> Value {
        let mut body = json!({"title": self.title, "head": self.head, "base": self.base});
        if let Some(text) = &self.body {
            body["body"] = text.as_str().into();
        }
        json!({
            "method": "POST",
            "url": format!("{API}/repos/{}/{}/pulls", self.owner, self.repo),
            "headers": {
                "accept": "application/vnd.github+json",
                "x-github-api-version": API_VERSION,
            },
            "body": body,
        })
    }
}

fn is_owner(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=39).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(plain)
}

fn is_repository(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let dots = matches!(name, "." | "..");
    (1..=100).contains(&name.len()) && !dots && name.bytes().all(plain)
}

fn is_branch(name: &str) -> bool {
    RefName::try_from(name.to_owned()).is_ok()
}
