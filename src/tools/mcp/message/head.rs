//! As much of a message as can be read of one that is too large, or breaks off: enough to tell whoever waits
//! for it.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, json};

use super::repair::INTERNAL_ERROR;

/// As much of a message as can be read of one of any size, also of one that breaks off.
#[derive(Debug, Default)]
pub(super) struct Head {
    id: Option<i64>,
    is_request: bool,
    is_answer: bool,
}

impl Head {
    /// The head of the first message in a text, and whether that comes to its end.
    pub(super) fn of(text: &[u8]) -> (Self, serde_json::Result<()>) {
        let mut head = Self::default();
        let mut parser = serde_json::Deserializer::from_slice(text);
        let end = (&mut head).deserialize(&mut parser);
        (head, end)
    }

    /// The answer in place of one that cannot be read; `None`: nobody waits for it.
    pub(super) fn unread(&self, fault: &str) -> Option<Value> {
        let id = self.id.filter(|_| self.is_answer && !self.is_request)?;
        let message = format!("the answer {fault} and was not read");
        let error = json!({"code": INTERNAL_ERROR, "message": message});
        Some(json!({"jsonrpc": "2.0", "id": id, "error": error}))
    }
}

impl<'de> DeserializeSeed<'de> for &mut Head {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, message: D) -> Result<(), D::Error> {
        message.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Head {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut message: A) -> Result<(), A::Error> {
        // What is found counts, whatever becomes of the rest.
        while let Some(name) = message.next_key::<String>()? {
            match name.as_str() {
                "id" => {
                    self.id = Some(message.next_value()?);
                    continue;
                }
                "method" => self.is_request = true,
                "result" | "error" => self.is_answer = true,
                _ => {}
            }
            message.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}
