//! A tool call as a model wrote it, however much it wrote.
//!
//! Nobody knows how long a model goes on, so what it says of a call is kept only up to a measure
//! (contract, section 3): of what is longer the beginning stays, with the length of the whole, and the
//! call is told to the model as one that cannot be run.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ids::ToolCallId;
use super::text::{excerpt_of, first_bytes};

/// Longest name of a tool that is taken, in bytes.
pub const NAME_MAX: usize = 256;
/// Longest arguments of one call that are taken, in bytes of their JSON.
pub const ARGUMENTS_MAX: usize = 256 * 1024;
/// So much of arguments that are not taken is kept, to say what they were, in bytes.
const ARGUMENTS_KEPT: usize = 200;

/// A tool call as the model wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Unique within the conversation.
    pub id: ToolCallId,
    /// The name that the model gave, or its beginning; nobody has checked that there is such a tool.
    pub name: String,
    /// The arguments as the model wrote them, or their beginning; nobody has checked that they are
    /// JSON.
    pub arguments: String,
    /// Why it cannot be run, where the model wrote more than is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excess: Option<Excess>,
}

/// What a model wrote too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Error)]
#[serde(rename_all = "snake_case")]
pub enum Excess {
    /// The tool's name.
    #[error("the tool's name is {0} bytes long, and no tool's is longer than {NAME_MAX}")]
    Name(
        /// Its length in bytes.
        usize,
    ),
    /// The arguments.
    #[error(
        "the arguments are {0} bytes long, and no more than {ARGUMENTS_MAX} are taken; nothing was done: \
         say the same with less, or in several calls"
    )]
    Arguments(
        /// Their length in bytes.
        usize,
    ),
}

impl ToolCall {
    /// A call of what has been said of it. Nothing of it is longer than may be, whatever it was.
    pub fn new(
        id: ToolCallId,
        name: impl Into<Beginning<NAME_MAX>>,
        arguments: impl Into<Beginning<ARGUMENTS_MAX>>,
    ) -> Self {
        let (name, arguments) = (name.into(), arguments.into());
        let excess = match (name.is_whole(), arguments.is_whole()) {
            (false, _) => Some(Excess::Name(name.bytes)),
            (true, false) => Some(Excess::Arguments(arguments.bytes)),
            (true, true) => None,
        };
        let arguments = match arguments.is_whole() {
            true => arguments.text,
            // With the note behind it, it is no JSON, whoever reads it.
            false => excerpt_of(&arguments.text, arguments.bytes, ARGUMENTS_KEPT),
        };
        Self { id, name: name.text, arguments, excess }
    }
}

/// A text of at most `MAX` bytes that grows piece by piece; of one that grows further the beginning is
/// kept, and the length of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beginning<const MAX: usize> {
    text: String,
    bytes: usize,
}

impl<const MAX: usize> Beginning<MAX> {
    /// Adds a piece. It costs what the piece is long, however long the text is by then.
    pub fn push(&mut self, piece: &str) {
        if self.is_whole() {
            let room = MAX - self.text.len();
            self.text.push_str(first_bytes(piece, room).0);
        }
        self.bytes = self.bytes.saturating_add(piece.len());
    }

    /// Whether this is all of the text.
    pub fn is_whole(&self) -> bool {
        self.text.len() == self.bytes
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// What is kept of the text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the text is this one, as far as can be told of a longer one.
    pub fn is(&self, text: &str) -> bool {
        self.bytes == text.len() && text.starts_with(&self.text)
    }
}

impl<const MAX: usize> From<&str> for Beginning<MAX> {
    fn from(text: &str) -> Self {
        let mut beginning = Self::default();
        beginning.push(text);
        beginning
    }
}

impl<const MAX: usize> From<String> for Beginning<MAX> {
    fn from(text: String) -> Self {
        match text.len() {
            bytes if bytes <= MAX => Self { text, bytes },
            _ => Self::from(text.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json::read;

    #[test]
    fn a_call_that_is_as_long_as_may_be_is_whole_and_one_byte_more_is_too_much() {
        let call = |name: usize, arguments: usize| {
            ToolCall::new(ToolCallId::new("c"), "n".repeat(name), "a".repeat(arguments))
        };
        let most = call(NAME_MAX, ARGUMENTS_MAX);
        assert_eq!((most.excess, most.arguments.len()), (None, ARGUMENTS_MAX));
        let named = call(NAME_MAX + 1, 1);
        assert_eq!((named.excess, named.name.len()), (Some(Excess::Name(257)), NAME_MAX));
        let argued = call(1, ARGUMENTS_MAX + 1);
        assert_eq!(argued.excess, Some(Excess::Arguments(262_145)));
        assert!(argued.arguments.ends_with("a… (262145 bytes)"), "{}", argued.arguments);
        assert!(argued.arguments.len() < 256);
    }

    #[test]
    fn what_is_kept_of_arguments_is_no_json_and_the_call_reads_back() {
        for arguments in
            [format!("{{}}{}", " ".repeat(ARGUMENTS_MAX)), "\"가".repeat(ARGUMENTS_MAX)]
        {
            let call = ToolCall::new(ToolCallId::new("c"), "n", arguments);
            assert!(read(call.arguments.as_bytes()).is_err(), "{}", call.arguments);
            let text = serde_json::to_string(&call).unwrap();
            assert_eq!(serde_json::from_str::<ToolCall>(&text).unwrap(), call);
        }
        let older = r#"{"id":"c","name":"n","arguments":"{}"}"#;
        let call: ToolCall = serde_json::from_str(older).unwrap();
        assert_eq!(call.excess, None);
        assert_eq!(serde_json::to_string(&call).unwrap(), older, "and is written as before");
    }

    proptest::proptest! {
        #[test]
        fn however_a_text_comes_its_beginning_and_its_length_are_known(
            pieces in proptest::collection::vec("(가|a|👩){0,9}", 0..12)
        ) {
            let mut beginning = Beginning::<20>::default();
            pieces.iter().for_each(|piece| beginning.push(piece));
            let whole = pieces.concat();
            proptest::prop_assert!(beginning.as_str().len() <= 20 && whole.starts_with(beginning.as_str()));
            proptest::prop_assert_eq!(beginning.is_whole(), whole.len() <= 20);
            let longer = whole.clone() + "x";
            proptest::prop_assert!(beginning.is(&whole) && !beginning.is(&longer));
            proptest::prop_assert_eq!(Beginning::<20>::from(whole).bytes, beginning.bytes);
        }
    }
}
