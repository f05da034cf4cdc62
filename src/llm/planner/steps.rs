//! What to do next: a tool to ask for, or an answer.
//!
//! Nothing is remembered between turns. What has been done since the prompt tells how far a request
//! has come; a tool that was called, even in vain, is not called again for the same prompt.

use serde_json::{Map, Value, json};

use super::conversation::Conversation;
use super::intent::Intent;
use super::language::Language;
use super::names::{self, Route};
use super::offered::Offered;
use super::{files, mail, pulls};

mod known;
mod pull;

use known::Known;

/// A tool call to ask for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) tool: &'static str,
    pub(super) arguments: Value,
}

/// What an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// What the tools returned.
    Results,
    /// What they returned, as a reading of a pull request on GitHub.
    Analysis,
    /// What they returned, as a comparison of the workspace's branches: no pull request was named.
    Comparison,
    /// The pull requests that there are, of which one has to be named.
    WhichPull,
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
    /// That there is no branch to propose.
    NothingToPropose,
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
    Call(Vec<Call>),
    /// Say something.
    Say(Reply),
}

/// One turn, and how much of it the prompt named.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) step: Step,
    /// How many arguments came from the conversation.
    pub(super) named: usize,
    /// How many were assumed.
    pub(super) assumed: usize,
}

impl Plan {
    fn say(reply: Reply) -> Self {
        Self { step: Step::Say(reply), named: 0, assumed: 0 }
    }

    fn call(calls: Vec<Call>, named: usize, assumed: usize) -> Self {
        Self { step: Step::Call(calls), named, assumed }
    }
}

/// The next turn for what a prompt asks for, with the tools that are offered.
pub(super) fn next(conversation: &Conversation<'_>, intent: Intent, offered: Offered<'_>) -> Plan {
    let at = Situation { conversation, prompt: conversation.prompt, offered };
    match intent {
        Intent::Status => at.once("git_status", json!({}), 0, Reply::Results),
        Intent::Log => at.log(),
        Intent::Diff => at.diff(),
        Intent::ShowFile => at.show_file(),
        Intent::Branches => at.once("git_branch_list", json!({}), 0, Reply::Results),
        Intent::Merge => at.merge(),
        Intent::SendMail => at.send_mail(),
        Intent::ReadPull => at.read_pull(),
        Intent::ListPulls => at.list_pulls(),
        Intent::CreatePull => at.create_pull(),
        Intent::MergePull => at.merge_pull(),
        Intent::Screen => Plan::say(Reply::Screen),
        Intent::Help => Plan::say(Reply::Help),
        Intent::Thanks => Plan::say(Reply::Thanks),
        Intent::Unknown => Plan::say(Reply::Unknown),
    }
}

/// What there is to decide by.
struct Situation<'a> {
    conversation: &'a Conversation<'a>,
    prompt: &'a str,
    offered: Offered<'a>,
}

impl Situation<'_> {
    /// Calls one tool, once, and then says what came of it.
    fn once(&self, tool: &'static str, arguments: Value, assumed: usize, reply: Reply) -> Plan {
        if self.conversation.called(tool) {
            return Plan::say(reply);
        }
        if !self.offers(tool) {
            return Plan::say(Reply::NotOffered(tool));
        }
        let named = arguments.as_object().map_or(0, Map::len).saturating_sub(assumed);
        Plan::call(vec![Call { tool, arguments }], named, assumed)
    }

    /// Whether a tool is there and has not been called for this prompt.
    fn is_open(&self, tool: &str) -> bool {
        self.offers(tool) && !self.conversation.called(tool)
    }

    fn offers(&self, tool: &str) -> bool {
        self.offered.has(tool)
    }

    fn log(&self) -> Plan {
        let mut arguments = json!({});
        if let Some(limit) = files::count(self.prompt) {
            arguments["limit"] = limit.into();
        }
        if let Some(branch) = names::branch(self.prompt) {
            arguments["ref"] = branch.into();
        }
        self.once("git_log", arguments, 0, Reply::Results)
    }

    fn diff(&self) -> Plan {
        let mut arguments = json!({});
        if let Some((from, to)) = names::sides(self.prompt) {
            arguments["from"] = from.into();
            arguments["to"] = to.into();
        } else if let Some(branch) = names::branch(self.prompt) {
            arguments["from"] = branch.into();
        }
        if let Some(file) = files::file(self.prompt) {
            arguments["path"] = file.into();
        }
        self.once("git_diff", arguments, 0, Reply::Results)
    }

    fn show_file(&self) -> Plan {
        let Some(path) = files::file(self.prompt) else {
            return Plan::say(Reply::Unknown);
        };
        let mut arguments = json!({"path": path});
        if let Some(branch) = names::branch(self.prompt) {
            arguments["ref"] = branch.into();
        }
        self.once("git_show_file", arguments, 0, Reply::Results)
    }

    /// A branch that the prompt does not name is the one that the conversation named last, and a
    /// target the base of the repository: who approves sees both.
    fn merge(&self) -> Plan {
        if self.conversation.called("git_merge") {
            return Plan::say(Reply::Results);
        }
        if !self.offers("git_merge") {
            return Plan::say(Reply::NotOffered("git_merge"));
        }
        let Route { source, target } = names::route(self.prompt);
        let recalled = usize::from(source.is_none());
        let source =
            source.or_else(|| names::last_named(self.conversation.earlier, target.as_deref()));
        let Some(source) = source else {
            return Plan::say(Reply::Missing(Missing::Branch));
        };
        if target.is_none() && self.is_open("git_branch_list") {
            return self.once("git_branch_list", json!({}), 0, Reply::Results);
        }
        if target.is_none() && self.conversation.failed("git_branch_list") {
            return Plan::say(Reply::Missing(Missing::Target));
        }
        let assumed = recalled + usize::from(target.is_none());
        let base = || Known::of(self.conversation).target(&source).unwrap_or("main").to_owned();
        let target = target.unwrap_or_else(base);
        if target == source {
            return Plan::say(Reply::Missing(Missing::Branch));
        }
        let arguments = json!({"source": source, "target": target});
        self.once("git_merge", arguments, assumed, Reply::Results)
    }

    fn send_mail(&self) -> Plan {
        let Some(mail) = mail::draft(self.prompt, Language::of(self.prompt)) else {
            return Plan::say(Reply::Missing(Missing::Address));
        };
        let mut arguments = json!({"to": mail.to, "subject": mail.subject, "body": mail.body});
        if !mail.cc.is_empty() {
            arguments["cc"] = mail.cc.into();
        }
        self.once("send_email", arguments, mail.assumed, Reply::Results)
    }

    fn list_pulls(&self) -> Plan {
        let Some(repository) = self.repository() else {
            return Plan::say(Reply::Missing(Missing::Repository));
        };
        let arguments = json!({"owner": repository.owner, "repo": repository.name});
        self.once("github_list_prs", arguments, 0, Reply::Results)
    }

    fn merge_pull(&self) -> Plan {
        let Some(pull) = self.pull() else {
            return Plan::say(Reply::Missing(Missing::Pull));
        };
        self.once("github_merge_pr", pull::arguments(&pull), 0, Reply::Results)
    }

    /// The repository on GitHub that the prompt names, or the page that the person looks at.
    fn repository(&self) -> Option<pulls::Repository> {
        pulls::repository(self.prompt).or_else(|| pulls::repository(self.conversation.page_url()))
    }

    /// The pull request that the prompt names, or the page that the person looks at. The prompt may
    /// name the number and the page the repository.
    fn pull(&self) -> Option<pulls::Pull> {
        pulls::pull(self.prompt).or_else(|| match pulls::number(self.prompt) {
            Some(number) => Some(pulls::Pull { repository: self.repository()?, number }),
            None => pulls::pull(self.conversation.page_url()),
        })
    }
}
