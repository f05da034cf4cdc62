//! The image's process 1: what children of children leave behind is waited for.

use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::app::{PATIENCE, eventually};

const DOCKERFILE: &str = include_str!("../../Dockerfile");

/// An MCP server that leaves processes behind, over and over: each belongs to process 1 at once, and
/// is a zombie as soon as it has ended, unless somebody waits for it.
const DAEMONISING: &str = r#"
import os, time
for number in range(20):
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(0.05)
            open(f"left-{number}", "w").close()
        os._exit(0)
    os.wait()
time.sleep(600)
"#;

/// What the image runs before the service's own arguments.
fn entrypoint() -> Vec<String> {
    let line = DOCKERFILE.lines().find_map(|line| line.strip_prefix("ENTRYPOINT ")).unwrap();
    serde_json::from_str(line).unwrap()
}

/// The processes whose parent is this one, with their states.
fn children(parent: u32) -> Vec<(u32, char)> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = processes.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, std::fs::read_to_string(entry.path().join("stat")).ok()?))
    });
    let of_parent = stats.filter_map(|(pid, stat)| {
        // The name, in parentheses, may have blanks.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let (state, of) = (fields.next()?.chars().next()?, fields.next()?.parse::<u32>().ok()?);
        (of == parent).then_some((pid, state))
    });
    of_parent.collect()
}

/// The command as process 1 of a namespace of its own; `None` where that is not possible.
async fn as_first_process(program: &[String], directory: &Path) -> Option<Child> {
    let mut namespace = Command::new("unshare");
    namespace.args(["--pid", "--fork", "--kill-child", "--"]);
    let mut possible = Command::new("unshare");
    possible.args(["--pid", "--fork", "--", &program[0], "--version"]);
    let possible = possible.stdout(Stdio::null()).stderr(Stdio::null()).status().await;
    if !possible.is_ok_and(|status| status.success()) {
        eprintln!("skipped: needs {}, unshare and the right to use it", program[0]);
        return None;
    }
    let server = json!(["python3", "-c", DAEMONISING]).to_string();
    namespace
        .args(&program[..program.len() - 1])
        .arg(env!("CARGO_BIN_EXE_aura-platform"))
        .args(["serve", "--dev"])
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("TMPDIR", directory)
        .env("API_PORT", "0")
        .env("AURA__MCP__SERVERS__DAEMON__COMMAND", server)
        .env("AURA__MCP__SERVERS__DAEMON__CWD", directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    Some(namespace.spawn().unwrap())
}

#[test]
fn the_image_has_the_init_that_it_runs_under() {
    assert_eq!(entrypoint(), ["tini", "--", "aura-platform"]);
    let installed = DOCKERFILE.lines().find(|line| line.contains("apt-get install")).unwrap();
    assert!(installed.split(' ').any(|word| word == "tini"), "{installed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_daemonising_server_leaves_behind_does_not_stay_a_zombie() {
    let directory = TempDir::new().unwrap();
    let Some(mut namespace) = as_first_process(&entrypoint(), directory.path()).await else {
        return;
    };
    let left = |number: usize| directory.path().join(format!("left-{number}")).exists();
    eventually("all have been left behind", async || (0..20).all(left)).await;
    let outer = namespace.id().unwrap();
    let first = || children(outer).first().map(|(pid, _)| *pid);
    eventually("nobody is a zombie", async || {
        let Some(first) = first() else { return false };
        let all = children(first);
        // The service itself is there, and nothing else.
        all.len() == 1 && all.iter().all(|(_, state)| *state != 'Z')
    })
    .await;
    let first = rustix::process::Pid::from_raw(i32::try_from(first().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(first, rustix::process::Signal::TERM).unwrap();
    let ended = timeout(PATIENCE, namespace.wait()).await.expect("it hears the signal").unwrap();
    assert_eq!(ended.code(), Some(0));
}
