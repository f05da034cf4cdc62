//! A run tells of votes that do not count, and the requests are put back (contract, section 5.3, 8).

use super::journal::{Draft, JournalError};
use super::record::Record;
use super::step::Run;
use super::stored_request::put_back;
use crate::agent::approval::uncounted::{TOLD_MAX, UncountedVote};
use crate::domain::event::ThoughtKind;
use crate::domain::sentences::{Reviewer, Reviewers};
use crate::domain::{Approvers, Event, RequestId, Who};

impl Run {
    /// Tells of votes that do not count, each once, and not for ever; then the requests are put back.
    /// In this order, because a crash in between leaves a vote that the next owner finds.
    pub(super) async fn tell_uncounted(
        &mut self,
        votes: Vec<(RequestId, UncountedVote)>,
    ) -> Result<(), JournalError> {
        for (request, vote) in votes {
            if let Some(draft) = self.thought_of_uncounted(&request, vote) {
                self.commit(vec![draft]).await?;
                self.writer.flush().await?;
            }
            put_back(&self.ctx, &self.state.meta.session_id, &request).await;
        }
        Ok(())
    }

    fn thought_of_uncounted(&self, request: &RequestId, vote: UncountedVote) -> Option<Draft> {
        let (_, asked) = self.state.asked_about(request)?;
        let told = self.state.uncounted.iter().filter(|(known, _)| known == request);
        let is_known = told.clone().any(|(_, known)| known.is_same(&vote));
        if is_known || told.count() >= TOLD_MAX {
            return None;
        }
        let tool = &asked.action_type;
        let approvers = self.ctx.approvers.of(tool);
        let content = match &vote.held {
            Some(reason) => self.words().held_vote(tool, reason),
            None => self.words().uncounted(tool, reviewers(&approvers), request),
        };
        let kind = ThoughtKind::Decision;
        let thought = Event::Thought { kind, content, sources: Vec::new() };
        Some(Draft::Both(thought, Record::VoteUncounted { request: request.clone(), vote }))
    }
}

/// Who may decide, in the terms of the sentence that says so.
fn reviewers(approvers: &Approvers) -> Reviewers<'_> {
    let who = match &approvers.who {
        Who::Tenant => Reviewer::OfTenant,
        Who::Requester => Reviewer::Requester,
        Who::NotRequester => Reviewer::NotRequester,
        Who::Role(role) => Reviewer::WithRole(role),
    };
    Reviewers { who, count: approvers.count.get(), policy: approvers }
}
