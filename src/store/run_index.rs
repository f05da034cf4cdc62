//! The port of the index of all runs, which operators read (contract, section 5.7).

use async_trait::async_trait;

use super::errors::StoreError;
use crate::domain::{SessionId, SessionMeta, TenantId, UnixMs};

/// How many runs an index lists at most, the newest: one index of all tenants, and one of each.
pub const RUNS_LISTED: usize = 100_000;

/// A run's place among all others: by the service's clock, so that no client chooses it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunPlace {
    /// When it was started.
    pub created_at: UnixMs,
    /// The run.
    pub session: SessionId,
}

impl RunPlace {
    /// Where this run stands, whether or not it is listed.
    pub fn of(meta: &SessionMeta) -> Self {
        Self { created_at: meta.created_at_ms, session: meta.session_id.clone() }
    }
}

/// What a look at a part of the index found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunPage {
    /// The runs, newest first.
    pub runs: Vec<SessionMeta>,
    /// The last place that was looked at, if there may be more after it.
    pub next: Option<RunPlace>,
}

/// Which runs of the index are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunsWanted {
    /// All of them.
    All,
    /// Those that somebody looks after: they are at work, or wait, or have ended just now.
    Live,
}

/// The runs of all users, newest first. It is a read model: [`crate::store::Sessions::register`] writes it, nothing is
/// decided by it, and what is lost of it is only not listed.
#[async_trait]
pub trait RunIndex: Send + Sync {
    /// Looks at the next `limit` places of this tenant, or of all, newest first, after `before` (exclusive).
    /// Runs whose record has expired, or cannot be read, are left out.
    async fn listed_runs(
        &self,
        tenant: Option<&TenantId>,
        wanted: RunsWanted,
        before: Option<&RunPlace>,
        limit: usize,
    ) -> Result<RunPage, StoreError>;
}
