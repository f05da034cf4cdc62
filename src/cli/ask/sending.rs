//! A decision on its way to the server.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::decision::{Answer, Decided};
use super::server::Server;
use super::trouble::Trouble;
use crate::backoff::Backoff;
use crate::domain::RequestId;

/// Pauses between two attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// One attempt to answer a question.
pub(super) struct Sending {
    request: RequestId,
    attempt: Pin<Box<dyn Future<Output = Sent> + Send>>,
}

/// What came of an attempt. The answer may be sent as often as it takes: one that the server has already
/// decides nothing twice.
pub(super) struct Sent {
    /// The question.
    pub(super) request: RequestId,
    answer: Answer,
    /// How often the answer was sent.
    pub(super) attempts: u32,
    backoff: Backoff,
    /// What the server says.
    pub(super) result: Result<Decided, Trouble>,
}

impl Sending {
    /// Sends an answer for the first time.
    pub(super) fn begin(server: &Arc<Server>, request: RequestId, answer: Answer) -> Self {
        let (server, id) = (Arc::clone(server), request.clone());
        let attempt = async move {
            let result = server.decide(&request, &answer).await;
            Sent { request, answer, attempts: 1, backoff: Backoff::new(PAUSES.0, PAUSES.1), result }
        };
        Self { request: id, attempt: Box::pin(attempt) }
    }

    /// What came of it. Dropping the wait loses nothing.
    pub(super) async fn sent(&mut self) -> Sent {
        self.attempt.as_mut().await
    }

    /// The question.
    pub(super) fn request(&self) -> &RequestId {
        &self.request
    }
}

impl Sent {
    /// Sends the answer once more, after a pause.
    pub(super) fn again(mut self, server: &Arc<Server>) -> Sending {
        let (server, request) = (Arc::clone(server), self.request.clone());
        let attempt = async move {
            self.backoff.wait().await;
            let result = server.decide(&self.request, &self.answer).await;
            Sent { attempts: self.attempts.saturating_add(1), result, ..self }
        };
        Sending { request, attempt: Box::pin(attempt) }
    }
}
