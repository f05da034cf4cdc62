//! The sentences that people read in a stream, in a request and in its preview (contract, section 4.2), one
//! table for each language.
//!
//! What only the model, an operator or the author of a client reads is not here: arguments that are not
//! valid, faults of tools, the log.

use std::fmt::Display;

use super::error_code::ErrorCode;
use super::language::Language;

mod en;
mod ko;

impl Language {
    /// Its table.
    pub fn sentences(self) -> &'static dyn Sentences {
        match self {
            Self::Korean => &ko::Korean,
            Self::English => &en::English,
        }
    }
}

/// What of a page is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageField {
    /// The app on the screen.
    Screen,
    /// The path.
    Path,
    /// The URL.
    Url,
    /// The title.
    Title,
    /// The item that is open.
    Item,
    /// What is selected.
    Selected,
    /// All the rest.
    More,
}

/// What a preview lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Commits that come in.
    Commits,
    /// Files that change.
    Files,
    /// Checks of a commit.
    Checks,
}

/// How somebody said yes.
#[derive(Clone, Copy)]
pub enum Approval<'a> {
    /// By this person.
    By(&'a dyn Display),
    /// By this person, who changed the arguments.
    WithEdits(&'a dyn Display, &'a str),
    /// By a signal that names this person, which nobody has checked.
    SignalOf(&'a dyn Display),
    /// By a signal that names nobody.
    Signal,
    /// By nobody who is known.
    Unknown,
}

/// Who may say yes, where not everybody may.
#[derive(Clone, Copy)]
pub struct Reviewers<'a> {
    /// Which people.
    pub who: Reviewer<'a>,
    /// How many of them have to.
    pub count: u32,
    /// The policy that says so.
    pub policy: &'a dyn Display,
}

/// Which people may say yes.
#[derive(Clone, Copy)]
pub enum Reviewer<'a> {
    /// Those of the tenant.
    OfTenant,
    /// Whoever has asked.
    Requester,
    /// Those who have not asked.
    NotRequester,
    /// Those with this role.
    WithRole(&'a dyn Display),
}

/// Who a mail is from and to.
#[derive(Clone, Copy, Debug)]
pub struct MailHead<'a> {
    /// The sender, where it is known.
    pub from: Option<&'a str>,
    /// Who gets it.
    pub to: &'a str,
    /// Who gets a copy; empty if nobody does.
    pub cc: &'a str,
    /// What it is about.
    pub subject: &'a str,
}

/// A mail that tells of a request for approval.
#[derive(Clone, Copy, Debug)]
pub struct ApprovalMail<'a> {
    /// What is asked.
    pub question: &'a str,
    /// Who asks.
    pub asks: &'a str,
    /// Until when it can be answered, in UTC.
    pub until: &'a str,
    /// What will happen, where that is known.
    pub preview: Option<&'a str>,
    /// Where it can be answered.
    pub link: &'a str,
}

/// How a pull request is to be merged.
#[derive(Clone, Copy)]
pub struct PullMerge<'a> {
    /// The repository and its owner.
    pub repository: &'a dyn Display,
    /// The pull request.
    pub number: u64,
    /// GitHub's name for the way.
    pub method: &'a str,
    /// The branch that takes it in, where that is pinned.
    pub base: Option<&'a dyn Display>,
    /// The commit that it has to be at, where that is pinned.
    pub commit: Option<&'a dyn Display>,
}

/// The sentences of one language. Arguments go in as they are: whoever has foreign text quotes it first.
pub trait Sentences: Send + Sync {
    /// The words of a code (contract, section 5.4).
    fn of_code(&self, code: ErrorCode) -> &'static str;
    /// How much of a text is left out.
    fn left_out(&self, chars: usize) -> String;
    /// How many entries of a list are left out.
    fn and_more(&self, rest: u64) -> String;

    /// The run has begun.
    fn started(&self) -> &'static str;
    /// The request is being read; `page` is what is told of the page.
    fn analyzing(&self, page: &str) -> String;
    /// One value of the page.
    fn page(&self, field: PageField, value: &str) -> String;
    /// The page says something, but nothing that is told.
    fn page_untold(&self) -> &'static str;
    /// There is no page.
    fn no_page(&self) -> &'static str;

    /// The title of the step that stands for the answer.
    fn answer_title(&self) -> &'static str;
    /// The plan is to answer.
    fn answering(&self) -> &'static str;
    /// What the answer rests on: so many calls of tools.
    fn answering_from(&self, calls: u32) -> String;
    /// The answer was cut off by the model's length limit.
    fn answer_cut(&self) -> &'static str;
    /// The tools that are to be used.
    fn using_tools(&self, names: &str) -> String;
    /// The title of a call's step.
    fn call_title(&self, tool: &str) -> String;
    /// The description of a call's step.
    fn call_description(&self, tool: &str, arguments: &str) -> String;
    /// What came of the calls of the run.
    fn looking_back(&self, calls: u32, successes: u32) -> String;

    /// A person does not want a call, in a run that goes on.
    fn declined(&self, reason: &str) -> String;
    /// An operator has stopped a tool, and says why.
    fn held(&self, tool: &str, reason: &str) -> String;
    /// The same as [`Sentences::held`] about a yes to a request, which does not count meanwhile.
    fn held_vote(&self, tool: &str, reason: &str) -> String;
    /// A call was stopped because the run was cancelled.
    fn stopped(&self) -> &'static str;
    /// A call was started and nobody knows what came of it; `approved` is the request that allowed it.
    fn in_doubt(&self, approved: Option<&dyn Display>) -> String;

    /// A request ends soon.
    fn expiring(&self, tool: &str, seconds: u64) -> String;
    /// Somebody said yes.
    fn approved(&self, how: Approval<'_>) -> String;
    /// A value that is not there.
    fn nothing(&self) -> &'static str;
    /// Somebody, where known, has changed the arguments, so another request asks.
    fn asked_anew(&self, who: Option<&dyn Display>, edits: &str, next: &dyn Display) -> String;
    /// The reason of a request that another one has taken the place of.
    fn superseded(&self, who: &dyn Display, next: &dyn Display) -> String;
    /// A yes does not count: who may say it, how many have to, and where.
    fn uncounted(&self, tool: &str, reviewers: Reviewers<'_>, request: &dyn Display) -> String;

    /// The end of a run with an answer.
    fn completed(&self) -> &'static str;
    /// The end of a run with an error.
    fn failed(&self) -> &'static str;
    /// The same, as a notice that says why.
    fn failed_because(&self, message: &str) -> String;
    /// The same, as the thread remembers it.
    fn note_of_failure(&self, error: &str) -> String;
    /// The end of a run that a person has said no to.
    fn rejected(&self) -> &'static str;
    /// The error that says so.
    fn rejected_by_person(&self) -> &'static str;
    /// The same, as a notice.
    fn rejected_call(&self, tool: &str, reason: Option<&str>) -> String;
    /// The same, as the thread remembers it.
    fn note_of_rejection(&self, tool: &str, reason: &str) -> String;
    /// Nobody answered in time (contract, section 4.4).
    fn timed_out(&self) -> &'static str;
    /// The end of a run that was cancelled.
    fn cancelled(&self) -> &'static str;
    /// The same, as a notice.
    fn cancelled_as_asked(&self) -> &'static str;
    /// The reason of a request of a run that was cancelled, and what the thread remembers of it.
    fn request_cancelled(&self) -> &'static str;
    /// The run has used up its tokens.
    fn run_budget_spent(&self, limit: u64) -> String;
    /// The tenant has used up the tokens of its day.
    fn day_budget_spent(&self, limit: u64) -> String;

    /// A question about something that would not really be sent.
    fn dry_run(&self, question: &str) -> String;
    /// The title of a preview that shows what would be sent.
    fn request_to_send(&self) -> &'static str;
    /// Whether to read a repository.
    fn may_read_repository(&self, tool: &str, repository: &dyn Display) -> String;
    /// Whether to read something from GitHub.
    fn may_read_github(&self, tool: &str, subject: &dyn Display) -> String;
    /// Whether to call a tool of an MCP server.
    fn may_call(&self, server: &str, tool: &str, arguments: &str) -> String;
    /// Whether to send a mail; all of its head is told but the sender.
    fn may_send_mail(&self, mail: MailHead<'_>) -> String;
    /// The head of a mail as it will be sent, line by line.
    fn mail_head(&self, mail: MailHead<'_>) -> String;
    /// What a mail is about that tells of a request to run this tool.
    fn approval_mail_subject(&self, tool: &dyn Display) -> String;
    /// That mail.
    fn approval_mail(&self, mail: ApprovalMail<'_>) -> String;
    /// Whether to merge a branch.
    fn may_merge(&self, branches: [&dyn Display; 2], repository: &dyn Display) -> String;
    /// What follows that: the message of the merge's commit.
    fn with_message(&self, message: &dyn Display) -> String;
    /// Whether to create a pull request of these branches, from the first into the second.
    fn may_create_pull(
        &self,
        repository: &dyn Display,
        branches: [&dyn Display; 2],
        title: &dyn Display,
    ) -> String;
    /// Whether to merge a pull request.
    fn may_merge_pull(&self, pull: PullMerge<'_>) -> String;
    /// A merge has no conflicts; whether files that are checked out change as well.
    fn merges_cleanly(&self, with_work_tree: bool) -> String;
    /// How many there are of what is listed.
    fn listed(&self, what: Listed, count: &dyn Display) -> String;
    /// What is to be listed could not be found out.
    fn not_listed(&self, what: Listed, error: &dyn Display) -> String;
    /// A file that has no lines.
    fn binary(&self, path: &str) -> String;
    /// The commit that a pull request is at.
    fn at_commit(&self, commit: &str) -> String;
    /// Above the text of a pull request.
    fn body_heading(&self) -> &'static str;
    /// The title of a branch's checklist.
    fn state_of_branch(&self, branch: &str) -> String;
    /// Its lines: no conflicts, nothing that is not committed, no files that are not tracked.
    fn clean_branch(&self) -> [&'static str; 3];
}

#[cfg(test)]
mod tests;
