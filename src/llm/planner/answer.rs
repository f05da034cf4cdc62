//! Answers in words, in the language of the prompt.

use super::abilities::{self, ABILITIES};
use super::conversation::Conversation;
use super::named_tool::example;
use super::offered::Offered;
use super::report;
use super::steps::{Missing, Reply};
use crate::domain::Language;
use crate::domain::text::excerpt;
use crate::tools::ToolSpec;

/// How much of a tool's own description is told, in bytes.
const DESCRIPTION_MAX: usize = 300;

/// The whole answer; never empty. Whatever it is about, it names every tool that failed.
pub(super) fn compose(
    reply: Reply,
    conversation: &Conversation<'_>,
    language: Language,
    offered: Offered<'_>,
) -> String {
    let told = || report::of_all(&conversation.done, language);
    let failed_and = |text: &str| {
        let failed = conversation.done.iter().filter(|done| done.result.is_err());
        joined([report::of_all(failed, language), text.to_owned()])
    };
    match reply {
        Reply::Results => results(conversation, language),
        Reply::Comparison => comparison(conversation, language),
        Reply::NotOffered(tool) => joined([told(), not_offered(tool, language)]),
        Reply::Missing(missing) => failed_and(ask_for(missing, language)),
        Reply::Help => {
            let hello = language
                .pick("안녕하세요! DWP 업무 비서입니다.", "Hello! I am the assistant of DWP.");
            format!("{hello} {}", what_it_can_do(language, offered))
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
            format!("{sorry} {}", what_it_can_do(language, offered))
        }
    }
}

/// What a tool does, and how to ask for it.
pub(super) fn explain(spec: &ToolSpec, language: Language) -> String {
    let (description, example) = (excerpt(spec.description.trim(), DESCRIPTION_MAX), example(spec));
    language.pick(
        format!("{}: {description}\n\n이렇게 요청해 주세요: `{example}`", spec.name),
        format!("{}: {description}\n\nAsk for it like this: `{example}`", spec.name),
    )
}

/// The paragraphs that are not empty.
fn joined<const N: usize>(paragraphs: [String; N]) -> String {
    let told: Vec<String> = paragraphs.into_iter().filter(|text| !text.is_empty()).collect();
    told.join("\n\n")
}

/// Exactly what is offered: the abilities whose tools are there, and every other tool by its name.
fn what_it_can_do(language: Language, offered: Offered<'_>) -> String {
    let known = ABILITIES.iter().filter(|ability| offered.has(ability.tool));
    let mut lines: Vec<String> = known.map(|one| one.summary(language).to_owned()).collect();
    let others = offered.all().filter(|spec| abilities::of_tool(&spec.name).is_none());
    lines.extend(others.map(|spec| format!("`{}`", example(spec))));
    let none = language.pick(
        "지금은 사용할 수 있는 도구가 없어 대화만 할 수 있습니다.",
        "No tools are available right now, so all I can do is talk.",
    );
    let intro = language.pick("다음 일을 도와드릴 수 있습니다.", "This is what I can do:");
    points(&lines, intro, none)
}

/// These lines behind what introduces them, or what is said if there are none.
fn points(lines: &[String], intro: &str, none: &str) -> String {
    match lines.is_empty() {
        true => none.to_owned(),
        false => format!("{intro}\n\n- {}", lines.join("\n- ")),
    }
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
        Missing::OtherBranch => language.pick(
            "저장소에 기준 브랜치 말고는 다른 브랜치가 없어 PR로 제안할 변경이 없습니다.",
            "The repository has no branch besides the base, so there is nothing to propose.",
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

fn not_offered(tool: &str, language: Language) -> String {
    language.pick(
        format!("이 요청에는 {tool} 도구가 필요하지만 지금은 사용할 수 없습니다."),
        format!("This takes the tool {tool}, which is not available now."),
    )
}

fn screen(conversation: &Conversation<'_>, language: Language) -> String {
    let lines: Vec<String> = conversation.screen().map(str::to_owned).collect();
    let none = language.pick(
        "현재 화면에 대한 정보를 받지 못했습니다.",
        "I was told nothing of the page that you are looking at.",
    );
    let intro = language.pick("지금 보고 계신 화면입니다.", "This is the page you are looking at:");
    points(&lines, intro, none)
}

/// What changed something, if anything did, and what failed besides; otherwise all that was read.
fn results(conversation: &Conversation<'_>, language: Language) -> String {
    let changes = |tool| abilities::of_tool(tool).is_some_and(|one| one.request.is_some());
    let done = &conversation.done;
    let Some(changing) = done.iter().rposition(|done| changes(done.tool)) else {
        return report::of_all(done, language);
    };
    let others = done.iter().enumerate().filter(|(at, _)| *at != changing).map(|(_, done)| done);
    let failed = others.filter(|done| done.result.is_err());
    report::of_all(std::iter::once(&done[changing]).chain(failed), language)
}

/// The branches of the workspace, which are not what is on GitHub.
fn comparison(conversation: &Conversation<'_>, language: Language) -> String {
    let title = match conversation.result_of("git_diff") {
        Some(_) => language.pick(
            "GitHub의 PR을 지정하지 않으셔서, 작업 저장소의 브랜치를 비교해 분석했습니다. (GitHub는 읽지 않았습니다.)",
            "You named no pull request on GitHub, so I compared the branches of the workspace. (I did not read GitHub.)",
        ),
        None => "",
    };
    joined([title.to_owned(), report::of_all(&conversation.done, language)])
}
