//! Who is asking: the product of the auth layer, and the only way to a tenant's data.

use super::ids::{TenantId, UserId};

/// A caller whose token and headers were checked (contract, section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's `tenant_id`, equal to `X-Tenant-ID`.
    pub tenant: TenantId,
    /// The token's `sub`, equal to `X-User-ID` where that was sent.
    pub user: UserId,
    /// The token's `role`, if it has one.
    pub role: Option<String>,
    /// Whether `X-User-ID` was sent: deciding an approval demands it.
    pub named_itself: bool,
}
