//! Votes that do not count: a yes through Redis where a policy narrows who may approve, because nobody
//! knows who sent it (contract, section 5.3, 8). The request is pending again, and whoever waits is told
//! who may decide, and where.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::gate::Heard;
use super::journal::{Draft, JournalError};
use super::record::Record;
use super::run::Run;
use super::service::AgentService;
use super::stored_request::put_back;
use super::waiting::Waiting;
use crate::domain::event::ThoughtKind;
use crate::domain::signal::Signal;
use crate::domain::{Approvers, Event, RequestId, SessionId, UserId, Who};

/// Of how many such votes on one request people are told; of more they would learn nothing new.
pub(super) const TOLD_MAX: usize = 5;
/// Seconds between the times that one click leaves in the request and in the signal.
const ONE_CLICK: u64 = 2;

/// A vote that does not count, as far as it can be told from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UncountedVote {
    /// Who it says has sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// When it says that was, in seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
}

impl UncountedVote {
    /// One click is seen several times: published, in the signal's key, in the request's. `stored` is
    /// what the request's key says of it, if it still does.
    pub(super) fn of(signal: &Signal, stored: Option<&Signal>) -> Self {
        let by = signal.by.clone().or_else(|| stored.and_then(|stored| stored.by.clone()));
        let at = signal.timestamp.or_else(|| stored.and_then(|stored| stored.timestamp));
        Self { by, at }
    }

    /// Whether the two may be one click: what both of them tell agrees. Of a vote that tells nothing
    /// every other one like it is the same, and none that tells more.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let person = self.by.as_ref().zip(other.by.as_ref()).map(|(a, b)| a == b);
        let time = self.at.zip(other.at).map(|(a, b)| a.abs_diff(b) <= ONE_CLICK);
        match (person, time) {
            (None, None) => self == other,
            (person, time) => person.unwrap_or(true) && time.unwrap_or(true),
        }
    }
}

impl AgentService {
    /// Somebody has said yes who cannot: the run tells of it, once, and then the request is put back.
    pub(super) async fn hear_uncounted(
        self: &Arc<Self>,
        session: &SessionId,
        waiting: &Waiting,
        vote: UncountedVote,
    ) {
        let (request, approvers) = (&waiting.request, &waiting.approvers);
        match self.env.gate.uncounted(session, request, vote) {
            Heard::Known => put_back(&self.env, session, request).await,
            Heard::WhileAtWork => {
                log_uncounted(session, request, approvers);
                put_back(&self.env, session, request).await;
            }
            Heard::Wake(release) => {
                log_uncounted(session, request, approvers);
                self.resume(session, release, None).await;
            }
        }
    }
}

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
            put_back(&self.env, &self.state.meta.session_id, &request).await;
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
        let content = words_of_uncounted(tool, request, &self.env.approvers.of(tool));
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

fn log_uncounted(session: &SessionId, request: &RequestId, approvers: &Approvers) {
    let why = format!("only {approvers} may approve, over REST");
    tracing::warn!(%session, %request, why, "HITL signal ignored");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(by: Option<&str>, at: Option<u64>) -> UncountedVote {
        UncountedVote { by: by.map(UserId::new), at }
    }

    #[test]
    fn one_click_is_one_vote_wherever_it_is_seen() {
        let told = vote(Some("kim"), Some(100));
        for seen in [vote(Some("kim"), Some(100)), vote(None, Some(101)), vote(Some("kim"), None)] {
            assert!(told.is_same(&seen) && seen.is_same(&told), "{seen:?}");
        }
        for other in [vote(Some("lee"), Some(100)), vote(Some("kim"), Some(103))] {
            assert!(!told.is_same(&other), "{other:?}");
        }
    }

    #[test]
    fn a_vote_that_tells_nothing_is_not_everybodys() {
        let nobodys = vote(None, None);
        assert!(nobodys.is_same(&nobodys));
        for other in [vote(Some("kim"), Some(100)), vote(Some("kim"), None), vote(None, Some(100))]
        {
            assert!(!nobodys.is_same(&other) && !other.is_same(&nobodys), "{other:?}");
        }
    }
}
