//! Deciding a request over REST: what the Main Service does by writing keys, with the guarantees.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use thiserror::Error;
use tokio::time::timeout;

use super::drive::AgentService;
use crate::agent::approval::request::PendingRequest;
use crate::agent::approval::seals::Subject;
use crate::agent::run::inbox::{note_decided, note_endorsed};
use crate::agent::run::prepared::Ready;
use crate::agent::run::status::request_asked;
use crate::agent::run::stored_request::{Stored, repair, tell_approvals};
use crate::domain::event::{Lost, lost};
use crate::domain::signal::{Signal, signal_of_request};
use crate::domain::text::quoted;
use crate::domain::{
    ApprovalRequest, Approvers, ArgumentsHash, AuditCall, AuditFact, AuditKind, Author, Caller,
    Decision, Endorsement, ProposalOutcome, RequestId, SessionId, SessionMeta, Verdict,
};
use crate::store::StoreError;
use crate::tools::ToolError;

/// How long a review waits until others have been told of its decision.
const TELLING: Duration = Duration::from_secs(5);

/// Why a request could not be decided or read.
#[derive(Debug, Error)]
pub enum DecisionError {
    /// There is no such request, or not for this caller's tenant.
    #[error("there is no such request")]
    NotFound,
    /// This caller may not approve it.
    #[error("{tool} can be approved by {approvers} only")]
    NotAnApprover {
        /// The tool.
        tool: String,
        /// Who may.
        approvers: Approvers,
    },
    /// An operator has stopped the tool; the request waits.
    #[error("an operator has put {tool} on hold: {reason}")]
    Held {
        /// The tool.
        tool: String,
        /// Why.
        reason: String,
    },
    /// The arguments that were to be approved instead are not valid.
    #[error("the changed arguments: {0}")]
    BadArguments(String),
    /// Somebody else has spoilt the stored request; whoever has the run is about to write it anew.
    #[error("the stored request cannot be read; it is being written anew")]
    Spoilt,
    /// The request is about to be asked, or its run broke off before it was.
    #[error("the request is not in its run's journal yet")]
    NotYetAsked,
    /// The task that was to do it panicked, or was stopped with the process.
    #[error("the request could not be decided")]
    TaskFailed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a person says to a request.
#[derive(Clone, Debug)]
pub struct Review {
    /// Yes or no.
    pub verdict: Verdict,
    /// Why.
    pub reason: Option<String>,
    /// The arguments that are to be used instead of those that were asked about.
    pub args: Option<Value>,
}

/// What a review led to.
#[derive(Clone, Debug)]
pub enum ReviewOutcome {
    /// The request is decided.
    Decided {
        /// The session that waits.
        session: SessionId,
        /// The decision that stands.
        decision: Decision,
        /// Whether it is this review's.
        won: bool,
    },
    /// The arguments were changed where another person has to see them: they are asked about anew.
    Superseded {
        /// The session that waits.
        session: SessionId,
        /// The request that asks about them, within a moment.
        next: RequestId,
    },
    /// Others have to say yes as well.
    Endorsed {
        /// The session that waits.
        session: SessionId,
        /// How many have said yes.
        given: usize,
        /// How many have to.
        needed: usize,
    },
}

impl AgentService {
    /// The stored request as JSON text, telling the decision that stands, whoever wrote what.
    pub async fn request(&self, caller: &Caller, id: &RequestId) -> Result<String, DecisionError> {
        let request = match self.asked_request(caller, id).await {
            // Who asks is not certain yet, and nobody can decide by that.
            Err(DecisionError::NotYetAsked) => self.stored_request(caller, id).await?.1,
            asked => asked?.1,
        };
        let request = match self.ctx.decision(&request.session_id, id).await? {
            Some(decision) if !request.tells_of(&decision) => request.resolved(&decision),
            // Neither somebody's yes that does not count nor a made-up outcome is to look like one.
            None if !self.counts(&request).await => request.reopened(),
            Some(_) | None => request,
        };
        let told = serde_json::to_string(&request.told());
        told.map_err(|error| StoreError::Corrupt(error.to_string()).into())
    }

    /// The last signal of a session of the caller's tenant, as JSON text.
    pub async fn signal(
        &self,
        caller: &Caller,
        session: &SessionId,
    ) -> Result<Option<String>, StoreError> {
        let store = &self.ctx.store;
        let meta = store.session(session).await?;
        match meta.filter(|meta| meta.tenant == caller.tenant) {
            Some(_) => store.signal(session).await,
            None => Ok(None),
        }
    }

    /// Decides a request for `caller`, unless it is decided already or its time is up. The keys and
    /// the signal of contract section 5.2 are written before this returns.
    ///
    /// A client that leaves meanwhile does not leave half a decision behind.
    pub async fn decide(
        self: &Arc<Self>,
        caller: &Caller,
        id: &RequestId,
        review: Review,
    ) -> Result<ReviewOutcome, DecisionError> {
        let (service, caller, id) = (Arc::clone(self), caller.clone(), id.clone());
        let deciding = self.ctx.tasks.spawn("decision", async move {
            service.decide_to_the_end(&caller, &id, review).await
        });
        deciding.await.unwrap_or(Err(DecisionError::TaskFailed))
    }

    /// Whether [`AgentService::decide`] would take this review now, as far as that can be known before.
    ///
    /// # Errors
    /// Those of `decide`; nothing is decided.
    pub async fn check(
        &self,
        caller: &Caller,
        id: &RequestId,
        review: &Review,
    ) -> Result<(), DecisionError> {
        let (_, request) = self.asked_request(caller, id).await?;
        self.decision(caller, &request, review.clone()).await.map(drop)
    }

    /// How many requests one run may wait for at once: no more than it may make calls.
    pub fn most_questions(&self) -> usize {
        usize::try_from(self.ctx.limits.max_tool_calls).unwrap_or(usize::MAX)
    }

    async fn decide_to_the_end(
        &self,
        caller: &Caller,
        id: &RequestId,
        review: Review,
    ) -> Result<ReviewOutcome, DecisionError> {
        let (stored, request) = self.asked_request(caller, id).await?;
        let session = request.session_id.clone();
        let decision = self.decision(caller, &request, review).await?;
        if decision.verdict == Verdict::Approved
            && let Some(endorsed) = self.record_approval(caller, &request, &decision).await?
        {
            return Ok(endorsed);
        }
        let proposal = self.proposal(&request, &stored, decision.clone()).await;
        let decided = self.ctx.decide(about(&request), &proposal).await?;
        let first = decided == ProposalOutcome::Won;
        let won = first && proposal == decision;
        let decision = decided.standing(proposal);
        // A decision that was told before is not told again: its signal would take the place of
        // one for a later request of the same session.
        if first || !request.tells_of(&decision) {
            let announce = || self.announce(&request, &decision);
            let (told, _) = tokio::join!(
                self.ctx.retry_unavailable_for(TELLING, announce),
                // Whoever looks at the inbox later finds the decision by itself.
                timeout(TELLING, note_decided(&self.ctx, &session, id, &decision))
            );
            if let Err(error) = told {
                // The decision stands; whoever waits for it finds it by itself.
                tracing::warn!(request = %id, %error, "decision not announced");
            }
        }
        tracing::info!(
            request = %id, %session, tenant = %caller.tenant, user = %caller.user,
            verdict = ?decision.verdict, won, "approval decided"
        );
        self.ensure_leased(vec![session.clone()]);
        match decision.superseded_by.clone().filter(|_| won) {
            Some(next) => Ok(ReviewOutcome::Superseded { session, next }),
            None => Ok(ReviewOutcome::Decided { session, decision, won }),
        }
    }

    /// The decision that a review proposes, if this caller may propose it.
    async fn decision(
        &self,
        caller: &Caller,
        request: &ApprovalRequest,
        review: Review,
    ) -> Result<Decision, DecisionError> {
        let Review { verdict, reason, args } = review;
        let author = Author::Checked(caller.user.clone());
        let decision = Decision::of(verdict, self.ctx.clock.now());
        if verdict != Verdict::Approved {
            return Ok(Decision { author, reason, ..decision });
        }
        let approvers = self.ctx.approvers.of(&request.action_type);
        if !approvers.include(caller, &request.user_id) {
            let tool = request.action_type.clone();
            return Err(DecisionError::NotAnApprover { tool, approvers });
        }
        self.check_not_held(request).await?;
        let args = match args {
            Some(args) => self.edited(request, args).await?,
            None => None,
        };
        if let Some(args) = args.clone().filter(|_| approvers.want_another_pair_of_eyes()) {
            return Ok(Decision::superseding(&caller.user, args, decision.at_ms, request.language));
        }
        let approved = args.as_ref().unwrap_or(&request.context);
        let args_hash = Some(ArgumentsHash::of(&request.action_type, approved));
        Ok(Decision { author, args, args_hash, ..decision })
    }

    /// Arguments that are to be used instead of those that were asked about, looked into and pinned like
    /// those; `None` if they are the same.
    async fn edited(
        &self,
        request: &ApprovalRequest,
        args: Value,
    ) -> Result<Option<Value>, DecisionError> {
        let bad = |error: ToolError| DecisionError::BadArguments(error.to_string());
        let tool = self.ctx.tools.find(&request.action_type).map_err(bad)?;
        let args = tool.spec().with_pins_of(&request.context, args);
        if let Some(lost) = lost(&request.context, &args) {
            return Err(DecisionError::BadArguments(unseen(lost, &request.request_id)));
        }
        let hash_of = |args: &Value| ArgumentsHash::of(&request.action_type, args);
        if hash_of(&args) == hash_of(&request.context) {
            return Ok(None);
        }
        let ready = Ready::read(tool, args).await.map_err(bad)?;
        Ok(Some(ready.prepare(request.language).await.map_err(bad)?.arguments))
    }

    /// Notes a yes where several are needed; `None` once there are enough, or where it is too late
    /// for one more.
    async fn record_approval(
        &self,
        caller: &Caller,
        request: &ApprovalRequest,
        decision: &Decision,
    ) -> Result<Option<ReviewOutcome>, DecisionError> {
        let (ctx, id) = (&self.ctx, &request.request_id);
        let approvers = self.ctx.approvers.of(&request.action_type);
        let needed = approvers.count.get() as usize;
        let late = request.deadline.has_passed(decision.at_ms);
        let Some(args_hash) = decision.args_hash.clone().filter(|_| needed > 1 && !late) else {
            return Ok(None);
        };
        if ctx.decision(&request.session_id, id).await?.is_some() {
            return Ok(None);
        }
        // What cannot be recorded does not count.
        self.record_endorsement(caller, request, decision).await?;
        let yes = Endorsement { by: caller.user.clone(), at_ms: decision.at_ms, args_hash };
        let given = ctx.record_approval(about(request), &yes).await?;
        let (session, user) = (request.session_id.clone(), &caller.user);
        tracing::info!(request = %id, %session, %user, given, needed, "approval endorsed");
        if given >= needed {
            return Ok(None);
        }
        let count = u32::try_from(given).unwrap_or(u32::MAX);
        tokio::join!(
            tell_approvals(ctx, &session, id, count),
            note_endorsed(ctx, &session, id, count)
        );
        Ok(Some(ReviewOutcome::Endorsed { session, given, needed }))
    }

    /// Tells the audit stream of a yes where several are needed.
    async fn record_endorsement(
        &self,
        caller: &Caller,
        request: &ApprovalRequest,
        decision: &Decision,
    ) -> Result<(), DecisionError> {
        let tool = request.action_type.clone();
        // Requests of older processes name no call; they could not be endorsed either.
        let Some(tool_call_id) = request.tool_call_id.clone() else { return Ok(()) };
        let call = AuditCall {
            session_id: request.session_id.clone(),
            tool_call_id,
            arguments_hash: ArgumentsHash::of(&tool, &request.context),
            dry_run: self.ctx.tools.find(&tool).is_ok_and(|tool| tool.is_dry_run()),
            tool,
        };
        let (id, author) = (&request.request_id, Author::Checked(caller.user.clone()));
        let kind = AuditKind::ApprovalEndorsed;
        let run = self.ctx.store.session(&request.session_id).await?;
        let fact = AuditFact::of_request(id, kind, call, author, decision.at_ms);
        let fact = fact.traced(&run.map(|run| run.trace).unwrap_or_default());
        Ok(self.ctx.store.record(&caller.tenant, &fact).await?)
    }

    /// What a review amounts to: the deadline may have passed, and another publisher's vote may be
    /// stored already, which then came first.
    async fn proposal(
        &self,
        request: &ApprovalRequest,
        stored: &str,
        decision: Decision,
    ) -> Decision {
        let holds = self.ctx.holds_at_hand().await;
        let approvers = self.ctx.approvers.of(&request.action_type);
        let waiting = PendingRequest::for_request(request, approvers);
        match signal_of_request(stored).filter(|vote| waiting.counts(vote, &holds)) {
            Some(vote) => waiting.stored_decision(&vote, decision.at_ms),
            None if waiting.deadline.has_passed(decision.at_ms) => {
                PendingRequest::timed_out(decision.at_ms)
            }
            None => decision,
        }
    }

    /// Writes the decision where others look: the request, then the signal, then the channel.
    async fn announce(
        &self,
        request: &ApprovalRequest,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        let store = &self.ctx.store;
        if !request.tells_of(decision) {
            store.save_request(&request.resolved(decision)).await?;
        }
        match Signal::for_decision(&request.request_id, &request.session_id, decision) {
            Some(signal) => store.publish_signal(&request.session_id, &signal).await,
            None => Ok(()),
        }
    }

    /// The stored request. Its key is shared with others, so whose run it is about, which says who
    /// may decide, is read from a key of ours.
    async fn stored_request(
        &self,
        caller: &Caller,
        id: &RequestId,
    ) -> Result<(String, ApprovalRequest), DecisionError> {
        let (stored, request) = self.readable_request(id).await?;
        let meta = self.ctx.store.session(&request.session_id).await?;
        match meta.filter(|meta| meta.tenant == caller.tenant) {
            Some(SessionMeta { tenant: tenant_id, user: user_id, .. }) => {
                Ok((stored, ApprovalRequest { tenant_id, user_id, ..request }))
            }
            None => Err(DecisionError::NotFound),
        }
    }

    /// The same, with who asks about which tool. Where a policy narrows who may approve anything, only the
    /// journal is believed: others write the stored request, whose tool would pick the policy, and who asks may be
    /// whoever has changed the arguments since the run was started.
    async fn asked_request(
        &self,
        caller: &Caller,
        id: &RequestId,
    ) -> Result<(String, ApprovalRequest), DecisionError> {
        let (stored, request) = self.stored_request(caller, id).await?;
        if self.ctx.approvers.narrows_nothing() {
            return Ok((stored, request));
        }
        let journal = self.journal(&request.session_id).await?;
        let asked = request_asked(&journal, id).ok_or(DecisionError::NotYetAsked)?;
        let ApprovalRequest { user_id, action_type, .. } = asked;
        Ok((stored, ApprovalRequest { user_id, action_type, ..request }))
    }

    /// The stored request. One that nobody can read is written anew first, where its run waits here;
    /// otherwise the process that has the run does so with its next poll.
    async fn readable_request(
        &self,
        id: &RequestId,
    ) -> Result<(String, ApprovalRequest), DecisionError> {
        let mut stored = Stored::read(&self.ctx, id).await?;
        if matches!(stored, Stored::Spoilt)
            && let Some(session) = self.runs.session_of(id)
        {
            repair(&self.ctx, &session, id).await;
            stored = Stored::read(&self.ctx, id).await?;
        }
        match stored {
            Stored::Readable(text, request) => Ok((text, *request)),
            Stored::Gone => Err(DecisionError::NotFound),
            Stored::Spoilt => match self.ctx.store.decision(id).await? {
                // Nobody waits for it any more, so nobody writes it anew.
                Some(_) => Err(DecisionError::NotFound),
                None => Err(DecisionError::Spoilt),
            },
        }
    }
}

fn about(request: &ApprovalRequest) -> Subject<'_> {
    let ApprovalRequest { request_id: request, session_id: session, deadline, .. } = request;
    Subject { request, session, deadline: *deadline }
}

/// Why an edit cannot be meant that was made from an event that does not show all, and what does.
fn unseen(lost: Lost<'_>, request: &RequestId) -> String {
    let all = format!("the whole arguments are at GET /aura/hitl/requests/{request}");
    match lost {
        Lost::Rest(name) => {
            format!("{} is only the part that the event shows; {all}", quoted(name))
        }
        Lost::Argument(name) => {
            format!("{} is missing, which the event leaves out; {all}", quoted(name))
        }
    }
}
