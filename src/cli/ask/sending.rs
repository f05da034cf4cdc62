//! A decision on its way to the server.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::server::{Answer, Decided, Server, Trouble};
use crate::backoff::Backoff;
use crate::domain::RequestId;

/// Pauses between two attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// The answer to a question, sent as often as it takes: one that the server has already decides nothing
/// twice.
pub(super) struct Sending {
    request: RequestId,
    answer: Answer,
    attempts: u32,
    backoff: Backoff,
    attempt: Pin<Box<dyn Future<Output = Result<Decided, Trouble>> + Send>>,
}

impl Sending {
    /// Sends it for the first time.
    pub(super) fn begin(server: &Arc<Server>, request: RequestId, answer: Answer) -> Self {
        let backoff = Backoff::new(PAUSES.0, PAUSES.1);
        let attempt = attempt(server, &request, &answer, Duration::ZERO);
        Self { request, answer, attempts: 1, backoff, attempt }
    }

    /// Sends it once more, after a pause.
    pub(super) fn again(mut self, server: &Arc<Server>) -> Self {
        let attempt = attempt(server, &self.request, &self.answer, self.backoff.pause());
        Self { attempts: self.attempts.saturating_add(1), attempt, ..self }
    }

    /// What came of this attempt. Dropping the wait loses nothing.
    pub(super) async fn result(&mut self) -> Result<Decided, Trouble> {
        self.attempt.as_mut().await
    }

    /// The question.
    pub(super) fn request(&self) -> &RequestId {
        &self.request
    }

    /// How often it was sent.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }
}

fn attempt(
    server: &Arc<Server>,
    request: &RequestId,
    answer: &Answer,
    pause: Duration,
) -> Pin<Box<dyn Future<Output = Result<Decided, Trouble>> + Send>> {
    let (server, request, answer) = (Arc::clone(server), request.clone(), answer.clone());
    Box::pin(async move {
        tokio::time::sleep(pause).await;
        server.decide(&request, &answer).await
    })
}
