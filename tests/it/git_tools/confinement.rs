//! No name and no path leads out of the workspace or becomes anything but a name.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

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
            ("git_merge", json!({"source": name, "target": "main"})),
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

/// What a status of that repository is refused with.
async fn refusal(workspace: &Workspace, name: &str) -> String {
    let error = workspace.tools().await.fault("git_status", json!({"repository": name})).await;
    let ToolError::NotFound(message) = error else { panic!("{name}: {error}") };
    let start = format!("the repository {name} is not used: ");
    message.strip_prefix(&start).unwrap_or_else(|| panic!("{message}")).to_owned()
}

#[tokio::test]
async fn no_file_or_directory_at_any_level_of_a_git_directory_is_a_link_that_leads_out() {
    let workspace = Workspace::empty();
    let secret = secret(&workspace);
    git(&secret, &["repack", "-adq"]);
    let outside = secret.join(".git");
    let pack = outside.join("objects/pack").read_dir().unwrap().next().unwrap().unwrap().path();
    let pack_name = pack.file_name().unwrap().to_str().unwrap();
    for (n, (at, target)) in [
        (format!("objects/pack/{pack_name}"), pack.as_path()),
        ("objects/fa".into(), Path::new("objects")),
        ("objects/fb/0123".into(), &pack),
        ("objects/info/commit-graph".into(), &pack),
        ("objects/info/commit-graphs/graph-1.graph".into(), &pack),
        ("reftable/tables.list".into(), Path::new("HEAD")),
        ("refs/heads/deep/er".into(), Path::new("HEAD")),
        ("logs/refs/x".into(), Path::new("HEAD")),
        ("info/exclude".into(), Path::new("config")),
        ("worktrees/x/HEAD".into(), Path::new("HEAD")),
        ("packed-refs".into(), Path::new("HEAD")),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("r{n}");
        git(&workspace.root(), &["init", "--quiet", &name]);
        commit(&workspace.path(&name), "a.txt", "a");
        let link = workspace.path(&name).join(".git").join(&at);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(&link);
        symlink(outside.join(target), &link).unwrap();
        let why = refusal(&workspace, &name).await;
        assert_eq!(why, "a link in its git directory leads outside", "{at}");
    }
}

#[tokio::test]
async fn a_link_that_stays_inside_is_followed_to_one_that_does_not() {
    let workspace = Workspace::with_sample("sample").await;
    let secret = secret(&workspace);
    let pack = workspace.path("sample/.git/objects/pack");
    std::fs::rename(&pack, workspace.path("packs")).unwrap();
    symlink("../../../packs", &pack).unwrap();
    workspace.tools().await.ok("git_log", json!({"repository": "sample"})).await;
    symlink(secret.join("secret.txt"), workspace.path("packs/x.idx")).unwrap();
    let why = refusal(&workspace, "sample").await;
    assert_eq!(why, "a link in its git directory leads outside");
}

#[tokio::test]
async fn borrowed_objects_are_looked_at_like_the_repositorys_own() {
    let workspace = Workspace::with_sample("sample").await;
    let secret = secret(&workspace);
    git(&workspace.root(), &["clone", "--quiet", "--shared", "sample", "clone"]);
    symlink(secret.join("secret.txt"), workspace.path("sample/.git/objects/pack/x.idx")).unwrap();
    let why = refusal(&workspace, "clone").await;
    assert_eq!(why, "a link in its git directory leads outside");
}

#[tokio::test]
async fn a_list_of_borrowed_objects_cannot_be_read_differently_by_git() {
    let workspace = Workspace::with_sample("sample").await;
    let secret = secret(&workspace);
    let objects = workspace.path("sample/.git/objects");
    let out = secret.join(".git/objects");
    // Each is something inside for one who takes the line as it stands.
    let quoted = format!("\"{}\"", out.display());
    std::fs::create_dir_all(objects.join(&quoted)).unwrap();
    std::fs::create_dir_all(workspace.path("a/b/c/d/e/f")).unwrap();
    symlink(workspace.path("a/b/c/d/e/f"), objects.join("deep")).unwrap();
    std::fs::create_dir_all(workspace.path("a/b/secret/.git/objects")).unwrap();
    let climbing = "deep/../../../../../secret/.git/objects";
    for line in [quoted.as_str(), climbing] {
        write(&objects, "info/alternates", line);
        let why = refusal(&workspace, "sample").await;
        assert_eq!(why, "its list of borrowed objects has an unusual path");
    }
    // Only git's own line end is one.
    std::fs::create_dir_all(objects.join("x")).unwrap();
    write(&objects, "info/alternates", "x\r\n");
    assert!(refusal(&workspace, "sample").await.contains("outside of the workspace"));
}

#[tokio::test]
async fn a_pipe_in_place_of_the_list_of_borrowed_objects_holds_nobody_up() {
    let workspace = Workspace::with_sample("sample").await;
    let list = workspace.path("sample/.git/objects/info/alternates");
    std::fs::create_dir_all(list.parent().unwrap()).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&list).status().unwrap();
    assert!(made.success());
    // On one thread: a look that blocked it would not even let the time run out.
    let tools = workspace.tools_with(|config| config.timeout = Duration::from_secs(2)).await;
    let error = tools.fault("git_status", Value::Null).await;
    assert!(matches!(error, ToolError::TimedOut { .. } | ToolError::NotFound(_)), "{error}");
}

#[tokio::test]
async fn many_lists_that_name_each_other_again_and_again_are_read_once_each() {
    let workspace = Workspace::with_sample("sample").await;
    let objects = workspace.path("sample/.git/objects");
    let all: Vec<_> = (0..5).map(|n| workspace.path(&format!("lender-{n}"))).collect();
    let lines: String = all.iter().map(|path| format!("{}\n", path.display())).collect();
    for lender in &all {
        write(lender, "info/alternates", lines.repeat(100));
    }
    write(&objects, "info/alternates", format!("{}\n", all[0].display()));
    let status = workspace.tools().await.run("git_branch_list", Value::Null).await;
    // Git itself may find that too much; it is not refused by the look, and ends.
    assert!(!matches!(status, Err(ToolError::NotFound(_))), "{status:?}");

    write(&objects, "info/alternates", "# much\n".repeat(10_000));
    assert!(refusal(&workspace, "sample").await.contains("is too long"));
    let many: String =
        (0..101).map(|n| format!("{}\n", objects.join(format!("m{n}")).display())).collect();
    for n in 0..101 {
        std::fs::create_dir(objects.join(format!("m{n}"))).unwrap();
    }
    write(&objects, "info/alternates", many);
    assert!(refusal(&workspace, "sample").await.contains("too many places"));
}
