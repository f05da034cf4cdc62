//! The table. A new way to ask for something is a new phrase here and a prompt in the tests.

use super::Intent::{
    Branches, CreatePull, Diff, Help, ListPulls, Log, Merge, MergePull, ReadPull, Screen, SendMail,
    ShowFile, Status, Thanks,
};
use super::Sign::{
    Address, Asks, Begins, Branch, Count, Ends, File, Forbids, Pull, PullNumber, Says, Starts,
};
use super::{Cue, Intent, Sign};

/// Whatever changes something.
const WRITES: &[Intent] = &[CreatePull, MergePull, Merge, SendMail];
/// Whatever is about pull requests.
const PULLS: &[Intent] = &[ReadPull, ListPulls, CreatePull, MergePull];
/// Whatever reads the repository.
const REPOSITORY: &[Intent] = &[Status, Log, Diff, ShowFile, Branches];

const fn cue(weight: i32, intents: &'static [Intent], sign: Sign) -> Cue {
    Cue { weight, intents, sign }
}

#[rustfmt::skip]
pub(super) const CUES: &[Cue] = &[
    // Questions and refusals: nobody asks for a change with them.
    cue(-6, WRITES, Asks),
    cue(-6, WRITES, Says(&[
        "병합하려면", "머지하려면", "합치려면", "보내려면", "만들려면", "생성하려면", "올리려면", "know how", "wonder how",
    ])),
    cue(-6, WRITES, Forbids),
    cue(-1, WRITES, Says(&["알려", "tell me"])),
    cue(-3, REPOSITORY, Says(&["방법", "하려면", "how do", "how to", "how can", "what is a", "why"])),

    // The repository.
    cue(2, &[Status], Says(&["상태", "status", "state"])),
    cue(3, &[Status], Says(&[
        "변경사항", "변경 사항", "변경된", "바뀐", "바뀌", "수정된", "커밋되지 않은", "커밋 안", "작업 트리",
        "changes", "changed", "uncommitted", "working tree", "work tree",
    ])),
    cue(1, &[Status], Says(&["저장소", "레포", "리포", "작업", "현재", "repository", "repo", "current"])),
    cue(2, &[Status], Says(&["현재 브랜치", "current branch"])),
    cue(1, &[Status], Says(&["저장소 어때", "레포 어때", "리포 어때"])),
    cue(1, REPOSITORY, Says(&["git", "깃"])),
    cue(1, &[Status], Begins(&["status"])),
    cue(1, &[Status], Says(&["알려", "보여", "확인", "어때", "tell", "show", "check"])),

    cue(2, &[Log], Says(&["로그", "히스토리", "이력", "log", "history"])),
    cue(2, &[Log], Says(&["커밋", "commit", "commits"])),
    cue(1, &[Log], Says(&["최근", "마지막", "기록", "recent", "latest", "last"])),
    cue(1, &[Log], Count),
    cue(-2, &[Log], Says(&["로그인", "블로그", "커밋해", "커밋하", "변경", "커밋되지", "커밋 안"])),

    cue(3, &[Diff], Says(&["비교", "diff", "compare", "difference", "differences", "변경 내용", "변경내용"])),
    cue(2, &[Diff], Says(&["차이", "달라", "다른 점"])),
    cue(1, &[Diff], Says(&["between"])),
    cue(1, &[Diff], Branch),

    cue(3, &[ShowFile], File),
    cue(1, &[ShowFile], Says(&["파일", "내용", "읽어", "열어", "file", "content", "contents", "read", "cat", "open"])),

    cue(2, &[Branches], Says(&["브랜치", "branch"])),
    cue(3, &[Branches], Says(&["branches"])),

    cue(1, &[Log, Diff, ShowFile, Branches, ReadPull, ListPulls], Says(&[
        "보여", "알려", "확인", "show", "tell", "check", "what", "which",
    ])),
    cue(1, &[Branches, ListPulls], Says(&["있어", "있나", "어떤", "몇"])),
    cue(1, &[Log, Branches], Says(&["목록", "리스트", "list"])),

    // Pull requests.
    cue(2, PULLS, Says(&["pr", "pull request", "풀 리퀘스트", "풀리퀘스트", "풀 리퀘", "풀리퀘"])),
    cue(2, &[ReadPull, ListPulls], Says(&["prs", "pull requests"])),
    cue(3, &[ReadPull, MergePull], Pull),
    cue(2, &[ReadPull, MergePull], PullNumber),
    cue(2, &[ReadPull], Says(&[
        "분석", "리뷰", "검토", "요약", "설명", "살펴", "정리", "봐줘", "봐 줘", "봐주", "look at",
        "analyze", "analyse", "analysis", "review", "summarize", "summarise", "summary", "explain", "describe",
    ])),
    cue(-4, &[ReadPull, ListPulls], Says(&[
        "방법", "뭐야", "뭔가요", "이란", "how do", "how to", "what is a", "what's a", "what are",
    ])),
    cue(2, &[ListPulls], Says(&["목록", "리스트", "열린", "list"])),
    cue(1, &[ListPulls], Says(&["open"])),
    cue(2, &[CreatePull], Says(&[
        "생성", "만들", "올려", "열어", "작성", "요청해", "날려", "create", "open", "make", "raise", "submit",
    ])),
    cue(-3, &[CreatePull, MergePull], Says(&["목록", "리스트", "열린", "list", "prs", "pull requests"])),
    cue(1, &[CreatePull], Says(&["부탁"])),
    cue(2, &[MergePull], Says(&["병합", "머지", "merge"])),

    // Branches merged.
    cue(2, &[Merge], Says(&["병합", "머지", "합쳐", "합치", "merge"])),
    cue(1, &[Merge], Begins(&["merge", "please merge", "git merge"])),
    cue(1, &[Merge], Says(&[
        "해줘", "해 줘", "해주", "해 주", "해라", "하자", "해봐", "부탁", "합쳐줘", "합쳐 줘", "합쳐주",
        "please", "can you", "could you", "into",
    ])),
    cue(1, &[Merge], Branch),
    cue(-6, &[Merge], Says(&["merge sort", "mergesort", "병합 정렬", "병합정렬", "합병 정렬", "합병정렬"])),
    cue(-4, &[Merge, MergePull], Starts(&[
        "implement", "code", "write", "describe", "show", "list", "find", "check", "review", "debug", "refactor",
    ])),
    cue(-4, &[Merge, MergePull], Ends(&["구현", "코딩", "작성", "짜줘", "짜 줘", "찾아", "확인해", "요약해", "보여", "고쳐"])),
    cue(-4, &[Merge, MergePull], Says(&["병합된", "병합할", "병합하는", "머지된", "머지할", "머지하는", "병합 커밋", "merge commit"])),

    // Mails.
    cue(2, &[SendMail], Says(&["메일", "mail", "email", "e-mail"])),
    cue(2, &[SendMail], Says(&["보내", "발송", "전송", "전달해", "send", "write", "작성"])),
    cue(2, &[SendMail], Address),
    cue(1, &[SendMail], Begins(&["mail", "email", "e-mail"])),
    cue(-5, &[SendMail], Says(&["보내온", "보내준", "보냈", "보낸 메일", "받은 메일", "온 메일", "received"])),
    // Who tells an address asks for nothing.
    cue(-3, &[SendMail], Says(&[
        "메일은", "메일 주소", "메일주소", "기억해", "email is", "mail is", "e-mail is", "email address", "mail address",
    ])),
    cue(-3, &[SendMail], Starts(&["find", "search", "show", "check", "list", "read", "look for"])),
    cue(-3, &[SendMail], Ends(&["찾아", "검색", "확인해", "보여", "읽어", "정리해", "요약해"])),

    // The screen.
    cue(2, &[Screen], Says(&["화면", "페이지", "screen", "page"])),
    cue(2, &[Screen], Says(&["보고 있", "선택한", "선택된", "looking at", "selected"])),
    cue(1, &[Screen], Says(&[
        "설명", "요약", "뭐", "뭘", "무엇", "무슨", "알려", "어디", "어떤",
        "what", "which", "where", "describe", "explain", "summarize", "summarise",
    ])),
    cue(3, &[Screen], Says(&["where am i"])),

    // Greetings, and what the planner can do.
    cue(3, &[Help], Says(&[
        "안녕", "반가", "반갑", "hello", "hi", "hey", "good morning", "good afternoon", "good evening",
    ])),
    cue(3, &[Thanks], Says(&["고마", "고맙", "감사", "thanks", "thank you"])),
    cue(3, &[Help], Says(&[
        "도와", "도움", "할 수 있", "할수있", "할 수있", "뭘 할", "사용법", "누구",
        "help", "what can you", "who are you",
    ])),
];
