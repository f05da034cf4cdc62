//! How long the adapters keep what; one table, so that both forget alike.

use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// `hitl:request:<requestId>` (contract, section 5.1).
pub(super) const REQUEST: Duration = Duration::from_secs(1_800);
/// `hitl:session:<sessionId>` (contract, section 5.1).
pub(super) const POINTER: Duration = HOUR;
/// `hitl:signal:<sessionId>` (contract, section 5.1).
pub(super) const SIGNAL: Duration = Duration::from_secs(300);
/// `checkpoint:<sessionId>` (contract, section 5.1).
pub(super) const CHECKPOINT: Duration = WEEK;
/// A request's one decision; it outlives every copy of the request.
pub(super) const DECISION: Duration = HOUR.saturating_mul(24);
/// A journal, after its last append (contract, section 4.5).
pub(super) const JOURNAL: Duration = HOUR.saturating_mul(24);
/// What is known of a session, and its place in its caller's list.
pub(super) const SESSION: Duration = WEEK;
/// A conversation, after its last addition.
pub(super) const THREAD: Duration = WEEK;
/// The wish that a run should stop.
pub(super) const CANCEL: Duration = HOUR.saturating_mul(24);
/// What an `Idempotency-Key` stands for (contract, section 3).
pub(super) const IDEMPOTENCY: Duration = HOUR.saturating_mul(24);
/// What a tenant has used on a day, after its last addition.
pub(super) const SPENT: Duration = HOUR.saturating_mul(48);

/// How many runs of a conversation are kept.
pub(super) const THREAD_RUNS: usize = 50;
