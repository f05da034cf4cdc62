//! A bounded, incremental decoder of `text/event-stream`.
//!
//! Every byte is looked at once, wherever the chunk boundaries fall, and no more than one event is
//! ever held.

use memchr::{memchr, memchr2};
use thiserror::Error;

/// Largest event that [`Parser::new`] accepts, in bytes: 1 MiB.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One event: a block of fields with at least one `data` line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// This block's own `id`; not inherited from earlier ones.
    pub id: Option<String>,
    /// The `event` field: its type.
    pub kind: Option<String>,
    /// The `data` lines, joined by line feeds.
    pub data: String,
}

/// An event, or a line, grew beyond the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an event is larger than {limit} bytes")]
pub struct TooLarge {
    /// The limit, in bytes.
    pub limit: usize,
}

/// The decoder. One for each stream.
///
/// Lines end with CR, LF or CRLF; a byte-order mark at the start, comments, unknown fields and
/// `retry` are skipped; bytes that are not UTF-8 become U+FFFD. A block without `data` is no
/// event. A block that the stream's end cuts off is handed out by [`Parser::finish`] alone.
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    /// The start of a line whose end has not come yet.
    partial: Vec<u8>,
    /// The last chunk ended with a CR, so that an LF at the start of the next belongs to it.
    after_cr: bool,
    /// No line has been read yet: a byte-order mark may come.
    at_start: bool,
    id: Option<String>,
    kind: Option<String>,
    /// The `data` lines so far, each with a line feed behind it; `None` before the first.
    data: Option<Vec<u8>>,
    /// Whether what has no place in a stream of events is handed out too.
    with_strays: bool,
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

impl Parser {
    /// A decoder that accepts events of up to [`MAX_EVENT_BYTES`].
    pub fn new() -> Self {
        Self::with_limit(MAX_EVENT_BYTES)
    }

    /// A decoder that accepts events of up to `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            partial: Vec::new(),
            after_cr: false,
            at_start: true,
            id: None,
            kind: None,
            data: None,
            with_strays: false,
        }
    }

    /// The same decoder, which hands out two things more that servers put between their events when something
    /// goes wrong, and that the standard passes over: an `error` field, as an event of that kind, and a bare
    /// line that begins like a JSON object or a list of them, as an event's data.
    pub fn with_strays(self) -> Self {
        Self { with_strays: true, ..self }
    }

    /// Reads the stream's next bytes and appends the events that they complete to `events`.
    ///
    /// # Errors
    /// [`TooLarge`]; the events before the one that is too large have been appended, and the
    /// decoder is of no further use.
    pub fn push(&mut self, bytes: &[u8], events: &mut impl Extend<Event>) -> Result<(), TooLarge> {
        let Some(last) = bytes.last() else {
            return Ok(());
        };
        let mut rest = match self.after_cr {
            true => bytes.strip_prefix(b"\n").unwrap_or(bytes),
            false => bytes,
        };
        self.after_cr = *last == b'\r';
        while let Some(end) = memchr2(b'\r', b'\n', rest) {
            let line_end = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
            self.line(&rest[..end], events)?;
            rest = &rest[end + line_end..];
        }
        self.check(self.partial.len() + rest.len())?;
        self.partial.extend_from_slice(rest);
        Ok(())
    }

    /// The block that the stream's end cut off, as far as it came; `None` without any `data`. For
    /// readers that can tell by the data whether it is whole: the standard drops such a block.
    pub fn finish(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.partial);
        let mut events = Vec::new();
        self.field(&line, &mut events);
        events.pop().or_else(|| self.dispatch())
    }

    /// A line's end: whole where it lies within one chunk, and then not copied.
    fn line(&mut self, tail: &[u8], events: &mut impl Extend<Event>) -> Result<(), TooLarge> {
        self.check(self.partial.len() + tail.len())?;
        if self.partial.is_empty() {
            self.field(tail, events);
        } else {
            let mut line = std::mem::take(&mut self.partial);
            line.extend_from_slice(tail);
            self.field(&line, events);
            line.clear();
            self.partial = line;
        }
        Ok(())
    }

    fn field(&mut self, mut line: &[u8], events: &mut impl Extend<Event>) {
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        if line.is_empty() {
            events.extend(self.dispatch());
            return;
        }
        let (name, value) = match memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                let data = self.data.get_or_insert_default();
                data.extend_from_slice(value);
                data.push(b'\n');
            }
            b"event" => self.kind = Some(String::from_utf8_lossy(value).into_owned()),
            b"id" if !value.contains(&0) => {
                self.id = Some(String::from_utf8_lossy(value).into_owned());
            }
            b"error" if self.with_strays => events.extend([stray(Some("error"), value)]),
            _ if self.with_strays && is_like_json(line) => events.extend([stray(None, line)]),
            // A comment has the empty name; the standard ignores every other one.
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Event> {
        let (id, kind) = (self.id.take(), self.kind.take());
        let mut data = self.data.take()?;
        data.pop();
        let data = String::from_utf8(data)
            .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned());
        Some(Event { id, kind, data })
    }

    /// Whether a line of `coming` bytes still fits beside what the event holds already.
    fn check(&self, coming: usize) -> Result<(), TooLarge> {
        let text = |field: &Option<String>| field.as_ref().map_or(0, String::len);
        let held = self.data.as_ref().map_or(0, Vec::len) + text(&self.id) + text(&self.kind);
        if held + coming > self.limit {
            return Err(TooLarge { limit: self.limit });
        }
        Ok(())
    }
}

/// An event of what has no place in a stream of events.
fn stray(kind: Option<&str>, data: &[u8]) -> Event {
    let data = String::from_utf8_lossy(data).into_owned();
    Event { id: None, kind: kind.map(str::to_owned), data }
}

/// Whether a line begins like a JSON object, or like a list of them.
fn is_like_json(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    line.strip_prefix(b"[").unwrap_or(line).trim_ascii_start().starts_with(b"{")
}

#[cfg(test)]
mod tests;
