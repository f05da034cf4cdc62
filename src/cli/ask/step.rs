//! What the person is about to say, and what comes of waiting for it.

use std::pin::Pin;

use super::answering::Answering;
use super::editor::EditError;
use super::keyboard::Typed;
use super::sending::{Sending, Sent};
use crate::cli::CliError;

/// What the person is about to say.
pub(super) enum Step {
    /// Nothing: no question is open.
    Listen,
    /// A line.
    Type(Field),
    /// Other arguments, in an editor.
    Edit(Pin<Box<dyn Future<Output = Result<String, EditError>> + Send>>),
    /// Nothing: it was said, and is on its way.
    Send(Sending),
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// Yes, no or edit.
    Choice,
    /// Why not.
    Reason,
    /// Other arguments.
    Arguments,
}

/// What came of it.
pub(super) enum Said {
    /// Something was typed, or cannot be any more.
    Typed(Field, Typed),
    /// The editor was left.
    Edited(Result<String, EditError>),
    /// The server has got the answer, or has not.
    Sent(Box<Sent>),
}

impl Step {
    /// The next thing that the person says; never, where nobody is asked. Dropping the wait loses nothing.
    pub(super) async fn said(&mut self, answering: &mut Answering) -> Result<Said, CliError> {
        match self {
            Self::Listen => std::future::pending().await,
            Self::Type(field) => Ok(Said::Typed(*field, answering.typed().await?)),
            Self::Edit(editing) => Ok(Said::Edited(editing.await)),
            Self::Send(sending) => Ok(Said::Sent(Box::new(sending.sent().await))),
        }
    }
}
