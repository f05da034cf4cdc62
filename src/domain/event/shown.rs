//! As much of what others wrote as an event has room for.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::domain::preview::Preview;
use crate::domain::text::{
    escape_invisible, escape_invisible_lines, excerpt, excerpt_of, is_excerpt,
};

/// A tool's result over this many bytes of JSON is cut in the event (contract, section 4.1).
pub const RESULT_SHOWN_MAX: usize = 8 * 1024;
/// So much of a tool's or a page's name is shown, in bytes: a model may make up any.
const NAME_SHOWN_MAX: usize = 200;
/// So much of arguments that are cut may one of them take.
const OF_ARGUMENTS: usize = 8;

/// How many bytes of an event each of its texts and values may take, before they are written as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    /// A text, a result, a preview, or a list of names.
    text: usize,
    /// Arguments; they are written twice.
    arguments: usize,
}

impl Shares {
    /// What is shown of usual texts is all of them.
    pub(super) const USUAL: Self = Self { text: RESULT_SHOWN_MAX, arguments: 8 * 1024 };
    /// The largest of which even those arguments that are cut leave room for a result.
    const BESIDES: Self = Self { text: RESULT_SHOWN_MAX, arguments: 3 * 1024 };
    /// Twelve texts of this length, each byte of them six bytes of JSON, fit a frame.
    const LEAST: usize = 128;

    /// The next smaller shares; `None` if these are the smallest, with which every event fits.
    pub(super) fn smaller(self) -> Option<Self> {
        match self {
            Self::USUAL => Some(Self::BESIDES),
            Self { text: Self::LEAST, .. } => None,
            Self { text, arguments } => {
                let half = |share: usize| (share / 2).max(Self::LEAST);
                Some(Self { text: half(text), arguments: half(arguments) })
            }
        }
    }

    /// A text, of which whatever is not seen is shown as an escape.
    pub(super) fn text(self, text: &str) -> Cow<'_, str> {
        // No more of it can be shown, however little of that has to be escaped.
        let beginning = &text[..text.floor_char_boundary(self.text)];
        match escape_invisible_lines(beginning) {
            whole if beginning.len() == text.len() && whole.len() <= self.text => whole,
            long => excerpt_of(&long, text.len(), self.text).into(),
        }
    }

    /// An id that a model made.
    pub(super) fn id(self, id: &str) -> Cow<'_, str> {
        if id.len() <= self.text { id.into() } else { excerpt(id, self.text).into() }
    }

    /// A tool's or a page's name, as one line.
    pub(super) fn name(self, name: &str) -> String {
        excerpt(&escape_invisible(name), NAME_SHOWN_MAX.min(self.text))
    }

    /// As many names, from the first, as there is room for.
    pub(super) fn names(self, names: &[String]) -> Vec<String> {
        let mut left = self.text;
        let fits = |name: &String| {
            let rest = left.checked_sub(name.len() + 3);
            left = rest.unwrap_or_default();
            rest.is_some()
        };
        names.iter().map(|name| self.name(name)).take_while(fits).collect()
    }

    /// The arguments of a call, and their full length in bytes if they had to be cut: then long values are
    /// the beginnings of their text, and what does not fit is left out.
    pub(super) fn arguments(
        self,
        arguments: &Map<String, Value>,
    ) -> (Cow<'_, Map<String, Value>>, Option<usize>) {
        match cut_fields(arguments, self.arguments) {
            Some((shown, full)) => (Cow::Owned(shown), Some(full)),
            None => (Cow::Borrowed(arguments), None),
        }
    }

    /// The same of any value.
    pub(super) fn value(self, value: &Value) -> (Cow<'_, Value>, Option<usize>) {
        match value {
            Value::Object(fields) => match cut_fields(fields, self.arguments) {
                Some((shown, full)) => (Cow::Owned(shown.into()), Some(full)),
                None => (Cow::Borrowed(value), None),
            },
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                let full = value.to_string().len();
                let shown = cut_value(value, self.arguments);
                (shown, Some(full).filter(|full| *full > self.arguments))
            }
        }
    }

    /// The result of a tool, and its full length in bytes if it had to be cut: the cut one is text, the
    /// beginning of the result's JSON.
    pub(super) fn result(self, result: Option<&Value>) -> (Option<Value>, Option<usize>) {
        let Some(result) = result else { return (None, None) };
        let text = result.to_string();
        if text.len() <= self.text {
            return (Some(result.clone()), None);
        }
        let end = text.floor_char_boundary(self.text);
        (Some(Value::String(text[..end].to_owned())), Some(text.len()))
    }

    /// What belongs to an answer besides its words. As a rule it was made to fit.
    pub(super) fn metadata(self, metadata: &Value) -> Cow<'_, Value> {
        match self {
            Self::USUAL => Cow::Borrowed(metadata),
            smaller => smaller.value(metadata).0,
        }
    }

    /// What is shown beside a question.
    pub(super) fn preview(self, preview: &Preview) -> Preview {
        Preview {
            kind: preview.kind,
            title: self.text(&preview.title).into_owned(),
            content: self.text(&preview.content).into_owned(),
        }
    }
}

/// As much of some fields as fits, and how long they are; `None` if all of it fits.
fn cut_fields(fields: &Map<String, Value>, max: usize) -> Option<(Map<String, Value>, usize)> {
    // Its quotes, colon and comma.
    let size = |name: &str, value: &Value| name.len() + value.to_string().len() + 4;
    let full = fields.iter().map(|(name, value)| size(name, value)).sum::<usize>() + 1;
    if full <= max {
        return None;
    }
    let (mut shown, mut left) = (Map::new(), max);
    for (name, value) in fields {
        let value = cut_value(value, max / OF_ARGUMENTS);
        let Some(rest) = left.checked_sub(size(name, &value)) else { break };
        left = rest;
        shown.insert(name.clone(), value.into_owned());
    }
    Some((shown, full))
}

/// A value, or the beginning of its text.
fn cut_value(value: &Value, max: usize) -> Cow<'_, Value> {
    let cut = |text: &str| Cow::Owned(excerpt(text, max).into());
    match value {
        Value::String(text) if text.len() > max => cut(text),
        Value::Array(_) | Value::Object(_) => match value.to_string() {
            text if text.len() > max => cut(&text),
            _ => Cow::Borrowed(value),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Cow::Borrowed(value),
    }
}

/// Whether this is what an event shows of a value that it does not show whole.
pub fn is_cut(shown: &Value, whole: &Value) -> bool {
    let Some(shown) = shown.as_str() else { return false };
    match whole {
        Value::String(whole) => is_excerpt(shown, whole),
        Value::Array(_) | Value::Object(_) => is_excerpt(shown, &whole.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
