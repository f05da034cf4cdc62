//! A decision that says: not this, but other arguments, which another person has to approve (contract,
//! section 5.3, 9).

use std::fmt::Display;

use super::policy::edits_of;
use crate::domain::{
    ApprovalRequest, Author, Decision, Language, RequestId, UnixMs, UserId, Verdict,
};

impl Decision {
    /// What it amounts to that this person wants other arguments asked about.
    pub(crate) fn superseding(
        user: &UserId,
        args: serde_json::Value,
        at: UnixMs,
        language: Language,
    ) -> Self {
        let next = RequestId::generate();
        let reason = language.sentences().superseded(user, &next);
        Self {
            author: Author::Checked(user.clone()),
            reason: Some(reason),
            args: Some(args),
            superseded_by: Some(next),
            ..Self::of(Verdict::Rejected, at)
        }
    }
}

/// What people are told: who has changed what, and that another person has to approve it.
pub(crate) fn words_of_superseding(
    asked: &ApprovalRequest,
    decision: &Decision,
    next: &RequestId,
) -> String {
    let who = decision.author.named().map(|user| user as &dyn Display);
    let edits = edits_of(asked, decision);
    asked.language.sentences().asked_anew(who, &edits, next)
}
