//! What `serve --dev` prints is true of what is used (contract, section 9).

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use reqwest::{Method, StatusCode};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::app::{PATIENCE, client, eventually};
use crate::support::redis::RedisServer;

/// A server as a person starts it, with these variables and no others.
struct Started {
    process: Child,
    banner: String,
    _directory: TempDir,
}

/// `serve --dev` in a directory of its own, with next to no environment.
fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aura-platform"));
    command
        .args(["serve", "--dev"])
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TMPDIR", directory)
        .env("API_PORT", "0")
        .env("LOG_LEVEL", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn terminate(process: &Child) {
    let pid = i32::try_from(process.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
}

impl Started {
    async fn with(variables: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let mut process =
            command(directory.path()).envs(variables.iter().copied()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut banner = String::new();
        timeout(PATIENCE, async {
            while !banner.contains("\ngit -C ") {
                let line = lines.next_line().await.unwrap().expect("the server ended");
                banner.push_str(&line);
                banner.push('\n');
            }
        })
        .await
        .unwrap_or_else(|_| panic!("no banner: {banner}"));
        Self { process, banner, _directory: directory }
    }

    /// The rest of the line that begins so.
    fn line(&self, name: &str) -> &str {
        let mut lines = self.banner.lines().filter_map(|line| line.trim().strip_prefix(name));
        lines.next().unwrap_or_else(|| panic!("no {name} in {}", self.banner)).trim()
    }

    async fn end(mut self) {
        terminate(&self.process);
        timeout(PATIENCE, self.process.wait()).await.expect("it does not end").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_for_development_tells_what_it_made_up_and_takes_it_away() {
    let started = Started::with(&[]).await;
    assert_eq!(started.line("store"), "in memory: what is kept there ends with this process");
    assert_eq!(started.line("model"), "builtin-planner");
    let (workspace, of_workspace) = started.line("workspace").split_once(" (").unwrap();
    assert_eq!(of_workspace, "a sample, removed at the end)");
    assert!(std::fs::exists(workspace).unwrap(), "{workspace}");
    assert!(started.banner.contains("(user 1 of tenant 1, for 24 hours and as long as this"));

    // The printed token is good for what the printed lines say, with and without X-User-ID.
    let url = started.line("health").replace("/health", "/aura/sessions");
    let request = client().request(Method::GET, url).bearer_auth(started.line("token"));
    let response = request.header("X-Tenant-ID", "1").header("X-User-ID", "1").send().await;
    assert_eq!(response.unwrap().status(), StatusCode::OK);
    let page = client().get(started.line("interface")).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);

    // The `ask` line works as it stands.
    let line = started.banner.lines().find(|line| line.starts_with("AURA_TOKEN=")).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{line} --approve")]).stdin(Stdio::null()).kill_on_drop(true);
    let asked = timeout(PATIENCE, shell.output()).await.expect("it does not end").unwrap();
    assert_eq!(asked.status.code(), Some(0), "{}", String::from_utf8_lossy(&asked.stderr));

    let workspace = workspace.to_owned();
    started.end().await;
    assert!(!std::fs::exists(&workspace).unwrap(), "{workspace} is still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_server_has_left_is_taken_away_by_the_next_and_a_living_one_keeps_its_own() {
    let shared = TempDir::new().unwrap();
    let shared_with = [("TMPDIR", shared.path().to_str().unwrap())];
    let start = || Started::with(&shared_with);
    let workspace =
        |started: &Started| started.line("workspace").split_once(" (").unwrap().0.to_owned();
    let (mut killed, living) = (start().await, start().await);
    killed.process.kill().await.unwrap();
    assert!(std::fs::exists(workspace(&killed)).unwrap(), "nobody was there to remove it");
    let next = start().await;
    assert!(!std::fs::exists(workspace(&killed)).unwrap());
    for started in [living, next] {
        assert!(std::fs::exists(workspace(&started)).unwrap());
        started.end().await;
    }
    let left: Vec<_> = shared.path().read_dir().unwrap().map(|e| e.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_is_broken_off_leaves_nothing_behind() {
    // A git that does not come to an end holds the start up.
    let programs = TempDir::new().unwrap();
    let (git, called) = (programs.path().join("git"), programs.path().join("called"));
    let script = format!("#!/bin/sh\n: > {}\nexec sleep 600\n", called.display());
    std::fs::write(&git, script).unwrap();
    std::fs::set_permissions(&git, Permissions::from_mode(0o755)).unwrap();
    let git_path = format!("{}:/usr/bin:/bin", programs.path().display());

    let directory = TempDir::new().unwrap();
    let mut command = command(directory.path());
    let mut process = command.env("AURA__TOOLS__GIT_PATH", git_path).spawn().unwrap();
    eventually("git is called", async || called.exists()).await;
    terminate(&process);
    let ended = timeout(PATIENCE, process.wait()).await.expect("it does not end").unwrap();
    assert_eq!(ended.code(), Some(0), "told to stop, and stopped");
    let left: Vec<_> = directory.path().read_dir().unwrap().map(|e| e.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_for_development_tells_what_it_was_given() {
    let redis = RedisServer::start();
    let repository = TempDir::new().unwrap();
    let sample = aura_platform::tools::git::sample::create(
        repository.path(),
        &aura_testing::defaults::git(),
    )
    .await
    .unwrap();
    let started = Started::with(&[
        ("REDIS_URL", &redis.url()),
        ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1"),
        ("OPENAI_MODEL", "qwen"),
        ("WORKSPACE_ROOT", sample.to_str().unwrap()),
        ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
    ])
    .await;
    let store = format!("Redis, {}: what is kept there outlives this process", redis.url());
    assert_eq!(started.line("store"), store);
    assert_eq!(started.line("model"), "qwen");
    assert_eq!(started.line("workspace"), sample.to_str().unwrap());
    assert!(started.banner.contains("(user 1 of tenant 1, for 24 hours)"), "{}", started.banner);
    started.end().await;
    assert!(std::fs::exists(&sample).unwrap(), "what was given is not taken away");
}
