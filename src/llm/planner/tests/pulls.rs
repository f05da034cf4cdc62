use serde_json::{Value, json};

use super::commits;
use super::talk::Talk;

const ANALYZE: &str = "GitHub PR을 분석해주세요";
const CREATE: &str = "GitHub PR을 생성해주세요";

fn no_workspace() -> Value {
    json!({"error": "the tool is not configured: set WORKSPACE_ROOT"})
}

fn branch_list() -> Value {
    cloned_from(&json!("github.com/dwp/aura"))
}

fn cloned_from(origin: &Value) -> Value {
    json!({"repository": "sample", "origin": origin, "branches": [
        {"name": "feature", "current": false, "hash": "f2", "subject": "Add search"},
        {"name": "main", "current": true, "hash": "m1", "subject": "Start"},
    ]})
}

/// The conversation when it is known which branches there are.
async fn after_listing(mut talk: Talk, list: Value) -> Talk {
    talk.step(&[("git_branch_list", json!({}))], &[list]).await;
    talk
}

#[tokio::test]
async fn a_pull_request_without_a_number_is_read_from_the_branches_in_two_rounds() {
    let diff = json!({"from": "main", "to": "feature", "patch": "…", "truncated": false, "files": [
        {"path": "src/search.rs", "added": 40, "deleted": 2},
        {"path": "README.md", "added": 1, "deleted": 0},
    ]});
    let log = commits(&[("f2", "Add search"), ("m1", "Start")]);
    let mut talk = after_listing(Talk::new(ANALYZE), branch_list()).await;
    let calls = [
        ("git_diff", json!({"from": "main", "to": "feature"})),
        ("git_log", json!({"limit": 20, "ref": "feature"})),
    ];
    let ids = talk.step(&calls, &[diff.clone(), log]).await;
    assert_eq!(ids, ["call_2", "call_3"]);
    let said = talk.words().await;
    for part in ["main → feature: 파일 2개 변경 (+41 −2)", "f2 Add search"] {
        assert!(said.contains(part), "{part}: {said}");
    }

    let mut talk = after_listing(Talk::new(ANALYZE), branch_list()).await;
    talk.step(&calls, &[diff, json!({"error": "no such branch"})]).await;
    let said = talk.words().await;
    for part in ["GitHub는 읽지 않았습니다", "git_log 도구가 실패했습니다: no such branch"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("커밋"), "no commit was looked at: {said}");
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
        let pull = json!({"number": 12, "title": "Add search", "state": "open"});
        talk.step(&[("github_get_pr", arguments.clone())], &[pull]).await;
        let diff = json!({"diff": "+++ b/a.rs\n+one\n-two\n"});
        talk.step(&[("github_get_pr_diff", arguments.clone())], &[diff]).await;
        let said = talk.words().await;
        for part in ["#12 Add search (open)", "파일 1개 변경 (+1 −1)\n- a.rs"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}

#[tokio::test]
async fn a_pull_request_that_cannot_be_read_is_said_to_be_unread() {
    let mut talk = Talk::new("review dwp/aura#12");
    let arguments = json!({"owner": "dwp", "repo": "aura", "number": 12});
    let failed = json!({"error": "the tool is not configured: set GITHUB_TOKEN"});
    talk.step(&[("github_get_pr", arguments)], &[failed]).await;
    let expected = "GitHub could not be read. The tool github_get_pr failed: the tool is not \
                    configured: set GITHUB_TOKEN";
    assert_eq!(talk.words().await, expected);

    let said = Talk::new("review dwp/aura#12").offering(&["git_branch_list"]).words().await;
    assert!(said.contains("github_get_pr, which is not"), "{said}");

    let said = after_listing(Talk::new(ANALYZE), no_workspace()).await.words().await;
    for part in ["git_branch_list 도구가 실패했습니다: the tool", "어느 PR인가요?"] {
        assert!(said.contains(part), "what failed for all is not asked for twice: {said}");
    }
}

#[tokio::test]
async fn a_new_pull_request_has_the_branches_and_the_title_that_the_repository_knows() {
    let expected = json!({
        "owner": "dwp", "repo": "aura", "title": "Add search", "body": "`feature` → `main`",
        "head": "feature", "base": "main",
    });
    let mut talk = after_listing(Talk::new(CREATE), branch_list()).await;
    let shown = json!({"dryRun": true, "wouldSend": {"title": "Add search"}});
    talk.step(&[("github_create_pr", expected)], &[shown]).await;
    let said = talk.words().await;
    assert!(said.contains("시험 실행") && said.contains("\"title\": \"Add search\""), "{said}");
}

#[tokio::test]
async fn a_pull_request_is_never_made_in_a_repository_that_nobody_named() {
    let (elsewhere, nowhere) =
        (cloned_from(&json!("gitlab.com/dwp/aura")), cloned_from(&Value::Null));
    for (prompt, asks) in [
        (CREATE, "어느 GitHub 저장소"),
        ("feature 브랜치로 PR 만들어줘", "어느 GitHub 저장소"),
        ("create a pull request", "in which GitHub repository"),
        ("open a PR from feature to main", "in which GitHub repository"),
    ] {
        for (list, fails) in
            [(no_workspace(), true), (elsewhere.clone(), false), (nowhere.clone(), false)]
        {
            let said = after_listing(Talk::new(prompt), list).await.words().await;
            assert!(said.contains(asks), "{said}");
            let tells = said.contains("git_branch_list") && said.contains("WORKSPACE_ROOT");
            assert_eq!(tells, fails, "what failed is told: {said}");
        }
    }
}

#[tokio::test]
async fn a_dry_run_is_made_of_the_workspace_wherever_it_was_cloned_from() {
    for (origin, owner, name) in
        [(json!("github.com/dwp/aura"), "dwp", "aura"), (Value::Null, "local", "sample")]
    {
        let talk = Talk::new(CREATE).running_dry();
        let said = after_listing(talk, cloned_from(&origin)).await.turn().await;
        let (tool, arguments) = said.tools()[0];
        assert_eq!(tool, "github_create_pr");
        let told = ["owner", "repo", "head", "base"].map(|field| &arguments[field]);
        assert_eq!(told, [owner, name, "feature", "main"]);
    }
    let said = after_listing(Talk::new(CREATE).running_dry(), no_workspace()).await.words().await;
    assert!(said.contains("WORKSPACE_ROOT"), "{said}");
}

#[tokio::test]
async fn what_can_be_proposed_depends_on_what_is_known_of_the_repository() {
    let elsewhere = || Talk::new("acme/shop 저장소에 PR을 생성해줘");
    let said = after_listing(elsewhere(), branch_list()).await.words().await;
    assert!(said.contains("어느 브랜치로 PR"), "its branches are those of another: {said}");
    let said = after_listing(elsewhere(), cloned_from(&Value::Null)).await.turn().await;
    let (_, arguments) = said.tools()[0];
    assert_eq!((&arguments["repo"], &arguments["head"]), (&json!("shop"), &json!("feature")));

    let only = json!([{"name": "main", "current": true}]);
    let only = json!({"origin": "github.com/dwp/aura", "branches": only});
    let said = after_listing(Talk::new("create a pull request"), only).await.words().await;
    assert!(said.contains("nothing to propose"), "{said}");
}

#[tokio::test]
async fn a_new_pull_request_needs_no_other_tool() {
    let asked = |prompt: &str| Talk::new(prompt).offering(&["github_create_pr"]);
    let said = asked("dwp/aura 저장소에 topic 브랜치에서 develop으로 PR을 생성해줘").turn().await;
    let expected = json!({
        "owner": "dwp", "repo": "aura", "title": "topic → develop",
        "body": "`topic` → `develop`", "head": "topic", "base": "develop",
    });
    assert_eq!(said.tools(), [("github_create_pr", &expected)]);
    let said = asked("dwp/aura 저장소에 topic 브랜치로 PR을 생성해줘").turn().await;
    assert_eq!(said.tools()[0].1["base"], "main");
    let said = asked("dwp/aura 저장소에 PR을 생성해줘").words().await;
    assert!(said.contains("어느 브랜치로 PR"), "no branch is made up: {said}");
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
        let told = ["title", "head", "base"].map(|field| &arguments[field]);
        assert_eq!(told, [title, "topic", "main"], "{prompt}");
    }
}

#[tokio::test]
async fn of_a_repository_that_is_named_alone_its_pull_requests_are_listed() {
    let page = json!({"url": "https://github.com/dwp/aura"});
    for mut talk in
        [Talk::new("dwp/aura 저장소의 PR을 분석해주세요"), Talk::on_page("PR 분석해줘", &page)]
    {
        let list = json!({"pullRequests": [{"number": 3, "title": "Add search"}]});
        talk.step(&[("github_list_prs", json!({"owner": "dwp", "repo": "aura"}))], &[list]).await;
        let said = talk.words().await;
        assert!(said.contains("#3 Add search"), "{said}");
    }
}
