//! As much of a call's arguments as an event has room for, and what an edit that was made from that would lose.
//!
//! Every argument's name is shown, with at least how long its value is; only where the names alone come to
//! more than [`NAMES_MAX`] are the last ones left out. So which are, is known from the arguments alone.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::one_line;
use crate::domain::text::{excerpt_note, json_beginning};

/// So many bytes may the names of arguments take that are shown with as little as possible of their values.
const NAMES_MAX: usize = 2560;
/// Arguments that take no more than this are shown whole, whatever else an event has to show.
pub(super) const ALWAYS_SHOWN: usize = 3 * 1024;
/// The braces around fields.
pub(super) const BRACES: usize = 2;
/// What a field has besides its name and its value: a colon and a comma.
const PUNCTUATION: usize = 2;

/// As much of some fields as fits so many bytes of a line; `None` if all of it fits.
pub(super) fn cut_fields(fields: &Map<String, Value>, max: usize) -> Option<Map<String, Value>> {
    let sized: Vec<Field<'_>> = fields.iter().map(Field::of).collect();
    if BRACES + sized.iter().map(Field::whole).sum::<usize>() <= max {
        return None;
    }
    let shown = &sized[..named(&sized, max)];
    let left = max.saturating_sub(BRACES + shown.iter().map(Field::least).sum::<usize>());
    let share = fair_share(left, shown.iter().map(|field| field.value.rest).collect());
    let cut = |field: &Field<'_>| (field.name.clone(), field.value.cut(share).into_owned());
    Some(shown.iter().map(cut).collect())
}

/// A value, or of its fields as much as fits so many bytes of a line; and its full length in bytes, if it had to be
/// cut.
pub fn shown_value(value: &Value, max: usize) -> (Cow<'_, Value>, Option<usize>) {
    let shown = match value {
        Value::Object(fields) => match cut_fields(fields, max) {
            Some(shown) => Cow::Owned(shown.into()),
            None => Cow::Borrowed(value),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            cut_value(value, max)
        }
    };
    let full = matches!(shown, Cow::Owned(_)).then(|| full_length(value));
    (shown, full)
}

/// How many bytes of JSON a value has.
pub(super) fn full_length(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(0, |json| json.len())
}

/// A value, or the beginning of its text, in so many bytes of a line.
fn cut_value(value: &Value, max: usize) -> Cow<'_, Value> {
    let sized = SizedValue::of(value);
    match max.checked_sub(sized.least) {
        Some(share) => sized.cut(share),
        None => Cow::Owned(Value::Null),
    }
}

/// What an edit of arguments would lose that an event did not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost<'a> {
    /// The rest of this argument, of which the edit has the beginning, with the note that it is no more.
    Rest(&'a str),
    /// This argument, which an event leaves out.
    Argument(&'a str),
}

/// What would be lost if these arguments were taken for the whole ones.
///
/// An argument that events show may be left out: whoever does so has seen it.
pub fn lost<'a>(whole: &'a Value, edit: &Value) -> Option<Lost<'a>> {
    let fields = whole.as_object()?;
    let is_cut = |(name, value): &(&String, &Value)| {
        edit.get(name.as_str()).is_some_and(|edit| is_beginning(edit, value))
    };
    if let Some((name, _)) = fields.iter().find(is_cut) {
        return Some(Lost::Rest(name));
    }
    left_out(fields).find(|name| edit.get(name).is_none()).map(Lost::Argument)
}

/// The names that an event leaves out.
fn left_out(fields: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let sized: Vec<Field<'_>> = fields.iter().map(Field::of).collect();
    let is_whole = BRACES + sized.iter().map(Field::whole).sum::<usize>() <= ALWAYS_SHOWN;
    let shown = if is_whole { sized.len() } else { named(&sized, ALWAYS_SHOWN) };
    fields.keys().skip(shown).map(String::as_str)
}

/// Whether a text has the note with which an event ends the beginning of this value. It may have been
/// changed before and behind that.
fn is_beginning(edit: &Value, whole: &Value) -> bool {
    let Some((edit, whole)) = edit.as_str().zip(text_of(whole)) else { return false };
    let note = excerpt_note(whole.len());
    edit.contains(&note) && !whole.contains(&note)
}

/// How many of the fields, from the first, are named.
fn named(fields: &[Field<'_>], max: usize) -> usize {
    let mut left = max.min(NAMES_MAX);
    let fits = |field: &&Field<'_>| {
        let rest = left.checked_sub(field.least());
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    fields.iter().take_while(fits).count()
}

/// How much each may have at most so that all get as much as they need, or the same, out of so much.
fn fair_share(mut left: usize, mut needs: Vec<usize>) -> usize {
    needs.sort_unstable();
    let count = needs.len();
    for (at, need) in needs.into_iter().enumerate() {
        let share = left / (count - at);
        if need > share {
            return share;
        }
        left -= need;
    }
    usize::MAX
}

struct Field<'a> {
    name: &'a String,
    name_bytes: usize,
    value: SizedValue<'a>,
}

impl<'a> Field<'a> {
    fn of((name, value): (&'a String, &'a Value)) -> Self {
        let name_bytes = one_line::length(name) + PUNCTUATION;
        Self { name, name_bytes, value: SizedValue::of(value) }
    }

    fn least(&self) -> usize {
        self.name_bytes + self.value.least
    }

    fn whole(&self) -> usize {
        self.least() + self.value.rest
    }
}

/// A value, and how many bytes of a line it takes.
struct SizedValue<'a> {
    value: &'a Value,
    /// With nothing but how long it is; of a short one, all.
    least: usize,
    /// What it takes more if it is whole.
    rest: usize,
}

impl<'a> SizedValue<'a> {
    fn of(value: &'a Value) -> Self {
        let whole = one_line::length(value);
        let least = text_of(value).map(|text| one_line::length(&excerpt_note(text.len())));
        let least = least.unwrap_or(whole).min(whole);
        Self { value, least, rest: whole - least }
    }

    /// It, or the beginning of its text, with so many bytes more than the least.
    fn cut(&self, share: usize) -> Cow<'a, Value> {
        if self.rest <= share {
            return Cow::Borrowed(self.value);
        }
        let Some(text) = text_of(self.value) else { return Cow::Borrowed(self.value) };
        let beginning = json_beginning(&text, share);
        Cow::Owned(format!("{beginning}{}", excerpt_note(text.len())).into())
    }
}

/// What is cut of a value: a text itself, or the JSON of what has parts.
fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Array(_) | Value::Object(_) => Some(Cow::Owned(value.to_string())),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests;
