//! Foreign JSON, and the one thing that each of its doubtful forms means.
//!
//! | form | in what *asks* for something ([`read`]) | in what *tells* something ([`mended`]) |
//! |---|---|---|
//! | half a surrogate pair (`"\ud83d"`) | U+FFFD | U+FFFD |
//! | a key twice in one object | refused, naming it | the last one counts |
//! | `NaN`, `Infinity`, `-Infinity` | refused | `null` |
//! | a number beyond every double (`1e999`) | refused | `null` |
//! | an integer beyond 64 bits | the nearest double | the nearest double |
//! | `-0` | `-0.0` | `-0.0` |
//! | bytes that are no UTF-8 | refused | U+FFFD |
//! | a byte-order mark at the start | refused | left out |
//! | more than [`LEVELS_MAX`] levels | refused, naming the field | for the reader to say ([`is_too_deep`]) |
//! | keys that a JSON library keeps for itself | keys like any other | keys like any other |
//!
//! What is told in pieces, and cut between the halves of a pair, is joined again ([`HalfJoiner`]).
//!
//! Requests, edits, signals and a model's arguments ask; a model's stream, MCP servers and GitHub
//! tell. Whoever asks can say it again and better, so a doubt is refused; what is told cannot be
//! had again, so what can be understood of it is. The last line of the table holds because the
//! library's feature that would give such a key a meaning is not in the tree; a test here fails as
//! soon as it is.

use std::cell::RefCell;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use thiserror::Error;

mod halves;
mod mend;

pub use halves::{HalfJoiner, Piece, read_piece, whole};
pub use mend::mended;

/// Levels of a value from outside. What it is stored in has some levels of its own, and readers of
/// JSON give up at 128: a value that is accepted can be read back wherever it is put.
pub const LEVELS_MAX: usize = 64;

/// Why foreign JSON is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JsonFault {
    /// It is not JSON.
    #[error("{0}")]
    Syntax(String),
    /// A key stands twice in one object.
    #[error("the key {0:?} stands twice in one object")]
    Twice(String),
    /// It is nested too deeply, below this key of the outermost object.
    #[error("nested more than {LEVELS_MAX} levels deep")]
    TooDeep {
        /// The key; `None` if the outermost value is no object.
        field: Option<String>,
    },
}

/// Reads a value that somebody sent, of at most [`LEVELS_MAX`] levels.
///
/// # Errors
/// [`JsonFault`]; nothing is taken in part.
pub fn read(text: &[u8]) -> Result<Value, JsonFault> {
    read_levels(text, LEVELS_MAX)
}

/// Reads a document whose fields hold values of at most [`LEVELS_MAX`] levels each: a body, a
/// signal, a stored request.
///
/// # Errors
/// [`JsonFault`]; nothing is taken in part.
pub fn read_document(text: &[u8]) -> Result<Value, JsonFault> {
    read_levels(text, LEVELS_MAX + 1)
}

fn read_levels(text: &[u8], levels: usize) -> Result<Value, JsonFault> {
    let text = mend::with_whole_pairs(text);
    let found = Found::default();
    let mut deserializer = serde_json::Deserializer::from_slice(&text);
    let value = Seed { levels, found: &found, outermost: true }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| match found.doubt.into_inner() {
        Some(Doubt::Twice(key)) => JsonFault::Twice(key),
        Some(Doubt::TooDeep) => JsonFault::TooDeep { field: found.field.into_inner() },
        None => JsonFault::Syntax(error.to_string()),
    })
}

/// Whether a value that was read elsewhere has more than [`LEVELS_MAX`] levels.
pub fn is_too_deep(value: &Value) -> bool {
    let mut level: Vec<&Value> = vec![value];
    for _ in 0..LEVELS_MAX {
        level = level.into_iter().flat_map(inner).collect();
        if level.is_empty() {
            return false;
        }
    }
    true
}

fn inner(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// What reading has met. The library's own errors are text, so what is ours is kept here.
#[derive(Default)]
struct Found {
    /// The key of the outermost object that is being read.
    field: RefCell<Option<String>>,
    doubt: RefCell<Option<Doubt>>,
}

enum Doubt {
    Twice(String),
    TooDeep,
}

impl Found {
    fn doubt<E: Error>(&self, doubt: Doubt) -> E {
        self.doubt.replace(Some(doubt));
        E::custom("not taken")
    }
}

/// Reads one value that may have so many levels.
#[derive(Clone, Copy)]
struct Seed<'a> {
    levels: usize,
    found: &'a Found,
    outermost: bool,
}

impl Seed<'_> {
    /// For what is within this value.
    fn inner<E: Error>(self) -> Result<Self, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels, outermost: false, ..self }),
            None => Err(self.found.doubt(Doubt::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if self.outermost {
                self.found.field.replace(Some(key.clone()));
            }
            if object.contains_key(&key) {
                return Err(self.found.doubt(Doubt::Twice(key)));
            }
            object.insert(key, members.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
pub(crate) mod tests;
