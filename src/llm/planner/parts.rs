//! What is told of a result behind its first line. Long lists and texts are cut, and say so.

use serde_json::Value;

use super::fields::{entry, flag, items, text};
use crate::domain::Language;
use crate::domain::text::excerpt;

/// How many entries of a list are told.
const LIST_MAX: usize = 10;
/// How much of a text is told, in bytes.
const TEXT_MAX: usize = 4 * 1024;

/// A field of a result, and how it is told. What is not there is left out.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// A list, an entry on each line.
    List(&'static str),
    /// A list or a text on one line behind its name in Korean or English.
    Named(&'static str, &'static str, &'static str),
    /// A text as one more point.
    Line(&'static str),
    /// A text of its own.
    Text(&'static str),
    /// The text of a file.
    Code(&'static str),
    /// The address of what was made.
    Link(&'static str),
    /// That the tool has left something out.
    Truncated,
}

impl Part {
    pub(super) fn tell(self, result: &Value, language: Language) -> String {
        match self {
            Self::List(field) => lines(&entries(result, field)),
            Self::Named(field, korean, english) => {
                named(result, field, language.pick(korean, english))
            }
            Self::Line(field) => behind("\n- ", text(result, field)),
            Self::Text(field) => behind("\n\n", text(result, field)),
            Self::Code(field) => {
                text(result, field).map(|text| fenced("", text)).unwrap_or_default()
            }
            Self::Link(field) => behind("\n", text(result, field)),
            Self::Truncated if flag(result, "truncated") == Some(true) => {
                language.pick("\n(일부만 읽었습니다.)", "\n(Only part was read.)").to_owned()
            }
            Self::Truncated => String::new(),
        }
    }
}

pub(super) fn entries(result: &Value, field: &str) -> Vec<String> {
    items(result, field).iter().map(entry).collect()
}

fn named(result: &Value, field: &str, name: &str) -> String {
    let list = entries(result, field);
    match (list.len(), text(result, field)) {
        (0, None) => String::new(),
        (0, Some(text)) => format!("\n- {name}: {}", cut(text)),
        (count, _) => format!("\n- {name} {count}: {}", some_of(&list, ", ")),
    }
}

fn behind(mark: &str, text: Option<&str>) -> String {
    text.map(|text| format!("{mark}{}", cut(text))).unwrap_or_default()
}

/// A text as it is. A fence longer than any in the text keeps it inside.
pub(super) fn fenced(kind: &str, text: &str) -> String {
    let fence = if text.contains("```") { "``````" } else { "```" };
    format!("\n\n{fence}{kind}\n{}\n{fence}", cut(text))
}

fn lines(entries: &[String]) -> String {
    if entries.is_empty() { String::new() } else { format!("\n- {}", some_of(entries, "\n- ")) }
}

/// The first entries, and how many more there are.
pub(super) fn some_of(entries: &[String], between: &str) -> String {
    let mut shown = entries.iter().take(LIST_MAX).cloned().collect::<Vec<_>>();
    if entries.len() > LIST_MAX {
        shown.push(format!("… (+{})", entries.len() - LIST_MAX));
    }
    shown.join(between)
}

pub(super) fn cut(text: &str) -> String {
    excerpt(text.trim_end(), TEXT_MAX)
}
