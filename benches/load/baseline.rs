//! What there is to compare with: an axum server that streams frames which it has already, and does
//! nothing else. It is this very program, started as a process of its own.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::{StreamExt, stream};
use tempfile::NamedTempFile;
use tokio::net::TcpListener;

use crate::server::Process;

/// What makes this program the baseline.
pub const ARGUMENT: &str = "baseline";
const PORT: &str = "BASELINE_PORT";

/// Hands out all frames as fast as the connection takes them, several in one write.
pub const AT_ONCE: &str = "/at-once";
/// Hands out one frame, lets it be written, and only then has the next.
pub const ONE_BY_ONE: &str = "/one-by-one";
/// Hands out the first frame, and keeps the stream open.
pub const HOLD: &str = "/hold";

/// A baseline with the frames of a stream that the service has sent.
pub struct Baseline {
    /// The process.
    pub process: Process,
    _frames: NamedTempFile,
}

impl Baseline {
    /// Starts the server.
    pub fn start(frames: &[u8]) -> Self {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), frames).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(ARGUMENT).arg(file.path());
        Self { process: Process::start(command, PORT, "/health"), _frames: file }
    }

    /// The same request as to the service, but for the route.
    pub fn request(&self, route: &str, like: &[u8]) -> Vec<u8> {
        let like = std::str::from_utf8(like).unwrap();
        like.replacen("/aura/test/stream", route, 1).into_bytes()
    }
}

type Frames = Arc<[Bytes]>;

/// Is the server, for as long as the process lives.
pub fn serve(arguments: &[String]) {
    let frames = read(Path::new(&arguments[0]));
    let port: u16 = std::env::var_os(PORT).unwrap().to_str().unwrap().parse().unwrap();
    let router = Router::new()
        .route("/health", get(|| async {}))
        .route(AT_ONCE, post(at_once))
        .route(ONE_BY_ONE, post(one_by_one))
        .route(HOLD, post(hold))
        .with_state(frames);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
            stream.set_nodelay(true).unwrap();
        });
        axum::serve(listener, router).await.unwrap();
    });
}

/// The frames of a stream's body, each with its blank line.
fn read(file: &Path) -> Frames {
    let body = std::fs::read_to_string(PathBuf::from(file)).unwrap();
    body.split_inclusive("\n\n").map(|frame| Bytes::from(frame.to_owned())).collect()
}

async fn at_once(State(frames): State<Frames>, _body: Bytes) -> Response {
    let count = frames.len();
    respond(stream::iter((0..count).map(move |n| Ok(frames[n].clone()))))
}

async fn one_by_one(State(frames): State<Frames>, _body: Bytes) -> Response {
    let count = frames.len();
    let one_by_one = stream::iter(0..count).then(move |n| {
        let frame = frames[n].clone();
        async move {
            tokio::task::yield_now().await;
            Ok(frame)
        }
    });
    respond(one_by_one)
}

async fn hold(State(frames): State<Frames>, _body: Bytes) -> Response {
    respond(stream::iter([Ok(frames[0].clone())]).chain(stream::pending()))
}

fn respond(
    frames: impl stream::Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
) -> Response {
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(frames)).into_response()
}
