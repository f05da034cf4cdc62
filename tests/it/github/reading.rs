//! What is read, and how much of it.

use std::time::Duration;

use aura_platform::tools::ToolError;
use serde_json::{Value, json};

use crate::support::call::question;
use crate::support::github::{FakeGitHub, Reply, TOKEN, call, find, pull};

fn the_pull() -> Value {
    json!({"owner": "acme", "repo": "shop", "number": 12})
}

#[tokio::test]
async fn a_pull_request_is_read_for_the_owner_of_the_token() {
    let github = FakeGitHub::always(|| Reply::json(pull(12))).await;
    let read = github.call("github_get_pr", the_pull()).await.unwrap();
    let expected = json!({
        "owner": "acme", "repo": "shop", "number": 12, "title": "Add search", "state": "open",
        "draft": false, "author": "kim",
        "head": {"ref": "search", "sha": "a".repeat(40), "repository": "acme/shop"},
        "base": {"ref": "main", "sha": "b".repeat(40), "repository": "acme/shop"},
        "createdAt": "2026-01-16T01:02:03Z", "updatedAt": "2026-01-17T01:02:03Z",
        "url": "https://github.example.com/acme/shop/pull/12", "labels": ["feature"],
        "merged": false, "mergedAt": null, "mergeable": true, "mergeableState": "clean",
        "commits": 2, "additions": 41, "deletions": 2, "changedFiles": 2, "body": "Closes #3\n",
    });
    assert_eq!(read, expected);
    let [request] = github.requests().try_into().unwrap();
    assert_eq!(request.line, "GET /repos/acme/shop/pulls/12");
    assert_eq!(request.header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(request.header("accept"), "application/vnd.github+json");
    assert_eq!(request.header("x-github-api-version"), "2022-11-28");
    assert!(request.header("user-agent").starts_with("aura-platform/"));
}

#[tokio::test]
async fn a_pull_request_of_a_deleted_fork_and_account_is_read_too() {
    let github = FakeGitHub::always(|| {
        let mut pull = pull(12);
        pull["head"]["repo"] = Value::Null;
        pull["user"] = Value::Null;
        pull["body"] = Value::Null;
        Reply::json(pull)
    })
    .await;
    let read = github.call("github_get_pr", the_pull()).await.unwrap();
    assert_eq!((&read["author"], &read["head"]["repository"]), (&Value::Null, &Value::Null));
}

/// A list of `all` pull requests, in pages as GitHub makes them.
async fn listing(all: u64) -> FakeGitHub {
    FakeGitHub::answering(move |request, _| {
        let number = |name: &str| request.query.get(name).map(|text| text.parse::<u64>().unwrap());
        let (size, page) = (number("per_page").unwrap(), number("page").unwrap_or(1));
        let (from, to) = ((page - 1) * size, (page * size).min(all));
        let pulls: Vec<Value> = (from..to).map(|i| pull(all - i)).collect();
        let place = |page: u64| {
            let host = request.header("host");
            format!("<http://{host}/api/v3/repositories/7/pulls?per_page={size}&page={page}>")
        };
        let reply = Reply::json(pulls.into());
        if to == all {
            return reply;
        }
        let (next, last) = (place(page + 1), place(all.div_ceil(size)));
        reply.header("link", format!("{next}; rel=\"next\", {last}; rel=\"last\""))
    })
    .await
}

fn list(limit: u64) -> Value {
    json!({"owner": "acme", "repo": "shop", "state": "all", "base": "main", "limit": limit})
}

#[tokio::test]
async fn a_list_is_read_page_by_page_until_its_end() {
    let github = listing(120).await;
    let read = github.call("github_list_prs", list(150)).await.unwrap();
    let numbers: Vec<u64> = read["pullRequests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pull| pull["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=120).rev().collect::<Vec<_>>());
    assert_eq!((&read["truncated"], read.get("note")), (&json!(false), None));
    let requests = github.requests();
    assert_eq!(requests.len(), 3);
    for (name, value) in [("state", "all"), ("base", "main"), ("per_page", "50")] {
        assert_eq!(requests[0].query[name], value);
    }
    assert_eq!(requests[2].line, "GET /repositories/7/pulls");
}

#[tokio::test]
async fn a_list_ends_at_its_limit_and_says_what_is_left_out() {
    let github = listing(120).await;
    let read = github.call("github_list_prs", list(60)).await.unwrap();
    assert_eq!(read["pullRequests"].as_array().unwrap().len(), 60);
    let note = read["note"].as_str().unwrap();
    assert!(note.starts_with("60 are shown, up to 90 more are left out"), "{note}");
    assert_eq!(read["truncated"], true);
    assert_eq!(github.requests().len(), 2);

    let mut config = github.config();
    config.max_output_bytes = 1024;
    let read = call(config, "github_list_prs", list(60)).await.unwrap();
    let shown = read["pullRequests"].as_array().unwrap();
    assert!((1..5).contains(&shown.len()), "{}", shown.len());
    assert!(Value::from(shown.clone()).to_string().len() < 1100);
    assert_eq!(read["truncated"], true);
}

/// Whether a list says that there is more of it than could be found on this many pages.
fn says_that_it_goes_on(list: &Value, pages: usize) -> bool {
    let note = list["note"].as_str().unwrap_or_default();
    let goes_on = note.contains("GitHub says that there are more, but not where they can be read");
    let of_pages = note.ends_with(&format!("pages that were read: {pages}"));
    list["truncated"] == true && goes_on && of_pages
}

#[tokio::test]
async fn a_list_of_empty_pages_without_an_end_is_given_up_and_says_so() {
    let github = FakeGitHub::answering(|request, number| {
        let host = request.header("host");
        let link = format!("<http://{host}/api/v3/repositories/7/pulls?page={}>", number + 2);
        Reply::json(json!([])).header("link", format!("{link}; rel=\"next\""))
    })
    .await;
    let read = github.call("github_list_prs", list(60)).await.unwrap();
    assert_eq!(github.requests().len(), 10);
    assert!(says_that_it_goes_on(&read, 10), "{read}");
}

#[tokio::test]
async fn pages_that_lead_back_to_themselves_are_read_once_and_nothing_is_shown_twice() {
    let github = FakeGitHub::answering(|request, number| {
        let host = request.header("host");
        let link = format!("<http://{host}/api/v3/repositories/7/pulls?page={}>", number % 2);
        Reply::json(json!([pull(12), pull(11)])).header("link", format!("{link}; rel=\"next\""))
    })
    .await;
    let read = github.call("github_list_prs", list(60)).await.unwrap();
    assert_eq!(read["pullRequests"].as_array().unwrap().len(), 2);
    assert_eq!(github.requests().len(), 3);
    assert!(says_that_it_goes_on(&read, 3), "{read}");
}

#[tokio::test]
async fn the_token_goes_to_no_other_server_whatever_github_links_to() {
    let other = FakeGitHub::always(|| Reply::json(json!([pull(1)]))).await;
    let elsewhere = format!("{}/repositories/7/pulls?page=2", other.api());
    let linking = elsewhere.clone();
    let github = FakeGitHub::answering(move |_, _| {
        let link = format!("<{linking}>; rel=\"next\"");
        Reply::json(json!([pull(12)])).header("link", link)
    })
    .await;
    let read = github.call("github_list_prs", list(60)).await.unwrap();
    assert_eq!(read["pullRequests"].as_array().unwrap().len(), 1);
    assert!(says_that_it_goes_on(&read, 1), "{read}");
    let github = FakeGitHub::answering(move |_, _| {
        Reply::refusal(301, "Moved").header("location", &elsewhere)
    })
    .await;
    let error = github.call("github_get_pr", the_pull()).await.unwrap_err();
    assert!(
        matches!(&error, ToolError::NotFound(text) if text.contains("another name")),
        "{error}"
    );
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_repository_that_was_renamed_is_read_under_its_new_name() {
    let github = FakeGitHub::answering(|request, _| match request.line.as_str() {
        "GET /repos/acme/shop/pulls/12" => Reply::refusal(301, "Moved Permanently")
            .header("location", "/api/v3/repositories/7/pulls/12"),
        _ => Reply::json(pull(12)),
    })
    .await;
    assert_eq!(github.call("github_get_pr", the_pull()).await.unwrap()["number"], 12);
    assert_eq!(github.lines()[1], "GET /repositories/7/pulls/12");

    let circling = FakeGitHub::answering(|request, _| {
        let path = request.line.replace("GET ", "/api/v3");
        Reply::refusal(302, "Found").header("location", path)
    })
    .await;
    assert!(circling.call("github_get_pr", the_pull()).await.is_err());
    assert_eq!(circling.requests().len(), 4);
}

fn diff_of(files: usize, lines: usize) -> String {
    (0..files)
        .map(|file| {
            let head = format!("diff --git a/{file}.rs b/{file}.rs\n+++ b/{file}.rs\n");
            head + &"+let 값 = 1;\n".repeat(lines)
        })
        .collect()
}

#[tokio::test]
async fn a_diff_that_fits_is_shown_whole() {
    let diff = diff_of(2, 3);
    let whole = diff.clone();
    let github = FakeGitHub::always(move || Reply::raw("diff; charset=utf-8", diff.clone())).await;
    let read = github.call("github_get_pr_diff", the_pull()).await.unwrap();
    let expected = json!({
        "owner": "acme", "repo": "shop", "number": 12, "fileCount": 2, "diff": whole,
        "truncated": false, "leftOut": {"bytes": 0, "files": 0},
    });
    assert_eq!(read, expected);
    assert_eq!(github.requests()[0].header("accept"), "application/vnd.github.diff");
}

#[tokio::test]
async fn a_large_diff_ends_with_a_whole_line_and_says_what_is_left_out() {
    let diff = diff_of(40, 5000);
    let size = diff.len();
    let github = FakeGitHub::always(move || Reply::raw("diff", diff.clone())).await;
    let read = github.call("github_get_pr_diff", the_pull()).await.unwrap();
    let text = read["diff"].as_str().unwrap();
    let (shown, note) = text.trim_end().rsplit_once('\n').unwrap();
    assert!(shown.len() <= 65536 && shown.len() > 65000, "{}", shown.len());
    assert!(shown.ends_with("+let 값 = 1;"), "{:?}", &shown[shown.len() - 40..]);
    let left_out = size - shown.len() - 1;
    assert_eq!(note, format!("[... {left_out} more bytes, 39 more files]"));
    assert_eq!(read["leftOut"], json!({"bytes": left_out, "files": 39}));
    assert_eq!((&read["fileCount"], &read["truncated"]), (&json!(40), &json!(true)));
}

#[tokio::test]
async fn a_file_is_read_as_it_is_with_its_path_encoded() {
    let github = FakeGitHub::always(|| Reply::raw("raw+json; charset=utf-8", "# 가게\n")).await;
    let arguments = json!({
        "owner": "acme", "repo": "shop", "path": "문서/a b#1.md", "ref": "feature/login",
    });
    let read = github.call("github_get_file", arguments).await.unwrap();
    assert_eq!((&read["content"], &read["size"]), (&json!("# 가게\n"), &json!(9)));
    assert_eq!((&read["binary"], &read["truncated"]), (&json!(false), &json!(false)));
    let [request] = github.requests().try_into().unwrap();
    let path = "GET /repos/acme/shop/contents/%EB%AC%B8%EC%84%9C/a%20b%231.md";
    assert_eq!((request.line.as_str(), request.query["ref"].as_str()), (path, "feature/login"));
}

#[tokio::test]
async fn a_file_that_is_none_is_told_as_what_it_is() {
    let file = json!({"owner": "acme", "repo": "shop", "path": "logo.png"});
    let github = FakeGitHub::always(|| Reply::raw("raw+json", b"\x89PNG\0\0".to_vec())).await;
    let read = github.call("github_get_file", file.clone()).await.unwrap();
    assert_eq!((&read["binary"], &read["content"]), (&json!(true), &Value::Null));

    let github = FakeGitHub::always(|| Reply::json(json!([{"name": "a.rs"}]))).await;
    let error = github.call("github_get_file", file.clone()).await.unwrap_err();
    assert_eq!(error, ToolError::NotFound("logo.png is a directory, not a file".into()));

    for path in ["../x", "/etc/passwd", "a//b", ".git/config"] {
        let mut bad = file.clone();
        bad["path"] = path.into();
        let error = github.call("github_get_file", bad).await.unwrap_err().to_string();
        assert!(error.contains("`path`"), "{error}");
    }
}

#[tokio::test]
async fn refusals_are_told_apart_in_githubs_own_words() {
    type Kind = fn(String) -> ToolError;
    let cases: [(u16, &str, Kind, &str); 8] = [
        (401, "Bad credentials", ToolError::Denied, "does not accept the token of GITHUB_TOKEN"),
        (403, "Resource not accessible", ToolError::Denied, "does not allow this"),
        (404, "Not Found", ToolError::NotFound, "finds no pull request acme/shop#12"),
        (406, "diff too large", ToolError::Failed, "too large"),
        (409, "Git Repository is empty.", ToolError::Conflict, "a conflict"),
        (410, "Gone away", ToolError::Failed, "410 Gone"),
        (422, "Validation Failed", ToolError::InvalidArguments, "refuses them"),
        (301, "Moved", ToolError::NotFound, "another name"),
    ];
    for (status, message, kind, part) in cases {
        let github = FakeGitHub::always(move || Reply::refusal(status, message)).await;
        let error = github.call("github_get_pr", the_pull()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(part), "{text}");
        assert!(text.contains(message) || status == 301, "{text}");
        let same_kind = std::mem::discriminant(&error) == std::mem::discriminant(&kind(text));
        assert!(same_kind, "{status}: {error:?}");
        assert_eq!(github.requests().len(), 1, "{status} is not tried again");
    }
}

#[tokio::test]
async fn what_github_says_is_bounded_and_never_repeats_the_token() {
    let said = format!("token {TOKEN} is bad {}", "x".repeat(5000));
    let github = FakeGitHub::always(move || Reply::refusal(401, &said)).await;
    let error = github.call("github_get_pr", the_pull()).await.unwrap_err().to_string();
    assert!(error.contains("token [token] is bad") && error.len() < 600, "{error}");
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_an_error_and_no_panic() {
    let github = FakeGitHub::always(|| Reply::raw("html", "<html>hello</html>")).await;
    let error = github.call("github_get_pr", the_pull()).await.unwrap_err().to_string();
    assert!(error.contains("not understood"), "{error}");
}

#[tokio::test]
async fn arguments_are_checked_before_anything_is_asked() {
    let github = FakeGitHub::always(|| Reply::json(json!({}))).await;
    for (tool, arguments, field) in [
        ("github_get_pr", json!({"owner": "a/b", "repo": "shop", "number": 1}), "owner"),
        ("github_get_pr", json!({"owner": "acme", "repo": "..", "number": 1}), "repo"),
        ("github_get_pr", json!({"owner": "acme", "repo": "shop", "number": 0}), "number"),
        ("github_list_prs", json!({"owner": "acme", "repo": "shop", "state": "new"}), "state"),
        (
            "github_merge_pr",
            json!({"owner": "acme", "repo": "shop", "number": 1, "sha": "abc"}),
            "sha",
        ),
    ] {
        let error = github.call(tool, arguments).await.unwrap_err().to_string();
        assert!(error.contains(&format!("`{field}`")), "{error}");
    }
    let extra = json!({"owner": "acme", "repo": "shop", "number": 1, "force": true});
    let error = github.call("github_merge_pr", extra).await.unwrap_err().to_string();
    assert!(error.contains("unknown field `force`"), "{error}");
    assert!(github.requests().is_empty());
}

#[tokio::test]
async fn without_a_token_a_named_server_is_read_and_not_written() {
    let github = FakeGitHub::always(|| Reply::json(pull(12))).await;
    let mut config = github.config();
    (config.token, config.anonymous) = (None, true);
    assert!(call(config.clone(), "github_get_pr", the_pull()).await.is_ok());
    assert!(!github.requests()[0].headers.contains_key("authorization"));
    let merge = call(config.clone(), "github_merge_pr", the_pull()).await;
    assert_eq!(merge, Err(ToolError::NotConfigured { setting: "GITHUB_TOKEN" }));
    config.anonymous = false;
    let refused = question(&find(config, "github_get_pr"), &the_pull()).await;
    assert_eq!(refused, Err(ToolError::NotConfigured { setting: "GITHUB_TOKEN" }));
    assert_eq!(github.requests().len(), 1);
}

#[tokio::test]
async fn a_server_that_never_answers_ends_the_call_at_its_limit() {
    let github = FakeGitHub::always(|| Reply::Silence).await;
    let mut config = github.config();
    config.timeout = Duration::from_secs(1);
    let error = call(config, "github_get_pr", the_pull()).await.unwrap_err();
    assert_eq!(error, ToolError::TimedOut { seconds: 1 });
}
