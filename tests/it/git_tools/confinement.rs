//! No name and no path leads out of the workspace or becomes anything but a name.

use std::os::unix::fs::symlink;

use aura_platform::tools::ToolError;
use serde_json::{Value, json};

use crate::support::git::{Workspace, commit, git, write};

/// A repository outside of the workspace, with a secret in it.
fn secret(workspace: &Workspace) -> std::path::PathBuf {
    let repository = workspace.outside().join("secret");
    std::fs::create_dir(&repository).unwrap();
    git(&repository, &["init", "--quiet"]);
    commit(&repository, "secret.txt", "the secret");
    repository
}

#[tokio::test]
async fn a_branch_name_cannot_be_a_git_option() {
    let workspace = Workspace::with_sample("sample").await;
    let tools = workspace.tools().await;
    let marker = workspace.outside().join("written");
    let output = format!("--output={}", marker.display());
    for name in [output.as_str(), "--help", "-d", "main..feature", "main^", ":/x", "@{-1}", "a b"] {
        let calls = [
            ("git_log", json!({"ref": name})),
            ("git_diff", json!({"from": name})),
            ("git_diff", json!({"from": "main", "to": name})),
            ("git_show_file", json!({"path": "README.md", "ref": name})),
            ("git_merge", json!({"source": name})),
            ("git_merge", json!({"source": "feature", "target": name})),
        ];
        for (tool, arguments) in calls {
            let error = tools.fault(tool, arguments).await;
            assert!(matches!(error, ToolError::InvalidArguments(_)), "{tool} {name:?}: {error}");
        }
    }
    assert!(!marker.exists());
}

#[tokio::test]
async fn a_path_cannot_leave_the_workspace() {
    let workspace = Workspace::with_sample("sample").await;
    let secret = secret(&workspace);
    let tools = workspace.tools().await;
    let absolute = secret.to_str().unwrap();
    for path in ["../secret", "sample/../../secret", absolute, "-C", "a\0b", "a\nb", "", "./sample"]
    {
        let error = tools.fault("git_status", json!({"repository": path})).await;
        assert!(matches!(error, ToolError::InvalidArguments(_)), "{path:?}: {error}");
        let error = tools.fault("git_show_file", json!({"path": path})).await;
        assert!(matches!(error, ToolError::InvalidArguments(_)), "{path:?}: {error}");
    }
}

#[tokio::test]
async fn a_link_out_of_the_workspace_leads_nowhere() {
    let workspace = Workspace::with_sample("sample").await;
    let secret = secret(&workspace);
    symlink(&secret, workspace.path("link")).unwrap();
    symlink(workspace.outside(), workspace.path("up")).unwrap();
    let tools = workspace.tools().await;
    for path in ["link", "up/secret", "up/nothing"] {
        let error = tools.fault("git_status", json!({"repository": path})).await;
        let expected = format!("there is no repository {path:?} in the workspace");
        assert_eq!(error, ToolError::NotFound(expected));
    }
    // Nor is the link a candidate where no repository was named.
    assert_eq!(tools.ok("git_status", Value::Null).await["repository"], "sample");

    // A link that a commit holds is shown as a link, not followed.
    let sample = workspace.path("sample");
    symlink(secret.join("secret.txt"), sample.join("leak")).unwrap();
    git(&sample, &["add", "leak"]);
    git(&sample, &["commit", "--quiet", "-m", "Leak"]);
    let shown = tools.ok("git_show_file", json!({"path": "leak"})).await;
    assert_eq!(shown["content"], secret.join("secret.txt").to_str().unwrap());
    let diff = tools.ok("git_diff", json!({"from": "feature"})).await;
    assert!(!diff.to_string().contains("the secret"), "{diff}");
}

#[tokio::test]
async fn a_repository_above_the_workspace_is_not_reached() {
    let workspace = Workspace::empty();
    git(&workspace.outside(), &["init", "--quiet"]);
    commit(&workspace.outside(), "secret.txt", "the secret");
    std::fs::create_dir(workspace.path("plain")).unwrap();
    let tools = workspace.tools().await;
    let error = tools.fault("git_status", Value::Null).await;
    assert_eq!(error, ToolError::NotFound("there is no repository in the workspace".into()));
    for path in [".", "plain"] {
        let error = tools.fault("git_log", json!({"repository": path})).await.to_string();
        assert!(error.ends_with("is not a git repository"), "{error}");
    }
}

#[tokio::test]
async fn a_directory_inside_a_repository_is_not_the_repository() {
    let workspace = Workspace::with_sample("sample").await;
    let tools = workspace.tools().await;
    let error = tools.fault("git_log", json!({"repository": "sample/notifier"})).await;
    assert_eq!(error, ToolError::NotFound("sample/notifier is not a git repository".into()));
}

#[tokio::test]
async fn without_a_name_the_only_repository_is_meant_and_several_are_listed() {
    let workspace = Workspace::with_sample("one").await;
    let tools = workspace.tools().await;
    assert_eq!(tools.ok("git_status", Value::Null).await["repository"], "one");
    git(&workspace.root(), &["init", "--quiet", "two"]);
    let error = tools.fault("git_status", Value::Null).await.to_string();
    let expected = "the arguments are not valid: `repository`: there are several repositories, \
                    name one of: one, two";
    assert_eq!(error, expected);

    git(&workspace.root(), &["init", "--quiet"]);
    assert_eq!(tools.ok("git_status", Value::Null).await["repository"], "workspace");
}

#[tokio::test]
async fn no_pointer_inside_a_repository_leads_out() {
    let workspace = Workspace::empty();
    let secret = secret(&workspace);
    let root = workspace.root();
    let out = secret.display();

    write(&root, "gitfile/.git", format!("gitdir: {out}/.git\n"));
    std::fs::create_dir(root.join("linked")).unwrap();
    symlink(secret.join(".git"), root.join("linked/.git")).unwrap();
    for name in ["worktree", "alternates", "objects", "refs", "pack"] {
        git(&root, &["init", "--quiet", name]);
        commit(&root.join(name), "a.txt", "a");
    }
    git(&root.join("worktree"), &["config", "core.worktree", secret.to_str().unwrap()]);
    let alternate = format!("{out}/.git/objects\n");
    write(&root, "alternates/.git/objects/info/alternates", alternate);
    for (name, part) in [("objects", "objects"), ("refs", "refs/heads"), ("pack", "objects/pack")] {
        let part = std::path::Path::new(".git").join(part);
        std::fs::remove_dir_all(root.join(name).join(&part)).unwrap();
        symlink(secret.join(&part), root.join(name).join(&part)).unwrap();
    }

    let tools = workspace.tools().await;
    for name in ["gitfile", "linked", "worktree", "alternates", "objects", "refs", "pack"] {
        for tool in ["git_status", "git_log"] {
            let error = tools.fault(tool, json!({"repository": name})).await;
            assert!(matches!(error, ToolError::NotFound(_)), "{name}: {error}");
        }
    }
}

#[tokio::test]
async fn linked_work_trees_and_borrowed_objects_inside_the_workspace_are_fine() {
    let workspace = Workspace::with_sample("sample").await;
    git(&workspace.path("sample"), &["worktree", "add", "--quiet", "../tree", "feature"]);
    git(&workspace.root(), &["clone", "--quiet", "--shared", "sample", "clone"]);
    let tools = workspace.tools().await;
    let status = tools.ok("git_status", json!({"repository": "tree"})).await;
    assert_eq!(status["branch"], "feature");
    let log = tools.ok("git_log", json!({"repository": "clone", "ref": "origin/feature"})).await;
    assert_eq!(log["commits"].as_array().unwrap().len(), 4);
}
