//! One tool's result in words.
//!
//! Results are read leniently: a field that is not there is left out of the sentence. Long lists
//! and texts are cut, and say so.

use std::fmt::Write as _;

use serde_json::Value;

use super::conversation::{Conversation, Done, Trouble};
use super::language::Language;
use crate::domain::text::{excerpt, first_chars};

mod fields;

use fields::{flag, items, number, text};

/// How many entries of a list are told.
const LIST_MAX: usize = 10;
/// How much of a text is told, in bytes.
const TEXT_MAX: usize = 4 * 1024;

/// What a tool call came to.
pub(super) fn of(done: &Done<'_>, language: Language) -> String {
    let result = match &done.result {
        Ok(result) => result,
        Err(Trouble::Failed(error)) => return failure(done.tool, error, language),
        Err(Trouble::CutOff) => return cut_off(done.tool, language),
    };
    if flag(result, "dryRun") == Some(true) {
        return dry_run(done.tool, result, language);
    }
    match done.tool {
        "git_status" => status(result, language),
        "git_log" => log(done, result, language),
        "git_diff" => diff(done, result, language),
        "git_branch_list" => branches(result, language),
        "git_show_file" => file(done, result, language),
        "git_merge" => merge(done, result, language),
        "github_get_pr" => pull(result, language),
        "github_get_pr_diff" => pull_diff(result, language),
        "github_list_prs" => pulls(result, language),
        "github_create_pr" => created(result, language),
        "github_merge_pr" => merged_pull(result, language),
        "send_email" if flag(result, "sent") == Some(true) => sent(done, language),
        other => raw(other, result, language),
    }
}

/// What the differences that were read come to; `None` if none were.
pub(super) fn conclusion(conversation: &Conversation<'_>, language: Language) -> Option<String> {
    let diff = conversation.result_of("git_diff")?;
    let files = items(diff, "files");
    let changed = |file: &Value| {
        number(file, "added").unwrap_or(0).saturating_add(number(file, "deleted").unwrap_or(0))
    };
    let largest = files.iter().max_by_key(|file| changed(file))?;
    let path = text(largest, "path")?;
    let (lines, count) = (changed(largest), files.len());
    let mut told = match language {
        Language::Korean => {
            format!("요약: 파일 {count}개가 바뀌었고, 가장 큰 변경은 {path}({lines}줄)입니다.")
        }
        Language::English => {
            format!("In short: {count} file(s) change, most of all {path} ({lines} lines).")
        }
    };
    if let Some(log) = conversation.result_of("git_log") {
        let commits = items(log, "commits").len();
        told.push_str(&match language {
            Language::Korean => format!(" 최근 커밋 {commits}개를 확인했습니다."),
            Language::English => format!(" I looked at {commits} recent commit(s)."),
        });
    }
    Some(told)
}

fn failure(tool: &str, error: &str, language: Language) -> String {
    let error = cut(error);
    match language {
        Language::Korean if reads_github(tool) => {
            format!("GitHub를 읽지 못했습니다. {tool} 도구가 실패했습니다: {error}")
        }
        Language::English if reads_github(tool) => {
            format!("GitHub could not be read. The tool {tool} failed: {error}")
        }
        Language::Korean => format!("{tool} 도구가 실패했습니다: {error}"),
        Language::English => format!("The tool {tool} failed: {error}"),
    }
}

fn reads_github(tool: &str) -> bool {
    tool.starts_with("github_get_") || tool.starts_with("github_list_")
}

fn cut_off(tool: &str, language: Language) -> String {
    match language {
        Language::Korean => format!("{tool} 도구의 결과가 너무 길어 끝까지 읽지 못했습니다."),
        Language::English => format!("The result of {tool} was too long to be read to its end."),
    }
}

fn dry_run(tool: &str, result: &Value, language: Language) -> String {
    let would = result.get("wouldSend").unwrap_or(result);
    let would = serde_json::to_string_pretty(would).unwrap_or_default();
    let intro = match language {
        Language::Korean => {
            format!("시험 실행(dry run)이라 {tool} 도구가 실제로 보내지는 않았습니다. 보냈을 내용:")
        }
        Language::English => {
            format!("This was a dry run: {tool} sent nothing. What it would have sent:")
        }
    };
    format!("{intro}\n\n```json\n{}\n```", cut(&would))
}

fn status(result: &Value, language: Language) -> String {
    let branch = text(result, "branch").unwrap_or("?");
    let mut told = match language {
        Language::Korean => format!("현재 브랜치: {branch}"),
        Language::English => format!("Current branch: {branch}"),
    };
    if let Some(head) = text(result, "head") {
        let _ = write!(told, " ({})", first_chars(head, 12).0);
    }
    let groups = [
        ("staged", "스테이징됨", "Staged"),
        ("unstaged", "수정됨", "Modified"),
        ("untracked", "추적되지 않음", "Untracked"),
    ];
    let mut any = false;
    for (field, korean, english) in groups {
        let files: Vec<String> = items(result, field).iter().map(fields::path).collect();
        if !files.is_empty() {
            any = true;
            let _ = write!(told, "\n- {} {}: ", language.pick(korean, english), files.len());
            told.push_str(&some_of(&files, ", "));
        }
    }
    if !any && flag(result, "clean") == Some(true) {
        told.push_str(language.pick(
            "\n작업 트리가 깨끗합니다. 커밋할 변경사항이 없습니다.",
            "\nThe working tree is clean: there is nothing to commit.",
        ));
    }
    told
}

fn log(done: &Done<'_>, result: &Value, language: Language) -> String {
    let commits = items(result, "commits");
    let lines: Vec<String> = commits.iter().map(fields::commit).collect();
    let branch = text(&done.arguments, "ref").map(|name| format!("{name}: ")).unwrap_or_default();
    let count = lines.len();
    let title = match language {
        Language::Korean => format!("{branch}최근 커밋 {count}개"),
        Language::English => format!("{branch}{count} recent commit(s)"),
    };
    title + &list(&lines)
}

fn diff(done: &Done<'_>, result: &Value, language: Language) -> String {
    let side = |name| text(result, name).or_else(|| text(&done.arguments, name));
    let route = match (side("from"), side("to")) {
        (Some(from), Some(to)) => format!("{from} → {to}: "),
        (Some(one), None) | (None, Some(one)) => format!("{one}: "),
        (None, None) => String::new(),
    };
    let files = items(result, "files");
    let sum = |field| files.iter().filter_map(|file| number(file, field)).sum::<u64>();
    let (count, added, deleted) = (files.len(), sum("added"), sum("deleted"));
    let lines: Vec<String> = files.iter().map(fields::changed_file).collect();
    let mut told = match language {
        Language::Korean if count == 0 => format!("{route}차이가 없습니다."),
        Language::English if count == 0 => format!("{route}no differences."),
        Language::Korean => format!("{route}파일 {count}개 변경 (+{added} −{deleted})"),
        Language::English => format!("{route}{count} file(s) changed (+{added} −{deleted})"),
    };
    told.push_str(&list(&lines));
    told + partly(result, language)
}

fn branches(result: &Value, language: Language) -> String {
    let names: Vec<String> = items(result, "branches")
        .iter()
        .filter_map(|branch| {
            let current = flag(branch, "current") == Some(true);
            let mark = if current { language.pick(" (현재)", " (current)") } else { "" };
            Some(format!("{}{mark}", text(branch, "name")?))
        })
        .collect();
    let more = there_are_more(result, language);
    let title = match language {
        Language::Korean => format!("브랜치 {}개{more}: ", names.len()),
        Language::English => format!("{} branch(es){more}: ", names.len()),
    };
    title + &some_of(&names, ", ")
}

fn file(done: &Done<'_>, result: &Value, language: Language) -> String {
    let path = text(result, "path").or_else(|| text(&done.arguments, "path")).unwrap_or("?");
    let Some(content) = text(result, "content").or_else(|| text(result, "text")) else {
        return raw(done.tool, result, language);
    };
    // A fence longer than any in the file keeps the file inside.
    let fence = if content.contains("```") { "``````" } else { "```" };
    format!("{path}:\n\n{fence}\n{}\n{fence}", cut(content))
}

fn merge(done: &Done<'_>, result: &Value, language: Language) -> String {
    let side = |name| text(result, name).or_else(|| text(&done.arguments, name)).unwrap_or("?");
    let (source, target) = (side("source"), side("target"));
    let Some(merged) = flag(result, "merged") else {
        return raw(done.tool, result, language);
    };
    let mut told = match (language, merged) {
        (Language::Korean, true) => format!("병합했습니다: {source} → {target}"),
        (Language::English, true) => format!("Merged {source} into {target}."),
        (Language::Korean, false) => format!("병합할 것이 없었습니다: {source} → {target}"),
        (Language::English, false) => {
            format!("There was nothing to merge from {source} into {target}.")
        }
    };
    if let Some(commit) = text(result, "commit") {
        let _ = write!(told, "\n- {}: {commit}", language.pick("커밋", "Commit"));
    }
    if let Some(message) = text(result, "message") {
        let _ = write!(told, "\n- {}", cut(message));
    }
    told
}

fn pull(result: &Value, language: Language) -> String {
    let mut told = fields::pull_line(result);
    let branch = |side: &str| {
        let side = result.get(side)?;
        side.as_str().or_else(|| text(side, "ref"))
    };
    if let (Some(head), Some(base)) = (branch("head"), branch("base")) {
        let _ = write!(told, "\n- {head} → {base}");
    }
    let count = |names: [&str; 2]| names.into_iter().find_map(|name| number(result, name));
    if let Some(files) = count(["changedFiles", "changed_files"]) {
        let _ = write!(told, "\n- {}: {files}", language.pick("변경된 파일", "Files changed"));
    }
    if let (Some(added), Some(deleted)) = (number(result, "additions"), number(result, "deletions"))
    {
        let _ = write!(told, " (+{added} −{deleted})");
    }
    if let Some(body) = text(result, "body") {
        let _ = write!(told, "\n\n{}", cut(body));
    }
    told
}

fn pull_diff(result: &Value, language: Language) -> String {
    let patch = ["diff", "patch"].into_iter().find_map(|name| text(result, name));
    let Some(patch) = patch else {
        let lines: Vec<String> = items(result, "files").iter().map(fields::changed_file).collect();
        let title = language.pick("변경된 파일", "Files changed");
        return format!("{title}: {}{}", lines.len(), list(&lines));
    };
    let starts = |prefix: &str, not: &str| {
        patch.lines().filter(|l| l.starts_with(prefix) && !l.starts_with(not)).count() as u64
    };
    let (added, deleted) = (starts("+", "+++"), starts("-", "---"));
    let files: Vec<String> =
        patch.lines().filter_map(|l| l.strip_prefix("+++ b/")).map(str::to_owned).collect();
    let count = number(result, "fileCount").unwrap_or(files.len() as u64);
    let told = match language {
        Language::Korean => format!("파일 {count}개 변경 (+{added} −{deleted})"),
        Language::English => format!("{count} file(s) changed (+{added} −{deleted})"),
    };
    told + &list(&files) + partly(result, language)
}

/// A word of warning where a tool has left something out.
fn partly(result: &Value, language: Language) -> &'static str {
    if flag(result, "truncated") == Some(true) {
        language.pick("\n(변경이 커서 일부만 읽었습니다.)", "\n(Only part was read.)")
    } else {
        ""
    }
}

/// The same for a list.
fn there_are_more(result: &Value, language: Language) -> &'static str {
    if flag(result, "truncated") == Some(true) {
        language.pick(" (더 있음)", " (there are more)")
    } else {
        ""
    }
}

fn pulls(result: &Value, language: Language) -> String {
    let all = ["pullRequests", "pulls", "prs", "items"];
    let all = all.into_iter().map(|name| items(result, name)).find(|found| !found.is_empty());
    let all = all.or_else(|| result.as_array().map(Vec::as_slice)).unwrap_or_default();
    let lines: Vec<String> = all.iter().map(fields::pull_line).collect();
    let title = language.pick("PR", "Pull requests");
    let more = there_are_more(result, language);
    format!("{title}: {}{more}{}", lines.len(), list(&lines))
}

fn created(result: &Value, language: Language) -> String {
    if number(result, "number").is_none() {
        return raw("github_create_pr", result, language);
    }
    let done = if flag(result, "alreadyExists") == Some(true) {
        language.pick("같은 PR이 이미 있습니다", "There is such a pull request already")
    } else {
        language.pick("PR을 만들었습니다", "The pull request is open")
    };
    format!("{done}: {}{}", fields::pull_line(result), link(result))
}

fn merged_pull(result: &Value, language: Language) -> String {
    let Some(merged) = flag(result, "merged") else {
        return raw("github_merge_pr", result, language);
    };
    let told = if !merged {
        language.pick("PR이 병합되지 않았습니다", "The pull request was not merged")
    } else if flag(result, "alreadyMerged") == Some(true) {
        language.pick("이미 병합된 PR입니다", "The pull request was merged already")
    } else {
        language.pick("PR을 병합했습니다", "The pull request is merged")
    };
    let message = text(result, "message").map(|message| format!(": {}", cut(message)));
    format!("{told}{}{}", message.unwrap_or_default(), link(result))
}

/// The address of what was made, on a line of its own.
fn link(result: &Value) -> String {
    let link = ["url", "htmlUrl", "html_url"].into_iter().find_map(|name| text(result, name));
    link.map(|link| format!("\n{link}")).unwrap_or_default()
}

fn sent(done: &Done<'_>, language: Language) -> String {
    let to: Vec<String> = items(&done.arguments, "to").iter().map(fields::path).collect();
    let subject = text(&done.arguments, "subject").unwrap_or("?");
    let to = some_of(&to, ", ");
    match language {
        Language::Korean => format!("메일을 보냈습니다.\n- 받는 사람: {to}\n- 제목: {subject}"),
        Language::English => format!("The mail is sent.\n- To: {to}\n- Subject: {subject}"),
    }
}

fn raw(tool: &str, result: &Value, language: Language) -> String {
    let result = cut(&result.to_string());
    match language {
        Language::Korean => format!("{tool} 결과: {result}"),
        Language::English => format!("Result of {tool}: {result}"),
    }
}

fn list(lines: &[String]) -> String {
    if lines.is_empty() { String::new() } else { format!("\n- {}", some_of(lines, "\n- ")) }
}

/// The first entries, and how many more there are.
fn some_of(entries: &[String], between: &str) -> String {
    let mut shown = entries.iter().take(LIST_MAX).cloned().collect::<Vec<_>>();
    if entries.len() > LIST_MAX {
        shown.push(format!("… (+{})", entries.len() - LIST_MAX));
    }
    shown.join(between)
}

fn cut(text: &str) -> String {
    excerpt(text.trim_end(), TEXT_MAX)
}

#[cfg(test)]
mod tests;
