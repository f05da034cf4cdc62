//! A model provider that does what a test tells it: a real HTTP server on a free port.
//!
//! ```ignore
//! let model = FakeModel::scripted([Reply::status(429).header("retry-after", "0"), Reply::text(["hi"])]).await;
//! let config = OpenAiConfig { endpoint: model.openai(), model: "fake-model".into(), … };
//! …
//! assert_eq!(model.requests()[0].body["stream"], true);
//! ```
//!
//! Requests are answered from the script, in order; when it is empty (or there is none), by the
//! fallback. Without a fallback such a request is refused with a 400 that says so. Everything that
//! waits gives up after [`PATIENCE`] with a panic.

use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aura_platform::llm::openai::Endpoint;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

mod reply;

pub use reply::{Gate, Reply};

/// How long a test waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for something that must happen; panics if it does not.
pub async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// The server. Dropping it closes it.
pub struct FakeModel {
    address: SocketAddr,
    inner: Arc<Inner>,
    server: JoinHandle<()>,
}

/// A request that the server got.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The path, with the query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Value,
}

type Fallback = Box<dyn Fn(&Value) -> Reply + Send + Sync>;

struct Inner {
    script: Mutex<VecDeque<Reply>>,
    fallback: Fallback,
    requests: watch::Sender<Vec<Recorded>>,
    /// How many answers the client did not wait for.
    hung_up: watch::Sender<usize>,
}

impl FakeModel {
    /// Answers each request with the next reply.
    pub async fn scripted(replies: impl IntoIterator<Item = Reply>) -> Self {
        let nothing = |_: &Value| Reply::refusing(400, "FakeModel: the script is over");
        Self::start(replies.into_iter().collect(), Box::new(nothing)).await
    }

    /// Answers every request with the same reply.
    pub async fn always(reply: Reply) -> Self {
        Self::answering(move |_| reply.clone()).await
    }

    /// Answers each request with what `answer` makes of its body.
    pub async fn answering(answer: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(VecDeque::new(), Box::new(answer)).await
    }

    #[expect(clippy::disallowed_methods, reason = "the double is not part of the service")]
    async fn start(script: VecDeque<Reply>, fallback: Fallback) -> Self {
        let inner = Arc::new(Inner {
            script: Mutex::new(script),
            fallback,
            requests: watch::Sender::new(Vec::new()),
            hung_up: watch::Sender::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&inner));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, inner, server }
    }

    /// Adds a reply to the end of the script; it goes before the fallback.
    pub fn then(&self, reply: Reply) -> &Self {
        self.inner.script.lock().unwrap().push_back(reply);
        self
    }

    /// What `OPENAI_BASE_URL` must be.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What `AZURE_OPENAI_ENDPOINT` must be.
    pub fn azure_endpoint(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The server as an OpenAI endpoint, with the key `sk-test-key`.
    pub fn openai(&self) -> Endpoint {
        Endpoint::OpenAi { base_url: self.base_url(), api_key: Some("sk-test-key".into()) }
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.inner.requests.borrow().clone()
    }

    /// Waits until there have been `count` requests, and returns all.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<Recorded> {
        let mut requests = self.inner.requests.subscribe();
        let enough = requests.wait_for(|requests| requests.len() >= count);
        soon("requests to the model", enough).await.unwrap().clone()
    }

    /// Waits until the client has hung up on `count` answers that were not over.
    pub async fn wait_for_hang_ups(&self, count: usize) {
        let mut hung_up = self.inner.hung_up.subscribe();
        soon("the client hangs up", hung_up.wait_for(|n| *n >= count)).await.unwrap();
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Recorded {
    /// A header, or `""`.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The message at this place; negative places count from the end.
    pub fn message(&self, place: isize) -> &Value {
        let messages = self.body["messages"].as_array().unwrap();
        let from_end = messages.len().checked_add_signed(place);
        &messages[usize::try_from(place).ok().or(from_end).unwrap()]
    }
}

/// The result in a message of a tool, without the marks around it.
pub fn tool_result(message: &Value) -> Value {
    serde_json::from_str(marked(message).1).unwrap()
}

/// The mark of a tool's message, and what stands between its two tags.
pub fn marked(message: &Value) -> (&str, &str) {
    let content = message["content"].as_str().unwrap();
    let opened = content.strip_prefix("<tool_result mark=\"").unwrap();
    let (mark, rest) = opened.split_once("\">\n").unwrap();
    let end = format!("\n</tool_result mark=\"{mark}\">");
    (mark, rest.strip_suffix(&end).unwrap())
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let scripted = inner.script.lock().unwrap().pop_front();
    let reply = scripted.unwrap_or_else(|| (inner.fallback)(&body));
    inner.requests.send_modify(|requests| requests.push(Recorded { uri, headers, body }));
    reply.into_response(HangUp { counter: inner.hung_up.clone(), over: false }).await
}

/// Notices when an answer is dropped before its end.
struct HangUp {
    counter: watch::Sender<usize>,
    over: bool,
}

impl HangUp {
    /// The answer came to its end; takes all of `self`, so that a body owns it until then.
    fn answered(mut self) {
        self.over = true;
    }
}

impl Drop for HangUp {
    fn drop(&mut self) {
        if !self.over {
            self.counter.send_modify(|count| *count += 1);
        }
    }
}
