//! Repairs text that is nearly JSON, in one pass over it.

use std::borrow::Cow;

use memchr::{memchr2, memmem};

/// What stands for half a surrogate pair.
const REPLACEMENT: &[u8] = b"\\ufffd";
/// Words that some writers of JSON take for numbers.
const NO_NUMBERS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
/// A byte-order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// What somebody told, with the doubtful forms of the table in [the module](super) made into JSON,
/// for any reader of JSON. What is JSON already is not copied; what is none stays none.
pub fn mended(text: &[u8]) -> Cow<'_, [u8]> {
    let text = text.strip_prefix(MARK).unwrap_or(text);
    match String::from_utf8_lossy(text) {
        Cow::Borrowed(_) => rewritten(text, Mending::All),
        Cow::Owned(whole) => Cow::Owned(rewritten(whole.as_bytes(), Mending::All).into_owned()),
    }
}

/// The text with U+FFFD for every half of a surrogate pair.
pub(super) fn with_whole_pairs(text: &[u8]) -> Cow<'_, [u8]> {
    // Nearly no text has any escaped surrogate at all.
    let may_have_one =
        memmem::find_iter(text, b"\\u").any(|at| matches!(text.get(at + 2), Some(b'd' | b'D')));
    if may_have_one { rewritten(text, Mending::PairsOnly) } else { Cow::Borrowed(text) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mending {
    PairsOnly,
    All,
}

/// Goes through the text once. `made` has all before `kept` as it is to be.
struct Rewriter<'a> {
    text: &'a [u8],
    made: Vec<u8>,
    kept: usize,
}

fn rewritten(text: &[u8], mending: Mending) -> Cow<'_, [u8]> {
    let mut rewriter = Rewriter { text, made: Vec::new(), kept: 0 };
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at = match byte {
            b'"' => rewriter.string(at + 1),
            b'-' | b'0'..=b'9' | b'N' | b'I' if mending == Mending::All => rewriter.number(at),
            _ => at + 1,
        };
    }
    rewriter.done()
}

impl<'a> Rewriter<'a> {
    /// Passes over a string, from behind its first quote to behind its last.
    fn string(&mut self, mut at: usize) -> usize {
        while let Some(len) = memchr2(b'"', b'\\', &self.text[at..]) {
            at += len;
            if self.text[at] == b'"' {
                return at + 1;
            }
            at = self.escape(at);
        }
        self.text.len()
    }

    /// Passes over an escape, or over both of a pair of them.
    fn escape(&mut self, at: usize) -> usize {
        let half = |at: usize| code_unit(self.text.get(at..at + 6)?);
        match (half(at), half(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at + 12,
            (Some(0xd800..=0xdfff), _) => self.replace(at, at + 6, REPLACEMENT),
            (Some(_) | None, _) => (at + 2).min(self.text.len()),
        }
    }

    /// Passes over a number, or over what poses as one.
    fn number(&mut self, at: usize) -> usize {
        let rest = &self.text[at..];
        if let Some(word) = NO_NUMBERS.iter().find(|word| rest.starts_with(word)) {
            return self.replace(at, at + word.len(), b"null");
        }
        let is_part = |b: &u8| b.is_ascii_digit() || b"+-.eE".contains(b);
        let len = rest.iter().take_while(|byte| is_part(byte)).count().max(1);
        let number = std::str::from_utf8(&rest[..len]).ok();
        let value = number.and_then(|number| number.parse::<f64>().ok());
        match value {
            Some(value) if value.is_infinite() => self.replace(at, at + len, b"null"),
            Some(_) | None => at + len,
        }
    }

    fn replace(&mut self, from: usize, to: usize, with: &[u8]) -> usize {
        self.made.extend_from_slice(&self.text[self.kept..from]);
        self.made.extend_from_slice(with);
        self.kept = to;
        to
    }

    fn done(mut self) -> Cow<'a, [u8]> {
        if self.kept == 0 {
            return Cow::Borrowed(self.text);
        }
        self.made.extend_from_slice(&self.text[self.kept..]);
        Cow::Owned(self.made)
    }
}

/// The code unit that `\u` and four digits stand for.
pub(super) fn code_unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(b"\\u")?;
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
    u16::from_str_radix(digits, 16).ok()
}
