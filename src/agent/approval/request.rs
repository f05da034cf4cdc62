//! A request that somebody waits for, and what an answer to it amounts to.

use std::time::Duration;

use crate::domain::signal::Signal;
use crate::domain::time::whole_ms;
use crate::domain::{
    ApprovalRequest, Approvers, Author, Deadline, Decision, Hold, Holds, RequestId, TenantId,
    UnixMs, UnixSeconds, Verdict, Vote,
};

/// A request that somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRequest {
    /// Which one.
    pub request: RequestId,
    /// Whose people may decide.
    pub tenant: TenantId,
    /// The tool that it is about.
    pub tool: String,
    /// When it was asked.
    pub created_at: UnixMs,
    /// When it ends by itself.
    pub deadline: Deadline,
    /// Whether anybody can have seen it: an answer that names no request counts only then.
    pub shown: bool,
    /// Whether it was asked alone: a stored answer that names no request counts only then.
    pub alone: bool,
    /// Who may say yes.
    pub approvers: Approvers,
}

impl PendingRequest {
    /// What is to be remembered of a request.
    pub fn for_request(request: &ApprovalRequest, approvers: Approvers) -> Self {
        Self {
            request: request.request_id.clone(),
            tenant: request.tenant_id.clone(),
            tool: request.action_type.clone(),
            created_at: request.created_at,
            deadline: request.deadline,
            shown: false,
            alone: true,
            approvers,
        }
    }

    /// When to warn that the deadline comes; `None` if the whole wait is no longer than the warning.
    pub fn warning_at(&self, before: Duration) -> Option<UnixMs> {
        let at = self.deadline.at().before(before)?;
        (whole_ms(before) > 0 && at > self.created_at).then_some(at)
    }

    /// Whether this answer can decide anything. Nothing is certain of who published or stored it, so
    /// where not everybody may approve it can only reject; and nobody can approve what an operator holds.
    pub fn counts(&self, signal: &Signal, holds: &Holds) -> bool {
        let can_approve = self.approvers.is_anybody() && self.held(holds).is_none();
        can_approve || signal.vote == Vote::Reject
    }

    /// The hold under which it cannot be approved, if there is one.
    pub fn held<'a>(&self, holds: &'a Holds) -> Option<&'a Hold> {
        holds.of_tool(&self.tenant, &self.tool)
    }

    /// What a vote that is seen at `now` amounts to: an answer that comes after the deadline
    /// counts as the deadline.
    pub fn decision(&self, signal: &Signal, now: UnixMs) -> Decision {
        if self.deadline.has_passed(now) {
            return Self::timed_out(now);
        }
        self.decision_in_time(signal, now)
    }

    /// What a vote amounts to that was found stored when the deadline came. The store keeps it, so
    /// it was cast before somebody looked; it counts if it says of itself that it came in time.
    pub fn stored_decision(&self, signal: &Signal, now: UnixMs) -> Decision {
        let asked_at = self.created_at.second();
        // It tells whole seconds: the last of them has begun when the deadline comes.
        let in_time = |at: UnixSeconds| at >= asked_at && !self.deadline.has_passed(at.ms());
        if signal.timestamp.is_some_and(in_time) || !self.deadline.has_passed(now) {
            self.decision_in_time(signal, now)
        } else {
            Self::timed_out(now)
        }
    }

    /// The deadline's own proposal.
    pub fn timed_out(now: UnixMs) -> Decision {
        Decision::of(Verdict::TimedOut, now)
    }

    fn decision_in_time(&self, signal: &Signal, now: UnixMs) -> Decision {
        let verdict = match signal.vote {
            Vote::Approve => Verdict::Approved,
            Vote::Reject => Verdict::Rejected,
        };
        let reason = match verdict {
            Verdict::Rejected => signal.reason.clone(),
            Verdict::Approved | Verdict::TimedOut | Verdict::Cancelled => None,
        };
        let args_hash = signal.shown.clone().filter(|_| verdict == Verdict::Approved);
        let author = Author::Heard(signal.by.clone());
        Decision { author, reason, args_hash, ..Decision::of(verdict, now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_until_the_millisecond_before_the_deadline() {
        let waiting = PendingRequest {
            request: RequestId::new("req_a"),
            tenant: TenantId::new("tenant1"),
            tool: "git_merge".into(),
            created_at: UnixMs::new(60_123),
            deadline: Deadline::after(UnixMs::new(60_123), Duration::from_secs(300)),
            shown: true,
            alone: true,
            approvers: Approvers::default(),
        };
        let yes = |at: Option<u64>| {
            let fields = serde_json::json!({"type": "approval", "timestamp": at}).to_string();
            Signal::parse(fields.as_bytes()).unwrap()
        };
        assert_eq!(waiting.decision(&yes(None), UnixMs::new(360_122)).verdict, Verdict::Approved);
        assert_eq!(waiting.decision(&yes(None), UnixMs::new(360_123)).verdict, Verdict::TimedOut);
        // Found stored later, it tells of itself when it was given.
        assert_eq!(
            waiting.stored_decision(&yes(Some(360)), UnixMs::new(400_000)).verdict,
            Verdict::Approved
        );
        assert_eq!(
            waiting.stored_decision(&yes(Some(361)), UnixMs::new(400_000)).verdict,
            Verdict::TimedOut
        );
        assert_eq!(waiting.warning_at(Duration::from_secs(60)), Some(UnixMs::new(300_123)));
    }
}
