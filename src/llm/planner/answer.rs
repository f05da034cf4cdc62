//! Answers in words, in the language of the prompt.

use super::conversation::{Conversation, Done};
use super::language::Language;
use super::offered::Offered;
use super::report;
use super::steps::{Missing, Reply};

/// What the planner can do with which tool, in both languages.
const ABILITIES: [(&str, &str, &str); 10] = [
    ("git_status", "저장소 상태 확인", "tell how the repository stands"),
    ("git_log", "커밋 이력 조회", "list commits"),
    ("git_diff", "브랜치 비교와 PR 분석", "compare branches and analyze pull requests"),
    ("git_branch_list", "브랜치 목록 조회", "list branches"),
    ("git_show_file", "파일 내용 보기", "show a file"),
    ("git_merge", "브랜치 병합 (승인 필요)", "merge branches (asks for approval)"),
    ("github_get_pr", "GitHub PR 조회", "read a pull request on GitHub"),
    ("github_create_pr", "GitHub PR 생성 (승인 필요)", "create pull requests (asks for approval)"),
    ("github_merge_pr", "GitHub PR 병합 (승인 필요)", "merge pull requests (asks for approval)"),
    ("send_email", "메일 발송 (승인 필요)", "send mails (asks for approval)"),
];

/// The tools that change something: what they did is what the answer is about.
const CHANGING: [&str; 4] = ["git_merge", "github_create_pr", "github_merge_pr", "send_email"];

/// The whole answer; never empty. Whatever it is about, it names every tool that failed.
pub(super) fn compose(
    reply: Reply,
    conversation: &Conversation<'_>,
    language: Language,
    offered: Offered<'_>,
) -> String {
    match reply {
        Reply::Results => results(conversation, language),
        Reply::Analysis => analysis(conversation, language),
        Reply::Comparison => comparison(conversation, language),
        Reply::WhichPull => {
            format!(
                "{}\n\n{}",
                told(&conversation.done, language),
                ask_for(Missing::Pull, language)
            )
        }
        Reply::NotOffered(tool) => not_offered(tool, conversation, language),
        Reply::Missing(missing) => {
            after_failures(ask_for(missing, language), conversation, language)
        }
        Reply::Help => {
            let hello = language
                .pick("안녕하세요! DWP 업무 비서입니다.", "Hello! I am the assistant of DWP.");
            format!("{hello} {}", abilities(language, offered))
        }
        Reply::Thanks => language
            .pick(
                "천만에요! 더 필요한 일이 있으면 말씀해 주세요.",
                "You are welcome! Tell me if there is more to do.",
            )
            .to_owned(),
        Reply::Screen => screen(conversation, language),
        Reply::Unknown => {
            let sorry = language.pick(
                "요청을 이해하지 못했습니다. 저는 정해진 업무만 아는 내장 플래너입니다.",
                "I did not understand that: I am the built-in planner and know a few tasks only.",
            );
            format!("{sorry} {}", abilities(language, offered))
        }
        Reply::NothingToPropose => {
            let text = language.pick(
                "저장소에 기준 브랜치 말고는 다른 브랜치가 없어 PR로 제안할 변경이 없습니다.",
                "The repository has no branch besides the base, so there is nothing to propose.",
            );
            after_failures(text, conversation, language)
        }
    }
}

/// The text, behind whatever has failed before.
fn after_failures(text: &str, conversation: &Conversation<'_>, language: Language) -> String {
    let failed = conversation.done.iter().filter(|done| done.result.is_err());
    let mut parts: Vec<String> = failed.map(|done| report::of(done, language)).collect();
    parts.push(text.to_owned());
    parts.join("\n\n")
}

fn abilities(language: Language, offered: Offered<'_>) -> String {
    let known = ABILITIES.iter().filter(|(tool, _, _)| offered.has(tool));
    let lines: Vec<String> = known
        .map(|(_, korean, english)| format!("\n- {}", language.pick(korean, english)))
        .collect();
    if lines.is_empty() {
        let none = language.pick(
            "지금은 사용할 수 있는 도구가 없어 대화만 할 수 있습니다.",
            "No tools are available right now, so all I can do is talk.",
        );
        return none.to_owned();
    }
    let intro = language.pick("다음 일을 도와드릴 수 있습니다.", "This is what I can do:");
    format!("{intro}\n{}", lines.concat())
}

fn ask_for(missing: Missing, language: Language) -> &'static str {
    match missing {
        Missing::Branch => language.pick(
            "어느 브랜치를 병합할까요? 예: \"feature 브랜치를 main에 병합해주세요\"",
            "Which branch shall I merge? For example: \"merge feature into main\"",
        ),
        Missing::Target => language.pick(
            "어느 브랜치에 병합할지 알 수 없어 병합하지 않았습니다. 예: \"feature 브랜치를 main에 병합해주세요\"",
            "I merged nothing, because I do not know into which branch. For example: \"merge feature into main\"",
        ),
        Missing::Head => language.pick(
            "어느 브랜치로 PR을 만들지 알 수 없습니다. 예: \"owner/repo 저장소에 feature 브랜치에서 main으로 PR을 생성해줘\"",
            "I do not know which branch to propose. For example: \"create a PR in the repo owner/name from feature to main\"",
        ),
        Missing::PullRepository => language.pick(
            "어느 GitHub 저장소에 PR을 만들지 알 수 없어 만들지 않았습니다. 저장소를 알려주세요. 예: \"owner/repo 저장소에 feature 브랜치에서 main으로 PR을 생성해줘\"",
            "I created no pull request, because I do not know in which GitHub repository. Which one is it? For example: \"create a PR in the repo owner/name from feature to main\"",
        ),
        Missing::Address => language.pick(
            "누구에게 보낼까요? 받는 사람의 메일 주소를 알려주세요. 예: \"kim@dwp.com에게 회의 일정 메일 보내줘\"",
            "To whom? Please tell me the address, for example: \"email kim@dwp.com about the meeting\"",
        ),
        Missing::Pull => language.pick(
            "어느 PR인가요? \"owner/repo#12\" 형식이나 PR 주소로 알려주세요.",
            "Which pull request? Please name it as \"owner/repo#12\" or by its URL.",
        ),
        Missing::Repository => language.pick(
            "어느 GitHub 저장소인가요? 예: \"owner/repo 저장소의 PR 목록\"",
            "Which GitHub repository? For example: \"list the PRs of the repo owner/name\"",
        ),
    }
}

/// What has been found out is told, even where the tool for the rest is missing.
fn not_offered(tool: &str, conversation: &Conversation<'_>, language: Language) -> String {
    let sorry = match language {
        Language::Korean => {
            format!("이 요청에는 {tool} 도구가 필요하지만 지금은 사용할 수 없습니다.")
        }
        Language::English => format!("This takes the tool {tool}, which is not available now."),
    };
    if conversation.done.is_empty() {
        sorry
    } else {
        told(&conversation.done, language) + "\n\n" + &sorry
    }
}

fn screen(conversation: &Conversation<'_>, language: Language) -> String {
    let lines: Vec<String> = conversation.screen().map(|line| format!("\n- {line}")).collect();
    if lines.is_empty() {
        let none = language.pick(
            "현재 화면에 대한 정보를 받지 못했습니다.",
            "I was told nothing of the page that you are looking at.",
        );
        return none.to_owned();
    }
    let intro = language.pick("지금 보고 계신 화면입니다.", "This is the page you are looking at:");
    format!("{intro}\n{}", lines.concat())
}

/// What changed something, if anything did, and what failed besides; otherwise all that was read.
fn results(conversation: &Conversation<'_>, language: Language) -> String {
    let done = &conversation.done;
    let Some(changing) = done.iter().rposition(|done| CHANGING.contains(&done.tool)) else {
        return told(done, language);
    };
    let others = done.iter().enumerate().filter(|(at, _)| *at != changing).map(|(_, done)| done);
    let failed = others.filter(|done| done.result.is_err());
    let parts = std::iter::once(&done[changing]).chain(failed);
    parts.map(|done| report::of(done, language)).collect::<Vec<_>>().join("\n\n")
}

/// A pull request on GitHub: its parts, as far as they could be read.
fn analysis(conversation: &Conversation<'_>, language: Language) -> String {
    let title = match conversation.failed("github_get_pr") {
        true => language.pick(
            "GitHub에서 PR을 읽지 못해 분석하지 못했습니다.",
            "I could not analyze the pull request, because I could not read it on GitHub.",
        ),
        false => language.pick("PR 분석 결과입니다.", "Here is what the pull request does."),
    };
    format!("{title}\n\n{}", told(&conversation.done, language))
}

/// The branches of the workspace: what differs, and what that comes to.
fn comparison(conversation: &Conversation<'_>, language: Language) -> String {
    let is_read = conversation.result_of("git_diff").is_some();
    let title = match is_read {
        true => language.pick(
            "GitHub의 PR을 지정하지 않으셔서, 작업 저장소의 브랜치를 비교해 분석했습니다. (GitHub는 읽지 않았습니다.)",
            "You named no pull request on GitHub, so I compared the branches of the workspace. (I did not read GitHub.)",
        ),
        false => language.pick(
            "GitHub의 PR을 지정하지 않으셨고, 작업 저장소의 브랜치도 비교하지 못했습니다.",
            "You named no pull request on GitHub, and I could not compare the branches of the workspace either.",
        ),
    };
    let told = told(&conversation.done, language);
    match report::conclusion(conversation, language) {
        Some(conclusion) => format!("{title}\n\n{told}\n\n{conclusion}"),
        None => format!("{title}\n\n{told}"),
    }
}

fn told(done: &[Done<'_>], language: Language) -> String {
    done.iter().map(|done| report::of(done, language)).collect::<Vec<_>>().join("\n\n")
}
