//! Workspaces with real repositories, and the git tools on them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use aura_platform::shutdown::Tasks;
use aura_platform::tools::git::{self, sample};
use aura_platform::tools::{Tool, ToolError};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use aura_testing::git::{commit, git, write};

use super::call;

/// A directory with `workspace/` in it, so that there is an outside to escape to.
pub(crate) struct Workspace {
    outside: TempDir,
}

impl Workspace {
    /// With no repository.
    pub(crate) fn empty() -> Self {
        let outside = tempfile::tempdir().unwrap();
        std::fs::create_dir(outside.path().join("workspace")).unwrap();
        Self { outside }
    }

    /// With the sample repository under that name.
    pub(crate) async fn with_sample(name: &str) -> Self {
        let workspace = Self::empty();
        sample::create(&workspace.root().join(name), &aura_testing::defaults::git()).await.unwrap();
        workspace
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.outside.path().canonicalize().unwrap()
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.outside().join("workspace")
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root().join(below)
    }

    /// The tools with ordinary limits.
    pub(crate) async fn tools(&self) -> GitTools {
        self.tools_with(|_| ()).await
    }

    pub(crate) async fn tools_with(&self, change: impl FnOnce(&mut git::GitConfig)) -> GitTools {
        let mut config = git::GitConfig {
            workspace_root: Some(self.root().to_owned()),
            timeout: Duration::from_secs(20),
            max_output_bytes: 256 * 1024,
            ..aura_testing::defaults::git()
        };
        change(&mut config);
        GitTools(git::tools(config, Tasks::new()).await.unwrap())
    }
}

#[derive(Clone)]
pub(crate) struct GitTools(pub(crate) Vec<Arc<dyn Tool>>);

impl GitTools {
    pub(crate) fn tool(&self, name: &str) -> &Arc<dyn Tool> {
        self.0.iter().find(|tool| tool.spec().name == name).unwrap()
    }

    /// Runs a call, as the agent does.
    pub(crate) async fn run(&self, name: &str, arguments: Value) -> Result<Value, ToolError> {
        call::run(self.tool(name), &arguments).await
    }

    pub(crate) async fn ok(&self, name: &str, arguments: Value) -> Value {
        self.run(name, arguments).await.unwrap()
    }

    pub(crate) async fn fault(&self, name: &str, arguments: Value) -> ToolError {
        self.run(name, arguments).await.unwrap_err()
    }
}

pub(crate) fn read(repository: &Path, path: &str) -> String {
    std::fs::read_to_string(repository.join(path)).unwrap()
}

/// Every file below a directory with its bytes; links with their targets. Of git's objects, of
/// which more may be there afterwards, nothing.
pub(crate) fn snapshot(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in directory.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let kind = path.symlink_metadata().unwrap().file_type();
            if path.ends_with(".git/objects") {
                continue;
            } else if kind.is_symlink() {
                let target = path.read_link().unwrap().into_os_string().into_encoded_bytes();
                files.insert(path, target);
            } else if kind.is_dir() {
                waiting.push(path);
            } else {
                files.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    files
}

/// Makes an executable file. Another process writes it: had this one a writing handle, a test that
/// forks at that moment would hold it on, and running the file would fail with "text file busy".
pub(crate) fn script(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let write = "rm -f \"$0\" && printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$0\" && chmod 755 \"$0\"";
    let status = Command::new("/bin/sh").arg("-c").arg(write).arg(path).arg(text).status();
    assert!(status.unwrap().success());
}

/// A `git` that can be held up: while it is, whoever starts it waits before it does anything.
pub(crate) struct HeldGit(TempDir);

impl HeldGit {
    /// A git that is not held up yet.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (script, at) = (directory.path().join("git"), directory.path().display().to_string());
        let text = format!(
            "#!/bin/sh\nis_held() {{ [ -e {at}/held ] && case \"$*\" in *\"$(cat {at}/held)\"*) true;; \
             *) false;; esac; }}\nif is_held \"$@\"; then echo $$ > {at}/waits; fi\n\
             while is_held \"$@\"; do sleep 0.02; done\nPATH=${{PATH#{at}:}} exec git \"$@\"\n"
        );
        std::fs::write(&script, text).unwrap();
        let runs = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&script, runs).unwrap();
        Self(directory)
    }

    /// A `PATH` on which it comes first.
    pub(crate) fn path(&self) -> String {
        format!("{}:{}", self.0.path().display(), std::env::var("PATH").unwrap())
    }

    /// Holds up whoever comes from now on.
    pub(crate) fn hold(&self) {
        self.hold_at("");
    }

    /// Holds up from now on whoever comes with this among the arguments.
    pub(crate) fn hold_at(&self, argument: &str) {
        std::fs::write(self.0.path().join("held"), argument).unwrap();
    }

    /// Whether somebody is held up, or was.
    pub(crate) fn waits(&self) -> bool {
        self.0.path().join("waits").exists()
    }

    /// Whether whoever was held up last is there no more.
    pub(crate) fn is_gone(&self) -> bool {
        let pid = std::fs::read_to_string(self.0.path().join("waits")).unwrap();
        !Path::new("/proc").join(pid.trim()).exists()
    }

    /// Ends [`HeldGit::hold`].
    pub(crate) fn let_go(&self) {
        std::fs::remove_file(self.0.path().join("held")).unwrap();
    }
}
