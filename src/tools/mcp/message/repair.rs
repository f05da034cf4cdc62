//! A message put into the form that the protocol has for it.

use rmcp::model::ContentBlock;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::tools::mcp::result::short;

/// JSON-RPC's code of an error that says none, or none that is a number.
pub(super) const INTERNAL_ERROR: i64 = -32603;

/// A message in the form that the protocol has for it; `None`: it is none.
pub(super) fn repaired(message: Value) -> Option<Value> {
    let Value::Object(mut message) = message else { return None };
    if !["method", "result", "error"].iter().any(|name| message.contains_key(*name)) {
        return None;
    }
    message.insert("jsonrpc".into(), "2.0".into());
    let is_answer = message.contains_key("id") && !message.contains_key("method");
    Some(if is_answer { answer(message) } else { Value::Object(message) })
}

/// An answer has an id and either a result or an error.
fn answer(mut message: Map<String, Value>) -> Value {
    if let Some(id) = message.get("id").and_then(whole) {
        message.insert("id".into(), id.into());
    }
    let error = message.shift_remove("error").filter(is_error);
    let result = message.shift_remove("result").filter(|result| !result.is_null());
    match (error, result) {
        // A server that names an error beside a result has not done what it was asked.
        (Some(error), _) => message.insert("error".into(), error_object(error)),
        (None, Some(result)) => message.insert("result".into(), result_object(result)),
        (None, None) => {
            let error = Value::from("the answer holds neither a result nor an error");
            message.insert("error".into(), error_object(error))
        }
    };
    Value::Object(message)
}

/// The whole number that was written with a fraction of nothing.
fn whole(id: &Value) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let exact = id.as_f64().filter(|n| id.is_f64() && n.fract() == 0.0 && n.abs() < EXACT);
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is exact")]
    exact.map(|number| number as i64)
}

/// Some servers send an empty error beside a result.
fn is_error(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(parts) => !parts.is_empty(),
        Value::Object(fields) => fields.values().any(|value| !value.is_null()),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

/// An error with a code and words.
fn error_object(error: Value) -> Value {
    let fields = match error {
        Value::Object(fields) => fields,
        other => return json!({"code": INTERNAL_ERROR, "message": words(&other)}),
    };
    let code = fields.get("code").and_then(|code| {
        let number = code.as_i64().or_else(|| whole(code));
        number.or_else(|| code.as_str()?.trim().parse().ok())
    });
    let code = code.filter(|code| i32::try_from(*code).is_ok()).unwrap_or(INTERNAL_ERROR);
    let named = ["message", "error", "detail", "reason", "data"].iter();
    let message =
        named.filter_map(|name| fields.get(*name)).map(words).find(|text| !text.is_empty());
    let message = message.unwrap_or_else(|| Value::Object(fields.clone()).to_string());
    let mut repaired =
        Map::from_iter([("code".into(), code.into()), ("message".into(), message.into())]);
    repaired.extend(fields.get("data").map(|data| ("data".to_owned(), data.clone())));
    Value::Object(repaired)
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A result is an object; its content is a list of blocks of kinds that are known.
fn result_object(result: Value) -> Value {
    let mut result = match result {
        Value::Object(fields) => fields,
        Value::String(text) => return json!({"content": [{"type": "text", "text": text}]}),
        other => return other,
    };
    let is_of_call = ["content", "structuredContent", "isError"].iter();
    if !is_of_call.clone().any(|name| result.contains_key(*name)) {
        return Value::Object(result);
    }
    let blocks = match result.shift_remove("content") {
        Some(Value::Array(blocks)) => blocks,
        Some(Value::Null) | None => Vec::new(),
        Some(block) => vec![block],
    };
    result.insert("content".into(), blocks.into_iter().map(known_block).collect());
    let is_failed = match result.get("isError") {
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(flag) => flag == true,
        None => return Value::Object(result),
    };
    result.insert("isError".into(), is_failed.into());
    Value::Object(result)
}

/// The block, or a text that tells of it.
fn known_block(block: Value) -> Value {
    if ContentBlock::deserialize(&block).is_ok() {
        return block;
    }
    json!({"type": "text", "text": told(&block)})
}

/// What can be told of a block that is not known: its text, or what and where it is.
fn told(block: &Value) -> String {
    let Value::Object(fields) = block else { return words(block) };
    let field = |name: &str| fields.get(name).map(words).filter(|text| !text.is_empty());
    let kind = field("type").unwrap_or_else(|| "text".to_owned());
    if let (Some(text), "text") = (field("text").or_else(|| field("content")), kind.as_str()) {
        return text;
    }
    let place = field("uri").or_else(|| field("url"));
    match (kind.as_str(), place) {
        ("resource_link", Some(uri)) => format!("[link to resource {}]", short(&uri)),
        (_, Some(uri)) => format!("[content of the kind {:?}: {}]", short(&kind), short(&uri)),
        (_, None) => format!("[content of the kind {:?}]", short(&kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_an_unknown_kind_becomes_a_note() {
        let told = |block: Value| told(&block);
        let video = json!({"type": "video", "uri": "https://a/b.mp4"});
        assert_eq!(told(video), "[content of the kind \"video\": https://a/b.mp4]");
        let link = json!({"type": "resource_link", "uri": "file:///a"});
        assert_eq!(told(link), "[link to resource file:///a]");
        assert_eq!(told(json!({"type": "text", "text": 7})), "7");
        assert_eq!(told(json!({"type": "chart"})), "[content of the kind \"chart\"]");
    }
}
