//! One turn, asked for as often as is sensible.
//!
//! A request that fails may be made again until a piece of the answer was handed out. What the model
//! thinks aloud before that is handed out at once, and comes anew with another request.

use std::sync::Arc;

use tokio::time::{Instant, sleep};

use super::answer::{Answer, Deadlines};
use super::client::Client;
use super::extras::Extras;
use super::fault::Fault;
use super::retry::Retries;
use crate::llm::{ChatRequest, Delta, ModelError, Pieces};

/// A turn on its way. Dropping it cancels its request.
pub(super) struct Asking {
    client: Arc<Client>,
    request: ChatRequest,
    deadlines: Deadlines,
    /// The request under way, once its head is there.
    answer: Option<Answer>,
    /// The optional parts of the request under way.
    sent: Extras,
    /// Those that the provider has complained about in this turn.
    refused: Extras,
    retries: Retries,
    retried: u32,
    /// Whether the request under way has thought aloud.
    has_thought: bool,
    /// Whether a piece of the answer was handed out.
    is_answering: bool,
}

impl Pieces for Asking {
    async fn next(&mut self) -> Result<Option<Delta>, ModelError> {
        loop {
            match self.next_of_request().await {
                Ok(delta) => {
                    if self.refused.any() {
                        self.client.learn(std::mem::take(&mut self.refused));
                    }
                    self.is_answering |= delta.as_ref().is_none_or(Delta::is_of_answer);
                    self.has_thought |= !self.is_answering;
                    return Ok(delta);
                }
                Err(fault) if self.is_answering => return Err(fault.error),
                Err(fault) => {
                    self.prepare_another(fault).await?;
                    if std::mem::take(&mut self.has_thought) {
                        return Ok(Some(Delta::Restarted));
                    }
                }
            }
        }
    }
}

impl Asking {
    /// Nothing is asked yet, but the time runs.
    pub(super) fn new(client: Arc<Client>, request: ChatRequest) -> Self {
        Self {
            deadlines: Deadlines::from_now(client.limits()),
            retries: client.retries(),
            client,
            request,
            answer: None,
            sent: Extras::default(),
            refused: Extras::default(),
            retried: 0,
            has_thought: false,
            is_answering: false,
        }
    }

    async fn next_of_request(&mut self) -> Result<Option<Delta>, Fault> {
        let answer = match &mut self.answer {
            Some(answer) => answer,
            None => {
                self.sent = self.client.extras().without(self.refused);
                let asked = self.client.request(&self.request, self.sent, self.deadlines);
                self.answer.insert(asked.await?)
            }
        };
        answer.next().await
    }

    /// Waits until another request makes sense.
    ///
    /// # Errors
    /// The fault, if none does.
    async fn prepare_another(&mut self, fault: Fault) -> Result<(), ModelError> {
        // A model that has shown itself is not too slow: from now on the time counts anew.
        if self.answer.take().is_some_and(|answer| answer.has_begun()) {
            self.deadlines = self.deadlines.with_first_anew(self.client.limits());
        }
        let blamed = self.sent.and(fault.blamed);
        if blamed.any() {
            self.refused = self.refused.or(blamed);
            return Ok(());
        }
        let (until, _) = self.deadlines.soonest();
        let in_time = |wait: &_| Instant::now() + *wait < until;
        let wait = self.retries.next_wait(fault.again).filter(in_time);
        let Some(wait) = wait else { return Err(fault.error) };
        self.retried += 1;
        let (model, reason) = (self.client.model(), fault.name());
        let (retries, wait_ms) = (self.retried, wait.as_millis());
        tracing::warn!(model, reason, retries, wait_ms, "asking the model again");
        sleep(wait).await;
        Ok(())
    }
}
