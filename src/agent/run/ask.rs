//! Asking a person, so that no answer can be lost (contract, section 5.3, 1).

use futures::future::try_join_all;

use super::announcing::Placed;
use super::inbox::keep_decision;
use super::journal::{Draft, JournalError};
use super::prepared::Refusal;
use super::prepared::{Prepared, Ready};
use super::record::{PlannedCall, Record};
use super::step::{Flow, Run, Step};
use crate::agent::approval::request::PendingRequest;
use crate::agent::approval::seals::Subject;
use crate::domain::event::{ThoughtKind, ToolState};
use crate::domain::plan::StepStatus;
use crate::domain::{
    AnnouncementKind, ApprovalRequest, Approvers, ArgumentsHash, Deadline, Decision, Event, Full,
    Quorum, RequestId, Standing, ToolCallId, UserId, Verdict,
};

/// A question to be: the call, and the request that asks about it.
pub(super) struct Question {
    planned: PlannedCall,
    request: ApprovalRequest,
}

impl Question {
    /// The same question, asked by somebody else than who started the run, as this request.
    pub(super) fn asked_by(mut self, user: &UserId, id: &RequestId) -> Self {
        (self.request.user_id, self.request.request_id) = (user.clone(), id.clone());
        self
    }

    /// `behind`: how many are asked together with it and stand behind it.
    fn record(&self, behind: usize) -> Record {
        let (call, request) = (self.planned.call.id.clone(), Box::new(self.request.clone()));
        let behind = u32::try_from(behind).unwrap_or(u32::MAX);
        Record::ApprovalAsked { call, behind, request }
    }
}

impl Run {
    /// Looks into these calls, and asks about them all at once. One that cannot work as things stand is
    /// told to the model instead. `doubt` says what is unknown about an earlier attempt.
    pub(super) async fn ask_about(
        &mut self,
        calls: Vec<(PlannedCall, Ready)>,
        doubt: Option<&str>,
    ) -> Step {
        let mut questions = Vec::new();
        for (planned, ready) in calls {
            match self.cancel.clone().run_until_cancelled(ready.prepare(self.state.language)).await
            {
                Some(Ok(prepared)) => questions.push(self.question(&planned, prepared, doubt)),
                Some(Err(error)) => {
                    let error = doubt.map_or(error.to_string(), |doubt| format!("{doubt} {error}"));
                    return self.refuse(&planned, Refusal::Other(error)).await;
                }
                None => return Ok(Flow::Next),
            }
        }
        match self.take_places(&questions).await? {
            Ok(()) => self.ask(questions).await,
            Err((planned, full)) => {
                let error = format!("nobody can be asked now: {full}");
                self.refuse(&planned, Refusal::Other(error)).await
            }
        }
    }

    /// Counts these questions among those that wait. If there is no room for all of them, none is counted;
    /// then says which call is one too many. Those that are left are asked about once it was refused.
    async fn take_places(
        &self,
        questions: &[Question],
    ) -> Result<Result<(), (PlannedCall, Full)>, JournalError> {
        let (ctx, meta, quota) = (&self.ctx, &self.state.meta, &self.ctx.limits.quota);
        for (at, Question { planned, .. }) in questions.iter().enumerate() {
            let call = &planned.call.id;
            let taken = ctx.retry_unavailable(|| ctx.store.take_question(meta, call, quota)).await;
            if let Err(full) = taken.map_err(JournalError::from)? {
                for Question { planned, .. } in &questions[..at] {
                    // If it cannot be told: they are asked about next, or their run ends.
                    let _ = ctx.store.leave_question(meta, &planned.call.id).await;
                }
                return Ok(Err((planned.clone(), full)));
            }
        }
        Ok(Ok(()))
    }

    /// Nobody is asked about a call any more, unless its changed arguments are asked about next.
    pub(super) async fn leave_place_of(
        &self,
        planned: &PlannedCall,
        decision: &Decision,
    ) -> Result<(), JournalError> {
        if decision.superseded_by.is_some() {
            return Ok(());
        }
        self.leave_place(&planned.call.id).await
    }

    /// Nobody is asked about a call any more.
    pub(super) async fn leave_place(&self, call: &ToolCallId) -> Result<(), JournalError> {
        let (ctx, meta) = (&self.ctx, &self.state.meta);
        let left = ctx.retry_unavailable(|| ctx.store.leave_question(meta, call)).await;
        left.map_err(JournalError::from)
    }

    /// Asks whether these calls may run, all at once.
    ///
    /// The order is the guarantee: the answers are expected, the subscription is live, the
    /// requests are stored and in their tenant's inbox; only then does the journal, and with it any client, get
    /// the questions.
    pub(super) async fn ask(&mut self, questions: Vec<Question>) -> Step {
        self.writer.flush().await?;
        let mut asked = self.state.clone();
        questions.iter().for_each(|question| asked.apply(&question.record(0)));
        let checkpoint = asked.checkpoint();
        let session = &self.state.meta.session_id;
        let alone = asked.pending_requests().count() == 1;
        for Question { request, .. } in &questions {
            self.ctx.expect(session, request, alone);
        }
        let shown = match self.open(&questions, &checkpoint).await {
            Ok(placed) => self.show_questions(&questions).await.map(|()| placed),
            Err(error) => Err(error),
        };
        match shown {
            Ok(placed) => self.ctx.have_announced(&self.state.meta.session_id, placed).await,
            Err(error) => {
                self.ctx.pending.withdraw(&self.state.meta.session_id);
                self.take_back(&questions, &error).await;
                return Err(error);
            }
        }
        self.ctx.metrics.approvals_asked.inc_by(questions.len() as u64);
        Ok(Flow::Next)
    }

    /// Makes the answers to these questions heard and found. Neither the inbox nor whoever is told outside costs a
    /// round trip of its own: they are told while others are.
    async fn open(&self, questions: &[Question], checkpoint: &str) -> Result<Placed, JournalError> {
        let (ctx, meta) = (&self.ctx, &self.state.meta);
        for Question { planned, request } in questions {
            self.record_request(planned, request).await?;
            let opened = ctx.retry_unavailable(|| ctx.store.open(meta, request, checkpoint)).await;
            opened.map_err(JournalError::from)?;
            log_interrupt(request);
        }
        let requests = || questions.iter().map(|question| &question.request);
        let tell = async |request| ctx.retry_unavailable(|| ctx.store.tell_asked(request)).await;
        let told = try_join_all(requests().map(tell));
        let placed = self.will_announce(AnnouncementKind::Asked);
        let ((), told, placed) = tokio::join!(ctx.note_asked(meta, requests()), told, placed);
        told.map_err(JournalError::from)?;
        placed
    }

    /// Takes back questions that this process can never ask any more. Where it is not known whether they were
    /// asked, whoever has the run next finds out.
    async fn take_back(&self, questions: &[Question], error: &JournalError) {
        match error {
            JournalError::Lost | JournalError::Gone | JournalError::Permanent(_) => {
                let noted = questions
                    .iter()
                    .map(|Question { request, .. }| (request.request_id.clone(), request.deadline));
                self.ctx.take_back_unasked(&self.state.meta.session_id, noted.collect()).await;
            }
            JournalError::Transient(_) => {}
        }
    }

    async fn show_questions(&mut self, questions: &[Question]) -> Result<(), JournalError> {
        let mut drafts = Vec::new();
        for (behind, question) in (0..questions.len()).rev().zip(questions) {
            let Question { planned, request } = question;
            drafts.extend(self.move_step(&planned.step, StepStatus::InProgress));
            let pending = self.execution(planned, &request.context, ToolState::Pending);
            drafts.push(Draft::Event(Event::ToolExecution(pending)));
            let hitl = Event::Hitl {
                request: Box::new(request.clone()),
                step_id: planned.step.clone(),
                confidence: self.state.measured,
            };
            drafts.push(Draft::Both(hitl, question.record(behind)));
        }
        self.ctx.pending.show(&self.state.meta.session_id);
        self.commit(drafts).await?;
        self.writer.flush().await
    }

    /// Takes back every question that nobody has answered: the run is about to end. An answer that
    /// came first stands, but nothing comes of it any more.
    ///
    /// Returns what the journal is to say of it, in the same append as the end: with this alone a
    /// new owner would take the questions' decisions for the reason to end.
    pub(super) async fn withdraw_questions(&mut self) -> Result<Vec<Draft>, JournalError> {
        let pending = self.state.pending_requests();
        let pending: Vec<(RequestId, Deadline)> =
            pending.map(|request| (request.request_id.clone(), request.deadline)).collect();
        let ctx = &self.ctx;
        let mut drafts = Vec::new();
        for (request, deadline) in pending {
            let proposal = Decision::of(Verdict::Cancelled, ctx.clock.now());
            let session = &self.state.meta.session_id;
            let about = Subject { request: &request, session, deadline };
            let decided = ctx.retry_unavailable(|| ctx.decide(about, &proposal)).await;
            let decision = decided.map_err(JournalError::from)?.standing(proposal);
            if let Some((planned, asked)) = self.state.asked_about(&request) {
                self.record_decision(planned, asked, &decision).await?;
                self.leave_place_of(planned, &decision).await?;
            }
            ctx.metrics.approval_decided(decision.verdict);
            keep_decision(&self.ctx, &self.state.meta.session_id, &request, &decision).await;
            drafts.push(Draft::Record(Record::ApprovalResolved { request, decision }));
        }
        self.ctx.pending.withdraw(&self.state.meta.session_id);
        Ok(drafts)
    }

    /// Warns whoever is asked and has nearly run out of time, once for each request.
    pub(super) async fn warn_of_deadlines(&mut self) -> Result<(), JournalError> {
        let now = self.ctx.clock.now();
        let before = self.ctx.limits.hitl_warning;
        let is_near = |request: &&ApprovalRequest| {
            let waiting = PendingRequest::for_request(request, Approvers::default());
            let due = waiting.warning_at(before).is_some_and(|at| at <= now);
            due && !waiting.deadline.has_passed(now)
                && !self.state.warned.contains(&request.request_id)
        };
        let near: Vec<ApprovalRequest> =
            self.state.pending_requests().filter(is_near).cloned().collect();
        let drafts = near.iter().map(|request| {
            let left = request.deadline.left(now).as_millis().div_ceil(1000);
            let tool = &request.action_type;
            let left = u64::try_from(left).unwrap_or(u64::MAX);
            let content = self.words().expiring(tool, left);
            let thought =
                Event::Thought { kind: ThoughtKind::Reasoning, content, sources: Vec::new() };
            Draft::Both(thought, Record::DeadlineNear { request: request.request_id.clone() })
        });
        let drafts: Vec<Draft> = drafts.collect();
        if drafts.is_empty() { Ok(()) } else { self.commit(drafts).await }
    }

    /// A question about a call. `doubt` says what is unknown about an earlier attempt.
    pub(super) fn question(
        &self,
        planned: &PlannedCall,
        prepared: Prepared,
        doubt: Option<&str>,
    ) -> Question {
        let now = self.ctx.clock.now();
        let time = self.ctx.answer_times.of(&planned.call.name);
        let Prepared { arguments, question, preview } = prepared;
        let request = ApprovalRequest {
            request_id: RequestId::generate(),
            session_id: self.state.meta.session_id.clone(),
            user_id: self.state.meta.user.clone(),
            tenant_id: self.state.meta.tenant.clone(),
            action_type: planned.call.name.clone(),
            tool_call_id: Some(planned.call.id.clone()),
            args_hash: Some(ArgumentsHash::of(&planned.call.name, &arguments)),
            context: arguments,
            message: doubt.map_or(question.clone(), |doubt| format!("{doubt} {question}")),
            language: self.state.language,
            standing: Standing::Pending,
            created_at: now,
            deadline: Deadline::after(now, time),
            quorum: Quorum::from(&self.ctx.approvers.of(&planned.call.name)),
            preview,
            more: serde_json::Map::new(),
        };
        Question { planned: planned.clone(), request }
    }
}

fn log_interrupt(request: &ApprovalRequest) {
    tracing::info!(
        tool = %request.action_type, request = %request.request_id, session = %request.session_id,
        tenant = %request.tenant_id, expires_at = request.deadline.expires_at().get(), "HITL Interrupt"
    );
    tracing::info!(session = %request.session_id, "checkpoint saved");
}
