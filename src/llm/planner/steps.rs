//! What to do next: a tool to ask for, or an answer.
//!
//! Nothing is remembered between turns. What has been done since the prompt tells how far a request
//! has come; a tool that was called, even in vain, is not called again for the same prompt.

use serde_json::{Value, json};

use super::conversation::Conversation;
use super::names::{self, Route};
use super::offered::Offered;
use super::{files, mail, pulls};
use crate::domain::Language;

mod known;
mod pull;

use known::Known;

/// A tool call that is planned.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PlannedCall {
    pub(super) tool: String,
    pub(super) arguments: Value,
}

impl PlannedCall {
    pub(super) fn new(tool: &str, arguments: Value) -> Self {
        Self { tool: tool.to_owned(), arguments }
    }
}

/// What an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// What the tools returned.
    Results,
    /// What they returned, as a comparison of the workspace's branches: no pull request was named.
    Comparison,
    /// What the planner can do.
    Help,
    /// That it was a pleasure.
    Thanks,
    /// What the person has on the screen.
    Screen,
    /// That the prompt was not understood.
    Unknown,
    /// That the tool that it takes is not there.
    NotOffered(&'static str),
    /// That something must be named first.
    Missing(Missing),
}

/// What a request cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The branch to merge.
    Branch,
    /// The branch to merge into.
    Target,
    /// The branch to propose.
    Head,
    /// Any branch that could be proposed.
    OtherBranch,
    /// Whom to write to.
    Address,
    /// Which pull request, with its repository.
    Pull,
    /// Which repository.
    Repository,
    /// The repository that a pull request is to be made in.
    PullRepository,
}

/// One turn.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Ask for these tools, all at once.
    Call(Vec<PlannedCall>),
    /// Say something.
    Say(Reply),
}

impl Step {
    fn ask_for(missing: Missing) -> Self {
        Self::Say(Reply::Missing(missing))
    }
}

/// What there is to decide by.
pub(super) struct Situation<'a> {
    pub(super) conversation: &'a Conversation<'a>,
    pub(super) offered: Offered<'a>,
}

impl Situation<'_> {
    /// Calls one tool, once, and then tells what came of it.
    pub(super) fn once(&self, tool: &'static str, arguments: Value) -> Step {
        match self.offered.has(tool) {
            false if !self.conversation.called(tool) => Step::Say(Reply::NotOffered(tool)),
            true | false => self.by_name(tool, arguments),
        }
    }

    /// The same for a tool that is asked for by its name, and offered.
    pub(super) fn by_name(&self, tool: &str, arguments: Value) -> Step {
        match self.conversation.called(tool) {
            true => Step::Say(Reply::Results),
            false => Step::Call(vec![PlannedCall::new(tool, arguments)]),
        }
    }

    fn prompt(&self) -> &str {
        self.conversation.prompt
    }

    /// Whether a tool is there and has not been called for this prompt.
    fn is_open(&self, tool: &str) -> bool {
        self.offered.has(tool) && !self.conversation.called(tool)
    }

    /// What is to be said if this tool is not there, or has been called.
    fn closed(&self, tool: &'static str) -> Option<Step> {
        (!self.is_open(tool)).then(|| self.once(tool, Value::Null))
    }

    pub(super) fn log(&self) -> Step {
        let limit = files::count(self.prompt()).map(Value::from);
        let branch = names::branch(self.prompt()).map(Value::from);
        self.once("git_log", object([("limit", limit), ("ref", branch)]))
    }

    pub(super) fn diff(&self) -> Step {
        let (from, to) = match names::sides(self.prompt()) {
            Some((from, to)) => (Some(from), Some(to)),
            None => (names::branch(self.prompt()), None),
        };
        let arguments = [("from", from), ("to", to), ("path", files::file(self.prompt()))];
        let arguments = object(arguments.map(|(name, value)| (name, value.map(Value::from))));
        self.once("git_diff", arguments)
    }

    pub(super) fn show_file_on_github(&self) -> Step {
        match self.repository() {
            Some(repository) => self.file_from("github_get_file", repository.arguments()),
            None => Step::ask_for(Missing::Repository),
        }
    }

    /// Shows the file that the prompt names; the arguments say where else it is.
    pub(super) fn file_from(&self, tool: &'static str, mut arguments: Value) -> Step {
        let Some(path) = files::file(self.prompt()) else {
            return Step::Say(Reply::Unknown);
        };
        arguments["path"] = path.into();
        if let Some(branch) = names::branch(self.prompt()) {
            arguments["ref"] = branch.into();
        }
        self.once(tool, arguments)
    }

    /// A branch that the prompt does not name is the one that the conversation named last, and a
    /// target the base of the repository: who approves sees both.
    pub(super) fn merge(&self) -> Step {
        if let Some(step) = self.closed("git_merge") {
            return step;
        }
        let Route { source, target } = names::route(self.prompt());
        let earlier = self.conversation.earlier;
        let Some(source) = source.or_else(|| names::last_named(earlier, target.as_deref())) else {
            return Step::ask_for(Missing::Branch);
        };
        if target.is_none() && self.is_open("git_branch_list") {
            return self.once("git_branch_list", json!({}));
        }
        if target.is_none() && self.conversation.failed("git_branch_list") {
            return Step::ask_for(Missing::Target);
        }
        let base = || Known::of(self.conversation).target(&source).unwrap_or("main").to_owned();
        let target = target.unwrap_or_else(base);
        if target == source {
            return Step::ask_for(Missing::Branch);
        }
        self.once("git_merge", json!({"source": source, "target": target}))
    }

    pub(super) fn send_mail(&self) -> Step {
        let Some(mail) = mail::draft(self.prompt(), Language::of_text(self.prompt())) else {
            return Step::ask_for(Missing::Address);
        };
        let mut arguments = json!({"to": mail.to, "subject": mail.subject, "body": mail.body});
        if !mail.cc.is_empty() {
            arguments["cc"] = mail.cc.into();
        }
        self.once("send_email", arguments)
    }

    pub(super) fn list_pulls(&self) -> Step {
        match self.repository() {
            Some(place) => self.once("github_list_prs", place.arguments()),
            None => Step::ask_for(Missing::Repository),
        }
    }

    /// Calls a tool that takes a pull request and nothing else.
    pub(super) fn with_pull(&self, tool: &'static str) -> Step {
        match self.pull() {
            Some(pull) => self.once(tool, pull.arguments()),
            None => Step::ask_for(Missing::Pull),
        }
    }

    /// The repository on GitHub that the prompt names, or the page that the person looks at.
    fn repository(&self) -> Option<pulls::Repository> {
        pulls::repository(self.prompt()).or_else(|| pulls::repository(self.conversation.page_url()))
    }

    /// The pull request that the prompt names, or the page that the person looks at. The prompt may
    /// name the number and the page the repository.
    fn pull(&self) -> Option<pulls::Pull> {
        pulls::pull(self.prompt()).or_else(|| match pulls::number(self.prompt()) {
            Some(number) => Some(pulls::Pull { repository: self.repository()?, number }),
            None => pulls::pull(self.conversation.page_url()),
        })
    }
}

/// The arguments that there are.
fn object<const N: usize>(arguments: [(&str, Option<Value>); N]) -> Value {
    let known = arguments.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(known.collect())
}
