//! `git_merge` and the work trees in which the target is checked out.

use serde_json::json;

use super::{conflict, is_clean};
use crate::support::git::{Workspace, commit, git, read, snapshot, write};

#[tokio::test]
async fn uncommitted_changes_are_in_the_way_of_a_merge() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    let tools = workspace.tools().await;
    for stage in [false, true] {
        write(&repository, "README.md", "changed");
        if stage {
            git(&repository, &["add", "README.md"]);
        }
        let before = snapshot(&repository);
        let error = conflict(
            tools.fault("git_merge", json!({"source": "feature", "target": "main"})).await,
        );
        let expected = "the work tree sample cannot take the merge: it has uncommitted changes in \
                        README.md; nothing was changed";
        assert_eq!(error, expected);
        assert_eq!(snapshot(&repository), before);
    }
}

#[tokio::test]
async fn untracked_files_are_never_overwritten_not_even_ignored_ones() {
    // In the place of an added file, below it, and in the place of a directory above it.
    for path in ["docs/guide.md", "docs/guide.md/mine.txt", "docs"] {
        for ignored in ["", "docs\nguide.md\nmine.txt\n"] {
            let workspace = Workspace::with_sample("sample").await;
            let repository = workspace.path("sample");
            git(&repository, &["checkout", "--quiet", "feature"]);
            commit(&repository, "docs/guide.md", "guide");
            git(&repository, &["checkout", "--quiet", "main"]);
            write(&repository, ".git/info/exclude", ignored);
            write(&repository, path, "mine");
            let before = snapshot(&repository);
            let tools = workspace.tools().await;
            let error = conflict(
                tools.fault("git_merge", json!({"source": "feature", "target": "main"})).await,
            );
            let expected = format!(
                "the work tree sample cannot take the merge: \
                 untracked files would be overwritten: {path}; nothing was changed"
            );
            assert_eq!(error, expected);
            assert_eq!(snapshot(&repository), before);
        }
    }
}

#[tokio::test]
async fn a_file_may_become_a_directory_and_a_directory_a_file() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    git(&repository, &["checkout", "--quiet", "feature"]);
    git(&repository, &["rm", "--quiet", "-r", "README.md", "config"]);
    write(&repository, "README.md/ko.md", "한국어");
    commit(&repository, "config", "now a file");
    commit(&repository, "README.md/ko.md", "한국어");
    git(&repository, &["checkout", "--quiet", "main"]);
    git(&repository, &["reset", "--quiet", "--hard", "feature~3"]);
    workspace.tools().await.ok("git_merge", json!({"source": "feature", "target": "main"})).await;
    assert_eq!(read(&repository, "README.md/ko.md"), "한국어");
    assert_eq!(read(&repository, "config"), "now a file");
    assert!(is_clean(&repository));
}

#[tokio::test]
async fn a_link_in_the_work_tree_does_not_carry_a_merge_outside() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    git(&repository, &["checkout", "--quiet", "feature"]);
    commit(&repository, "docs/guide.md", "guide");
    git(&repository, &["checkout", "--quiet", "main"]);
    let outside = workspace.outside().join("elsewhere");
    std::fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, repository.join("docs")).unwrap();
    write(&repository, ".git/info/exclude", "docs\n");
    write(&outside, "guide.md", "not yours");
    write(&outside, "guide.md.d/x", "not yours");
    let call = json!({"source": "feature", "target": "main"});
    let error = conflict(workspace.tools().await.fault("git_merge", call).await);
    let expected = "the work tree sample cannot take the merge: \
                    untracked files would be overwritten: docs; nothing was changed";
    assert_eq!(error, expected);
    assert_eq!(read(&outside, "guide.md"), "not yours");
}

#[tokio::test]
async fn something_else_in_progress_is_in_the_way() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    git(&repository, &["merge", "--quiet", "--no-commit", "--no-ff", "-s", "ours", "conflict"]);
    let error = workspace
        .tools()
        .await
        .fault("git_merge", json!({"source": "feature", "target": "main"}))
        .await;
    assert!(conflict(error).contains("something else is in progress there (MERGE_HEAD)"));
}

#[tokio::test]
async fn a_target_checked_out_in_a_linked_work_tree_is_taken_along_there() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    git(&repository, &["branch", "release", "main~1"]);
    git(&repository, &["worktree", "add", "--quiet", "../release", "release"]);
    let linked = workspace.path("release");
    let tools = workspace.tools().await;
    let call = json!({"repository": "sample", "source": "feature", "target": "release"});

    write(&linked, "README.md", "changed");
    let error = conflict(tools.fault("git_merge", call.clone()).await);
    assert!(error.starts_with("the work tree release cannot take the merge"), "{error}");
    git(&linked, &["checkout", "--quiet", "README.md"]);

    assert_eq!(tools.ok("git_merge", call).await["workTreeUpdated"], true);
    assert!(linked.join("notifier/digest.py").exists());
    assert!(!repository.join("notifier/digest.py").exists());
    assert!(is_clean(&linked) && is_clean(&repository));

    // And from the linked one into the branch of the main one.
    let call = json!({"repository": "release", "source": "feature", "target": "main"});
    assert_eq!(tools.ok("git_merge", call).await["workTreeUpdated"], true);
    assert!(repository.join("notifier/digest.py").exists());
    assert!(is_clean(&linked) && is_clean(&repository));
}

#[tokio::test]
async fn a_target_checked_out_outside_of_the_workspace_is_refused() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    git(&repository, &["branch", "release", "main~1"]);
    git(&repository, &["worktree", "add", "--quiet", "../../outer", "release"]);
    let before = git(&repository, &["rev-parse", "release"]);
    let tools = workspace.tools().await;
    let error = tools.fault("git_merge", json!({"source": "feature", "target": "release"})).await;
    assert_eq!(conflict(error), "release is checked out in a work tree that cannot be used");
    assert_eq!(git(&repository, &["rev-parse", "release"]), before);
}

#[tokio::test]
async fn an_untracked_link_to_the_whole_machine_is_named_and_not_walked() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    git(&repository, &["checkout", "--quiet", "feature"]);
    commit(&repository, "d/etc", "a file");
    commit(&repository, "d/usr/bin", "another");
    git(&repository, &["checkout", "--quiet", "main"]);
    std::os::unix::fs::symlink("/", repository.join("d")).unwrap();
    let call = json!({"source": "feature", "target": "main"});
    let error = conflict(workspace.tools().await.fault("git_merge", call).await);
    let expected = "the work tree sample cannot take the merge: \
                    untracked files would be overwritten: d; nothing was changed";
    assert_eq!(error, expected);
}

#[tokio::test]
async fn a_tracked_link_may_become_a_directory() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    let outside = workspace.outside().join("elsewhere");
    write(&outside, "secret", "not yours");
    std::os::unix::fs::symlink(&outside, repository.join("d")).unwrap();
    git(&repository, &["add", "d"]);
    git(&repository, &["commit", "--quiet", "-m", "Link"]);
    git(&repository, &["checkout", "--quiet", "-b", "topic"]);
    git(&repository, &["rm", "--quiet", "d"]);
    commit(&repository, "d/secret", "ours");
    git(&repository, &["checkout", "--quiet", "main"]);
    let call = json!({"source": "topic", "target": "main"});
    workspace.tools().await.ok("git_merge", call).await;
    assert_eq!(read(&repository, "d/secret"), "ours");
    assert_eq!(read(&outside, "secret"), "not yours");
    assert!(is_clean(&repository));
}

#[tokio::test]
async fn of_very_many_untracked_files_only_some_are_named() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    git(&repository, &["checkout", "--quiet", "feature"]);
    commit(&repository, "docs", "a file");
    git(&repository, &["checkout", "--quiet", "main"]);
    for n in 0..80 {
        write(&repository, &format!("docs/{n}.txt"), "mine");
    }
    let call = json!({"source": "feature", "target": "main"});
    let error = conflict(workspace.tools().await.fault("git_merge", call).await);
    assert!(error.ends_with("and more; nothing was changed"), "{error}");
    assert_eq!(error.matches("docs/").count(), 50);
}
