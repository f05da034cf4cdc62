//! A GitHub that does what a test tells it: a real HTTP server on a free port, under `/api/v3` as
//! an Enterprise server is.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aura_platform::domain::Unconfigured;
use aura_platform::tools::{Tool, ToolError, github};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::call::run;

/// What GitHub's API begins with.
const PREFIX: &str = "/api/v3";
/// The token of the tests.
pub const TOKEN: &str = "ghp_hunter2hunter2";

/// A request as GitHub got it.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET /repos/acme/shop/pulls/12`: the method and the path, still encoded.
    pub line: String,
    /// The query's names and values.
    pub query: HashMap<String, String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; `null` if there is none.
    pub body: Value,
}

impl Request {
    /// A header, or `""`.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// What GitHub does with a request.
pub enum Reply {
    /// It answers.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: Bytes },
    /// It has read all of it, and closes the connection without a word.
    Cut,
    /// It has read all of it, and never answers.
    Silence,
}

impl Reply {
    /// A good answer.
    pub fn json(body: Value) -> Self {
        Self::status(200, body)
    }

    /// Any answer.
    pub fn status(status: u16, body: Value) -> Self {
        let headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
        Self::Answer { status, headers, body: body.to_string().into() }
    }

    /// A good answer that is no JSON.
    pub fn raw(kind: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type", format!("application/vnd.github.{kind}"))];
        Self::Answer { status: 200, headers, body: body.into() }
    }

    /// A refusal in GitHub's words.
    pub fn refusal(status: u16, message: &str) -> Self {
        Self::status(status, json!({"message": message, "documentation_url": "https://docs"}))
    }

    /// The same with a header more.
    pub fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.to_string()));
        }
        self
    }
}

type Script = Box<dyn Fn(&Request, usize) -> Reply + Send + Sync>;

struct Inner {
    script: Script,
    requests: Mutex<Vec<Request>>,
    /// How many clients did not wait for the answer that never comes.
    hung_up: AtomicUsize,
}

/// Counts a client that hangs up.
struct HangUp(Arc<Inner>);

impl Drop for HangUp {
    fn drop(&mut self) {
        self.0.hung_up.fetch_add(1, Ordering::SeqCst);
    }
}

/// The server. Dropping it closes it.
pub struct FakeGitHub {
    address: SocketAddr,
    inner: Arc<Inner>,
    server: JoinHandle<()>,
}

impl FakeGitHub {
    /// Answers each request with what `script` makes of it and of its number, from 0.
    pub async fn answering(
        script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let (script, requests) = (Box::new(script), Mutex::default());
        let inner = Arc::new(Inner { script, requests, hung_up: AtomicUsize::new(0) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&inner));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, inner, server }
    }

    /// Answers every request alike.
    pub async fn always(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Self {
        Self::answering(move |_, _| reply()).await
    }

    /// What `GITHUB_API_URL` must be.
    pub fn api(&self) -> String {
        format!("http://{}{PREFIX}", self.address)
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.inner.requests.lock().unwrap().clone()
    }

    /// The methods and paths of the requests so far.
    pub fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }

    /// How many clients have hung up on [`Reply::Silence`].
    pub fn hung_up(&self) -> usize {
        self.inner.hung_up.load(Ordering::SeqCst)
    }

    /// What the tools need to ask it.
    pub fn config(&self) -> github::GitHubConfig {
        github::GitHubConfig {
            api: self.api().parse().unwrap(),
            token: Some(TOKEN.into()),
            anonymous: false,
            timeout: Duration::from_secs(20),
            max_output_bytes: 65536,
        }
    }

    /// Calls a tool with the usual settings.
    pub async fn call(&self, tool: &str, arguments: Value) -> Result<Value, ToolError> {
        call(self.config(), tool, arguments).await
    }
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Calls a tool once. No error of it ever holds the token.
pub async fn call(
    config: github::GitHubConfig,
    tool: &str,
    arguments: Value,
) -> Result<Value, ToolError> {
    let tool = find(config, tool);
    let result = run(&tool, &arguments).await;
    if let Err(error) = &result {
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    result
}

/// One of the tools.
pub fn find(config: github::GitHubConfig, name: &str) -> Arc<dyn Tool> {
    let tools = github::tools(config, Unconfigured::Refuse).unwrap();
    tools.into_iter().find(|tool| tool.spec().name == name).unwrap()
}

/// A pull request of `acme/shop` as GitHub describes it, cut down to what is known of it here.
pub fn pull(number: u64) -> Value {
    let side = |name: &str, sha: &str| json!({"ref": name, "sha": sha.repeat(40), "label": format!("acme:{name}"), "repo": {"full_name": "acme/shop", "id": 1}});
    json!({
        "id": 9_000 + number, "number": number, "title": "Add search", "state": "open",
        "html_url": format!("https://github.example.com/acme/shop/pull/{number}"),
        "draft": false, "user": {"login": "kim", "id": 3}, "body": "Closes #3\n",
        "head": side("search", "a"), "base": side("main", "b"), "labels": [{"name": "feature"}],
        "merged": false, "mergeable": true, "mergeable_state": "clean", "merged_at": null,
        "merge_commit_sha": "c".repeat(40), "commits": 2, "additions": 41, "deletions": 2,
        "changed_files": 2, "created_at": "2026-01-16T01:02:03Z",
        "updated_at": "2026-01-17T01:02:03Z",
    })
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().strip_prefix(PREFIX).expect("a path of the API");
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let request = Request {
        line: format!("{method} {path}"),
        query: query.into_owned().collect(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let number = {
        let mut requests = inner.requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    match (inner.script)(&request, number) {
        Reply::Answer { status, headers, body } => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).unwrap()
        }
        // Ends the task of this connection, and so the connection.
        Reply::Cut => std::panic::resume_unwind(Box::new("the test cuts the connection")),
        Reply::Silence => {
            let _waits = HangUp(Arc::clone(&inner));
            std::future::pending().await
        }
    }
}
