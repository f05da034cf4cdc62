//! One turn of the model: its words go out as they come, its calls become steps of the plan.

use std::sync::Arc;

use futures::StreamExt;
use serde_json::{Value, json};

use super::arguments::parse_arguments;
use super::budget::{cut_short, estimated};
use super::confidence;
use super::context_window::trimmed;
use super::errors::{budget_spent, cut_off, empty_answer, model_failure, too_many_calls};
use super::journal::{Draft, JournalError};
use super::plan::moved;
use super::reasoning::{Reasoning, reached};
use super::record::{PlannedCall, Record};
use super::state::{Node, PARAGRAPH};
use super::step::{Flow, Run, Step};
use crate::domain::event::{Piece, ThoughtKind};
use crate::domain::plan::{PlanStep, StepStatus};
use crate::domain::{Certainty, Confidence, Event, Message, ToolCall, ToolCallId, Usage, excerpt};
use crate::llm::{ChatRequest, Delta, ModelError, TurnEnd, tokens};
use crate::tools::ToolSpec;

/// What came of a turn.
enum TurnOutcome {
    Whole { text: String, calls: Vec<ToolCall>, end: TurnEnd },
    Failed(ModelError),
    Interrupted,
}

impl TurnOutcome {
    /// With an estimate of the tokens of a whole turn, where the provider did not count them.
    fn counted(mut self, prompt_tokens: u64, reasoned: u64) -> Self {
        if let Self::Whole { text, calls, end } = &mut self {
            let counted = end.usage.filter(|usage| usage.total_tokens > 0);
            let estimate = || estimated(prompt_tokens, reasoned, text, calls);
            end.usage = Some(counted.unwrap_or_else(estimate));
        }
        self
    }

    /// What it has used; `shown` is what clients have seen of a turn that did not come to its end.
    fn used(&self, prompt_tokens: u64, reasoned: u64, shown: &str) -> Usage {
        match self {
            Self::Whole { end, .. } => end.usage.unwrap_or_default(),
            Self::Failed(_) | Self::Interrupted => cut_short(prompt_tokens, reasoned, shown),
        }
    }
}

impl Run {
    /// Asks the model for a turn and records it.
    pub(super) async fn ask_model(&mut self) -> Step {
        if let Some(error) = self.spent_budget().await? {
            return self.fail(error).await;
        }
        // A turn that a former owner had asked for is asked for again, and counts once.
        let turn = if self.state.asking { self.state.turns } else { self.state.turns + 1 };
        let may_call = turn < self.ctx.limits.max_turns;
        let tools = if may_call { self.ctx.tools.specs() } else { [].into() };
        self.commit(vec![Draft::Record(Record::Asked { turn })]).await?;
        let request = self.request(tools);
        let prompt_tokens = tokens::of_request(&request);
        let mut reasoning = Reasoning::default();
        let outcome = self.hear(request, &mut reasoning).await?;
        let reasoned = reasoning.tokens();
        let outcome = outcome.counted(prompt_tokens, reasoned);
        self.pay(outcome.used(prompt_tokens, reasoned, self.state.partial())).await?;
        match outcome {
            TurnOutcome::Interrupted => Ok(Flow::Next),
            TurnOutcome::Failed(error) => self.fail(model_failure(&error)).await,
            TurnOutcome::Whole { calls, .. } if !may_call && !calls.is_empty() => {
                self.fail(budget_spent(turn)).await
            }
            // The arguments may be cut as well: nobody is asked to approve half of a sentence.
            TurnOutcome::Whole { calls, end, .. } if end.truncated && !calls.is_empty() => {
                self.fail(cut_off()).await
            }
            TurnOutcome::Whole { calls, .. } if calls.len() > CALLS_MAX => {
                self.fail(too_many_calls(calls.len(), CALLS_MAX)).await
            }
            TurnOutcome::Whole { text, calls, end }
                if text.trim().is_empty() && calls.is_empty() =>
            {
                self.fail(empty_answer(end.truncated, reasoned)).await
            }
            TurnOutcome::Whole { text, calls, end } => self.close_turn(text, calls, end).await,
        }
    }

    /// What the model is asked: the conversation, or as much of it as fits.
    fn request(&self, tools: Arc<[ToolSpec]>) -> ChatRequest {
        let partial = self.state.partial().to_owned();
        let Some(limit) = self.ctx.limits.context_tokens else {
            return ChatRequest { messages: self.state.messages.clone(), tools, partial };
        };
        let besides = tokens::of_tools(&tools) + tokens::of_text(&partial);
        let sent = trimmed(&self.state.messages, limit.saturating_sub(besides));
        if sent.left_out > 0 || sent.cut > 0 {
            tracing::info!(
                session = %self.state.meta.session_id, left_out = sent.left_out, cut = sent.cut,
                limit_tokens = limit, "conversation trimmed for the model"
            );
        }
        ChatRequest { messages: sent.messages, tools, partial }
    }

    /// Listens to a turn; shows its text as it comes, and its reasoning in sentences.
    async fn hear(
        &mut self,
        request: ChatRequest,
        reasoning: &mut Reasoning,
    ) -> Result<TurnOutcome, JournalError> {
        let cancel = self.cancel.clone();
        let mut text = request.partial.clone();
        let asked = tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(TurnOutcome::Interrupted),
            asked = self.ctx.model.chat(request) => asked,
        };
        let mut turn = match asked {
            Ok(turn) => turn,
            Err(error) => return Ok(TurnOutcome::Failed(error)),
        };
        let mut calls = Vec::new();
        loop {
            let delta = tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(TurnOutcome::Interrupted),
                delta = turn.next() => delta,
                () = reached(reasoning.due()) => {
                    self.show_thoughts(reasoning.take_rest()).await?;
                    continue;
                }
            };
            let thoughts = match &delta {
                Some(Ok(Delta::Reasoning(piece))) => reasoning.push(piece),
                Some(
                    Ok(Delta::Restarted | Delta::Text(_) | Delta::ToolCall(_) | Delta::End(_))
                    | Err(_),
                )
                | None => reasoning.take_rest(),
            };
            self.show_thoughts(thoughts).await?;
            match delta {
                Some(Ok(Delta::Reasoning(_) | Delta::Restarted)) => {}
                Some(Ok(Delta::Text(piece))) => {
                    self.show(&piece, text.is_empty()).await?;
                    text.push_str(&piece);
                }
                Some(Ok(Delta::ToolCall(call))) => calls.push(call),
                Some(Ok(Delta::End(end))) => return Ok(TurnOutcome::Whole { text, calls, end }),
                Some(Err(error)) => return Ok(TurnOutcome::Failed(error)),
                None => return Ok(TurnOutcome::Failed(ModelError::Broken("no end".into()))),
            }
        }
    }

    /// What the model thinks aloud is shown and nothing else: neither its answer nor the
    /// conversation has it, and a new owner of the run may show it again.
    async fn show_thoughts(&mut self, thoughts: Vec<String>) -> Result<(), JournalError> {
        if thoughts.is_empty() {
            return Ok(());
        }
        let as_draft = |content| Draft::thought(ThoughtKind::Reasoning, content, Vec::new());
        self.commit(thoughts.into_iter().map(as_draft).collect()).await
    }

    async fn show(&mut self, text: &str, first_of_turn: bool) -> Result<(), JournalError> {
        let mut drafts = Vec::new();
        if first_of_turn {
            drafts.extend(self.begin_answer());
            if self.state.has_shown {
                drafts.extend(Piece::all_of(PARAGRAPH).map(content));
            }
        }
        drafts.extend(Piece::all_of(text).map(content));
        self.commit(drafts).await
    }

    /// The step "answer", once the first word of one is there.
    fn begin_answer(&self) -> Vec<Draft> {
        if let Some(step) = self.state.answer_step() {
            return moved(step, StepStatus::InProgress);
        }
        let mut drafts = Vec::new();
        if self.state.node == Node::Plan {
            let content = self.words().answering().to_owned();
            drafts.push(Draft::thought(ThoughtKind::Planning, content, Vec::new()));
        }
        let confidence = confidence::of_answer(self.state.successes, self.state.attempts);
        let description = self.words().answering_from(self.state.attempts);
        let mut step = self.new_step(0, self.words().answer_title(), &description, confidence);
        step.status = StepStatus::InProgress;
        let record = Record::StepAdded { step: step.clone(), is_answer: true };
        drafts.push(Draft::Both(Event::PlanStep(step), record));
        drafts
    }

    async fn close_turn(&mut self, text: String, calls: Vec<ToolCall>, end: TurnEnd) -> Step {
        let mut drafts = Vec::new();
        if !calls.is_empty() {
            drafts.push(self.plan_thought(&calls));
        }
        let said = end.confidence.map(Certainty::confidence);
        let mut planned = Vec::new();
        for (offset, call) in calls.into_iter().enumerate() {
            let step = self.step_for(&call, offset, said).await;
            let step_id = step.step_id.clone();
            let record = Record::StepAdded { step: step.clone(), is_answer: false };
            drafts.push(Draft::Both(Event::PlanStep(step), record));
            let call = self.with_fresh_id(call, offset, &planned);
            planned.push(PlannedCall { call, step: step_id });
        }
        let confidence = said
            .unwrap_or_else(|| confidence::of_answer(self.state.successes, self.state.attempts));
        if planned.is_empty() {
            drafts.extend(self.sure_of_answer(confidence));
        }
        if end.truncated {
            let content = self.words().answer_cut().to_owned();
            drafts.push(Draft::thought(ThoughtKind::Reflection, content, Vec::new()));
        }
        if planned.is_empty() {
            drafts.extend(self.artifact());
        }
        let usage = end.usage.unwrap_or_default();
        let (content, measured) = (text, end.confidence.and_then(Certainty::measured));
        let answered = Record::Answered { content, calls: planned, usage, confidence, measured };
        drafts.push(Draft::Record(answered));
        self.commit(drafts).await?;
        Ok(Flow::Next)
    }

    /// Tells the answer's confidence, now that the model has said all of it.
    fn sure_of_answer(&self, confidence: Confidence) -> Vec<Draft> {
        let Some(step) = self.state.answer_step() else { return Vec::new() };
        let step = PlanStep { confidence, ..step.clone() };
        let (id, status) = (step.step_id.clone(), step.status);
        let record = Record::StepMoved { step: id, status, confidence: Some(confidence) };
        vec![Draft::Both(Event::PlanStepUpdate(step), record)]
    }

    /// The last `content` of an answer, which has no words: what the last tool that gave people
    /// something to look at gave them.
    fn artifact(&self) -> Option<Draft> {
        let results = self.state.own_messages().iter().rev();
        let shown = results.filter_map(|message| match message {
            Message::Tool { name, content, .. } => {
                let result = serde_json::from_str(content).ok()?;
                self.ctx.tools.find(name).ok()?.artifact(&result, self.state.language)
            }
            Message::System { .. } | Message::User { .. } | Message::Assistant { .. } => None,
        });
        let result = shown.into_iter().next()?;
        let metadata = json!({ "result": result });
        Some(Draft::Event(Event::Content { content: Piece::default(), chunk: true, metadata }))
    }

    fn plan_thought(&self, calls: &[ToolCall]) -> Draft {
        let name = |call: &ToolCall| excerpt(&call.name, NAME_SHOWN_MAX);
        let names: Vec<String> = calls.iter().map(name).collect();
        let content = self.words().using_tools(&names.join(", "));
        let kind = if self.state.node == Node::Plan {
            ThoughtKind::Planning
        } else {
            ThoughtKind::Reasoning
        };
        Draft::thought(kind, content, names)
    }

    async fn step_for(&self, call: &ToolCall, offset: usize, said: Option<Confidence>) -> PlanStep {
        let arguments = parse_arguments(call).unwrap_or(Value::Null);
        let tool = self.ctx.tools.find(&call.name);
        let read = match &tool {
            Ok(tool) => Arc::clone(tool).call(&arguments).await.ok(),
            Err(_) => None,
        };
        let confidence = said.unwrap_or_else(|| {
            confidence::of_call(read.is_some(), &arguments, &self.state.messages)
        });
        let description = match (tool, read) {
            (Ok(_), Some(read)) if self.ctx.tools.needs_approval(&call.name) => {
                read.question(self.state.language)
            }
            (Ok(_), _) => self.words().call_description(&call.name, &call.arguments),
            (Err(error), _) => error.to_string(),
        };
        self.new_step(offset, &self.words().call_title(&call.name), &description, confidence)
    }

    /// The call under an id that no earlier call of the run has; some models number each turn anew.
    fn with_fresh_id(&self, call: ToolCall, offset: usize, before: &[PlannedCall]) -> ToolCall {
        let used = |id: &ToolCallId| {
            before.iter().any(|planned| &planned.call.id == id)
                || self.state.messages.iter().any(|message| match message {
                    Message::Tool { call_id, .. } => call_id == id,
                    Message::System { .. } | Message::User { .. } | Message::Assistant { .. } => {
                        false
                    }
                })
        };
        if !used(&call.id) {
            return call;
        }
        let numbered = format!("{}-t{}-{}", call.id, self.state.turns, offset + 1);
        let id = ToolCallId::parse(&numbered).unwrap_or_else(ToolCallId::generate);
        ToolCall { id, ..call }
    }
}

/// So much of a tool's name is shown in a thought, in bytes: a model may make up any.
const NAME_SHOWN_MAX: usize = 100;
/// Tools that one turn may ask for. A run may use no more either (`agent.max_tool_calls`).
const CALLS_MAX: usize = 1000;

fn content(content: Piece) -> Draft {
    Draft::Event(Event::Content { content, chunk: true, metadata: json!({}) })
}
