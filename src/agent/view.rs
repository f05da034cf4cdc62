//! Sessions as REST shows them (contract, section 5.5), and stopping one.

use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;

use super::service::AgentService;
use super::state::{Node, State, status_of};
use crate::domain::plan::PlanStep;
use crate::domain::{
    ApprovalRequest, Caller, Entry, EventId, RequestId, SessionId, SessionMeta, SessionStatus,
    Shown, Usage,
};
use crate::store::StoreError;

/// Entries from a journal's end that surely hold a record.
const TAIL: usize = 16;
/// How long a cancellation waits to see the run end.
const CANCEL_SEEN: Duration = Duration::from_secs(3);

/// One line of the list of sessions.
#[derive(Clone, Debug)]
pub struct SessionSummary {
    /// What never changes.
    pub meta: SessionMeta,
    /// Where it stands.
    pub status: SessionStatus,
    /// Its last journal entry.
    pub last_event: EventId,
    /// When clients last saw something of it, in seconds since the Unix epoch.
    pub updated_at: u64,
}

/// One session in full.
#[derive(Clone, Debug)]
pub struct SessionDetail {
    /// The line of the list.
    pub summary: SessionSummary,
    /// Where the run is.
    pub node: Node,
    /// The plan so far.
    pub plan: Vec<PlanStep>,
    /// What a person is asked now.
    pub pending: Vec<ApprovalRequest>,
    /// The latest request, decided or not.
    pub latest_request: Option<RequestId>,
    /// Tokens so far.
    pub usage: Usage,
}

/// Why a session was not cancelled.
#[derive(Debug, Error)]
pub enum CancelError {
    /// It is over already.
    #[error("the session is over already")]
    Over(SessionStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AgentService {
    /// The caller's sessions, newest first, after `before`, at most `limit`; and the id to go on
    /// from, if there are more.
    pub async fn sessions(
        &self,
        caller: &Caller,
        before: Option<&SessionMeta>,
        limit: usize,
    ) -> Result<(Vec<SessionSummary>, Option<SessionId>), StoreError> {
        let store = &self.env.desk.store;
        let mut metas = store.sessions_of(&caller.tenant, &caller.user, before, limit + 1).await?;
        let more = metas.len() > limit;
        metas.truncate(limit);
        let next = metas.last().filter(|_| more).map(|meta| meta.session_id.clone());
        let mut summaries = Vec::with_capacity(metas.len());
        for meta in metas {
            let newest = store.newest(&meta.session_id, TAIL).await?;
            summaries.extend(summary(meta, &newest));
        }
        Ok((summaries, next))
    }

    /// One session in full; `None` if its journal has expired or been cut.
    pub async fn detail(&self, meta: SessionMeta) -> Result<Option<SessionDetail>, StoreError> {
        let entries = self.journal(&meta.session_id).await?;
        let Some(state) = State::fold(&entries) else { return Ok(None) };
        let Some(summary) = summary(meta, &entries) else { return Ok(None) };
        let pending = state.pending_request().cloned();
        Ok(Some(SessionDetail {
            summary: SessionSummary { status: state.status(), ..summary },
            node: state.node,
            plan: state.plan,
            pending: pending.into_iter().collect(),
            latest_request: state.last_request.map(|request| request.request_id),
            usage: state.usage,
        }))
    }

    /// Stops a run, on whichever replica it works, and returns where it stands: as a rule it is
    /// cancelled; a tool in flight is awaited, and then it may still be running.
    pub async fn cancel(&self, session: &SessionId) -> Result<SessionStatus, CancelError> {
        let status = self.status(session).await?;
        if is_over(status) {
            return Err(CancelError::Over(status));
        }
        let store = &self.env.desk.store;
        let mut follower = store.follow(session).await?;
        store.request_cancel(session).await?;
        tracing::info!(%session, "cancel requested");
        let ended = async {
            loop {
                let status = self.status(session).await?;
                if is_over(status) {
                    return Ok(status);
                }
                follower.changed().await;
            }
        };
        match timeout(CANCEL_SEEN, ended).await {
            Ok(Ok(SessionStatus::Cancelled)) => Ok(SessionStatus::Cancelled),
            Ok(Ok(status)) => Err(CancelError::Over(status)),
            Ok(Err(error)) => Err(CancelError::Store(error)),
            Err(_) => Ok(self.status(session).await?),
        }
    }

    /// Where a session stands.
    async fn status(&self, session: &SessionId) -> Result<SessionStatus, StoreError> {
        let newest = self.env.desk.store.newest(session, TAIL).await?;
        Ok(status_of(&newest).unwrap_or(SessionStatus::Running))
    }
}

fn summary(meta: SessionMeta, newest: &[Entry]) -> Option<SessionSummary> {
    let last_event = newest.last()?.id;
    let status = status_of(newest).unwrap_or(SessionStatus::Running);
    let updated_at = newest.iter().rev().find_map(timestamp).unwrap_or(meta.created_at_ms / 1000);
    Some(SessionSummary { meta, status, last_event, updated_at })
}

/// The time that an event's payload tells.
fn timestamp(entry: &Entry) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Stamp {
        timestamp: u64,
    }
    match entry.shown.as_ref()? {
        Shown::Event { payload, .. } => {
            serde_json::from_slice::<Stamp>(payload).ok().map(|stamp| stamp.timestamp)
        }
        Shown::Done => None,
    }
}

fn is_over(status: SessionStatus) -> bool {
    match status {
        SessionStatus::Running | SessionStatus::WaitingApproval => false,
        SessionStatus::Completed
        | SessionStatus::Failed
        | SessionStatus::Rejected
        | SessionStatus::Cancelled => true,
    }
}
