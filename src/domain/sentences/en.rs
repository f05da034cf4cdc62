//! The English table.

use std::fmt::Display;

use super::{
    Approval, ApprovalMail, Listed, MailHead, PageField, PullMerge, Reviewer, Reviewers, Sentences,
};
use crate::domain::error_code::ErrorCode;

pub(super) struct English;

impl Sentences for English {
    fn of_code(&self, code: ErrorCode) -> &'static str {
        match code {
            ErrorCode::Internal => "An internal server error occurred.",
            ErrorCode::MethodNotAllowed => "This HTTP method is not allowed.",
            ErrorCode::NotFound => "The requested resource was not found.",
            ErrorCode::Unauthenticated => "Authentication is required.",
            ErrorCode::Forbidden => "You do not have permission.",
            ErrorCode::TokenExpired => "The token has expired.",
            ErrorCode::TokenInvalid => "The token is not valid.",
            ErrorCode::TenantMissing => "The tenant is missing.",
            ErrorCode::TenantMismatch => "The tenant does not match.",
            ErrorCode::AlreadyProcessed => "The same request has already been processed.",
            ErrorCode::InvalidInput => "The input is not valid.",
            ErrorCode::MissingField => "A required field is missing.",
            ErrorCode::Malformed => "The format is not valid.",
            ErrorCode::LimitExceeded => "The request limit has been exceeded.",
            ErrorCode::ExternalFailure => "An external service failed.",
            ErrorCode::ExternalTimeout => "An external service did not respond in time.",
        }
    }

    fn left_out(&self, chars: usize) -> String {
        format!("… ({})", counted(chars as u64, "more character"))
    }

    fn and_more(&self, rest: u64) -> String {
        format!("… and {rest} more")
    }

    fn started(&self) -> &'static str {
        "Started working on your request."
    }

    fn analyzing(&self, page: &str) -> String {
        format!("Analyzing your request. {page}")
    }

    fn page(&self, field: PageField, value: &str) -> String {
        let name = match field {
            PageField::Screen => "Current screen",
            PageField::Path => "Path",
            PageField::Url => "URL",
            PageField::Title => "Page title",
            PageField::Item => "Item",
            PageField::Selected => "Selected items",
            PageField::More => "More information",
        };
        format!("{name}: {value}")
    }

    fn page_untold(&self) -> &'static str {
        "Going by the request itself"
    }

    fn no_page(&self) -> &'static str {
        "No screen information: going by the request alone"
    }

    fn answer_title(&self) -> &'static str {
        "Write the answer"
    }

    fn answering(&self) -> &'static str {
        "The request is clear. Writing the answer."
    }

    fn answering_from(&self, calls: u32) -> String {
        match calls {
            0 => "Answering the request directly.".to_owned(),
            n => format!("Answering from the results of {}.", counted(n.into(), "tool call")),
        }
    }

    fn answer_cut(&self) -> &'static str {
        "The answer was cut off at the model's length limit."
    }

    fn using_tools(&self, names: &str) -> String {
        format!("Using these tools: {names}")
    }

    fn call_title(&self, tool: &str) -> String {
        format!("Run {tool}")
    }

    fn call_description(&self, tool: &str, arguments: &str) -> String {
        format!("Runs the tool {tool}. {arguments}")
    }

    fn looking_back(&self, calls: u32, successes: u32) -> String {
        match calls {
            0 => "Answered without any tool.".to_owned(),
            n if n == successes => {
                let calls = counted(n.into(), "tool call");
                format!("{calls} succeeded, and the answer uses the results.")
            }
            n => {
                let calls = counted(n.into(), "tool call");
                format!(
                    "Of {calls}, {successes} succeeded and {} failed.",
                    n.saturating_sub(successes)
                )
            }
        }
    }

    fn declined(&self, reason: &str) -> String {
        format!("The user rejected this call: {reason}")
    }

    fn held(&self, tool: &str, reason: &str) -> String {
        format!("an operator has put {tool} on hold: {reason}")
    }

    fn held_vote(&self, tool: &str, reason: &str) -> String {
        format!(
            "An approval does not count, because an operator has put {tool} on hold. The request is waiting for approval again. Reason: {reason}"
        )
    }

    fn stopped(&self) -> &'static str {
        "Stopped because the task was cancelled"
    }

    fn in_doubt(&self, approved: Option<&dyn Display>) -> String {
        let attempt = match approved {
            Some(request) => format!("An earlier approved attempt ({request})"),
            None => "An earlier attempt".to_owned(),
        };
        format!(
            "{attempt} was started before the server was interrupted, and its outcome is unknown. It may \
             have happened already."
        )
    }

    fn expiring(&self, tool: &str, seconds: u64) -> String {
        format!("The request to approve {tool} expires in {}.", counted(seconds, "second"))
    }

    fn approved(&self, how: Approval<'_>) -> String {
        let approved = match how {
            Approval::By(user) => format!("{user} approved."),
            Approval::WithEdits(user, edits) => {
                format!("{user} changed the arguments and approved ({edits}).")
            }
            Approval::SignalOf(user) => format!("Approved by a signal in the name of {user}."),
            Approval::Signal => "Approved by a signal.".to_owned(),
            Approval::Unknown => "Approved.".to_owned(),
        };
        format!("{approved} Carrying it out.")
    }

    fn nothing(&self) -> &'static str {
        "nothing"
    }

    fn asked_anew(&self, who: Option<&dyn Display>, edits: &str, next: &dyn Display) -> String {
        let changed = match who {
            Some(user) => format!("{user} changed the arguments"),
            None => "The arguments were changed".to_owned(),
        };
        format!(
            "{changed} ({edits}). Another person has to approve the change, so a new request ({next}) \
             asks again."
        )
    }

    fn superseded(&self, who: &dyn Display, next: &dyn Display) -> String {
        format!("{who} changed the arguments; a new request ({next}) has taken its place")
    }

    fn uncounted(&self, tool: &str, reviewers: Reviewers<'_>, request: &dyn Display) -> String {
        let Reviewers { who, count, policy } = reviewers;
        let who = match (who, count > 1) {
            (Reviewer::OfTenant, false) => "a user of the same tenant".to_owned(),
            (Reviewer::OfTenant, true) => "users of the same tenant".to_owned(),
            (Reviewer::Requester, _) => "the user who asked".to_owned(),
            (Reviewer::NotRequester, false) => "a user other than the one who asked".to_owned(),
            (Reviewer::NotRequester, true) => "users other than the one who asked".to_owned(),
            (Reviewer::WithRole(role), false) => format!("a user with the role {role}"),
            (Reviewer::WithRole(role), true) => format!("users with the role {role}"),
        };
        format!(
            "Only {who} ({policy}) can approve {tool}. An approval came whose sender cannot be \
             verified; it was not counted, and the request waits for approval again. Approvals are taken \
             only at POST /aura/hitl/approve/{request}."
        )
    }

    fn completed(&self) -> &'static str {
        "The task is complete."
    }

    fn failed(&self) -> &'static str {
        "The task failed."
    }

    fn failed_because(&self, message: &str) -> String {
        format!("The task could not be finished: {message}")
    }

    fn note_of_failure(&self, error: &str) -> String {
        format!("[The task ended with an error: {error}]")
    }

    fn rejected(&self) -> &'static str {
        "The task was rejected."
    }

    fn rejected_by_person(&self) -> &'static str {
        "The user rejected the task."
    }

    fn rejected_call(&self, tool: &str, reason: Option<&str>) -> String {
        let reason = reason.map(|reason| format!(" (reason: {reason})")).unwrap_or_default();
        format!("Approval was denied, so {tool} was not run{reason}.")
    }

    fn note_of_rejection(&self, tool: &str, reason: &str) -> String {
        format!("[The user refused to let {tool} run: {reason}]")
    }

    fn timed_out(&self) -> &'static str {
        "The task was cancelled because nobody responded in time"
    }

    fn cancelled(&self) -> &'static str {
        "The task was cancelled."
    }

    fn cancelled_as_asked(&self) -> &'static str {
        "The task was cancelled as requested."
    }

    fn request_cancelled(&self) -> &'static str {
        "The task was cancelled"
    }

    fn run_budget_spent(&self, limit: u64) -> String {
        format!("All {limit} tokens allowed for this task have been used.")
    }

    fn day_budget_spent(&self, limit: u64) -> String {
        format!(
            "All {limit} tokens allowed to your organization for a day have been used. Please try again \
             tomorrow (UTC)."
        )
    }

    fn dry_run(&self, question: &str) -> String {
        format!("(Dry run: nothing is really sent) {question}")
    }

    fn request_to_send(&self) -> &'static str {
        "Request to send"
    }

    fn may_read_repository(&self, tool: &str, repository: &dyn Display) -> String {
        format!("Read the repository with {tool}? Repository: {repository}")
    }

    fn may_read_github(&self, tool: &str, subject: &dyn Display) -> String {
        format!("Read from GitHub with {tool}? Subject: {subject}")
    }

    fn may_call(&self, server: &str, tool: &str, arguments: &str) -> String {
        format!("Run the tool {tool} of the MCP server {server}? Arguments: {arguments}")
    }

    fn may_send_mail(&self, mail: MailHead<'_>) -> String {
        let MailHead { to, cc, subject, .. } = mail;
        let cc = if cc.is_empty() { String::new() } else { format!(", cc: {cc}") };
        format!("Send an email? To: {to}{cc}, subject: {subject}")
    }

    fn mail_head(&self, mail: MailHead<'_>) -> String {
        let MailHead { from, to, cc, subject } = mail;
        let from = from.map(|from| format!("From: {from}\n")).unwrap_or_default();
        let cc = if cc.is_empty() { String::new() } else { format!("Cc: {cc}\n") };
        format!("{from}To: {to}\n{cc}Subject: {subject}")
    }

    fn approval_mail_subject(&self, tool: &dyn Display) -> String {
        format!("[Aura] Approval requested: {tool}")
    }

    fn approval_mail(&self, mail: ApprovalMail<'_>) -> String {
        let ApprovalMail { question, asks, until, preview, link } = mail;
        let preview = preview.map(|text| format!("\nPreview\n\n{text}\n")).unwrap_or_default();
        format!(
            "{question}\n\nAsked by: {asks}\nUntil: {until}\nApprove or reject: {link}\n{preview}"
        )
    }

    fn may_merge(&self, [source, target]: [&dyn Display; 2], repository: &dyn Display) -> String {
        format!("Merge the branch {source} into the branch {target}? Repository: {repository}")
    }

    fn with_message(&self, message: &dyn Display) -> String {
        format!(", message: {message}")
    }

    fn may_create_pull(
        &self,
        repository: &dyn Display,
        [head, base]: [&dyn Display; 2],
        title: &dyn Display,
    ) -> String {
        format!(
            "Create a pull request in {repository}? From the branch {head} into the branch {base}, \
             title: {title}"
        )
    }

    fn may_merge_pull(&self, pull: PullMerge<'_>) -> String {
        let PullMerge { repository, number, method, base, commit } = pull;
        let into = base.map(|base| format!(", target branch: {base}")).unwrap_or_default();
        let only = commit.map(|commit| format!(", commit: {commit}")).unwrap_or_default();
        format!("Merge pull request #{number} of {repository}? Method: {method}{into}{only}")
    }

    fn merges_cleanly(&self, with_work_tree: bool) -> String {
        let work_tree = if with_work_tree { " The work tree changes as well." } else { "" };
        format!("Merges without conflicts.{work_tree}")
    }

    fn listed(&self, what: Listed, count: &dyn Display) -> String {
        format!("{}: {count}", name_of(what))
    }

    fn not_listed(&self, what: Listed, error: &dyn Display) -> String {
        format!("{}: could not be checked ({error})", name_of(what))
    }

    fn binary(&self, path: &str) -> String {
        format!("{path} (binary)")
    }

    fn at_commit(&self, commit: &str) -> String {
        format!("Commit: {commit}")
    }

    fn body_heading(&self) -> &'static str {
        "Body"
    }

    fn state_of_branch(&self, branch: &str) -> String {
        format!("State of the branch {branch}")
    }

    fn clean_branch(&self) -> [&'static str; 3] {
        ["No conflicts", "No uncommitted changes", "No untracked files"]
    }
}

fn name_of(what: Listed) -> &'static str {
    match what {
        Listed::Commits => "Commits",
        Listed::Files => "Files",
        Listed::Checks => "Checks",
    }
}

/// So many of something.
fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
