//! What changes something: once, or not at all, or nobody knows and that is said.

use std::time::Duration;

use aura_platform::domain::Unconfigured;
use aura_platform::tools::{Effect, ToolError, github};
use serde_json::{Value, json};

use crate::support::call::{question, run};
use crate::support::github::{FakeGitHub, Reply, TOKEN, call, find, pull};

fn new_pull() -> Value {
    json!({
        "owner": "acme", "repo": "shop", "title": "검색 추가", "body": "Closes #3",
        "head": "search", "base": "main",
    })
}

fn the_pull() -> Value {
    json!({"owner": "acme", "repo": "shop", "number": 12})
}

/// The message of an error that leaves the outcome open; any other is the wrong one.
fn uncertain(error: ToolError) -> String {
    match error {
        ToolError::Uncertain(message) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_pull_request_is_created_as_it_was_approved() {
    let github = FakeGitHub::always(|| Reply::status(201, pull(13))).await;
    let tool = find(github.config(), "github_create_pr");
    assert_eq!((tool.spec().effect, tool.is_dry_run()), (Effect::SideEffect, false));
    let expected = "acme/shop 저장소에 PR을 생성할까요? \
                    \"search\" 브랜치에서 \"main\" 브랜치로, 제목: \"검색 추가\"";
    assert_eq!(question(&tool, &new_pull()).await.unwrap(), expected);
    let created = run(&tool, &new_pull()).await.unwrap();
    assert_eq!((&created["created"], &created["number"]), (&json!(true), &json!(13)));
    assert_eq!(created["url"], "https://github.example.com/acme/shop/pull/13");
    let [request] = github.requests().try_into().unwrap();
    assert_eq!(request.line, "POST /repos/acme/shop/pulls");
    let body = json!({"title": "검색 추가", "head": "search", "base": "main", "body": "Closes #3"});
    assert_eq!(request.body, body);
    assert_eq!(request.header("authorization"), format!("Bearer {TOKEN}"));
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_never_makes_a_second_one() {
    let github = FakeGitHub::answering(|request, _| match request.line.as_str() {
        line if line.starts_with("GET") => Reply::json(pull(12)),
        _ => Reply::Cut,
    })
    .await;
    // Over fresh connections, then over one that has been used before.
    for (tool, arguments) in [("github_create_pr", new_pull()), ("github_merge_pr", the_pull())] {
        let writer = find(github.config(), tool);
        let message = uncertain(run(&writer, &arguments).await.unwrap_err());
        assert!(message.contains("may have been carried out"), "{message}");
    }
    let tools = github::tools(github.config(), Unconfigured::Refuse).unwrap();
    let named = |name: &str| tools.iter().find(|tool| tool.spec().name == name).unwrap();
    run(named("github_get_pr"), &the_pull()).await.unwrap();
    uncertain(run(named("github_create_pr"), &new_pull()).await.unwrap_err());
    let lines = github.lines();
    assert_eq!(
        lines,
        [
            "POST /repos/acme/shop/pulls",
            "PUT /repos/acme/shop/pulls/12/merge",
            "GET /repos/acme/shop/pulls/12",
            "POST /repos/acme/shop/pulls",
        ]
    );
}

#[tokio::test]
async fn a_server_that_fails_or_says_nothing_leaves_the_outcome_open() {
    let github = FakeGitHub::always(|| Reply::refusal(502, "Server Error")).await;
    let message = uncertain(github.call("github_create_pr", new_pull()).await.unwrap_err());
    assert!(message.contains("502 Bad Gateway Server Error"), "{message}");
    assert_eq!(github.requests().len(), 1);

    let github = FakeGitHub::always(|| Reply::Silence).await;
    let mut config = github.config();
    config.timeout = Duration::from_secs(1);
    let error = call(config, "github_merge_pr", the_pull()).await.unwrap_err();
    assert!(uncertain(error).contains("did not answer in time"));
    assert_eq!(github.requests().len(), 1);

    let github = FakeGitHub::always(|| Reply::raw("html", "<html>")).await;
    uncertain(github.call("github_create_pr", new_pull()).await.unwrap_err());
}

#[tokio::test]
async fn a_pull_request_that_is_there_already_is_returned() {
    let github = FakeGitHub::answering(|request, _| match request.line.as_str() {
        "POST /repos/acme/shop/pulls" => Reply::status(
            422,
            json!({
                "message": "Validation Failed",
                "errors": [{"resource": "PullRequest", "code": "custom",
                    "message": "A pull request already exists for acme:search."}],
            }),
        ),
        _ => Reply::json(json!([pull(12)])),
    })
    .await;
    let found = github.call("github_create_pr", new_pull()).await.unwrap();
    assert_eq!((&found["created"], &found["alreadyExists"]), (&json!(false), &json!(true)));
    assert_eq!(found["number"], 12);
    let said = "Validation Failed: A pull request already exists for acme:search.";
    assert_eq!(found["message"], said);
    let query = &github.requests()[1].query;
    let asked = ["state", "head", "base"].map(|name| query[name].as_str());
    assert_eq!(asked, ["open", "acme:search", "main"]);
}

#[tokio::test]
async fn a_pull_request_without_commits_is_refused_in_githubs_words() {
    let github = FakeGitHub::always(|| {
        Reply::status(
            422,
            json!({
                "message": "Validation Failed",
                "errors": [{"message": "No commits between main and search"}],
            }),
        )
    })
    .await;
    let error = github.call("github_create_pr", new_pull()).await.unwrap_err();
    let ToolError::InvalidArguments(text) = &error else { panic!("{error:?}") };
    assert!(
        text.contains("(422): Validation Failed: No commits between main and search"),
        "{text}"
    );
    assert_eq!(github.requests().len(), 1);
}

#[tokio::test]
async fn a_pull_request_is_merged_as_it_was_approved() {
    let github = FakeGitHub::always(|| {
        let message = "Pull Request successfully merged";
        Reply::json(json!({"sha": "d".repeat(40), "merged": true, "message": message}))
    })
    .await;
    let tool = find(github.config(), "github_merge_pr");
    let sha = "a".repeat(40);
    let arguments = json!({
        "owner": "acme", "repo": "shop", "number": 12, "merge_method": "squash", "sha": sha,
    });
    let question = question(&tool, &arguments).await.unwrap();
    let expected = format!("acme/shop 저장소의 PR #12을(를) 병합할까요? 방식: squash, 커밋: {sha}");
    assert_eq!(question, expected);
    let merged = run(&tool, &arguments).await.unwrap();
    let expected = json!({
        "owner": "acme", "repo": "shop", "number": 12, "merged": true, "alreadyMerged": false,
        "commit": "d".repeat(40), "message": "Pull Request successfully merged",
    });
    assert_eq!(merged, expected);
    let [request] = github.requests().try_into().unwrap();
    assert_eq!(request.line, "PUT /repos/acme/shop/pulls/12/merge");
    assert_eq!(request.body, json!({"merge_method": "squash", "sha": sha}));
}

#[tokio::test]
async fn a_head_that_has_moved_is_not_merged() {
    let said = "Head branch was modified. Review and try the merge again.";
    let github = FakeGitHub::always(move || Reply::refusal(409, said)).await;
    let error = github.call("github_merge_pr", the_pull()).await.unwrap_err();
    let expected = format!("GitHub does not merge acme/shop#12, because it has changed: {said}");
    assert_eq!(error, ToolError::Conflict(expected));
}

#[tokio::test]
async fn a_pull_request_that_is_merged_already_is_told_from_one_that_cannot_be() {
    let merging = |merged: bool| {
        FakeGitHub::answering(move |request, _| {
            if request.line.starts_with("PUT") {
                return Reply::refusal(405, "Pull Request is not mergeable");
            }
            let mut pull = pull(12);
            pull["merged"] = merged.into();
            Reply::json(pull)
        })
    };
    let already = merging(true).await.call("github_merge_pr", the_pull()).await.unwrap();
    assert_eq!((&already["merged"], &already["alreadyMerged"]), (&json!(true), &json!(true)));
    assert_eq!(already["commit"], "c".repeat(40));
    let error = merging(false).await.call("github_merge_pr", the_pull()).await.unwrap_err();
    let is_clear = matches!(&error, ToolError::Conflict(text) if text.contains("cannot be merged: Pull Request is not mergeable"));
    assert!(is_clear, "{error:?}");
}

#[tokio::test]
async fn what_changes_something_follows_nobody_to_another_name() {
    let github = FakeGitHub::always(|| {
        Reply::refusal(307, "Moved").header("location", "/api/v3/repositories/7/pulls")
    })
    .await;
    let error = github.call("github_create_pr", new_pull()).await.unwrap_err();
    assert!(
        matches!(&error, ToolError::NotFound(text) if text.contains("another name")),
        "{error}"
    );
    assert_eq!(github.requests().len(), 1);
}

#[tokio::test]
async fn refusals_of_what_changes_something_are_told_apart_too() {
    for (status, part) in
        [(401, "does not accept the token"), (403, "does not allow"), (404, "finds no")]
    {
        let github = FakeGitHub::always(move || Reply::refusal(status, "no")).await;
        for (tool, arguments) in [("github_create_pr", new_pull()), ("github_merge_pr", the_pull())]
        {
            let error = github.call(tool, arguments).await.unwrap_err().to_string();
            assert!(error.contains(part) && error.contains(&format!("({status}): no")), "{error}");
        }
        assert_eq!(github.requests().len(), 2);
    }
}
