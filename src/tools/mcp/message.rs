//! What a server says, made into what the protocol means by it.
//!
//! The library drops an answer that is not well-formed to the letter, and whoever waits for it waits
//! in vain. So everything that comes is read loosely first, whichever way it comes, and handed on
//! in the form that the library knows.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use self::head::Head;
use self::repair::repaired;
use crate::domain::json::mended;

mod head;
mod repair;

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

#[cfg(test)]
mod tests {
    use rmcp::model::ServerJsonRpcMessage;
    use serde_json::json;

    use super::repair::INTERNAL_ERROR;
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
}
