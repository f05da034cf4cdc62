//! Texts that are cut between the halves of a character.
//!
//! JavaScript's strings are made of code units, and whoever cuts one by its length may cut a
//! surrogate pair in two: a stream then brings `"\ud83d"` in one piece and `"\ude00"` in the next. A
//! piece is read so that the halves stay what they are until the other half comes.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use memchr::{memchr2, memmem};
use serde_json::Value;

use super::mend::{code_unit, mended};

const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;
/// Which code units are half of a pair.
const HALVES: RangeInclusive<u32> = 0xD800..=0xDFFF;
/// What stands for them: as many code points of a private-use area, at the very end of Unicode.
const MARKS: RangeInclusive<char> = '\u{10f800}'..='\u{10ffff}';
/// From a half to what stands for it.
const MARK_OFFSET: u32 = 0x0010_F800 - 0xD800;

/// What was read of a text that may end, or begin, in the middle of a character.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The value. With `has_halves`, its strings are only fit to be read by way of a [`HalfJoiner`].
    pub value: Value,
    /// Whether there are halves of characters in it.
    pub has_halves: bool,
}

/// Reads what somebody told in pieces; otherwise like [`mended`].
///
/// # Errors
/// It is not JSON, and cannot be mended.
pub fn read_piece(text: &[u8]) -> serde_json::Result<Piece> {
    if let Ok(value) = serde_json::from_slice(text) {
        return Ok(Piece { value, has_halves: false });
    }
    let marked = with_marks(text);
    let has_halves = matches!(marked, Cow::Owned(_));
    Ok(Piece { value: serde_json::from_slice(&mended(&marked))?, has_halves })
}

/// A text of a [`Piece`] that is no piece itself.
pub fn whole(text: &str, has_halves: bool) -> String {
    let mut joiner = HalfJoiner::default();
    let mut whole = joiner.push(text.to_owned(), has_halves);
    whole.extend(joiner.finish());
    whole
}

/// Puts together a text that comes in pieces, some of which end in the middle of a character.
#[derive(Clone, Debug, Default)]
pub struct HalfJoiner {
    /// The first half of a pair whose second half may come.
    first: Option<u32>,
}

impl HalfJoiner {
    /// Takes the next piece, and whether there are halves in it; returns what is certain of it.
    pub fn push(&mut self, piece: String, has_halves: bool) -> String {
        if piece.is_empty() || !has_halves && self.first.is_none() {
            return piece;
        }
        let mut whole = String::with_capacity(piece.len() + REPLACEMENT.len_utf8());
        for c in piece.chars() {
            match half_of(c).filter(|_| has_halves) {
                Some(half) => self.half(half, &mut whole),
                None => {
                    whole.extend(self.finish());
                    whole.push(c);
                }
            }
        }
        whole
    }

    /// What is left at the end of the text.
    pub fn finish(&mut self) -> Option<char> {
        self.first.take().map(|_| REPLACEMENT)
    }

    fn half(&mut self, half: u32, whole: &mut String) {
        let pair = self.first.and_then(|first| pair(first, half));
        if let Some(c) = pair {
            self.first = None;
            whole.push(c);
            return;
        }
        whole.extend(self.finish());
        match is_first(half) {
            true => self.first = Some(half),
            false => whole.push(REPLACEMENT),
        }
    }
}

fn is_first(half: u32) -> bool {
    half < 0xDC00
}

fn half_of(c: char) -> Option<u32> {
    MARKS.contains(&c).then(|| u32::from(c) - MARK_OFFSET)
}

fn pair(first: u32, second: u32) -> Option<char> {
    let fit = is_first(first) && HALVES.contains(&first) && !is_first(second);
    fit.then(|| 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)).and_then(char::from_u32)
}

/// The text with a mark for every half of a pair that is alone; the text itself, if there is none.
/// A mark that was there before becomes U+FFFD, so that each one is ours.
fn with_marks(text: &[u8]) -> Cow<'_, [u8]> {
    let may_have_one =
        memmem::find_iter(text, b"\\u").any(|at| matches!(text.get(at + 2), Some(b'd' | b'D')));
    if !may_have_one {
        return Cow::Borrowed(text);
    }
    let text_of = String::from_utf8_lossy(text);
    let clean: String =
        text_of.chars().map(|c| if MARKS.contains(&c) { REPLACEMENT } else { c }).collect();
    match marked(clean.as_bytes()) {
        Some(marked) => Cow::Owned(marked),
        None => Cow::Borrowed(text),
    }
}

/// One pass over the text; `None`: there is nothing to mark.
fn marked(text: &[u8]) -> Option<Vec<u8>> {
    let (mut made, mut kept, mut at, mut is_marked) = (Vec::new(), 0, 0, false);
    while let Some(len) = memchr2(b'"', b'\\', &text[at..]) {
        at += len;
        if text[at] == b'"' {
            at += 1;
            continue;
        }
        let half = |at: usize| {
            let unit = u32::from(code_unit(text.get(at..at + 6)?)?);
            HALVES.contains(&unit).then_some(unit)
        };
        let Some(first) = half(at) else {
            at = (at + 2).min(text.len());
            continue;
        };
        let joined = half(at + 6).and_then(|second| pair(first, second));
        let (c, len) = match joined {
            Some(c) if MARKS.contains(&c) => (REPLACEMENT, 12),
            Some(c) => (c, 12),
            None => {
                is_marked = true;
                (char::from_u32(first + MARK_OFFSET).unwrap_or(REPLACEMENT), 6)
            }
        };
        made.extend_from_slice(&text[kept..at]);
        made.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        at += len;
        kept = at;
    }
    made.extend_from_slice(&text[kept..]);
    is_marked.then_some(made)
}

#[cfg(test)]
mod tests;
