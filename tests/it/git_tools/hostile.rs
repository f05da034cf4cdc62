//! A repository that wants to run a program does not.

use aura_platform::tools::ToolError;
use serde_json::{Value, json};

use crate::support::git::{GitTools, Workspace, commit, git, script, write};

/// A workspace whose sample repository can be given settings that run a program, and the program.
struct Trap {
    workspace: Workspace,
    program: std::path::PathBuf,
    marker: std::path::PathBuf,
}

impl Trap {
    async fn set() -> Self {
        let workspace = Workspace::with_sample("sample").await;
        let marker = workspace.outside().join("it-ran");
        let program = workspace.outside().join("program");
        script(&program, &format!("echo \"$0 $*\" >> {}", marker.display()));
        Self { workspace, program, marker }
    }

    fn configure(&self, key: &str) {
        let program = self.program.to_str().unwrap();
        git(&self.workspace.path("sample"), &["config", key, program]);
    }

    /// An ordinary git does run the program: the trap is a real one.
    fn assert_real(&self, args: &[&str]) {
        let sample = self.workspace.path("sample");
        let _ = std::process::Command::new("git").args(args).current_dir(sample).output().unwrap();
        assert!(self.marker.exists(), "git {args:?} did not spring the trap");
    }

    fn assert_not_sprung(&self) {
        let ran = std::fs::read_to_string(&self.marker).unwrap_or_default();
        assert_eq!(ran, "", "a program was run");
    }
}

async fn use_everything(tools: &GitTools) -> Vec<Result<Value, ToolError>> {
    let mut results = Vec::new();
    for (tool, arguments) in [
        ("git_status", json!({})),
        ("git_diff", json!({})),
        ("git_diff", json!({"from": "main", "to": "feature"})),
        ("git_log", json!({})),
        ("git_show_file", json!({"path": "README.md"})),
        ("git_branch_list", json!({})),
        ("git_merge", json!({"source": "conflict", "target": "main"})),
        ("git_merge", json!({"source": "feature", "target": "main"})),
    ] {
        results.push(tools.run(tool, arguments).await);
    }
    results
}

#[tokio::test]
async fn settings_that_can_be_overridden_run_nothing_and_the_tools_still_work() {
    let trap = Trap::set().await;
    let sample = trap.workspace.path("sample");
    commit(&sample, ".gitattributes", "* diff=evil merge=evil filter=evil\n");
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "core.gitProxy",
        "core.alternateRefsCommand",
        "pager.log",
        "pager.diff",
        "pager.status",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "interactive.diffFilter",
        "gpg.program",
        "gpg.ssh.program",
        "sequence.editor",
        "credential.helper",
        "uploadpack.packObjectsHook",
        "trailer.aura-call.cmd",
        "trailer.aura-call.command",
    ] {
        trap.configure(key);
    }
    for (key, value) in [
        ("log.showSignature", "true"),
        ("commit.gpgSign", "true"),
        ("alias.status", "!touch it-ran"),
        ("alias.merge-tree", "!touch it-ran"),
        ("diff.submodule", "log"),
        ("status.submoduleSummary", "true"),
    ] {
        git(&sample, &["config", key, value]);
    }
    let results = use_everything(&trap.workspace.tools().await).await;
    trap.assert_not_sprung();
    assert!(!sample.join("it-ran").exists());
    for result in &results[..6] {
        assert!(result.is_ok(), "{result:?}");
    }
    assert!(results[7].is_ok(), "{:?}", results[7]);
    trap.assert_real(&["status"]);
}

#[tokio::test]
async fn hooks_do_not_run() {
    let trap = Trap::set().await;
    let sample = trap.workspace.path("sample");
    let hooks = [
        "reference-transaction",
        "post-index-change",
        "pre-merge-commit",
        "post-merge",
        "prepare-commit-msg",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "post-rewrite",
        "pre-auto-gc",
        "fsmonitor-watchman",
    ];
    let own = trap.workspace.outside().join("hooks");
    for hook in hooks {
        for directory in [&sample.join(".git/hooks"), &own] {
            std::fs::create_dir_all(directory).unwrap();
            std::fs::hard_link(&trap.program, directory.join(hook)).unwrap();
        }
    }
    let tools = trap.workspace.tools().await;
    assert!(use_everything(&tools).await[7].is_ok());
    trap.assert_not_sprung();
    git(&sample, &["config", "core.hooksPath", own.to_str().unwrap()]);
    let _ = use_everything(&tools).await;
    trap.assert_not_sprung();
    trap.assert_real(&["update-ref", "refs/heads/other", "HEAD"]);
}

#[tokio::test]
async fn settings_that_cannot_be_overridden_make_the_repository_unusable() {
    for key in
        ["filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "merge.evil.driver"]
    {
        let trap = Trap::set().await;
        let sample = trap.workspace.path("sample");
        commit(&sample, ".gitattributes", "* filter=evil merge=evil\n");
        write(&sample, "README.md", "changed");
        trap.configure(key);
        for result in use_everything(&trap.workspace.tools().await).await {
            let expected = format!(
                "the repository sample is not used: its setting {key:?} would run a program"
            );
            assert_eq!(result.unwrap_err(), ToolError::NotFound(expected));
        }
        trap.assert_not_sprung();
    }
}

#[tokio::test]
async fn settings_hidden_in_an_included_file_or_of_one_work_tree_are_seen_too() {
    let trap = Trap::set().await;
    let sample = trap.workspace.path("sample");
    let setting = format!("[filter \"evil\"]\n\tsmudge = {}\n", trap.program.display());
    write(&sample, "innocent.txt", &setting);
    git(&sample, &["config", "includeIf.onbranch:main.path", "../innocent.txt"]);
    let tools = trap.workspace.tools().await;
    let error = tools.fault("git_status", Value::Null).await.to_string();
    assert!(error.contains("filter.evil.smudge"), "{error}");

    git(&sample, &["config", "--unset", "includeIf.onbranch:main.path"]);
    git(&sample, &["config", "extensions.worktreeConfig", "true"]);
    write(&sample, ".git/config.worktree", &setting);
    let error = tools.fault("git_status", Value::Null).await.to_string();
    assert!(error.contains("filter.evil.smudge"), "{error}");
}

#[tokio::test]
async fn a_missing_object_of_a_partial_clone_is_not_fetched() {
    let trap = Trap::set().await;
    let sample = trap.workspace.path("sample");
    trap.configure("remote.origin.uploadpack");
    for (key, value) in [
        ("remote.origin.url", sample.to_str().unwrap()),
        ("remote.origin.promisor", "true"),
        ("remote.origin.partialCloneFilter", "blob:none"),
        ("extensions.partialClone", "origin"),
        ("protocol.file.allow", "always"),
        ("core.repositoryFormatVersion", "1"),
    ] {
        git(&sample, &["config", key, value]);
    }
    let blob = git(&sample, &["rev-parse", "HEAD:README.md"]);
    // The sample's objects come in one pack: unpack it, then lose one.
    let pack = sample.join(".git/objects/pack");
    let moved = trap.workspace.outside().join("pack");
    if pack.read_dir().unwrap().next().is_some() {
        std::fs::rename(&pack, &moved).unwrap();
        std::fs::create_dir(&pack).unwrap();
        for entry in moved.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "pack") {
                let unpack = "git unpack-objects -q < \"$0\"";
                let done = std::process::Command::new("sh")
                    .args(["-c", unpack, path.to_str().unwrap()])
                    .current_dir(&sample)
                    .status();
                assert!(done.unwrap().success());
            }
        }
    }
    let (fan, rest) = blob.split_at(2);
    std::fs::remove_file(sample.join(".git/objects").join(fan).join(rest)).unwrap();
    let error = trap.workspace.tools().await;
    let error = error.fault("git_show_file", json!({"path": "README.md"})).await;
    assert!(matches!(error, ToolError::Failed(_)), "{error}");
    trap.assert_not_sprung();
    trap.assert_real(&["cat-file", "blob", &blob]);
}

#[tokio::test]
async fn a_bare_repository_hidden_in_a_work_tree_is_not_used() {
    let trap = Trap::set().await;
    git(&trap.workspace.path("sample"), &["init", "--quiet", "--bare", "docs"]);
    let tools = trap.workspace.tools().await;
    let error = tools.fault("git_log", json!({"repository": "sample/docs"})).await;
    assert_eq!(error, ToolError::NotFound("sample/docs is not a git repository".into()));
}
