//! `git_merge` and the work trees in which the target is checked out.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

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
async fn a_file_whose_name_is_no_utf8_is_not_overwritten_either() {
    // "한글.txt" in EUC-KR and "café.txt" in Latin-1; the file itself, or a directory above it.
    let names: [&[u8]; 3] = [b"\xc7\xd1\xb1\xdb.txt", b"caf\xe9.txt", b"\xc7\xd1/caf\xe9.txt"];
    for name in names {
        let workspace = Workspace::with_sample("sample").await;
        let repository = workspace.path("sample");
        let file = repository.join(OsStr::from_bytes(name));
        let write_file = |content: &str| {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, content).unwrap();
        };
        git(&repository, &["checkout", "--quiet", "feature"]);
        write_file("theirs");
        git(&repository, &["add", "--all"]);
        git(&repository, &["commit", "--quiet", "-m", "Add it"]);
        git(&repository, &["checkout", "--quiet", "main"]);
        write(&repository, ".git/info/exclude", "*.txt\n");
        write_file("mine");
        let before = snapshot(&repository);
        let tools = workspace.tools().await;
        let merge = json!({"source": "feature", "target": "main"});
        let error = conflict(tools.fault("git_merge", merge.clone()).await);
        let shown = String::from_utf8_lossy(name).into_owned();
        let expected = format!("untracked files would be overwritten: {shown}");
        assert!(error.contains(&expected), "{error}");
        assert_eq!(snapshot(&repository), before);
        std::fs::remove_file(&file).unwrap();
        tools.ok("git_merge", merge).await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "theirs");
    }
}

#[tokio::test]
async fn a_work_tree_whose_path_is_no_utf8_is_taken_along() {
    let workspace = Workspace::with_sample("sample").await;
    let repository = workspace.path("sample");
    let linked = workspace.root().join(OsStr::from_bytes(b"caf\xe9"));
    let added = std::process::Command::new("git")
        .args(["worktree", "add", "--quiet", "-b", "elsewhere"])
        .arg(&linked)
        .current_dir(&repository)
        .output()
        .unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let merge = json!({"repository": "sample", "source": "feature", "target": "elsewhere"});
    let merged = workspace.tools().await.ok("git_merge", merge).await;
    assert_eq!(merged["workTreeUpdated"], true);
    assert!(linked.join("notifier/digest.py").exists());
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
