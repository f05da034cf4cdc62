//! The port of approvals: what waits for people, and the one decision (contract, section 5).

use async_trait::async_trait;

use super::errors::StoreError;
use crate::domain::{
    ApprovalRequest, Deadline, Decision, Endorsement, ProposalOutcome, RequestId, Sealed,
    SessionId, SessionMeta,
};

/// Requests for approval, the signals about them, and the one decision (contract, section 5).
///
/// A store is trusted to keep decisions, not to make them: it gets them [`Sealed`], and gives back
/// whatever stands there. What that is worth is for the caller to find out, who has the key.
#[async_trait]
pub trait Approvals: Send + Sync {
    /// Makes ready to ask: forgets the session's last signal (it belongs to an earlier request),
    /// subscribes to the session's signals, and stores the request, the session's pointer to it and
    /// the checkpoint. When this returns `Ok`, all of that is so (contract, section 5.3, 1).
    /// On an error some of it may be; asking again is safe.
    ///
    /// The request and the pointer live for the times of contract section 5.1, and at least until
    /// 600 s past the deadline. What is known of the session, its place in its caller's list, its
    /// conversation and the checkpoint are kept until 12 h past the deadline, if that is later than
    /// they would be otherwise.
    async fn open(
        &self,
        meta: &SessionMeta,
        request: &ApprovalRequest,
        checkpoint: &str,
    ) -> Result<(), StoreError>;

    /// Tells others of a request that is open, on `hitl:requests:<tenantId>` (contract, section 5.1), where the
    /// store has such a channel: the embedded one has not, since there is no other process that could hear it.
    /// Repeating it is safe.
    async fn tell_asked(&self, request: &ApprovalRequest) -> Result<(), StoreError>;

    /// Subscribes to the session's signals. When this returns `Ok` the subscription is live, and
    /// stays so over lost connections until [`Approvals::unwatch`]; after each re-subscription the
    /// process gets [`StoreEvent::Resubscribed`]. Idempotent.
    async fn watch(&self, session: &SessionId) -> Result<(), StoreError>;

    /// Ends the subscription. Never waits; unknown sessions are fine.
    fn unwatch(&self, session: &SessionId);

    /// The stored request as JSON text, whoever wrote it last.
    async fn request(&self, id: &RequestId) -> Result<Option<String>, StoreError>;

    /// Many stored requests, in the order asked for, each as [`Approvals::request`] has it; empty where
    /// something stands there that is no text.
    async fn requests(&self, ids: &[RequestId]) -> Result<Vec<Option<String>>, StoreError>;

    /// Replaces the stored request, whatever stands there, if it has not expired; keeps its remaining time
    /// to live (the time of [`Approvals::open`] where somebody has taken its end away), and tells others of
    /// it as [`Approvals::open`] does.
    async fn save_request(&self, request: &ApprovalRequest) -> Result<(), StoreError>;

    /// The session's last signal as JSON text, whoever wrote it.
    async fn signal(&self, session: &SessionId) -> Result<Option<String>, StoreError>;

    /// What is stored about many waiting sessions, in the order asked for, in as few round trips as
    /// the store allows.
    async fn signals(
        &self,
        waiting: &[(SessionId, RequestId)],
    ) -> Result<Vec<StoredSignals>, StoreError> {
        let unseen = |(session, request): &(SessionId, RequestId)| Polled {
            session: session.clone(),
            request: request.clone(),
            seen: None,
        };
        let polled: Vec<Polled> = waiting.iter().map(unseen).collect();
        Ok(self.new_signals(&polled).await?.into_iter().map(|new| new.signals).collect())
    }

    /// The same for whoever asks again and again: a request that is still what was seen is not read, and
    /// is not in the answer. So of what waits no more is read than what may have been said about it.
    async fn new_signals(&self, waiting: &[Polled]) -> Result<Vec<NewSignals>, StoreError>;

    /// Stores a signal that came by publish alone, for 300 s.
    async fn store_signal(&self, session: &SessionId, signal: &str) -> Result<(), StoreError>;

    /// Stores a signal for 300 s and publishes it to every process that watches the session.
    async fn publish_signal(&self, session: &SessionId, signal: &str) -> Result<(), StoreError>;

    /// Decides, unless somebody already has: writes `decision` if and only if nothing stands there, or
    /// exactly `void`, which the caller has found to be no decision, or something that is no text.
    /// Atomic over all processes; says what stands. Kept for 24 h, and in any case until 12 h past the
    /// request's deadline, so that it outlives every copy of the request.
    async fn decide(
        &self,
        id: &RequestId,
        deadline: Deadline,
        decision: &Sealed<Decision>,
        void: Option<&Sealed<Decision>>,
    ) -> Result<ProposalOutcome<Sealed<Decision>>, StoreError>;

    /// Notes a yes to a request that several have to approve; returns all that are noted, in any
    /// order. The very same one is noted once. Kept as long as a decision.
    async fn record_approval(
        &self,
        id: &RequestId,
        deadline: Deadline,
        yes: &Sealed<Endorsement>,
    ) -> Result<Vec<Sealed<Endorsement>>, StoreError>;

    /// What stands in the decision's place, if anything; empty where that is no text.
    async fn decision(&self, id: &RequestId) -> Result<Option<Sealed<Decision>>, StoreError>;

    /// The same of many requests, in the order asked for.
    async fn decisions(
        &self,
        ids: &[RequestId],
    ) -> Result<Vec<Option<Sealed<Decision>>>, StoreError>;

    /// Every yes that [`Approvals::record_approval`] has noted, in any order.
    async fn approvals_of(&self, id: &RequestId) -> Result<Vec<Sealed<Endorsement>>, StoreError>;

    /// Replaces the session's checkpoint; kept for 7 days.
    async fn save_checkpoint(
        &self,
        session: &SessionId,
        checkpoint: &str,
    ) -> Result<(), StoreError>;

    /// The session's checkpoint as JSON text.
    async fn checkpoint(&self, session: &SessionId) -> Result<Option<String>, StoreError>;
}

/// What is stored about one waiting request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredSignals {
    /// `hitl:signal:<sessionId>`.
    pub signal: Option<String>,
    /// `hitl:request:<requestId>`; empty where something stands there that is no text.
    pub request: Option<String>,
    /// `aura:decision:<requestId>`; empty where something stands there that is no text.
    pub decision: Option<Sealed<Decision>>,
}

/// A waiting request that is asked about again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polled {
    /// The session that waits.
    pub session: SessionId,
    /// The request.
    pub request: RequestId,
    /// What an earlier answer said of the stored request; `None`: it is to be read in any case.
    pub seen: Option<RequestMark>,
}

/// Stands for one text of a stored request. Only the store that made it knows what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestMark(pub(in crate::store) Box<[u8]>);

/// What is stored about a waiting request and was not seen before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSignals {
    /// What is stored; without the request, where that was seen.
    pub signals: StoredSignals,
    /// What stands for the stored request; `None`: there is none, or none that is text.
    pub mark: Option<RequestMark>,
}
