//! From an answer to a decision.
//!
//! Every way in which an answer can arrive, a published signal, a stored one, a request that another
//! service rewrote, a cancellation, the deadline, ends in the same place: a proposal to
//! [`crate::store::Approvals::decide`]. Whatever stands after that is what the run gets.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;

use super::drive::AgentService;
use crate::agent::approval::request::PendingRequest;
use crate::agent::approval::rules::{
    OpenedSignals, Stopped, StoredSignal, applicable, stored_signal,
};
use crate::agent::approval::seals::Subject;
use crate::agent::approval::uncounted::UncountedVote;
use crate::agent::run::errors::unreadable;
use crate::agent::run::inbox::keep_decision;
use crate::agent::run::stored_request::{Stored, repair};
use crate::backoff::Backoff;
use crate::domain::json;
use crate::domain::signal::{Signal, signal_of_request};
use crate::domain::{Decision, Entry, Holds, RequestId, SessionId, Verdict};
use crate::store::StoreError;

/// Pauses between attempts to decide while the store is away.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MOST: Duration = Duration::from_secs(2);
/// Waiting requests that are read in one go.
const POLL_CHUNK: usize = 500;

impl AgentService {
    /// A signal was published; `asked` is what the session waited for when it came. Where it cannot
    /// be decided here any more it is stored at least, for whoever has the run now.
    pub(super) async fn on_signal(
        self: &Arc<Self>,
        session: &SessionId,
        asked: &[PendingRequest],
        payload: &[u8],
    ) {
        let (waiting, signal) = match applicable(session, asked, payload) {
            Ok(applicable) => applicable,
            Err(why) => return self.on_late_signal(session, payload, &why).await,
        };
        let request = &waiting.request;
        tracing::info!(%session, %request, vote = ?signal.vote, "HITL signal received");
        let holds = self.ctx.holds_at_hand().await;
        if !waiting.counts(&signal, &holds) {
            return self.look_for_decision(session, waiting, &signal, &holds).await;
        }
        let proposal = waiting.decision(&signal, self.ctx.clock.now());
        // The journal will be needed whatever the decision is: both round trips at once.
        let (standing, entries) = tokio::join!(
            self.propose_with_retry(session, waiting, proposal),
            self.journal(session)
        );
        let Some(standing) = standing else {
            // Not decided here; whoever waits for it next finds it.
            return self.keep_signal(session, request, payload).await;
        };
        tokio::join!(
            self.apply(session, request, standing, entries.ok()),
            self.keep_signal(session, request, payload)
        );
    }

    /// A signal that decides nothing by itself may tell of a decision that was made elsewhere.
    async fn look_for_decision(
        self: &Arc<Self>,
        session: &SessionId,
        waiting: &PendingRequest,
        signal: &Signal,
        holds: &Holds,
    ) {
        let wanted = [(session.clone(), waiting.request.clone())];
        let found = self.retry_while_waiting(session, waiting, || self.ctx.signals(&wanted)).await;
        let Some(signals) = found.and_then(|mut found| found.pop()) else { return };
        if let Some(standing) = signals.decision {
            return self.apply(session, &waiting.request, standing, None).await;
        }
        let stored = signals.request.as_deref().and_then(signal_of_request);
        let vote = UncountedVote::of(signal, stored.as_ref()).under(waiting.held(holds));
        self.on_uncounted(session, waiting, vote).await;
    }

    /// Reads the stored signals of everything that waits here, and the requests to cancel what works; drops
    /// what cannot be decided any more.
    pub(super) async fn read_signals(self: &Arc<Self>) {
        self.read_cancellations().await;
        self.drop_all_gone().await;
        let all = self.runs.all_waiting();
        self.seen.keep(&all);
        for chunk in all.chunks(POLL_CHUNK) {
            let polled = self.seen.polled(chunk);
            // A store that is away is logged by the store; there will be another poll.
            let Ok(signals) = self.ctx.new_signals(&polled).await else { return };
            for ((session, waiting), (signals, mark)) in chunk.iter().zip(signals) {
                if let Some(frames) = self.runs.frames(session) {
                    // By now its readers have what was said before the wait.
                    frames.clear();
                }
                // What says something is read again: once it is dealt with, it may be said again.
                let is_quiet = signals.request.as_ref().is_none_or(|text| is_quiet(text, waiting));
                self.evaluate_stored(session, waiting, signals).await;
                self.seen.weighed(&waiting.request, mark.filter(|_| is_quiet));
            }
        }
    }

    /// Reads what came for one waiting run while nobody listened.
    pub(super) async fn look_after(self: &Arc<Self>, session: &SessionId) {
        for waiting in self.runs.waiting(session) {
            let wanted = [(session.clone(), waiting.request.clone())];
            let signals = || self.ctx.signals(&wanted);
            let stored = self.retry_while_waiting(session, &waiting, signals).await;
            if let Some(signals) = stored.and_then(|mut stored| stored.pop()) {
                self.evaluate_stored(session, &waiting, signals).await;
            }
        }
        self.look_for_cancellation(session).await;
    }

    /// Finds the request to cancel a run that has just begun to wait. Who cancelled before its
    /// question was in the journal has found nothing to decide, and the message may have been lost; who
    /// cancels from now on finds the question.
    pub(super) async fn look_for_cancellation(self: &Arc<Self>, session: &SessionId) {
        let Some(waiting) = self.runs.waiting(session).pop() else { return };
        let store = &self.ctx.store;
        let wanted = || store.cancel_requested(session);
        if self.retry_while_waiting(session, &waiting, wanted).await == Some(true) {
            self.on_cancel(session).await;
        }
    }

    /// Decides by what is stored, if that says anything.
    pub(super) async fn evaluate_stored(
        self: &Arc<Self>,
        session: &SessionId,
        waiting: &PendingRequest,
        signals: OpenedSignals,
    ) {
        self.repair_if_spoilt(session, waiting, &signals).await;
        let now = self.ctx.clock.now();
        let stored = self.weigh_stored(session, waiting, &signals).await;
        let standing = match (signals.decision.clone(), stored) {
            (Some(decision), _) => Some(decision),
            (None, StoredSignal::Counts(signal)) => {
                self.propose_with_retry(session, waiting, waiting.stored_decision(&signal, now))
                    .await
            }
            // The timer counts the process's own time; after a pause of the machine it is late. What
            // was stored until then counts first, so it is read once more.
            (None, StoredSignal::Uncounted(_) | StoredSignal::None)
                if waiting.deadline.has_passed(now) =>
            {
                return self.deadline(session.clone(), waiting.clone()).await;
            }
            (None, StoredSignal::Uncounted(vote)) => {
                return self.on_uncounted(session, waiting, vote).await;
            }
            (None, StoredSignal::None) => None,
        };
        if let Some(standing) = standing {
            let request = &waiting.request;
            match standing.verdict {
                Verdict::TimedOut => log_timeout(session, request),
                Verdict::Approved | Verdict::Rejected | Verdict::Cancelled => {
                    tracing::info!(%session, %request, "HITL signal received from its key");
                }
            }
            self.apply(session, &waiting.request, standing, None).await;
        }
    }

    /// What the stored keys say of a request, as things are now.
    async fn weigh_stored(
        &self,
        session: &SessionId,
        waiting: &PendingRequest,
        signals: &OpenedSignals,
    ) -> StoredSignal {
        let holds = self.ctx.holds_at_hand().await;
        let uncounted = self.runs.uncounted(session, &waiting.request);
        let stopped = Stopped { holds: &holds, uncounted: &uncounted };
        stored_signal(session, waiting, signals, stopped)
    }

    /// Others read the request as well: one that nobody can read is written anew.
    async fn repair_if_spoilt(
        &self,
        session: &SessionId,
        waiting: &PendingRequest,
        signals: &OpenedSignals,
    ) {
        let stored = signals.request.clone().map(|text| Stored::of(text, &waiting.request));
        if matches!(stored, Some(Stored::Spoilt)) {
            repair(&self.ctx, session, &waiting.request).await;
        }
    }

    /// The time is up: what is stored counts first, then the deadline.
    pub(super) async fn deadline(self: &Arc<Self>, session: SessionId, waiting: PendingRequest) {
        let wanted = [(session.clone(), waiting.request.clone())];
        let stored =
            self.retry_while_waiting(&session, &waiting, || self.ctx.signals(&wanted)).await;
        let Some(mut stored) = stored else { return };
        let signals = stored.pop().unwrap_or_default();
        let now = self.ctx.clock.now();
        let proposal = match self.weigh_stored(&session, &waiting, &signals).await {
            StoredSignal::Counts(signal) => waiting.stored_decision(&signal, now),
            StoredSignal::Uncounted(_) | StoredSignal::None => PendingRequest::timed_out(now),
        };
        let Some(standing) = self.propose_with_retry(&session, &waiting, proposal).await else {
            return;
        };
        if standing.verdict == Verdict::TimedOut {
            log_timeout(&session, &waiting.request);
        }
        self.apply(&session, &waiting.request, standing, None).await;
    }

    /// The deadline of a request is near: the run itself warns of it.
    pub(super) async fn deadline_near(self: &Arc<Self>, session: &SessionId, request: &RequestId) {
        if let Some(token) = self.runs.wake(session, request) {
            self.resume(session, token, None).await;
        }
    }

    /// Somebody wants the session to stop.
    pub(super) async fn on_cancel(self: &Arc<Self>, session: &SessionId) {
        self.runs.interrupt(session);
        for waiting in self.runs.waiting(session) {
            let proposal = Decision::of(Verdict::Cancelled, self.ctx.clock.now());
            if let Some(standing) = self.propose_with_retry(session, &waiting, proposal).await {
                self.apply(session, &waiting.request, standing, None).await;
            }
        }
    }

    /// Finds the requests to cancel whose message was lost.
    async fn read_cancellations(self: &Arc<Self>) {
        let store = &self.ctx.store;
        for chunk in self.runs.at_work().chunks(POLL_CHUNK) {
            let asked = chunk.iter().map(|session| store.cancel_requested(session));
            for (session, asked) in chunk.iter().zip(join_all(asked).await) {
                if asked.unwrap_or(false) {
                    self.runs.interrupt(session);
                }
            }
        }
    }

    /// Proposes a decision, and returns the one that stands. An answer that was heard is not lost
    /// because the store is away: it is proposed until the store says something, nobody waits for
    /// it any more, or the process is to stop (then `None`).
    async fn propose_with_retry(
        &self,
        session: &SessionId,
        waiting: &PendingRequest,
        proposal: Decision,
    ) -> Option<Decision> {
        let (request, deadline) = (&waiting.request, waiting.deadline);
        let about = Subject { request, session, deadline };
        let decide = || self.ctx.decide(about, &proposal);
        let decided = self.retry_while_waiting(session, waiting, decide).await?;
        Some(decided.standing(proposal))
    }

    async fn retry_while_waiting<T, F, Fut>(
        &self,
        session: &SessionId,
        waiting: &PendingRequest,
        ask: F,
    ) -> Option<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, StoreError>>,
    {
        let (stopping, request) = (self.ctx.tasks.stopping(), &waiting.request);
        let attempt = || async {
            if self.runs.waits_for(session, request) { ask().await.map(Some) } else { Ok(None) }
        };
        let again = |error: &StoreError| {
            if error.is_transient() {
                tracing::warn!(%session, %request, %error, "decision postponed: the store is away");
            }
            error.is_transient() && !stopping.is_cancelled()
        };
        let backoff = Backoff::new(RETRY_FIRST, RETRY_MOST).cut_by(stopping.clone());
        match backoff.retry(attempt, again).await {
            Ok(answer) => answer,
            // No decision can be made any more: better an end than to wait for ever.
            Err(error) if !error.is_transient() => {
                self.abort_run(session, None, unreadable(&error)).await;
                None
            }
            Err(_) => None,
        }
    }

    /// The decision stands: the run goes on with it, and the request tells it to others.
    async fn apply(
        self: &Arc<Self>,
        session: &SessionId,
        request: &RequestId,
        standing: Decision,
        read_ahead: Option<Vec<Entry>>,
    ) {
        let token = self.runs.decide(session, request, standing.clone());
        // Whoever sees the end of a run may look at its request at once, and is not to find it open. A
        // yes is not made to wait for that.
        let ends = standing.verdict != Verdict::Approved;
        if ends {
            keep_decision(&self.ctx, session, request, &standing).await;
        }
        if let Some(token) = token {
            self.resume(session, token, read_ahead).await;
        }
        if !ends {
            keep_decision(&self.ctx, session, request, &standing).await;
        }
    }

    /// Stores a signal that came by publish alone (contract, section 5.3, 5), under its request's
    /// name, so that it can never be taken for an answer to a later one.
    async fn keep_signal(&self, session: &SessionId, request: &RequestId, payload: &[u8]) {
        let store = &self.ctx.store;
        let Ok(Value::Object(mut signal)) = json::read_document(payload) else {
            return;
        };
        // Also in the place of a `null`, which names none.
        signal.insert("requestId".into(), request.as_str().into());
        let signal = Value::Object(signal).to_string();
        let kept = self.ctx.retry_unavailable(|| async {
            let stored = store.signal(session).await?;
            let stored = stored.and_then(|text| Signal::parse(text.as_bytes()).ok());
            if stored.is_none_or(|stored| stored.request_id.as_ref() != Some(request)) {
                store.store_signal(session, &signal).await?;
            }
            Ok(())
        });
        if let Err(error) = kept.await {
            tracing::warn!(%session, %request, %error, "signal not stored");
        }
    }
}

/// Whether a stored request is as it was asked, as far as anything could come of it.
fn is_quiet(text: &str, waiting: &PendingRequest) -> bool {
    let stored = Stored::of(text.to_owned(), &waiting.request);
    matches!(stored, Stored::Readable(..)) && signal_of_request(text).is_none()
}

fn log_timeout(session: &SessionId, request: &RequestId) {
    tracing::info!(%session, %request, "HITL timeout");
}
