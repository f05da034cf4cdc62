//! The stored request, kept true. Others write it as well, with a plain `SET` of what they read a while
//! ago, so every change here is checked against the decision afterwards. What they have made unreadable is
//! written anew from the run's journal.

use super::context::RunContext;
use super::status::request_asked;
use crate::domain::{ApprovalRequest, Decision, RequestId, SessionId, Standing, Vote};
use crate::store::StoreError;

/// What stands under a request's key.
pub(crate) enum Stored {
    /// Nothing: it has expired.
    Gone,
    /// The request, and the text it was read from.
    Readable(String, Box<ApprovalRequest>),
    /// Something that is not this request: somebody else has written it.
    Spoilt,
}

impl Stored {
    /// What a stored text is.
    pub(crate) fn of(text: String, id: &RequestId) -> Self {
        let request = serde_json::from_str::<ApprovalRequest>(&text).ok();
        match request.filter(|request| request.request_id == *id) {
            Some(request) => Self::Readable(text, Box::new(request)),
            None => Self::Spoilt,
        }
    }

    /// Reads the stored request.
    pub(crate) async fn read(ctx: &RunContext, id: &RequestId) -> Result<Self, StoreError> {
        match ctx.store.request(id).await {
            Ok(Some(text)) => Ok(Self::of(text, id)),
            Ok(None) => Ok(Self::Gone),
            Err(StoreError::Corrupt(_)) => Ok(Self::Spoilt),
            Err(error) => Err(error),
        }
    }
}

/// Writes the decision into the stored request, unless it says so already.
pub(crate) async fn keep_request(
    ctx: &RunContext,
    session: &SessionId,
    id: &RequestId,
    standing: &Decision,
) {
    let kept = rewrite(ctx, session, id, |request| {
        (!request.tells_of(standing)).then(|| request.resolved(standing))
    });
    if let Err(error) = kept.await {
        tracing::warn!(request = %id, %error, "decision not written into the request");
    }
}

/// Takes back a yes that does not count: the request is pending again, for whoever reads its key.
pub(crate) async fn put_back(ctx: &RunContext, session: &SessionId, id: &RequestId) {
    let is_yes = |request: &ApprovalRequest| request.standing == Standing::Voted(Vote::Approve);
    let change = |request: &ApprovalRequest| is_yes(request).then(|| request.reopened());
    change_open(ctx, session, id, change).await;
}

/// Writes the request anew if nobody can read it any more.
pub(crate) async fn repair(ctx: &RunContext, session: &SessionId, id: &RequestId) {
    change_open(ctx, session, id, |_| None).await;
}

/// Tells how many have said yes to a request that several have to approve.
pub(crate) async fn tell_approvals(
    ctx: &RunContext,
    session: &SessionId,
    id: &RequestId,
    given: u32,
) {
    let change = |request: &ApprovalRequest| {
        let mut told = request.clone();
        told.quorum.approvals = given.max(told.quorum.approvals);
        (told != *request).then_some(told)
    };
    change_open(ctx, session, id, change).await;
}

/// Changes a request that nobody has decided. Somebody may do so meanwhile, and then that counts.
async fn change_open(
    ctx: &RunContext,
    session: &SessionId,
    id: &RequestId,
    change: impl Fn(&ApprovalRequest) -> Option<ApprovalRequest>,
) {
    let changed = async {
        rewrite(ctx, session, id, change).await?;
        ctx.retry_unavailable(|| ctx.decision(session, id)).await
    };
    match changed.await {
        Ok(Some(standing)) => keep_request(ctx, session, id, &standing).await,
        Ok(None) => {}
        Err(error) => tracing::warn!(request = %id, %error, "stored request not changed"),
    }
}

/// Replaces the stored request by what `change` makes of it. One that is gone stays gone; one that
/// nobody can read is written as the run has asked it, with that change.
async fn rewrite(
    ctx: &RunContext,
    session: &SessionId,
    id: &RequestId,
    change: impl Fn(&ApprovalRequest) -> Option<ApprovalRequest>,
) -> Result<(), StoreError> {
    let store = &ctx.store;
    ctx.retry_unavailable(|| async {
        let written = match Stored::read(ctx, id).await? {
            Stored::Gone => None,
            Stored::Readable(_, request) => change(&request),
            Stored::Spoilt => {
                let asked = as_asked(ctx, session, id).await?;
                asked.map(|asked| change(&asked).unwrap_or(asked))
            }
        };
        match written {
            Some(request) => store.save_request(&request).await,
            None => Ok(()),
        }
    })
    .await
}

/// The request as the run's journal has it; `None` if that does not know it, or is gone.
pub(crate) async fn as_asked(
    ctx: &RunContext,
    session: &SessionId,
    id: &RequestId,
) -> Result<Option<ApprovalRequest>, StoreError> {
    tracing::warn!(%session, request = %id, "the stored request cannot be read");
    asked_in_journal(ctx, session, id).await
}

/// The same of a request whose key nobody has looked at.
pub(crate) async fn asked_in_journal(
    ctx: &RunContext,
    session: &SessionId,
    id: &RequestId,
) -> Result<Option<ApprovalRequest>, StoreError> {
    match ctx.journal(session).await {
        Ok(entries) => Ok(request_asked(&entries, id)),
        Err(StoreError::Corrupt(_) | StoreError::Truncated(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
