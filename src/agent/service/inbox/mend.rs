//! What a crash has left in an inbox, and how it is put right.

use std::sync::Arc;
use std::time::Duration;

use crate::agent::run::context::RunContext;
use crate::agent::run::inbox::keep_decision;
use crate::domain::{Decision, InboxItem, RequestId, SessionId, TenantId, UnixMs};
use crate::store::{InboxStage, NotedRequest};

/// How long after its deadline a request that nobody has decided is dropped from the inbox: by then nobody has
/// its run any more.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// What is amiss with noted requests.
#[derive(Debug, Default)]
pub(super) struct Amiss {
    /// Decided, and the inbox was not told.
    untold: Vec<(SessionId, RequestId, Decision)>,
    /// Nothing can come of them any more, or none of us has noted them.
    abandoned: Vec<NotedRequest>,
}

impl Amiss {
    /// The item, if its request really waits; else what is amiss with it is remembered.
    pub(super) fn without(
        &mut self,
        noted: NotedRequest,
        item: Option<Arc<InboxItem>>,
        decision: Option<Decision>,
        now: UnixMs,
    ) -> Option<Arc<InboxItem>> {
        match (decision, item) {
            (Some(decision), item) => {
                self.decided(noted.session.clone(), noted.request.clone(), decision);
                // It may be another tenant's.
                self.abandoned.extend(item.is_none().then_some(noted));
                None
            }
            (None, Some(item)) => {
                let deadline = item.request.deadline;
                if !deadline.has_passed(now) {
                    return Some(item);
                }
                let is_over = now.since(deadline.at()) > ABANDONED;
                self.abandoned.extend(is_over.then_some(noted));
                None
            }
            (None, None) => {
                self.abandoned.push(noted);
                None
            }
        }
    }

    /// The inbox was not told of this decision.
    pub(super) fn decided(&mut self, session: SessionId, request: RequestId, decision: Decision) {
        self.untold.push((session, request, decision));
    }
}

/// Tells the inbox of decisions, and drops from it what cannot be decided any more. Returns at once.
pub(super) fn mend(ctx: &Arc<RunContext>, tenant: &TenantId, amiss: Amiss) {
    let Amiss { untold, abandoned } = amiss;
    if untold.is_empty() && abandoned.is_empty() {
        return;
    }
    let (mending, tenant) = (Arc::clone(ctx), tenant.clone());
    ctx.tasks.spawn("inbox", async move {
        for (session, request, decision) in untold {
            keep_decision(&mending, &session, &request, &decision).await;
        }
        for noted in abandoned {
            drop_as_seen(&mending, &tenant, &noted).await;
        }
    });
}

/// Drops from the inbox what is noted of a request, unless that has changed since. If it cannot be done: whoever
/// looks next does it.
async fn drop_as_seen(ctx: &RunContext, tenant: &TenantId, seen: &NotedRequest) {
    if let Ok(Some(noted)) = ctx.store.noted_request(tenant, &seen.request).await
        && noted == *seen
    {
        let _ = ctx.store.drop_noted(tenant, &noted).await;
    }
}

/// Drops requests from the inbox of which neither the request nor the journal is left: nobody can decide them.
/// Returns at once.
pub(super) fn drop_lost(ctx: &Arc<RunContext>, tenant: &TenantId, lost: Vec<RequestId>) {
    if lost.is_empty() {
        return;
    }
    let (dropping, tenant) = (Arc::clone(ctx), tenant.clone());
    ctx.tasks.spawn("inbox", async move {
        for request in lost {
            // If it cannot be done: whoever looks next does it.
            let noted = dropping.store.noted_request(&tenant, &request).await;
            if let Ok(Some(noted)) = noted
                && let InboxStage::Waiting { .. } = noted.stage
            {
                let _ = dropping.store.drop_noted(&tenant, &noted).await;
            }
        }
    });
}
