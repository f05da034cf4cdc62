//! JSON on one line, whatever its reader counts as a line break.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::domain::text::is_unsafe_raw;

/// Compact JSON. U+0085, U+2028 and U+2029 are escaped: SSE does not know them as line breaks, but
/// clients that split a stream with their language's idea of lines do. So are the characters that turn
/// the direction of text, because arguments stand here as they were approved, and people read streams.
pub(super) fn to_vec(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut json = Vec::with_capacity(256);
    value.serialize(&mut Serializer::with_formatter(&mut json, OneLine))?;
    Ok(json)
}

/// The same of a value whose map keys are all text, with which nothing can fail.
pub fn json_line(value: &impl Serialize) -> Vec<u8> {
    to_vec(value).unwrap_or_else(|_| b"{}".to_vec())
}

/// How many bytes [`to_vec`] makes of a value.
pub(super) fn length(value: &impl Serialize) -> usize {
    to_vec(value).map_or(0, |json| json.len())
}

/// Compact, as the trait's own methods are.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: Write + ?Sized,
    {
        if fragment.is_ascii() {
            return writer.write_all(fragment.as_bytes());
        }
        let mut plain_from = 0;
        for (at, found) in fragment.char_indices().filter(|(_, c)| is_unsafe_raw(*c)) {
            writer.write_all(&fragment.as_bytes()[plain_from..at])?;
            write!(writer, "\\u{:04x}", u32::from(found))?;
            plain_from = at + found.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[plain_from..])
    }
}
