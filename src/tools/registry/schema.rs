//! JSON Schemas that are not ours: arguments are checked against them before anybody is asked.
//!
//! Third parties write the schemas and models the arguments, so a check is bounded three times: by
//! what it costs ([`cost`]), counted when a schema is taken and before each check; by a time limit;
//! and by the number of threads that checks may keep, none of which anybody else works on.

use std::sync::Arc;
use std::time::Duration;

use jsonschema::{PatternOptions, Validator};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use self::cost::Cost;
use crate::domain::text::{escape_invisible, excerpt};
use crate::tools::ToolError;

mod cost;
mod graph;

/// Steps that one `pattern` may take on one text, where it has to go back and forth.
const PATTERN_STEPS: usize = 10_000;
/// Bytes that one `pattern` may take, made ready.
const PATTERN_SIZE: usize = 256 * 1024;
/// Faults that are told at once.
const FAULTS: usize = 3;
/// Bytes of one fault that are told; it quotes the argument.
const FAULT_MAX: usize = 300;
/// Threads that checks may keep busy.
const THREADS: usize = 2;
/// Stack of such a thread: schemas lead the library from one function into the next. It is only
/// taken as far as it is used.
const STACK: usize = 64 * 1024 * 1024;
/// For one piece of work, waiting for a thread included.
const TIME_MAX: Duration = Duration::from_secs(5);

/// A schema of a tool's arguments, ready to check them.
///
/// References lead nowhere outside of the schema: nothing is fetched.
#[derive(Clone, Debug)]
pub struct ArgumentSchema(Arc<Ready>);

#[derive(Debug)]
struct Ready {
    validator: Validator,
    cost: Cost,
}

/// The schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a usable JSON Schema: {0}")]
pub struct SchemaError(String);

/// Where checks run: threads apart, few, and none of them waited for longer than is good.
#[derive(Clone, Debug)]
pub struct Checks(Arc<Semaphore>);

impl Default for Checks {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(THREADS)))
    }
}

/// It did not come to its end in time, or broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no result within {} s", TIME_MAX.as_secs())]
struct NoResult;

impl Checks {
    /// Takes a schema of any dialect since draft 4; without `$schema` it is of 2020-12.
    ///
    /// # Errors
    /// It is not a JSON Schema, refers to something outside of itself, or costs too much.
    pub async fn take(&self, schema: Value) -> Result<ArgumentSchema, SchemaError> {
        let taken = self.run(move || ArgumentSchema::new(&schema)).await;
        taken.unwrap_or_else(|late| Err(SchemaError(late.to_string())))
    }

    /// Checks a call's arguments; none at all (`null`) count as an empty object.
    ///
    /// # Errors
    /// [`ToolError::InvalidArguments`] with the first faults and where they are, or with why they
    /// cannot be checked.
    pub async fn check(&self, schema: &ArgumentSchema, arguments: &Value) -> Result<(), ToolError> {
        let (schema, arguments) = (schema.clone(), arguments.clone());
        let checked = self.run(move || schema.check(&arguments)).await;
        let unchecked = |late| ToolError::InvalidArguments(format!("not checked: {late}"));
        checked.unwrap_or_else(|late| Err(unchecked(late)))
    }

    /// Runs work on a thread of its own. Work that nobody waits for any more keeps its place among
    /// the few until it ends.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoResult> {
        let begun = async {
            let place = Arc::clone(&self.0).acquire_owned().await.map_err(|_| NoResult)?;
            let (done, result) = oneshot::channel();
            let thread = std::thread::Builder::new().name("schema".into()).stack_size(STACK);
            let spawned = thread.spawn(move || {
                // Whoever waited may have gone.
                let _ = done.send(work());
                drop(place);
            });
            spawned.map_err(|_| NoResult)?;
            result.await.map_err(|_| NoResult)
        };
        timeout(TIME_MAX, begun).await.unwrap_or(Err(NoResult))
    }
}

impl ArgumentSchema {
    fn new(schema: &Value) -> Result<Self, SchemaError> {
        let cost = Cost::of(schema).map_err(|why| SchemaError(told(&why)))?;
        let patterns = PatternOptions::fancy_regex()
            .backtrack_limit(PATTERN_STEPS)
            .size_limit(PATTERN_SIZE)
            .dfa_size_limit(PATTERN_SIZE);
        let validator = jsonschema::options().with_pattern_options(patterns).build(schema);
        let validator = validator.map_err(|error| SchemaError(told(&error.to_string())))?;
        Ok(Self(Arc::new(Ready { validator, cost })))
    }

    fn check(&self, arguments: &Value) -> Result<(), ToolError> {
        let nothing = json!({});
        let arguments = if arguments.is_null() { &nothing } else { arguments };
        let Ready { validator, cost } = &*self.0;
        if !cost.allows(arguments) {
            let why = "there are too many of them, or too deep ones, for this tool's schema";
            return Err(ToolError::InvalidArguments(why.into()));
        }
        if validator.is_valid(arguments) {
            return Ok(());
        }
        let faults: Vec<String> = validator
            .iter_errors(arguments)
            .take(FAULTS)
            .map(|fault| match fault.instance_path().to_string().as_str() {
                "" => told(&fault.to_string()),
                path => told(&format!("`{path}`: {fault}")),
            })
            .collect();
        Err(ToolError::InvalidArguments(faults.join("; ")))
    }
}

/// A fault as a short line.
fn told(fault: &str) -> String {
    excerpt(&escape_invisible(fault), FAULT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a0` looks at its value twice through `a1`, which does so through `a2`, and so on.
    fn doubling(levels: usize, edge: impl Fn(&str) -> Value) -> Value {
        let mut parts: serde_json::Map<String, Value> =
            (0..levels).map(|n| (format!("a{n}"), edge(&format!("#/$defs/a{}", n + 1)))).collect();
        parts.insert(format!("a{levels}"), json!({"type": "object"}));
        json!({"type": "object", "$ref": "#/$defs/a0", "$defs": parts})
    }

    #[test]
    fn a_schema_that_looks_at_a_value_over_and_over_is_refused_when_it_is_taken() {
        for edge in [
            |next: &str| json!({"allOf": [{"$ref": next}, {"$ref": next}]}),
            |next: &str| json!({"anyOf": [{"$ref": next}, {"not": {"$ref": next}}]}),
            |next: &str| json!({"if": {"$ref": next}, "then": {"$ref": next}}),
            |next: &str| json!({"dependentSchemas": {"a": {"$ref": next}, "b": {"$ref": next}}}),
            |next: &str| json!({"unevaluatedProperties": false, "allOf": [{"$ref": next}]}),
        ] {
            for levels in [26, 60] {
                let error = ArgumentSchema::new(&doubling(levels, edge)).unwrap_err().to_string();
                assert!(error.contains("too dear"), "{error}");
            }
            assert!(ArgumentSchema::new(&doubling(5, edge)).is_ok(), "a few levels are usual");
        }
    }

    #[test]
    fn arguments_that_a_schema_would_look_at_over_and_over_are_refused_unseen() {
        let twice = json!({"properties": {"a": {"$ref": "#"}}});
        let schema =
            ArgumentSchema::new(&json!({"type": "object", "allOf": [twice, twice]})).unwrap();
        let nested = |levels| (0..levels).fold(json!({}), |inner, _| json!({ "a": inner }));
        assert_eq!(schema.check(&nested(8)), Ok(()));
        let fault = schema.check(&nested(60)).unwrap_err().to_string();
        assert!(fault.contains("too deep"), "{fault}");
    }

    #[test]
    fn ordinary_schemas_take_as_many_arguments_as_a_call_may_have() {
        let row = json!({"type": "object", "required": ["id"], "additionalProperties": false,
            "properties": {"id": {"type": "integer"}, "kind": {"enum": ["a", "b"]},
                "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": true}}});
        let tree = json!({"anyOf": [
            {"type": "object", "properties": {"and": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}},
            {"type": "object", "properties": {"or": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}},
            {"type": "object", "properties": {"not": {"$ref": "#/$defs/tree"}}},
            {"type": "string"},
        ]});
        let schema = ArgumentSchema::new(&json!({"type": "object", "properties": {
            "rows": {"type": "array", "items": row}, "where": {"$ref": "#/$defs/tree"},
            "text": {"type": "string", "pattern": "^[a-z ]*$"},
        }, "$defs": {"tree": tree}}))
        .unwrap();
        let row = json!({"id": 1, "kind": "a", "tags": ["x", "y"]});
        let tree = (0..20).fold(json!("leaf"), |inner, _| json!({"and": [inner, {"not": "x"}]}));
        let text = "a b ".repeat(50_000);
        let arguments = json!({"rows": vec![row; 5000], "where": tree, "text": text});
        assert_eq!(schema.check(&arguments), Ok(()));
    }

    #[test]
    fn references_are_followed_as_they_are_written() {
        for (reference, more) in [
            ("#/$defs/a%20b~1c", json!({"$defs": {"a b/c": {"type": "integer"}}})),
            ("#day", json!({"$defs": {"a": {"$anchor": "day", "type": "integer"}}})),
            (
                "https://x.co/s#/$defs/a",
                json!({"$id": "https://x.co/s", "$defs": {"a": {"type": "integer"}}}),
            ),
            (
                "#/definitions/a",
                json!({"$schema": "http://json-schema.org/draft-07/schema#",
                "definitions": {"a": {"type": "integer"}}}),
            ),
        ] {
            let mut schema = more;
            schema["properties"] = json!({"a": {"$ref": reference}});
            let schema = ArgumentSchema::new(&schema).unwrap();
            assert!(
                schema.check(&json!({"a": 1})).is_ok() && schema.check(&json!({"a": "x"})).is_err()
            );
        }
        let other = json!({"$defs": {"a": {"$id": "https://x.co/a", "$ref": "#/$defs/b"}}, "$ref": "#/$defs/a"});
        assert!(ArgumentSchema::new(&other).is_err(), "a reference there is to another schema");
    }

    /// On a thread as large as those of checks, as in [`Checks::run`].
    #[tokio::test]
    async fn a_chain_of_references_is_too_dear_or_fits_the_stack() {
        let checks = Checks::default();
        let through = |edge: fn(&str) -> Value| doubling(1000, edge);
        let here = through(|next| json!({"allOf": [{"$ref": next}]}));
        let below = through(|next| json!({"properties": {"a": {"$ref": next}}}));
        assert!(checks.take(here).await.is_err());
        let schema = checks.take(below).await.unwrap();
        let deep = (0..60).fold(json!({}), |inner, _| json!({ "a": inner }));
        assert_eq!(checks.check(&schema, &deep).await, Ok(()));
    }

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
    fn a_schema_that_refers_to_itself_without_an_end_is_refused() {
        for schema in [
            json!({"type": "object", "$ref": "#"}),
            json!({"type": "object", "allOf": [{"$ref": "#"}]}),
            json!({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {
                "a": {"not": {"$ref": "#/$defs/b"}}, "b": {"$ref": "#/$defs/a"},
            }}),
            json!({"$dynamicAnchor": "x", "if": {"$dynamicRef": "#x"}, "then": true}),
        ] {
            let error = ArgumentSchema::new(&schema).unwrap_err().to_string();
            assert!(error.contains("refers to itself"), "{error}");
        }
    }

    #[test]
    fn a_pattern_that_would_take_for_ever_gives_up() {
        let schema = json!({"properties": {"a": {"pattern": "^(?=(a+)+b)(a|a)*$"}}});
        let schema = ArgumentSchema::new(&schema).unwrap();
        assert!(schema.check(&json!({"a": "a".repeat(60)})).is_err());
    }
}
