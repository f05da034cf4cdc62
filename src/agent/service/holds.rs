//! What operators stop (contract, section 5.7): putting and lifting holds, and hearing of those that others put.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::drive::AgentService;
use crate::domain::{
    AuditFact, AuditKind, AuditReason, Caller, Hold, HoldName, HoldScope, Holds, Operator, Sealed,
    TenantId, UserId,
};
use crate::store::{HOLDS_MAX, PutHoldError, StoreError};
use crate::ticks::at_once_and_every;

/// How often the holds are read, should a message of a change be lost: a hold counts everywhere within a second.
const LOOK: Duration = Duration::from_millis(500);

/// What an operator wants to stop, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutHold {
    /// What.
    pub scope: HoldScope,
    /// Why.
    pub reason: String,
}

/// A hold that was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldInForce {
    /// The hold.
    pub hold: Hold,
    /// Whether the tool that it stops, if it does, is one of this process.
    pub knows_tool: bool,
}

/// Why a hold was not put.
#[derive(Debug, Error)]
pub enum PutHoldRefused {
    /// There are as many as there may be.
    #[error("{}", PutHoldError::Full)]
    Full,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PutHoldError> for PutHoldRefused {
    fn from(error: PutHoldError) -> Self {
        match error {
            PutHoldError::Full => Self::Full,
            PutHoldError::Store(error) => Self::Store(error),
        }
    }
}

/// Keeps what this process knows of the holds up to date, until it stops.
pub(super) async fn follow(service: Arc<AgentService>) {
    let stopping = service.ctx.tasks.stopping();
    let mut looks = at_once_and_every(LOOK);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = looks.tick() => {}
            () = service.holds_changed.notified() => {}
        }
        // A store that is away is logged by the store; what was read last counts until there is another look.
        let _ = service.ctx.holds().await;
    }
}

impl AgentService {
    /// The holds in force.
    pub async fn holds(&self) -> Result<Arc<Holds>, StoreError> {
        self.ctx.holds().await
    }

    /// Puts a hold, in the place of one of the same name. When this returns, it is recorded and in the store:
    /// nothing that looks there from now on gets past it, and every other process has it within a second.
    pub async fn put_hold(
        &self,
        operator: &Caller,
        name: &HoldName,
        wanted: PutHold,
    ) -> Result<HoldInForce, PutHoldRefused> {
        let holds = self.ctx.holds().await?;
        let before = holds.get(name).cloned();
        if before.is_none() && holds.len() >= HOLDS_MAX {
            // Before it is recorded: what was not put is not to be told.
            return Err(PutHoldRefused::Full);
        }
        let PutHold { scope, reason } = wanted;
        let put_at_ms = self.ctx.clock.now();
        let hold = Hold { scope, reason, put_by: Operator::from(operator), put_at_ms };
        let kind = AuditKind::HoldPut {
            hold: name.clone(),
            scope: hold.scope.clone(),
            reason: AuditReason::new(&hold.reason),
            by_tenant: operator.tenant.clone(),
        };
        let tenant = concerned(&hold, &operator.tenant);
        self.record_of_operator(tenant, name, kind, &operator.user).await?;
        self.store_hold(name, &self.sealed_hold(name, &hold)?).await?;
        if let Some(before) =
            before.filter(|before| concerned(before, &before.put_by.tenant_id) != tenant)
        {
            // The other tenant's stream says that it is stopped.
            self.record_lifted(operator, name, &before).await?;
        }
        self.ctx.holds().await?;
        tracing::warn!(
            hold = %name, scope = %hold.scope, reason = %hold.reason,
            tenant = %operator.tenant, user = %operator.user, "hold put"
        );
        let tool = hold.scope.tool.as_ref();
        let knows_tool = tool.is_none_or(|tool| self.ctx.tools.find(tool).is_ok());
        Ok(HoldInForce { hold, knows_tool })
    }

    /// Lifts a hold; what it was, or `None` if there is none of that name. What stands there and is no hold is
    /// taken away as well.
    pub async fn lift_hold(
        &self,
        operator: &Caller,
        name: &HoldName,
    ) -> Result<Option<Hold>, StoreError> {
        let hold = self.ctx.holds().await?.get(name).cloned();
        if let Some(hold) = &hold {
            self.record_lifted(operator, name, hold).await?;
        }
        self.ctx.store.lift_hold(name).await?;
        self.ctx.holds().await?;
        if hold.is_some() {
            tracing::warn!(
                hold = %name, tenant = %operator.tenant, user = %operator.user, "hold lifted"
            );
        }
        Ok(hold)
    }

    async fn record_lifted(
        &self,
        operator: &Caller,
        name: &HoldName,
        hold: &Hold,
    ) -> Result<(), StoreError> {
        let kind = AuditKind::HoldLifted {
            hold: name.clone(),
            scope: hold.scope.clone(),
            by_tenant: operator.tenant.clone(),
        };
        let tenant = concerned(hold, &hold.put_by.tenant_id);
        self.record_of_operator(tenant, name, kind, &operator.user).await
    }

    /// Tells the audit stream of a tenant what an operator is about to do.
    async fn record_of_operator(
        &self,
        tenant: &TenantId,
        name: &HoldName,
        kind: AuditKind,
        operator: &UserId,
    ) -> Result<(), StoreError> {
        let fact = AuditFact::of_operator(name, kind, operator, self.ctx.clock.now());
        self.ctx.store.record(tenant, &fact).await
    }

    /// What stands there and is none of ours takes no room.
    async fn store_hold(&self, name: &HoldName, hold: &Sealed<Hold>) -> Result<(), PutHoldError> {
        let store = &self.ctx.store;
        match store.put_hold(name, hold).await {
            Err(PutHoldError::Full) => {
                self.ctx.clear_unverified_holds().await?;
                store.put_hold(name, hold).await
            }
            put => put,
        }
    }

    fn sealed_hold(&self, name: &HoldName, hold: &Hold) -> Result<Sealed<Hold>, StoreError> {
        let sealed = self.ctx.seals.seal().seal_named(name.as_str(), hold);
        sealed.map_err(|error| StoreError::Rejected(error.to_string()))
    }
}

/// In whose audit stream a hold is told: that of the tenant that it stops, or of whoever has put it for all.
fn concerned<'a>(hold: &'a Hold, operator: &'a TenantId) -> &'a TenantId {
    hold.scope.tenant.as_ref().unwrap_or(operator)
}
