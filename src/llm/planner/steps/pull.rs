//! The requests that take several rounds: reading a pull request, and making one.

use serde_json::{Value, json};

use super::super::dictated::{self, Dictated};
use super::super::language::Language;
use super::super::names::{self, Route};
use super::super::pulls;
use super::known::Known;
use super::{Call, Missing, Plan, Reply, Situation};
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

/// The two branches of a pull request, and how many of them nobody named.
struct Branches {
    base: String,
    head: Option<String>,
    assumed: usize,
}

impl Situation<'_> {
    /// A named pull request is read on GitHub. Of a repository that is named alone, its pull requests
    /// are. Where nothing is named, the branches here are compared.
    pub(super) fn read_pull(&self) -> Plan {
        match (self.pull(), self.repository()) {
            (Some(pull), _) => self.read_on_github(&pull),
            (None, Some(repository)) => {
                let arguments = json!({"owner": repository.owner, "repo": repository.name});
                self.once("github_list_prs", arguments, 0, Reply::WhichPull)
            }
            (None, None) => self.read_branches(),
        }
    }

    fn read_on_github(&self, pull: &pulls::Pull) -> Plan {
        if !self.conversation.called("github_get_pr") {
            return self.once("github_get_pr", arguments(pull), 0, Reply::Analysis);
        }
        let known = self.conversation.result_of("github_get_pr").is_some();
        if known && self.is_open("github_get_pr_diff") {
            return self.once("github_get_pr_diff", arguments(pull), 0, Reply::Analysis);
        }
        Plan::say(Reply::Analysis)
    }

    /// Which branches there are, then what differs and which commits do it.
    fn read_branches(&self) -> Plan {
        if self.is_open("git_branch_list") {
            return self.once("git_branch_list", json!({}), 0, Reply::Comparison);
        }
        let known = Known::of(self.conversation);
        let Branches { base, head: Some(head), assumed } = self.branches(&known) else {
            return Plan::say(match known.is_told() {
                true => Reply::NothingToPropose,
                false => Reply::Missing(Missing::Pull),
            });
        };
        let mut calls = Vec::new();
        if self.is_open("git_diff") {
            calls.push(Call { tool: "git_diff", arguments: json!({"from": base, "to": head}) });
        }
        if self.is_open("git_log") {
            calls.push(log_of(&head));
        }
        match calls.is_empty() {
            false => Plan::call(calls, 2 - assumed, assumed),
            true if self.conversation.done.is_empty() => Plan::say(Reply::NotOffered("git_diff")),
            true => Plan::say(Reply::Comparison),
        }
    }

    /// Finds out which repository and which branches it is about, as far as the prompt does not say
    /// it, then reads the commits and asks for the pull request that they make.
    pub(super) fn create_pull(&self) -> Plan {
        if self.conversation.called(CREATE) {
            return Plan::say(Reply::Results);
        }
        if !self.offers(CREATE) {
            return Plan::say(Reply::NotOffered(CREATE));
        }
        if self.is_open("git_branch_list") {
            return self.once("git_branch_list", json!({}), 0, Reply::Results);
        }
        let here = Known::of(self.conversation);
        let named = self.repository();
        let Some(repository) = named.clone().or_else(|| self.repository_here(&here)) else {
            return Plan::say(Reply::Missing(Missing::PullRepository));
        };
        // What is known of another repository says nothing of the one that is meant.
        let is_here = here.on_github().is_none_or(|here| here == repository);
        let known = if is_here { here } else { Known::nothing() };
        let Branches { base, head, assumed } = self.branches(&known);
        let Some(head) = head else {
            return Plan::say(match known.is_told() {
                true => Reply::NothingToPropose,
                false => Reply::Missing(Missing::Head),
            });
        };
        if known.is_told() && self.is_open("git_log") {
            let calls = vec![log_of(&head), log_of(&base)];
            return Plan::call(calls, 2 - assumed, assumed);
        }
        let assumed = assumed + usize::from(named.is_none());
        self.once(CREATE, self.proposal(&repository, &head, &base), assumed, Reply::Results)
    }

    /// The arguments of a new pull request.
    fn proposal(&self, repository: &pulls::Repository, head: &str, base: &str) -> Value {
        let subjects = self.subjects(head, base);
        let (said, language) = (dictated::read(self.prompt), Language::of(self.prompt));
        json!({
            "owner": repository.owner,
            "repo": repository.name,
            "title": said.title.unwrap_or_else(|| title(&subjects, head, base)),
            "body": said.body.unwrap_or_else(|| body(&subjects, head, base, language)),
            "head": head,
            "base": base,
        })
    }

    /// The workspace's repository on GitHub, if it was cloned from there. In a dry run its name here
    /// will do: nothing is sent to anybody.
    fn repository_here(&self, here: &Known<'_>) -> Option<pulls::Repository> {
        let local = || {
            let path = here.repository().filter(|_| self.offered.runs_dry(CREATE))?;
            let name = path.rsplit('/').next()?;
            Some(pulls::Repository { owner: LOCAL_OWNER.to_owned(), name: name.to_owned() })
        };
        here.on_github().or_else(local)
    }

    /// The branches that the prompt names; for what it does not, those that are known: the base is
    /// what branches usually start from, the head the current branch, a feature branch, or the first other one.
    /// No head: none is known.
    fn branches(&self, known: &Known<'_>) -> Branches {
        let Dictated { rest, .. } = dictated::read(self.prompt);
        let Route { source, target } = names::route(&rest);
        // "feature 브랜치로 PR을 만들어줘": the only branch that is named is what is proposed.
        let (source, target) = match (source, target) {
            (None, Some(only)) if !names::is_base(&only) => (Some(only), None),
            (Some(only), None) if names::is_base(&only) => (None, Some(only)),
            route => route,
        };
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
}

/// The arguments that name a pull request.
pub(super) fn arguments(pull: &pulls::Pull) -> Value {
    json!({"owner": pull.repository.owner, "repo": pull.repository.name, "number": pull.number})
}

fn log_of(branch: &str) -> Call {
    Call { tool: "git_log", arguments: json!({"limit": COMMITS, "ref": branch}) }
}

fn title(subjects: &[&str], head: &str, base: &str) -> String {
    let title = match subjects {
        [] => format!("{head} → {base}"),
        [only] => (*only).to_owned(),
        [newest, rest @ ..] => format!("{newest} (+{})", rest.len()),
    };
    first_chars(&title, TITLE_MAX).0.to_owned()
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
