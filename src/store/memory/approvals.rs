//! The approvals of the embedded store.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use async_trait::async_trait;

use super::MemoryStore;
use super::expiring::Expiring;
use super::usage::{Usage, Weight};
use crate::domain::{
    ApprovalRequest, Deadline, Decision, Endorsement, ProposalOutcome, RequestId, Sealed,
    SessionId, SessionMeta, UnixMs,
};
use crate::store::{Approvals, NewSignals, Polled, RequestMark, StoreError, StoredSignals, ttl};

/// Requests, signals and decisions. The session's pointer to its request (`hitl:session:…` in Redis)
/// is for other readers of Redis and has no counterpart here.
#[derive(Debug)]
pub(super) struct ApprovalTable {
    requests: Expiring<RequestId, Request>,
    signals: Expiring<SessionId, Box<str>>,
    decisions: Expiring<RequestId, Sealed<Decision>>,
    endorsements: Expiring<RequestId, Vec<Sealed<Endorsement>>>,
    checkpoints: Expiring<SessionId, Box<str>>,
    watched: HashSet<SessionId>,
}

/// A stored request.
#[derive(Debug)]
struct Request {
    session: SessionId,
    text: Box<str>,
}

impl Weight for Request {
    fn weight(&self) -> usize {
        self.session.weight() + self.text.len()
    }
}

impl ApprovalTable {
    /// Nothing was asked.
    pub(super) fn new(usage: &Usage) -> Self {
        Self {
            requests: Expiring::new(usage),
            signals: Expiring::new(usage),
            decisions: Expiring::new(usage),
            endorsements: Expiring::new(usage),
            checkpoints: Expiring::new(usage),
            watched: HashSet::new(),
        }
    }

    /// Frees what was stored about a session, but for what it asked.
    pub(super) fn let_go(&mut self, session: &SessionId) {
        self.signals.remove(session);
        self.checkpoints.remove(session);
    }

    /// Frees what sessions asked, and what was said to that.
    pub(super) fn let_go_of_questions(&mut self, sessions: &HashSet<SessionId>) {
        for request in self.requests.forget(|request| sessions.contains(&request.session)) {
            self.decisions.remove(&request);
            self.endorsements.remove(&request);
        }
    }

    /// Frees what has expired.
    pub(super) fn sweep(&mut self, now: UnixMs) {
        self.requests.sweep(now);
        self.signals.sweep(now);
        self.decisions.sweep(now);
        self.endorsements.sweep(now);
        self.checkpoints.sweep(now);
    }

    /// How many records take up memory.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let signals = self.requests.len() + self.signals.len();
        signals
            + self.decisions.len()
            + self.endorsements.len()
            + self.checkpoints.len()
            + self.watched.len()
    }
}

fn json(request: &ApprovalRequest) -> Result<Box<str>, StoreError> {
    let text = serde_json::to_string(request);
    text.map(Into::into).map_err(|error| StoreError::Rejected(error.to_string()))
}

/// What stands for a text of a request.
fn mark(text: &str) -> RequestMark {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    RequestMark(hasher.finish().to_be_bytes().into())
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
        let (now, stored) = (self.clock.now(), json(request)?);
        let (session, deadline) = (&request.session_id, request.deadline);
        self.sessions.lock().keep(meta, now, ttl::session(deadline, now));
        let mut table = self.approvals.lock();
        table.signals.remove(session);
        table.watched.insert(session.clone());
        let stored = Request { session: session.clone(), text: stored };
        table.requests.put(request.request_id.clone(), stored, now, ttl::request(deadline, now));
        let kept = ttl::outliving(ttl::CHECKPOINT, deadline, now);
        table.checkpoints.put(session.clone(), checkpoint.into(), now, kept);
        Ok(())
    }

    async fn tell_asked(&self, _: &ApprovalRequest) -> Result<(), StoreError> {
        Ok(())
    }

    async fn watch(&self, session: &SessionId) -> Result<(), StoreError> {
        self.approvals.lock().watched.insert(session.clone());
        Ok(())
    }

    fn unwatch(&self, session: &SessionId) {
        self.approvals.lock().watched.remove(session);
    }

    async fn request(&self, id: &RequestId) -> Result<Option<String>, StoreError> {
        let table = self.approvals.lock();
        Ok(table.requests.get(id, self.clock.now()).map(|request| request.text.to_string()))
    }

    async fn requests(&self, ids: &[RequestId]) -> Result<Vec<Option<String>>, StoreError> {
        let (now, table) = (self.clock.now(), self.approvals.lock());
        let text = |id| table.requests.get(id, now).map(|request| request.text.to_string());
        Ok(ids.iter().map(text).collect())
    }

    async fn save_request(&self, request: &ApprovalRequest) -> Result<(), StoreError> {
        let (now, stored) = (self.clock.now(), json(request)?);
        let mut table = self.approvals.lock();
        table.requests.change(&request.request_id, now, |kept| kept.text = stored);
        Ok(())
    }

    async fn signal(&self, session: &SessionId) -> Result<Option<String>, StoreError> {
        Ok(copied(self.approvals.lock().signals.get(session, self.clock.now())))
    }

    async fn new_signals(&self, waiting: &[Polled]) -> Result<Vec<NewSignals>, StoreError> {
        let (now, table) = (self.clock.now(), self.approvals.lock());
        let signals = waiting.iter().map(|Polled { session, request, seen }| {
            let stored = table.requests.get(request, now).map(|kept| &kept.text);
            let mark = stored.map(|text| mark(text));
            let is_new = mark.is_some() && mark != *seen;
            let signals = StoredSignals {
                signal: copied(table.signals.get(session, now)),
                request: copied(stored.filter(|_| is_new)),
                decision: table.decisions.get(request, now).cloned(),
            };
            NewSignals { signals, mark }
        });
        Ok(signals.collect())
    }

    async fn store_signal(&self, session: &SessionId, signal: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.approvals.lock().signals.put(session.clone(), signal.into(), now, ttl::SIGNAL);
        Ok(())
    }

    async fn publish_signal(&self, session: &SessionId, signal: &str) -> Result<(), StoreError> {
        self.store_signal(session, signal).await?;
        if self.approvals.lock().watched.contains(session) {
            self.event_channel.signal(session.clone(), signal.as_bytes().to_vec());
        }
        Ok(())
    }

    async fn decide(
        &self,
        id: &RequestId,
        deadline: Deadline,
        decision: &Sealed<Decision>,
        void: Option<&Sealed<Decision>>,
    ) -> Result<ProposalOutcome<Sealed<Decision>>, StoreError> {
        let (now, mut table) = (self.clock.now(), self.approvals.lock());
        if let Some(standing) = table.decisions.get(id, now)
            && Some(standing) != void
        {
            return Ok(ProposalOutcome::Lost(standing.clone()));
        }
        let kept = ttl::outliving(ttl::DECISION, deadline, now);
        table.decisions.put(id.clone(), decision.clone(), now, kept);
        Ok(ProposalOutcome::Won)
    }

    async fn record_approval(
        &self,
        id: &RequestId,
        deadline: Deadline,
        yes: &Sealed<Endorsement>,
    ) -> Result<Vec<Sealed<Endorsement>>, StoreError> {
        let (now, mut table) = (self.clock.now(), self.approvals.lock());
        let kept = ttl::outliving(ttl::DECISION, deadline, now);
        Ok(table.endorsements.renew(id.clone(), now, kept, |noted| {
            if !noted.contains(yes) {
                noted.push(yes.clone());
            }
            noted.clone()
        }))
    }

    async fn decision(&self, id: &RequestId) -> Result<Option<Sealed<Decision>>, StoreError> {
        Ok(self.approvals.lock().decisions.get(id, self.clock.now()).cloned())
    }

    async fn decisions(
        &self,
        ids: &[RequestId],
    ) -> Result<Vec<Option<Sealed<Decision>>>, StoreError> {
        let (now, table) = (self.clock.now(), self.approvals.lock());
        Ok(ids.iter().map(|id| table.decisions.get(id, now).cloned()).collect())
    }

    async fn approvals_of(&self, id: &RequestId) -> Result<Vec<Sealed<Endorsement>>, StoreError> {
        let table = self.approvals.lock();
        Ok(table.endorsements.get(id, self.clock.now()).cloned().unwrap_or_default())
    }

    async fn save_checkpoint(
        &self,
        session: &SessionId,
        checkpoint: &str,
    ) -> Result<(), StoreError> {
        let (now, mut table) = (self.clock.now(), self.approvals.lock());
        table.checkpoints.put(session.clone(), checkpoint.into(), now, ttl::CHECKPOINT);
        Ok(())
    }

    async fn checkpoint(&self, session: &SessionId) -> Result<Option<String>, StoreError> {
        Ok(copied(self.approvals.lock().checkpoints.get(session, self.clock.now())))
    }
}
