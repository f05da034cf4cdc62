//! The port of quotas: what users and tenants have at once (contract, section 3).

use std::time::Duration;

use async_trait::async_trait;

use super::errors::StoreError;
use crate::domain::{
    Full, Quota, Refused, SessionId, SessionMeta, Share, TenantId, ToolCallId, UserId,
};

/// How many streams of one user a process has open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenStreams {
    /// How many.
    pub count: u32,
    /// Ascends with every change of it in this process: an older count does not replace a newer one.
    pub version: u64,
}

/// How much users and tenants have at once, and how often users start runs (contract, section 3), over all
/// processes.
///
/// Each decision is one atomic step. No crash costs a place: what is counted is looked at again once there
/// seems to be no room, and what has ended in the meantime is left out. A run
/// and what it has asked have ended once it has no lease, a process once it has not been heard of
/// ([`Quotas::heard_of`]) for its term.
#[async_trait]
pub trait Quotas: Send + Sync {
    /// Counts a run that is about to start, and takes one start from what the user's rate allows; or
    /// nothing of both, and says why. The session has its lease already. Of two reasons the limits come first.
    /// What the rate gave comes back by itself, by the store's own clock. On an error it is unknown whether
    /// it was counted; for the same session it is counted once.
    async fn take_start(
        &self,
        tenant: &TenantId,
        user: &UserId,
        session: &SessionId,
        quota: &Quota,
    ) -> Result<Result<(), Refused>, StoreError>;

    /// Counts a call of a run about which somebody is asked, if there is room for it; if not, says which
    /// limit is reached. On an error it is unknown whether it was counted; the same call is counted once,
    /// however often it is asked about.
    async fn take_question(
        &self,
        meta: &SessionMeta,
        call: &ToolCallId,
        quota: &Quota,
    ) -> Result<Result<(), Full>, StoreError>;

    /// A run is over.
    async fn leave_run(&self, meta: &SessionMeta) -> Result<(), StoreError>;

    /// Nobody is asked about a call of a run any more.
    async fn leave_question(&self, meta: &SessionMeta, call: &ToolCallId)
    -> Result<(), StoreError>;

    /// Notes how many streams of a user this process has open, unless with those of other processes there
    /// are more than may be; then says which limit is reached, and notes nothing. Fewer than before are
    /// always noted.
    async fn count_streams(
        &self,
        tenant: &TenantId,
        user: &UserId,
        open: OpenStreams,
        most: Share,
    ) -> Result<Result<(), Full>, StoreError>;

    /// This process is there, and will be heard of again within `term`. Says whether it was known: if not,
    /// what it has counted may have been left out, and has to be told again.
    async fn heard_of(&self, term: Duration) -> Result<bool, StoreError>;
}
