//! The items that the user has selected, from everything that the page says of them.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::clean::{clean, told};

/// Selected items in the order in which they were told, each once.
#[derive(Debug, Default)]
pub(super) struct Selection {
    items: Vec<Item>,
    places: HashMap<String, usize>,
}

#[derive(Debug)]
struct Item {
    id: String,
    /// What people call it, if that was told besides an id.
    label: Option<String>,
}

impl Selection {
    /// Adds an item: a plain id, or an object with `id`, `title` or `name`. Anything else is no
    /// item. One that is there already gets its label, if it has none yet.
    pub(super) fn add(&mut self, value: &Value) {
        let Some(item) = Item::of(value) else { return };
        match self.places.get(&item.id) {
            Some(&place) => {
                let known = &mut self.items[place];
                known.label = known.label.take().or(item.label);
            }
            None => {
                self.places.insert(item.id.clone(), self.items.len());
                self.items.push(item);
            }
        }
    }

    /// `1, 2, msg-123 (분기 보고)`; `None` if nothing is selected.
    pub(super) fn told(&self) -> Option<String> {
        let items: Vec<String> = self.items.iter().map(Item::told).collect();
        clean(&items.join(", "))
    }
}

impl Item {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Object(fields) => Self::of_fields(fields),
            Value::String(_) | Value::Number(_) | Value::Bool(_) => {
                Some(Self { id: told(value)?, label: None })
            }
            Value::Null | Value::Array(_) => None,
        }
    }

    fn of_fields(fields: &Map<String, Value>) -> Option<Self> {
        let plain = |name: &&str| fields.get(*name).filter(|value| is_plain(value)).and_then(told);
        let label = ["title", "name"].iter().find_map(plain);
        match plain(&"id") {
            Some(id) => Some(Self { id, label }),
            None => Some(Self { id: label?, label: None }),
        }
    }

    fn told(&self) -> String {
        match &self.label {
            Some(label) if *label != self.id => format!("{} ({label})", self.id),
            Some(_) | None => self.id.clone(),
        }
    }
}

fn is_plain(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}
