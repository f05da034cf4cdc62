//! Events.
/// x
pub struct Event;
