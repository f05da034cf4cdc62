//! Tokens, estimated, for where nobody counts them: cheap, and the same every time.

use super::ChatRequest;
use crate::domain::{Message, ToolCall};
use crate::tools::ToolSpec;

/// What every message costs besides its text: its role, and the marks around it.
const PER_MESSAGE: u64 = 4;

/// An estimate that grows piece by piece: four ASCII characters make a token, every other
/// character is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokens {
    ascii: u64,
    other: u64,
}

impl Tokens {
    /// Adds a text.
    pub fn add(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_ascii() {
                self.ascii += 1;
            } else {
                self.other += 1;
            }
        }
    }

    /// Adds what a model writes to ask for a tool.
    pub fn add_call(&mut self, call: &ToolCall) {
        self.add(&call.name);
        self.add(&call.arguments);
    }

    /// The tokens so far.
    pub fn count(self) -> u64 {
        self.ascii.div_ceil(4) + self.other
    }
}

/// The tokens of a text.
pub fn of_text(text: &str) -> u64 {
    let mut tokens = Tokens::default();
    tokens.add(text);
    tokens.count()
}

/// The tokens of one message's own words.
pub fn of_message(message: &Message) -> u64 {
    let mut tokens = Tokens::default();
    tokens.add(message.text());
    if let Message::Assistant { tool_calls, .. } = message {
        tool_calls.iter().for_each(|call| tokens.add_call(call));
    }
    tokens.count()
}

/// What a message takes of a model's context.
pub fn in_context(message: &Message) -> u64 {
    of_message(message) + PER_MESSAGE
}

/// What the description of the tools takes of a model's context.
pub fn of_tools(tools: &[ToolSpec]) -> u64 {
    let of_tool = |tool: &ToolSpec| {
        let mut tokens = Tokens::default();
        tokens.add(&tool.name);
        tokens.add(&tool.description);
        tokens.add(&tool.parameters.to_string());
        tokens.count() + PER_MESSAGE
    };
    tools.iter().map(of_tool).sum()
}

/// What a whole request takes of a model's context.
pub fn of_request(request: &ChatRequest) -> u64 {
    let messages: u64 = request.messages.iter().map(in_context).sum();
    messages + of_tools(&request.tools) + of_text(&request.partial)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ToolCallId;

    #[test]
    fn four_ascii_characters_are_a_token_and_so_is_any_other() {
        assert_eq!((of_text(""), of_text("abcd"), of_text("abcde 가나")), (0, 1, 4));
        let call = ToolCall::new(ToolCallId::new("c"), "abcd", "{}  ");
        let asks = Message::Assistant { content: "가".into(), tool_calls: vec![call] };
        assert_eq!((of_message(&asks), in_context(&asks)), (3, 7));
    }
}
