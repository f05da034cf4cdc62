//! A real `redis-server` of a test's own, which can be killed, restarted and made to hang.

use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::guardian::Watched;

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(20);
/// Ports that are tried before giving up: another process may take a free one first.
const ATTEMPTS: u32 = 5;

/// A server on a free port of the loopback interface, gone when dropped.
///
/// It keeps an append-only file, so that [`RedisServer::kill`] followed by [`RedisServer::restart`]
/// loses nothing that was acknowledged.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    /// What `AUTH` is to be given: a password, or a user and a password.
    login: Option<String>,
    program: PathBuf,
    /// What it is told besides.
    args: Vec<String>,
    dir: TempDir,
    child: Option<(Child, Watched)>,
}

impl RedisServer {
    /// A server that answers.
    pub fn start() -> Self {
        Self::started(Self::absent)
    }

    /// A server that answers to those who know the password.
    pub fn with_password(password: &'static str) -> Self {
        Self::with_login(password, &["--requirepass", password])
    }

    /// A server that is told of its users; this login is of one who may do everything.
    pub fn with_login(login: &str, args: &[&str]) -> Self {
        Self::started(|| {
            let mut server = Self::absent();
            server.login = Some(login.to_owned());
            server.args = args.iter().map(|arg| (*arg).to_owned()).collect();
            server
        })
    }

    /// A server of another make, such as Valkey.
    pub fn of(program: &Path) -> Self {
        Self::started(|| {
            let mut server = Self::absent();
            server.program = program.to_owned();
            server
        })
    }

    /// A server that is told more on its command line; `args` is asked again for each attempt.
    pub fn told(args: impl Fn() -> Vec<String>) -> Self {
        Self::started(|| {
            let mut server = Self::absent();
            server.args = args();
            server
        })
    }

    /// A server that is not there yet: its port is free until [`RedisServer::restart`].
    pub fn absent() -> Self {
        let dir = tempfile::tempdir().expect("a directory for redis-server");
        let (port, program) = (free_port(), PathBuf::from("redis-server"));
        Self { port, login: None, program, args: Vec::new(), dir, child: None }
    }

    /// The first of what `prepare` makes that finds its ports free.
    fn started(prepare: impl Fn() -> Self) -> Self {
        for _ in 0..ATTEMPTS {
            let mut server = prepare();
            if server.launch() {
                return server;
            }
        }
        panic!("no redis-server could be started; is it installed?");
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What the server was told besides.
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// Where it keeps its files.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("redis-server runs").0.id()
    }

    /// `redis://…`, with the password if there is one and it is the only login.
    pub fn url(&self) -> String {
        let login = self.login.as_ref().map_or(String::new(), |password| format!(":{password}@"));
        format!("redis://{login}127.0.0.1:{}/0", self.port)
    }

    /// `kill -9`: connections break, nothing is said.
    pub fn kill(&mut self) {
        if let Some((mut child, _watched)) = self.child.take() {
            child.kill().expect("kill redis-server");
            child.wait().expect("wait for redis-server");
        }
    }

    /// Starts it again on the same port with what it had stored.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.launch(), "redis-server does not start on port {} again", self.port);
    }

    /// Starts it again without anything of what it had stored.
    pub fn restart_empty(&mut self) {
        self.kill();
        for entry in std::fs::read_dir(self.dir.path()).expect("its files") {
            let path = entry.expect("a file").path();
            let removed = if path.is_dir() {
                std::fs::remove_dir_all(path)
            } else {
                std::fs::remove_file(path)
            };
            removed.expect("remove what it had stored");
        }
        self.restart();
    }

    /// Starts it again, and leaves it while it loads what it had stored, which takes it 20 ms for
    /// each key until `CONFIG SET key-load-delay 0`.
    pub fn restart_loading(&mut self) {
        self.kill();
        let slowly =
            ["--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024"];
        self.args.extend(slowly.map(str::to_owned));
        assert!(self.launch_until("loading:1"), "redis-server does not start again");
    }

    /// Makes it hang: connections stay open and nothing is answered.
    pub fn pause(&self) {
        self.stop_or_continue("-STOP");
    }

    /// Ends [`RedisServer::pause`].
    pub fn resume(&self) {
        self.stop_or_continue("-CONT");
    }

    fn stop_or_continue(&self, signal: &str) {
        let status = Command::new("kill").arg(signal).arg(self.pid().to_string()).status();
        assert!(status.expect("the kill command").success());
    }

    /// Starts the process and waits until it has loaded its data; `false` if it ended instead.
    fn launch(&mut self) -> bool {
        self.launch_until("loading:0")
    }

    fn launch_until(&mut self, state: &str) -> bool {
        let port = self.port.to_string();
        let mut command = Command::new(&self.program);
        command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]);
        // With `everysec` a write can wait in the process for a sync that is under way, and is lost
        // with it; handed to the system at once, it outlives the process.
        command.args(["--appendfsync", "no"]);
        // Its replicas have it at once, not after waiting for others to come.
        command.args(["--repl-diskless-sync-delay", "0"]);
        command.args(["--dir"]).arg(self.dir.path());
        command.args(&self.args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("redis-server is installed");
        let watched = Watched::with_directory(child.id(), self.dir.path());
        let deadline = Instant::now() + START;
        let answers = loop {
            if child.try_wait().expect("ask for redis-server").is_some() {
                break false;
            }
            if self.answers_as(child.id(), state) {
                break true;
            }
            assert!(Instant::now() < deadline, "redis-server does not answer on port {port}");
            std::thread::sleep(Duration::from_millis(5));
        };
        if answers {
            self.child = Some((child, watched));
        }
        answers
    }

    /// Whether the process of this id, and not a stranger on the same port, says this of itself.
    fn answers_as(&self, pid: u32, state: &str) -> bool {
        let info = self.ask("INFO").unwrap_or_default();
        info.contains(&format!("process_id:{pid}\r\n"))
            && info.contains(&format!("\r\n{state}\r\n"))
    }

    /// What it answers to one command in plain words.
    pub fn ask(&self, command: &str) -> std::io::Result<String> {
        self.ask_as(self.login.as_deref().unwrap_or_default(), command)
    }

    /// What it answers to whoever gives that to `AUTH`; to nobody in particular if it is empty.
    pub fn ask_as(&self, login: &str, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(START))?;
        let login = if login.is_empty() { String::new() } else { format!("AUTH {login}\r\n") };
        stream.write_all(format!("{login}{command}\r\nQUIT\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some((mut child, _watched)) = self.child.take() {
            // SIGKILL ends a paused process too; a test that failed half-way must not hang here.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port that was free a moment ago, and is not one that the kernel gives to outgoing connections:
/// while the server is away, nobody takes it by accident.
pub fn free_port() -> u16 {
    loop {
        let port = 16_384 + (RandomState::new().hash_one("port") % 16_384) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
