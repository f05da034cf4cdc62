//! `git_merge`: all or nothing.

use std::path::Path;

use aura_platform::tools::ToolError;
use serde_json::{Value, json};

use super::{conflict, is_clean};
use crate::support::call::question;
use crate::support::git::{Workspace, commit, git, read, script, snapshot, write};

#[tokio::test]
async fn a_merge_takes_the_checked_out_work_tree_along() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    let (old, theirs) =
        (git(&repository, &["rev-parse", "main"]), git(&repository, &["rev-parse", "feature"]));
    let tools = workspace.tools().await;
    let merged = tools.ok("git_merge", json!({"source": "feature", "target": "main"})).await;

    let new = git(&repository, &["rev-parse", "main"]);
    let expected = json!({
        "merged": true,
        "alreadyUpToDate": false,
        "repository": "sample",
        "source": "feature",
        "target": "main",
        "commit": new,
        "previous": old,
        "merges": theirs,
        "filesChanged": 2,
        "files": ["config/settings.toml", "notifier/digest.py"],
        "workTreeUpdated": true,
    });
    assert_eq!(merged, expected);
    assert_eq!(git(&repository, &["log", "-1", "--format=%P"]), format!("{old} {theirs}"));
    let by = git(&repository, &["log", "-1", "--format=%an <%ae> %cn <%ce>"]);
    assert_eq!(by, "Aura-Platform <aura@dwp.local> Aura-Platform <aura@dwp.local>");
    let message = git(&repository, &["log", "-1", "--format=%B"]);
    assert_eq!(message, "Merge branch 'feature' into main\n\nAura-Call: call_1");
    assert_eq!(
        git(&repository, &["log", "-1", "--format=%(trailers:key=Aura-Call,valueonly)"]),
        "call_1"
    );
    assert!(is_clean(&repository));
    assert!(read(&repository, "notifier/digest.py").contains("def is_due"));
    assert!(git(&repository, &["reflog", "-1"]).contains("merge feature: approved"));
    git(&repository, &["fsck", "--strict"]);
}

#[tokio::test]
async fn a_conflict_leaves_the_repository_byte_for_byte_as_it_was() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    write(&repository, "untracked.txt", "mine");
    let before = snapshot(&repository);
    let tools = workspace.tools().await;
    let error = tools.fault("git_merge", json!({"source": "conflict", "target": "main"})).await;
    let expected = "conflict cannot be merged into main: conflict in notifier/mailer.py; \
                    nothing was changed";
    assert_eq!(conflict(error), expected);
    assert_eq!(snapshot(&repository), before);
    assert!(!repository.join(".git/MERGE_HEAD").exists());
}

#[tokio::test]
async fn a_merge_into_a_branch_that_is_not_checked_out_leaves_the_work_tree_alone() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    // Not even uncommitted changes are in its way.
    write(&repository, "README.md", "changed");
    git(&repository, &["branch", "release", "main~1"]);
    let before = snapshot(&repository);
    let tools = workspace.tools().await;
    let merged = tools.ok("git_merge", json!({"source": "feature", "target": "release"})).await;
    assert_eq!(merged["workTreeUpdated"], false);
    let mut after = snapshot(&repository);
    after.retain(|path, content| before.get(path) != Some(content));
    let changed: Vec<_> =
        after.keys().map(|path| path.strip_prefix(&repository).unwrap()).collect();
    assert_eq!(
        changed,
        [Path::new(".git/logs/refs/heads/release"), Path::new(".git/refs/heads/release")]
    );
}

#[tokio::test]
async fn nobody_is_asked_about_a_merge_into_whatever_may_be_current_then() {
    let workspace = Workspace::with_sample("sample").await;
    let tools = workspace.tools().await;
    let required = &tools.tool("git_merge").spec().parameters["required"];
    assert_eq!(*required, json!(["source", "target"]));
    for call in [json!({"source": "feature"}), json!({"source": "feature", "target": null})] {
        let error = tools.fault("git_merge", call).await.to_string();
        assert_eq!(error, "the arguments are not valid: missing field `target`");
    }
}

#[tokio::test]
async fn what_is_merged_already_is_a_success_that_says_so() {
    let workspace = Workspace::with_sample("sample").await;
    let tools = workspace.tools().await;
    let first = tools.ok("git_merge", json!({"source": "feature", "target": "main"})).await;
    let second = tools.ok("git_merge", json!({"source": "feature", "target": "main"})).await;
    assert_eq!((&second["merged"], &second["alreadyUpToDate"]), (&json!(false), &json!(true)));
    assert_eq!(second["commit"], first["commit"]);
}

#[tokio::test]
async fn a_fast_forward_gets_a_merge_commit_too() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    git(&repository, &["branch", "base", "feature~1"]);
    let tools = workspace.tools().await;
    let call =
        json!({"source": "feature", "target": "base", "message": "기능 병합\n\n자세한 설명"});
    tools.ok("git_merge", call).await;
    let message = git(&repository, &["log", "-1", "--format=%B", "base"]);
    assert_eq!(message, "기능 병합\n\n자세한 설명\n\nAura-Call: call_1");
    let parents = git(&repository, &["log", "-1", "--format=%P", "base"]);
    assert_eq!(parents.split(' ').count(), 2);
}

#[tokio::test]
async fn the_repositorys_own_identity_is_used() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    git(&repository, &["config", "user.name", "박하나"]);
    git(&repository, &["config", "user.email", "hana@dwp.example"]);
    workspace.tools().await.ok("git_merge", json!({"source": "feature", "target": "main"})).await;
    let by = git(&repository, &["log", "-1", "--format=%an <%ae>"]);
    assert_eq!(by, "박하나 <hana@dwp.example>");
}

#[tokio::test]
async fn branches_that_are_not_there_or_share_nothing_are_not_merged() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    git(&repository, &["tag", "v1", "feature"]);
    let tools = workspace.tools().await;
    for source in ["nope", "v1", "HEAD"] {
        let error = tools.fault("git_merge", json!({"source": source, "target": "main"})).await;
        let expected = format!("there is no branch {source:?} in sample");
        assert_eq!(error, ToolError::NotFound(expected));
    }
    git(&repository, &["checkout", "--quiet", "--orphan", "island"]);
    git(&repository, &["commit", "--quiet", "-m", "Island"]);
    git(&repository, &["checkout", "--quiet", "main"]);
    let error = tools.fault("git_merge", json!({"source": "island", "target": "main"})).await;
    let expected = "island and main have no common history; nothing was changed";
    assert_eq!(conflict(error), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merges_at_once_into_one_branch_all_arrive() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    for n in 0..6 {
        git(&repository, &["checkout", "--quiet", "-b", &format!("topic-{n}"), "main"]);
        commit(&repository, &format!("topic-{n}.txt"), "x");
    }
    git(&repository, &["checkout", "--quiet", "main"]);
    let tools = workspace.tools().await;
    let merges = (0..6).map(|n| {
        let tools = tools.clone();
        async move {
            tools.run("git_merge", json!({"source": format!("topic-{n}"), "target": "main"})).await
        }
    });
    let results: Vec<Result<Value, ToolError>> = futures::future::join_all(merges).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    for n in 0..6 {
        git(&repository, &["merge-base", "--is-ancestor", &format!("topic-{n}"), "main"]);
        assert!(repository.join(format!("topic-{n}.txt")).exists());
    }
    assert!(is_clean(&repository));
    assert_eq!(git(&repository, &["rev-list", "--count", "--merges", "main"]), "6");
}

/// A `git` that does something before, or instead of, one of its commands.
fn meddling_git(workspace: &Workspace, on: &str, meddle: &str) -> std::path::PathBuf {
    let bin = workspace.outside().join("bin");
    let git = ["/usr/local/bin/git", "/usr/bin/git"].iter().find(|git| Path::new(git).exists());
    let git = git.expect("git is installed");
    let text = format!("case \"$*\" in *\"{on}\"*) {meddle};; esac\nexec {git} \"$@\"");
    script(&bin.join("git"), &text);
    bin
}

#[tokio::test]
async fn a_branch_that_moves_meanwhile_is_not_overwritten() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    git(&repository, &["checkout", "--quiet", "conflict"]);
    // Somebody moves the branch after the merge was computed, before it is published.
    let moved = "/usr/bin/env git update-ref refs/heads/main refs/heads/main~1";
    let meddle = format!("PATH=/usr/local/bin:/usr/bin:/bin {moved}");
    let bin = meddling_git(&workspace, "commit-tree", &meddle);
    let theirs = git(&repository, &["rev-parse", "main~1"]);
    let tools = workspace.tools_with(|config| config.search_path = bin.into()).await;
    let error = tools.fault("git_merge", json!({"source": "feature", "target": "main"})).await;
    let expected = "main was changed by somebody else meanwhile; nothing was done";
    assert_eq!(conflict(error), expected);
    assert_eq!(git(&repository, &["rev-parse", "main"]), theirs);
}

#[tokio::test]
async fn a_work_tree_that_could_not_be_written_to_the_end_goes_back() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    let before = git(&repository, &["rev-parse", "main"]);
    // Half of the merge is written, then git fails.
    let meddle = "case \"$*\" in *\" -n \"*) ;; *) \
        echo half > notifier/digest.py; echo half > config/settings.toml; exit 128;; esac";
    let bin = meddling_git(&workspace, "read-tree -m -u", meddle);
    let tools = workspace.tools_with(|config| config.search_path = bin.into()).await;
    let error = tools.fault("git_merge", json!({"source": "feature", "target": "main"})).await;
    assert!(matches!(&error, ToolError::Failed(why) if why.contains("read-tree")), "{error}");
    assert_eq!(git(&repository, &["rev-parse", "main"]), before);
    assert!(is_clean(&repository), "{}", git(&repository, &["status", "--porcelain"]));
    assert!(!repository.join("notifier/digest.py").exists());
    assert!(!repository.join(".git/refs/heads/main.lock").exists());
    // Nothing stands in the way of another attempt.
    workspace.tools().await.ok("git_merge", json!({"source": "feature", "target": "main"})).await;
}

#[tokio::test]
async fn the_question_is_one_line_that_names_what_will_happen() {
    let workspace = Workspace::with_sample("sample").await;
    let tools = workspace.tools().await;
    let ask = async |arguments: Value| question(tools.tool("git_merge"), &arguments).await;
    let expected = "\"feature\" 브랜치를 \"main\" 브랜치에 병합할까요? 저장소: \"sample\"";
    for prefix in ["", "refs/heads/"] {
        let (source, target) = (format!("{prefix}feature"), format!("{prefix}main"));
        let asked = ask(json!({"source": source, "target": target})).await;
        assert_eq!(asked.unwrap(), expected);
    }
    let elsewhere = json!({"source": "feature", "target": "main", "repository": "other"});
    assert!(matches!(ask(elsewhere).await, Err(ToolError::NotFound(_))));
    assert!(ask(json!({"source": "a\nb", "target": "main"})).await.is_err());
}

#[tokio::test]
async fn a_lock_that_somebody_left_behind_is_named() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    write(&repository, ".git/refs/heads/main.lock", "");
    let tools = workspace.tools().await;
    let call = json!({"source": "feature", "target": "main"});
    let error = conflict(tools.fault("git_merge", call.clone()).await);
    let expected = "main is locked by another git, or by one that died: if none is at work, \
                    remove .git/refs/heads/main.lock; nothing was done";
    assert_eq!(error, expected);
    assert!(is_clean(&repository));
    std::fs::remove_file(repository.join(".git/refs/heads/main.lock")).unwrap();
    tools.ok("git_merge", call).await;
}
