//! A run tells of votes that do not count, and the requests are put back (contract, section 5.3, 8).

use super::journal::{Draft, JournalError};
use super::record::Record;
use super::step::Run;
use super::stored_request::put_back;
use crate::agent::approval::uncounted::{TOLD_MAX, UncountedVote};
use crate::domain::event::ThoughtKind;
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
        let content = words_of_uncounted(tool, request, &self.ctx.approvers.of(tool));
        let kind = ThoughtKind::Decision;
        let thought = Event::Thought { kind, content, sources: Vec::new() };
        Some(Draft::Both(thought, Record::VoteUncounted { request: request.clone(), vote }))
    }
}

/// What people are told: who may decide, and where.
fn words_of_uncounted(tool: &str, request: &RequestId, approvers: &Approvers) -> String {
    let who = match &approvers.who {
        Who::Tenant => "같은 테넌트의 사용자".to_owned(),
        Who::Requester => "요청한 본인".to_owned(),
        Who::NotRequester => "요청한 본인이 아닌 사용자".to_owned(),
        Who::Role(role) => format!("{role} 역할이 있는 사용자"),
    };
    let count = approvers.count;
    let who = if count.get() > 1 { format!("{who} {count}명") } else { who };
    format!(
        "{tool} 실행은 {who}({approvers})만 승인할 수 있습니다. 보낸 사람을 확인할 수 없는 승인이어서 \
         반영하지 않았고, 요청은 다시 승인을 기다립니다. 승인은 POST /aura/hitl/approve/{request} 로만 \
         받습니다."
    )
}
