//! What the planner can do: for each tool what it does, how people ask for it, which turns it takes,
//! and how its result is told. A new ability is a row here and its prompts in the tests.

use serde_json::json;

use super::cues::{Cue, Evidence, holds, says};
use super::headlines::{self, Outcome};
use super::parts::Part;
use super::request::Request;
use super::steps::{Situation, Step};
use super::{files, mail, names, pulls};
use crate::domain::Language;

/// Something that the planner can do where its tool is offered.
pub(super) struct Ability {
    pub(super) tool: &'static str,
    /// What it does, in Korean and in English.
    summary: (&'static str, &'static str),
    /// What speaks for it.
    cues: &'static [Cue],
    /// What has to be asked for in so many words, because it changes something, and what that counts.
    pub(super) request: Option<(i32, Request)>,
    pub(super) step: fn(&Situation<'_>) -> Step,
    /// The first line about a result; `None` if the result does not say what it should.
    pub(super) headline: fn(&Outcome<'_>) -> Option<String>,
    /// What is told of the result behind that.
    pub(super) parts: &'static [Part],
}

impl Ability {
    pub(super) fn summary(&self, language: Language) -> &'static str {
        language.pick(self.summary.0, self.summary.1)
    }

    /// How much speaks for it. What changes something and was not asked for has nothing.
    pub(super) fn score(&self, evidence: &Evidence) -> i32 {
        match &self.request {
            None => evidence.weigh(self.cues),
            Some((weight, request)) if request.is_made(&evidence.lower) => {
                weight + evidence.weigh(self.cues)
            }
            Some(_) => 0,
        }
    }
}

/// The ability that this tool is for.
pub(super) fn of_tool(tool: &str) -> Option<&'static Ability> {
    ABILITIES.iter().find(|ability| ability.tool == tool)
}

const LOOK: &[&str] = &["보여", "알려", "확인", "show", "tell", "check", "what", "which"];
const HOW: &[&str] = &["방법", "하려면", "how do", "how to", "how can", "what is a", "why"];
const LIST: &[&str] = &["목록", "리스트", "list"];
const GIT: &[&str] = &["git", "깃"];
const PULL: &[&str] = &["pr", "pull request", "풀 리퀘스트", "풀리퀘스트", "풀 리퀘", "풀리퀘"];
const PULLS: &[&str] = &["prs", "pull requests"];
const WHAT_IS: &[&str] =
    &["방법", "뭐야", "뭔가요", "이란", "how do", "how to", "what is a", "what's a", "what are"];
/// A task of another kind, whose text only looks like a request.
const TRANSLATE: &[&str] =
    &["번역해", "번역 해", "translate", "proofread", "rephrase", "paraphrase"];
const MERGE: Request = Request {
    nouns: &["병합", "머지", "merge"],
    verbs: &["합쳐"],
    things: &[],
    english: &["merge"],
};

/// What only reads comes first: of two that are equally likely the first is meant.
#[rustfmt::skip]
pub(super) static ABILITIES: [Ability; 13] = [
    Ability {
        tool: "git_status",
        summary: ("저장소 상태 확인", "tell how the repository stands"),
        cues: &[
            says(2, &["상태", "state", "현재 브랜치", "current branch", "저장소 어때", "레포 어때"]),
            says(3, &[
                "status", "변경사항", "변경 사항", "변경된", "바뀐", "바뀌", "수정된", "커밋되지 않은", "커밋 안", "작업 트리",
                "changes", "changed", "uncommitted", "working tree", "work tree",
            ]),
            says(1, &["저장소", "레포", "리포", "작업", "현재", "repository", "repo", "current"]),
            says(1, &["알려", "보여", "확인", "어때", "tell", "show", "check"]),
            says(1, GIT), says(-3, HOW),
        ],
        request: None,
        step: |at| at.once("git_status", json!({})),
        headline: headlines::status,
        parts: &[
            Part::Named("staged", "스테이징됨", "Staged"),
            Part::Named("unstaged", "수정됨", "Modified"),
            Part::Named("conflicted", "충돌", "In conflict"),
            Part::Named("untracked", "추적되지 않음", "Untracked"),
        ],
    },
    Ability {
        tool: "git_log",
        summary: ("커밋 이력 조회", "list commits"),
        cues: &[
            says(2, &["로그", "히스토리", "이력", "log", "history"]),
            says(2, &["커밋", "commit", "commits"]),
            says(1, &["최근", "마지막", "기록", "recent", "latest", "last"]),
            holds(1, |text| files::count(text).is_some()),
            says(-2, &["로그인", "블로그", "커밋해", "커밋하", "변경", "커밋되지", "커밋 안"]),
            says(1, LOOK), says(1, LIST), says(1, GIT), says(-3, HOW),
        ],
        request: None,
        step: |at| at.log(),
        headline: headlines::log,
        parts: &[Part::List("commits")],
    },
    Ability {
        tool: "git_diff",
        summary: ("브랜치 비교와 PR 분석", "compare branches and analyze pull requests"),
        cues: &[
            says(3, &["비교", "diff", "compare", "difference", "differences", "변경 내용", "변경내용"]),
            says(2, &["차이", "달라", "다른 점"]),
            says(1, &["between"]),
            holds(1, |text| names::route(text).source.is_some()),
            says(1, LOOK), says(1, GIT), says(-3, HOW),
        ],
        request: None,
        step: |at| at.diff(),
        headline: headlines::diff,
        parts: &[Part::List("files"), Part::Truncated],
    },
    Ability {
        tool: "git_branch_list",
        summary: ("브랜치 목록 조회", "list branches"),
        cues: &[
            says(2, &["브랜치", "branch"]),
            says(3, &["branches"]),
            says(1, &["있어", "있나", "어떤", "몇"]),
            says(1, LOOK), says(1, LIST), says(1, GIT), says(-3, HOW),
        ],
        request: None,
        step: |at| at.once("git_branch_list", json!({})),
        headline: headlines::branches,
        parts: &[],
    },
    Ability {
        tool: "git_show_file",
        summary: ("파일 내용 보기", "show a file"),
        cues: &[
            holds(3, |text| files::file(text).is_some()),
            says(1, &["파일", "내용", "읽어", "열어", "file", "content", "contents", "read", "cat", "open"]),
            says(1, LOOK), says(1, GIT), says(-3, HOW),
        ],
        request: None,
        step: |at| at.file_from("git_show_file", json!({})),
        headline: headlines::file,
        parts: &[Part::Line("note"), Part::Code("content")],
    },
    Ability {
        tool: "github_get_file",
        summary: ("GitHub 파일 내용 보기", "show a file on GitHub"),
        cues: &[
            holds(6, |text| files::file(text).is_some() && pulls::repository(text).is_some()),
            says(-3, HOW),
        ],
        request: None,
        step: |at| at.show_file_on_github(),
        headline: headlines::file,
        parts: &[Part::Line("note"), Part::Code("content")],
    },
    Ability {
        tool: "github_get_pr",
        summary: ("GitHub PR 조회", "read a pull request on GitHub"),
        cues: &[
            says(2, PULL), says(2, PULLS),
            holds(3, |text| pulls::pull(text).is_some()),
            holds(2, |text| pulls::number(text).is_some()),
            says(2, &[
                "분석", "리뷰", "검토", "요약", "설명", "살펴", "정리", "봐줘", "봐 줘", "봐주", "look at", "analyze", "analyse",
                "analysis", "review", "summarize", "summarise", "summary", "explain", "describe",
            ]),
            says(1, LOOK), says(-4, WHAT_IS),
        ],
        request: None,
        step: |at| at.read_pull(),
        headline: headlines::pull,
        parts: &[Part::Text("body")],
    },
    Ability {
        tool: "github_get_pr_diff",
        summary: ("GitHub PR 변경 내용 조회", "show what a pull request changes"),
        cues: &[
            says(2, PULL),
            holds(3, |text| pulls::pull(text).is_some()),
            holds(2, |text| pulls::number(text).is_some()),
            says(2, &["diff", "변경 내용", "변경내용", "변경사항", "changes"]),
            says(-4, WHAT_IS),
        ],
        request: None,
        step: |at| at.with_pull("github_get_pr_diff"),
        headline: headlines::pull_diff,
        parts: &[Part::Truncated],
    },
    Ability {
        tool: "github_list_prs",
        summary: ("GitHub PR 목록 조회", "list pull requests on GitHub"),
        cues: &[
            says(2, PULL), says(2, PULLS),
            says(2, &["목록", "리스트", "열린", "list"]),
            says(1, &["open", "있어", "있나", "어떤", "몇"]),
            says(1, LOOK), says(-4, WHAT_IS),
        ],
        request: None,
        step: |at| at.list_pulls(),
        headline: headlines::pulls,
        parts: &[Part::List("pullRequests")],
    },
    Ability {
        tool: "git_merge",
        summary: ("브랜치 병합 (승인 필요)", "merge branches (asks for approval)"),
        cues: &[
            holds(1, |text| names::route(text) != names::Route::default()),
            says(-6, &["merge sort", "mergesort"]), says(-6, TRANSLATE),
        ],
        request: Some((3, MERGE)),
        step: |at| at.merge(),
        headline: headlines::merge,
        parts: &[Part::Named("commit", "커밋", "Commit"), Part::Line("message")],
    },
    Ability {
        tool: "github_create_pr",
        summary: ("GitHub PR 생성 (승인 필요)", "create pull requests (asks for approval)"),
        cues: &[says(2, PULL), says(-3, PULLS), says(-3, LIST), says(-6, TRANSLATE)],
        request: Some((2, Request {
            nouns: &["생성", "작성", "요청"],
            verbs: &["만들어", "올려", "열어", "날려"],
            things: &["pr"],
            english: &["create", "open", "make", "raise", "submit"],
        })),
        step: |at| at.create_pull(),
        headline: headlines::created,
        parts: &[Part::Link("url")],
    },
    Ability {
        tool: "github_merge_pr",
        summary: ("GitHub PR 병합 (승인 필요)", "merge pull requests (asks for approval)"),
        cues: &[
            says(2, PULL), says(-3, PULLS), says(-3, LIST),
            holds(3, |text| pulls::pull(text).is_some()),
            holds(2, |text| pulls::number(text).is_some()),
            says(-6, TRANSLATE),
        ],
        request: Some((2, MERGE)),
        step: |at| at.with_pull("github_merge_pr"),
        headline: headlines::merged_pull,
        parts: &[Part::Line("message"), Part::Link("url")],
    },
    Ability {
        tool: "send_email",
        summary: ("메일 발송 (승인 필요)", "send mails (asks for approval)"),
        cues: &[
            says(2, &["메일", "mail", "email", "e-mail"]),
            holds(2, |text| !mail::addresses(text).is_empty()),
            says(-6, TRANSLATE),
        ],
        request: Some((2, Request {
            nouns: &["발송", "전송", "전달", "작성"],
            verbs: &["보내"],
            things: &["메일"],
            english: &["send", "write", "email", "e-mail", "mail"],
        })),
        step: |at| at.send_mail(),
        headline: headlines::sent,
        parts: &[],
    },
];
