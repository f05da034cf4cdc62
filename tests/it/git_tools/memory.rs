//! No repository makes git take more memory than it may have.

use std::path::{Path, PathBuf};

use aura_platform::domain::Language;
use aura_platform::tools::ToolError;
use serde_json::json;

use crate::support::git::{Workspace, commit, git, read, snapshot};

const MIB: u64 = 1024 * 1024;
/// Memory of one git process in these tests: comparing [`MANY`] lines takes more than that.
const LIMIT: u64 = 64 * MIB;
/// Memory in which git has no room for the large file and another state of it.
const LITTLE: u64 = 16 * MIB;
/// Lines of a file that git has to read and compare to merge it.
const MANY: usize = 500_000;
/// Lines that make a file larger than is compared line by line.
pub const TOO_MANY: usize = 2_500_000;

/// A repository whose settings ask git to compare files of any size line by line, with a large file
/// on `main`, and with branches that change its first line (`first`) and its last (`last`).
pub struct Large {
    workspace: Workspace,
    repository: PathBuf,
}

impl Large {
    pub fn new(count: usize) -> Self {
        let workspace = Workspace::empty();
        let repository = workspace.path("large");
        std::fs::create_dir(&repository).unwrap();
        git(&repository, &["init", "--quiet"]);
        for (key, value) in [
            ("core.bigFileThreshold", "10g"),
            ("core.deltaBaseCacheLimit", "10g"),
            ("diff.renameLimit", "1000000"),
        ] {
            git(&repository, &["config", key, value]);
        }
        commit(&repository, "lines.txt", lines(count, None));
        for (branch, line) in [("first", 0), ("last", count - 1)] {
            git(&repository, &["checkout", "--quiet", "-b", branch, "main"]);
            commit(&repository, "lines.txt", lines(count, Some(line)));
        }
        git(&repository, &["checkout", "--quiet", "main"]);
        Self { workspace, repository }
    }

    pub fn repository(&self) -> &Path {
        &self.repository
    }
}

/// The large file, with one of its lines emptied.
fn lines(count: usize, emptied: Option<usize>) -> String {
    let line = |n: usize| if Some(n) == emptied { "\n".into() } else { format!("{}\n", n % 1000) };
    (0..count).map(line).collect()
}

fn needs_more(error: &ToolError) -> bool {
    error
        .to_string()
        .contains("git needs more memory for this than the 64 MiB that tools.git_max_memory_bytes")
}

#[tokio::test]
async fn a_huge_file_is_not_compared_line_by_line_whatever_the_repository_says() {
    let large = Large::new(TOO_MANY);
    let tools = large.workspace.tools_with(|config| config.max_memory_bytes = LIMIT).await;
    let diff = tools.ok("git_diff", json!({"from": "main", "to": "first"})).await;
    assert_eq!(diff["files"], json!([{"path": "lines.txt", "added": null, "deleted": null}]));
    let file = tools.ok("git_show_file", json!({"path": "lines.txt"})).await;
    assert_eq!(file["size"], lines(TOO_MANY, None).len());
}

#[tokio::test]
async fn a_merge_that_needs_too_much_memory_says_so_before_anybody_is_asked_and_changes_nothing() {
    let large = Large::new(MANY);
    git(&large.repository, &["checkout", "--quiet", "first"]);
    let before = snapshot(&large.repository);
    let merge = json!({"source": "last", "target": "first"});
    let tools = large.workspace.tools_with(|config| config.max_memory_bytes = LIMIT).await;
    let call = tools.tool("git_merge").clone().call(&merge).await.unwrap();
    let error = call.forecast(Language::Korean).await.unwrap_err();
    assert!(needs_more(&error), "{error}");
    let error = tools.fault("git_merge", merge.clone()).await;
    assert!(needs_more(&error), "{error}");
    assert!(snapshot(&large.repository) == before, "something was changed");

    let result = large.workspace.tools().await.ok("git_merge", merge).await;
    assert_eq!(result["merged"], true);
    let merged = read(&large.repository, "lines.txt");
    assert!(merged.starts_with("\n1\n") && merged.ends_with("998\n\n"));
}

/// What is packed as its difference to something larger cannot be written piece by piece.
fn pack_with_differences(repository: &Path) {
    git(repository, &["repack", "--quiet", "-a", "-d", "-f"]);
}

#[tokio::test]
async fn a_work_tree_that_cannot_be_written_for_want_of_memory_loses_nothing() {
    let large = Large::new(TOO_MANY);
    commit(&large.repository, "a.txt", "of main");
    git(&large.repository, &["checkout", "--quiet", "first"]);
    commit(&large.repository, "b.txt", "of first");
    git(&large.repository, &["checkout", "--quiet", "main"]);
    pack_with_differences(&large.repository);
    let (main, head) = (git(&large.repository, &["rev-parse", "main"]), "refs/heads/main");
    let merge = json!({"source": "first", "target": "main"});

    let tools = large.workspace.tools_with(|config| config.max_memory_bytes = LITTLE).await;
    let error = tools.fault("git_merge", merge.clone()).await.to_string();
    assert!(error.contains("git needs more memory"), "{error}");
    assert_eq!(git(&large.repository, &["rev-parse", head]), main);
    assert!(!large.repository.join(".git/index.lock").exists());
    assert!(!large.repository.join(".git").join(head).with_extension("lock").exists());

    git(&large.repository, &["reset", "--quiet", "--hard"]);
    let result = large.workspace.tools().await.ok("git_merge", merge).await;
    assert_eq!(result["merged"], true);
    assert_eq!(read(&large.repository, "b.txt"), "of first");
}

#[tokio::test]
async fn many_files_are_looked_at_without_many_threads() {
    let workspace = Workspace::empty();
    let repository = workspace.path("many");
    std::fs::create_dir(&repository).unwrap();
    git(&repository, &["init", "--quiet"]);
    for number in 0..11_000 {
        std::fs::write(repository.join(format!("{number}.txt")), "x").unwrap();
    }
    commit(&repository, "last.txt", "x");
    git(&repository, &["add", "."]);
    git(&repository, &["commit", "--quiet", "-m", "many"]);
    std::fs::write(repository.join("7.txt"), "changed").unwrap();
    let tools = workspace.tools_with(|config| config.max_memory_bytes = LIMIT).await;
    let status = tools.ok("git_status", json!({})).await;
    assert!(status.to_string().contains("7.txt"), "{status}");
}
