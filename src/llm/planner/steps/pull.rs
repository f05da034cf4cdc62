//! The requests that take several rounds: reading a pull request, and making one.

use serde_json::{Value, json};

use super::super::dictated::{self, Dictated};
use super::super::language::Language;
use super::super::names::{self, Route};
use super::super::pulls;
use super::known::Known;
use super::{Call, Plan, Reply, Situation};

/// Whose repository it is assumed to be, where nothing says it.
const DEFAULT_OWNER: &str = "dwp";
/// What it is assumed to be called, where no tool says it.
const DEFAULT_REPOSITORY: &str = "workspace";
/// How many commits are read for a pull request.
const COMMITS: u32 = 20;
/// Longest title of a pull request, in characters.
const TITLE_MAX: usize = 120;

/// The two branches of a pull request, and how many of them nobody named.
struct Branches {
    base: String,
    head: Option<String>,
    assumed: usize,
}

impl Situation<'_> {
    /// A named pull request is read on GitHub; otherwise the branches here are: first which there
    /// are, then what differs and which commits do it.
    pub(super) fn read_pull(&self) -> Plan {
        match self.pull() {
            Some(pull) if self.offers("github_get_pr") => self.read_on_github(&pull),
            Some(_) | None => self.read_branches(),
        }
    }

    fn read_on_github(&self, pull: &pulls::Pull) -> Plan {
        if self.is_open("github_get_pr") {
            return self.once("github_get_pr", arguments(pull), 0, Reply::Analysis);
        }
        let known = self.conversation.result_of("github_get_pr").is_some();
        if known && self.is_open("github_get_pr_diff") {
            return self.once("github_get_pr_diff", arguments(pull), 0, Reply::Analysis);
        }
        Plan::say(Reply::Analysis)
    }

    fn read_branches(&self) -> Plan {
        if self.is_open("git_branch_list") {
            return self.once("git_branch_list", json!({}), 0, Reply::Analysis);
        }
        let Branches { base, head, assumed } = self.branches();
        let mut calls = Vec::new();
        if self.is_open("git_diff") {
            let whole = head.as_ref().map_or(json!({}), |head| json!({"from": base, "to": head}));
            calls.push(Call { tool: "git_diff", arguments: whole });
        }
        if self.is_open("git_log") {
            calls.push(log_of(head.as_deref()));
        }
        if !calls.is_empty() {
            return Plan::call(calls, 2 - assumed, assumed);
        }
        if self.conversation.done.is_empty() {
            return Plan::say(Reply::NotOffered("git_diff"));
        }
        Plan::say(Reply::Analysis)
    }

    /// Reads the branches and the commits, as far as such tools are offered, then asks for the pull
    /// request that they make.
    pub(super) fn create_pull(&self) -> Plan {
        if self.conversation.called("github_create_pr") {
            return Plan::say(Reply::Results);
        }
        if !self.offers("github_create_pr") {
            return Plan::say(Reply::NotOffered("github_create_pr"));
        }
        if self.is_open("git_branch_list") {
            return self.once("git_branch_list", json!({}), 0, Reply::Results);
        }
        let Branches { base, head, assumed } = self.branches();
        let Some(head) = head else {
            return Plan::say(Reply::NothingToPropose);
        };
        if self.is_open("git_log") {
            let calls = vec![log_of(Some(&head)), log_of(Some(&base))];
            return Plan::call(calls, 2 - assumed, assumed);
        }
        let named = self.repository();
        let assumed = assumed + usize::from(named.is_none());
        let repository = named.unwrap_or_else(|| self.default_repository());
        let subjects = self.subjects(&head, &base);
        let (said, language) = (dictated::read(self.prompt), Language::of(self.prompt));
        let arguments = json!({
            "owner": repository.owner,
            "repo": repository.name,
            "title": said.title.unwrap_or_else(|| title(&subjects, &head, &base)),
            "body": said.body.unwrap_or_else(|| body(&subjects, &head, &base, language)),
            "head": head,
            "base": base,
        });
        self.once("github_create_pr", arguments, assumed, Reply::Results)
    }

    /// The branches that the prompt names; for what it does not, the repository's: the base is
    /// what branches usually start from, the head the current branch, a feature branch, or the first other one.
    /// No head: the repository is known to have no other branch.
    fn branches(&self) -> Branches {
        let Dictated { rest, .. } = dictated::read(self.prompt);
        let Route { source, target } = names::route(&rest);
        // "feature 브랜치로 PR을 만들어줘": the only branch that is named is what is proposed.
        let (source, target) = match (source, target) {
            (None, Some(only)) if !names::is_base(&only) => (Some(only), None),
            (Some(only), None) if names::is_base(&only) => (None, Some(only)),
            route => route,
        };
        let known = Known::of(self.conversation);
        let assumed = usize::from(source.is_none()) + usize::from(target.is_none());
        let taken = source.as_deref();
        let base = target.unwrap_or_else(|| known.base(taken).unwrap_or("main").to_owned());
        let head = source.or_else(|| known.head(&base));
        Branches { base, head, assumed }
    }

    /// The subjects of the commits that only the head has, newest first.
    fn subjects(&self, head: &str, base: &str) -> Vec<&str> {
        let on_base: Vec<&str> =
            self.commits(base).filter_map(|commit| commit.get("hash")?.as_str()).collect();
        let is_new = |commit: &&Value| {
            commit.get("hash").and_then(Value::as_str).is_none_or(|hash| !on_base.contains(&hash))
        };
        self.commits(head).filter(is_new).filter_map(|c| c.get("subject")?.as_str()).collect()
    }

    fn commits(&self, branch: &str) -> impl Iterator<Item = &Value> {
        let log = self.conversation.done.iter().find(|done| {
            done.tool == "git_log"
                && done.arguments.get("ref").and_then(Value::as_str) == Some(branch)
        });
        let commits = log.and_then(|log| log.result.as_ref().ok()?.get("commits")?.as_array());
        commits.into_iter().flatten()
    }

    fn default_repository(&self) -> pulls::Repository {
        let results = self.conversation.done.iter().filter_map(|done| done.result.as_ref().ok());
        let name = results.filter_map(|result| result.get("repository")?.as_str()).next();
        let name = name.filter(|name| !name.is_empty()).unwrap_or(DEFAULT_REPOSITORY);
        pulls::Repository { owner: DEFAULT_OWNER.to_owned(), name: name.to_owned() }
    }
}

/// The arguments that name a pull request.
pub(super) fn arguments(pull: &pulls::Pull) -> Value {
    json!({"owner": pull.repository.owner, "repo": pull.repository.name, "number": pull.number})
}

fn log_of(branch: Option<&str>) -> Call {
    let mut arguments = json!({"limit": COMMITS});
    if let Some(branch) = branch {
        arguments["ref"] = branch.into();
    }
    Call { tool: "git_log", arguments }
}

fn title(subjects: &[&str], head: &str, base: &str) -> String {
    let title = match subjects {
        [] => format!("{head} → {base}"),
        [only] => (*only).to_owned(),
        [newest, rest @ ..] => format!("{newest} (+{})", rest.len()),
    };
    title.chars().take(TITLE_MAX).collect()
}

fn body(subjects: &[&str], head: &str, base: &str, language: Language) -> String {
    let mut body = format!("`{head}` → `{base}`");
    if !subjects.is_empty() {
        body.push_str(language.pick("\n\n## 변경 사항\n", "\n\n## Changes\n"));
    }
    for subject in subjects {
        body.push_str("\n- ");
        body.push_str(subject);
    }
    body
}
