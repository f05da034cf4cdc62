//! The runs of all tenants, for operators (contract, section 5.7).

use super::drive::AgentService;
use super::sessions::{CancelError, SessionSummary, TAIL, is_over, summary};
use crate::domain::{
    AuditFact, AuditKind, Caller, SessionId, SessionMeta, SessionStatus, TenantId,
};
use crate::store::{RunPlace, RunsWanted, StoreError};

/// Places of the index that are looked at for one page where each run's journal has to be looked at too.
const LOOKED_AT: usize = 1_000;
/// The same where it has not: most of them are passed over because nobody looks after them.
const LOOKED_AT_FOR_LIVE: usize = 10_000;
/// Places that are looked at in one go.
const AT_ONCE: usize = 100;
/// The same where most are passed over.
const AT_ONCE_FOR_LIVE: usize = 1_000;

/// Which runs are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those that stand so.
    pub status: Option<SessionStatus>,
}

impl RunFilter {
    /// What of the index can be of any use: a run that is not over is looked after.
    fn wanted(&self) -> RunsWanted {
        match self.status {
            Some(status) if !is_over(status) => RunsWanted::Live,
            Some(_) | None => RunsWanted::All,
        }
    }

    fn takes(&self, run: &SessionSummary) -> bool {
        self.status.is_none_or(|status| status == run.status)
    }
}

impl AgentService {
    /// The run of that id, whoever has started it, whether or not its journal is still there.
    pub async fn any_known_run(&self, id: &SessionId) -> Result<Option<SessionMeta>, StoreError> {
        self.ctx.store.session(id).await
    }

    /// The run of that id, whoever has started it, if its journal is still there.
    pub async fn any_run(&self, id: &SessionId) -> Result<Option<SessionMeta>, StoreError> {
        match self.ctx.store.session(id).await? {
            Some(meta) => self.begun(meta).await,
            None => Ok(None),
        }
    }

    /// The runs of all tenants, newest first, after `before`, at most `limit`; and the id to go on from, if there
    /// are more, or may be. What is looked at for one page is bounded, however many runs there are.
    pub async fn all_runs(
        &self,
        filter: &RunFilter,
        before: Option<&SessionMeta>,
        limit: usize,
    ) -> Result<(Vec<SessionSummary>, Option<SessionId>), StoreError> {
        let wanted = filter.wanted();
        let (at_once, most) = match wanted {
            RunsWanted::All => (AT_ONCE, LOOKED_AT),
            RunsWanted::Live => (AT_ONCE_FOR_LIVE, LOOKED_AT_FOR_LIVE),
        };
        let mut runs: Vec<SessionSummary> = Vec::new();
        let (mut before, mut looked_at) = (before.map(RunPlace::of), 0);
        loop {
            let tenant = filter.tenant.as_ref();
            let page = self.ctx.store.listed_runs(tenant, wanted, before.as_ref(), at_once).await?;
            let newest = self.newest(page.runs.iter().map(|run| &run.session_id), TAIL).await?;
            let summaries = page.runs.into_iter().zip(newest);
            let summaries = summaries.filter_map(|(meta, newest)| summary(meta, &newest));
            runs.extend(summaries.filter(|run| filter.takes(run)));
            looked_at += at_once;
            if runs.len() > limit {
                let page: Vec<_> = runs.into_iter().take(limit).collect();
                let next = page.last().map(|run| run.meta.session_id.clone());
                return Ok((page, next));
            }
            before = page.next;
            match &before {
                Some(place) if looked_at >= most => return Ok((runs, Some(place.session.clone()))),
                Some(_) => {}
                None => return Ok((runs, None)),
            }
        }
    }

    /// Stops a run of any tenant, whose audit stream is told so before.
    pub async fn cancel_as_operator(
        &self,
        operator: &Caller,
        run: &SessionMeta,
    ) -> Result<SessionStatus, CancelError> {
        let session = &run.session_id;
        let status = self.status(session).await?;
        if is_over(status) {
            return Err(CancelError::Over(status));
        }
        let (session_id, by_tenant) = (session.clone(), operator.tenant.clone());
        let kind = AuditKind::RunCancelledByOperator { session_id, by_tenant };
        let now = self.ctx.clock.now();
        let fact = AuditFact::of_operator(session, kind, &operator.user, now).traced(&run.trace);
        self.ctx.store.record(&run.tenant, &fact).await?;
        tracing::warn!(
            %session, tenant = %operator.tenant, user = %operator.user, "cancelled by an operator"
        );
        self.cancel(session).await
    }
}
