//! A tool's schema as model providers take it.
//!
//! One schema that a provider refuses makes it refuse the whole request, of every run. Providers
//! want one object with `properties` and no combinations at its top. What a model is told may
//! therefore be wider than what the server says; arguments are still checked against the latter.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// How often a reference at the top is followed, and how deep combinations are looked into.
const LEVELS_MAX: usize = 8;
/// How many parts are looked into: combinations of combinations have more parts than bytes, and this
/// is not work that runs apart.
const PARTS_MAX: usize = 256;
/// What a provider does not take at the top of a schema.
const NOT_AT_TOP: [&str; 15] = [
    "$schema",
    "$id",
    "$ref",
    "$dynamicRef",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "enum",
    "const",
    "dependentSchemas",
    "dependentRequired",
];
/// Longest name of an argument, in bytes.
const NAME_MAX: usize = 64;

/// The schema as a provider is told of it.
///
/// # Errors
/// Why no provider could be told of it.
pub(super) fn for_provider(schema: &Value) -> Result<Value, String> {
    let schema = schema.as_object().ok_or("its schema is no object")?;
    let mut reader = Reader { root: schema, left: PARTS_MAX };
    let Shape { properties, required } = reader.shape(schema, LEVELS_MAX)?;
    if reader.left == 0 {
        return Err(format!("it combines more than {PARTS_MAX} parts"));
    }
    let mut fit = schema.clone();
    for keyword in NOT_AT_TOP {
        fit.shift_remove(keyword);
    }
    let named: BTreeSet<&String> = properties.keys().filter(|name| is_name(name)).collect();
    if let Some(name) = required.iter().find(|name| !named.contains(name)) {
        return Err(format!("a required argument has a name that no provider takes: {name:?}"));
    }
    let taken = properties.iter().filter(|(name, _)| named.contains(name));
    let taken = taken.map(|(name, schema)| (name.clone(), plain(schema.clone())));
    fit.insert("type".into(), "object".into());
    fit.insert("properties".into(), Value::Object(taken.collect()));
    match required.is_empty() {
        true => fit.shift_remove("required"),
        false => fit.insert("required".into(), required.into_iter().collect()),
    };
    for definitions in ["$defs", "definitions"] {
        if let Some(Value::Object(definitions)) = fit.get_mut(definitions) {
            definitions.values_mut().for_each(|schema| *schema = plain(schema.take()));
        }
    }
    Ok(Value::Object(fit))
}

/// What a schema says of the arguments of a tool.
#[derive(Clone, Debug, Default)]
struct Shape {
    properties: Map<String, Value>,
    required: BTreeSet<String>,
}

/// Reads a schema, and counts how many more of its parts may be looked into.
struct Reader<'a> {
    root: &'a Map<String, Value>,
    left: usize,
}

impl<'a> Reader<'a> {
    /// What a schema of an object says, with all that it refers to and combines.
    fn shape(&mut self, schema: &'a Map<String, Value>, levels: usize) -> Result<Shape, String> {
        let levels = levels.checked_sub(1).ok_or("it refers to itself")?;
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            return Err("it has too many parts".to_owned());
        }
        if !is_of_object(schema) {
            return Err("its arguments are no object".to_owned());
        }
        let mut shape = Shape::of(schema);
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            shape.and(self.shape(referred(self.root, target)?, levels)?);
        }
        for part in branches(schema, "allOf") {
            shape.and(self.shape(part, levels)?);
        }
        for combination in ["anyOf", "oneOf"] {
            let parts = branches(schema, combination).map(|part| self.shape(part, levels));
            // A branch of another type is none that a call could take.
            if let Some(one) = parts.filter_map(Result::ok).reduce(Shape::or) {
                shape.and(one);
            }
        }
        shape.describe_required();
        Ok(shape)
    }
}

impl Shape {
    /// What the schema itself says.
    fn of(schema: &Map<String, Value>) -> Self {
        let mut shape = Self::default();
        if let Some(Value::Object(properties)) = schema.get("properties") {
            shape.properties = properties.clone();
        }
        if let Some(Value::Array(names)) = schema.get("required") {
            shape.required = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
        shape
    }

    /// Nothing is required that nobody describes: a model could not know what it is.
    fn describe_required(&mut self) {
        for name in &self.required {
            self.properties.entry(name).or_insert_with(|| json!({}));
        }
    }

    /// Both are demanded.
    fn and(&mut self, other: Self) {
        self.required.extend(other.required);
        for (name, schema) in other.properties {
            match self.properties.shift_remove(&name) {
                Some(before) if before != schema => {
                    self.properties.insert(name, json!({"allOf": [before, schema]}))
                }
                Some(_) | None => self.properties.insert(name, schema),
            };
        }
    }

    /// One of both is demanded.
    fn or(mut self, other: Self) -> Self {
        self.required.retain(|name| other.required.contains(name));
        for (name, schema) in other.properties {
            match self.properties.shift_remove(&name) {
                Some(before) if before != schema => {
                    self.properties.insert(name, either(before, schema))
                }
                Some(_) | None => self.properties.insert(name, schema),
            };
        }
        self
    }
}

/// One of both; of a third one the list becomes longer.
fn either(before: Value, schema: Value) -> Value {
    let mut choices = match before {
        Value::Object(mut fields) if fields.len() == 1 => match fields.shift_remove("anyOf") {
            Some(Value::Array(choices)) => choices,
            Some(other) => vec![json!({"anyOf": other})],
            None => vec![Value::Object(fields)],
        },
        before => vec![before],
    };
    if !choices.contains(&schema) {
        choices.push(schema);
    }
    json!({"anyOf": choices})
}

fn is_of_object(schema: &Map<String, Value>) -> bool {
    match schema.get("type") {
        None => true,
        Some(Value::Array(types)) => types.iter().any(|name| name == "object"),
        Some(name) => name == "object",
    }
}

fn branches<'a>(
    schema: &'a Map<String, Value>,
    keyword: &str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    let parts = schema.get(keyword).and_then(Value::as_array);
    parts.into_iter().flatten().filter_map(Value::as_object)
}

/// What a reference within the schema leads to.
fn referred<'a>(
    root: &'a Map<String, Value>,
    target: &str,
) -> Result<&'a Map<String, Value>, String> {
    let nowhere = || format!("its reference {target:?} leads nowhere");
    let path = target.strip_prefix('#').ok_or_else(nowhere)?;
    let mut found = root;
    for step in path.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        found = found.get(&step).and_then(Value::as_object).ok_or_else(nowhere)?;
    }
    Ok(found)
}

/// What is deeper than the top, in the forms that every provider takes: lists say what they are of.
fn plain(schema: Value) -> Value {
    let Value::Object(mut fields) = schema else {
        // `true` and `false` are schemas, too, but not to every provider.
        return json!({});
    };
    let is_list = match fields.get("type") {
        Some(Value::Array(types)) => types.iter().any(|name| name == "array"),
        Some(name) => name == "array",
        None => false,
    };
    match fields.shift_remove("items") {
        Some(Value::Array(items)) => {
            let items: Vec<Value> = items.into_iter().map(plain).collect();
            let items = if items.is_empty() { json!({}) } else { json!({"anyOf": items}) };
            fields.insert("items".into(), items);
        }
        Some(items) => {
            fields.insert("items".into(), plain(items));
        }
        None if is_list => {
            fields.insert("items".into(), json!({}));
        }
        None => {}
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.values_mut().for_each(|schema| *schema = plain(schema.take()));
    }
    if !fields.get("required").is_none_or(Value::is_array) {
        fields.shift_remove("required");
    }
    for combination in ["anyOf", "oneOf", "allOf"] {
        if let Some(Value::Array(parts)) = fields.get_mut(combination) {
            parts.iter_mut().for_each(|schema| *schema = plain(schema.take()));
        }
    }
    Value::Object(fields)
}

/// What providers take as the name of an argument.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(schema: &Value) -> Result<Value, String> {
        for_provider(schema)
    }

    /// What providers check of every tool.
    fn check(schema: &Value) {
        assert_eq!(schema["type"], "object", "{schema}");
        assert!(schema["properties"].is_object(), "{schema}");
        for keyword in NOT_AT_TOP {
            assert!(schema.get(keyword).is_none(), "{keyword}: {schema}");
        }
        let properties = schema["properties"].as_object().unwrap();
        assert!(properties.keys().all(|name| is_name(name)), "{schema}");
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        assert!(required.iter().all(|name| properties.contains_key(name.as_str().unwrap())));
    }

    #[test]
    fn every_schema_becomes_an_object_with_properties_and_nothing_combined_at_its_top() {
        let text = json!({"type": "string"});
        let cases = [
            (json!({"type": "object"}), json!({})),
            (json!({}), json!({})),
            (json!({"type": ["object", "null"], "properties": null, "required": []}), json!({})),
            (json!({"type": "object", "additionalProperties": false}), json!({})),
            (
                json!({"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"x": text}, "required": ["x"]}}}),
                json!({"x": text}),
            ),
            (
                json!({"$ref": "#/definitions/a~1b", "definitions": {"a/b": {"properties": {"x": text}}}}),
                json!({"x": text}),
            ),
            (
                json!({"anyOf": [{"properties": {"x": text}, "required": ["x"]}, {"properties": {"y": text}}]}),
                json!({"x": text, "y": text}),
            ),
            (
                json!({"oneOf": [{"properties": {"x": text}}, {"properties": {"x": {"type": "integer"}}}]}),
                json!({"x": {"anyOf": [text, {"type": "integer"}]}}),
            ),
            (
                json!({"allOf": [{"properties": {"x": text}}, {"$ref": "#/$defs/a"}],
                    "$defs": {"a": {"properties": {"y": text}}}}),
                json!({"x": text, "y": text}),
            ),
            (
                json!({"properties": {"x": text}, "not": {"required": ["x"]}, "if": {}, "enum": [{}]}),
                json!({"x": text}),
            ),
            (
                json!({"properties": {"x": {"type": "array"}}}),
                json!({"x": {"type": "array", "items": {}}}),
            ),
            (
                json!({"properties": {"x": {"type": "array", "items": [text, text]}}}),
                json!({"x": {"type": "array", "items": {"anyOf": [text, text]}}}),
            ),
            (json!({"properties": {"x": true}}), json!({"x": {}})),
            (json!({"properties": {"x": text, "$filter": text, "이름": text}}), json!({"x": text})),
            (json!({"properties": {}, "required": ["x"]}), json!({"x": {}})),
        ];
        for (schema, properties) in cases {
            let fit = fit(&schema).unwrap_or_else(|why| panic!("{why}: {schema}"));
            check(&fit);
            assert_eq!(fit["properties"], properties, "{schema}");
        }
    }

    #[test]
    fn of_alternatives_only_what_all_demand_is_required() {
        let one = json!({"properties": {"a": {}, "b": {}}, "required": ["a", "b"]});
        let two = json!({"properties": {"a": {}, "c": {}}, "required": ["a", "c"]});
        let schema = json!({"properties": {"d": {}}, "required": ["d"], "anyOf": [one, two]});
        assert_eq!(fit(&schema).unwrap()["required"], json!(["a", "d"]));
    }

    #[test]
    fn combinations_of_combinations_are_not_followed_for_ever() {
        let refs =
            |name: &str, times: usize| vec![json!({"$ref": format!("#/$defs/{name}")}); times];
        let long = json!({"properties": {"x": {"description": "x".repeat(50_000)}}});
        for combination in ["anyOf", "oneOf", "allOf"] {
            let schema = json!({
                "$ref": "#/$defs/a",
                "$defs": {"a": {combination: refs("b", 40)}, "b": {combination: refs("c", 40)},
                    "c": {combination: refs("d", 40)}, "d": long},
            });
            assert_eq!(fit(&schema).unwrap_err().split(' ').next(), Some("it"), "{combination}");
        }
    }

    #[test]
    fn what_no_provider_could_be_told_is_left_out_with_a_reason() {
        for schema in [
            json!({"type": "array"}),
            json!({"$ref": "#"}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}),
            json!({"$ref": "#/nowhere"}),
            json!({"$ref": "https://example.com/a.json"}),
            json!({"properties": {"이름": {}}, "required": ["이름"]}),
        ] {
            assert!(fit(&schema).is_err(), "{schema}");
        }
    }
}
