//! The runs of a process: how they start, wait, are decided about, change hands and end.

pub(crate) mod abort;
pub(crate) mod alarms;
pub(crate) mod announcing;
pub(crate) mod decide;
pub(crate) mod drive;
pub(crate) mod ensure;
pub(crate) mod fate;
pub(crate) mod gone;
pub(crate) mod hand_over;
pub(crate) mod held;
pub(crate) mod holds;
pub(crate) mod idempotency;
pub(crate) mod inbox;
pub(crate) mod late_signals;
pub(crate) mod leases;
pub(crate) mod listener;
pub(crate) mod operators;
pub(crate) mod permits;
pub(crate) mod recently_decided;
pub(crate) mod runs;
pub(crate) mod seen;
pub(crate) mod sessions;
pub(crate) mod signals;
pub(crate) mod start;
pub(crate) mod uncounted;
pub(crate) mod withdraw;
