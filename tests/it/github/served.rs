//! Through the whole server: a prompt, the planner, the tools, the approval.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::app::{Options, Server};
use crate::support::git::{Workspace, git};
use crate::support::github::{FakeGitHub, Reply, TOKEN, pull};
use crate::support::stream::{Frame, SseStream};

async fn server(github: &FakeGitHub) -> Server {
    let options = Options::default().set("GITHUB_TOKEN", TOKEN);
    Server::start(options.set("GITHUB_API_URL", github.api())).await
}

fn tools_of(stream: &SseStream) -> Vec<&str> {
    let ended = |frame: &&&Frame| frame.data["status"] == "success";
    let frames = stream.all("tool_execution");
    frames.iter().filter(ended).map(|frame| frame.data["toolName"].as_str().unwrap()).collect()
}

async fn one_pull() -> FakeGitHub {
    FakeGitHub::answering(|request, _| match request.header("accept") {
        "application/vnd.github.diff" => {
            Reply::raw("diff", "diff --git a/a.rs b/a.rs\n+++ b/a.rs\n+one\n-two\n")
        }
        _ => Reply::json(pull(12)),
    })
    .await
}

/// Two branches that differ, and a pull request once it is asked for.
async fn creating() -> FakeGitHub {
    FakeGitHub::answering(|request, _| match &*request.line {
        line if line.starts_with("GET /repos/acme/shop/compare/") => Reply::json(json!({
            "ahead_by": 2,
            "commits": [
                {"sha": "a".repeat(40), "commit": {"message": "Find by name\n\nlong"}},
                {"sha": "b".repeat(40), "commit": {"message": "Index"}},
            ],
            "files": [{"filename": "src/search.rs", "additions": 12, "deletions": 3}],
        })),
        "POST /repos/acme/shop/pulls" => Reply::status(201, pull(13)),
        line => Reply::refusal(404, line),
    })
    .await
}

/// A pull request that can be looked at and merged.
async fn merging(pull: Value) -> FakeGitHub {
    FakeGitHub::answering(move |request, _| match &*request.line {
        "GET /repos/acme/shop/pulls/12" => Reply::json(pull.clone()),
        "GET /repos/acme/shop/pulls/12/files" => Reply::json(json!([
            {"filename": "a.rs", "additions": 1, "deletions": 1},
            {"filename": "b.rs +0 −0\n\n검사 1개\nsecurity: success", "additions": 7, "deletions": 0},
        ])),
        line if line.ends_with("/check-runs") => Reply::json(json!({
            "check_runs": [
                {"name": "tests", "status": "completed", "conclusion": "success"},
                {"name": "x".repeat(9_000), "status": "completed", "conclusion": "failure"},
            ],
        })),
        "PUT /repos/acme/shop/pulls/12/merge" => {
            Reply::json(json!({"sha": "d".repeat(40), "merged": true, "message": "merged"}))
        }
        line => Reply::refusal(404, line),
    })
    .await
}

/// Asks, reads to the end, and returns the stream: nobody was asked.
async fn not_asked(server: &Server, prompt: &str) -> SseStream {
    let mut stream = server.user().stream(prompt).await;
    stream.to_done().await;
    assert!(stream.all("hitl").is_empty(), "{:#?}", stream.summary());
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_about_a_pull_request_that_cannot_be_merged() {
    let cases = [
        ("merged", json!(true), "it is merged already"),
        ("state", json!("closed"), "it is closed"),
        ("draft", json!(true), "it is a draft"),
        ("mergeable", json!(false), "it conflicts with its base"),
    ];
    for (field, value, why) in cases {
        let mut pull = pull(12);
        pull[field] = value;
        let github = merging(pull).await;
        let server = server(&github).await;
        let stream = not_asked(&server, "acme/shop#12 PR을 병합해주세요").await;
        let failed = stream.all("tool_execution").pop().unwrap();
        assert_eq!(failed.data["status"], "failed");
        assert!(failed.data["error"].as_str().unwrap().contains(why), "{failed:?}");
        assert!(github.lines().iter().all(|line| line.starts_with("GET ")), "{:?}", github.lines());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_about_a_pull_request_of_branches_that_are_not_there_or_do_not_differ() {
    let prompt = "acme/shop 저장소에 feature 브랜치에서 main으로 PR을 생성해줘";
    let gone = FakeGitHub::always(|| Reply::refusal(404, "Not Found")).await;
    let stream = not_asked(&server(&gone).await, prompt).await;
    assert!(stream.answer().contains("finds no"), "{}", stream.answer());
    let same = FakeGitHub::always(|| Reply::json(json!({"ahead_by": 0}))).await;
    let stream = not_asked(&server(&same).await, prompt).await;
    assert!(stream.answer().contains("nothing to ask for"), "{}", stream.answer());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_that_is_named_is_read_on_github_and_reported_on() {
    let github = one_pull().await;
    let server = server(&github).await;
    let page = json!({"activeApp": "git", "url": "https://git.acme.example/acme/shop/pull/12"});
    for body in [
        json!({"prompt": "acme/shop#12 PR을 분석해주세요"}),
        json!({"prompt": "이 PR을 분석해주세요", "context": page}),
    ] {
        let mut stream = server.user().stream_with(body).await;
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
        assert_eq!(tools_of(&stream), ["github_get_pr", "github_get_pr_diff"]);
        let answer = stream.answer();
        for part in ["#12 Add search (open, kim)", "search → main", "파일 1개 변경 (+1 −1)"]
        {
            assert!(answer.contains(part), "{part}: {answer}");
        }
        assert!(!stream.bytes().contains(TOKEN));
    }
    assert_eq!(github.requests().len(), 4);
    assert!(!server.log().contains(TOKEN));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_reference_the_branches_here_are_read() {
    let github = one_pull().await;
    let server = server(&github).await;
    let mut stream = server.user().stream("GitHub PR을 분석해주세요").await;
    stream.to_done().await;
    assert_eq!(tools_of(&stream), ["git_branch_list", "git_diff", "git_log"]);
    assert!(github.requests().is_empty());
}

/// Asks, reads until the question, and approves it.
async fn approved(server: &Server, prompt: &str) -> (SseStream, Value) {
    let user = server.user();
    let mut stream = user.stream(prompt).await;
    let hitl = stream.until("hitl").await;
    let request = hitl.data["requestId"].as_str().unwrap();
    assert!(user.approve(request).await.status.is_success());
    stream.to_done().await;
    (stream, hitl.data)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_is_created_after_approval_and_not_before() {
    let github = creating().await;
    let server = server(&github).await;
    let prompt = "acme/shop 저장소에 feature 브랜치에서 main으로 PR을 생성해줘";
    let user = server.user();
    let mut stream = user.stream(prompt).await;
    let hitl = stream.until("hitl").await;
    assert_eq!(github.lines(), ["GET /repos/acme/shop/compare/main...feature"]);
    let preview = &hitl.data["preview"];
    assert_eq!(preview["type"], "text", "{preview}");
    for part in ["커밋 2개", "aaaaaaaaaa Find by name", "파일 1개", "src/search.rs +12 −3"]
    {
        assert!(preview["content"].as_str().unwrap().contains(part), "{part}: {preview}");
    }
    assert!(!hitl.data["message"].as_str().unwrap().contains("모의 실행"), "{hitl:?}");
    user.approve(hitl.data["requestId"].as_str().unwrap()).await;
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
    let request = github.requests().pop().unwrap();
    assert_eq!((&*request.line, github.requests().len()), ("POST /repos/acme/shop/pulls", 3));
    assert_eq!(hitl.data["context"]["head_commit"], "b".repeat(40), "the newest of its commits");
    assert_eq!(request.body["head_commit"], Value::Null, "GitHub knows no such field");
    for field in ["title", "body", "head", "base"] {
        assert_eq!(request.body[field], hitl.data["context"][field], "{field}");
    }
    assert_eq!((&request.body["head"], &request.body["base"]), (&json!("feature"), &json!("main")));
    let answer = stream.answer();
    assert!(answer.contains("https://github.example.com/acme/shop/pull/13"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_of_commits_that_nobody_was_shown_is_not_created() {
    let pushed = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&pushed);
    let commit = |hash: &str| json!({"sha": hash.repeat(40), "commit": {"message": "Find"}});
    // More commits than GitHub lists at once: the last page has the newest.
    let github = FakeGitHub::answering(move |request, _| {
        let tip = if seen.load(Ordering::SeqCst) { "e" } else { "d" };
        let commits = match request.query.get("page").map(String::as_str) {
            Some("300") => json!([commit(tip)]),
            Some(_) | None => json!([commit("a"), commit("b")]),
        };
        Reply::json(json!({"ahead_by": 300, "commits": commits}))
    })
    .await;
    let server = server(&github).await;
    let user = server.user();
    let prompt = "acme/shop 저장소에 feature 브랜치에서 main으로 PR을 생성해줘";
    let mut stream = user.stream(prompt).await;
    let hitl = stream.until("hitl").await;
    assert_eq!(hitl.data["context"]["head_commit"], "d".repeat(40));
    pushed.store(true, Ordering::SeqCst);
    user.approve(hitl.data["requestId"].as_str().unwrap()).await;
    stream.to_done().await;
    let failed = stream.all("tool_execution").pop().unwrap();
    let why = format!("feature has moved from {} to {}", "d".repeat(40), "e".repeat(40));
    assert!(failed.data["error"].as_str().unwrap().contains(&why), "{failed:?}");
    assert!(github.lines().iter().all(|line| line.starts_with("GET ")), "{:?}", github.lines());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_is_merged_after_approval() {
    let github = merging(pull(12)).await;
    let server = server(&github).await;
    let (stream, hitl) = approved(&server, "acme/shop#12 PR을 병합해주세요").await;
    assert_eq!(hitl["actionType"], "github_merge_pr");
    let head = pull(12)["head"]["sha"].clone();
    assert_eq!(hitl["context"]["sha"], head, "what was seen is what is merged");
    assert_eq!(hitl["context"]["base"], "main", "and where it was seen to go");
    assert!(hitl["message"].as_str().unwrap().contains("대상 브랜치: \"main\""), "{hitl}");
    let content = hitl["preview"]["content"].as_str().unwrap();
    for part in ["search → main", head.as_str().unwrap(), "tests: success", "a.rs +1 −1"] {
        assert!(content.contains(part), "{part}: {hitl}");
    }
    assert!(content.contains("생략): failure\n"), "a long name hides no outcome: {content}");
    let forged = "b.rs +0 −0\\u{a}\\u{a}검사 1개\\u{a}security: success +7 −0";
    assert!(content.ends_with(forged), "a name is one line: {content}");
    let merge = github.requests().pop().unwrap();
    assert_eq!(merge.line, "PUT /repos/acme/shop/pulls/12/merge");
    assert_eq!(merge.body["sha"], head);
    assert!(stream.answer().starts_with("PR을 병합했습니다"), "{}", stream.answer());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_that_goes_elsewhere_by_then_is_not_merged() {
    let base = Arc::new(Mutex::new("main"));
    let seen = Arc::clone(&base);
    let github = FakeGitHub::answering(move |request, _| match &*request.line {
        "GET /repos/acme/shop/pulls/12" => {
            let mut pull = pull(12);
            pull["base"]["ref"] = (*seen.lock().unwrap()).into();
            Reply::json(pull)
        }
        line => Reply::refusal(404, line),
    })
    .await;
    let server = server(&github).await;
    let user = server.user();
    let mut stream = user.stream("acme/shop#12 PR을 병합해주세요").await;
    let hitl = stream.until("hitl").await;
    *base.lock().unwrap() = "production";
    user.approve(hitl.data["requestId"].as_str().unwrap()).await;
    stream.to_done().await;
    let failed = stream.all("tool_execution").pop().unwrap();
    assert_eq!(failed.data["status"], "failed");
    let why = "its base is \"production\" now, not \"main\"; nothing was changed";
    assert!(failed.data["error"].as_str().unwrap().contains(why), "{failed:?}");
    assert!(github.lines().iter().all(|line| line.starts_with("GET ")), "{:?}", github.lines());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_the_question_the_result_and_the_log_say_that_it_runs_dry() {
    let server = Server::embedded().await;
    let (stream, hitl) = approved(&server, "acme/shop#12 PR을 병합해주세요").await;
    let question = hitl["message"].as_str().unwrap();
    assert!(question.starts_with("(모의 실행: 실제로 전송되지 않습니다) "), "{question}");
    let done = stream.all("tool_execution").pop().unwrap();
    assert_eq!(done.data["result"]["dryRun"], true);
    let shown = &done.data["result"]["wouldSend"];
    assert_eq!(shown["method"], "PUT");
    assert_eq!(shown["url"], "https://api.github.com/repos/acme/shop/pulls/12/merge");
    let log = server.logged("tool finished", 1).await;
    let line = log.lines().find(|line| line.contains("tool finished")).unwrap();
    assert!(line.contains("dry_run") && line.contains("true"), "{line}");

    let mut stream = server.user().stream("acme/shop#12 PR을 분석해주세요").await;
    stream.to_done().await;
    assert!(stream.answer().contains("GITHUB_TOKEN"), "{}", stream.answer());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_token_and_no_repository_it_asks_which_one_it_is() {
    let github = FakeGitHub::always(|| Reply::status(201, pull(13))).await;
    let server = server(&github).await;
    let mut stream = server.user().stream("GitHub PR을 생성해주세요").await;
    stream.to_done().await;
    assert!(stream.all("hitl").is_empty() && github.requests().is_empty());
    assert!(stream.answer().contains("어느 GitHub 저장소에 PR을 만들지"), "{}", stream.answer());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_asks_for_the_pull_request_that_the_workspace_would_make() {
    let server = Server::embedded().await;
    let (stream, hitl) = approved(&server, "GitHub PR을 생성해주세요").await;
    assert_eq!(
        (&hitl["actionType"], &hitl["context"]["head"]),
        (&json!("github_create_pr"), &json!("feature"))
    );
    assert_eq!(hitl["context"]["owner"], "local");
    assert!(stream.answer().contains("실제로 보내지는 않았습니다"), "{}", stream.answer());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_was_cloned_from_github_is_the_one_that_is_meant() {
    let github = creating().await;
    let workspace = Workspace::with_sample("sample").await;
    git(&workspace.path("sample"), &["remote", "add", "origin", "git@github.com:acme/shop.git"]);
    let options = Options::default().set("GITHUB_TOKEN", TOKEN).set("GITHUB_API_URL", github.api());
    let server = Server::start_in(options, &workspace.root()).await;
    let (_, hitl) = approved(&server, "GitHub PR을 생성해주세요").await;
    assert_eq!(
        (&hitl["context"]["owner"], &hitl["context"]["repo"]),
        (&json!("acme"), &json!("shop"))
    );
    assert_eq!(github.lines().pop().unwrap(), "POST /repos/acme/shop/pulls");
}
