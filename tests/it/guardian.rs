//! What tests start ends with them, also when nobody is left to run their destructors.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::support::app::eventually;
use super::support::redis::RedisServer;

/// Set where this binary is run as the process that is to be killed.
const TO_BE_KILLED: &str = "AURA_TEST_TO_BE_KILLED";

/// Starts a server, tells of it, and never ends it.
fn wait_to_be_killed() -> ! {
    let server = RedisServer::start();
    eprintln!("server {} {}", server.pid(), server.dir().display());
    loop {
        std::thread::park();
    }
}

/// It runs itself once more, in a process that is killed.
#[tokio::test]
async fn a_server_and_its_directory_are_gone_soon_after_its_test_process_was_killed() {
    if std::env::var_os(TO_BE_KILLED).is_some() {
        wait_to_be_killed();
    }
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--nocapture", "--exact"])
        .arg("guardian::a_server_and_its_directory_are_gone_soon_after_its_test_process_was_killed")
        .env(TO_BE_KILLED, "yes")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.starts_with("server ")).expect("it starts a server");
    let [_, pid, directory] = *line.split(' ').collect::<Vec<_>>() else { panic!("{line}") };
    assert!(is_alive(pid) && Path::new(directory).exists());

    process.kill().unwrap();
    process.wait().unwrap();
    eventually("the server and its directory are gone", async || {
        !is_alive(pid) && !Path::new(directory).exists()
    })
    .await;
}

/// Whether a process runs; one that only waits to be reaped does not.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}
