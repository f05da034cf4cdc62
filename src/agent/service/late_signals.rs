//! Signals that come too late to decide anything.
//!
//! The Main Service reads a request, and a moment later writes it back with somebody's answer and
//! publishes that. If the request was decided in between, its key now says something else than the
//! decision. The signal tells when that happens, so a session is listened to for a while longer than it
//! waits: then the key is set right.

use super::drive::AgentService;
use crate::agent::run::inbox::keep_decision;
use crate::domain::SessionId;
use crate::domain::signal::Signal;

impl AgentService {
    /// Listens to a session for a while longer.
    pub(super) fn unwatch_later(&self, session: &SessionId) {
        self.recently_decided.add(session);
    }

    /// Listens to a session no longer, unless something of it was decided just now.
    pub(super) fn unwatch_unless_late(&self, session: &SessionId) {
        if !self.recently_decided.has(session) {
            self.ctx.store.unwatch(session);
        }
    }

    /// Stops listening to sessions that were decided a while ago, unless they wait for another answer by now.
    pub(super) fn unwatch_stale(&self) {
        for session in self.recently_decided.stale() {
            let store = &self.ctx.store;
            if self.runs.unless_expected(&session, || store.unwatch(&session)) {
                self.recently_decided.remove(&session);
            }
        }
    }

    /// A signal that nobody waits for. If its request is decided, the request is to say so.
    pub(super) async fn on_late_signal(&self, session: &SessionId, payload: &[u8], why: &str) {
        tracing::warn!(%session, why, "HITL signal ignored");
        let named = Signal::parse(payload).ok().and_then(|signal| signal.request_id);
        let Some(request) = named else { return };
        match self.ctx.decision(session, &request).await {
            Ok(Some(standing)) => keep_decision(&self.ctx, session, &request, &standing).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(%session, %request, %error, "decision not looked up"),
        }
    }
}
