//! Whether what a server says is what its documents say. Every event and every answer that a test reads is held
//! against them, whatever the test is about.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use aura_platform::app::{asyncapi_json, openapi_json};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

static DOCUMENTS: LazyLock<Documents> = LazyLock::new(Documents::read);

/// The two documents, and what was made of their schemas so far.
struct Documents {
    openapi: Value,
    /// By the names of their messages.
    events: HashMap<String, Validator>,
    /// By operation and status.
    answers: Mutex<HashMap<(String, u16), Validator>>,
}

impl Documents {
    fn read() -> Self {
        let openapi: Value = serde_json::from_str(&openapi_json()).unwrap();
        let asyncapi: Value = serde_json::from_str(&asyncapi_json()).unwrap();
        let messages = asyncapi["components"]["messages"].as_object().unwrap();
        let validator = |message: &Value| validator(&message["payload"], &asyncapi);
        let events = messages.iter().map(|(name, message)| (name.clone(), validator(message)));
        Self { events: events.collect(), openapi, answers: Mutex::default() }
    }

    /// The operation of a path, for instance `/aura/sessions/session_1_2_3?x=y`.
    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let path = path.split('?').next().unwrap_or(path);
        let paths = self.openapi["paths"].as_object().unwrap();
        let mut matching = paths.iter().filter(|(template, _)| is_of(path, template));
        matching.find_map(|(_, operations)| operations.get(method.to_ascii_lowercase()))
    }
}

fn is_of(path: &str, template: &str) -> bool {
    let (parts, names) = (path.split('/'), template.split('/'));
    parts.clone().count() == names.clone().count()
        && parts.zip(names).all(|(part, name)| name.starts_with('{') || part == name)
}

/// A schema of a document, with what it refers to.
fn validator(schema: &Value, document: &Value) -> Validator {
    let mut whole = schema.as_object().cloned().unwrap_or_default();
    let schemas = json!({ "schemas": document["components"]["schemas"] });
    whole.insert("components".into(), schemas);
    jsonschema::validator_for(&Value::Object(whole)).unwrap()
}

fn faults(validator: &Validator, value: &Value) -> Vec<String> {
    let fault =
        |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    validator.iter_errors(value).map(fault).collect()
}

/// Fails unless the AsyncAPI document describes this event, in the form that it has.
pub fn check_event(kind: &str, payload: &Value) {
    let is_enveloped = payload.get("data").is_some_and(|data| data["version"].is_string());
    let name = if is_enveloped { format!("{kind}_enveloped") } else { kind.to_owned() };
    let Some(validator) = DOCUMENTS.events.get(&name) else {
        panic!("src/http/asyncapi.rs describes no {name}: {payload}")
    };
    let faults = faults(validator, payload);
    assert!(faults.is_empty(), "{kind} is not as it is described: {faults:#?}\n{payload}");
}

/// Fails unless the OpenAPI document has this status for the operation, and this JSON as its body. Paths and
/// methods that are no operation tell nothing.
pub fn check_answer(method: &str, path: &str, status: u16, body: &Value) {
    let Some(operation) = DOCUMENTS.operation(method, path) else { return };
    let id = operation["operationId"].as_str().unwrap();
    check(operation, id, status, body);
}

/// The same of an operation that is known by its id.
pub fn check_answer_of(id: &str, status: u16, body: &Value) {
    check(&operations()[id], id, status, body);
}

fn check(operation: &Value, id: &str, status: u16, body: &Value) {
    let Some(response) = operation["responses"].get(status.to_string()) else {
        panic!("{id} is not described with status {status}: {body}")
    };
    let mut known = DOCUMENTS.answers.lock().unwrap();
    let schema = &response["content"]["application/json"]["schema"];
    let made = known
        .entry((id.to_owned(), status))
        .or_insert_with(|| validator(schema, &DOCUMENTS.openapi));
    let faults = faults(made, body);
    assert!(faults.is_empty(), "{id}, {status} is not as it is described: {faults:#?}\n{body}");
}

/// All operations, by their ids.
pub fn operations() -> Map<String, Value> {
    let paths = DOCUMENTS.openapi["paths"].as_object().unwrap();
    let all = paths.values().flat_map(|path| path.as_object().unwrap().values());
    all.map(|one| (one["operationId"].as_str().unwrap().to_owned(), one.clone())).collect()
}

/// The id of an operation.
pub fn operation_id(method: &str, path: &str) -> String {
    let operation = DOCUMENTS.operation(method, path).unwrap_or_else(|| panic!("{method} {path}"));
    operation["operationId"].as_str().unwrap().to_owned()
}
