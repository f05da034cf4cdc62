//! JSON Schemas that are not ours: arguments are checked against them before anybody is asked.

use jsonschema::{PatternOptions, Validator};
use serde_json::{Value, json};
use thiserror::Error;

use crate::domain::text::escape_invisible;
use crate::tools::ToolError;

/// Steps that one `pattern` may take on one text: third parties write the patterns.
const PATTERN_STEPS: usize = 100_000;
/// Faults that are told at once.
const FAULTS: usize = 3;
/// Characters of one fault that are told; it quotes the argument.
const FAULT_MAX: usize = 300;

/// A schema of a tool's arguments, ready to check them.
///
/// References lead nowhere outside of the schema: nothing is fetched.
#[derive(Clone, Debug)]
pub struct ArgumentSchema(Validator);

/// The schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a usable JSON Schema: {0}")]
pub struct SchemaError(String);

impl ArgumentSchema {
    /// Takes a schema of any dialect since draft 4; without `$schema` it is of 2020-12.
    ///
    /// # Errors
    /// It is not a JSON Schema, or refers to something outside of itself.
    pub fn new(schema: &Value) -> Result<Self, SchemaError> {
        let patterns = PatternOptions::fancy_regex().backtrack_limit(PATTERN_STEPS);
        let validator = jsonschema::options().with_pattern_options(patterns).build(schema);
        validator.map(Self).map_err(|error| SchemaError(told(&error.to_string())))
    }

    /// Checks a call's arguments; none at all (`null`) count as an empty object.
    ///
    /// # Errors
    /// [`ToolError::InvalidArguments`] with the first faults and where they are.
    pub fn check(&self, arguments: &Value) -> Result<(), ToolError> {
        let nothing = json!({});
        let arguments = if arguments.is_null() { &nothing } else { arguments };
        let faults: Vec<String> = self
            .0
            .iter_errors(arguments)
            .take(FAULTS)
            .map(|fault| match fault.instance_path().to_string().as_str() {
                "" => told(&fault.to_string()),
                path => told(&format!("`{path}`: {fault}")),
            })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(ToolError::InvalidArguments(faults.join("; "))) }
    }
}

/// A fault as a short line.
fn told(fault: &str) -> String {
    let mut line = escape_invisible(fault);
    if let Some((end, _)) = line.char_indices().nth(FAULT_MAX) {
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> ArgumentSchema {
        ArgumentSchema::new(&json!({
            "type": "object",
            "properties": {
                "city": {"type": "string", "pattern": "^[a-z]+$"},
                "days": {"$ref": "#/$defs/days"},
            },
            "required": ["city"],
            "additionalProperties": false,
            "$defs": {"days": {"type": "integer", "minimum": 1}},
        }))
        .unwrap()
    }

    fn fault(arguments: &Value) -> String {
        schema().check(arguments).unwrap_err().to_string()
    }

    #[test]
    fn what_fits_passes_and_what_does_not_is_told_with_its_place() {
        assert_eq!(schema().check(&json!({"city": "seoul", "days": 2})), Ok(()));
        let days = fault(&json!({"city": "seoul", "days": 0}));
        assert!(days.contains("`/days`: 0 is less than the minimum of 1"), "{days}");
        assert!(fault(&json!({"city": "seoul", "force": true})).contains("force"));
        assert!(fault(&Value::Null).contains("\"city\" is a required property"));
        assert!(fault(&json!([])).contains("object"));
    }

    #[test]
    fn a_fault_is_a_short_plain_line_whatever_it_quotes() {
        let fault = fault(&json!({"city": "\u{202e}".repeat(5000)}));
        assert!(fault.chars().count() < 400, "{}", fault.len());
        assert!(crate::domain::text::is_plain_line(&fault));
    }

    #[test]
    fn what_is_no_schema_or_refers_to_the_network_is_refused() {
        for schema in [
            json!({"type": "objekt"}),
            json!({"properties": {"a": {"$ref": "https://example.com/a.json"}}}),
            json!({"properties": {"a": {"$ref": "file:///etc/passwd"}}}),
            json!({"properties": {"a": {"pattern": "("}}}),
        ] {
            assert!(ArgumentSchema::new(&schema).is_err(), "{schema}");
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_does_not_go_round_for_ever() {
        for schema in [
            json!({"type": "object", "$ref": "#"}),
            json!({"type": "object", "allOf": [{"$ref": "#"}]}),
            json!({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {
                "a": {"not": {"$ref": "#/$defs/b"}}, "b": {"$ref": "#/$defs/a"},
            }}),
            json!({"$dynamicAnchor": "x", "if": {"$dynamicRef": "#x"}, "then": true}),
        ] {
            if let Ok(schema) = ArgumentSchema::new(&schema) {
                let _ = schema.check(&json!({"a": 1}));
            }
        }
    }

    #[test]
    fn a_pattern_that_would_take_for_ever_gives_up() {
        let schema = json!({"properties": {"a": {"pattern": "^(?=(a+)+b)(a|a)*$"}}});
        let schema = ArgumentSchema::new(&schema).unwrap();
        assert!(schema.check(&json!({"a": "a".repeat(60)})).is_err());
    }
}
