//! The real binary as a process, and its callers as types.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use aura_platform::domain::{Clock, Role, SystemClock, TenantId, UnixSeconds, UserId};
use aura_platform::token::{Claims, TokenKey};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::described;
use crate::guardian::Watched;
use crate::model::FakeModel;
use crate::redis::free_port;
use crate::stream::SseStream;

/// The key of every server of the tests.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// Nothing in these tests takes this long unless it is broken.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is to be started; `serve --dev` with a sample repository unless it says otherwise.
#[derive(Clone, Debug, Default)]
pub struct Options {
    env: Vec<(String, String)>,
}

impl Options {
    /// Sets a variable of the server's environment.
    pub fn set(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.env.push((name.to_owned(), format!("{value}")));
        self
    }

    /// Lets the server ask this model instead of its built-in planner.
    pub fn model(self, model: &FakeModel) -> Self {
        self.set("OPENAI_BASE_URL", model.base_url())
            .set("OPENAI_MODEL", "fake-model")
            .set("AURA__MODEL__MAX_RETRIES", 0)
    }
}

/// A running server. Dropping it kills it; if the test is failing, its log is shown.
pub struct Server {
    child: Child,
    _watched: Watched,
    base: String,
    workspace: PathBuf,
    _directory: TempDir,
    http: reqwest::Client,
}

impl Server {
    /// Starts a server with the embedded store.
    pub async fn embedded() -> Self {
        Self::start(Options::default()).await
    }

    /// Starts a server, and returns once it listens.
    pub async fn start(options: Options) -> Self {
        let directory = TempDir::new().unwrap();
        let workspace = aura_platform::tools::git::sample::create(
            &directory.path().join("sample"),
            &crate::defaults::git(),
        )
        .await
        .unwrap();
        Self::start_on(options, &workspace, directory).await
    }

    /// Starts a server that writes its log there.
    pub async fn logging_to(options: Options, log: Stdio) -> Self {
        let directory = TempDir::new().unwrap();
        let workspace = aura_platform::tools::git::sample::create(
            &directory.path().join("sample"),
            &crate::defaults::git(),
        )
        .await
        .unwrap();
        let mut command = command(&["serve", "--dev"], options, &workspace, directory.path());
        command.stderr(log);
        Self::spawned(command, workspace, directory).await
    }

    /// Starts a server on somebody else's repository.
    pub async fn start_in(options: Options, workspace: &Path) -> Self {
        Self::start_on(options, workspace, TempDir::new().unwrap()).await
    }

    /// Starts a server as a deployment does, without `--dev`, and returns once it is ready.
    pub async fn deployed(options: Options, workspace: &Path) -> Self {
        let directory = TempDir::new().unwrap();
        let port = free_port();
        let options = options.set("API_HOST", "127.0.0.1").set("API_PORT", port);
        let child = command(&["serve"], options, workspace, directory.path()).spawn().unwrap();
        let base = format!("http://127.0.0.1:{port}");
        let workspace = workspace.to_owned();
        let _watched = watched(&child, &directory);
        let server =
            Self { child, _watched, base, workspace, _directory: directory, http: client() };
        server.is_ready().await;
        server
    }

    async fn start_on(options: Options, workspace: &Path, directory: TempDir) -> Self {
        let command = command(&["serve", "--dev"], options, workspace, directory.path());
        Self::spawned(command, workspace.to_owned(), directory).await
    }

    async fn spawned(mut command: Command, workspace: PathBuf, directory: TempDir) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let _watched = watched(&child, &directory);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = timeout(PATIENCE, async {
            loop {
                let line = lines.next_line().await.unwrap();
                let line = line.unwrap_or_else(|| {
                    let log = std::fs::read_to_string(directory.path().join("log"));
                    panic!("the server ended before it listened: {log:?}")
                });
                if let Some(url) = line.trim().strip_prefix("health") {
                    return url.trim().trim_end_matches("/health").to_owned();
                }
            }
        })
        .await
        .expect("the server does not listen");
        Self { child, _watched, base, workspace, _directory: directory, http: client() }
    }

    /// `http://127.0.0.1:<port>`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The repository that the git tools work on.
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Waits until the server has logged this so many times, and returns all of its log. Nobody in the
    /// server waits for it, so a line may come after what it tells of.
    pub async fn logged(&self, text: &str, times: usize) -> String {
        eventually(text, async || self.log().matches(text).count() >= times).await;
        self.log()
    }

    /// Everything that has come out of the server's log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self._directory.path().join("log")).unwrap()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Ends the process without a word (SIGKILL).
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Makes the process hang (SIGSTOP), as a long pause or a partition would.
    pub fn pause(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    /// Ends [`Server::pause`].
    pub fn go_on(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    /// Tells the process to read keys, holds and the log level again (SIGHUP).
    pub fn hang_up(&self) {
        self.signal(rustix::process::Signal::HUP);
    }

    /// Asks the process to end (SIGTERM), and does not wait for it.
    pub fn ask_to_end(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.pid()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Asks the process to end (SIGTERM) and returns its exit code.
    pub async fn terminate(self) -> i32 {
        self.ask_to_end();
        self.ended().await
    }

    /// Waits for the end of a process that was asked to end; its exit code.
    pub async fn ended(mut self) -> i32 {
        let ended = timeout(PATIENCE, self.child.wait()).await.expect("the server does not end");
        let code = ended.unwrap().code().unwrap_or(-1);
        if code != 0 {
            // Whoever expected something else wants to know why.
            self.show_log();
        }
        code
    }

    /// Shows the end of the log with the test's own output.
    fn show_log(&self) {
        let log = self.log();
        let tail: Vec<&str> = log.lines().rev().take(40).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        eprintln!("--- the server's log ends ---\n{}", tail.join("\n"));
    }

    /// Waits until the server says that it is not ready for work.
    pub async fn is_unready(&self) {
        eventually("readiness says 503", async || {
            let ready = self.anonymous(Method::GET, "/health/ready").send().await;
            ready.unwrap().status() == StatusCode::SERVICE_UNAVAILABLE
        })
        .await;
    }

    /// Whether the port refuses connections.
    pub async fn refuses(&self) -> bool {
        TcpStream::connect(self.base.trim_start_matches("http://")).await.is_err()
    }

    /// Waits until the server says that it is ready for work.
    pub async fn is_ready(&self) {
        eventually("readiness says 200", async || {
            let ready = self.anonymous(Method::GET, "/health/ready").send().await;
            ready.is_ok_and(|ready| ready.status() == StatusCode::OK)
        })
        .await;
    }

    /// A caller with a valid token.
    pub fn as_user(&self, tenant: &str, user: &str) -> Caller {
        Caller::new(self.http.clone(), &self.base, tenant, user)
    }

    /// The caller of most tests.
    pub fn user(&self) -> Caller {
        self.as_user("tenant1", "user123")
    }

    /// A request without any header of ours.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_log();
        }
    }
}

fn watched(child: &Child, directory: &TempDir) -> Watched {
    Watched::with_directory(child.id().unwrap(), directory.path())
}

/// The binary under test: the one that Cargo says it has built, and, where a test binary was started by
/// hand, the one beside it.
pub fn binary() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().unwrap();
        test.ancestors().nth(2).unwrap().join("aura-platform")
    };
    std::env::var_os("CARGO_BIN_EXE_aura-platform").map_or_else(beside, PathBuf::from)
}

/// The binary with these settings and nothing of the tests' own environment.
fn command(arguments: &[&str], options: Options, workspace: &Path, directory: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TMPDIR", std::env::temp_dir())
        .env("JWT_SECRET", SECRET)
        .env("API_PORT", "0")
        .env("LOG_LEVEL", "info")
        .env("WORKSPACE_ROOT", workspace)
        .envs(options.env)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log_file(directory))
        .kill_on_drop(true);
    command
}

fn log_file(directory: &Path) -> Stdio {
    std::fs::File::create(directory.join("log")).unwrap().into()
}

/// A client that uses no proxy and follows no redirect.
pub fn client() -> reqwest::Client {
    let builder = rustls::ClientConfig::builder_with_provider(
        rustls::crypto::aws_lc_rs::default_provider().into(),
    );
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = builder
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
}

/// A token as the Auth Server would sign it.
pub fn token(tenant: &str, user: &str) -> String {
    token_with(tenant, user, None)
}

/// A token, with a role if there is one.
fn token_with(tenant: &str, user: &str, role: Option<&str>) -> String {
    token_of(SECRET, tenant, user, role)
}

fn token_of(secret: &str, tenant: &str, user: &str, role: Option<&str>) -> String {
    let key = TokenKey::new(&SecretString::from(secret)).unwrap();
    let now = SystemClock.now().second().get();
    key.issue(&Claims {
        sub: UserId::new(user),
        tenant_id: TenantId::new(tenant),
        iat: Some(UnixSeconds::new(now)),
        exp: UnixSeconds::new(now + 3600),
        email: None,
        roles: role.and_then(Role::named).into_iter().collect(),
    })
    .unwrap()
}

/// A person of a tenant, with all headers that the frontend sends.
#[derive(Clone)]
pub struct Caller {
    http: reqwest::Client,
    base: String,
    tenant: String,
    user: String,
    token: String,
}

/// An answer in the platform's envelope.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body.
    pub body: Value,
}

impl Answer {
    /// `data`.
    pub fn data(&self) -> &Value {
        &self.body["data"]
    }
}

impl Caller {
    /// A caller of the server at `base`, for instance through a gateway.
    pub fn new(http: reqwest::Client, base: &str, tenant: &str, user: &str) -> Self {
        let token = token(tenant, user);
        Self { http, base: base.to_owned(), tenant: tenant.into(), user: user.into(), token }
    }

    /// The same person in a role.
    pub fn in_role(self, role: &str) -> Self {
        Self { token: token_with(&self.tenant, &self.user, Some(role)), ..self }
    }

    /// The same person with a token that this key has signed.
    pub fn signed_with(self, secret: &str) -> Self {
        let token = token_of(secret, &self.tenant, &self.user, None);
        self.with_token(&token)
    }

    /// The same in a role.
    pub fn in_role_signed_with(self, role: &str, secret: &str) -> Self {
        let token = token_of(secret, &self.tenant, &self.user, Some(role));
        self.with_token(&token)
    }

    /// The same person with a token of its own, which is to say so.
    pub fn with_token(self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self }
    }

    /// A request with the caller's headers.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
            .header("X-Tenant-ID", &self.tenant)
            .header("X-User-ID", &self.user)
            .header("X-DWP-Source", "FRONTEND")
    }

    /// Starts a run and reads its stream.
    pub async fn stream(&self, prompt: &str) -> SseStream {
        self.stream_with(json!({ "prompt": prompt })).await
    }

    /// Posts a body to the stream route.
    pub async fn stream_with(&self, body: Value) -> SseStream {
        SseStream::of(self.post_stream(body).send().await.unwrap())
    }

    /// A request to the stream route that has not been sent yet.
    pub fn post_stream(&self, body: Value) -> RequestBuilder {
        self.request(Method::POST, "/aura/test/stream").json(&body)
    }

    /// Goes on with a session's stream after an event.
    pub async fn resume(&self, session: &str, after: Option<u64>) -> SseStream {
        let mut request = self.request(Method::GET, &format!("/aura/sessions/{session}/stream"));
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after);
        }
        SseStream::of(request.send().await.unwrap())
    }

    /// `GET`, in the platform's envelope.
    pub async fn get(&self, path: &str) -> Answer {
        self.answer(self.request(Method::GET, path), path).await
    }

    /// `POST` with a body, in the platform's envelope.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.answer(self.request(Method::POST, path).json(&body), path).await
    }

    /// `PUT` with a body, in the platform's envelope.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.answer(self.request(Method::PUT, path).json(&body), path).await
    }

    /// `DELETE`, in the platform's envelope.
    pub async fn delete(&self, path: &str) -> Answer {
        self.answer(self.request(Method::DELETE, path), path).await
    }

    /// Sends the request, and holds the answer against the documents.
    async fn answer(&self, request: RequestBuilder, path: &str) -> Answer {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let method = request.method().to_string();
        let answer = answer(client.execute(request).await.unwrap()).await;
        described::check_answer(&method, path, answer.status.as_u16(), &answer.body);
        answer
    }

    /// Says yes.
    pub async fn approve(&self, request: &str) -> Answer {
        self.post(&format!("/aura/hitl/approve/{request}"), json!({})).await
    }

    /// Says no.
    pub async fn reject(&self, request: &str, reason: &str) -> Answer {
        self.post(&format!("/aura/hitl/reject/{request}"), json!({ "reason": reason })).await
    }
}

/// Reads an answer in the platform's envelope.
pub async fn answer(response: Response) -> Answer {
    let status = response.status();
    let text = timeout(PATIENCE, response.text()).await.expect("no answer").unwrap();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"));
    Answer { status, body }
}

/// Polls until there is something, and returns it.
pub async fn eventually_some<T, F, Fut>(what: &str, look: F) -> T
where
    F: Fn() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let found = timeout(PATIENCE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    found.await.unwrap_or_else(|_| panic!("never came: {what}"))
}

/// Polls a condition until it holds.
pub async fn eventually<F, Fut>(what: &str, condition: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = bool>,
{
    let held = timeout(PATIENCE, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    held.await.unwrap_or_else(|_| panic!("never came true: {what}"));
}
