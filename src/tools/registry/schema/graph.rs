//! A schema as a graph: its parts, which of them look at the same value, and which at values below.

use std::collections::{HashMap, VecDeque};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Parts of a schema that are followed; one of 64 KiB has fewer.
const PARTS_MAX: usize = 20_000;
/// Steps of a pattern, which may have to go back and forth over a text.
const PATTERN_STEPS: u64 = 256;
/// How often a part is looked at for another that is about what nobody else has looked at.
const UNEVALUATED_TIMES: u64 = 4;

/// The parts of a schema; the first is the whole.
#[derive(Debug)]
pub(super) struct Graph {
    parts: Vec<Part>,
}

/// A schema within a schema.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// Its own steps, for one value.
    pub(super) steps: u64,
    /// The parts that look at the same value for it, and how often.
    pub(super) here: Vec<(usize, u64)>,
    /// The part that looks at the member of each name.
    pub(super) names: HashMap<String, usize>,
    /// The part that looks at the item at each place.
    pub(super) places: Vec<usize>,
    /// The parts that may look at any member or item.
    pub(super) any: Vec<usize>,
}

impl Part {
    /// Whether it looks at values within the value.
    pub(super) fn looks_below(&self) -> bool {
        !(self.names.is_empty() && self.places.is_empty() && self.any.is_empty())
    }
}

impl Graph {
    /// Follows a schema and all its references.
    ///
    /// # Errors
    /// A reference that leads to nowhere or outside, or that means another thing in each place.
    pub(super) fn of(schema: &Value) -> Result<Self, String> {
        let mut reader = Reader::new(schema);
        reader.part_of(schema)?;
        while let Some((at, value)) = reader.unread.pop_front() {
            reader.read(at, value)?;
        }
        Ok(Self { parts: reader.parts })
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The parts, each before all those that look at the same value for it; `None` where they go
    /// round.
    pub(super) fn order(&self) -> Option<Vec<usize>> {
        let mut waits_for = vec![0_usize; self.parts.len()];
        self.parts.iter().flat_map(|part| &part.here).for_each(|(inner, _)| waits_for[*inner] += 1);
        let mut order: Vec<usize> =
            (0..self.parts.len()).filter(|at| waits_for[*at] == 0).collect();
        let mut next = 0;
        while let Some(&at) = order.get(next) {
            next += 1;
            for (inner, _) in &self.parts[at].here {
                waits_for[*inner] -= 1;
                if waits_for[*inner] == 0 {
                    order.push(*inner);
                }
            }
        }
        (order.len() == self.parts.len()).then_some(order)
    }
}

struct Reader<'a> {
    root: &'a Value,
    /// The whole schema's own name, by which it may refer to itself.
    id: Option<&'a str>,
    /// What has a name; `None` where two have the same.
    anchors: HashMap<&'a str, Option<&'a Value>>,
    parts: Vec<Part>,
    /// By where a value lies: a value is one part, however many references lead to it.
    known: HashMap<*const Value, usize>,
    unread: VecDeque<(usize, &'a Value)>,
}

impl<'a> Reader<'a> {
    fn new(root: &'a Value) -> Self {
        let id = root.get("$id").and_then(Value::as_str);
        let mut anchors = HashMap::new();
        find_anchors(root, &mut anchors);
        let (parts, known, unread) = (Vec::new(), HashMap::new(), VecDeque::new());
        Self { root, id, anchors, parts, known, unread }
    }

    /// The part that a value is, which is read later if it is new.
    fn part_of(&mut self, value: &'a Value) -> Result<usize, String> {
        let place = std::ptr::from_ref(value);
        if let Some(&known) = self.known.get(&place) {
            return Ok(known);
        }
        if self.parts.len() == PARTS_MAX {
            return Err(format!("too dear: more than {PARTS_MAX} parts"));
        }
        let at = self.parts.len();
        self.parts.push(Part { steps: 1, ..Part::default() });
        self.known.insert(place, at);
        self.unread.push_back((at, value));
        Ok(at)
    }

    fn read(&mut self, at: usize, schema: &'a Value) -> Result<(), String> {
        let Value::Object(members) = schema else { return Ok(()) };
        if at != 0 && is_a_resource(members) {
            return Err("it has another schema with a name of its own in it".to_owned());
        }
        let is_about_the_rest = ["unevaluatedProperties", "unevaluatedItems"]
            .iter()
            .any(|keyword| members.contains_key(*keyword));
        let times = if is_about_the_rest { UNEVALUATED_TIMES } else { 1 };
        for (keyword, value) in members {
            self.parts[at].steps = self.parts[at].steps.saturating_add(steps_of(keyword, value));
            for inner in self.here(keyword, value)? {
                let inner = self.part_of(inner)?;
                self.parts[at].here.push((inner, times));
            }
            self.read_below(at, keyword, value)?;
        }
        Ok(())
    }

    /// Follows the schemas under a keyword that look at values within the value.
    fn read_below(&mut self, at: usize, keyword: &str, value: &'a Value) -> Result<(), String> {
        match (keyword, value) {
            ("properties", Value::Object(schemas)) => {
                for (name, schema) in schemas {
                    let inner = self.part_of(schema)?;
                    self.parts[at].names.insert(name.clone(), inner);
                }
            }
            ("prefixItems" | "items", Value::Array(schemas)) => {
                let inner = schemas.iter().map(|schema| self.part_of(schema));
                let inner = inner.collect::<Result<Vec<_>, _>>()?;
                // No dialect has both; of one that does, each counts everywhere.
                let Part { places, any, .. } = &mut self.parts[at];
                if places.is_empty() { *places = inner } else { any.extend(inner) }
            }
            ("patternProperties", Value::Object(schemas)) => {
                for schema in schemas.values() {
                    let inner = self.part_of(schema)?;
                    self.parts[at].any.push(inner);
                }
            }
            (
                "items"
                | "additionalItems"
                | "unevaluatedItems"
                | "contains"
                | "additionalProperties"
                | "unevaluatedProperties"
                | "propertyNames",
                schema,
            ) => {
                let inner = self.part_of(schema)?;
                self.parts[at].any.push(inner);
            }
            _ => {}
        }
        Ok(())
    }

    /// The schemas under a keyword that look at the same value.
    fn here(&self, keyword: &str, value: &'a Value) -> Result<Vec<&'a Value>, String> {
        Ok(match (keyword, value) {
            ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => schemas.iter().collect(),
            ("not" | "if" | "then" | "else", schema) => vec![schema],
            ("dependentSchemas" | "dependencies", Value::Object(schemas)) => {
                schemas.values().filter(|schema| !schema.is_array()).collect()
            }
            ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(reference)) => {
                vec![self.follow(reference)?]
            }
            // It chooses among the schemas beside it, but could name others.
            ("discriminator", Value::Object(members)) => {
                let mapping = members.get("mapping").and_then(Value::as_object);
                let named = mapping.into_iter().flat_map(Map::values).filter_map(Value::as_str);
                named.filter_map(|reference| self.follow(reference).ok()).collect()
            }
            _ => Vec::new(),
        })
    }

    fn follow(&self, reference: &str) -> Result<&'a Value, String> {
        let own = self.id.and_then(|id| reference.strip_prefix(id.trim_end_matches('#')));
        let fragment = own.filter(|own| own.is_empty() || own.starts_with('#'));
        let fragment = fragment.unwrap_or(reference);
        let target = match fragment.strip_prefix('#') {
            None if fragment.is_empty() => Some(self.root),
            None => None,
            Some("") => Some(self.root),
            Some(pointer) if pointer.starts_with('/') => {
                let pointer = percent_decode_str(pointer).decode_utf8_lossy();
                self.root.pointer(&pointer)
            }
            Some(anchor) => self.anchors.get(anchor).copied().flatten(),
        };
        target.ok_or_else(|| format!("it refers to {reference:?}, which is not in it"))
    }
}

/// What a keyword costs for one value, besides the schemas under it.
fn steps_of(keyword: &str, value: &Value) -> u64 {
    match (keyword, value) {
        ("pattern", _) => PATTERN_STEPS,
        ("patternProperties", Value::Object(schemas)) => PATTERN_STEPS * schemas.len() as u64,
        (
            "properties" | "dependentRequired" | "dependencies" | "dependentSchemas",
            Value::Object(m),
        ) => 1 + m.len() as u64 / 8,
        ("required" | "enum", Value::Array(values)) => 1 + values.len() as u64 / 4,
        _ => 1,
    }
}

/// Whether references within a schema are not those of the whole: then none could be followed.
fn is_a_resource(schema: &Map<String, Value>) -> bool {
    // In the oldest dialects the name is called `id`; of one that is only an anchor that is meant too.
    ["$id", "id"].iter().any(|name| schema.get(*name).is_some_and(Value::is_string))
}

/// Every place that has a name, also where no schema is: of two with one name nobody knows which is
/// meant.
fn find_anchors<'a>(value: &'a Value, anchors: &mut HashMap<&'a str, Option<&'a Value>>) {
    match value {
        Value::Object(members) => {
            for name in ["$anchor", "$dynamicAnchor"] {
                if let Some(Value::String(anchor)) = members.get(name) {
                    anchors
                        .entry(anchor)
                        .and_modify(|known| {
                            *known = known.filter(|known| std::ptr::eq(*known, value))
                        })
                        .or_insert(Some(value));
                }
            }
            members.values().for_each(|inner| find_anchors(inner, anchors));
        }
        Value::Array(values) => values.iter().for_each(|inner| find_anchors(inner, anchors)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
