//! Runs that are given up because the process stops, so that another one takes them at once.

use std::convert::Infallible;

use futures::future::join_all;

use super::drive::AgentService;
use super::leases::RENEWALS;
use crate::agent::run::journal::opening;
use crate::agent::run::record::Record;
use crate::agent::run::status::status_of;
use crate::domain::{SessionId, SessionStatus, last_id};
use crate::ticks::every;

/// Entries at the end of a journal in which its newest record is looked for.
const RECENT: usize = 100;

impl AgentService {
    /// Gives waiting runs up, so that another process takes them at once. What was heard for them
    /// until now has been acted upon.
    pub(super) async fn hand_over_waiting(&self) {
        let waiting = self.runs.remove_all_suspended();
        self.hand_over(&waiting).await;
    }

    /// Keeps the leases of what is at work while the process stops: nobody else is to begin a step
    /// that may yet come to its end here. Goes on for as long as it is polled.
    pub async fn renew_at_work(&self) -> Infallible {
        let lease = self.ctx.terms.lease;
        let mut renewals = every(lease / RENEWALS);
        loop {
            renewals.tick().await;
            // The store says itself, once, that it is away; there will be another renewal.
            let _ = self.ctx.store.renew(&self.runs.at_work(), lease).await;
        }
    }

    /// Gives everything up that is still at work when the process ends.
    pub async fn hand_over_all(&self) {
        let at_work = self.runs.at_work();
        self.note_hand_overs(&at_work).await;
        self.hand_over(&at_work).await;
    }

    pub(super) async fn hand_over(&self, sessions: &[SessionId]) {
        if sessions.is_empty() {
            return;
        }
        sessions.iter().for_each(|session| self.forget(session));
        let runs = sessions.len();
        match self.ctx.store.release(sessions).await {
            Ok(()) => {
                self.ctx.metrics.runs_released.inc_by(runs as u64);
                tracing::info!(runs, "runs handed over");
            }
            Err(error) => {
                tracing::warn!(runs, %error, "runs not handed over; their leases will run out");
            }
        }
    }

    /// Notes that these runs are given up in the middle of a step, so that nobody takes the step for
    /// what ended the process. What cannot be noted counts like a lost owner.
    pub(super) async fn note_hand_overs(&self, sessions: &[SessionId]) {
        join_all(sessions.iter().map(|session| self.note_hand_over(session))).await;
    }

    async fn note_hand_over(&self, session: &SessionId) {
        let (store, clock) = (&self.ctx.store, &self.ctx.clock);
        let Ok(newest) = store.newest(session, RECENT).await else { return };
        if status_of(&newest) != Some(SessionStatus::Running) {
            return;
        }
        let last = last_id(&newest);
        let entry = opening(last.next(clock.now()), &Record::HandedOver);
        if let Err(error) = store.append(session, last, &[entry]).await {
            tracing::debug!(%session, %error, "hand-over not noted");
        }
    }
}
