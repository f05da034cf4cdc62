//! The requests that take several rounds: reading a pull request, and making one.

use serde_json::{Value, json};

use super::super::dictated::{self, Dictated};
use super::super::names::{self, Route};
use super::super::pulls::{self, Pull, Repository};
use super::known::Known;
use super::{Missing, PlannedCall, Reply, Situation, Step};
use crate::domain::text::first_chars;

/// Whose a repository of the workspace is in a dry run, where it was cloned from nowhere. Nothing is
/// sent there.
const LOCAL_OWNER: &str = "local";
/// The tool that makes one.
const CREATE: &str = "github_create_pr";
/// How many commits are read for a pull request.
const COMMITS: u32 = 20;
/// Longest title of a pull request, in characters.
const TITLE_MAX: usize = 120;

impl Situation<'_> {
    /// A named pull request is read on GitHub. Of a repository that is named alone, its pull requests
    /// are. Where nothing is named, the branches here are compared.
    pub(in crate::llm::planner) fn read_pull(&self) -> Step {
        match (self.pull(), self.repository()) {
            (Some(pull), _) => self.read_on_github(&pull),
            (None, Some(place)) => self.once("github_list_prs", place.arguments()),
            (None, None) if pulls::number(self.prompt()).is_some() => Step::ask_for(Missing::Pull),
            (None, None) => self.read_branches(),
        }
    }

    fn read_on_github(&self, pull: &Pull) -> Step {
        let known = self.conversation.result_of("github_get_pr").is_some();
        let next = match known && self.is_open("github_get_pr_diff") {
            true => "github_get_pr_diff",
            false => "github_get_pr",
        };
        self.once(next, pull.arguments())
    }

    /// Which branches there are, then what differs and which commits do it.
    fn read_branches(&self) -> Step {
        if self.is_open("git_branch_list") {
            return self.once("git_branch_list", json!({}));
        }
        let known = Known::of(self.conversation);
        let (base, Some(head)) = self.branches(&known) else {
            return no_head(&known, Missing::Pull);
        };
        let diff = PlannedCall::new("git_diff", json!({"from": base, "to": head}));
        let log = PlannedCall::new("git_log", json!({"limit": COMMITS, "ref": head}));
        let mut calls = vec![diff, log];
        calls.retain(|call| self.is_open(&call.tool));
        match calls.is_empty() {
            false => Step::Call(calls),
            true if self.conversation.done.is_empty() => Step::Say(Reply::NotOffered("git_diff")),
            true => Step::Say(Reply::Comparison),
        }
    }

    /// Finds out which repository and which branches it is about, as far as the prompt does not say
    /// it, and asks for the pull request.
    pub(in crate::llm::planner) fn create_pull(&self) -> Step {
        if let Some(step) = self.closed(CREATE) {
            return step;
        }
        if self.is_open("git_branch_list") {
            return self.once("git_branch_list", json!({}));
        }
        let here = Known::of(self.conversation);
        let Some(repository) = self.repository().or_else(|| self.repository_here(&here)) else {
            return Step::ask_for(Missing::PullRepository);
        };
        // What is known of another repository says nothing of the one that is meant.
        let is_here = here.on_github().is_none_or(|here| here == repository);
        let known = if is_here { here } else { Known::default() };
        let (base, Some(head)) = self.branches(&known) else {
            return no_head(&known, Missing::Head);
        };
        self.once(CREATE, self.proposal(&repository, &known, &head, &base))
    }

    /// The arguments of a new pull request. Its title is the subject of the head's last commit.
    fn proposal(&self, place: &Repository, known: &Known<'_>, head: &str, base: &str) -> Value {
        let Dictated { title, body, .. } = dictated::read(self.prompt());
        let subject =
            || known.subject(head).map_or_else(|| format!("{head} → {base}"), str::to_owned);
        let title = title.unwrap_or_else(subject);
        let mut arguments = place.arguments();
        arguments["title"] = first_chars(&title, TITLE_MAX).0.into();
        arguments["body"] = body.unwrap_or_else(|| format!("`{head}` → `{base}`")).into();
        arguments["head"] = head.into();
        arguments["base"] = base.into();
        arguments
    }

    /// The workspace's repository on GitHub, if it was cloned from there. In a dry run its name here
    /// will do: nothing is sent to anybody.
    fn repository_here(&self, here: &Known<'_>) -> Option<Repository> {
        let local = || {
            let path = here.repository().filter(|_| self.offered.runs_dry(CREATE))?;
            let name = path.rsplit('/').next()?;
            Some(Repository { owner: LOCAL_OWNER.to_owned(), name: name.to_owned() })
        };
        here.on_github().or_else(local)
    }

    /// The base and the head that the prompt names; for what it does not, those that are known. No
    /// head: none is known.
    fn branches(&self, known: &Known<'_>) -> (String, Option<String>) {
        let Route { source, target } = names::route(&dictated::read(self.prompt()).remainder);
        // "feature 브랜치로 PR을 만들어줘": the only branch that is named is what is proposed.
        let (source, target) = match (source, target) {
            (None, Some(only)) if !names::is_base(&only) => (Some(only), None),
            (Some(only), None) if names::is_base(&only) => (None, Some(only)),
            route => route,
        };
        let usual = || known.base(source.as_deref()).unwrap_or("main").to_owned();
        let base = target.unwrap_or_else(usual);
        let head = source.or_else(|| known.head(&base).map(str::to_owned));
        (base, head)
    }
}

/// What is said without a branch to propose: that there is none, or that nobody knows one.
fn no_head(known: &Known<'_>, missing: Missing) -> Step {
    Step::ask_for(if known.is_told() { Missing::OtherBranch } else { missing })
}
