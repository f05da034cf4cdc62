//! A turn put together from its chunks.

use std::collections::HashSet;

use crate::domain::call::Beginning;
use crate::domain::json::HalfJoiner;
use crate::domain::{Certainty, Confidence, ToolCall, ToolCallId, Usage};
use crate::llm::{ChatRequest, Delta, TurnEnd};

use super::calls::{Calls, PartialCall};
use super::fault::Fault;
use super::finish::FinishReason;
use super::names::ToolNames;
use super::request;
use super::secrets::Secrets;
use super::wire::{Choice, Chunk, Words};

/// Most bytes of text in one turn: 1 MiB. What a model thinks aloud may be as long again.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

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
    calls: Calls,
    text: HalfJoiner,
    reasoning: HalfJoiner,
    text_bytes: usize,
    reasoning_bytes: usize,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    logprob_sum: f64,
    tokens: u32,
}

impl Assembler {
    /// For the answer to `request`.
    pub(super) fn new(request: &ChatRequest) -> Self {
        Self {
            names: request::names(request),
            used: request::calls(request).map(|call| call.id.to_string()).collect(),
            calls: Calls::default(),
            text: HalfJoiner::default(),
            reasoning: HalfJoiner::default(),
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
    /// When the model was stopped by a filter or a failure, or the text or the tool calls grow
    /// beyond all measure.
    pub(super) fn take(&mut self, mut chunk: Chunk, secrets: &Secrets) -> Result<Step, Fault> {
        let usage = chunk.usage();
        self.usage = usage.or(self.usage);
        let has_halves = chunk.has_halves;
        let Some(mut choice) = chunk.choice() else {
            return Ok(Step { alive: usage.is_some(), ..Step::default() });
        };
        self.count(&choice);
        let mut piece = choice.piece();
        let fragments = std::mem::take(&mut piece.tool_calls);
        let Words { mut reasoning, text } = piece.words();
        let finish = choice.finish_reason();
        let alive =
            !text.is_empty() || !reasoning.is_empty() || !fragments.is_empty() || finish.is_some();
        if self.is_finished() {
            // What a model thinks behind its answer concerns nobody.
            reasoning.clear();
        }
        self.measure(&reasoning, &text)?;
        if let Some((reason, word)) = finish {
            self.finish_with(reason, word, secrets)?;
        }
        self.calls.take(fragments, has_halves)?;
        let reasoning = self.reasoning.push(reasoning, has_halves);
        let text = self.text.push(text, has_halves);
        Ok(Step { reasoning, text, alive })
    }

    fn finish_with(
        &mut self,
        reason: FinishReason,
        word: &str,
        secrets: &Secrets,
    ) -> Result<(), Fault> {
        match reason {
            FinishReason::Complete | FinishReason::Length => {
                self.finish = Some(self.finish.map_or(reason, |before| before.and(reason)));
                Ok(())
            }
            FinishReason::Filtered => Err(Fault::filtered()),
            FinishReason::Failed => Err(Fault::stopped(word, secrets)),
        }
    }

    /// What is left of the words when no more come: half a character becomes U+FFFD.
    pub(super) fn last_words(&mut self) -> Words {
        let rest = |joiner: &mut HalfJoiner| joiner.finish().map(String::from).unwrap_or_default();
        Words { reasoning: rest(&mut self.reasoning), text: rest(&mut self.text) }
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
        let calls: Vec<PartialCall> = self.calls.finish().collect();
        let mut deltas: Vec<Delta> = Vec::with_capacity(calls.len() + 1);
        for call in calls {
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

    fn complete(&mut self, call: PartialCall) -> ToolCall {
        let said = Some(call.id).filter(Beginning::is_whole);
        let said = said.and_then(|id| ToolCallId::parse(id.as_str()));
        let unused = said.filter(|id| !self.used.contains(id.as_str()));
        let id = unused.unwrap_or_else(ToolCallId::generate);
        self.used.insert(id.to_string());
        let name = match call.name.is_whole() {
            true => self.names.meant_by(call.name.as_str()).into(),
            false => call.name,
        };
        // A tool without parameters is often called without arguments.
        let arguments = match call.arguments {
            blank if blank.is_whole() && blank.as_str().trim().is_empty() => "{}".into(),
            arguments => arguments,
        };
        ToolCall::new(id, name, arguments)
    }
}
