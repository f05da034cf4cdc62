//! A decision that says: not this, but other arguments, which another person has to approve (contract,
//! section 5.3, 9).

use super::policy::edits;
use crate::domain::{ApprovalRequest, Author, Decision, RequestId, UserId, Verdict};

impl Decision {
    /// What it amounts to that this person wants other arguments asked about.
    pub(crate) fn superseding(user: &UserId, args: serde_json::Value, at_ms: u64) -> Self {
        let next = RequestId::generate();
        let reason = format!("{user} 님이 인자를 수정하여 새 승인 요청({next})으로 대체되었습니다");
        Self {
            author: Author::Checked(user.clone()),
            reason: Some(reason),
            args: Some(args),
            superseded_by: Some(next),
            ..Self::of(Verdict::Rejected, at_ms)
        }
    }
}

/// What people are told: who has changed what, and that another person has to approve it.
pub(crate) fn words_of_superseding(
    asked: &ApprovalRequest,
    decision: &Decision,
    next: &RequestId,
) -> String {
    let who = decision.author.named().map(|user| format!("{user} 님이 ")).unwrap_or_default();
    let edits = decision.args.as_ref().map(|args| edits(&asked.context, args)).unwrap_or_default();
    format!(
        "{who}인자를 수정했습니다({edits}). 수정한 내용은 다른 사람의 승인이 필요하므로 새 승인 요청({next})으로 \
         다시 묻습니다."
    )
}
