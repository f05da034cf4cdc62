//! Looks at the file system on threads that may block, so that the streams of the process are not
//! held up.

use std::time::{Duration, Instant};

use crate::tools::ToolError;

/// When work that blocks has to give up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    limit: Duration,
    end: Instant,
}

impl Deadline {
    /// Fails once the time is over; to be asked at every step.
    pub(super) fn check(self) -> Result<(), ToolError> {
        if Instant::now() < self.end { Ok(()) } else { Err(self.passed()) }
    }

    fn passed(self) -> ToolError {
        ToolError::TimedOut { seconds: self.limit.as_secs() }
    }
}

/// Runs work that blocks on a thread of its own, and waits for it no longer than `limit`. The work
/// watches the deadline itself, so that no thread stays busy with what nobody waits for.
pub(super) async fn blocking<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce(Deadline) -> Result<T, ToolError> + Send + 'static,
) -> Result<T, ToolError> {
    let deadline = Deadline { limit, end: Instant::now() + limit };
    let task = tokio::task::spawn_blocking(move || work(deadline));
    match tokio::time::timeout(limit, task).await {
        Ok(done) => done.map_err(|_| ToolError::Failed("the file system look broke off".into()))?,
        Err(_) => Err(deadline.passed()),
    }
}
