//! Hears answers and deadlines for all waiting runs of a process: one task, whatever their number.
//!
//! Pub/sub only wakes. Every way in which an answer can arrive, a published signal, a stored one, a
//! request that another service rewrote, the deadline, ends in the same place: a proposal to
//! [`crate::store::Approvals::decide`], and whatever stands after that is what the run gets.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::time::DelayQueue;

use super::ask::patiently;
use super::gate::Waiting;
use super::run::Env;
use super::service::AgentService;
use crate::domain::signal::{Signal, vote_of_request};
use crate::domain::{
    ApprovalRequest, ApprovalStatus, Decision, Entry, RequestId, SessionId, Verdict,
};
use crate::store::{StoreError, StoreEvent, StoredVotes};

/// Stored votes are read at least this often (contract, section 5.3, 2).
const POLL: Duration = Duration::from_secs(5);
/// How soon a deadline is looked at again that could not be decided.
const DEADLINE_RETRY: Duration = Duration::from_millis(500);
/// Waiting requests asked for in one go.
const POLL_CHUNK: usize = 500;

/// Builds the service and starts its listener.
pub fn start(
    env: Arc<Env>,
    max_runs: usize,
    events: mpsc::Receiver<StoreEvent>,
) -> Arc<AgentService> {
    let (deadlines, new_deadlines) = mpsc::unbounded_channel();
    let tasks = env.desk.tasks.clone();
    let service = Arc::new(AgentService::new(env, max_runs, deadlines));
    let listener = Listener { service: Arc::clone(&service), deadlines: DelayQueue::new() };
    tasks.spawn(listener.run(events, new_deadlines));
    service
}

struct Listener {
    service: Arc<AgentService>,
    /// A timer wheel; entries of requests that were decided meanwhile fire into the void.
    deadlines: DelayQueue<(SessionId, Waiting)>,
}

impl Listener {
    async fn run(
        mut self,
        mut events: mpsc::Receiver<StoreEvent>,
        mut new_deadlines: mpsc::UnboundedReceiver<(SessionId, Waiting)>,
    ) {
        let tasks = self.service.env.desk.tasks.clone();
        let stopping = tasks.stopping();
        let mut poll = interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let service = Arc::clone(&self.service);
            tokio::select! {
                () = stopping.cancelled() => return,
                Some(event) = events.recv() => match event {
                    StoreEvent::Signal { session, payload } => {
                        tasks.spawn(async move { service.hear_signal(&session, &payload).await });
                    }
                    StoreEvent::Resubscribed => {
                        tasks.spawn(async move { service.read_votes().await });
                    }
                    StoreEvent::Cancel { session } => {
                        tasks.spawn(async move { service.hear_cancel(&session).await });
                    }
                },
                Some((session, waiting)) = new_deadlines.recv() => {
                    let left = self.time_left(&waiting);
                    self.deadlines.insert((session, waiting), left);
                }
                Some(due) = self.deadlines.next() => {
                    let (session, waiting) = due.into_inner();
                    tasks.spawn(async move { service.deadline(session, waiting).await });
                }
                _ = poll.tick() => {
                    tasks.spawn(async move { service.read_votes().await });
                }
            }
        }
    }

    fn time_left(&self, waiting: &Waiting) -> Duration {
        let now_ms = self.service.env.desk.clock.now_ms();
        Duration::from_millis(waiting.deadline_ms().saturating_sub(now_ms)).max(MIN_DELAY)
    }
}

/// The timer wheel's own grain.
const MIN_DELAY: Duration = Duration::from_millis(1);

impl AgentService {
    /// A signal was published.
    async fn hear_signal(self: &Arc<Self>, session: &SessionId, payload: &[u8]) {
        let Some(waiting) = self.env.gate.waiting(session) else {
            return log_ignored(session, "nobody waits for it");
        };
        let signal = match applicable(session, &waiting, payload) {
            Ok(signal) => signal,
            Err(why) => return log_ignored(session, &why),
        };
        tracing::info!(%session, request = %waiting.request, vote = ?signal.vote, "HITL signal received");
        let proposal = waiting.decision(&signal, self.env.desk.clock.now_ms());
        // The journal will be needed whatever the decision is: both round trips at once.
        let (decided, entries) = tokio::join!(
            self.env.desk.store.decide(&waiting.request, &proposal),
            self.journal(session)
        );
        match decided {
            Ok(decided) => {
                let standing = decided.standing(proposal);
                self.conclude(session, &waiting.request, standing, entries.ok()).await;
                self.keep_signal(session, &waiting.request, payload).await;
            }
            Err(error) => log_undecided(session, &waiting.request, &error),
        }
    }

    /// Reads the stored votes of everything that waits here.
    async fn read_votes(self: &Arc<Self>) {
        let all = self.env.gate.all();
        for chunk in all.chunks(POLL_CHUNK) {
            let wanted: Vec<_> =
                chunk.iter().map(|(id, waiting)| (id.clone(), waiting.request.clone())).collect();
            let votes = match self.env.desk.store.votes(&wanted).await {
                Ok(votes) => votes,
                // Logged by the store; there will be another poll.
                Err(_) => return,
            };
            for ((session, waiting), votes) in chunk.iter().zip(votes) {
                self.settle_readers(session);
                if let Err(error) = self.weigh(session, waiting, &votes).await {
                    log_undecided(session, &waiting.request, &error);
                }
            }
        }
    }

    /// Decides by what is stored, if that says anything.
    async fn weigh(
        self: &Arc<Self>,
        session: &SessionId,
        waiting: &Waiting,
        votes: &StoredVotes,
    ) -> Result<(), StoreError> {
        let store = &self.env.desk.store;
        let standing = match stored_vote(session, waiting, votes) {
            Some(signal) => {
                let now_ms = self.env.desk.clock.now_ms();
                let proposal = waiting.stored_decision(&signal, now_ms);
                let decided = store.decide(&waiting.request, &proposal).await?;
                Some(decided.standing(proposal))
            }
            None if is_resolved(votes) => store.decision(&waiting.request).await?,
            None => None,
        };
        if let Some(standing) = standing {
            tracing::info!(%session, request = %waiting.request, "HITL signal received from its key");
            self.conclude(session, &waiting.request, standing, None).await;
        }
        Ok(())
    }

    /// The time is up: what is stored counts first, then the deadline.
    async fn deadline(self: &Arc<Self>, session: SessionId, waiting: Waiting) {
        if self.env.gate.waiting(&session).as_ref() != Some(&waiting) {
            return;
        }
        match self.decide_deadline(&session, &waiting).await {
            Ok(standing) => {
                if standing.verdict == Verdict::TimedOut {
                    tracing::info!(%session, request = %waiting.request, "HITL timeout");
                }
                self.conclude(&session, &waiting.request, standing, None).await;
            }
            Err(error) => {
                log_undecided(&session, &waiting.request, &error);
                tokio::time::sleep(DEADLINE_RETRY).await;
                Box::pin(self.deadline(session, waiting)).await;
            }
        }
    }

    async fn decide_deadline(
        &self,
        session: &SessionId,
        waiting: &Waiting,
    ) -> Result<Decision, StoreError> {
        let store = &self.env.desk.store;
        let wanted = [(session.clone(), waiting.request.clone())];
        let votes = store.votes(&wanted).await?.pop().unwrap_or_default();
        let now_ms = self.env.desk.clock.now_ms();
        let proposal = match stored_vote(session, waiting, &votes) {
            Some(signal) => waiting.stored_decision(&signal, now_ms),
            None => Waiting::timed_out(now_ms),
        };
        Ok(store.decide(&waiting.request, &proposal).await?.standing(proposal))
    }

    /// Somebody wants the session to stop.
    async fn hear_cancel(self: &Arc<Self>, session: &SessionId) {
        self.interrupt(session);
        let Some(waiting) = self.env.gate.waiting(session) else { return };
        let at_ms = self.env.desk.clock.now_ms();
        let proposal = Decision { verdict: Verdict::Cancelled, by: None, reason: None, at_ms };
        match self.env.desk.store.decide(&waiting.request, &proposal).await {
            Ok(decided) => {
                let standing = decided.standing(proposal);
                self.conclude(session, &waiting.request, standing, None).await;
            }
            Err(error) => log_undecided(session, &waiting.request, &error),
        }
    }

    /// The decision stands: the run goes on with it, and the keys tell it to others.
    async fn conclude(
        self: &Arc<Self>,
        session: &SessionId,
        request: &RequestId,
        standing: Decision,
        entries: Option<Vec<Entry>>,
    ) {
        let Some(release) = self.env.gate.conclude(session, request, standing.clone()) else {
            return;
        };
        self.env.desk.store.unwatch(session);
        self.resume(session, release, entries).await;
        keep_request(&self.env, request, &standing).await;
    }

    /// Stores a signal that came by publish alone (contract, section 5.3, 5), under its request's
    /// name, so that it can never be taken for an answer to a later one.
    async fn keep_signal(&self, session: &SessionId, request: &RequestId, payload: &[u8]) {
        let store = &self.env.desk.store;
        let Ok(Value::Object(mut signal)) = serde_json::from_slice::<Value>(payload) else {
            return;
        };
        signal.entry("requestId").or_insert_with(|| request.as_str().into());
        let signal = Value::Object(signal).to_string();
        let kept = async {
            if store.signal(session).await?.is_none() {
                store.store_signal(session, &signal).await?;
            }
            Ok::<(), StoreError>(())
        };
        if let Err(error) = kept.await {
            tracing::warn!(%session, %request, %error, "signal not stored");
        }
    }

    /// Drops the frames kept for the readers of a run that waits.
    fn settle_readers(&self, session: &SessionId) {
        if let Some(live) = self.live(session) {
            live.settle();
        }
    }
}

/// Writes the decision into the stored request, unless it says so already.
pub(super) async fn keep_request(env: &Env, id: &RequestId, standing: &Decision) {
    let store = &env.desk.store;
    let kept = patiently(env.desk.patience, || async {
        let Some(stored) = store.request(id).await? else { return Ok(()) };
        let Ok(request) = serde_json::from_str::<ApprovalRequest>(&stored) else { return Ok(()) };
        if request.status == ApprovalStatus::from(standing.verdict) {
            return Ok(());
        }
        store.save_request(&request.resolved(standing)).await
    });
    if let Err(error) = kept.await {
        tracing::warn!(request = %id, %error, "decision not written into the request");
    }
}

/// The signal, if it is an answer to what the session waits for.
fn applicable(session: &SessionId, waiting: &Waiting, payload: &[u8]) -> Result<Signal, String> {
    let signal = Signal::parse(payload).map_err(|fault| fault.to_string())?;
    match signal.applies_to(session, std::slice::from_ref(&waiting.request)) {
        Some(_) => Ok(signal),
        None => Err("it answers another request".into()),
    }
}

/// The vote in the stored keys, if there is one for this request.
fn stored_vote(session: &SessionId, waiting: &Waiting, votes: &StoredVotes) -> Option<Signal> {
    let by_signal = votes
        .signal
        .as_ref()
        .and_then(|signal| applicable(session, waiting, signal.as_bytes()).ok());
    by_signal.or_else(|| votes.request.as_deref().and_then(vote_of_request))
}

/// Whether the stored request says that it is over: then there is a decision to read.
fn is_resolved(votes: &StoredVotes) -> bool {
    let request = votes.request.as_deref();
    let request = request.and_then(|json| serde_json::from_str::<ApprovalRequest>(json).ok());
    request.is_some_and(|request| request.status != ApprovalStatus::Pending)
}

fn log_ignored(session: &SessionId, why: &str) {
    tracing::warn!(%session, why, "HITL signal ignored");
}

fn log_undecided(session: &SessionId, request: &RequestId, error: &StoreError) {
    tracing::warn!(%session, %request, %error, "decision postponed: the store is away");
}
