//! What a server says, made into what the protocol means by it.
//!
//! The library drops an answer that is not well-formed to the letter, and whoever waits for it waits
//! in vain. So everything that comes is read loosely first, whichever way it comes, and handed on
//! in the form that the library knows.

use std::fmt;

use rmcp::model::ContentBlock;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::result::short;
use crate::domain::json::mended;

/// JSON-RPC's code of an error that says none, or none that is a number.
const INTERNAL_ERROR: i64 = -32603;

/// Messages of one text that are taken.
const BATCH_MAX: usize = 1000;
/// Values in a text that is read, at every depth together: each takes many times its text in memory.
const VALUES_MAX: usize = 200_000;

/// The messages in a text, most often one; none, if it is something else. For an answer that cannot be read,
/// because it is too much, nested too deeply or no JSON to its end, there is one that says so.
pub(super) fn messages(text: &[u8]) -> Vec<Value> {
    let text = mended(text.trim_ascii());
    if values_at_most(&text) > VALUES_MAX {
        let fault = format!("has more than {VALUES_MAX} values");
        return Head::of(&text).0.unread(&fault).into_iter().collect();
    }
    let mut found = Vec::new();
    let mut parts = serde_json::Deserializer::from_slice(&text).into_iter::<Batch>();
    loop {
        let begin = parts.byte_offset();
        match parts.next() {
            Some(Ok(Batch(batch))) => found.extend(batch.into_iter().filter_map(repaired)),
            Some(Err(_)) => {
                let (head, end) = Head::of(&text[begin..]);
                let fault = match end {
                    Ok(()) => "is nested too deeply".to_owned(),
                    Err(error) => format!("is not JSON ({error})"),
                };
                found.extend(head.unread(&fault));
                return found;
            }
            None => return found,
        }
    }
}

/// A count of the values in a JSON text that is never too low: what begins one, outside of strings.
fn values_at_most(text: &[u8]) -> usize {
    let (mut count, mut at) = (0, 0);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'[' | b'{' | b',' | b':' => count += 1,
            b'"' => at += string_length(&text[at..]),
            _ => {}
        }
    }
    count
}

/// Bytes of the rest of a string, with the quote that ends it.
fn string_length(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &rest[at..]) {
        at += found + 1;
        match rest[at - 1] {
            b'"' => return at,
            _ => at = (at + 1).min(rest.len()),
        }
    }
    rest.len()
}

/// As much of a message as can be read of one of any size, also of one that breaks off.
#[derive(Debug, Default)]
struct Head {
    id: Option<i64>,
    is_request: bool,
    is_answer: bool,
}

impl Head {
    /// The head of the first message in a text, and whether that comes to its end.
    fn of(text: &[u8]) -> (Self, serde_json::Result<()>) {
        let mut head = Self::default();
        let mut parser = serde_json::Deserializer::from_slice(text);
        let end = (&mut head).deserialize(&mut parser);
        (head, end)
    }

    /// The answer in place of one that cannot be read; `None`: nobody waits for it.
    fn unread(&self, fault: &str) -> Option<Value> {
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

/// One message, or the first [`BATCH_MAX`] of several.
struct Batch(Vec<Value>);

impl<'de> Deserialize<'de> for Batch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BatchVisitor)
    }
}

struct BatchVisitor;

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Batch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message or a list of messages")
    }

    fn visit_map<A: MapAccess<'de>>(self, message: A) -> Result<Batch, A::Error> {
        Ok(Batch(vec![Value::deserialize(MapAccessDeserializer::new(message))?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut messages: A) -> Result<Batch, A::Error> {
        let mut batch = Vec::new();
        while batch.len() < BATCH_MAX {
            match messages.next_element()? {
                Some(message) => batch.push(message),
                None => return Ok(Batch(batch)),
            }
        }
        while messages.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Batch(batch))
    }
}

/// A message in the form that the protocol has for it; `None`: it is none.
fn repaired(message: Value) -> Option<Value> {
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
    use rmcp::model::ServerJsonRpcMessage;

    use super::*;
    use crate::domain::json::tests::nested;

    fn only(text: &str) -> Value {
        let mut messages = messages(text.as_bytes());
        assert_eq!(messages.len(), 1, "{text}");
        messages.pop().unwrap()
    }

    #[test]
    fn every_answer_is_one_that_the_library_understands() {
        let bodies = [
            r#""result":{"content":[]},"error":null"#,
            r#""error":"disk full""#,
            r#""result":null,"error":"disk full""#,
            r#""result":null,"error":null"#,
            r#""result":null"#,
            r#""error":{}"#,
            r#""error":{"code":"ENOSPC"}"#,
            r#""error":{"code":-32000.0,"message":"disk full"}"#,
            r#""error":{"message":null,"data":{"path":"/"}}"#,
            r#""error":["disk full"]"#,
            r#""result":{"content":[{"type":"text","text":"x","score":NaN}]}"#,
            r#""result":"done""#,
            r#""result":{"content":"done"}"#,
            r#""result":{"content":[null,7,{"type":"text"},{"type":"video"},{"text":"x"}]}"#,
            r#""result":{"structuredContent":{"a":1}}"#,
            r#""result":{"content":[{"type":"text","text":"\ud83d"}],"isError":"true"}"#,
        ];
        for body in bodies {
            for head in [r#""jsonrpc":"2.0","id":1,"#, r#""id":1.0,"#, r#""jsonrpc":2.0,"id":"1","#]
            {
                let message = only(&format!("{{{head}{body}}}"));
                let read = serde_json::from_value::<ServerJsonRpcMessage>(message.clone());
                let is_answer = matches!(
                    read,
                    Ok(ServerJsonRpcMessage::Response(_) | ServerJsonRpcMessage::Error(_))
                );
                assert!(is_answer, "{body}: {message}");
            }
        }
    }

    #[test]
    fn an_error_keeps_its_words() {
        let error = |body: &str| only(&format!("{{\"id\":1,\"error\":{body}}}"))["error"].clone();
        assert_eq!(error("\"disk full\""), json!({"code": INTERNAL_ERROR, "message": "disk full"}));
        assert_eq!(error(r#"{"code":7,"message":"no"}"#), json!({"code": 7, "message": "no"}));
        let coded = json!({"code": INTERNAL_ERROR, "message": "{\"code\":\"ENOSPC\"}"});
        assert_eq!(error(r#"{"code":"ENOSPC"}"#), coded);
        let both = only(r#"{"id":1,"result":{},"error":"disk full"}"#);
        assert_eq!(both["error"]["message"], "disk full");
        assert!(both.get("result").is_none());
    }

    #[test]
    fn a_text_of_too_many_values_is_not_read_but_answered_for() {
        let many = "[],".repeat(VALUES_MAX);
        let answer = only(&format!(r#"{{"result":{{"a":[{many}[]]}},"id":7}}"#));
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(7), &json!(INTERNAL_ERROR)));
        for unasked in ["", r#""id":7,"method":"ping","#, r#""method":"x","#] {
            let text = format!(r#"{{{unasked}"params":[{many}[]]}}"#);
            assert!(messages(text.as_bytes()).is_empty(), "{unasked}");
        }
        let text = r#"\",[{:"#.repeat(VALUES_MAX);
        let answer = only(&format!(r#"{{"id":7,"result":{{"content":[],"a":"{text}"}}}}"#));
        assert!(answer["result"].is_object(), "what is within a string is no value");
    }

    #[test]
    fn a_text_that_is_nested_too_deeply_is_answered_for() {
        for levels in [130, 100_000] {
            let deep = nested(levels);
            let answer = only(&format!(r#"{{"id":7,"result":{{"structuredContent":{deep}}}}}"#));
            let said = &answer["error"]["message"];
            assert_eq!(said, "the answer is nested too deeply and was not read");
        }
    }

    #[test]
    fn an_answer_that_breaks_off_is_answered_for_if_it_has_said_whose_it_is() {
        for broken in [
            r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","te"#.to_owned(),
            r#"{"id":7,"error":{"message":'disk full'}}"#.to_owned(),
            format!(r#"{{"id":7,"result":{}"#, nested(130)),
        ] {
            let answer = only(&broken);
            let said = answer["error"]["message"].as_str().unwrap();
            assert_eq!(answer["id"], 7);
            assert!(
                said.starts_with("the answer is not JSON (")
                    && said.ends_with(") and was not read"),
                "{said}"
            );
        }
        for nobodys in [
            r#"{"jsonrpc":"2.0","result":{"id":7,"content":["#,
            r#"{"id":7,"method":"ping","result":{"#,
            r#"{"id":7,"#,
            r#"{"id":"seven","result":{"#,
        ] {
            assert!(messages(nobodys.as_bytes()).is_empty(), "{nobodys}");
        }
    }

    #[test]
    fn several_messages_of_one_line_are_taken_up_to_what_is_none() {
        let line = r#"{"id":1,"result":{}}{"id":2,"result":{}} done {"id":3,"result":{}}"#;
        let ids: Vec<Value> =
            messages(line.as_bytes()).iter().map(|message| message["id"].clone()).collect();
        assert_eq!(ids, [json!(1), json!(2)]);
    }

    #[test]
    fn of_a_batch_without_end_only_the_beginning_is_taken() {
        let batch = r#"{"id":1,"method":"ping"},"#.repeat(3 * BATCH_MAX);
        assert_eq!(messages(format!("[{batch}7]").as_bytes()).len(), BATCH_MAX);
    }

    #[test]
    fn values_are_never_counted_too_low() {
        for (text, count) in [
            ("7", 0),
            ("[1,2,3]", 3),
            (r#"{"a":[{}],"b":"[,\\\"{"}"#, 6),
            (r#""not ended \"#, 0),
            (r#"["\\",1]"#, 2),
        ] {
            assert_eq!(values_at_most(text.as_bytes()), count, "{text}");
        }
    }

    #[test]
    fn what_is_no_answer_stays_what_it_is() {
        let request = json!({"jsonrpc": "2.0", "id": 1.5, "method": "ping"});
        assert_eq!(only(&request.to_string()), request);
        for text in ["{\"neither\":1}", "[1,2]", "7", "", "Traceback (most recent call last)"] {
            assert!(messages(text.as_bytes()).is_empty(), "{text}");
        }
        assert_eq!(messages(br#"[{"id":1,"result":{}},{"id":2,"result":{}}]"#).len(), 2);
    }

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
