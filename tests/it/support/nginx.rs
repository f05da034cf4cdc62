//! The repository's own gateways, run for real: `config/nginx.conf` and `config/nginx.replicas.conf`
//! with nothing changed but where they listen, where they forward to, and where they may write.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aura_testing::guardian::Watched;
use aura_testing::redis::free_port;
use tempfile::TempDir;

/// How long nginx may take until it listens.
const START: Duration = Duration::from_secs(20);
/// Ports that are tried before giving up: another process may take a free one first.
const ATTEMPTS: u32 = 5;
/// For one server.
const SINGLE: &str = include_str!("../../../config/nginx.conf");
/// For two.
const REPLICAS: &str = include_str!("../../../config/nginx.replicas.conf");

/// A running nginx. Dropping it kills it.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    _watched: Watched,
    port: u16,
    directory: TempDir,
}

impl Gateway {
    /// A gateway that forwards to `upstream`, once it listens.
    ///
    /// `None` where nginx is not installed, which is said on stderr; with `CI` set that is a
    /// failure, so that it cannot go unnoticed.
    pub async fn to(upstream: SocketAddr) -> Option<Self> {
        Self::with(SINGLE, &[("aura-platform", upstream)]).await
    }

    /// A gateway before two servers, likewise.
    pub async fn to_replicas([first, second]: [SocketAddr; 2]) -> Option<Self> {
        Self::with(REPLICAS, &[("aura-platform", first), ("aura-platform-2", second)]).await
    }

    async fn with(config: &str, upstreams: &[(&str, SocketAddr)]) -> Option<Self> {
        let Some(nginx) = program() else {
            assert!(std::env::var_os("CI").is_none(), "nginx is not installed: see scripts/test");
            say("skipped: nginx is not installed; scripts/test installs it");
            return None;
        };
        for _ in 0..ATTEMPTS {
            let mut gateway = Self::launch(&nginx, config, upstreams);
            if gateway.listens().await {
                return Some(gateway);
            }
            say(&format!("nginx did not start: {}", gateway.errors()));
        }
        panic!("nginx cannot be started");
    }

    /// `http://127.0.0.1:<port>`.
    pub fn base(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// What nginx has complained about.
    pub fn errors(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("error.log")).unwrap_or_default()
    }

    fn launch(nginx: &Path, config: &str, upstreams: &[(&str, SocketAddr)]) -> Self {
        let (directory, port) = (TempDir::new().unwrap(), free_port());
        let text = adapted(config, port, upstreams);
        let config = directory.path().join("nginx.conf");
        std::fs::write(&config, text).unwrap();
        let child = Command::new(nginx)
            .arg("-p")
            .arg(directory.path())
            .arg("-c")
            .arg(&config)
            .args(["-e", "error.log"])
            // One process: it writes as whoever runs the tests, and dies when it is killed.
            .args(["-g", "daemon off; master_process off; pid nginx.pid;"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _watched = Watched::with_directory(child.id(), directory.path());
        Self { child, _watched, port, directory }
    }

    /// Waits until nginx has bound its port, which it does before it writes its process id;
    /// `false` if it ended instead.
    async fn listens(&mut self) -> bool {
        let pid = self.child.id().to_string();
        let deadline = Instant::now() + START;
        loop {
            let written = std::fs::read_to_string(self.directory.path().join("nginx.pid"));
            if written.is_ok_and(|written| written.trim() == pid) {
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(Instant::now() < deadline, "nginx does not listen: {}", self.errors());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The configuration as it can be run by anybody, next to others of its kind.
fn adapted(config: &str, port: u16, upstreams: &[(&str, SocketAddr)]) -> String {
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths: String = kinds.iter().map(|kind| format!(" {kind}_temp_path {kind};")).collect();
    let config = replaced(config, "http {", &format!("http {{{paths}"));
    let config = replaced(&config, "listen 8080;", &format!("listen 127.0.0.1:{port};"));
    upstreams.iter().fold(config, |config, (name, address)| {
        // An address is not looked up; and Debian's nginx does not know the word yet.
        replaced(&config, &format!("server {name}:9000 resolve "), &format!("server {address} "))
    })
}

fn replaced(config: &str, from: &str, to: &str) -> String {
    assert_eq!(config.matches(from).count(), 1, "the configuration must say {from:?} once");
    config.replace(from, to)
}

/// nginx, also where Debian keeps it out of the PATH of ordinary users.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/local/sbin", "/usr/sbin"].map(PathBuf::from);
    let mut places = std::env::split_paths(&path).chain(usual);
    places.find_map(|place| Some(place.join("nginx")).filter(|nginx| nginx.is_file()))
}

#[expect(clippy::print_stderr, reason = "it is how a test tells why it did nothing")]
fn say(what: &str) {
    eprintln!("{what}");
}
