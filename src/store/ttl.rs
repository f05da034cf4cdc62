//! How long the adapters keep what; one table, so that both forget alike.

use std::time::Duration;

use crate::domain::{Deadline, UnixMs};

const HOUR: Duration = Duration::from_secs(60 * 60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// `hitl:request:<requestId>` (contract, section 5.1), at least.
const REQUEST: Duration = Duration::from_secs(1_800);
/// `hitl:session:<sessionId>` (contract, section 5.1), at least.
const POINTER: Duration = HOUR;
/// How long a request is kept past its deadline, at least (contract, section 5.1).
const PAST_DEADLINE: Duration = Duration::from_secs(600);
/// How long all else that a waiting run needs is kept past the deadline, at least: should no process be
/// there when it comes, there is that much time to start one.
const RECOVERY: Duration = HOUR.saturating_mul(12);

/// How long a request is kept from now on.
pub(super) fn request(deadline: Deadline, now: UnixMs) -> Duration {
    REQUEST.max(deadline.left(now) + PAST_DEADLINE)
}

/// How long a session's pointer to its request is kept from now on.
pub(super) fn pointer(deadline: Deadline, now: UnixMs) -> Duration {
    POINTER.max(deadline.left(now) + PAST_DEADLINE)
}

/// How long something is kept from now on that lives for `usual`, and longer if somebody may take
/// longer to answer.
pub(super) fn outliving(usual: Duration, deadline: Deadline, now: UnixMs) -> Duration {
    usual.max(deadline.left(now) + RECOVERY)
}

/// How long what is known of a session is kept from now on at least, with its caller's list and its
/// conversation: the run goes on after the answer, and may then be joined for as long as its journal is
/// kept.
pub(super) fn session(deadline: Deadline, now: UnixMs) -> Duration {
    deadline.left(now) + RECOVERY + JOURNAL
}

/// `hitl:signal:<sessionId>` (contract, section 5.1).
pub(super) const SIGNAL: Duration = Duration::from_secs(300);
/// `checkpoint:<sessionId>` (contract, section 5.1).
pub(super) const CHECKPOINT: Duration = WEEK;
/// A request's one decision; it outlives every copy of the request.
pub(super) const DECISION: Duration = HOUR.saturating_mul(24);
/// A journal, after its last append (contract, section 4.5).
pub(super) const JOURNAL: Duration = HOUR.saturating_mul(24);
/// What is known of a session.
pub(super) const SESSION: Duration = WEEK;
/// A session's place in its caller's list: it may have waited for an answer for most of that time.
pub(super) const LISTED: Duration = SESSION.saturating_add(Deadline::LONGEST_WAIT);
/// A conversation, after its last addition.
pub(super) const THREAD: Duration = WEEK;
/// A request that waits, in its tenant's inbox.
pub(super) const INBOX_WAITING: Duration = Deadline::LONGEST_WAIT.saturating_add(RECOVERY);
/// A decided request, in its tenant's inbox (contract, section 5.6).
pub(super) const INBOX_DECIDED: Duration = WEEK;
/// A tenant's inbox and its changes, after the last one: all that is in it has expired before.
pub(super) const INBOX: Duration = Deadline::LONGEST_WAIT.saturating_add(WEEK);
/// What was told of a session outside; longer than there can be anything more to tell, so that nothing is told anew.
/// `over`: its run has ended.
pub(super) fn announced(over: bool) -> Duration {
    if over { JOURNAL + RECOVERY } else { COUNTED + JOURNAL + RECOVERY }
}

/// The request that a run should stop.
pub(super) const CANCEL: Duration = HOUR.saturating_mul(24);
/// What an `Idempotency-Key` stands for (contract, section 3).
pub(super) const IDEMPOTENCY: Duration = HOUR.saturating_mul(24);
/// What a tenant has used on a day, after its last addition.
pub(super) const SPENT: Duration = HOUR.saturating_mul(48);
/// What is counted of a user or tenant, after the last addition: a run may wait for an answer for most of it.
pub(super) const COUNTED: Duration = Deadline::LONGEST_WAIT.saturating_add(RECOVERY);
/// How many streams of a user there are, after the last change.
pub(super) const STREAMS: Duration = HOUR.saturating_mul(24);

/// How many runs of a conversation are kept.
pub(super) const THREAD_RUNS: usize = 50;
