//! From a tool's typed arguments to the schema that a model sees, and back from what it sent.

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::tools::ToolError;

/// Reads a call's arguments. No arguments at all (`null`) count as an empty object, an argument
/// that is `null` counts as one that was not given, and `1.0` is the whole number that it is: models
/// say it either way.
///
/// # Errors
/// [`ToolError::InvalidArguments`], naming the field and what is wrong with it.
pub fn parse_arguments<T: DeserializeOwned>(arguments: &Value) -> Result<T, ToolError> {
    let given = match arguments {
        Value::Null => Value::Object(Map::new()),
        Value::Object(members) => {
            let given = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(given.map(|(name, value)| (name.clone(), with_whole(value))).collect())
        }
        other => other.clone(),
    };
    serde_path_to_error::deserialize(given).map_err(|error| {
        let path = error.path().to_string();
        ToolError::InvalidArguments(match path.as_str() {
            "." => error.inner().to_string(),
            path => format!("`{path}`: {}", error.inner()),
        })
    })
}

/// The value, in which a number without a fraction is written without one, as far as such numbers
/// are exact.
fn with_whole(value: &Value) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let exact = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < EXACT);
            #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is exact")]
            exact.map_or_else(|| value.clone(), |number| Value::from(number as i64))
        }
        Value::Array(items) => items.iter().map(with_whole).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), with_whole(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The JSON Schema of a tool's arguments, in the plain form that every provider takes: one object
/// without references, dialect, title or number formats; what is optional is simply not required.
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true);
    let mut schema = SchemaGenerator::new(settings).into_root_schema_for::<T>().to_value();
    make_plain(&mut schema);
    schema
}

/// Only walks where schemas are: an argument may well be called `title`.
fn make_plain(schema: &mut Value) {
    let Value::Object(schema) = schema else {
        return;
    };
    for noise in ["$schema", "title", "format", "default"] {
        schema.shift_remove(noise);
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_mut_slice() {
            let only = only.take();
            schema.insert("type".into(), only);
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(make_plain);
    }
    if let Some(items) = schema.get_mut("items") {
        make_plain(items);
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "mostly the form counts")]
    struct Arguments {
        /// What it is called.
        title: String,
        /// How many.
        limit: Option<u32>,
        /// For whom.
        #[serde(default)]
        to: Vec<String>,
    }

    #[test]
    fn the_schema_is_plain_and_keeps_an_argument_called_title() {
        let expected = json!({
            "type": "object",
            "properties": {
                "title": {"description": "What it is called.", "type": "string"},
                "limit": {"description": "How many.", "type": "integer", "minimum": 0},
                "to": {"description": "For whom.", "type": "array", "items": {"type": "string"}},
            },
            "additionalProperties": false,
            "required": ["title"],
        });
        assert_eq!(schema_of::<Arguments>(), expected);
    }

    #[test]
    fn a_message_names_the_field_and_what_is_wrong_with_it() {
        let message = |arguments| parse_arguments::<Arguments>(&arguments).unwrap_err().to_string();
        assert_eq!(
            message(json!({"title": "x", "limit": "3"})),
            "the arguments are not valid: `limit`: invalid type: string \"3\", expected u32",
        );
        assert_eq!(
            message(json!({"title": "x", "to": ["a", 7]})),
            "the arguments are not valid: `to[1]`: invalid type: integer `7`, expected a string",
        );
        assert_eq!(message(Value::Null), "the arguments are not valid: missing field `title`");
        assert!(message(json!({"title": "x", "force": true})).contains("unknown field `force`"));
    }

    #[test]
    fn a_number_without_a_fraction_is_whole_however_it_is_written() {
        let given: Arguments = parse_arguments(&json!({"title": "x", "limit": 1.0})).unwrap();
        assert_eq!(given.limit, Some(1));
        for limit in [json!(1.5), json!(-1.0), json!(1e300)] {
            let given = parse_arguments::<Arguments>(&json!({"title": "x", "limit": limit}));
            assert!(given.is_err(), "{limit}");
        }
    }

    #[test]
    fn an_argument_that_is_null_was_not_given() {
        let given: Arguments =
            parse_arguments(&json!({"title": "x", "limit": null, "to": null})).unwrap();
        assert_eq!((given.limit, given.to.len()), (None, 0));
        let error = parse_arguments::<Arguments>(&json!({"title": null})).unwrap_err();
        assert_eq!(error.to_string(), "the arguments are not valid: missing field `title`");
    }
}
