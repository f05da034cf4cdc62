//! The tools that read, on the sample and at their limits.

use std::time::{Duration, Instant};

use aura_platform::tools::ToolError;
use aura_platform::tools::git::sample::{self, SampleError};
use serde_json::{Value, json};

use crate::support::git::{Workspace, commit, git, read, script, write};

const MAIN: &str = "6f2d575877e4fb33854a7d79aa3abdf66de7a91f";
const FEATURE: &str = "78525917b765c4e9eda251b693576117cc9b23e6";

#[tokio::test]
async fn the_sample_has_the_same_commits_everywhere() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    assert_eq!(git(&repository, &["rev-parse", "main"]), MAIN);
    assert_eq!(git(&repository, &["rev-parse", "feature"]), FEATURE);
    assert_eq!(git(&repository, &["status", "--porcelain"]), "");
    git(&repository, &["fsck", "--strict"]);
}

#[tokio::test]
async fn a_sample_that_is_there_is_left_as_it_is_and_nothing_else_is_overwritten() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    commit(&repository, "mine.txt", "mine");
    let head = git(&repository, &["rev-parse", "HEAD"]);
    assert_eq!(
        sample::create(&repository, &aura_testing::defaults::git()).await.unwrap(),
        repository
    );
    assert_eq!(git(&repository, &["rev-parse", "HEAD"]), head);

    write(&workspace.root(), "other/notes.txt", "mine");
    let error =
        sample::create(&workspace.path("other"), &aura_testing::defaults::git()).await.unwrap_err();
    assert!(matches!(error, SampleError::Occupied(_)), "{error}");
    assert_eq!(read(&workspace.root(), "other/notes.txt"), "mine");
}

#[tokio::test]
async fn status_tells_staged_changed_and_untracked_files_apart() {
    let workspace = Workspace::with_sample("sample").await;
    let tools = workspace.tools().await;
    let clean = tools.ok("git_status", Value::Null).await;
    assert_eq!(clean["branch"], "main");
    assert_eq!(clean["head"], MAIN);
    assert_eq!(clean["clean"], true);

    let repository = workspace.path("sample");
    write(&repository, "README.md", "changed");
    write(&repository, "새 문서.md", "staged");
    write(&repository, "b.txt", "untracked");
    git(&repository, &["add", "새 문서.md"]);
    let status = tools.ok("git_status", json!({"repository": "sample"})).await;
    let expected = json!({
        "repository": "sample",
        "branch": "main",
        "head": MAIN,
        "clean": false,
        "counts": {"staged": 1, "unstaged": 1, "conflicted": 0, "untracked": 1},
        "staged": [{"path": "새 문서.md", "change": "added"}],
        "unstaged": [{"path": "README.md", "change": "modified"}],
        "conflicted": [],
        "untracked": ["b.txt"],
        "truncated": false,
    });
    assert_eq!(status, expected);
}

#[tokio::test]
async fn log_lists_commits_newest_first() {
    let workspace = Workspace::with_sample("sample").await;
    let tools = workspace.tools().await;
    let log = tools.ok("git_log", json!({"ref": "feature", "limit": 2})).await;
    let expected = json!({
        "hash": FEATURE,
        "shortHash": &FEATURE[..7],
        "author": "이지은",
        "date": "2026-01-13T13:06:40+09:00",
        "subject": "Send the digest at nine in the morning",
    });
    assert_eq!(log["commits"][0], expected);
    assert_eq!(log["commits"].as_array().unwrap().len(), 2);
    let of_file = tools.ok("git_log", json!({"path": "tests"})).await;
    assert_eq!(of_file["commits"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn diff_compares_branches_pull_requests_and_the_work_tree() {
    let workspace = Workspace::with_sample("sample").await;
    let tools = workspace.tools().await;
    let two = tools.ok("git_diff", json!({"from": "main", "to": "feature"})).await;
    assert_eq!(two["from"], json!({"name": "main", "commit": MAIN}));
    assert_eq!(two["fileCount"], 5);

    let since = json!({"from": "main", "to": "feature", "sinceMergeBase": true});
    let since = tools.ok("git_diff", since).await;
    let files = json!([
        {"path": "config/settings.toml", "added": 3, "deleted": 0},
        {"path": "notifier/digest.py", "added": 12, "deleted": 0},
    ]);
    assert_eq!(since["files"], files);
    assert!(since["patch"].as_str().unwrap().contains("+++ b/notifier/digest.py"));

    write(&workspace.path("sample"), "README.md", "다른 내용\n");
    let now = tools.ok("git_diff", json!({"path": "README.md"})).await;
    assert_eq!(now["to"], json!({"name": "work tree", "commit": null}));
    assert!(now["patch"].as_str().unwrap().contains("\n+다른 내용"), "{now}");
}

#[tokio::test]
async fn show_file_reads_what_a_commit_has() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    let tools = workspace.tools().await;
    let file = json!({"path": "notifier/digest.py", "ref": "feature"});
    let shown = tools.ok("git_show_file", file.clone()).await;
    assert!(shown["content"].as_str().unwrap().starts_with("\"\"\"One mail a day"), "{shown}");
    let by_hash = json!({"path": "notifier/digest.py", "ref": &FEATURE[..10]});
    assert_eq!(tools.ok("git_show_file", by_hash).await["content"], shown["content"]);

    let error = tools.fault("git_show_file", json!({"path": "notifier/digest.py"})).await;
    assert_eq!(error.to_string(), "notifier/digest.py is not a file that is there in HEAD");
    let error = tools.fault("git_show_file", json!({"path": "notifier"})).await;
    assert!(error.to_string().contains("a directory"), "{error}");
    let error = tools.fault("git_show_file", json!({"path": "README.md", "ref": "nope"})).await;
    assert_eq!(error.to_string(), "there is no branch, tag or commit \"nope\" in sample");

    commit(&repository, "logo.png", b"\x89PNG\0\0");
    let binary = tools.ok("git_show_file", json!({"path": "logo.png"})).await;
    assert_eq!(binary["content"], Value::Null);
    assert_eq!(binary["note"], "a binary file of 6 bytes, not shown");
}

#[tokio::test]
async fn branch_list_marks_the_current_branch() {
    let workspace = Workspace::with_sample("sample").await;
    let list = workspace.tools().await.ok("git_branch_list", Value::Null).await;
    let branches: Vec<_> = list["branches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|branch| (branch["name"].as_str().unwrap(), branch["current"].as_bool().unwrap()))
        .collect();
    assert_eq!(branches, [("main", true), ("conflict", false), ("feature", false)]);
    assert_eq!(list["branches"][2]["hash"], FEATURE);
    assert_eq!(list["origin"], Value::Null, "it was cloned from nowhere");
    let url = "https://kim:hunter2@github.com/dwp/aura.git";
    git(&workspace.path("sample"), &["remote", "add", "origin", url]);
    let list = workspace.tools().await.ok("git_branch_list", Value::Null).await;
    assert_eq!(list["origin"], "github.com/dwp/aura");
    assert!(!list.to_string().contains("hunter2"), "{list}");
}

#[tokio::test]
async fn one_subject_of_megabytes_hides_neither_branches_nor_commits() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    let path = repository.join(".git/subject");
    std::fs::write(&path, "x".repeat(1_000_000)).unwrap();
    git(&repository, &["commit", "--quiet", "--allow-empty", "-F", path.to_str().unwrap()]);
    let tools = workspace.tools().await;
    let list = tools.ok("git_branch_list", Value::Null).await;
    assert_eq!(list["branches"].as_array().unwrap().len(), 3, "{list}");
    assert_eq!(list["truncated"], false);
    let log = tools.ok("git_log", json!({"limit": 2})).await;
    assert_eq!(log["commits"].as_array().unwrap().len(), 2, "{log}");
    let subject = log["commits"][0]["subject"].as_str().unwrap();
    assert!(subject.ends_with("xx… (1000000 bytes)") && subject.len() < 300, "{subject}");
}

#[tokio::test]
async fn a_repository_without_commits_is_told_apart_from_a_broken_one() {
    let workspace = Workspace::empty();
    git(&workspace.root(), &["init", "--quiet", "new"]);
    let tools = workspace.tools().await;
    let status = tools.ok("git_status", Value::Null).await;
    assert_eq!((&status["branch"], &status["head"]), (&json!("main"), &Value::Null));
    let error = tools.fault("git_log", Value::Null).await;
    assert_eq!(error, ToolError::NotFound("new has no commits yet".into()));
}

#[tokio::test]
async fn output_is_cut_at_a_whole_character_and_says_how_much_is_missing() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    commit(&repository, "long.txt", "가".repeat(1000));
    let tools = workspace.tools_with(|config| config.max_output_bytes = 100).await;
    let shown = tools.ok("git_show_file", json!({"path": "long.txt"})).await;
    let expected = format!("{}\n[... 2900 more bytes]", "가".repeat(33));
    assert_eq!(shown["content"], expected.as_str());
    assert_eq!((&shown["size"], &shown["truncated"]), (&json!(3000), &json!(true)));

    let diff = tools.ok("git_diff", json!({"from": "feature", "to": "main"})).await;
    assert_eq!(diff["truncated"], true);
    assert!(diff["patch"].as_str().unwrap().contains("more bytes]"), "{diff}");
    for n in 0..30 {
        write(&repository, &format!("untracked-{n}.txt"), "x");
    }
    let status = tools.ok("git_status", Value::Null).await;
    assert_eq!(status["truncated"], true);
}

#[tokio::test]
async fn long_lists_are_counted_and_cut() {
    let workspace = Workspace::with_sample("sample").await;
    for n in 0..250 {
        write(&workspace.path("sample"), &format!("untracked-{n}.txt"), "x");
    }
    let status = workspace.tools().await.ok("git_status", Value::Null).await;
    assert_eq!(status["counts"]["untracked"], 250);
    assert_eq!(status["untracked"].as_array().unwrap().len(), 200);
    assert_eq!(status["truncated"], true);
}

#[tokio::test]
async fn a_git_that_does_not_end_is_ended_with_its_children() {
    let workspace = Workspace::with_sample("sample").await;
    let bin = workspace.outside().join("bin");
    let pid = workspace.outside().join("pid");
    let slow = format!(
        "case \"$*\" in *--version) echo git version 2.47.0; exit;; esac\n\
         /bin/sleep 600 & echo $! > {pid}.new; /bin/mv {pid}.new {pid}; wait",
        pid = pid.display()
    );
    script(&bin.join("git"), &slow);
    let tools = workspace
        .tools_with(|config| {
            config.search_path = bin.into();
            config.timeout = Duration::from_secs(1);
        })
        .await;
    let error = tools.fault("git_status", Value::Null).await;
    assert_eq!(error, ToolError::TimedOut { seconds: 1 });
    let child = std::fs::read_to_string(pid).unwrap();
    let stat = format!("/proc/{}/stat", child.trim());
    let deadline = Instant::now() + Duration::from_secs(30);
    // Gone, or a zombie that nobody has collected.
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(Instant::now() < deadline, "the child of git still runs");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn without_a_usable_git_the_tools_are_there_and_say_why_they_fail() {
    let workspace = Workspace::with_sample("sample").await;
    let nowhere = workspace.outside().join("bin");
    let without = workspace.tools_with(|config| config.search_path = nowhere.clone().into()).await;
    let error = without.fault("git_status", Value::Null).await.to_string();
    assert!(error.starts_with("the git tools need git: git cannot be run"), "{error}");

    script(&nowhere.join("git"), "echo git version 2.37.1");
    let old = workspace.tools_with(|config| config.search_path = nowhere.into()).await;
    let error =
        old.fault("git_merge", json!({"source": "feature", "target": "main"})).await.to_string();
    assert_eq!(error, "the git tools need git 2.38 or newer, found 2.37");
}

#[tokio::test]
async fn many_quick_processes_do_not_make_a_call_longer_than_its_limit() {
    let workspace = Workspace::with_sample("sample").await;
    let bin = workspace.outside().join("bin");
    let git = ["/usr/local/bin/git", "/usr/bin/git"];
    let git = git.into_iter().find(|git| std::path::Path::new(git).exists()).unwrap();
    // None of them reaches the limit, all of them together do.
    script(
        &bin.join("git"),
        &format!("case \"$*\" in *--version) ;; *) /bin/sleep 0.7;; esac; exec {git} \"$@\""),
    );
    let tools = workspace
        .tools_with(|config| {
            config.search_path = bin.into();
            config.timeout = Duration::from_secs(2);
        })
        .await;
    let error = tools.fault("git_diff", json!({"from": "main", "to": "feature"})).await;
    assert_eq!(error, ToolError::TimedOut { seconds: 2 });
}
