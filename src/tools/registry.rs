//! Registry.
/// x
pub struct ApprovalPolicy;
/// x
pub struct Tools;
