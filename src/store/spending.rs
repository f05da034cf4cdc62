//! The port of token budgets: what tenants have spent.

use async_trait::async_trait;

use super::errors::StoreError;
use crate::domain::{TenantId, UtcDay};

/// The largest total of [`Spending`], at which it stops: far beyond every budget, and a number that
/// every store and every script counts exactly.
pub const SPENT_MAX: u64 = 1 << 53;

/// How many tokens tenants have used.
#[async_trait]
pub trait Spending: Send + Sync {
    /// Adds to what the tenant has used on that day, atomically over all processes, and returns the
    /// new total, at most [`SPENT_MAX`]. Kept for 48 h after the last addition. On an error it is
    /// unknown whether it was added; adding it again may count it twice.
    async fn spend(&self, tenant: &TenantId, day: UtcDay, tokens: u64) -> Result<u64, StoreError>;

    /// What the tenant has used on that day.
    async fn spent(&self, tenant: &TenantId, day: UtcDay) -> Result<u64, StoreError>;
}
