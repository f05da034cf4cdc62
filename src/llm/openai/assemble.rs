//! A turn put together from its chunks.

use std::collections::HashSet;

use uuid::Uuid;

use crate::domain::{Certainty, Confidence, ToolCall, ToolCallId, Usage};
use crate::llm::{ChatRequest, Delta, TurnEnd};

use super::fault::Fault;
use super::names::ToolNames;
use super::request;
use super::wire::{CallFragment, Choice, Chunk, FinishReason, Words};

/// Most tool calls in one turn.
const CALLS_MAX: usize = 128;
/// Most bytes of text in one turn: 1 MiB. What a model thinks aloud may be as long again.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes of all the tool calls of one turn.
const CALL_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What one chunk brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// What the model thinks aloud, possibly empty.
    pub(super) reasoning: String,
    /// Text to hand out, possibly empty.
    pub(super) text: String,
    /// Whether the model did anything. Some servers send empty chunks to keep a connection open.
    pub(super) alive: bool,
}

/// The parts of a turn that are known only at its end.
#[derive(Debug)]
pub(super) struct Assembler {
    names: ToolNames,
    /// Ids that the conversation uses already.
    used: HashSet<String>,
    calls: Vec<Call>,
    /// The call that the last fragment belonged to.
    current: usize,
    call_bytes: usize,
    text_bytes: usize,
    reasoning_bytes: usize,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    logprob_sum: f64,
    tokens: u32,
}

#[derive(Debug, Default)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl Assembler {
    /// For the answer to `request`.
    pub(super) fn new(request: &ChatRequest) -> Self {
        Self {
            names: request::names(request),
            used: request::calls(request).map(|call| call.id.to_string()).collect(),
            calls: Vec::new(),
            current: 0,
            call_bytes: 0,
            text_bytes: 0,
            reasoning_bytes: 0,
            finish: None,
            usage: None,
            logprob_sum: 0.0,
            tokens: 0,
        }
    }

    /// The tool names of the request.
    pub(super) fn names(&self) -> &ToolNames {
        &self.names
    }

    /// Takes the next chunk in.
    ///
    /// # Errors
    /// When the content filter has stopped the answer, or the text or the tool calls grow beyond all measure.
    pub(super) fn take(&mut self, mut chunk: Chunk) -> Result<Step, Fault> {
        let usage = chunk.usage();
        self.usage = usage.or(self.usage);
        let Some(mut choice) = chunk.choice() else {
            return Ok(Step { alive: usage.is_some(), ..Step::default() });
        };
        self.count(&choice);
        let mut piece = choice.piece();
        let fragments = piece.tool_calls.take().unwrap_or_default();
        let Words { mut reasoning, text } = piece.words();
        let finish = choice.finish_reason();
        let alive =
            !text.is_empty() || !reasoning.is_empty() || !fragments.is_empty() || finish.is_some();
        if self.is_finished() {
            // What a model thinks behind its answer concerns nobody.
            reasoning.clear();
        }
        self.measure(&reasoning, &text)?;
        self.finish = finish.or(self.finish);
        let of = fragments.len();
        for (position, fragment) in fragments.into_iter().enumerate() {
            self.add(fragment, position, of)?;
        }
        match finish {
            Some(FinishReason::ContentFilter) => Err(Fault::filtered()),
            _ => Ok(Step { reasoning, text, alive }),
        }
    }

    /// Whether the model has said that the turn is complete.
    pub(super) fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Whether there is any answer at all.
    pub(super) fn has_answer(&self) -> bool {
        self.text_bytes > 0 || !self.calls.is_empty()
    }

    /// The rest of the turn: its tool calls and its end.
    pub(super) fn end(&mut self) -> impl Iterator<Item = Delta> {
        let calls = std::mem::take(&mut self.calls);
        let mut deltas: Vec<Delta> = Vec::with_capacity(calls.len() + 1);
        for call in calls.into_iter().filter(|call| !call.is_empty()) {
            deltas.push(Delta::ToolCall(self.complete(call)));
        }
        deltas.push(Delta::End(TurnEnd {
            usage: self.usage,
            confidence: Confidence::from_logprobs(self.logprob_sum, self.tokens)
                .map(Certainty::Measured),
            truncated: self.finish == Some(FinishReason::Length),
        }));
        deltas.into_iter()
    }

    /// Bounds what a model writes that does not stop by itself.
    fn measure(&mut self, reasoning: &str, text: &str) -> Result<(), Fault> {
        self.text_bytes = self.text_bytes.saturating_add(text.len());
        self.reasoning_bytes = self.reasoning_bytes.saturating_add(reasoning.len());
        if self.text_bytes > TEXT_BYTES_MAX {
            return Err(Fault::boundless("the model does not stop writing"));
        }
        if self.reasoning_bytes > TEXT_BYTES_MAX {
            return Err(Fault::boundless("the model does not stop thinking"));
        }
        Ok(())
    }

    fn count(&mut self, choice: &Choice) {
        for logprob in choice.logprobs().filter(|logprob| logprob.is_finite()) {
            self.logprob_sum += logprob;
            self.tokens = self.tokens.saturating_add(1);
        }
    }

    fn add(&mut self, mut fragment: CallFragment, position: usize, of: usize) -> Result<(), Fault> {
        self.current = match self.find(&fragment, position, of) {
            Some(found) => found,
            None if self.calls.len() == CALLS_MAX => {
                return Err(Fault::boundless("it asks for too many tools at once"));
            }
            None => {
                self.calls.push(Call { index: fragment.index, ..Call::default() });
                self.calls.len() - 1
            }
        };
        let arguments = fragment.arguments();
        self.call_bytes = self.call_bytes.saturating_add(arguments.len());
        if self.call_bytes > CALL_BYTES_MAX {
            return Err(Fault::boundless("the arguments of its tool calls are too large"));
        }
        let call = &mut self.calls[self.current];
        call.arguments.push_str(&arguments);
        // Both come whole; servers that repeat them in every fragment mean nothing by it.
        if call.id.is_empty() {
            call.id = fragment.id().unwrap_or_default().to_owned();
        }
        if call.name.is_empty() {
            call.name = fragment.name().unwrap_or_default().to_owned();
        }
        Ok(())
    }

    /// The call that a fragment continues; `None`: it starts one.
    fn find(&self, fragment: &CallFragment, position: usize, of: usize) -> Option<usize> {
        if let Some(index) = fragment.index {
            let found = self.calls.iter().rposition(|call| call.index == Some(index))?;
            // Some servers give every call the same index, and only the id tells them apart.
            return (!self.calls[found].is_another(fragment)).then_some(found);
        }
        if let Some(id) = fragment.id() {
            let known = self.calls.iter().rposition(|call| call.id == id);
            if known.is_some() || fragment.name().is_some() {
                return known;
            }
        }
        let candidate = if of > 1 { position } else { self.current };
        let call = self.calls.get(candidate)?;
        let starts_another = fragment.name().is_some() && !call.name.is_empty();
        (!starts_another).then_some(candidate)
    }

    fn complete(&mut self, call: Call) -> ToolCall {
        let id = match call.id {
            id if !id.is_empty() && !self.used.contains(&id) => id,
            _ => format!("call_{}", Uuid::new_v4().simple()),
        };
        self.used.insert(id.clone());
        // A tool without parameters is often called without arguments.
        let arguments = match call.arguments {
            blank if blank.trim().is_empty() => "{}".to_owned(),
            arguments => arguments,
        };
        ToolCall { id: ToolCallId::new(id), name: self.names.meant_by(call.name), arguments }
    }
}

impl Call {
    fn is_another(&self, fragment: &CallFragment) -> bool {
        let other_id = fragment.id().is_some_and(|id| !self.id.is_empty() && id != self.id);
        other_id && fragment.name().is_some()
    }

    fn is_empty(&self) -> bool {
        self.name.is_empty() && self.arguments.is_empty()
    }
}
