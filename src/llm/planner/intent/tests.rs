use super::*;

fn name(intent: Intent) -> &'static str {
    match intent {
        Intent::Use(ability) => ability.tool,
        Intent::Screen => "screen",
        Intent::Help => "help",
        Intent::Thanks => "thanks",
        Intent::Unknown => "unknown",
    }
}

#[track_caller]
fn all_read_as(expected: &[(&str, &[&str])]) {
    let all = expected.iter().flat_map(|(name, prompts)| prompts.iter().map(move |p| (*name, *p)));
    let read = all.map(|(expected, prompt)| (prompt, expected, name(read(prompt).intent)));
    let wrong: Vec<_> = read.filter(|(_, expected, read)| expected != read).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
#[rustfmt::skip]
fn what_only_reads_is_understood_in_both_languages() {
    all_read_as(&[
        ("git_status", &[
            "저장소 어때?", "현재 브랜치 뭐야?", "변경된 파일 뭐 있어?", "저장소 상태 알려줘", "안녕, 저장소 상태가 어떻게 돼?",
            "변경사항 있어?", "커밋되지 않은 파일 보여줘", "what is the current branch?", "is the working tree clean?",
            "git status", "status", "What is the status of the repository?", "what changed?",
        ]),
        ("git_log", &[
            "main 브랜치 로그 10개", "최근 커밋 5개 보여줘", "커밋 히스토리", "feature 브랜치 로그 보여줘", "병합 커밋 로그 보여줘",
            "git log", "show me the last 5 commits",
        ]),
        ("git_branch_list", &[
            "브랜치 목록 보여줘", "병합된 브랜치 목록", "어떤 브랜치가 있어?", "list branches", "which branches are there?",
        ]),
        ("git_diff", &[
            "main과 feature의 차이를 보여줘", "main과 feature 비교해줘", "git diff main...feature", "compare main and feature",
        ]),
        ("git_show_file", &["README.md 보여줘", "src/main.rs 파일 내용", "show the README", "show src/main.rs", "cat README.md"]),
        ("github_get_file", &["dwp/aura 저장소의 README.md 보여줘", "show src/a.rs of the repo dwp/aura"]),
        ("github_get_pr", &[
            "GitHub PR을 분석해주세요", "PR 리뷰해줘", "dwp/aura#12 PR 요약해줘", "https://github.com/dwp/aura/pull/12 설명해줘",
            "PR 좀 봐줘", "PR 분석 부탁해요", "PR 12번 머지됐어?", "Analyze this pull request", "look at the pull request",
            "review PR #3 in the repo dwp/aura", "https://github.com/dwp/aura/pull/12",
        ]),
        ("github_get_pr_diff", &["dwp/aura#12 diff 보여줘", "show the changes of PR 12"]),
        ("github_list_prs", &[
            "열린 PR 보여줘", "dwp/aura 저장소의 PR 목록", "list open PRs", "open PRs", "show open pull requests of the repo dwp/aura",
        ]),
        ("screen", &["메일 화면 설명해줘", "이 화면이 뭐야?", "선택된 항목이 뭐야?", "what page am I looking at?", "summarize this page"]),
        ("help", &["안녕하세요", "안녕! 뭘 할 수 있어?", "도와줘", "hi", "Hello there!", "What can you do?", "good evening"]),
        ("thanks", &["고마워요!", "감사합니다", "thanks!"]),
    ]);
}

#[test]
#[rustfmt::skip]
fn what_changes_something_is_understood_where_it_is_asked_for() {
    all_read_as(&[
        ("github_create_pr", &[
            "GitHub PR을 생성해주세요", "feature 브랜치로 PR 만들어줘", "풀 리퀘스트 하나 올려줘", "PR 좀 만들어 줄래?",
            "PR 생성 부탁드립니다", "이 브랜치로 PR 하나 부탁해", "feature 브랜치를 main으로 PR 날려줘",
            "create a pull request from feature to main", "Please open a PR", "can you create a PR for the feature branch?",
        ]),
        ("github_merge_pr", &[
            "PR 12번 병합 부탁해요", "dwp/aura#12 PR을 병합해줘", "PR 12번 머지해주세요", "merge PR 12", "Merge dwp/aura#12 please",
        ]),
        ("git_merge", &[
            "main에 feature 병합 부탁", "feature → main 병합해줘", "feature 브랜치를 main에 병합해주세요", "feature를 main으로 머지해줘",
            "그 브랜치를 main에 병합해줘", "fix/mail-status 브랜치를 main에 합쳐줘", "안녕, feature를 main에 병합해줄래? 도와줘",
            "feature 브랜치를 메인에 합쳐줘", "main 브랜치에 feature를 합쳐 주실 수 있나요?", "feature branch를 main에 merge 해줘",
            "merge feature into main", "Can you merge the feature branch into main?", "hi, can you help me merge feature into main",
            "merge feature into main without squashing", "Please merge feature into main, but do not delete the branch",
            "병합해줘", "feature를 main에 병합", "feature 브랜치 로그를 보고 main에 병합해줘",
        ]),
        ("send_email", &[
            "kim@dwp.com 앞으로 이메일 발송해주세요", "kim@dwp.com에게 회의 일정 메일 보내줘", "메일 보내줘", "이 PR을 메일로 보내줘",
            "kim@dwp.com에게 메일 보내줘 내용: PR 병합이 뭐야? 하지 마", "kim@dwp.com에게 \"병합이 뭐야?\" 메일 보내줘",
            "bob@x.com에게 회의 취소 메일 보내줘", "bob@x.com에게 회의가 언제인지 묻는 메일 보내줘", "bob@x.com에게 점심 메일 부탁해",
            "bob@x.com에게 메일 보내줘. 제목: 회의 취소", "메일 주소 bob@x.com으로 메일 보내줘", "bob@x.com에게 번역 감사 메일 보내줘",
            "Send an email to kim@dwp.com about the meeting", "email kim@dwp.com", "send it to the email address kim@dwp.com",
            "send an email to bob@x.com about why the build failed", "send a mail to bob@x.com when you can",
        ]),
        // The rest of the sentence is a question, or forbids it: what else it asks for is read.
        ("git_status", &["병합하지 마세요. 상태만 알려주세요", "병합 말고 저장소 상태만 보여줘"]),
    ]);
}

#[test]
#[rustfmt::skip]
fn questions_refusals_and_other_tasks_change_nothing() {
    all_read_as(&[("unknown", &[
        "병합이 뭐야?", "브랜치가 뭐야?", "feature 브랜치를 메인에 머지해도 될까요?", "이 코드에서 merge sort 구현해줘",
        "bob@x.com에게 받은 메일 찾아줘", "bob@x.com에게 메일을 보냈는지 확인해줘", "feature 브랜치를 main에 병합해도 되나요?",
        "feature 병합 취소", "다음을 번역해줘: feature를 main에 병합해줘", "bob@x.com에게 메일 보내지는 마세요",
        "브랜치를 병합하려면 어떻게 해?", "feature를 main에 병합하지 마", "feature를 main에 병합해 주지 마", "feature 브랜치 병합됐어?",
        "PR이 뭐야", "PR 생성 방법 알려줘", "메일 보내는 방법 알려줘", "메일 보내지 말아줘", "보내온 메일 정리", "병합해줘야 하나?", "메일 부탁하지 마",
        "내 이메일은 bob@x.com 야", "이메일 주소 bob@x.com을 기억해줘", "메일함 열어줘", "커밋해줘", "feature 브랜치 만들어줘",
        "로그인 화면 만들어줘", "오늘 날씨 어때?", "How do I merge branches?", "was feature merged into main?", "what is a merge?",
        "don't merge feature into main", "please never just merge feature into main", "implement merge sort in python",
        "Translate to Korean: please merge feature into main", "tell me how to merge feature into main",
        "find the mail from bob@x.com", "what is a branch?", "what is my email address?", "My email is bob@x.com",
        "Merge is blocked, why?", "merge conflicts in main?", "create PR? how", "email kim@dwp.com tomorrow? no, do not send",
        "How to create a PR?", "delete the feature branch", "words=100", "PR", "메일", "",
    ])]);
}

#[test]
fn a_clear_request_is_more_certain_than_a_vague_one() {
    let certainty = |prompt| read(prompt).certainty();
    assert!(certainty("kim@dwp.com에게 회의 일정 메일 보내줘") > certainty("메일 보내줘"));
    assert!(
        certainty("feature를 main에 병합해줘")
            > certainty("feature 브랜치 로그를 보여주고 병합해줘")
    );
    assert!(certainty("오늘 날씨 어때?") > certainty("상태"), "nothing came close to the first");
    for prompt in ["", "메일", "병합", "git", "feature를 main에 병합해줘"] {
        assert!((0.0..=1.0).contains(&certainty(prompt)), "{prompt}");
    }
}

#[test]
fn a_very_long_prompt_is_judged_by_its_beginning() {
    let prompt = format!("git status {} kim@dwp.com에게 메일 보내줘", "가 ".repeat(2000));
    assert_eq!(name(read(&prompt).intent), "git_status");
}
