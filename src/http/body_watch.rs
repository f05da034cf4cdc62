//! Whether a request's body was read to its end: if not, its connection cannot be used again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};

/// Tells whether the body of a request that has been handed on was read.
#[derive(Clone, Debug)]
pub(super) struct BodyRead(Arc<AtomicBool>);

impl BodyRead {
    /// Watches a request's body from now on. What has none counts as read.
    pub(super) fn watch(request: Request) -> (Request, Self) {
        let read = Self(Arc::new(AtomicBool::new(request.body().is_end_stream())));
        if read.to_the_end() {
            return (request, read);
        }
        let watched = read.clone();
        let request = request.map(|body| Body::new(Watched { body, read: watched }));
        (request, read)
    }

    /// Whether the whole body has been read.
    pub(super) fn to_the_end(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct Watched {
    body: Body,
    read: BodyRead,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) {
            self.read.0.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
