//! Who is asking: the product of the auth layer, and the only way to a tenant's data.

use super::ids::{TenantId, UserId};
use super::role::Roles;

/// A caller whose token and headers were checked (contract, section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's `tenant_id`, equal to `X-Tenant-ID`.
    pub tenant: TenantId,
    /// The token's `sub`, equal to `X-User-ID` where that was sent.
    pub user: UserId,
    /// What they are: the token's `role`, and what the settings grant.
    pub roles: Roles,
}
