//! `github_list_prs`: the pull requests of a repository, newest first.

use std::collections::HashSet;

use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Lookup;
use crate::tools::ToolError;
use crate::tools::git::refs::RefName;
use crate::tools::github::client::JSON;
use crate::tools::github::names::{Owner, RepositoryName};
use crate::tools::github::pages::Pages;
use crate::tools::github::requests::Requests;
use crate::tools::github::wire::Pull;

/// How many there are on a page: each may have a description of 64 KiB.
const PER_PAGE: usize = 50;
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
/// Pages that are asked for. Four hold [`MAX_LIMIT`]; those of a busy repository may hold less.
const PAGES_MAX: usize = 10;

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum PullState {
    #[default]
    Open,
    Closed,
    All,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListPulls {
    /// Owner of the repository, a user or an organisation.
    owner: Owner,
    /// Name of the repository.
    repo: RepositoryName,
    /// Which ones: "open", "closed" or "all". Default: open.
    #[serde(default)]
    state: PullState,
    /// Only those that are to be merged into this branch.
    base: Option<RefName>,
    /// How many, at most 200. Default: 50.
    limit: Option<usize>,
}

impl Lookup for ListPulls {
    const NAME: &'static str = "github_list_prs";
    const DESCRIPTION: &'static str =
        "List the pull requests of a repository on GitHub, newest first.";

    fn subject(&self) -> String {
        format!("{}/{}", self.owner, self.repo)
    }

    async fn read(self, github: &Requests<'_>) -> Result<Value, ToolError> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
        let mut list = List::new(limit, github.client.max_output_bytes);
        let what = format!("pull requests of {}", self.subject());
        let mut next = Some(self.first_page(github, limit));
        while let Some(url) = next.filter(|url| list.wants(url)) {
            let response = github.get(url, JSON, &what).await?;
            let pages = Pages::of(response.headers());
            next = pages.next.clone().filter(|next| github.client.is_ours(next));
            let page: Vec<Pull> = github.json(response).await?;
            list.add(&page, &pages);
        }
        let mut result = json!({
            "owner": self.owner.as_str(),
            "repo": self.repo.as_str(),
            "state": self.state,
            "truncated": list.note().is_some(),
        });
        if let Some(note) = list.note() {
            result["note"] = note.into();
        }
        result["pullRequests"] = list.shown.into();
        Ok(result)
    }
}

impl ListPulls {
    fn first_page(&self, github: &Requests<'_>, limit: usize) -> Url {
        let state = json!(self.state);
        let per_page = PER_PAGE.min(limit).to_string();
        let mut query = vec![
            ("state", state.as_str().unwrap_or_default()),
            ("sort", "created"),
            ("direction", "desc"),
            ("per_page", &per_page),
        ];
        query.extend(self.base.as_ref().map(|base| ("base", base.as_str())));
        let path = ["repos", self.owner.as_str(), self.repo.as_str(), "pulls"];
        github.client.url(path, &query)
    }
}

/// What is shown of a list, and what is known of the rest.
struct List {
    shown: Vec<Value>,
    /// The pages that were read; a page may say that the list goes on with one of them.
    pages: HashSet<Url>,
    /// The numbers that were seen: whatever is made meanwhile moves the others to later pages.
    seen: HashSet<u64>,
    limit: usize,
    /// Bytes that further entries may take.
    room: usize,
    /// Entries that were seen and are not shown.
    passed_over: usize,
    /// Whether GitHub has further pages, and how many entries there are at most, if it says so.
    goes_on: bool,
    at_most: Option<usize>,
}

impl List {
    fn new(limit: usize, room: usize) -> Self {
        let (shown, pages, seen) = (Vec::new(), HashSet::new(), HashSet::new());
        Self { shown, pages, seen, limit, room, passed_over: 0, goes_on: false, at_most: None }
    }

    /// Whether that page is to be read, which is then done.
    fn wants(&mut self, page: &Url) -> bool {
        !self.is_full() && self.pages.len() < PAGES_MAX && self.pages.insert(page.clone())
    }

    fn is_full(&self) -> bool {
        self.shown.len() >= self.limit || self.passed_over > 0
    }

    fn add(&mut self, page: &[Pull], pages: &Pages) {
        let per_page = PER_PAGE.min(self.limit);
        let last = pages.last.and_then(|last| usize::try_from(last).ok());
        self.at_most = last.map(|last| last.saturating_mul(per_page)).or(self.at_most);
        self.goes_on = pages.next.is_some();
        for pull in page {
            if !self.seen.insert(pull.number) {
                continue;
            }
            let entry = pull.brief();
            let size = entry.to_string().len();
            if self.is_full() || size > self.room {
                self.passed_over += 1;
            } else {
                self.room -= size;
                self.shown.push(entry);
            }
        }
    }

    /// What is left out, if anything is.
    fn note(&self) -> Option<String> {
        let (shown, pages) = (self.shown.len(), self.pages.len());
        if self.goes_on && !self.is_full() {
            return Some(format!(
                "{shown} are shown: GitHub says that there are more, but not where they can be read; \
                 pages that were read: {pages}"
            ));
        }
        let more = match (self.goes_on, self.at_most) {
            (false, _) if self.passed_over == 0 => return None,
            (false, _) => format!("{} more", self.passed_over),
            (true, Some(most)) => format!("up to {} more", most.saturating_sub(shown)),
            (true, None) => "more".to_owned(),
        };
        Some(format!(
            "{shown} are shown, {more} are left out: narrow it by `state` and `base`, or raise \
             `limit` (at most {MAX_LIMIT})"
        ))
    }
}
