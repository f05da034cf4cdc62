//! JSON Schemas for the documents that describe the interface, made from the types that are written.

use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

/// Where both kinds of document keep their definitions.
const DEFINITIONS: &str = "/components/schemas";

/// Schemas, and the definitions that they refer to.
pub(super) struct Schemas {
    written: SchemaGenerator,
    read: SchemaGenerator,
}

impl Schemas {
    /// None yet.
    pub(super) fn new() -> Self {
        let generator = |contract| {
            let settings = SchemaSettings::draft2020_12().with(|settings| {
                settings.contract = contract;
                settings.definitions_path = DEFINITIONS.into();
                settings.meta_schema = None;
            });
            settings.into_generator()
        };
        Self { written: generator(Contract::Serialize), read: generator(Contract::Deserialize) }
    }

    /// The schema of what this service writes: a reference, if it has a definition.
    pub(super) fn of<T: JsonSchema>(&mut self) -> Schema {
        tidy(self.written.subschema_for::<T>())
    }

    /// The schema of what it reads.
    pub(super) fn read<T: JsonSchema>(&mut self) -> Schema {
        tidy(self.read.subschema_for::<T>())
    }

    /// Gives a schema a definition of this name, and refers to it.
    pub(super) fn define(&mut self, name: &str, definition: Schema) -> Schema {
        self.written.definitions_mut().insert(name.to_owned(), definition.into());
        json_schema!({ "$ref": format!("#{DEFINITIONS}/{name}") })
    }

    /// The generator of the schemas of what is written, for whoever makes those of several types.
    pub(super) fn generator(&mut self) -> &mut SchemaGenerator {
        &mut self.written
    }

    /// All definitions that were referred to, by name.
    pub(super) fn definitions(&mut self) -> Map<String, Value> {
        let read = self.read.take_definitions(true);
        let written = self.written.take_definitions(true).into_iter();
        let written = written.map(|(name, schema)| (name, never_null(schema)));
        // A type that is both read and written is described as it is written.
        let both = read.into_iter().chain(written);
        let mut all: Map<String, Value> =
            both.map(|(name, schema)| (name, tidied(schema))).collect();
        all.sort_keys();
        all
    }
}

/// A definition as people would write it.
fn tidied(definition: Value) -> Value {
    Schema::try_from(definition).map_or(Value::Null, |schema| tidy(schema).into())
}

fn tidy(mut schema: Schema) -> Schema {
    RecursiveTransform(words).transform(&mut schema);
    RecursiveTransform(paragraphs).transform(&mut schema);
    RecursiveTransform(formats).transform(&mut schema);
    schema
}

/// A field that may be left out of what is written is left out instead of being `null`.
fn never_null(definition: Value) -> Value {
    let Ok(mut schema) = Schema::try_from(definition) else { return Value::Null };
    RecursiveTransform(without_null).transform(&mut schema);
    schema.into()
}

fn without_null(schema: &mut Schema) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required = |name: &String| {
        required.as_array().is_some_and(|names| names.contains(&name.as_str().into()))
    };
    let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (_, field) in fields.iter_mut().filter(|(name, _)| !is_required(name)) {
        forbid_null(field);
    }
}

fn forbid_null(field: &mut Value) {
    if let Some(kinds) = field.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [kind] = &kinds[..] {
            field["type"] = kind.clone();
        }
    }
    let null = json!({"type": "null"});
    let Some(choices) = field.get_mut("anyOf").and_then(Value::as_array_mut) else { return };
    choices.retain(|choice| *choice != null);
    if let [Value::Object(only)] = &choices[..] {
        let only = only.clone();
        if let Some(field) = field.as_object_mut() {
            field.shift_remove("anyOf");
            field.extend(only);
        }
    }
}

/// Comments are broken into lines where those of the source end; a description is not.
fn paragraphs(schema: &mut Schema) {
    let Some(text) = schema.get("description").and_then(Value::as_str) else { return };
    let joined = text.lines().fold(String::new(), |text, line| {
        let is_new =
            text.is_empty() || text.ends_with('\n') || line.is_empty() || line.starts_with("- ");
        let gap = if text.is_empty() {
            ""
        } else if is_new {
            "\n"
        } else {
            " "
        };
        text + gap + line
    });
    schema.insert("description".into(), joined.into());
}

/// `uint` is the width of this machine's pointers, which is nothing to clients.
fn formats(schema: &mut Schema) {
    if schema.get("format").is_some_and(|format| format == "uint") {
        schema.remove("format");
    }
}

/// A choice among constant words becomes an `enum`, with what each of them means in the description.
fn words(schema: &mut Schema) {
    let Some(choices) = schema.get("oneOf").and_then(Value::as_array) else { return };
    let Some(words) = choices.iter().map(Word::of).collect::<Option<Vec<_>>>() else { return };
    let meanings: Vec<String> = words.iter().filter_map(Word::line).collect();
    let values: Vec<Value> = words.iter().map(|word| word.value.clone()).collect();
    let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let about = [about, &meanings.join("\n")].join("\n\n").trim().to_owned();
    schema.remove("oneOf");
    schema.insert("type".into(), "string".into());
    schema.insert("enum".into(), values.into());
    if !about.is_empty() {
        schema.insert("description".into(), about.into());
    }
}

/// One word of an enum as schemars describes it.
struct Word<'a> {
    value: &'a Value,
    meaning: Option<&'a str>,
}

impl<'a> Word<'a> {
    fn of(choice: &'a Value) -> Option<Self> {
        let value = choice.get("const").filter(|value| value.is_string())?;
        Some(Self { value, meaning: choice.get("description").and_then(Value::as_str) })
    }

    fn line(&self) -> Option<String> {
        let (word, meaning) = (self.value.as_str()?, self.meaning?);
        Some(format!("- `{word}`: {}", meaning.replace('\n', " ")))
    }
}
