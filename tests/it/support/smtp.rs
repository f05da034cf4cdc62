//! A real mail server of the test's own (Debian's `python3-aiosmtpd`), with a CA of its own.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use aura_platform::domain::Unconfigured;
use aura_platform::tools::ToolError;
use aura_platform::tools::mail::{self, MailConfig, MailServerConfig};
use aura_testing::guardian::Watched;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::app::PATIENCE;
use super::call;

/// The interpreter that Debian's Python packages are for.
const PYTHON: &str = "/usr/bin/python3";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/smtp/server.py");
/// The password that the server takes, for `aura@dwp.example`.
pub const PASSWORD: &str = "hunter2:/@";
/// User and password as they stand in a URL.
pub const LOGIN: &str = "aura%40dwp.example:hunter2%3A%2F%40@";

/// How a connection to the server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    None,
    StartTls,
    Implicit,
}

/// A running mail server. Dropping it kills it.
pub struct SmtpServer {
    tls: Protection,
    port: u16,
    directory: TempDir,
    _child: Child,
    _watched: Watched,
}

impl SmtpServer {
    /// A server that takes mails from everybody.
    pub async fn open(tls: Protection) -> Self {
        Self::start(tls, &[]).await
    }

    /// A server that takes mails from who knows [`PASSWORD`].
    pub async fn closed(tls: Protection) -> Self {
        Self::start(tls, &["--password", PASSWORD]).await
    }

    /// A server with further arguments (see the script).
    pub async fn start(tls: Protection, more: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let file = |name: &str| directory.path().join(name);
        let certificates = Certificates::new();
        std::fs::write(file("ca.pem"), certificates.ca).unwrap();
        std::fs::write(file("server.pem"), certificates.server).unwrap();
        std::fs::write(file("key.pem"), certificates.key).unwrap();
        let tls_argument = match tls {
            Protection::None => "none",
            Protection::StartTls => "starttls",
            Protection::Implicit => "implicit",
        };
        let mut command = Command::new(PYTHON);
        command
            .arg(SCRIPT)
            .args(["--tls", tls_argument])
            .arg("--mails")
            .arg(file("mails"))
            .arg("--certificate")
            .arg(file("server.pem"))
            .arg("--key")
            .arg(file("key.pem"))
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It complains about every client that is as careful as ours has to be.
            .stderr(std::fs::File::create(file("log")).unwrap())
            .kill_on_drop(true);
        let mut child =
            command.spawn().expect("python3-aiosmtpd is installed (scripts/test does it)");
        let _watched = Watched::with_directory(child.id().unwrap(), directory.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.expect("it starts").unwrap();
        let port = line.expect("python3-aiosmtpd is installed (scripts/test does it)");
        Self { tls, port: port.parse().unwrap(), directory, _child: child, _watched }
    }

    /// What `SMTP_URL` must be, with nothing or [`LOGIN`] in front of the host.
    pub fn url(&self, login: &str) -> String {
        let (scheme, query) = match self.tls {
            Protection::None => ("smtp", "?tls=none"),
            Protection::StartTls => ("smtp", ""),
            Protection::Implicit => ("smtps", ""),
        };
        format!("{scheme}://{login}localhost:{}{query}", self.port)
    }

    /// The certificate of the server's CA.
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// What the tool needs to send through it.
    pub fn config(&self, login: &str) -> MailConfig {
        let server = MailServerConfig {
            url: self.url(login).into(),
            ca: Some(std::fs::read(self.ca_file()).unwrap()),
            timeout: Duration::from_secs(20),
        };
        let from = Some("오라 <aura@dwp.example>".to_owned());
        MailConfig { server: Some(server), from, allowed_domains: Vec::new() }
    }

    /// The mails that it has taken.
    pub fn mails(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.directory.path().join("mails"));
        let text = text.unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Calls the tool once. No error of it ever holds the password.
pub async fn send(config: &MailConfig, arguments: &Value) -> Result<Value, ToolError> {
    let tools = mail::tools(config, Unconfigured::Refuse).unwrap();
    let result = call::run(&tools[0], arguments).await;
    if let Err(error) = &result {
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    result
}

/// A certificate for `localhost`, and the CA that vouches for it, as PEM.
struct Certificates {
    ca: String,
    server: String,
    key: String,
}

impl Certificates {
    fn new() -> Self {
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let server = server.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
        Self { ca: ca_pem, server: server.pem(), key: key.serialize_pem() }
    }
}
