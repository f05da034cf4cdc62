//! From an answer to a decision.
//!
//! Every way in which an answer can arrive, a published signal, a stored one, a request that another
//! service rewrote, a cancellation, the deadline, ends in the same place: a proposal to
//! [`crate::store::Approvals::decide`]. Whatever stands after that is what the run gets.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;

use super::finish::unreadable;
use super::gate::Waiting;
use super::run::Env;
use super::service::AgentService;
use crate::backoff::Backoff;
use crate::domain::signal::{Signal, vote_of_request};
use crate::domain::{
    ApprovalRequest, ApprovalStatus, Decision, Entry, RequestId, SessionId, Verdict,
};
use crate::store::{StoreError, StoredVotes};

/// Pauses between attempts to decide while the store is away.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MOST: Duration = Duration::from_secs(2);
/// Waiting requests asked for in one go.
const POLL_CHUNK: usize = 500;

impl AgentService {
    /// A signal was published; `asked` is what the session waited for when it came. Where it cannot
    /// be decided here any more it is stored at least, for whoever has the run now.
    pub(super) async fn hear_signal(
        self: &Arc<Self>,
        session: &SessionId,
        asked: &[Waiting],
        payload: &[u8],
    ) {
        let (waiting, signal) = match applicable(session, asked, payload) {
            Ok(applicable) => applicable,
            Err(why) => return log_ignored(session, &why),
        };
        let request = &waiting.request;
        tracing::info!(%session, %request, vote = ?signal.vote, "HITL signal received");
        if !waiting.counts(&signal) {
            return self.look_for_decision(session, waiting).await;
        }
        let proposal = waiting.decision(&signal, self.env.desk.clock.now_ms());
        // The journal will be needed whatever the decision is: both round trips at once.
        let (standing, entries) =
            tokio::join!(self.propose(session, waiting, proposal), self.journal(session));
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
    async fn look_for_decision(self: &Arc<Self>, session: &SessionId, waiting: &Waiting) {
        let store = &self.env.desk.store;
        let found = self.insist(session, waiting, || store.decision(&waiting.request)).await;
        match found.flatten() {
            Some(standing) => self.apply(session, &waiting.request, standing, None).await,
            None => {
                let approvers = &waiting.approvers;
                log_ignored(session, &format!("only {approvers} may approve, over REST"));
            }
        }
    }

    /// Reads the stored votes of everything that waits here, and the wishes to stop what works; drops
    /// what cannot be decided any more.
    pub(super) async fn read_votes(self: &Arc<Self>) {
        self.read_cancellations().await;
        self.drop_all_gone().await;
        let all = self.env.gate.all();
        for chunk in all.chunks(POLL_CHUNK) {
            let wanted: Vec<_> =
                chunk.iter().map(|(id, waiting)| (id.clone(), waiting.request.clone())).collect();
            // A store that is away is logged by the store; there will be another poll.
            let Ok(votes) = self.env.desk.store.votes(&wanted).await else { return };
            for ((session, waiting), votes) in chunk.iter().zip(votes) {
                if let Some(live) = self.live(session) {
                    // By now its readers have what was said before the wait.
                    live.settle();
                }
                self.weigh(session, waiting, votes).await;
            }
        }
    }

    /// Reads what came for one waiting run while nobody listened.
    pub(super) async fn look_after(self: &Arc<Self>, session: &SessionId) {
        for waiting in self.env.gate.waiting(session) {
            let wanted = [(session.clone(), waiting.request.clone())];
            let votes = || self.env.desk.store.votes(&wanted);
            let stored = self.insist(session, &waiting, votes).await;
            if let Some(votes) = stored.and_then(|mut stored| stored.pop()) {
                self.weigh(session, &waiting, votes).await;
            }
        }
        let store = &self.env.desk.store;
        if store.cancel_requested(session).await.unwrap_or(false) {
            self.hear_cancel(session).await;
        }
    }

    /// Decides by what is stored, if that says anything.
    pub(super) async fn weigh(
        self: &Arc<Self>,
        session: &SessionId,
        waiting: &Waiting,
        votes: StoredVotes,
    ) {
        let standing = match (votes.decision.clone(), stored_vote(session, waiting, &votes)) {
            (Some(decision), _) => Some(decision),
            (None, Some(signal)) => {
                let now_ms = self.env.desk.clock.now_ms();
                self.propose(session, waiting, waiting.stored_decision(&signal, now_ms)).await
            }
            (None, None) => None,
        };
        if let Some(standing) = standing {
            tracing::info!(%session, request = %waiting.request, "HITL signal received from its key");
            self.apply(session, &waiting.request, standing, None).await;
        }
    }

    /// The time is up: what is stored counts first, then the deadline.
    pub(super) async fn deadline(self: &Arc<Self>, session: SessionId, waiting: Waiting) {
        let wanted = [(session.clone(), waiting.request.clone())];
        let stored = self.insist(&session, &waiting, || self.env.desk.store.votes(&wanted)).await;
        let Some(mut stored) = stored else { return };
        let votes = stored.pop().unwrap_or_default();
        let now_ms = self.env.desk.clock.now_ms();
        let proposal = match stored_vote(&session, &waiting, &votes) {
            Some(signal) => waiting.stored_decision(&signal, now_ms),
            None => Waiting::timed_out(now_ms),
        };
        let Some(standing) = self.propose(&session, &waiting, proposal).await else { return };
        if standing.verdict == Verdict::TimedOut {
            tracing::info!(%session, request = %waiting.request, "HITL timeout");
        }
        self.apply(&session, &waiting.request, standing, None).await;
    }

    /// The deadline of a request is near: the run itself warns of it.
    pub(super) async fn deadline_near(self: &Arc<Self>, session: &SessionId, request: &RequestId) {
        if let Some(release) = self.env.gate.wake(session, request) {
            self.resume(session, release, None).await;
        }
    }

    /// Somebody wants the session to stop.
    pub(super) async fn hear_cancel(self: &Arc<Self>, session: &SessionId) {
        self.interrupt(session);
        for waiting in self.env.gate.waiting(session) {
            let proposal = Decision::of(Verdict::Cancelled, self.env.desk.clock.now_ms());
            if let Some(standing) = self.propose(session, &waiting, proposal).await {
                self.apply(session, &waiting.request, standing, None).await;
            }
        }
    }

    /// Finds the wishes to stop whose message was lost.
    async fn read_cancellations(self: &Arc<Self>) {
        let store = &self.env.desk.store;
        for chunk in self.at_work().chunks(POLL_CHUNK) {
            let asked = chunk.iter().map(|session| store.cancel_requested(session));
            for (session, asked) in chunk.iter().zip(join_all(asked).await) {
                if asked.unwrap_or(false) {
                    self.interrupt(session);
                }
            }
        }
    }

    /// Proposes a decision, and returns the one that stands. An answer that was heard is not lost
    /// because the store is away: it is proposed until the store says something, nobody waits for
    /// it any more, or the process is to stop (then `None`).
    async fn propose(
        &self,
        session: &SessionId,
        waiting: &Waiting,
        proposal: Decision,
    ) -> Option<Decision> {
        let store = &self.env.desk.store;
        let decide = || store.decide(&waiting.request, &proposal);
        let decided = self.insist(session, waiting, decide).await?;
        Some(decided.standing(proposal))
    }

    async fn insist<T, F, Fut>(&self, session: &SessionId, waiting: &Waiting, ask: F) -> Option<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, StoreError>>,
    {
        let stopping = self.env.desk.tasks.stopping();
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_MOST);
        loop {
            if !self.env.gate.waits_for(session, &waiting.request) {
                return None;
            }
            match ask().await {
                Ok(answer) => return Some(answer),
                // No decision can be made any more: better an end than to wait for ever.
                Err(error @ StoreError::Corrupt(_)) => {
                    self.break_down(session, None, unreadable(&error)).await;
                    return None;
                }
                Err(error) => {
                    let request = &waiting.request;
                    tracing::warn!(%session, %request, %error, "decision postponed: the store is away");
                }
            }
            tokio::select! {
                () = stopping.cancelled() => return None,
                () = backoff.wait() => {}
            }
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
        if let Some(release) = self.env.gate.release(session, request, standing.clone()) {
            self.resume(session, release, read_ahead).await;
        }
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
        let kept = self.env.desk.patiently(|| async {
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

/// Writes the decision into the stored request, unless it says so already.
pub(super) async fn keep_request(env: &Env, id: &RequestId, standing: &Decision) {
    let store = &env.desk.store;
    let kept = env.desk.patiently(|| async {
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

/// The signal, and what it answers of all that the session waits for.
fn applicable<'a>(
    session: &SessionId,
    waiting: &'a [Waiting],
    payload: &[u8],
) -> Result<(&'a Waiting, Signal), String> {
    if waiting.is_empty() {
        return Err("nobody waits for it".into());
    }
    let signal = Signal::parse(payload).map_err(|fault| fault.to_string())?;
    if signal.request_id.is_none() && !waiting.iter().all(|waiting| waiting.shown) {
        return Err("it names no request, and nobody has been shown one".into());
    }
    let pending: Vec<RequestId> = waiting.iter().map(|waiting| waiting.request.clone()).collect();
    let answered = signal.applies_to(session, &pending);
    let found = answered.and_then(|id| waiting.iter().find(|waiting| waiting.request == *id));
    match found {
        Some(waiting) => Ok((waiting, signal)),
        None if signal.request_id.is_none() => {
            Err("it names no request, and there are several".into())
        }
        None => Err("it answers another request".into()),
    }
}

/// The vote in the stored keys, if there is one for this request that counts. One that names no
/// request must not be older than the request.
fn stored_vote(session: &SessionId, waiting: &Waiting, votes: &StoredVotes) -> Option<Signal> {
    let meant = |signal: &Signal| {
        let old = signal.timestamp.is_some_and(|at| at < waiting.created_at_ms / 1000);
        signal.request_id.is_some() || waiting.alone && !old
    };
    let by_signal = votes
        .signal
        .as_ref()
        .and_then(|signal| {
            applicable(session, std::slice::from_ref(waiting), signal.as_bytes()).ok()
        })
        .map(|(_, signal)| signal)
        .filter(meant);
    let by_request = || {
        let vote = votes.request.as_deref().and_then(vote_of_request)?;
        let is_of_other_session = vote.session_id.as_ref().is_some_and(|named| named != session);
        let is_meant = vote.request_id.as_ref() == Some(&waiting.request) && !is_of_other_session;
        is_meant.then_some(vote)
    };
    by_signal.or_else(by_request).filter(|signal| waiting.counts(signal))
}

fn log_ignored(session: &SessionId, why: &str) {
    tracing::warn!(%session, why, "HITL signal ignored");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{Approvers, Quorum, TenantId, UserId};

    const ASKED_AT: u64 = 1_706_152_860;

    fn waiting(shown: bool) -> Waiting {
        let request = ApprovalRequest {
            request_id: RequestId::new("req_0123456789ab"),
            session_id: session(),
            user_id: UserId::new("user123"),
            tenant_id: TenantId::new("tenant1"),
            action_type: "git_merge".into(),
            context: json!({}),
            message: String::new(),
            status: ApprovalStatus::Pending,
            created_at: ASKED_AT * 1000,
            expires_at: ASKED_AT + 300,
            quorum: Quorum::from(&Approvers::default()),
            tool_call_id: None,
            args_hash: None,
            more: serde_json::Map::new(),
        };
        Waiting { shown, ..Waiting::for_request(&request, Approvers::default()) }
    }

    fn session() -> SessionId {
        SessionId::new("session_u_1_ab")
    }

    fn stored(signal: &Value) -> StoredVotes {
        StoredVotes { signal: Some(signal.to_string()), request: None, decision: None }
    }

    #[test]
    fn an_answer_without_a_name_counts_only_once_somebody_can_have_seen_the_question() {
        let yes = br#"{"action":"approve"}"#;
        assert!(applicable(&session(), &[waiting(false)], yes).is_err());
        assert!(applicable(&session(), &[waiting(true)], yes).is_ok());
        let named = br#"{"action":"approve","requestId":"req_0123456789ab"}"#;
        assert!(applicable(&session(), &[waiting(false)], named).is_ok());
    }

    #[test]
    fn an_answer_without_a_name_counts_only_where_one_thing_was_asked() {
        let yes = br#"{"action":"approve"}"#;
        let other = Waiting { request: RequestId::new("req_ba9876543210"), ..waiting(true) };
        assert!(applicable(&session(), &[waiting(true), other], yes).is_err());
        let among_others = Waiting { alone: false, ..waiting(true) };
        let signal = stored(&json!({"action": "approve", "timestamp": ASKED_AT}));
        assert!(stored_vote(&session(), &among_others, &signal).is_none());
    }

    #[test]
    fn where_not_everybody_may_approve_a_signal_can_only_reject() {
        let approvers: Approvers = "role:manager".parse().unwrap();
        let narrow = Waiting { approvers, ..waiting(true) };
        let vote = |action: &str| {
            let signal = json!({"action": action, "timestamp": ASKED_AT});
            stored_vote(&session(), &narrow, &stored(&signal))
        };
        assert!(vote("approve").is_none());
        assert!(vote("reject").is_some());
    }

    #[test]
    fn a_stored_request_answers_only_itself() {
        let vote = |id: &str, of: &str| {
            let request = json!({"requestId": id, "sessionId": of, "status": "approved"});
            let votes = StoredVotes { request: Some(request.to_string()), ..Default::default() };
            stored_vote(&session(), &waiting(true), &votes)
        };
        assert!(vote("req_0123456789ab", "session_u_1_ab").is_some());
        assert!(vote("req_ba9876543210", "session_u_1_ab").is_none());
        assert!(vote("req_0123456789ab", "session_u_2_cd").is_none());
    }

    #[test]
    fn a_stored_answer_without_a_name_must_not_be_older_than_the_question() {
        let vote = |at: u64| {
            let signal = json!({"action": "approve", "timestamp": at});
            stored_vote(&session(), &waiting(true), &stored(&signal))
        };
        assert!(vote(ASKED_AT - 1).is_none());
        assert!(vote(ASKED_AT).is_some());
    }

    #[test]
    fn a_stored_answer_counts_after_the_deadline_only_if_it_was_given_before() {
        let late = (ASKED_AT + 301) * 1000;
        let verdict = |at: u64| {
            let signal =
                json!({"type": "approval", "requestId": "req_0123456789ab", "timestamp": at});
            let signal = Signal::parse(signal.to_string().as_bytes()).unwrap();
            waiting(true).stored_decision(&signal, late).verdict
        };
        assert_eq!(verdict(ASKED_AT + 299), Verdict::Approved);
        assert_eq!(verdict(ASKED_AT + 301), Verdict::TimedOut);
    }
}
