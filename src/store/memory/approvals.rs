//! The approvals of the embedded store.

use std::collections::HashSet;

use async_trait::async_trait;

use super::expiring::Expiring;
use super::{MemoryStore, lock};
use crate::domain::{
    ApprovalRequest, Deadline, Decision, Endorsement, RequestId, Sealed, SessionId, SessionMeta,
};
use crate::store::{Approvals, Decided, StoreError, StoredVotes, ttl};

/// Requests, votes and decisions. The session's pointer to its request (`hitl:session:…` in Redis)
/// is for other readers of Redis and has no counterpart here.
#[derive(Debug, Default)]
pub(super) struct ApprovalTable {
    requests: Expiring<RequestId, Box<str>>,
    signals: Expiring<SessionId, Box<str>>,
    decisions: Expiring<RequestId, Sealed<Decision>>,
    endorsements: Expiring<RequestId, Vec<Sealed<Endorsement>>>,
    checkpoints: Expiring<SessionId, Box<str>>,
    watched: HashSet<SessionId>,
}

impl ApprovalTable {
    /// Whether something stands in the decision's place.
    pub(super) fn is_decided(&self, request: &RequestId, now: u64) -> bool {
        self.decisions.get(request, now).is_some()
    }

    /// Frees what has expired.
    pub(super) fn sweep(&mut self, now: u64) {
        self.requests.sweep(now);
        self.signals.sweep(now);
        self.decisions.sweep(now);
        self.endorsements.sweep(now);
        self.checkpoints.sweep(now);
    }

    /// How many records take up memory.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let votes = self.requests.len() + self.signals.len();
        votes
            + self.decisions.len()
            + self.endorsements.len()
            + self.checkpoints.len()
            + self.watched.len()
    }
}

fn json(request: &ApprovalRequest) -> Result<Box<str>, StoreError> {
    let text = serde_json::to_string(request);
    text.map(Into::into).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// What is kept, as a text of the caller's own.
fn copied<T: ToString>(kept: Option<&T>) -> Option<String> {
    kept.map(T::to_string)
}

#[async_trait]
impl Approvals for MemoryStore {
    async fn open(
        &self,
        meta: &SessionMeta,
        request: &ApprovalRequest,
        checkpoint: &str,
    ) -> Result<(), StoreError> {
        let (now, stored) = (self.clock.now_ms(), json(request)?);
        let (session, deadline) = (&request.session_id, request.deadline);
        lock(&self.sessions).keep(meta, now, ttl::session(deadline, now));
        let mut table = lock(&self.approvals);
        table.signals.remove(session);
        table.watched.insert(session.clone());
        table.requests.put(request.request_id.clone(), stored, now, ttl::request(deadline, now));
        let kept = ttl::outliving(ttl::CHECKPOINT, deadline, now);
        table.checkpoints.put(session.clone(), checkpoint.into(), now, kept);
        Ok(())
    }

    async fn watch(&self, session: &SessionId) -> Result<(), StoreError> {
        lock(&self.approvals).watched.insert(session.clone());
        Ok(())
    }

    fn unwatch(&self, session: &SessionId) {
        lock(&self.approvals).watched.remove(session);
    }

    async fn request(&self, id: &RequestId) -> Result<Option<String>, StoreError> {
        Ok(copied(lock(&self.approvals).requests.get(id, self.clock.now_ms())))
    }

    async fn save_request(&self, request: &ApprovalRequest) -> Result<(), StoreError> {
        let (now, stored) = (self.clock.now_ms(), json(request)?);
        if let Some(kept) = lock(&self.approvals).requests.get_mut(&request.request_id, now) {
            *kept = stored;
        }
        Ok(())
    }

    async fn signal(&self, session: &SessionId) -> Result<Option<String>, StoreError> {
        Ok(copied(lock(&self.approvals).signals.get(session, self.clock.now_ms())))
    }

    async fn votes(
        &self,
        waiting: &[(SessionId, RequestId)],
    ) -> Result<Vec<StoredVotes>, StoreError> {
        let (now, table) = (self.clock.now_ms(), lock(&self.approvals));
        let votes = waiting.iter().map(|(session, request)| StoredVotes {
            signal: copied(table.signals.get(session, now)),
            request: copied(table.requests.get(request, now)),
            decision: table.decisions.get(request, now).cloned(),
        });
        Ok(votes.collect())
    }

    async fn store_signal(&self, session: &SessionId, signal: &str) -> Result<(), StoreError> {
        let now = self.clock.now_ms();
        lock(&self.approvals).signals.put(session.clone(), signal.into(), now, ttl::SIGNAL);
        Ok(())
    }

    async fn publish_signal(&self, session: &SessionId, signal: &str) -> Result<(), StoreError> {
        self.store_signal(session, signal).await?;
        if lock(&self.approvals).watched.contains(session) {
            self.outbox.signal(session.clone(), signal.as_bytes().to_vec());
        }
        Ok(())
    }

    async fn decide(
        &self,
        id: &RequestId,
        deadline: Deadline,
        decision: &Sealed<Decision>,
        void: Option<&Sealed<Decision>>,
    ) -> Result<Decided, StoreError> {
        let (now, mut table) = (self.clock.now_ms(), lock(&self.approvals));
        if let Some(standing) = table.decisions.get(id, now)
            && Some(standing) != void
        {
            return Ok(Decided::Lost(standing.clone()));
        }
        let kept = ttl::outliving(ttl::DECISION, deadline, now);
        table.decisions.put(id.clone(), decision.clone(), now, kept);
        Ok(Decided::Won)
    }

    async fn endorse(
        &self,
        id: &RequestId,
        deadline: Deadline,
        yes: &Sealed<Endorsement>,
    ) -> Result<Vec<Sealed<Endorsement>>, StoreError> {
        let (now, mut table) = (self.clock.now_ms(), lock(&self.approvals));
        let noted =
            table.endorsements.renew(id.clone(), now, ttl::outliving(ttl::DECISION, deadline, now));
        if !noted.contains(yes) {
            noted.push(yes.clone());
        }
        Ok(noted.clone())
    }

    async fn decision(&self, id: &RequestId) -> Result<Option<Sealed<Decision>>, StoreError> {
        Ok(lock(&self.approvals).decisions.get(id, self.clock.now_ms()).cloned())
    }

    async fn save_checkpoint(
        &self,
        session: &SessionId,
        checkpoint: &str,
    ) -> Result<(), StoreError> {
        let (now, mut table) = (self.clock.now_ms(), lock(&self.approvals));
        table.checkpoints.put(session.clone(), checkpoint.into(), now, ttl::CHECKPOINT);
        Ok(())
    }

    async fn checkpoint(&self, session: &SessionId) -> Result<Option<String>, StoreError> {
        Ok(copied(lock(&self.approvals).checkpoints.get(session, self.clock.now_ms())))
    }
}
