//! The one tracked spawn, and the signals that end everything.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Every task of a process. Cloning shares them.
///
/// Background loops watch [`Tasks::stopping`] and return; [`Tasks::drain`] waits for them.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    leave: CancellationToken,
    stop: CancellationToken,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every task came to its end.
    Clean,
    /// The deadline passed with this many tasks still at work.
    Abandoned(usize),
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task that [`Tasks::drain`] will wait for.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker.spawn(task)
    }

    /// Cancelled once the process has been told to stop: it does its work as before, and asks its
    /// clients to go elsewhere. Always cancelled before [`Tasks::stopping`].
    pub fn leaving(&self) -> CancellationToken {
        self.leave.clone()
    }

    /// Cancelled once the process is to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Tells whoever looks after clients that the process is about to stop.
    pub fn leave(&self) {
        self.leave.cancel();
    }

    /// Tells every task to stop.
    pub fn stop(&self) {
        self.leave();
        self.stop.cancel();
    }

    /// Stops, then waits for all tasks, at most for `grace`.
    pub async fn drain(&self, grace: Duration) -> Drained {
        self.stop();
        self.tracker.close();
        match tokio::time::timeout(grace, self.tracker.wait()).await {
            Ok(()) => Drained::Clean,
            Err(_) => Drained::Abandoned(self.tracker.len()),
        }
    }
}
