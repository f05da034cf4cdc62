use serde_json::{Value, json};

use super::commits;
use super::talk::{PlannerTurn, Talk};

fn branch_list() -> Value {
    json!({"repository": "sample", "origin": "github.com/dwp/aura", "branches": [
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
    for part in ["main → feature: 파일 2개 변경 (+41 −2)", "f2 Add search"] {
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
    assert!(said.calls.is_empty(), "{:?}", said.tools());
    let expected = "GitHub could not be read. The tool github_get_pr failed: the tool is not \
                    configured: set GITHUB_TOKEN";
    assert_eq!(said.text, expected);
}

#[tokio::test]
async fn a_new_pull_request_has_the_branches_and_the_title_that_the_repository_knows() {
    let mut talk = Talk::new("GitHub PR을 생성해주세요");
    let first = talk.turn().await;
    assert_eq!(first.tools(), [("git_branch_list", &json!({}))]);
    talk.answer(&first, &[branch_list()]);
    let second = talk.turn().await;
    let expected = json!({
        "owner": "dwp", "repo": "aura", "title": "Add search", "body": "`feature` → `main`",
        "head": "feature", "base": "main",
    });
    assert_eq!(second.tools(), [("github_create_pr", &expected)]);
    talk.answer(&second, &[json!({"dryRun": true, "wouldSend": {"title": "Add search"}})]);
    let said = talk.turn().await;
    assert!(said.text.contains("시험 실행"), "{}", said.text);
    assert!(said.text.contains("\"title\": \"Add search\""), "{}", said.text);
}

/// The talk up to where all is known that the tools can tell; what is said then.
async fn after_reading(mut talk: Talk, list: Value) -> (Talk, PlannerTurn) {
    let listed = talk.turn().await;
    assert_eq!(listed.tools(), [("git_branch_list", &json!({}))]);
    talk.answer(&listed, &[list]);
    let said = talk.turn().await;
    (talk, said)
}

#[tokio::test]
async fn a_pull_request_is_never_made_in_a_repository_that_nobody_named() {
    let no_workspace = json!({"error": "the tool is not configured: set WORKSPACE_ROOT"});
    let mut elsewhere = branch_list();
    elsewhere["origin"] = "gitlab.com/dwp/aura".into();
    let mut nowhere = branch_list();
    nowhere["origin"] = Value::Null;
    for prompt in [
        "GitHub PR을 생성해주세요",
        "create a pull request",
        "feature 브랜치로 PR 만들어줘",
        "open a PR from feature to main",
    ] {
        for list in [&no_workspace, &elsewhere, &nowhere] {
            let (_, said) = after_reading(Talk::new(prompt), list.clone()).await;
            assert!(said.calls.is_empty(), "{prompt}: {:?}", said.tools());
            let asks = said.text.contains("어느 GitHub 저장소")
                || said.text.contains("in which GitHub repository");
            assert!(asks, "{}", said.text);
            let tells =
                said.text.contains("git_branch_list") && said.text.contains("WORKSPACE_ROOT");
            assert_eq!(tells, list == &no_workspace, "what failed is told: {}", said.text);
        }
    }
}

#[tokio::test]
async fn a_dry_run_is_made_of_the_workspace_wherever_it_was_cloned_from() {
    let mut list = branch_list();
    let proposed = async |list: &Value| {
        let talk = Talk::new("GitHub PR을 생성해주세요").running_dry();
        let (_, said) = after_reading(talk, list.clone()).await;
        let (tool, arguments) = said.tools()[0];
        assert_eq!(
            (tool, &arguments["head"], &arguments["base"]),
            ("github_create_pr", &json!("feature"), &json!("main"))
        );
        format!("{}/{}", arguments["owner"].as_str().unwrap(), arguments["repo"].as_str().unwrap())
    };
    assert_eq!(proposed(&list).await, "dwp/aura");
    list["origin"] = Value::Null;
    assert_eq!(proposed(&list).await, "local/sample");

    let failed = json!({"error": "the tool is not configured: set WORKSPACE_ROOT"});
    let talk = Talk::new("GitHub PR을 생성해주세요").running_dry();
    let (_, said) = after_reading(talk, failed).await;
    assert!(said.calls.is_empty() && said.text.contains("WORKSPACE_ROOT"), "{}", said.text);
}

#[tokio::test]
async fn the_branches_of_one_repository_are_not_proposed_in_another() {
    let prompt = "acme/shop 저장소에 PR을 생성해줘";
    let (_, said) = after_reading(Talk::new(prompt), branch_list()).await;
    assert!(said.calls.is_empty() && said.text.contains("어느 브랜치로 PR"), "{}", said.text);
    let mut unknown = branch_list();
    unknown["origin"] = Value::Null;
    let (_, said) = after_reading(Talk::new(prompt), unknown).await;
    let (_, arguments) = said.tools()[0];
    assert_eq!((&arguments["repo"], &arguments["head"]), (&json!("shop"), &json!("feature")));
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
    let prompt = "dwp/aura 저장소에 topic 브랜치로 PR을 생성해줘";
    let assumed = Talk::new(prompt).offering(&["github_create_pr"]).turn().await;
    assert_eq!(assumed.tools()[0].1["base"], "main");
    let prompt = "dwp/aura 저장소에 PR을 생성해줘";
    let asked = Talk::new(prompt).offering(&["github_create_pr"]).turn().await;
    assert!(asked.text.contains("어느 브랜치로 PR"), "no branch is made up: {}", asked.text);
}

#[tokio::test]
async fn a_title_that_is_dictated_is_the_title() {
    let page = json!({"url": "https://github.com/dwp/aura"});
    for (prompt, title) in [
        ("create a pull request from topic to main titled \"Add login\"", "Add login"),
        ("topic에서 main으로 PR 제목을 \"로그인 추가\"로 생성해줘", "로그인 추가"),
        ("topic에서 main으로 \"merge x into y\" 제목으로 PR 만들어줘", "merge x into y"),
    ] {
        let said = Talk::on_page(prompt, &page).offering(&["github_create_pr"]).turn().await;
        let (_, arguments) = said.tools()[0];
        assert_eq!(arguments["title"], title, "{prompt}");
        assert_eq!((&arguments["head"], &arguments["base"]), (&json!("topic"), &json!("main")));
    }
}

#[tokio::test]
async fn of_a_repository_that_is_named_alone_its_pull_requests_are_listed() {
    let page = json!({"url": "https://github.com/dwp/aura"});
    for mut talk in
        [Talk::new("dwp/aura 저장소의 PR을 분석해주세요"), Talk::on_page("PR 분석해줘", &page)]
    {
        let first = talk.turn().await;
        let repository = json!({"owner": "dwp", "repo": "aura"});
        assert_eq!(first.tools(), [("github_list_prs", &repository)]);
        talk.answer(&first, &[json!({"pullRequests": [{"number": 3, "title": "Add search"}]})]);
        let said = talk.turn().await.text;
        assert!(said.contains("#3 Add search"), "{said}");
    }
}

#[tokio::test]
async fn what_was_not_read_on_github_is_not_called_an_analysis_of_it() {
    let mut talk = Talk::new("GitHub PR을 분석해주세요");
    let listed = talk.turn().await;
    talk.answer(&listed, &[branch_list()]);
    let read = talk.turn().await;
    let diff = json!({"from": "main", "to": "feature", "files": [{"path": "a", "added": 1, "deleted": 0}]});
    talk.answer(&read, &[diff, json!({"error": "no such branch"})]);
    let said = talk.turn().await.text;
    assert!(said.contains("GitHub는 읽지 않았습니다"), "{said}");
    assert!(said.contains("git_log 도구가 실패했습니다: no such branch"), "{said}");
    assert!(!said.contains("커밋"), "no commit was looked at: {said}");

    let mut talk = Talk::new("review dwp/aura#12").offering(&["git_branch_list"]);
    let said = talk.turn().await;
    assert!(
        said.calls.is_empty() && said.text.contains("github_get_pr, which is not"),
        "{}",
        said.text
    );

    let mut talk = Talk::new("GitHub PR을 분석해주세요");
    let listed = talk.turn().await;
    talk.answer(&listed, &[json!({"error": "set WORKSPACE_ROOT"})]);
    let said = talk.turn().await;
    assert!(
        said.calls.is_empty(),
        "what failed for all is not asked for twice: {:?}",
        said.tools()
    );
    for part in ["git_branch_list 도구가 실패했습니다: set WORKSPACE_ROOT", "어느 PR인가요?"]
    {
        assert!(said.text.contains(part), "{part}: {}", said.text);
    }
}

#[tokio::test]
async fn a_repository_with_one_branch_has_nothing_to_propose() {
    let mut talk = Talk::new("create a pull request");
    let first = talk.turn().await;
    let only = json!([{"name": "main", "current": true}]);
    talk.answer(&first, &[json!({"origin": "github.com/dwp/aura", "branches": only})]);
    let said = talk.turn().await;
    assert!(said.calls.is_empty() && said.text.contains("nothing to propose"), "{}", said.text);
}
