//! What hyper calls for each request.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::response::Response;
use http::{HeaderMap, HeaderValue, Request, Version, header};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{Port, Seat};

/// Answers with the router's answers.
pub(super) struct Answers {
    port: Arc<Port>,
    /// The token of the first request; it goes as soon as the answer begins.
    unanswered: Mutex<Option<TaskTrackerToken>>,
    /// The connection's place: each request is told of it.
    seat: Seat,
}

impl Answers {
    pub(super) fn new(port: Arc<Port>, unanswered: TaskTrackerToken, seat: Seat) -> Self {
        Self { port, unanswered: Mutex::new(Some(unanswered)), seat }
    }

    /// The token of the request that has come; those that were sent along with the first one get
    /// their own.
    fn token(&self) -> TaskTrackerToken {
        let first = self.unanswered.lock().take();
        first.unwrap_or_else(|| self.port.unanswered.token())
    }
}

impl Service<Request<Incoming>> for Answers {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let unanswered = self.token();
        let leaving = self.port.leaving.clone();
        let kept = Kept::by(&request);
        let seat = self.seat.clone();
        request.extensions_mut().insert(seat.clone());
        seat.set_answering(true);
        let answer = TowerToHyperService::new(self.port.router.clone()).call(request);
        Box::pin(async move {
            let answer = answer.await;
            seat.set_answering(false);
            let mut answer = answer?;
            if leaving.is_cancelled() || seat.is_spare() || kept.ends_with(answer.headers()) {
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(header::CONNECTION, close);
                if kept == Kept::IfLengthIsKnown {
                    // Otherwise hyper says `keep-alive` as well to a client of HTTP/1.0 that asked for it.
                    *answer.version_mut() = Version::HTTP_10;
                }
            }
            drop(unanswered);
            Ok(answer)
        })
    }
}

/// Whether a connection can be used again once a request on it has been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// It can, unless the answer says otherwise.
    Usually,
    /// The client speaks HTTP/1.0: what has no length ends with the connection.
    IfLengthIsKnown,
    /// The client has said that it closes it.
    Never,
}

impl Kept {
    fn by<B>(request: &Request<B>) -> Self {
        let options = request.headers().get_all(header::CONNECTION).iter();
        let mut options =
            options.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        if options.any(|option| option.trim().eq_ignore_ascii_case("close")) {
            Self::Never
        } else if request.version() < Version::HTTP_11 {
            Self::IfLengthIsKnown
        } else {
            Self::Usually
        }
    }

    /// Whether the connection ends with this answer. Only an event stream says `keep-alive` by itself.
    fn ends_with(self, answer: &HeaderMap) -> bool {
        match self {
            Self::Usually => false,
            Self::IfLengthIsKnown => answer.contains_key(header::CONNECTION),
            Self::Never => true,
        }
    }
}
