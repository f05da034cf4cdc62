//! Stopping in good order: when, in which steps, and what is left.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::AppError;
use crate::agent::AgentService;
use crate::http::readers::Readers;
use crate::shutdown::{Drained, Tasks};

/// What a signal tells the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// To stop (SIGTERM, SIGINT).
    Stop,
    /// To read again what may have changed (SIGHUP).
    Reread,
}

/// The signals that tell the process something.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Hears them from now on; they do not end the process by themselves any more.
    pub(super) fn listen() -> Result<Self, AppError> {
        let hear = |kind| signal(kind).map_err(AppError::Signals);
        let (terminate, interrupt) =
            (hear(SignalKind::terminate())?, hear(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, hang_up: hear(SignalKind::hangup())? })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hang_up.recv() => Told::Reread,
        }
    }

    /// Waits for the next one that tells to stop; what is to be read again is not.
    pub(super) async fn stop(&mut self) {
        while self.next().await != Told::Stop {}
    }
}

/// What it takes to stop.
pub(super) struct Ending {
    /// Whose runs go on elsewhere.
    pub(super) service: Arc<AgentService>,
    /// Whose places are free elsewhere once they have gone.
    pub(super) readers: Readers,
    /// What has to come to an end.
    pub(super) tasks: Tasks,
    /// How long the port stays open.
    pub(super) delay: Duration,
    /// What there is time for after that.
    pub(super) grace: Duration,
}

impl Ending {
    /// Stops, in three steps: everything is served as before, but the process is not ready any more;
    /// the port is closed; work comes to an end of its step, and runs are released.
    ///
    /// `serving` ends once `close` is cancelled and the last requests have been answered.
    pub(super) async fn run(
        &self,
        serving: impl Future<Output = ()>,
        close: CancellationToken,
    ) -> Result<(), AppError> {
        tracing::info!(delay_secs = self.delay.as_secs(), "server leaves");
        self.tasks.leave();
        let close_in_time = async {
            tokio::time::sleep(self.delay).await;
            close.cancel();
        };
        tokio::join!(serving, close_in_time);
        tracing::info!(grace_secs = self.grace.as_secs(), "server stops");
        let drained = tokio::select! {
            drained = self.tasks.drain(self.grace) => drained,
            never = self.service.renew_at_work() => match never {},
        };
        // What has not come to an end of its step goes on elsewhere from its last entry.
        tokio::join!(self.service.hand_over_all(), self.readers.settle());
        self.tasks.end().await;
        match drained {
            Drained::Clean => {
                tracing::info!("server stopped");
                Ok(())
            }
            Drained::Abandoned(left) => {
                tracing::warn!(tasks = left.count(), %left, "server stopped with work left");
                Err(AppError::WorkLeft(self.grace))
            }
        }
    }
}
