//! As much of what others wrote as an event has room for.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::arguments::{ALWAYS_SHOWN, BRACES, cut_fields, full_length, shown_value};
use crate::domain::preview::Preview;
use crate::domain::text::{
    escape_invisible, escape_invisible_lines, excerpt, excerpt_note, excerpt_of, first_bytes,
    json_beginning,
};

/// A tool's result over this many bytes of JSON is cut in the event (contract, section 4.1).
pub const RESULT_SHOWN_MAX: usize = 8 * 1024;
/// So much of a tool's or a page's name is shown, in bytes: a model may make up any.
const NAME_SHOWN_MAX: usize = 200;
/// So much of a preview is shown, in bytes of JSON, before arguments are.
const PREVIEW_ALWAYS_SHOWN: usize = 1024;

/// How many bytes of an event each of its texts and values may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    /// A text, a result, or a list of names, before it is written as JSON.
    text: usize,
    /// What a preview shows, as it is written.
    preview: usize,
    /// Arguments, as they are written; they are written twice.
    arguments: usize,
}

impl Shares {
    /// What is shown of usual texts is all of them.
    pub(super) const USUAL: Self =
        Self { text: RESULT_SHOWN_MAX, preview: 8 * 1024, arguments: 8 * 1024 };
    /// Twelve texts of this length, each byte of them six bytes of JSON, fit a frame.
    const LEAST: usize = 128;

    /// Shares with which an event fits, and has of each kind as much as there is room for: first texts,
    /// then arguments, which people edit, then a preview, which often shows the same again.
    ///
    /// `free` tells how many bytes are left of a frame with other shares; `None`: it would be too long.
    fn fitting(free: impl Fn(Self) -> Option<usize>) -> Self {
        let (preview, arguments) = (PREVIEW_ALWAYS_SHOWN, ALWAYS_SHOWN);
        let mut shares = Self { text: RESULT_SHOWN_MAX, preview, arguments };
        while shares.text > Self::LEAST && free(shares).is_none() {
            shares.text = (shares.text / 2).max(Self::LEAST);
        }
        let left = free(Self { arguments: 0, ..shares }).unwrap_or_default();
        // Not below what was seen to fit: who edits arguments relies on that much being shown.
        shares.arguments = (left / 2 + BRACES).max(ALWAYS_SHOWN);
        // No less than was left for it: a short one would be longer with a note instead of itself.
        let rest = free(Self { preview: 0, ..shares }).unwrap_or_default();
        shares.preview = rest.max(PREVIEW_ALWAYS_SHOWN);
        shares
    }

    /// What is made with shares that leave it no longer than `max` bytes, and with the usual ones where those do.
    /// Where nothing is left to take it is as short as it can be.
    pub(super) fn fitted<T>(
        max: usize,
        make: impl Fn(Self) -> T,
        length: impl Fn(&T) -> usize,
    ) -> T {
        let usual = make(Self::USUAL);
        if length(&usual) <= max {
            return usual;
        }
        let free = |shares| max.checked_sub(length(&make(shares)));
        let mut shares = Self::fitting(free);
        loop {
            let fitted = make(shares);
            match shares.without(length(&fitted).saturating_sub(max)) {
                Some(smaller) => shares = smaller,
                None => return fitted,
            }
        }
    }

    /// Smaller shares, with which an event should be so many bytes shorter; `None`: it need not be, or there
    /// is nothing left to take.
    fn without(self, bytes: usize) -> Option<Self> {
        let less = |share: usize| share.saturating_sub(bytes);
        match self {
            _ if bytes == 0 => None,
            Self { arguments: 1.., .. } => Some(Self { arguments: less(self.arguments), ..self }),
            Self { preview: 1.., .. } => Some(Self { preview: less(self.preview), ..self }),
            Self { text: 1.., .. } => Some(Self { text: less(self.text), ..self }),
            Self { text: 0, preview: 0, arguments: 0 } => None,
        }
    }

    /// A text, of which whatever is not seen is shown as an escape.
    pub(super) fn text(self, text: &str) -> Cow<'_, str> {
        // No more of it can be shown, however little of that has to be escaped.
        let (beginning, left) = first_bytes(text, self.text);
        match escape_invisible_lines(beginning) {
            whole if left == 0 && whole.len() <= self.text => whole,
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
    /// the beginnings of their text.
    pub(super) fn arguments(
        self,
        arguments: &Map<String, Value>,
    ) -> (Cow<'_, Map<String, Value>>, Option<usize>) {
        match cut_fields(arguments, self.arguments) {
            Some(shown) => (Cow::Owned(shown), Some(full_length(arguments))),
            None => (Cow::Borrowed(arguments), None),
        }
    }

    /// The same of any value.
    pub(super) fn value(self, value: &Value) -> (Cow<'_, Value>, Option<usize>) {
        shown_value(value, self.arguments)
    }

    /// The result of a tool, and its full length in bytes if it had to be cut: the cut one is text, the
    /// beginning of the result's JSON.
    pub(super) fn result(self, result: Option<&Value>) -> (Option<Value>, Option<usize>) {
        let Some(result) = result else { return (None, None) };
        let text = result.to_string();
        if text.len() <= self.text {
            return (Some(result.clone()), None);
        }
        (Some(first_bytes(&text, self.text).0.into()), Some(text.len()))
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
            content: self.content(&preview.content).into_owned(),
        }
    }

    fn content(self, content: &str) -> Cow<'_, str> {
        let shown = escape_invisible_lines(content);
        let beginning = json_beginning(&shown, self.preview);
        if beginning.len() == shown.len() {
            return shown;
        }
        format!("{beginning}{}", excerpt_note(content.len())).into()
    }
}
