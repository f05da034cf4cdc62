//! Sessions as REST shows them (contract, section 5.5), and stopping one.

use std::time::Duration;

use futures::future::join_all;
use thiserror::Error;
use tokio::time::timeout;

use super::drive::AgentService;
use super::fate::Fate;
use crate::agent::approval::seals::Subject;
use crate::agent::run::inbox::keep_decision;
use crate::agent::run::state::{Node, State};
use crate::agent::run::status::status_of;
use crate::domain::plan::PlanStep;
use crate::domain::{
    ApprovalRequest, Caller, Decision, Entry, EventId, RequestId, SessionId, SessionMeta,
    SessionStatus, Shown, UnixSeconds, Usage, Verdict,
};
use crate::store::StoreError;

/// Most sessions that are looked at for one page, however many of them have no journal any more.
const LOOKED_AT: usize = 1000;
/// As many at a time, once a page was not full at once.
const AT_ONCE: usize = 100;
/// Entries from a journal's end among which an end or a question would be seen; any others mean
/// that the run is at work.
pub(super) const TAIL: usize = 16;
/// How long a cancellation waits to see the run end.
const CANCEL_SEEN: Duration = Duration::from_secs(3);
/// How often it is told again meanwhile: a message can be lost.
const CANCEL_AGAIN: Duration = Duration::from_secs(1);
/// Sessions that are searched for an event id. Ids follow the clock, so it is as a rule in the newest
/// that had begun by then; others were at work at the same time.
const SEARCHED: usize = 64;

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
    pub updated_at: UnixSeconds,
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
    /// The session, if it exists for this caller and its journal is still there.
    pub async fn session(
        &self,
        caller: &Caller,
        id: &SessionId,
    ) -> Result<Option<SessionMeta>, StoreError> {
        let meta = self.ctx.store.session(id).await?;
        match meta.filter(|meta| meta.belongs_to(caller)) {
            Some(meta) => self.begun(meta).await,
            None => Ok(None),
        }
    }

    /// The session, if it has begun and its journal is still there.
    pub(super) async fn begun(&self, meta: SessionMeta) -> Result<Option<SessionMeta>, StoreError> {
        let newest = self.newest(std::iter::once(&meta.session_id), 1).await?;
        let begun =
            newest.iter().any(|newest| matches!(Fate::of(newest), Some(Fate::Begun { .. })));
        Ok(begun.then_some(meta))
    }

    /// The session, if it exists for this caller, whether or not its journal is still there.
    pub async fn known_session(
        &self,
        caller: &Caller,
        id: &SessionId,
    ) -> Result<Option<SessionMeta>, StoreError> {
        let meta = self.ctx.store.session(id).await?;
        Ok(meta.filter(|meta| meta.belongs_to(caller)))
    }

    /// The caller's session whose journal holds exactly this id; the newest, if there are several. Only
    /// the newest sessions that had begun by then are looked at.
    pub async fn session_with_event(
        &self,
        caller: &Caller,
        event: EventId,
    ) -> Result<Option<SessionId>, StoreError> {
        let store = &self.ctx.store;
        let begun = store.begun_by(&caller.tenant, &caller.user, event, SEARCHED).await?;
        let held = join_all(begun.iter().map(|session| store.holds(session, event))).await;
        for (session, held) in begun.iter().zip(held) {
            if held? {
                return Ok(Some(session.clone()));
            }
        }
        Ok(None)
    }

    /// The caller's sessions, newest first, after `before`, at most `limit`; and the id to go on
    /// from, if there are more, or may be: among very many whose journals have expired, a page has
    /// fewer.
    pub async fn sessions(
        &self,
        caller: &Caller,
        before: Option<&SessionMeta>,
        limit: usize,
    ) -> Result<(Vec<SessionSummary>, Option<SessionId>), StoreError> {
        let store = &self.ctx.store;
        let mut summaries: Vec<SessionSummary> = Vec::new();
        let mut before = before.cloned();
        // A session is known for longer than its journal is kept: those without one are passed over.
        let (mut wanted, mut looked_at) = (limit + 1, 0);
        while summaries.len() <= limit {
            if looked_at >= LOOKED_AT {
                return Ok((summaries, before.map(|meta| meta.session_id)));
            }
            let metas =
                store.sessions_of(&caller.tenant, &caller.user, before.as_ref(), wanted).await?;
            let newest = self.newest(metas.iter().map(|meta| &meta.session_id), TAIL).await?;
            for (meta, newest) in metas.iter().zip(newest) {
                summaries.extend(summary(meta.clone(), &newest));
            }
            looked_at += metas.len();
            if metas.len() < wanted {
                break;
            }
            before = metas.last().cloned();
            wanted = wanted.max(AT_ONCE);
        }
        let more = summaries.len() > limit;
        summaries.truncate(limit);
        let next = summaries.last().filter(|_| more).map(|line| line.meta.session_id.clone());
        Ok((summaries, next))
    }

    /// One session in full; `None` if its journal has expired, been cut, or cannot be read.
    pub async fn detail(&self, meta: SessionMeta) -> Result<Option<SessionDetail>, StoreError> {
        let entries = match self.journal(&meta.session_id).await {
            Err(StoreError::Corrupt(_) | StoreError::Truncated(_)) => return Ok(None),
            entries => entries?,
        };
        let Some(state) = State::fold_or_log(&meta.session_id, &entries) else { return Ok(None) };
        let Some(summary) = summary(meta, &entries) else { return Ok(None) };
        let pending = state.pending_requests().cloned().collect();
        Ok(Some(SessionDetail {
            summary: SessionSummary { status: state.status(), ..summary },
            node: state.node,
            plan: state.plan,
            pending,
            latest_request: state.last_request.map(|request| request.request_id),
            usage: state.usage,
        }))
    }

    /// Stops a run, on whichever replica it works, and returns where it stands: as a rule it is
    /// cancelled; a tool that is just changing something is awaited, and then it may still be running.
    pub async fn cancel(&self, session: &SessionId) -> Result<SessionStatus, CancelError> {
        let status = self.status(session).await?;
        if is_over(status) {
            return Err(CancelError::Over(status));
        }
        let store = &self.ctx.store;
        let mut follower = store.follow(session).await?;
        store.request_cancel(session).await?;
        self.cancel_questions(session).await?;
        tracing::info!(%session, "cancel requested");
        let ended = async {
            loop {
                let status = self.status(session).await?;
                if is_over(status) {
                    return Ok(status);
                }
                if timeout(CANCEL_AGAIN, follower.changed()).await.is_err() {
                    store.request_cancel(session).await?;
                }
            }
        };
        match timeout(CANCEL_SEEN, ended).await {
            Ok(Ok(SessionStatus::Cancelled)) => Ok(SessionStatus::Cancelled),
            Ok(Ok(status)) => Err(CancelError::Over(status)),
            Ok(Err(error)) => Err(CancelError::Store(error)),
            Err(_) => Ok(self.status(session).await?),
        }
    }

    /// Decides the questions that a run waits with, so that its cancellation is not lost with the
    /// message: whoever waits for them finds the decisions.
    async fn cancel_questions(&self, session: &SessionId) -> Result<(), StoreError> {
        let state = State::fold_or_log(session, &self.journal(session).await?);
        for request in state.iter().flat_map(State::pending_requests) {
            let proposal = Decision::of(Verdict::Cancelled, self.ctx.clock.now());
            let (id, deadline) = (&request.request_id, request.deadline);
            let about = Subject { request: id, session, deadline };
            let decided = self.ctx.decide(about, &proposal).await?;
            keep_decision(&self.ctx, session, id, &decided.standing(proposal)).await;
        }
        Ok(())
    }

    /// Where a session stands.
    pub(super) async fn status(&self, session: &SessionId) -> Result<SessionStatus, StoreError> {
        let newest = self.newest(std::iter::once(session), TAIL).await?;
        let status = newest.first().and_then(|newest| status_of(newest));
        Ok(status.unwrap_or(SessionStatus::Running))
    }
}

/// The line of a session; `None` if it never began, or if its journal has expired.
pub(super) fn summary(meta: SessionMeta, newest: &[Entry]) -> Option<SessionSummary> {
    let last_event = match Fate::of(newest)? {
        Fate::Begun { last } => last,
        Fate::Withdrawn => return None,
    };
    let status = status_of(newest).unwrap_or(SessionStatus::Running);
    let updated_at = newest.iter().rev().find_map(timestamp).unwrap_or(meta.created_at_ms.second());
    Some(SessionSummary { meta, status, last_event, updated_at })
}

/// The time that an event's payload tells, whose beginning is enough: nothing foreign stands before it.
fn timestamp(entry: &Entry) -> Option<UnixSeconds> {
    const NAME: &[u8] = br#""timestamp":"#;
    match entry.shown.as_ref()? {
        Shown::Event { payload, .. } => {
            let at = payload.windows(NAME.len()).position(|found| found == NAME)? + NAME.len();
            let digits = payload[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let seconds = std::str::from_utf8(&payload[at..at + digits]).ok()?.parse().ok()?;
            Some(UnixSeconds::new(seconds))
        }
        Shown::Done => None,
    }
}

pub(super) fn is_over(status: SessionStatus) -> bool {
    match status {
        SessionStatus::Running | SessionStatus::WaitingApproval => false,
        SessionStatus::Completed
        | SessionStatus::Failed
        | SessionStatus::Rejected
        | SessionStatus::Cancelled => true,
    }
}
