//! The remainder of a turn that was interrupted.

use crate::llm::Delta;

use super::speech::Speech;

/// A turn without the text that was shown already. The planner says the same again, so what the
/// two have in common at their beginning is what was shown; calls, counts and confidence are those
/// of the whole turn.
#[derive(Debug)]
pub(super) struct Remainder {
    turn: Speech,
    partial: String,
    /// How much of `partial` has been left out, in bytes; all of it once the two part.
    left_out: usize,
}

impl Remainder {
    /// What follows `partial` in `turn`.
    pub(super) fn of(turn: Speech, partial: String) -> Self {
        Self { turn, partial, left_out: 0 }
    }

    /// The part of the next piece that was not shown; possibly empty.
    fn unseen<'a>(&mut self, piece: &'a str) -> &'a str {
        let same = common_prefix(&self.partial[self.left_out..], piece);
        let parted = same < piece.len();
        self.left_out = if parted { self.partial.len() } else { self.left_out + same };
        &piece[same..]
    }
}

impl Iterator for Remainder {
    type Item = Delta;

    fn next(&mut self) -> Option<Delta> {
        loop {
            match self.turn.next()? {
                Delta::Text(piece) => match self.unseen(&piece) {
                    "" => {}
                    unseen if unseen.len() == piece.len() => return Some(Delta::Text(piece)),
                    unseen => return Some(Delta::Text(unseen.to_owned())),
                },
                other @ (Delta::Reasoning(_)
                | Delta::Restarted
                | Delta::ToolCall(_)
                | Delta::End(_)) => return Some(other),
            }
        }
    }
}

/// How many bytes two texts have in common at their beginning, in whole characters.
fn common_prefix(a: &str, b: &str) -> usize {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b);
    same.map(|(c, _)| c.len_utf8()).sum()
}
