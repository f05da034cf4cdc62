//! What hyper calls for each request.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::Response;
use http::{HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Port;

/// Answers with the router's answers.
pub(super) struct Answers {
    port: Arc<Port>,
    /// The token of the first request; it goes as soon as the answer begins.
    unanswered: Mutex<Option<TaskTrackerToken>>,
}

impl Answers {
    pub(super) fn new(port: Arc<Port>, unanswered: TaskTrackerToken) -> Self {
        Self { port, unanswered: Mutex::new(Some(unanswered)) }
    }

    /// The token of the request that has come; those that were sent along with the first one get
    /// their own.
    fn token(&self) -> TaskTrackerToken {
        let first = self.unanswered.lock().unwrap_or_else(PoisonError::into_inner).take();
        first.unwrap_or_else(|| self.port.unanswered.token())
    }
}

impl Service<Request<Incoming>> for Answers {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let unanswered = self.token();
        let leaving = self.port.leaving.clone();
        let answer = TowerToHyperService::new(self.port.router.clone()).call(request);
        Box::pin(async move {
            let mut answer = answer.await?;
            if leaving.is_cancelled() {
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(header::CONNECTION, close);
            }
            drop(unanswered);
            Ok(answer)
        })
    }
}
