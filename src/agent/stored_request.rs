//! The stored request, kept true. Others write it as well, with a plain `SET` of what they read a while
//! ago, so every change here is checked against the decision afterwards.

use super::run::Env;
use crate::domain::{ApprovalRequest, Decision, RequestId, Standing, Vote};
use crate::store::StoreError;

/// Writes the decision into the stored request, unless it says so already.
pub(super) async fn keep_request(env: &Env, id: &RequestId, standing: &Decision) {
    let kept = rewrite(env, id, |request| {
        (!request.tells_of(standing)).then(|| request.resolved(standing))
    });
    if let Err(error) = kept.await {
        tracing::warn!(request = %id, %error, "decision not written into the request");
    }
}

/// Takes back a yes that does not count: the request is pending again, for whoever reads its key.
pub(super) async fn put_back(env: &Env, id: &RequestId) {
    let is_yes = |request: &ApprovalRequest| request.standing == Standing::Voted(Vote::Approve);
    let change = |request: &ApprovalRequest| is_yes(request).then(|| request.reopened());
    change_open(env, id, change).await;
}

/// Tells how many have said yes to a request that several have to approve.
pub(super) async fn tell_approvals(env: &Env, id: &RequestId, given: u32) {
    let change = |request: &ApprovalRequest| {
        let mut told = request.clone();
        told.quorum.approvals = given.max(told.quorum.approvals);
        (told != *request).then_some(told)
    };
    change_open(env, id, change).await;
}

/// Changes a request that nobody has decided. Somebody may do so meanwhile, and then that counts.
async fn change_open(
    env: &Env,
    id: &RequestId,
    change: impl Fn(&ApprovalRequest) -> Option<ApprovalRequest>,
) {
    let changed = async {
        rewrite(env, id, change).await?;
        env.desk.patiently(|| env.desk.store.decision(id)).await
    };
    match changed.await {
        Ok(Some(standing)) => keep_request(env, id, &standing).await,
        Ok(None) => {}
        Err(error) => tracing::warn!(request = %id, %error, "stored request not changed"),
    }
}

/// Replaces the stored request by what `change` makes of it. One that is gone, or that nobody can read,
/// stays as it is.
async fn rewrite(
    env: &Env,
    id: &RequestId,
    change: impl Fn(&ApprovalRequest) -> Option<ApprovalRequest>,
) -> Result<(), StoreError> {
    let store = &env.desk.store;
    env.desk
        .patiently(|| async {
            let Some(stored) = store.request(id).await? else { return Ok(()) };
            let request = serde_json::from_str::<ApprovalRequest>(&stored).ok();
            match request.filter(|request| request.request_id == *id).as_ref().and_then(&change) {
                Some(changed) => store.save_request(&changed).await,
                None => Ok(()),
            }
        })
        .await
}
