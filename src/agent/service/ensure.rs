//! Every run that is not over has a lease: whoever finds one without gives it one.
//!
//! It should never be needed. But should a lease have been lost, whatever the reason, the first who
//! asks for the run, or waits for it, is enough to have it go on.

use std::sync::Arc;

use futures::future::try_join_all;

use super::drive::AgentService;
use crate::domain::{Entry, SessionId};
use crate::store::StoreError;

/// So much of an entry is looked at to see where its session stands: more than the records take that say
/// how it has ended, and than a payload has before its time.
const SEEN_MAX: usize = 256;

impl AgentService {
    /// The beginnings of the newest `limit` entries of each session's journal, oldest first: the only way
    /// in which the agent looks where sessions stand. Runs that are not over are given a lease if they have
    /// none. A journal that cannot be read is as good as gone: it hides no other session.
    pub(super) async fn newest<'a>(
        &self,
        sessions: impl Iterator<Item = &'a SessionId> + Clone + Send,
        limit: usize,
    ) -> Result<Vec<Vec<Entry>>, StoreError> {
        let store = &self.ctx.store;
        let newest = try_join_all(sessions.clone().map(async |id| {
            match store.glimpse(id, limit, SEEN_MAX).await {
                Err(error) if !error.is_transient() => {
                    tracing::warn!(session = %id, %error, "a journal cannot be read");
                    Ok(Vec::new())
                }
                newest => newest,
            }
        }))
        .await?;
        let seen = sessions.zip(&newest);
        let live = seen.filter(|(_, newest)| newest.last().is_some_and(|entry| !entry.is_done()));
        self.ensure_leased(live.map(|(id, _)| id.clone()).collect());
        Ok(newest)
    }

    /// Sees to it that somebody looks after these runs, which are not over. Returns at once: nobody
    /// waits for it. A run that has ended meanwhile is found to be over by whoever claims it.
    pub fn ensure_leased(&self, mut sessions: Vec<SessionId>) {
        sessions.retain(|session| !self.runs.owns(session));
        if sessions.is_empty() {
            return;
        }
        let (store, term) = (Arc::clone(&self.ctx.store), self.ctx.terms.lease);
        self.ctx.tasks.spawn("lease", async move {
            // The store says itself, once, that it is away; whoever asks next does this again.
            let _ = store.ensure(&sessions, term).await;
        });
    }
}
