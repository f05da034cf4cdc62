//! The service as a process, and what the kernel says of it.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use aura_platform::domain::{Clock, Roles, SystemClock, TenantId, UnixSeconds, UserId};
use aura_platform::token::{Claims, TokenKey};
use aura_testing::guardian::Watched;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use secrecy::SecretString;
use tempfile::TempDir;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const USER: &str = "user123";
const TENANT: &str = "tenant1";
/// How long a process may take until it answers.
const START: Duration = Duration::from_secs(20);

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Options {
    arguments: Vec<&'static str>,
    env: Vec<(&'static str, String)>,
    path: &'static str,
}

impl Options {
    /// `serve --dev`: the embedded store and the built-in planner, on a sample workspace.
    pub fn dev() -> Self {
        // A person may take as long as the measurement does.
        let env = vec![("HITL_TIMEOUT_SECONDS", "1740".to_owned())];
        Self { arguments: vec!["serve", "--dev"], env, path: "/health" }
    }

    /// `serve`.
    pub fn production() -> Self {
        Self { arguments: vec!["serve"], ..Self::dev() }
    }

    /// With this Redis; it is up once it says that it is ready.
    pub fn redis(mut self, url: String) -> Self {
        self.env.push(("REDIS_URL", url));
        self.path = "/health/ready";
        self
    }
}

/// A process that listens. Dropping it kills it.
pub struct Process {
    child: Child,
    _watched: Watched,
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start of the process to its first good answer.
    pub started_in: Duration,
    _directory: TempDir,
}

impl Process {
    /// The service, once it answers.
    pub fn service(options: &Options) -> Self {
        let program = std::env::var_os("AURA_BIN")
            .unwrap_or_else(|| OsString::from(env!("CARGO_BIN_EXE_aura-platform")));
        let mut command = Command::new(program);
        command
            .args(&options.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("JWT_SECRET", SECRET)
            // All runs of a measurement are one user's.
            .env("AURA__LIMITS__STARTS_PER_MINUTE_PER_USER", "0")
            .envs(options.env.iter().map(|(name, value)| (name, value)));
        Self::start(command, "API_PORT", options.path)
    }

    /// Starts a program that listens on the port of this variable, and waits until it answers.
    pub fn start(mut command: Command, port_variable: &str, path: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let port = free_port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        command
            .current_dir(directory.path())
            .env("TMPDIR", directory.path())
            .env(port_variable, port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let begun = Instant::now();
        let mut child = command.spawn().expect("the program can be started");
        let _watched = Watched::with_directory(child.id(), directory.path());
        while !answers(address, path) {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < START, "{command:?}: {ended:?}");
            sleep(Duration::from_micros(300));
        }
        Self { child, _watched, address, started_in: begun.elapsed(), _directory: directory }
    }

    /// Resident memory, in KiB.
    pub fn rss_kib(&self) -> f64 {
        self.status("VmRSS:")
    }

    /// Resident memory without the pages of files, in KiB: under pressure the kernel takes those
    /// away, and no measurement is about them.
    pub fn own_kib(&self) -> f64 {
        self.status("RssAnon:")
    }

    /// [`Process::own_kib`] once runs that wait have given back what their readers no longer need,
    /// which they do every five seconds.
    pub fn settled_kib(&self) -> f64 {
        sleep(Duration::from_millis(5_500));
        self.own_kib()
    }

    fn status(&self, field: &str) -> f64 {
        let status = fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Processor time used so far, user and system.
    pub fn cpu(&self) -> Duration {
        /// The kernel's unit of these fields, whatever its own clock.
        const TICKS_PER_SECOND: u64 = 100;
        let stat = fs::read_to_string(self.proc("stat")).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let times = fields.split(' ').skip(11).take(2);
        let ticks: u64 = times.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
    }

    /// Open descriptors.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(self.proc("fd")).unwrap().count()
    }

    fn proc(&self, file: &str) -> std::path::PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(file)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The headers with which a caller of the platform comes.
pub fn caller_headers() -> String {
    let key = TokenKey::new(&SecretString::from(SECRET)).unwrap();
    let now = SystemClock.now().second().get();
    let claims = Claims {
        sub: UserId::new(USER),
        tenant_id: TenantId::new(TENANT),
        iat: Some(UnixSeconds::new(now)),
        exp: UnixSeconds::new(now + 3600),
        email: None,
        roles: Roles::default(),
    };
    let token = key.issue(&claims).unwrap();
    format!("Authorization: Bearer {token}\r\nX-Tenant-ID: {TENANT}\r\nX-User-ID: {USER}\r\n")
}

/// Lets this process and its children have as many descriptors as the system allows.
pub fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    setrlimit(Resource::Nofile, raised).expect("the hard limit is allowed");
}

fn answers(address: SocketAddr, path: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(START))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
