//! The built-in planner: a deterministic model for when no provider is configured.
//!
//! It reads the last thing that the person said, in Korean or English, matches it against a table
//! of cues ([`intent`]), asks for real tools round by round ([`steps`]) and puts what they returned
//! into words ([`answer`]). The same conversation always gets the same turn. A tool is asked for at
//! most once per prompt, so a failing tool is reported and never tried again.

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;

use super::tokens::of_message;
use super::{ChatModel, ChatRequest, ModelError, Turn};
use crate::domain::{Confidence, ToolCall, ToolCallId};

mod answer;
mod conversation;
mod dictated;
mod files;
mod intent;
mod language;
mod mail;
mod names;
mod offered;
mod pulls;
mod report;
mod rest;
mod speech;
mod steps;
mod tokens;

use conversation::Conversation;
use language::Language;
use offered::Offered;
use rest::Rest;
use speech::{Speech, WordCount};
use steps::{Plan, Step};

/// The name that `start.model` shows.
const NAME: &str = "builtin-planner";

/// The planner. It holds nothing: everything that it knows is in the conversation.
///
/// A turn that was interrupted is made again, and what of it was shown is left out.
///
/// It makes nothing up: where it does not know a repository or a branch it asks, and an answer names
/// every tool that failed.
///
/// An answer streams word by word. `words=N` in the prompt makes the final answer exactly N words
/// long; of more than 5,000 it says that they are too many, and those words count; where N is no such
/// number (`0`, `3.5`, `1e3`) it says so and answers as without it. Tokens are estimated from
/// characters. The confidence of a turn says how clearly the prompt asked for what was understood, how
/// many arguments were named rather than assumed, and how many tools did what they were asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Planner;

impl Planner {
    /// A planner.
    pub fn new() -> Self {
        Self
    }
}

#[async_trait]
impl ChatModel for Planner {
    fn name(&self) -> &str {
        NAME
    }

    async fn chat(&self, request: ChatRequest) -> Result<Turn, ModelError> {
        let rest = Rest::of(turn(&request), request.partial);
        Ok(stream::iter(rest.map(Ok)).boxed())
    }
}

/// The whole turn; its words are made as they are taken.
fn turn(request: &ChatRequest) -> Speech {
    let conversation = Conversation::of(&request.messages);
    let (words, prompt) = WordCount::take_from(conversation.prompt);
    let prompt = unquoted(&prompt);
    let conversation = Conversation { prompt, ..conversation };
    let language = Language::of(prompt);
    let reading = intent::read(prompt);
    let offered = Offered::of(&request.tools);
    let plan = steps::next(&conversation, reading.intent, offered);
    let confidence = confidence(reading.certainty(), &plan, &conversation);
    let prompt_tokens = request.messages.iter().map(of_message).sum();
    match plan.step {
        Step::Call(calls) => {
            let numbered = calls.into_iter().zip(conversation.next_call..);
            let calls = numbered.map(|(call, number)| {
                let id = ToolCallId::new(format!("call_{number}"));
                ToolCall::new(id, call.tool, call.arguments.to_string())
            });
            Speech::of_calls(calls.collect(), prompt_tokens, confidence)
        }
        Step::Say(reply) => {
            let text = answer::compose(reply, &conversation, language, offered);
            Speech::of_text(words.note(language), text, words, prompt_tokens, confidence)
        }
    }
}

/// A prompt without the quotes that stand around all of it: who quotes everything quotes nothing.
fn unquoted(prompt: &str) -> &str {
    const PAIRS: [(char, char); 4] = [('"', '"'), ('“', '”'), ('「', '」'), ('\'', '\'')];
    let inside = |(open, close): (char, char)| {
        let inside = prompt.trim().strip_prefix(open)?.strip_suffix(close)?;
        (!inside.contains([open, close])).then_some(inside)
    };
    PAIRS.into_iter().find_map(inside).unwrap_or(prompt)
}

/// How sure a turn is: how clear the intent was, lowered by arguments that nobody named and by
/// tools that failed.
fn confidence(certainty: f64, plan: &Plan, conversation: &Conversation<'_>) -> Confidence {
    let failed = conversation.done.iter().filter(|done| done.result.is_err()).count();
    Confidence::new(
        certainty
            * share(plan.named, plan.named + plan.assumed)
            * share(conversation.done.len() - failed, conversation.done.len()),
    )
}

/// From 1.0, where everything is as it should be (or there is nothing), down to 0.5.
fn share(good: usize, all: usize) -> f64 {
    if all == 0 {
        return 1.0;
    }
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    0.5 + 0.5 * count(good) / count(all)
}

#[cfg(test)]
mod tests;
