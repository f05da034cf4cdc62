//! The first line about the result of each tool. It claims nothing that the result does not say.

use std::fmt::Write as _;

use serde_json::Value;

use super::fields::{entry, flag, items, number, text};
use super::parts::{entries, some_of};
use crate::domain::Language;
use crate::domain::text::first_chars;

/// What a tool was called with, and what came of it.
pub(super) struct Outcome<'a> {
    pub(super) arguments: &'a Value,
    pub(super) result: &'a Value,
    pub(super) language: Language,
}

impl Outcome<'_> {
    /// A text of the result or, where it does not tell, of the arguments.
    fn text(&self, name: &str) -> Option<&str> {
        text(self.result, name).or_else(|| text(self.arguments, name))
    }

    fn flag(&self, name: &str) -> Option<bool> {
        flag(self.result, name)
    }

    fn count(&self, list: &str) -> usize {
        items(self.result, list).len()
    }

    fn pick<T>(&self, korean: T, english: T) -> T {
        self.language.pick(korean, english)
    }
}

pub(super) fn status(at: &Outcome<'_>) -> Option<String> {
    let branch = text(at.result, "branch").unwrap_or("?");
    let mut told = format!("{}: {branch}", at.pick("현재 브랜치", "Current branch"));
    if let Some(head) = text(at.result, "head") {
        let _ = write!(told, " ({})", first_chars(head, 12).0);
    }
    if at.flag("clean") == Some(true) {
        told.push_str(at.pick(
            "\n작업 트리가 깨끗합니다. 커밋할 변경사항이 없습니다.",
            "\nThe working tree is clean: there is nothing to commit.",
        ));
    }
    Some(told)
}

pub(super) fn log(at: &Outcome<'_>) -> Option<String> {
    let branch = text(at.arguments, "ref").map(|name| format!("{name}: ")).unwrap_or_default();
    let count = at.count("commits");
    let told = at.pick(format!("최근 커밋 {count}개"), format!("{count} recent commit(s)"));
    Some(branch + &told)
}

pub(super) fn diff(at: &Outcome<'_>) -> Option<String> {
    let sides: Vec<&str> = ["from", "to"].into_iter().filter_map(|side| at.text(side)).collect();
    let route = if sides.is_empty() { String::new() } else { sides.join(" → ") + ": " };
    let sum = |field| items(at.result, "files").iter().filter_map(|f| number(f, field)).sum();
    let told = match at.count("files") as u64 {
        0 => at.pick("차이가 없습니다.", "no differences.").to_owned(),
        count => changes(at, count, sum("added"), sum("deleted")),
    };
    Some(route + &told)
}

fn changes(at: &Outcome<'_>, count: u64, added: u64, deleted: u64) -> String {
    let files = at.pick(format!("파일 {count}개 변경"), format!("{count} file(s) changed"));
    format!("{files} (+{added} −{deleted})")
}

pub(super) fn branches(at: &Outcome<'_>) -> Option<String> {
    let name = |branch: &Value| {
        let current = flag(branch, "current") == Some(true);
        let mark = if current { at.pick(" (현재)", " (current)") } else { "" };
        Some(format!("{}{mark}", text(branch, "name")?))
    };
    let names: Vec<String> = items(at.result, "branches").iter().filter_map(name).collect();
    let (count, more) = (names.len(), there_are_more(at));
    let told = at.pick(format!("브랜치 {count}개"), format!("{count} branch(es)"));
    Some(format!("{told}{more}: {}", some_of(&names, ", ")))
}

fn there_are_more(at: &Outcome<'_>) -> &'static str {
    let more = at.flag("truncated") == Some(true);
    if more { at.pick(" (더 있음)", " (there are more)") } else { "" }
}

pub(super) fn file(at: &Outcome<'_>) -> Option<String> {
    let told = text(at.result, "content").or_else(|| text(at.result, "note"));
    told.and(at.text("path")).map(|path| format!("{path}:"))
}

pub(super) fn merge(at: &Outcome<'_>) -> Option<String> {
    let side = |name| at.text(name).unwrap_or("?");
    let (source, target) = (side("source"), side("target"));
    Some(match at.flag("merged")? {
        true => at.pick(
            format!("병합했습니다: {source} → {target}"),
            format!("Merged {source} into {target}."),
        ),
        false => at.pick(
            format!("병합할 것이 없었습니다: {source} → {target}"),
            format!("There was nothing to merge from {source} into {target}."),
        ),
    })
}

pub(super) fn pull(at: &Outcome<'_>) -> Option<String> {
    let mut told = entry(at.result);
    let branch = |side| text(at.result.get(side)?, "ref");
    if let Some((head, base)) = branch("head").zip(branch("base")) {
        let _ = write!(told, "\n- {head} → {base}");
    }
    let number = |name| number(at.result, name);
    if let Some(files) = number("changedFiles") {
        let _ = write!(told, "\n- {}: {files}", at.pick("변경된 파일", "Files changed"));
    }
    if let Some((added, deleted)) = number("additions").zip(number("deletions")) {
        let _ = write!(told, " (+{added} −{deleted})");
    }
    Some(told)
}

pub(super) fn pull_diff(at: &Outcome<'_>) -> Option<String> {
    let patch = text(at.result, "diff")?;
    let count = |sign: char, header: &str| {
        patch.lines().filter(|l| l.starts_with(sign) && !l.starts_with(header)).count() as u64
    };
    let files = patch.lines().filter_map(|line| line.strip_prefix("+++ b/"));
    let files: Vec<String> = files.map(str::to_owned).collect();
    let all = number(at.result, "fileCount").unwrap_or(files.len() as u64);
    let told = changes(at, all, count('+', "+++"), count('-', "---"));
    Some(if files.is_empty() { told } else { format!("{told}\n- {}", some_of(&files, "\n- ")) })
}

pub(super) fn pulls(at: &Outcome<'_>) -> Option<String> {
    let (title, more) = (at.pick("PR", "Pull requests"), there_are_more(at));
    Some(format!("{title}: {}{more}", at.count("pullRequests")))
}

pub(super) fn created(at: &Outcome<'_>) -> Option<String> {
    number(at.result, "number")?;
    let told = match at.flag("alreadyExists") == Some(true) {
        true => at.pick("같은 PR이 이미 있습니다", "There is such a pull request already"),
        false => at.pick("PR을 만들었습니다", "The pull request is open"),
    };
    Some(format!("{told}: {}", entry(at.result)))
}

pub(super) fn merged_pull(at: &Outcome<'_>) -> Option<String> {
    let told = match (at.flag("merged")?, at.flag("alreadyMerged") == Some(true)) {
        (false, _) => at.pick("PR이 병합되지 않았습니다", "The pull request was not merged"),
        (true, true) => at.pick("이미 병합된 PR입니다", "The pull request was merged already"),
        (true, false) => at.pick("PR을 병합했습니다", "The pull request is merged"),
    };
    Some(told.to_owned())
}

pub(super) fn sent(at: &Outcome<'_>) -> Option<String> {
    at.flag("sent").filter(|sent| *sent)?;
    let to = some_of(&entries(at.arguments, "to"), ", ");
    let subject = text(at.arguments, "subject").unwrap_or("?");
    Some(at.pick(
        format!("메일을 보냈습니다.\n- 받는 사람: {to}\n- 제목: {subject}"),
        format!("The mail is sent.\n- To: {to}\n- Subject: {subject}"),
    ))
}
