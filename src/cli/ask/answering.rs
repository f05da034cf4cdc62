//! Who decides what is asked.

use std::io;

use super::decision::Answer;
use super::editor::Editor;
use super::keyboard::{Keyboard, Typed};

/// Who decides what is asked.
pub(super) enum Answering {
    /// Everything is approved.
    Approve,
    /// Everything is rejected, for this reason.
    Reject(String),
    /// Whoever sits at the keyboard, perhaps with an editor.
    Person(Keyboard, Option<Editor>),
    /// Nobody here.
    Elsewhere(Absence),
}

/// Why nobody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// There was never anybody to ask.
    NoTerminal,
    /// Whoever sat at the terminal has ended its input.
    InputEnded,
}

impl Answering {
    /// The answer to every question, where it is known beforehand.
    pub(super) fn settled(&self) -> Option<Answer> {
        match self {
            Self::Approve => Some(Answer::Approve),
            Self::Reject(reason) => Some(Answer::Reject(Some(reason.clone()))),
            Self::Person(..) | Self::Elsewhere(_) => None,
        }
    }

    /// What is typed next; never, where nobody is asked. Dropping the wait loses nothing.
    pub(super) async fn typed(&mut self) -> io::Result<Typed> {
        match self {
            Self::Person(keyboard, _) => keyboard.line().await,
            Self::Approve | Self::Reject(_) | Self::Elsewhere(_) => std::future::pending().await,
        }
    }
}

impl Absence {
    /// The same in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NoTerminal => "stdin is no terminal, so nothing is asked",
            Self::InputEnded => "the terminal's input was ended (Ctrl-D), so nothing more is asked",
        }
    }
}
