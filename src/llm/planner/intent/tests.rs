use super::*;

#[track_caller]
fn all_read_as(expected: &[(&str, Intent)]) {
    let wrong: Vec<_> = expected
        .iter()
        .map(|(prompt, intent)| (*prompt, *intent, read(prompt)))
        .filter(|(_, intent, reading)| *intent != reading.intent)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn korean_requests_are_understood() {
    all_read_as(&[
        ("안녕하세요", Help),
        ("안녕! 뭘 할 수 있어?", Help),
        ("고마워요!", Thanks),
        ("감사합니다", Thanks),
        ("도와줘", Help),
        ("GitHub PR을 분석해주세요", ReadPull),
        ("PR 리뷰해줘", ReadPull),
        ("dwp/aura#12 PR 요약해줘", ReadPull),
        ("https://github.com/dwp/aura/pull/12 설명해줘", ReadPull),
        ("GitHub PR을 생성해주세요", CreatePull),
        ("feature 브랜치로 PR 만들어줘", CreatePull),
        ("풀 리퀘스트 하나 올려줘", CreatePull),
        ("PR 좀 만들어 줄래?", CreatePull),
        ("PR 생성 부탁드립니다", CreatePull),
        ("이 브랜치로 PR 하나 부탁해", CreatePull),
        ("feature 브랜치를 main으로 PR 날려줘", CreatePull),
        ("PR 좀 봐줘", ReadPull),
        ("PR 분석 부탁해요", ReadPull),
        ("PR 12번 병합 부탁해요", MergePull),
        ("main에 feature 병합 부탁", Merge),
        ("feature → main 병합해줘", Merge),
        ("저장소 어때?", Status),
        ("현재 브랜치 뭐야?", Status),
        ("변경된 파일 뭐 있어?", Status),
        ("kim@dwp.com 앞으로 이메일 발송해주세요", SendMail),
        ("열린 PR 보여줘", ListPulls),
        ("dwp/aura 저장소의 PR 목록", ListPulls),
        ("dwp/aura#12 PR을 병합해줘", MergePull),
        ("PR 12번 머지해주세요", MergePull),
        ("feature 브랜치를 main에 병합해주세요", Merge),
        ("feature를 main으로 머지해줘", Merge),
        ("그 브랜치를 main에 병합해줘", Merge),
        ("fix/mail-status 브랜치를 main에 합쳐줘", Merge),
        ("안녕, feature를 main에 병합해줄래? 도와줘", Merge),
        ("kim@dwp.com에게 회의 일정 메일 보내줘", SendMail),
        ("메일 보내줘", SendMail),
        ("이 PR을 메일로 보내줘", SendMail),
        ("kim@dwp.com에게 메일 보내줘 내용: PR 병합이 뭐야? 하지 마", SendMail),
        ("kim@dwp.com에게 \"병합이 뭐야?\" 메일 보내줘", SendMail),
        ("bob@x.com에게 회의 취소 메일 보내줘", SendMail),
        ("bob@x.com에게 신규 기능 설명 메일 보내줘", SendMail),
        ("bob@x.com에게 회의가 언제인지 묻는 메일 보내줘", SendMail),
        ("bob@x.com에게 제목은 \"회의\", 내용은 \"3시\"로 메일 보내줘", SendMail),
        ("bob@x.com에게 메일 보내줘. 제목: 회의 취소", SendMail),
        ("bob@x.com에게 감사 메일 보내줘", SendMail),
        ("메일 주소 bob@x.com으로 메일 보내줘", SendMail),
        ("feature 브랜치를 메인에 합쳐줘", Merge),
        ("병합하지 마세요. 상태만 알려주세요", Status),
        ("병합 말고 저장소 상태만 보여줘", Status),
        ("main 브랜치 로그 10개", Log),
        ("저장소 상태 알려줘", Status),
        ("안녕, 저장소 상태가 어떻게 돼?", Status),
        ("변경사항 있어?", Status),
        ("커밋되지 않은 파일 보여줘", Status),
        ("최근 커밋 5개 보여줘", Log),
        ("커밋 히스토리", Log),
        ("feature 브랜치 로그 보여줘", Log),
        ("병합 커밋 로그 보여줘", Log),
        ("브랜치 목록 보여줘", Branches),
        ("병합된 브랜치 목록", Branches),
        ("어떤 브랜치가 있어?", Branches),
        ("main과 feature의 차이를 보여줘", Diff),
        ("main과 feature 비교해줘", Diff),
        ("README.md 보여줘", ShowFile),
        ("src/main.rs 파일 내용", ShowFile),
        ("메일 화면 설명해줘", Screen),
        ("이 화면이 뭐야?", Screen),
        ("선택된 항목이 뭐야?", Screen),
    ]);
}

#[test]
fn english_requests_are_understood() {
    all_read_as(&[
        ("hi", Help),
        ("Hello there!", Help),
        ("What can you do?", Help),
        ("Analyze this pull request", ReadPull),
        ("review PR #3 in the repo dwp/aura", ReadPull),
        ("https://github.com/dwp/aura/pull/12", ReadPull),
        ("create a pull request from feature to main", CreatePull),
        ("Please open a PR", CreatePull),
        ("can you create a PR for the feature branch?", CreatePull),
        ("look at the pull request", ReadPull),
        ("what is the current branch?", Status),
        ("is the working tree clean?", Status),
        ("good evening", Help),
        ("list open PRs", ListPulls),
        ("show open pull requests of the repo dwp/aura", ListPulls),
        ("merge PR 12", MergePull),
        ("Merge dwp/aura#12 please", MergePull),
        ("merge feature into main", Merge),
        ("Can you merge the feature branch into main?", Merge),
        ("hi, can you help me merge feature into main", Merge),
        ("Send an email to kim@dwp.com about the meeting", SendMail),
        ("email kim@dwp.com", SendMail),
        ("send it to the email address kim@dwp.com", SendMail),
        ("send an email to bob@x.com about why the build failed", SendMail),
        ("send a mail to bob@x.com when you can", SendMail),
        ("merge feature into main without squashing", Merge),
        ("Please merge feature into main, but do not delete the branch", Merge),
        ("thanks!", Thanks),
        ("show the README", ShowFile),
        ("git status", Status),
        ("What is the status of the repository?", Status),
        ("what changed?", Status),
        ("git log", Log),
        ("show me the last 5 commits", Log),
        ("git diff main...feature", Diff),
        ("compare main and feature", Diff),
        ("list branches", Branches),
        ("which branches are there?", Branches),
        ("show src/main.rs", ShowFile),
        ("cat README.md", ShowFile),
        ("what page am I looking at?", Screen),
    ]);
}

#[test]
fn questions_and_refusals_change_nothing() {
    all_read_as(&[
        ("병합이 뭐야?", Unknown),
        ("브랜치가 뭐야?", Unknown),
        ("feature 브랜치를 메인에 머지해도 될까요?", Unknown),
        ("이 코드에서 merge sort 구현해줘", Unknown),
        ("bob@x.com에게 받은 메일 찾아줘", Unknown),
        ("bob@x.com에게 메일을 보냈는지 확인해줘", Unknown),
        ("feature 브랜치를 main에 병합해도 되나요?", Unknown),
        ("feature 병합 취소", Unknown),
        ("다음을 번역해줘: feature를 main에 병합해줘", Unknown),
        ("bob@x.com에게 메일 보내지는 마세요", Unknown),
        ("브랜치를 병합하려면 어떻게 해?", Unknown),
        ("feature를 main에 병합하지 마", Unknown),
        ("feature 브랜치 병합됐어?", Unknown),
        ("PR이 뭐야", Unknown),
        ("PR 생성 방법 알려줘", Unknown),
        ("메일 보내는 방법 알려줘", Unknown),
        ("메일 보내지 말아줘", Unknown),
        ("보내온 메일 정리", Unknown),
        ("내 이메일은 bob@x.com 야", Unknown),
        ("이메일 주소 bob@x.com을 기억해줘", Unknown),
        ("메일함 열어줘", Unknown),
        ("커밋해줘", Unknown),
        ("feature 브랜치 만들어줘", Unknown),
        ("로그인 화면 만들어줘", Unknown),
        ("오늘 날씨 어때?", Unknown),
        ("How do I merge branches?", Unknown),
        ("was feature merged into main?", Unknown),
        ("don't merge feature into main", Unknown),
        ("please never just merge feature into main", Unknown),
        ("implement merge sort in python", Unknown),
        ("Translate to Korean: please merge feature into main", Unknown),
        ("tell me how to merge feature into main", Unknown),
        ("find the mail from bob@x.com", Unknown),
        ("what is a branch?", Unknown),
        ("what is my email address?", Unknown),
        ("My email is bob@x.com", Unknown),
        ("remember the email address bob@x.com", Unknown),
        ("How to create a PR?", Unknown),
        ("delete the feature branch", Unknown),
        ("words=100", Unknown),
        ("", Unknown),
    ]);
}

#[test]
fn a_clear_request_is_more_certain_than_a_vague_one() {
    let certainty = |prompt| read(prompt).certainty();
    let clear = certainty("kim@dwp.com에게 회의 일정 메일 보내줘");
    let vague = certainty("메일 보내줘");
    assert!(clear > vague, "{clear} {vague}");
    let alone = certainty("feature를 main에 병합해줘");
    let mixed = certainty("feature 브랜치 로그를 보여주고 main에 병합해줘");
    assert!(alone > mixed, "{alone} {mixed}");
    assert!(certainty("오늘 날씨 어때?") > certainty("메일"), "nothing came close to the first");
    for prompt in ["", "메일", "병합", "git", "feature를 main에 병합해줘"] {
        assert!((0.0..=1.0).contains(&certainty(prompt)), "{prompt}");
    }
}

#[test]
fn a_very_long_prompt_is_judged_by_its_beginning() {
    let prompt = format!("git status {} kim@dwp.com에게 메일 보내줘", "가 ".repeat(JUDGED_MAX));
    assert_eq!(read(&prompt).intent, Status);
}
