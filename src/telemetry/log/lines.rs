//! Log lines in which no value can pass for another field or another line.

use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::domain::text::{is_plain_line, is_plain_name, quoted};

/// The fields of a line of text: the message, then `name=value`. A value that is more than a word is
/// quoted, and so is a message that looks as if it had fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlainFields;

impl<'w> FormatFields<'w> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = FieldsOfLine { writer, is_first: true, result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct FieldsOfLine<'w> {
    writer: Writer<'w>,
    is_first: bool,
    result: fmt::Result,
}

impl FieldsOfLine<'_> {
    fn write(&mut self, name: &str, value: &str) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.writer.write_char(' ')?;
        }
        if name != "message" {
            write!(self.writer, "{}=", name.strip_prefix("r#").unwrap_or(name))?;
        }
        let stands_alone = if name == "message" { is_sentence(value) } else { is_word(value) };
        if stands_alone || is_one_quotation(value) {
            return self.writer.write_str(value);
        }
        write!(self.writer, "{}", quoted(value))
    }
}

impl Visit for FieldsOfLine<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        // Fields by which `tracing-log` hands on what it has made the line's own.
        if self.result.is_ok() && !field.name().starts_with("log.") {
            self.result = self.write(field.name(), value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// Whether a value needs no quotation marks.
fn is_word(value: &str) -> bool {
    !value.is_empty() && is_plain_name(value) && !value.contains([' ', '=', '"', '\\', '{', '}'])
}

fn is_sentence(message: &str) -> bool {
    is_plain_line(message) && !message.contains(['=', '"', '\\', '{', '}'])
}

/// Whether a value is one quoted text already, as `?` makes one of a text.
fn is_one_quotation(value: &str) -> bool {
    let Some(mut rest) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return false;
    };
    while let Some((before, after)) = rest.split_once(['"', '\\']) {
        let is_escape = rest[before.len()..].starts_with('\\');
        let mut escaped = after.chars();
        if !is_escape || escaped.next().is_none() {
            return false;
        }
        rest = escaped.as_str();
    }
    is_plain_line(value)
}

/// Lines of JSON without characters that some readers take for the end of a line, or a terminal for an
/// order: JSON itself allows them in texts.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlainJson<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for PlainJson<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        let mut units = [0; 2];
        line.chars().try_for_each(|c| match c {
            '\n' | ' '..='~' => writer.write_char(c),
            c if is_plain_name(c.encode_utf8(&mut [0; 4])) => writer.write_char(c),
            c => c
                .encode_utf16(&mut units)
                .iter()
                .try_for_each(|unit| write!(writer, "\\u{unit:04x}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_stands_without_quotation_marks() {
        for word in ["session_1", "git_merge", "Approved", "10.0.0.1:9000", "/a/b-c", "가나"] {
            assert!(is_word(word), "{word}");
        }
        for more in ["", "a b", "a=b", "a\"", "a\u{a0}b", "a\nb", "a\u{1b}", "x\\"] {
            assert!(!is_word(more), "{more:?}");
        }
    }

    #[test]
    fn a_quotation_is_one_only_if_no_mark_ends_it_before_its_end() {
        for one in [r#""a b""#, r#""a\"b""#, r#""""#, r#""a\\""#, r#""\u{202e}""#] {
            assert!(is_one_quotation(one), "{one}");
        }
        for none in [r#""a" x="b""#, r#"""#, r#""a\""#, "\"a\nb\"", "\"\u{202e}\"", "a"] {
            assert!(!is_one_quotation(none), "{none}");
        }
    }
}
