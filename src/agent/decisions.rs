//! Deciding a request over REST: what the Main Service does by writing keys, with the guarantees.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::gate::Waiting;
use super::service::AgentService;
use crate::domain::signal::{Signal, vote_of_request};
use crate::domain::{ApprovalRequest, Caller, Decision, RequestId, SessionId, Verdict};
use crate::store::{Decided, StoreError};

/// How long a click waits for its decision to be told to others.
const TELLING: Duration = Duration::from_secs(5);

/// Why a request could not be decided or read.
#[derive(Debug, Error)]
pub enum DecisionError {
    /// There is no such request, or not for this caller's tenant.
    #[error("there is no such request")]
    NotFound,
    /// It broke down on the way.
    #[error("the request could not be decided")]
    Broken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a click led to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The session that waits.
    pub session: SessionId,
    /// The decision that stands.
    pub decision: Decision,
    /// Whether it is this click's.
    pub won: bool,
}

impl AgentService {
    /// The stored request as JSON text, telling the decision that stands, whoever wrote what.
    pub async fn request(&self, caller: &Caller, id: &RequestId) -> Result<String, DecisionError> {
        let (stored, request) = self.stored_request(caller, id).await?;
        match self.env.desk.store.decision(id).await? {
            Some(decision) if request.status != decision.verdict.into() => {
                let resolved = request.resolved(&decision);
                serde_json::to_string(&resolved)
                    .map_err(|error| StoreError::Corrupt(error.to_string()).into())
            }
            Some(_) | None => Ok(stored),
        }
    }

    /// The last signal of a session of the caller's tenant, as JSON text.
    pub async fn signal(
        &self,
        caller: &Caller,
        session: &SessionId,
    ) -> Result<Option<String>, StoreError> {
        let store = &self.env.desk.store;
        let meta = store.session(session).await?;
        match meta.filter(|meta| meta.tenant == caller.tenant) {
            Some(_) => store.signal(session).await,
            None => Ok(None),
        }
    }

    /// Decides a request for `caller`, unless it is decided already or its time is up. The keys and
    /// the signal of contract section 5.2 are written before this returns.
    ///
    /// A client that leaves meanwhile does not leave half a decision behind.
    pub async fn decide(
        self: &Arc<Self>,
        caller: &Caller,
        id: &RequestId,
        verdict: Verdict,
        reason: Option<String>,
    ) -> Result<Outcome, DecisionError> {
        let (service, caller, id) = (Arc::clone(self), caller.clone(), id.clone());
        let deciding =
            self.env.desk.tasks.spawn(async move {
                service.decide_to_the_end(&caller, &id, verdict, reason).await
            });
        deciding.await.unwrap_or(Err(DecisionError::Broken))
    }

    async fn decide_to_the_end(
        &self,
        caller: &Caller,
        id: &RequestId,
        verdict: Verdict,
        reason: Option<String>,
    ) -> Result<Outcome, DecisionError> {
        let (stored, request) = self.stored_request(caller, id).await?;
        let session = request.session_id.clone();
        let at_ms = self.env.desk.clock.now_ms();
        let click = Decision { verdict, by: Some(caller.user.clone()), reason, at_ms };
        let proposal = self.proposal(&request, &stored, click.clone());
        let decided = self.env.desk.store.decide(id, &proposal).await?;
        let first = decided == Decided::Won;
        let won = first && proposal == click;
        let decision = decided.standing(proposal);
        // A decision that was told before is not told again: its signal would take the place of
        // one for a later request of the same session.
        if first || request.status != decision.verdict.into() {
            let told =
                self.env.desk.patiently_for(TELLING, || self.announce(&request, &decision)).await;
            if let Err(error) = told {
                // The decision stands; whoever waits for it finds it by itself.
                tracing::warn!(request = %id, %error, "decision not announced");
            }
        }
        tracing::info!(
            request = %id, %session, tenant = %caller.tenant, user = %caller.user,
            verdict = ?decision.verdict, won, "approval decided"
        );
        Ok(Outcome { session, decision, won })
    }

    /// What a click amounts to: the deadline may have passed, and another publisher's vote may be
    /// stored already, which then came first.
    fn proposal(&self, request: &ApprovalRequest, stored: &str, click: Decision) -> Decision {
        let waiting = Waiting::for_request(request);
        match vote_of_request(stored) {
            Some(vote) => waiting.stored_decision(&vote, click.at_ms),
            None if click.at_ms >= waiting.deadline_ms() => Waiting::timed_out(click.at_ms),
            None => click,
        }
    }

    /// Writes the decision where others look: the request, then the signal, then the channel.
    async fn announce(
        &self,
        request: &ApprovalRequest,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        let store = &self.env.desk.store;
        if request.status != decision.verdict.into() {
            store.save_request(&request.resolved(decision)).await?;
        }
        match Signal::for_decision(&request.request_id, &request.session_id, decision) {
            Some(signal) => store.publish_signal(&request.session_id, &signal).await,
            None => Ok(()),
        }
    }

    async fn stored_request(
        &self,
        caller: &Caller,
        id: &RequestId,
    ) -> Result<(String, ApprovalRequest), DecisionError> {
        let stored = self.env.desk.store.request(id).await?.ok_or(DecisionError::NotFound)?;
        let request: ApprovalRequest = serde_json::from_str(&stored)
            .map_err(|error| StoreError::Corrupt(format!("hitl:request:{id}: {error}")))?;
        if request.tenant_id == caller.tenant {
            Ok((stored, request))
        } else {
            Err(DecisionError::NotFound)
        }
    }
}
