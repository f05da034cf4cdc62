//! The conversation, as far as the planner looks at it.

use std::collections::HashMap;

use serde_json::Value;

use crate::domain::context::{LABELS, SCREEN, URL_LABEL};
use crate::domain::{Message, ToolCall};

/// One prompt, what came before it and what was done for it.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    /// Everything before the prompt.
    pub(super) earlier: &'a [Message],
    /// What the person said last.
    pub(super) prompt: &'a str,
    /// The tool calls since the prompt that have been answered, in order.
    pub(super) done: Vec<Done<'a>>,
    /// The first number of a call id that no call of the conversation has, nor any after it.
    pub(super) next_call: usize,
}

/// A tool call and what came of it.
#[derive(Debug)]
pub(super) struct Done<'a> {
    /// The tool.
    pub(super) tool: &'a str,
    /// The arguments; `null` if they cannot be read.
    pub(super) arguments: Value,
    /// The result, or why there is none.
    pub(super) result: Result<Value, Trouble>,
}

/// Why there is nothing to read in what a tool answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It failed, and this is what it said.
    Failed(String),
    /// It did something, but its result was cut to fit the conversation.
    CutOff,
}

impl<'a> Conversation<'a> {
    /// Finds the last prompt; without one, everything is earlier and the prompt is empty.
    pub(super) fn of(messages: &'a [Message]) -> Self {
        let at = messages.iter().rposition(|m| matches!(m, Message::User { .. }));
        let (earlier, rest) = messages.split_at(at.unwrap_or(messages.len()));
        let prompt = match rest.first() {
            Some(Message::User { content }) => content,
            _ => "",
        };
        Self { earlier, prompt, done: answered(rest), next_call: next_call(messages) }
    }

    /// The result of a tool that succeeded since the prompt; the last one, if it ran several times.
    pub(super) fn result_of(&self, tool: &str) -> Option<&Value> {
        self.done.iter().rev().filter(|d| d.tool == tool).find_map(|d| d.result.as_ref().ok())
    }

    /// Whether a tool was called since the prompt, and nothing came of it.
    pub(super) fn failed(&self, tool: &str) -> bool {
        self.called(tool) && self.result_of(tool).is_none()
    }

    /// Whether a tool was called since the prompt, with whatever result.
    pub(super) fn called(&self, tool: &str) -> bool {
        self.done.iter().any(|done| done.tool == tool)
    }

    /// What the system prompt says of the screen, line by line (contract, section 6).
    pub(super) fn screen(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let system = self.earlier.iter().filter_map(|message| match message {
            // What stands before the mark is said by people who know better than a page.
            Message::System { content } => Some(content.split_once(SCREEN)?.1.lines()),
            Message::User { .. } | Message::Assistant { .. } | Message::Tool { .. } => None,
        });
        system.flatten().filter(|line| LABELS.iter().any(|label| line.starts_with(label)))
    }

    /// The URL of the page that the person looks at, or nothing.
    pub(super) fn page_url(&self) -> &'a str {
        self.screen().find_map(|line| line.strip_prefix(URL_LABEL)).unwrap_or_default()
    }
}

fn calls(messages: &[Message]) -> impl Iterator<Item = &ToolCall> {
    messages.iter().flat_map(|message| match message {
        Message::Assistant { tool_calls, .. } => tool_calls.as_slice(),
        Message::System { .. } | Message::User { .. } | Message::Tool { .. } => &[],
    })
}

/// One more than the number of calls and than every number in their ids: part of a long history
/// may be gone, and the ids in the rest must stay unique.
fn next_call(messages: &[Message]) -> usize {
    let number = |call: &ToolCall| call.id.as_str().strip_prefix("call_")?.parse().ok();
    let highest: usize = calls(messages).filter_map(number).max().unwrap_or(0);
    highest.max(calls(messages).count()).saturating_add(1)
}

fn answered(messages: &[Message]) -> Vec<Done<'_>> {
    let asked: HashMap<&str, &ToolCall> =
        calls(messages).map(|call| (call.id.as_str(), call)).collect();
    let done = messages.iter().filter_map(|message| match message {
        Message::Tool { call_id, name, content } => Some(Done {
            tool: name,
            arguments: asked
                .get(call_id.as_str())
                .and_then(|call| serde_json::from_str(&call.arguments).ok())
                .unwrap_or_default(),
            result: outcome(content),
        }),
        Message::System { .. } | Message::User { .. } | Message::Assistant { .. } => None,
    });
    done.collect()
}

/// What a tool's answer says: JSON is a result unless it has an `error`; other text is an error.
fn outcome(content: &str) -> Result<Value, Trouble> {
    let Ok(result) = serde_json::from_str::<Value>(content) else {
        let text = content.trim();
        return Err(match text.starts_with(['{', '[']) {
            true => Trouble::CutOff,
            false => Trouble::Failed(text.to_owned()),
        });
    };
    match result.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(result),
        Some(Value::String(error)) => Err(Trouble::Failed(error.clone())),
        Some(error) => Err(Trouble::Failed(error.to_string())),
    }
}
