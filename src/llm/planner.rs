//! The built-in planner: a deterministic model for when no provider is configured.
//!
//! It reads the last thing that the person said, in Korean or English, and finds the ability that is
//! asked for in a table ([`abilities`]), asks for its tools round by round ([`steps`]) and puts what
//! they returned into words ([`answer`]). A tool that is not in the table is asked for by its name
//! ([`named_tool`]). The same conversation always gets the same turn. A tool is asked for at most once
//! per prompt, so a failing tool is reported and never tried again.

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;

use super::tokens::of_message;
use super::{ChatModel, ChatRequest, ModelError, Turn};
use crate::domain::{Confidence, Language, ToolCall, ToolCallId};

mod abilities;
mod answer;
mod conversation;
mod cues;
mod dictated;
mod fields;
mod files;
mod headlines;
mod intent;
mod mail;
mod named_tool;
mod names;
mod offered;
mod parts;
mod pulls;
mod remainder;
mod report;
mod request;
mod speech;
mod steps;
mod tokens;

use conversation::Conversation;
use intent::{Intent, Reading};
use named_tool::NamedTool;
use offered::Offered;
use remainder::Remainder;
use speech::{Speech, WordCount};
use steps::{PlannedCall, Reply, Situation, Step};

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
/// long; of more than 5,000 it says that they are too many, and those words count; what is no such
/// number (`0`, `3.5`, `1e3`) is taken for words like others. Tokens are estimated from characters.
/// The confidence of a turn says how clearly the prompt asked for what was understood, and how many
/// tools did what they were asked.
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
        let remainder = Remainder::of(turn(&request), request.partial);
        Ok(stream::iter(remainder.map(Ok)).boxed())
    }
}

/// The whole turn; its words are made as they are taken.
fn turn(request: &ChatRequest) -> Speech {
    let conversation = Conversation::of(&request.messages);
    let (words, prompt) = WordCount::take_from(conversation.prompt);
    let conversation = Conversation { prompt: unquoted(&prompt), ..conversation };
    let language = Language::of_text(conversation.prompt);
    let offered = Offered::of(&request.tools);
    let reading = intent::read(conversation.prompt);
    let named = named_tool::read(conversation.prompt, offered);
    let prompt_tokens = request.messages.iter().map(of_message).sum();
    let say = |text, confidence| {
        Speech::of_text(words.note(language), text, words, prompt_tokens, confidence)
    };
    if let Some(NamedTool { spec, arguments: None }) = &named
        && !matches!(reading.intent, Intent::Use(_) | Intent::Screen)
    {
        return say(answer::explain(spec, language), Confidence::new(1.0));
    }
    let confidence = confidence(named.as_ref(), reading, &conversation);
    match next(named, reading.intent, &Situation { conversation: &conversation, offered }) {
        Step::Call(calls) => {
            let calls = numbered(calls, conversation.next_call);
            Speech::of_calls(calls, prompt_tokens, confidence)
        }
        Step::Say(reply) => {
            say(answer::compose(reply, &conversation, language, offered), confidence)
        }
    }
}

/// What to do next.
fn next(named: Option<NamedTool<'_>>, intent: Intent, at: &Situation<'_>) -> Step {
    if let Some(NamedTool { spec, arguments: Some(arguments) }) = named {
        return at.by_name(&spec.name, arguments);
    }
    match intent {
        Intent::Use(ability) => (ability.step)(at),
        Intent::Screen => Step::Say(Reply::Screen),
        // A tool was asked for by its name, and is not offered any more.
        Intent::Help | Intent::Thanks | Intent::Unknown if !at.conversation.done.is_empty() => {
            Step::Say(Reply::Results)
        }
        Intent::Help => Step::Say(Reply::Help),
        Intent::Thanks => Step::Say(Reply::Thanks),
        Intent::Unknown => Step::Say(Reply::Unknown),
    }
}

fn numbered(calls: Vec<PlannedCall>, first: usize) -> Vec<ToolCall> {
    let call = |(number, call): (usize, PlannedCall)| {
        let id = ToolCallId::new(format!("call_{number}"));
        ToolCall::new(id, call.tool, call.arguments.to_string())
    };
    (first..).zip(calls).map(call).collect()
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

/// How sure a turn is: how clear the prompt was, lowered to half of that as tools failed.
fn confidence(
    named: Option<&NamedTool<'_>>,
    reading: Reading,
    conversation: &Conversation<'_>,
) -> Confidence {
    let certainty = if named.is_some() { 1.0 } else { reading.certainty() };
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let failed = conversation.done.iter().filter(|done| done.result.is_err()).count();
    Confidence::new(certainty * (1.0 - 0.5 * count(failed) / count(conversation.done.len().max(1))))
}

#[cfg(test)]
mod tests;
