//! The end of a run that cannot go on: it panicked, or met something stored that nobody can read.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::drive::AgentService;
use crate::agent::approval::seals::Subject;
use crate::agent::run::errors::Failure;
use crate::agent::run::finish::aborted;
use crate::agent::run::inbox::keep_decision;
use crate::agent::run::journal::{JournalError, Writer};
use crate::agent::run::state::State;
use crate::agent::run::step::Run;
use crate::domain::event::EndStatus;
use crate::domain::{
    AnnouncementKind, Deadline, Decision, EventId, RequestId, SessionId, Verdict, last_id,
};

impl AgentService {
    /// Ends a run that panicked, or met something stored that cannot be understood: its stream has
    /// an end like any other, and its requests can be decided no more. `stored` is where its journal
    /// ended as far as this process knows: if somebody else has gone on from there, nothing is
    /// written.
    pub(super) async fn abort_run(
        &self,
        session: &SessionId,
        stored: Option<EventId>,
        failure: Failure,
    ) {
        tracing::error!(%session, error = %failure.error, "run broke down");
        let state = match self.journal(session).await {
            // Written to, it would come to life again as a run that never began.
            Ok(entries) if entries.is_empty() => {
                return self.abandon(session, &JournalError::Gone).await;
            }
            Ok(entries) if stored.is_some_and(|stored| stored != last_id(&entries)) => {
                return self.abandon(session, &JournalError::Lost).await;
            }
            Ok(entries) => State::fold_or_log(session, &entries),
            Err(error) => {
                tracing::error!(%session, %error, "what the run had asked cannot be told");
                None
            }
        };
        self.cancel_open_requests(session, state.as_ref()).await;
        match self.write_abort(session, stored, state, &failure).await {
            Ok(()) => self.over(session).await,
            Err(error @ JournalError::Permanent(_)) => {
                tracing::error!(%session, %error, "a broken run cannot be ended; it is given up");
                self.over(session).await;
            }
            Err(JournalError::Gone) => self.drop_gone(session).await,
            Err(error @ (JournalError::Lost | JournalError::Transient(_))) => {
                tracing::error!(%session, %error, "the end of a broken run cannot be written");
                self.forget(session);
            }
        }
    }

    /// Takes back what a run that broke down had asked.
    async fn cancel_open_requests(&self, session: &SessionId, state: Option<&State>) {
        let waited = self.ctx.pending.withdraw(session).into_iter();
        let mut asked: BTreeMap<RequestId, Deadline> =
            waited.map(|waiting| (waiting.request, waiting.deadline)).collect();
        let pending = state.into_iter().flat_map(State::pending_requests);
        asked.extend(pending.map(|request| (request.request_id.clone(), request.deadline)));
        self.cancel_requests(session, asked, state).await;
    }

    /// Decides that nothing comes of these requests of a run that is over. `state`, where there is
    /// one, knows the calls that they are about.
    pub(super) async fn cancel_requests(
        &self,
        session: &SessionId,
        asked: BTreeMap<RequestId, Deadline>,
        state: Option<&State>,
    ) {
        if !asked.is_empty() {
            self.unwatch_later(session);
        }
        for (request, deadline) in asked {
            let proposal = Decision::of(Verdict::Cancelled, self.ctx.clock.now());
            let about = Subject { request: &request, session, deadline };
            match self.ctx.decide(about, &proposal).await {
                Ok(decided) => {
                    let decision = decided.standing(proposal);
                    if let Some(state) = state {
                        self.record_taken_back(state, &request, &decision).await;
                    }
                    keep_decision(&self.ctx, session, &request, &decision).await;
                }
                Err(error) => tracing::warn!(%session, %request, %error, "request not taken back"),
            }
        }
    }

    async fn record_taken_back(&self, state: &State, request: &RequestId, decision: &Decision) {
        let Some((planned, asked)) = state.asked_about(request) else { return };
        let recorded = self.ctx.record_decision(&state.meta, planned, asked, decision).await;
        if let Err(error) = recorded {
            tracing::error!(%request, %error, "a decision is missing in the audit stream");
        }
    }

    async fn write_abort(
        &self,
        session: &SessionId,
        stored: Option<EventId>,
        state: Option<State>,
        failure: &Failure,
    ) -> Result<(), JournalError> {
        let store = &self.ctx.store;
        let last = match stored {
            Some(stored) => stored,
            None => {
                let newest = self.ctx.retry_unavailable(|| store.newest(session, 1)).await;
                last_id(&newest?)
            }
        };
        let frames = self.runs.open_frames(session, last);
        let (mut writer, _) = Writer::open(&self.ctx, session, last, frames);
        match state {
            Some(state) => {
                let cancel = CancellationToken::new();
                Run::new(Arc::clone(&self.ctx), state, writer, cancel).abort(failure).await?;
            }
            None => {
                let language = self.ctx.language.without_prompt();
                let drafts = aborted(failure, language, self.ctx.notices);
                // Whatever of it can still be read is told.
                self.ctx.will_announce(session, AnnouncementKind::Ended, last).await?;
                writer.append(&drafts, None).await?;
                writer.flush().await?;
            }
        }
        self.ctx.metrics.run_ended(EndStatus::Failed);
        Ok(())
    }
}
