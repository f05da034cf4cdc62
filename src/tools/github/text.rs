//! Texts that may be long: as much of one as fits, in whole lines, and a note of the rest.

use crate::domain::text::first_bytes;

/// The beginning of a text that comes in pieces, and the size of what is behind it.
pub(super) struct Head {
    kept: Vec<u8>,
    limit: usize,
    missing: u64,
}

/// A text as far as it fits.
pub(super) struct Cut {
    pub(super) text: String,
    /// How many bytes are left out.
    pub(super) missing: u64,
}

impl Head {
    /// Keeps up to `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit, missing: 0 }
    }

    pub(super) fn push(&mut self, piece: &[u8]) {
        let fits = piece.len().min(self.limit - self.kept.len());
        self.kept.extend_from_slice(&piece[..fits]);
        self.missing += (piece.len() - fits) as u64;
    }

    /// The bytes that were kept.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.kept
    }

    /// How many bytes there were.
    pub(super) fn size(&self) -> u64 {
        self.kept.len() as u64 + self.missing
    }

    /// Ends with the last whole line, if something is missing; a single long line is cut within.
    pub(super) fn cut(self) -> Cut {
        let size = self.size();
        let mut kept = self.kept;
        if self.missing > 0
            && let Some(end) = kept.iter().rposition(|byte| *byte == b'\n')
        {
            kept.truncate(end + 1);
        }
        Cut { missing: size - kept.len() as u64, text: String::from_utf8_lossy(&kept).into_owned() }
    }
}

impl Cut {
    /// As much of a text as fits.
    pub(super) fn of(text: &str, limit: usize) -> Self {
        let mut head = Head::new(first_bytes(text, limit).0.len());
        head.push(text.as_bytes());
        head.cut()
    }

    /// The text, with a last line about what is left out; `more` adds to it.
    pub(super) fn with_note(self, more: &str) -> String {
        if self.missing == 0 && more.is_empty() {
            return self.text;
        }
        let line_break = if self.text.ends_with('\n') { "" } else { "\n" };
        format!("{}{line_break}[... {} more bytes{more}]", self.text, self.missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_ends_with_a_whole_line_and_says_what_is_missing() {
        let mut head = Head::new(10);
        for piece in ["one\nt", "wo\nthree", "\nfour\n"] {
            head.push(piece.as_bytes());
        }
        assert_eq!((head.size(), head.bytes().len()), (19, 10));
        let cut = head.cut();
        assert_eq!((cut.text.as_str(), cut.missing), ("one\ntwo\n", 11));
        assert_eq!(cut.with_note(", 1 more file"), "one\ntwo\n[... 11 more bytes, 1 more file]");
    }

    #[test]
    fn a_text_that_fits_stays_as_it_is_and_one_long_line_is_cut_within() {
        assert_eq!(Cut::of("one\ntwo", 7).with_note(""), "one\ntwo");
        assert_eq!(Cut::of("가나다", 7).with_note(""), "가나\n[... 3 more bytes]");
    }
}
