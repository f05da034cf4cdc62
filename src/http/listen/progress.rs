//! How far hyper has come with what a client sent.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use hyper_util::rt::TokioTimer;

/// How far hyper has come since it was given a connection. Written by hyper's timer and by the wire,
/// read by the task of the connection; all three run in that task, so the order of memory does not
/// matter.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Request heads that hyper has waited for. It waits for the next one only after the last
    /// request was read and its answer written to the end.
    heads: AtomicUsize,
    /// Whether it waits for one now.
    waits: AtomicBool,
    /// Whether something was written that has not been flushed.
    unsent: AtomicBool,
}

impl Progress {
    /// hyper gets the connection.
    pub(super) fn begin(&self) {
        self.heads.store(0, Ordering::Relaxed);
        self.waits.store(false, Ordering::Relaxed);
        self.unsent.store(false, Ordering::Relaxed);
    }

    /// Ready once a request has been answered, the answer has left, and hyper waits for another.
    ///
    /// Looks when it is polled, and does not wake: it has to be polled after hyper's connection,
    /// whenever that was.
    pub(super) fn answered(&self) -> impl Future<Output = ()> {
        poll_fn(|_| if self.is_answered() { Poll::Ready(()) } else { Poll::Pending })
    }

    fn is_answered(&self) -> bool {
        self.heads.load(Ordering::Relaxed) > 1
            && self.waits.load(Ordering::Relaxed)
            && !self.unsent.load(Ordering::Relaxed)
    }

    /// The wire has been written to, or flushed.
    pub(super) fn set_unsent(&self, unsent: bool) {
        self.unsent.store(unsent, Ordering::Relaxed);
    }

    fn head_awaited(&self) {
        self.heads.fetch_add(1, Ordering::Relaxed);
        self.waits.store(true, Ordering::Relaxed);
    }
}

/// The timer that hyper sets whenever it begins to wait for a request's head, and drops once it has
/// the head: so it tells how far hyper is.
#[derive(Debug)]
pub(super) struct HeadTimer(Arc<Progress>);

impl HeadTimer {
    pub(super) fn new(progress: Arc<Progress>) -> Self {
        Self(progress)
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.0.head_awaited();
        let sleep = TokioTimer::new().sleep_until(deadline);
        Box::pin(HeadAwaited { sleep, progress: Arc::clone(&self.0) })
    }

    fn now(&self) -> Instant {
        TokioTimer::new().now()
    }
}

struct HeadAwaited {
    sleep: Pin<Box<dyn Sleep>>,
    progress: Arc<Progress>,
}

impl Future for HeadAwaited {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}

impl Sleep for HeadAwaited {}

impl Drop for HeadAwaited {
    fn drop(&mut self) {
        self.progress.waits.store(false, Ordering::Relaxed);
    }
}
