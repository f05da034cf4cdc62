//! Starts that come to nothing, for certain.
//!
//! Whether a run has begun is decided by its journal alone, like everything about it: whoever gives a
//! start up appends to the empty journal that there will be no run. Either that or the run's first
//! entry is there first, and the other append is refused. So a start that stood still, and comes
//! back when others have gone on without it, cannot begin a second run.

use std::sync::Arc;

use super::drive::AgentService;
use super::fate::Fate;
use crate::agent::run::journal::withdrawal;
use crate::domain::{EventId, ScopedKey, SessionId};
use crate::store::{AppendError, Freed, StoreError};

impl AgentService {
    /// What has become of a start so far; `None` if nothing has.
    pub(super) async fn fate(&self, session: &SessionId) -> Result<Option<Fate>, StoreError> {
        Ok(Fate::of(&self.ctx.store.newest(session, 1).await?))
    }

    /// Sees to it that a run which has not begun never does. Says which it is; on an error that is
    /// unknown, and doing it again is safe.
    pub(super) async fn withdraw(&self, session: &SessionId) -> Result<Fate, StoreError> {
        let entry = withdrawal(EventId::ZERO.next(self.ctx.clock.now()));
        let store = &self.ctx.store;
        match store.append(session, EventId::ZERO, &[entry]).await {
            Ok(()) => Ok(Fate::Withdrawn),
            Err(AppendError::Conflict | AppendError::Gone) => {
                let fate = self.fate(session).await?;
                fate.ok_or(StoreError::Contended("a journal has gone while it was looked at"))
            }
            Err(AppendError::Store(error)) => Err(error),
        }
    }

    /// Sees to it that nothing comes of a start that was refused, as soon as the store answers.
    pub(super) fn give_up(self: &Arc<Self>, session: SessionId, key: Option<ScopedKey>) {
        let service = Arc::clone(self);
        self.ctx.tasks.spawn("refused start", async move {
            let ctx = &service.ctx;
            let given_up = ctx.retry_unavailable(|| service.undo(&session, key.as_ref())).await;
            if let Err(error) = given_up {
                tracing::warn!(%session, %error, "a run that may exist was refused");
            }
        });
    }

    /// Undoes a start. A run that exists all the same is cancelled, unless another request with its
    /// key has been given it meanwhile: then it is that one's.
    async fn undo(&self, session: &SessionId, key: Option<&ScopedKey>) -> Result<(), StoreError> {
        let store = &self.ctx.store;
        let fate = self.withdraw(session).await?;
        let freed = match key {
            Some(key) => store.free_key(key, session).await?,
            None => Freed::Free,
        };
        match (fate, freed) {
            (Fate::Withdrawn, Freed::Free | Freed::Wanted) => {
                store.end(std::slice::from_ref(session)).await
            }
            (Fate::Begun { .. }, Freed::Free) => {
                tracing::warn!(%session, "a run that was refused exists; it is cancelled");
                store.request_cancel(session).await
            }
            (Fate::Begun { .. }, Freed::Wanted) => {
                let term = self.ctx.terms.lease;
                store.ensure(std::slice::from_ref(session), term).await
            }
        }
    }

    /// Frees the key of a session that was never begun, if the store answers at once; who waits for the
    /// session is told that there will be none. Otherwise the next request with the key finds out
    /// ([`AgentService::start_once`]).
    pub(super) async fn free_unused(&self, key: Option<&ScopedKey>, session: &SessionId) {
        let Some(key) = key else { return };
        let freed = match self.ctx.store.free_key(key, session).await {
            Ok(Freed::Wanted) => self.withdraw(session).await.map(drop),
            Ok(Freed::Free) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = freed {
            tracing::warn!(%session, %error, "an Idempotency-Key was not freed");
        }
    }
}
