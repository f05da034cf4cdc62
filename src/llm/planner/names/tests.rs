use super::*;
use crate::domain::{ToolCall, ToolCallId};

#[test]
#[rustfmt::skip]
fn source_and_target_are_found_in_both_languages_and_no_other_words_taken_for_them() {
    for (source, target, prompts) in [
        ("feature", "main", &[
            "feature 브랜치를 main에 병합해주세요", "feature를 main으로 머지해줘", "feature 브랜치를 main 브랜치에 병합",
            "feature에서 main으로 PR 만들어줘", "feature 브랜치를 메인에 합쳐줘", "feature → main 병합해줘", "merge feature -> main",
            "merge feature into main", "Please merge the feature branch into main.",
        ][..]),
        ("feature/login", "main", &["main 브랜치에 feature/login 브랜치를 병합해 주세요."]),
        ("기능/로그인", "main", &["기능/로그인을 main에 병합해줘"]),
        ("기능", "main", &["`내 작업`은 말고 `기능`을 main에 병합"]),
        ("dev", "main", &["dev브랜치를 main브랜치에 합쳐줘"]),
        ("release-1.2", "master", &["merge branch release-1.2 to master, please"]),
        ("topic", "main", &["open a PR from topic to main", "can you merge topic into main?"]),
        ("--upload-pack=x", "main", &["merge --upload-pack=x into main", "--upload-pack=x를 main에 병합해줘"]),
        ("main", "topic", &["compare main and topic"]),
        ("main", "feature", &["main과 feature의 차이"]),
        ("", "main", &["main에 병합해줘", "방금 만든 브랜치를 main에 병합해줘", "merge it into main"]),
        ("login", "", &["login 병합해줘"]),
        ("feature", "", &["merge feature"]),
        ("", "", &[
            "GitHub에 PR을 생성해주세요", "create a pull request to fix the bug", "dwp/aura 저장소에 PR 생성", "README.md를 보여줘",
            "kim@dwp.com에게 메일 보내줘", "https://github.com/dwp/aura/pull/12 분석해줘", "최근 커밋 5개를 보여줘", "merge PR 12",
            "메인 화면 설명해줘", "show me the log please", "",
        ]),
    ] {
        for prompt in prompts {
            let found = route(prompt);
            let found = [found.source, found.target].map(Option::unwrap_or_default);
            assert_eq!(found, [source, target], "{prompt}");
        }
    }
}

#[test]
fn a_comparison_goes_from_the_older_side_to_the_newer() {
    for (prompt, expected) in [
        ("git diff main...feature", Some(("main", "feature"))),
        ("v1.0..v2.0을 비교해줘", Some(("v1.0", "v2.0"))),
        ("feature와 main 비교", Some(("main", "feature"))),
        ("diff between main and topic", Some(("main", "topic"))),
        ("show --x=../../etc/passwd ...", None),
        ("변경 내용 보여줘", None),
    ] {
        let found = sides(prompt);
        let found = found.as_ref().map(|(from, to)| (from.as_str(), to.as_str()));
        assert_eq!(found, expected, "{prompt}");
    }
}

#[test]
fn the_branch_that_was_named_last_is_remembered() {
    let user = |text: &str| Message::User { content: text.into() };
    let call = |arguments: &str| Message::Assistant {
        content: String::new(),
        tool_calls: vec![ToolCall::new(ToolCallId::new("call_1"), "git_log", arguments)],
    };
    let earlier = [user("feature 브랜치 로그 보여줘"), call(r#"{"ref":"main"}"#), user("고마워")];
    assert_eq!(last_named(&earlier, Some("main")), Some("feature".into()));
    let earlier = [user("feature 브랜치"), call(r#"{"ref":"topic"}"#), call("not json")];
    assert_eq!(last_named(&earlier, None), Some("topic".into()));
    assert_eq!(last_named(&earlier, Some("topic")), Some("feature".into()));
    assert_eq!(last_named(&[], None), None);
}
