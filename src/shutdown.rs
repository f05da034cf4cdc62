//! The one tracked spawn, and the signals that end everything.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use parking_lot::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Every task of a process. Cloning shares them.
///
/// Background loops watch [`Tasks::stopping`] and return; [`Tasks::drain`] waits for them. What all
/// others need until their own end is a support: it goes on until [`Tasks::end`].
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    work: TaskTracker,
    roll: Arc<Roll>,
    supports: TaskTracker,
    leave: CancellationToken,
    stop: CancellationToken,
    end: CancellationToken,
}

/// How a drain ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every task came to its end.
    Clean,
    /// The deadline passed with these tasks still at work.
    Abandoned(Left),
}

/// Tasks at work: how many of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left(BTreeMap<&'static str, usize>);

impl Left {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.values().sum()
    }
}

/// `connection: 1, run: 2`
impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (kind, count)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{kind}: {count}")?;
        }
        Ok(())
    }
}

/// The tasks at work, by their kind. One lock, held for a few instructions.
#[derive(Debug, Default)]
struct Roll(Mutex<Left>);

impl Roll {
    fn enter(self: &Arc<Self>, kind: &'static str) -> Entered {
        *self.lock().0.entry(kind).or_default() += 1;
        Entered { roll: Arc::clone(self), kind }
    }

    fn lock(&self) -> MutexGuard<'_, Left> {
        self.0.lock()
    }
}

/// A task's place on the roll; dropped with the task, whether that ended, panicked or was aborted.
struct Entered {
    roll: Arc<Roll>,
    kind: &'static str,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut left = self.roll.lock();
        let of_kind = left.0.remove(self.kind).unwrap_or_default().saturating_sub(1);
        if of_kind > 0 {
            left.0.insert(self.kind, of_kind);
        }
    }
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task that [`Tasks::drain`] will wait for. `kind` is what an operator reads of it,
    /// should it still be at work then.
    pub fn spawn<F>(&self, kind: &'static str, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let entered = self.roll.enter(kind);
        // No `async` block: that would hold the task twice, and there may be thousands.
        self.work.spawn(task.map(move |output| {
            drop(entered);
            output
        }))
    }

    /// Starts a task that other tasks need until they have come to their end. It goes on while they
    /// are drained, and is dropped by [`Tasks::end`].
    pub fn spawn_support(&self, task: impl Future<Output = ()> + Send + 'static) {
        let end = self.end.clone();
        self.supports.spawn(async move {
            end.run_until_cancelled_owned(task).await;
        });
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

    /// Stops, then waits for all tasks but the supports, at most for `grace`.
    pub async fn drain(&self, grace: Duration) -> Drained {
        self.stop();
        self.work.close();
        match tokio::time::timeout(grace, self.work.wait()).await {
            Ok(()) => Drained::Clean,
            Err(_) => Drained::Abandoned(self.roll.lock().clone()),
        }
    }

    /// Ends the supports: nothing that needs them is done any more.
    pub async fn end(&self) {
        self.end.cancel();
        self.supports.close();
        self.supports.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_named_and_what_has_ended_is_not() {
        let tasks = Tasks::new();
        tasks.spawn("run", pending::<()>());
        tasks.spawn("run", pending::<()>());
        tasks.spawn("connection", pending::<()>());
        tasks.spawn("start", async {}).await.unwrap();
        let aborted = tasks.spawn("listener", pending::<()>());
        aborted.abort();
        assert!(aborted.await.unwrap_err().is_cancelled());
        let Drained::Abandoned(left) = tasks.drain(Duration::from_secs(5)).await else {
            panic!("three tasks never end")
        };
        assert_eq!((left.to_string().as_str(), left.count()), ("connection: 1, run: 2", 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_support_outlives_what_needs_it() {
        let tasks = Tasks::new();
        let (question, mut questions) =
            tokio::sync::mpsc::channel::<tokio::sync::oneshot::Sender<()>>(1);
        tasks.spawn_support(async move {
            while let Some(asked) = questions.recv().await {
                let _ = asked.send(());
            }
        });
        let (stopping, asker) = (tasks.stopping(), question.clone());
        tasks.spawn("run", async move {
            stopping.cancelled().await;
            let (asked, answer) = tokio::sync::oneshot::channel();
            asker.send(asked).await.unwrap();
            answer.await.unwrap();
        });
        assert_eq!(tasks.drain(Duration::from_secs(5)).await, Drained::Clean);
        assert!(!question.is_closed());
        tasks.end().await;
        assert!(question.is_closed());
    }
}
