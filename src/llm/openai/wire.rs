//! What providers send, read leniently.
//!
//! Compatible servers leave fields out, send `null`, or another type than they should; a field that
//! cannot be read counts as absent, and a field that nobody needs is not looked at.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::finish::FinishReason;
use super::usage;
use crate::domain::Usage;

/// One chunk of a streamed answer, or a whole answer in one piece.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Chunk {
    #[serde(default, deserialize_with = "readable")]
    choices: Vec<Choice>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<WireUsage>,
    /// Whether there are halves of characters in its texts.
    #[serde(skip)]
    pub(super) has_halves: bool,
}

/// One of the answers that a chunk is about; only the first was asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Choice {
    #[serde(default, deserialize_with = "count")]
    index: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    delta: Option<Piece>,
    /// Where the server does not stream: everything at once.
    #[serde(default, deserialize_with = "lenient")]
    message: Option<Piece>,
    #[serde(default, deserialize_with = "lenient")]
    finish_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    logprobs: Option<Logprobs>,
}

/// What came of the message.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Piece {
    #[serde(default, deserialize_with = "lenient")]
    content: Option<Content>,
    #[serde(default, deserialize_with = "lenient")]
    refusal: Option<String>,
    /// The model's thinking aloud.
    #[serde(default, deserialize_with = "lenient")]
    reasoning_content: Option<Value>,
    /// The same under its other name; no alias, because some servers send both.
    #[serde(default, deserialize_with = "lenient")]
    reasoning: Option<Value>,
    #[serde(default, deserialize_with = "readable")]
    pub(super) tool_calls: Vec<CallFragment>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(#[serde(deserialize_with = "readable")] Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    text: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    thinking: Option<Value>,
}

/// What a piece of a message says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// What the model thinks aloud, possibly empty.
    pub(super) reasoning: String,
    /// Its answer, possibly empty. A refusal is an answer like any other.
    pub(super) text: String,
}

/// A fragment of a tool call.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CallFragment {
    #[serde(default, deserialize_with = "count")]
    pub(super) index: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    function: Option<Function>,
}

#[derive(Debug, Default, Deserialize)]
struct Function {
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    arguments: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Logprobs {
    #[serde(default, deserialize_with = "readable")]
    content: Vec<Token>,
}

#[derive(Debug, Deserialize)]
struct Token {
    #[serde(default, deserialize_with = "lenient")]
    logprob: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct WireUsage {
    #[serde(default, deserialize_with = "count")]
    prompt_tokens: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    completion_tokens: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    total_tokens: Option<u64>,
}

impl Chunk {
    /// The answer that was asked for, as far as this chunk is about it.
    pub(super) fn choice(&mut self) -> Option<Choice> {
        let first = |choice: &Choice| choice.index.is_none_or(|index| index == 0);
        std::mem::take(&mut self.choices).into_iter().find(first)
    }

    /// The tokens, where this chunk counts them.
    pub(super) fn usage(&self) -> Option<Usage> {
        let usage = self.usage.as_ref()?;
        let prompt_tokens = usage.prompt_tokens?;
        let completion_tokens = usage.completion_tokens.unwrap_or(0);
        let total = prompt_tokens.saturating_add(completion_tokens);
        let total_tokens = usage.total_tokens.unwrap_or(total);
        usage::plausible(Usage { prompt_tokens, completion_tokens, total_tokens })
    }

    /// The same, and whether there are halves of characters in it.
    pub(super) fn with_halves(self, has_halves: bool) -> Self {
        Self { has_halves, ..self }
    }
}

impl Choice {
    /// What came of the message, streamed or not.
    pub(super) fn piece(&mut self) -> Piece {
        self.delta.take().or_else(|| self.message.take()).unwrap_or_default()
    }

    /// Why the answer ended, if it has, and in the provider's word.
    pub(super) fn finish_reason(&self) -> Option<(FinishReason, &str)> {
        let word = self.finish_reason.as_deref()?;
        Some((FinishReason::read(word)?, word))
    }

    /// The logarithms of the probabilities of this chunk's text tokens.
    pub(super) fn logprobs(&self) -> impl Iterator<Item = f64> {
        let tokens = self.logprobs.iter().flat_map(|logprobs| &logprobs.content);
        tokens.filter_map(|token| token.logprob)
    }
}

impl Piece {
    /// Takes the words out.
    pub(super) fn words(&mut self) -> Words {
        let fields = [self.reasoning_content.take(), self.reasoning.take()];
        // Who sends both fields sends the same words twice.
        let told = fields.iter().flatten().map(text_of).find(|text| !text.is_empty());
        let mut words = Words { reasoning: told.unwrap_or_default(), text: String::new() };
        match self.content.take() {
            Some(Content::Text(text)) => words.text = text,
            Some(Content::Parts(parts)) => parts.iter().for_each(|part| part.add_to(&mut words)),
            None => {}
        }
        words.text.push_str(self.refusal.as_deref().unwrap_or_default());
        words
    }
}

impl Part {
    fn add_to(&self, words: &mut Words) {
        let text = self.text.as_deref().unwrap_or_default();
        match self.kind.as_deref() {
            Some("thinking" | "reasoning") => words.reasoning.push_str(text),
            Some(_) | None => words.text.push_str(text),
        }
        words.reasoning.push_str(&self.thinking.as_ref().map(text_of).unwrap_or_default());
    }
}

impl CallFragment {
    /// The call's id, where the fragment says it.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref().filter(|id| !id.is_empty())
    }

    /// The tool's name, where the fragment says it.
    pub(super) fn name(&self) -> Option<&str> {
        self.function.as_ref()?.name.as_deref().filter(|name| !name.is_empty())
    }

    /// The next part of the arguments. Some servers send an object instead of its text.
    pub(super) fn arguments(&mut self) -> String {
        let arguments = self.function.as_mut().and_then(|function| function.arguments.take());
        match arguments {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
        }
    }
}

/// The words of a thought, which some servers put into objects or lists of parts.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text_of).collect(),
        Value::Object(fields) => {
            let names = ["text", "content", "thinking", "summary"];
            let mut texts = names.iter().filter_map(|name| fields.get(*name)).map(text_of);
            texts.find(|text| !text.is_empty()).unwrap_or_default()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

/// Reads a field, or takes it for absent.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value::<Option<T>>(value).ok().flatten())
}

/// Reads of a list what can be read, and leaves out the rest; one thing alone is a list of it.
fn readable<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let items = match Value::deserialize(deserializer)? {
        Value::Array(items) => items,
        item @ Value::Object(_) => vec![item],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    Ok(items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect())
}

/// Reads a number of something, however it is written: `1`, `1.0` or `"1"`.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text.trim().parse().ok(),
        number @ Value::Number(_) => usage::whole(&number),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(delta: Value) -> (String, String) {
        let mut piece: Piece = serde_json::from_value(delta).unwrap();
        let Words { reasoning, text } = piece.words();
        (reasoning, text)
    }

    #[test]
    fn what_a_model_thinks_is_told_from_what_it_says_however_it_comes() {
        let same = [
            json!({"reasoning_content": "hm", "content": "yes"}),
            json!({"reasoning": "hm", "content": "yes"}),
            json!({"reasoning_content": "hm", "reasoning": "hm", "content": "yes"}),
            json!({"reasoning_content": null, "reasoning": {"content": "hm"}, "content": "yes"}),
            json!({"reasoning_content": "", "reasoning": [{"text": "h"}, {"text": "m"}], "content": "yes"}),
            json!({"content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "yes"},
            ]}),
            json!({"content": [{"type": "reasoning", "text": "hm"}, {"text": "yes"}]}),
        ];
        for delta in same {
            assert_eq!(words(delta.clone()), ("hm".into(), "yes".into()), "{delta}");
        }
        let none =
            json!({"reasoning_content": 7, "reasoning": {"effort": "high"}, "content": null});
        assert_eq!(words(none), (String::new(), String::new()));
    }
}
