use serde_json::{Value, json};

use super::commits;
use super::talk::Talk;

fn branch_list() -> Value {
    json!({"branches": [
        {"name": "feature", "current": false, "hash": "f2", "subject": "Add search"},
        {"name": "main", "current": true, "hash": "m1", "subject": "Start"},
    ]})
}

#[tokio::test]
async fn a_pull_request_without_a_number_is_read_from_the_branches_in_two_rounds() {
    let mut talk = Talk::new("GitHub PR을 분석해주세요");
    let first = talk.turn().await;
    assert_eq!(first.tools(), [("git_branch_list", &json!({}))]);
    talk.answer(&first, &[branch_list()]);
    let second = talk.turn().await;
    assert_eq!(
        second.tools(),
        [
            ("git_diff", &json!({"from": "main", "to": "feature"})),
            ("git_log", &json!({"limit": 20, "ref": "feature"})),
        ]
    );
    assert_eq!([&*second.calls[0].0, &*second.calls[1].0], ["call_2", "call_3"]);
    let diff = json!({"from": "main", "to": "feature", "patch": "…", "truncated": false, "files": [
        {"path": "src/search.rs", "added": 40, "deleted": 2},
        {"path": "README.md", "added": 1, "deleted": 0},
    ]});
    talk.answer(&second, &[diff, commits(&[("f2", "Add search"), ("m1", "Start")])]);
    let said = talk.turn().await;
    assert!(said.calls.is_empty());
    for part in ["main → feature: 파일 2개 변경 (+41 −2)", "src/search.rs(42줄)", "f2 Add search"]
    {
        assert!(said.text.contains(part), "{part}: {}", said.text);
    }
}

#[tokio::test]
async fn a_named_pull_request_is_read_on_github() {
    let arguments = json!({"owner": "dwp", "repo": "aura", "number": 12});
    let page = json!({"url": "https://github.com/dwp/aura/pull/12"});
    for mut talk in [
        Talk::new("dwp/aura#12 PR을 분석해주세요"),
        Talk::new("https://github.com/dwp/aura/pull/12 분석해줘"),
        Talk::on_page("이 PR을 분석해주세요", &page),
        Talk::on_page("PR 12번 리뷰해줘", &json!({"url": "https://github.com/dwp/aura"})),
    ] {
        let first = talk.turn().await;
        assert_eq!(first.tools(), [("github_get_pr", &arguments)]);
        talk.answer(&first, &[json!({"number": 12, "title": "Add search", "state": "open"})]);
        let second = talk.turn().await;
        assert_eq!(second.tools(), [("github_get_pr_diff", &arguments)]);
        talk.answer(&second, &[json!({"diff": "+++ b/a.rs\n+one\n-two\n"})]);
        let said = talk.turn().await;
        assert!(said.text.contains("#12 Add search (open)"), "{}", said.text);
        assert!(said.text.contains("파일 1개 변경 (+1 −1)\n- a.rs"), "{}", said.text);
    }
}

#[tokio::test]
async fn a_pull_request_that_cannot_be_read_is_reported_without_its_diff() {
    let mut talk = Talk::new("review dwp/aura#12");
    let first = talk.turn().await;
    talk.answer(&first, &[json!({"error": "the tool is not configured: set GITHUB_TOKEN"})]);
    let said = talk.turn().await;
    assert!(said.calls.is_empty() && said.text.contains("set GITHUB_TOKEN"), "{}", said.text);
}

#[tokio::test]
async fn a_new_pull_request_is_made_of_the_commits_that_only_its_head_has() {
    let mut talk = Talk::new("GitHub PR을 생성해주세요");
    let first = talk.turn().await;
    assert_eq!(first.tools(), [("git_branch_list", &json!({}))]);
    talk.answer(&first, &[branch_list()]);
    let second = talk.turn().await;
    assert_eq!(
        second.tools(),
        [
            ("git_log", &json!({"limit": 20, "ref": "feature"})),
            ("git_log", &json!({"limit": 20, "ref": "main"})),
        ]
    );
    let head = commits(&[("f2", "Add search"), ("f1", "Add index"), ("m1", "Start")]);
    talk.answer(&second, &[head, commits(&[("m1", "Start")])]);
    let third = talk.turn().await;
    let expected = json!({
        "owner": "dwp", "repo": "workspace", "title": "Add search (+1)",
        "body": "`feature` → `main`\n\n## 변경 사항\n\n- Add search\n- Add index",
        "head": "feature", "base": "main",
    });
    assert_eq!(third.tools(), [("github_create_pr", &expected)]);
    talk.answer(&third, &[json!({"dryRun": true, "wouldSend": {"title": "Add search (+1)"}})]);
    let said = talk.turn().await;
    assert!(said.text.contains("시험 실행"), "{}", said.text);
    assert!(said.text.contains("\"title\": \"Add search (+1)\""), "{}", said.text);
}

#[tokio::test]
async fn a_new_pull_request_needs_no_other_tool() {
    let mut talk = Talk::new("dwp/aura 저장소에 topic 브랜치에서 develop으로 PR을 생성해줘")
        .offering(&["github_create_pr"]);
    let said = talk.turn().await;
    let expected = json!({
        "owner": "dwp", "repo": "aura", "title": "topic → develop",
        "body": "`topic` → `develop`", "head": "topic", "base": "develop",
    });
    assert_eq!(said.tools(), [("github_create_pr", &expected)]);
    let assumed = Talk::new("PR을 생성해줘").offering(&["github_create_pr"]).turn().await;
    assert_eq!(assumed.tools()[0].1["head"], "feature");
    assert!(assumed.end.confidence < said.end.confidence, "three arguments were assumed");
}

#[tokio::test]
async fn a_title_that_is_dictated_is_the_title() {
    for (prompt, title) in [
        ("create a pull request from topic to main titled \"Add login\"", "Add login"),
        ("topic에서 main으로 PR 제목을 \"로그인 추가\"로 생성해줘", "로그인 추가"),
        ("topic에서 main으로 \"merge x into y\" 제목으로 PR 만들어줘", "merge x into y"),
    ] {
        let said = Talk::new(prompt).offering(&["github_create_pr"]).turn().await;
        let (_, arguments) = said.tools()[0];
        assert_eq!(arguments["title"], title, "{prompt}");
        assert_eq!((&arguments["head"], &arguments["base"]), (&json!("topic"), &json!("main")));
    }
}

#[tokio::test]
async fn a_repository_with_one_branch_has_nothing_to_propose() {
    let mut talk = Talk::new("create a pull request");
    let first = talk.turn().await;
    talk.answer(&first, &[json!({"branches": [{"name": "main", "current": true}]})]);
    let said = talk.turn().await;
    assert!(said.calls.is_empty() && said.text.contains("nothing to propose"), "{}", said.text);
}
