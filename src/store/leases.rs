//! The port of leases: who looks after which run.

use std::time::Duration;

use async_trait::async_trait;

use super::errors::StoreError;
use crate::domain::SessionId;

/// Who looks after which run. A lease says nothing about who may write: that is what
/// compare-and-append is for. It only says when somebody else should look after a run.
///
/// Times are the store's own: processes need not agree on a clock.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes or renews the leases of these runs for `term` from now, all of them in one step.
    async fn renew(&self, sessions: &[SessionId], term: Duration) -> Result<(), StoreError>;

    /// Gives these runs up: whoever claims next gets them, and every process gets
    /// [`StoreEvent::Released`], as far as it is connected. Runs that have no lease any more are
    /// left alone.
    async fn release(&self, sessions: &[SessionId]) -> Result<(), StoreError>;

    /// Ends the leases of runs that are over: nobody needs to look after them again.
    async fn end(&self, sessions: &[SessionId]) -> Result<(), StoreError>;

    /// Gives each of these runs that has no lease one for `term` from now, and leaves all other leases
    /// as they are, also those that have run out. What somebody looks after renews itself before
    /// that; what nobody does can be claimed then.
    async fn ensure(&self, sessions: &[SessionId], term: Duration) -> Result<(), StoreError>;

    /// Takes at most `limit` leases that have run out, the oldest first, for `term` from now.
    /// Of several processes that claim at once, one gets each run.
    async fn claim(&self, limit: usize, term: Duration) -> Result<Vec<SessionId>, StoreError>;
}
