//! A piece of text small enough for one `content` frame (contract, section 4.1).

use std::fmt;

use crate::domain::text::json_beginning;

/// Most bytes of a piece as JSON: its frame stays under 1 KiB.
const PIECE_MAX: usize = 640;

/// A text whose frame stays under 1 KiB, also if all of it has to be escaped. The pieces of an answer,
/// one behind the other, are the answer, so none is ever cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece(Box<str>);

impl Piece {
    /// The first piece of a text, and the rest. Of a text that is not empty, it is not.
    pub fn first_of(text: &str) -> (Self, &str) {
        let (first, rest) = text.split_at(json_beginning(text, PIECE_MAX).len());
        (Self(first.into()), rest)
    }

    /// The text in pieces; none of an empty one.
    pub fn all_of(text: &str) -> impl Iterator<Item = Self> {
        let mut rest = text;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (first, left) = Self::first_of(rest);
            rest = left;
            Some(first)
        })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Piece> for String {
    fn from(piece: Piece) -> Self {
        piece.0.into()
    }
}
