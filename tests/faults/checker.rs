//! What must hold after the faults, rule by rule. The first violation is the result.

use std::collections::{HashMap, HashSet};

use crate::append_log::WAITS;
use crate::client::History;
use crate::journal::{Entry, is_withdrawn};
use crate::model::whole_answer;
use crate::plan::{Plan, Reaction, Task};

/// A sentence that says what does not hold.
pub type Violation = String;

/// Everything that is known of one session.
pub struct Evidence<'a> {
    /// What was wanted.
    pub plan: &'a Plan,
    /// What the client has seen.
    pub history: &'a History,
    /// What is stored.
    pub journal: &'a [Entry],
    /// How often a merge was done in the session's repository.
    pub merges: usize,
}

macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}

/// How often a run is taken over without a step forward before the next one who takes it gives it up.
const TAKE_OVERS_MAX: usize = 2;

impl Evidence<'_> {
    /// Checks one session that has come to its end.
    pub fn check(&self) -> Result<(), Violation> {
        check_chain(self.journal)?;
        check_order(self.journal)?;
        check_approvals(self.journal)?;
        self.check_end()?;
        self.check_history()?;
        self.check_answer()?;
        self.check_reactions()?;
        self.check_repository()
    }

    /// How the run ended, as the journal tells it.
    pub fn status(&self) -> &str {
        let end = self.journal.iter().rfind(|entry| entry.event.as_deref() == Some("end"));
        end.and_then(|end| end.data["status"].as_str()).unwrap_or("no end")
    }

    /// How often a person has said yes.
    pub fn approvals(&self) -> usize {
        approvals(self.journal)
    }

    /// One `end`, then one trailer, then nothing.
    fn check_end(&self) -> Result<(), Violation> {
        let is_end = |entry: &&Entry| entry.event.as_deref() == Some("end");
        let ends = self.journal.iter().filter(is_end).count();
        let trailers = self.journal.iter().filter(|entry| entry.is_done()).count();
        ensure!((ends, trailers) == (1, 1), "{ends} times `end`, {trailers} trailers");
        ensure!(self.journal.last().is_some_and(Entry::is_done), "entries after the trailer");
        let mut newest = self.journal.iter().rev().filter(|entry| entry.frame.is_some());
        let before = newest.nth(1).and_then(|entry| entry.event.as_deref());
        ensure!(before == Some("end"), "{before:?} stands between `end` and the trailer");
        Ok(())
    }

    /// What the client has seen, over all its connections, is what is stored: no gap, no duplicate,
    /// in order, byte for byte.
    fn check_history(&self) -> Result<(), Violation> {
        let stored: Vec<&str> = self.journal.iter().filter_map(|e| e.frame.as_deref()).collect();
        let seen: Vec<&str> = self.history.frames.iter().map(|f| f.raw.as_str()).collect();
        for (at, (seen, stored)) in seen.iter().zip(&stored).enumerate() {
            ensure!(seen == stored, "frame {at}: the client saw {seen:?}, stored is {stored:?}");
        }
        let (seen, stored) = (seen.len(), stored.len());
        ensure!(seen == stored, "the client saw {seen} frames, stored are {stored}");
        Ok(())
    }

    /// The pieces of the answer make the whole answer, or its beginning where the run ended early.
    fn check_answer(&self) -> Result<(), Violation> {
        let is_piece = |entry: &&Entry| {
            entry.event.as_deref() == Some("content") && entry.data["metadata"]["notice"] != true
        };
        let pieces = self.journal.iter().filter(is_piece);
        let answer: String = pieces.map(|e| e.data["content"].as_str().unwrap()).collect();
        let whole = whole_answer(self.plan);
        let status = self.status();
        if status == "completed" {
            ensure!(answer == whole, "the answer is {answer:?} instead of {whole:?}");
        } else {
            ensure!(whole.starts_with(&answer), "{answer:?} is no beginning of {whole:?}");
        }
        let told: Vec<&str> = self
            .journal
            .iter()
            .filter(|entry| entry.has_record("answered"))
            .filter_map(|entry| entry.record.as_ref()?["content"].as_str())
            .filter(|content| !content.is_empty())
            .collect();
        let told = told.join("\n\n");
        ensure!(answer.starts_with(&told), "recorded is {told:?}, shown was {answer:?}");
        Ok(())
    }

    /// Nothing was approved but by the person, and the run ended as the person wanted.
    fn check_reactions(&self) -> Result<(), Violation> {
        let yes = |id: &str| self.history.reactions.get(id) == Some(&Reaction::Approve);
        for entry in self.journal.iter().filter(|entry| entry.has_record("approval_resolved")) {
            let record = entry.record.as_ref().unwrap();
            let request = record["request"].as_str().unwrap();
            let approved = record["decision"]["verdict"] == "approved";
            ensure!(!approved || yes(request), "nobody approved {request}");
        }
        let expected = match (self.plan.task, self.plan.reaction) {
            (Task::Talk, _) | (_, Reaction::Approve) => "completed",
            (Task::Merge | Task::Mail, Reaction::Reject) => "rejected",
        };
        let status = self.status();
        let cancelled = self.history.cancels && status == "cancelled";
        let given_up = status == "failed" && self.take_overs_without_a_step() >= TAKE_OVERS_MAX;
        let is_fine = cancelled || given_up || status == expected;
        let error = self.journal.iter().rfind(|entry| entry.event.as_deref() == Some("error"));
        let why = error.map_or("no error", |error| error.data["error"].as_str().unwrap());
        ensure!(is_fine, "it ended {status}, not {expected}: {why}");
        Ok(())
    }

    /// How often the run was taken over from an owner that was lost, since it last came forward.
    fn take_overs_without_a_step(&self) -> usize {
        let steps = ["analyzed", "answered", "tool_finished"];
        let is_step = |entry: &Entry| steps.iter().any(|step| entry.has_record(step));
        let since = self.journal.iter().rev().take_while(|entry| !is_step(entry));
        let from_a_lost_owner =
            |entry: &&Entry| entry.record.as_ref().is_some_and(|record| record["planned"] != true);
        since.filter(|entry| entry.has_record("taken_over")).filter(from_a_lost_owner).count()
    }

    /// Each merge had an approval of its own, and what is told has happened.
    fn check_repository(&self) -> Result<(), Violation> {
        let (merges, approved) = (self.merges, self.approvals());
        ensure!(merges <= approved, "{merges} merges with {approved} approvals");
        let is_merge = |entry: &&Entry| {
            entry.is_execution("success") && entry.data["result"]["merged"] == true
        };
        let told = self.journal.iter().filter(is_merge).count();
        ensure!(told <= merges, "{told} merges are told, {merges} have happened");
        let starting = self.journal.iter().filter(|entry| entry.has_record("tool_starting"));
        let starts = starting.filter(|entry| entry.data["toolName"] == "git_merge").count();
        ensure!(merges <= starts, "{merges} merges, {starts} of which were written down before");
        Ok(())
    }
}

/// What a run is doing that no client knows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Orphan {
    /// There is no run: its start was given up.
    Withdrawn,
    /// It is over.
    Over,
    /// It waits for a person.
    Waits,
    /// It is at work.
    Works,
}

impl Orphan {
    /// By its journal.
    pub fn of(journal: &[Entry]) -> Self {
        let newest = journal.iter().rev().find_map(|entry| entry.record.as_ref());
        let waits = newest.is_some_and(|record| WAITS.iter().any(|wait| record["rec"] == *wait));
        match journal.last() {
            Some(_) if is_withdrawn(journal) => Self::Withdrawn,
            Some(last) if last.is_done() => Self::Over,
            Some(_) | None if waits => Self::Waits,
            Some(_) | None => Self::Works,
        }
    }
}

/// Checks the journal of a run whose client never learnt of it, and which nobody has ended.
pub fn check_orphan(journal: &[Entry]) -> Result<(), Violation> {
    if is_withdrawn(journal) {
        return Ok(());
    }
    check_chain(journal)?;
    check_order(journal)?;
    check_approvals(journal)?;
    ensure!(approvals(journal) == 0, "nobody knew of it, and yet it was approved");
    Ok(())
}

/// A request with a key starts one run. Another one of the same user, whose client did not learn of
/// it, can only have been refused: it was cancelled before it did anything.
pub fn check_key(keyed: &HashSet<String>, journal: &[Entry]) -> Result<(), Violation> {
    if is_withdrawn(journal) {
        return Ok(());
    }
    let opened = journal.first().and_then(|entry| entry.record.as_ref());
    let user = opened.and_then(|record| record["meta"]["user"].as_str()).unwrap_or_default();
    let end = journal.iter().find(|entry| entry.event.as_deref() == Some("end"));
    let cancelled = end.is_some_and(|end| end.data["status"] == "cancelled");
    ensure!(cancelled || !keyed.contains(user), "a second run of {user}, whose request had a key");
    Ok(())
}

fn approvals(journal: &[Entry]) -> usize {
    let approved = |entry: &&Entry| {
        let record = entry.record.as_ref();
        entry.has_record("approval_resolved")
            && record.is_some_and(|record| record["decision"]["verdict"] == "approved")
    };
    journal.iter().filter(approved).count()
}

/// Ids grow, and each entry names the one before it.
fn check_chain(journal: &[Entry]) -> Result<(), Violation> {
    let first = journal.first().ok_or("the journal is gone")?;
    ensure!(first.has_record("opened"), "the journal does not begin with the opening of a run");
    for pair in journal.windows(2) {
        let (before, entry) = (&pair[0], &pair[1]);
        ensure!(entry.id > before.id, "id {} after {}", entry.id, before.id);
        ensure!(
            entry.before == before.id,
            "{} follows {}, but was written to follow {}",
            entry.id,
            before.id,
            entry.before
        );
        ensure!(!entry.has_record("opened"), "it was opened twice");
    }
    Ok(())
}

/// The order of contract section 4.4, as far as each entry tells what may come next.
fn check_order(journal: &[Entry]) -> Result<(), Violation> {
    let shown: Vec<&Entry> = journal.iter().filter(|entry| entry.frame.is_some()).collect();
    let is = |entry: &Entry, event: &str| entry.event.as_deref() == Some(event);
    if let Some(first) = shown.first() {
        ensure!(is(first, "start"), "the first event is {:?}", first.event);
    }
    let starts = shown.iter().filter(|entry| is(entry, "start")).count();
    ensure!(starts <= 1, "{starts} times `start`");
    for pair in shown.windows(2) {
        let (entry, next) = (pair[0], pair[1]);
        if entry.is_execution("pending") {
            ensure!(is(next, "hitl"), "{:?} between pending and `hitl`", next.event);
        }
        if is(next, "hitl") {
            ensure!(entry.is_execution("pending"), "{:?} right before `hitl`", entry.event);
        }
        if is(entry, "error") && entry.data["errorType"] == "RejectionError" {
            ensure!(is(next, "end"), "{:?} between rejection and `end`", next.event);
        }
        if is(entry, "end") {
            ensure!(next.is_done(), "{:?} between `end` and the trailer", next.event);
        }
    }
    let mut steps = HashSet::new();
    for step in shown.iter().filter(|entry| is(entry, "plan_step")) {
        let id = step.data["stepId"].as_str().unwrap();
        ensure!(steps.insert(id), "{id} was planned twice");
    }
    Ok(())
}

/// Whoever writes asks first, each time anew; and while a person thinks nothing happens.
fn check_approvals(journal: &[Entry]) -> Result<(), Violation> {
    let mut pending: Option<String> = None;
    let mut allowed: HashSet<String> = HashSet::new();
    for Entry { id, record, .. } in journal {
        let Some(record) = record else {
            ensure!(pending.is_none(), "{id}: something happened while a person was asked");
            continue;
        };
        let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
        match text("rec").as_str() {
            "approval_asked" => {
                ensure!(pending.is_none(), "{id}: a second question before an answer");
                pending = Some(text("call"));
            }
            "approval_resolved" => {
                let call = pending.take().ok_or(format!("{id}: an answer without a question"))?;
                if record["decision"]["verdict"] == "approved" {
                    allowed.insert(call);
                }
            }
            kind => {
                ensure!(pending.is_none(), "{id}: {kind} while a person was asked");
                let reads = text("call") == "call_look";
                if kind == "tool_starting" && !reads {
                    let call = text("call");
                    ensure!(allowed.remove(&call), "{id}: {call} started without an approval");
                }
            }
        }
    }
    Ok(())
}

/// Whatever a journal tells of requests, decisions and executions is in the audit stream as well, at
/// least once.
pub fn check_audit(session: &str, journal: &[Entry], facts: &[String]) -> Result<(), Violation> {
    let mut starts: HashMap<&str, usize> = HashMap::new();
    for record in journal.iter().filter_map(|entry| entry.record.as_ref()) {
        let call = record["call"].as_str().unwrap_or_default();
        let fact = match record["rec"].as_str() {
            Some("approval_asked") => {
                format!("{}:approval_requested", record["request"]["requestId"].as_str().unwrap())
            }
            Some("approval_resolved") => {
                format!("{}:approval_decided", record["request"].as_str().unwrap())
            }
            Some("tool_starting") => {
                let attempt = starts.entry(call).or_default();
                *attempt += 1;
                format!("{session}:{call}:{attempt}:execution_started")
            }
            Some("tool_finished") => {
                let attempt = starts.get(call).copied().unwrap_or_default();
                format!("{session}:{call}:{attempt}:execution_finished")
            }
            _ => continue,
        };
        ensure!(facts.contains(&fact), "the audit stream has no {fact}");
    }
    Ok(())
}
