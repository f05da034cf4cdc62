//! A run: a short loop over explicit states, one method per state, one file per idea.
//!
//! The run holds nothing while it waits for a person: it ends with [`Exit::Parked`], and its
//! journal is folded again when the decision is there. Waiting and recovery are thus one path.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::announcing::Placed;
use super::call_state::{CallState, CallStatus};
use super::context::RunContext;
use super::ending::Ending;
use super::journal::{Draft, JournalError, Writer};
use super::state::{Node, State};
use crate::agent::approval::pending::{DecidedRequest, News};
use crate::agent::approval::policy::words_of_approval;
use crate::agent::approval::superseding::words_of_superseding;
use crate::domain::event::ThoughtKind;
use crate::domain::sentences::Sentences;
use crate::domain::{AnnouncementKind, Asking, Decision, Event, RequestId, Verdict};

use super::record::{PlannedCall, Record};

/// Why a run stopped working.
#[derive(Debug)]
pub(crate) enum Exit {
    /// It is over; the trailer is written.
    Over,
    /// It waits for people.
    Parked,
    /// The process is to stop; whatever the run has done so far is stored.
    HandedOver,
    /// It cannot go on here; another owner may.
    Abandoned(JournalError),
}

/// What a step leads to.
pub(super) enum Flow {
    /// The next step.
    Next,
    /// The end of this run's work, for now or for ever.
    Leave(Exit),
}

/// Every step may find that the run is not ours any more.
pub(super) type Step = Result<Flow, JournalError>;

/// A run at work.
pub(crate) struct Run {
    pub(super) ctx: Arc<RunContext>,
    pub(super) state: State,
    pub(super) writer: Writer,
    pub(super) cancel: CancellationToken,
}

impl Run {
    /// A run that goes on from `state`, writing with `writer`.
    pub(crate) fn new(
        ctx: Arc<RunContext>,
        state: State,
        writer: Writer,
        cancel: CancellationToken,
    ) -> Self {
        Self { ctx, state, writer, cancel }
    }

    /// Works until there is nothing to do but wait, or nothing at all, or the process is to stop.
    pub(crate) async fn drive(mut self) -> Exit {
        if let Err(error) = self.record_missed_end().await {
            return Exit::Abandoned(error);
        }
        let stopping = self.ctx.tasks.stopping();
        loop {
            if stopping.is_cancelled() && self.state.node != Node::Done {
                return self.hand_over().await;
            }
            match self.step().await {
                Ok(Flow::Next) => {}
                Ok(Flow::Leave(exit)) => return exit,
                Err(error) => return Exit::Abandoned(error),
            }
        }
    }

    /// Goes on with what came while it waited, and looks whether somebody has to be warned.
    pub(crate) async fn wake(mut self, news: News) -> Exit {
        match self.take_news(news).await {
            Ok(()) => self.drive().await,
            Err(error) => Exit::Abandoned(error),
        }
    }

    async fn step(&mut self) -> Step {
        if self.cancel.is_cancelled() && self.state.node != Node::Done {
            return self.finish(Ending::Cancelled).await;
        }
        match self.state.node {
            Node::Analyze => self.analyze().await,
            Node::Plan => self.ask_model().await,
            Node::Execute => self.execute().await,
            Node::Tools => self.act().await,
            Node::AwaitApproval => self.park().await,
            Node::Reflect => self.reflect().await,
            Node::Done => Ok(Flow::Leave(Exit::Over)),
        }
    }

    /// The sentences of the run's language.
    pub(super) fn words(&self) -> &'static dyn Sentences {
        self.state.language.sentences()
    }

    /// The first event of every run.
    pub(super) fn start_event(&self) -> Draft {
        Draft::Event(Event::Start {
            message: self.words().started().into(),
            thread_id: self.state.meta.thread_id.clone(),
            model: self.ctx.model.name().to_owned(),
        })
    }

    async fn analyze(&mut self) -> Step {
        let start = self.start_event();
        let thought = Event::Thought {
            kind: ThoughtKind::Analysis,
            content: self.words().analyzing(&self.state.context.summary(self.state.language)),
            sources: Vec::new(),
        };
        self.commit(vec![start, Draft::Both(thought, Record::Analyzed)]).await?;
        Ok(Flow::Next)
    }

    /// Takes the next call of the model's turn, or asks the model to go on. What needs nobody's
    /// approval comes first; then people are asked about the next one, or about all the rest at once.
    async fn execute(&mut self) -> Step {
        let open: Vec<PlannedCall> =
            self.state.open_calls().map(|call| call.planned.clone()).collect();
        let mut to_ask = Vec::new();
        for planned in open {
            if let Some(held) = self.held(&planned.call.name).await {
                return self.refuse(&planned, held).await;
            }
            match self.ready(&planned).await {
                Ok(ready) if self.ctx.tools.needs_approval(&planned.call.name) => {
                    to_ask.push((planned, ready));
                }
                Ok(ready) => return self.run_tool(&planned, ready, None).await,
                Err(error) => return self.refuse(&planned, error).await,
            }
        }
        match self.ctx.limits.asking {
            _ if to_ask.is_empty() => self.ask_model().await,
            Asking::OneByOne => {
                to_ask.truncate(1);
                self.ask_about(to_ask, None).await
            }
            Asking::Together => self.ask_about(to_ask, None).await,
        }
    }

    /// Goes on with a call that was decided about, or that a former owner had started.
    async fn act(&mut self) -> Step {
        match self.state.call_under_way().cloned() {
            Some(CallState { planned, status: CallStatus::Decided(request, decision), .. }) => {
                self.act_on_decision(&planned, &request, &decision).await
            }
            Some(CallState { planned, status: CallStatus::Started(approved), .. }) => {
                self.start_again(&planned, approved.as_deref()).await
            }
            Some(_) | None => self.execute().await,
        }
    }

    /// Leaves the run waiting. Who reads only the end of its journal sees that it waits.
    async fn park(&mut self) -> Step {
        // The time to warn may have come while the run was at work on something else.
        self.warn_of_deadlines().await?;
        if !self.state.ends_waiting {
            self.commit(vec![Draft::Record(Record::StillAsked)]).await?;
        }
        self.writer.flush().await?;
        Ok(Flow::Leave(Exit::Parked))
    }

    async fn take_news(&mut self, news: News) -> Result<(), JournalError> {
        self.record_missed_end().await?;
        self.tell_uncounted(news.uncounted).await?;
        for DecidedRequest { request, decision } in news.decided {
            self.take_decision(request, decision).await?;
        }
        self.warn_of_deadlines().await
    }

    async fn take_decision(
        &mut self,
        request: RequestId,
        decision: Decision,
    ) -> Result<(), JournalError> {
        let Some((planned, asked)) = self.state.asked_about(&request) else { return Ok(()) };
        let recorded = self.record_decision(planned, asked, &decision);
        let (_, _, _placed) = tokio::try_join!(
            recorded,
            self.leave_place_of(planned, &decision),
            self.will_announce(AnnouncementKind::Decided)
        )?;
        let thought = match (decision.verdict, &decision.superseded_by) {
            (Verdict::Approved, _) => Some(words_of_approval(asked, &decision)),
            (Verdict::Rejected, Some(next)) => Some(words_of_superseding(asked, &decision, next)),
            (Verdict::Rejected, None) | (Verdict::TimedOut | Verdict::Cancelled, _) => None,
        };
        self.ctx.metrics.approval_decided(decision.verdict);
        let record = Record::ApprovalResolved { request, decision };
        self.commit(vec![match thought {
            Some(content) => {
                let kind = ThoughtKind::Decision;
                Draft::Both(Event::Thought { kind, content, sources: Vec::new() }, record)
            }
            None => Draft::Record(record),
        }])
        .await
    }

    /// Queues this session before it appends something that is to be told outside.
    pub(super) async fn will_announce(
        &self,
        kind: AnnouncementKind,
    ) -> Result<Placed, JournalError> {
        let placed = self.ctx.will_announce(&self.state.meta.session_id, kind, self.writer.last());
        placed.await.map_err(JournalError::from)
    }

    /// Applies the records and queues the entries, as one atomic append.
    pub(super) async fn commit(&mut self, drafts: Vec<Draft>) -> Result<(), JournalError> {
        for draft in &drafts {
            if let Some(record) = draft.record() {
                self.state.apply(record);
            }
            if let Draft::Event(Event::Content { content, .. }) = draft {
                self.state.show(content.as_str());
            }
        }
        self.writer.append(&drafts, self.state.waits_until()).await
    }
}
