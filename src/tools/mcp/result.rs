//! What a call brought, cut to size: text as it is, everything else as a note or as JSON.

use std::collections::HashSet;

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::{Map, Value};

use crate::domain::RequestHash;
use crate::domain::json::is_too_deep;
use crate::domain::text::{escape_invisible, excerpt, first_bytes};
use crate::tools::ToolError;

/// Bytes of an error's text that are told.
const ERROR_MAX: usize = 8 * 1024;
/// Bytes of a URI, a name or a media type in a note.
const NOTE_MAX: usize = 200;

/// Later versions of the protocol may have more kinds of content.
const UNKNOWN: &str = "[content of an unknown kind]";

/// A result as a model and a person get to see it: `text` in the order of the server's blocks,
/// `structured` as it came, and `cut` if more was there than `max` bytes.
///
/// # Errors
/// [`ToolError::Failed`] with the text, if the server says that the call failed.
pub(super) fn rendered(result: CallToolResult, max: usize) -> Result<Value, ToolError> {
    let (text, repeated) = told(&result.content);
    if result.is_error == Some(true) {
        let (kept, left) = first_bytes(&text, max.min(ERROR_MAX));
        let note = if left > 0 { format!(" [{left} bytes left out]") } else { String::new() };
        return Err(ToolError::Failed(match kept {
            "" => "the tool failed and said nothing".to_owned(),
            kept => format!("{kept}{note}"),
        }));
    }
    let mut whole = Map::new();
    let mut notes = Vec::new();
    let mut budget = max;
    // Servers repeat what is structured as text, for clients that know only that.
    let is_repeated = result
        .structured_content
        .as_ref()
        .is_some_and(|structured| is_repeated(&result.content, &text, structured));
    if let Some(structured) = result.structured_content.filter(|value| !value.is_null()) {
        let size = structured.to_string().len();
        if is_too_deep(&structured) {
            notes.push("structured result left out: nested too deeply".to_owned());
        } else if size <= budget {
            budget -= size;
            whole.insert("structured".into(), structured);
        } else if !is_repeated || text.trim().is_empty() {
            notes.push(format!("structured result of {size} bytes left out"));
        }
    }
    if !(is_repeated && whole.contains_key("structured")) {
        let (kept, left) = first_bytes(&text, budget);
        whole.insert("text".into(), kept.into());
        if left > 0 {
            notes.push(format!("{left} bytes of text left out"));
        }
        if repeated > 0 {
            notes.push(format!("texts left out that repeat another one: {repeated}"));
        }
    }
    if !notes.is_empty() {
        whole.insert("cut".into(), notes.join(", ").into());
    }
    Ok(Value::Object(whole))
}

/// All blocks as one text, in which no text stands twice, and how many were left out for that.
fn told(blocks: &[ContentBlock]) -> (String, usize) {
    let mut seen = HashSet::new();
    let first = blocks.iter().filter(|block| match block {
        ContentBlock::Text(text) => text.text.trim().is_empty() || seen.insert(text.text.trim()),
        _ => true,
    });
    let kept: Vec<String> = first.map(block).collect();
    (kept.join("\n"), blocks.len() - kept.len())
}

/// Whether a result says as text nothing but what it says in its structured form: all of it as
/// JSON, or each of its blocks as a text in it, or as the JSON of a member or of an item of one.
fn is_repeated(blocks: &[ContentBlock], text: &str, structured: &Value) -> bool {
    let mut texts = HashSet::new();
    collect_texts(structured, &mut texts);
    let members = inner(structured).flat_map(|member| inner(member).chain([member]));
    let parts: HashSet<String> = members.chain([structured]).map(any_spelling).collect();
    let is_part = |text: &str| {
        let json = serde_json::from_str(text).map(|said| any_spelling(&said));
        texts.contains(text) || json.is_ok_and(|json| parts.contains(&json))
    };
    let is_repeated = |block: &ContentBlock| match block {
        ContentBlock::Text(block) => is_part(block.text.trim()),
        _ => false,
    };
    is_part(text.trim()) || blocks.iter().all(is_repeated)
}

/// The same for one value however it is written: in whatever order its keys, and `1.0` like `1`.
fn any_spelling(value: &Value) -> String {
    RequestHash::of("", value).to_string()
}

fn inner(value: &Value) -> impl Iterator<Item = &Value> {
    let (items, members) = (value.as_array(), value.as_object());
    items.into_iter().flatten().chain(members.into_iter().flat_map(Map::values))
}

fn collect_texts<'a>(value: &'a Value, texts: &mut HashSet<&'a str>) {
    match value {
        Value::String(text) => {
            texts.insert(text.trim());
        }
        Value::Array(_) | Value::Object(_) => {
            inner(value).for_each(|value| collect_texts(value, texts))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn block(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => media("image", &image.mime_type, &image.data),
        ContentBlock::Audio(audio) => media("audio", &audio.mime_type, &audio.data),
        ContentBlock::Resource(resource) => match &resource.resource {
            ResourceContents::TextResourceContents { uri, text, .. } => {
                format!("[resource {}]\n{text}", short(uri))
            }
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                let kind = mime_type.as_deref().unwrap_or("of an unknown type");
                media(&format!("resource {}", short(uri)), kind, blob)
            }
            _ => UNKNOWN.to_owned(),
        },
        ContentBlock::ResourceLink(link) => {
            format!("[link to resource {} ({})]", short(&link.uri), short(&link.name))
        }
        _ => UNKNOWN.to_owned(),
    }
}

/// A note in place of bytes that are of no use to a model that reads text.
fn media(what: &str, kind: &str, base64: &str) -> String {
    let bytes = base64.trim_end_matches('=').len() * 3 / 4;
    let size = if bytes < 1024 { format!("{bytes} B") } else { format!("{} KiB", bytes / 1024) };
    format!("[{what} {}, {size}]", short(kind))
}

/// A URI, a name or a media type as it is told in a note.
pub(super) fn short(text: &str) -> String {
    excerpt(&escape_invisible(text), NOTE_MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::message::messages;
    use super::*;
    use crate::domain::json::LEVELS_MAX;
    use crate::domain::json::tests::{doubtful, nested};

    fn result(result: Value) -> CallToolResult {
        serde_json::from_value(result).unwrap()
    }

    fn ok(given: Value, max: usize) -> Value {
        rendered(result(given), max).unwrap()
    }

    #[test]
    fn text_is_joined_and_what_is_not_text_becomes_a_note() {
        let given = json!({"content": [
            {"type": "text", "text": "안녕"},
            {"type": "image", "mimeType": "image/png", "data": "A".repeat(16 * 1024)},
            {"type": "audio", "mimeType": "audio/wav", "data": "QUJD"},
            {"type": "resource", "resource": {"uri": "file:///a.txt", "text": "inside"}},
            {"type": "resource", "resource": {"uri": "file:///a.bin", "blob": "QQ=="}},
            {"type": "resource_link", "uri": "file:///b", "name": "b"},
        ]});
        let expected = "안녕\n[image image/png, 12 KiB]\n[audio audio/wav, 3 B]\n\
                        [resource file:///a.txt]\ninside\n\
                        [resource file:///a.bin of an unknown type, 1 B]\n\
                        [link to resource file:///b (b)]";
        assert_eq!(ok(given, 4096), json!({"text": expected}));
    }

    #[test]
    fn a_structured_result_is_not_said_twice() {
        let given = json!({
            "content": [{"type": "text", "text": "{\"n\": 1}"}], "structuredContent": {"n": 1},
        });
        assert_eq!(ok(given, 4096), json!({"structured": {"n": 1}}));
        let given = json!({
            "content": [{"type": "text", "text": "one"}], "structuredContent": {"n": 1},
        });
        assert_eq!(ok(given, 4096), json!({"structured": {"n": 1}, "text": "one"}));
    }

    #[test]
    fn a_text_that_is_said_twice_is_told_once_and_that_is_noted() {
        let text = |text: &str| json!({"type": "text", "text": text});
        let image = json!({"type": "image", "mimeType": "image/png", "data": "QQ=="});
        let given =
            json!({"content": [text("{\"n\": 1}"), text("b"), text("{\"n\": 1}\n"), text("b")]});
        let expected =
            json!({"text": "{\"n\": 1}\nb", "cut": "texts left out that repeat another one: 2"});
        assert_eq!(ok(given, 4096), expected);
        let given = json!({"content": [image, image, text(""), text("")]});
        let expected = json!({"text": "[image image/png, 1 B]\n[image image/png, 1 B]\n\n"});
        assert_eq!(ok(given, 4096), expected, "two pictures may be two");
        let given = json!({
            "content": [text("{\"b\": 1.0, \"a\": 2}"), text("{\"b\": 1.0, \"a\": 2}")],
            "structuredContent": {"a": 2, "b": 1},
        });
        assert_eq!(ok(given, 4096), json!({"structured": {"a": 2, "b": 1}}));
    }

    #[test]
    fn a_text_that_the_structured_result_holds_is_said_once() {
        let block = |text: &str| json!({"type": "text", "text": text});
        for (blocks, structured) in [
            (vec![block("hello")], json!({"result": "hello"})),
            (vec![block("hello\n")], json!({"result": {"text": "hello"}})),
            (vec![block("{\"b\":1}"), block("2")], json!({"result": [{"b": 1}, 2]})),
            (vec![block("one"), block("two")], json!({"result": ["one", "two"]})),
            (vec![block("[1, 2]")], json!({"result": [1, 2]})),
            (vec![block("{\"b\": 2.0, \"a\": 1}")], json!({"a": 1, "b": 2})),
            (vec![], json!({"result": null})),
        ] {
            let given = json!({"content": blocks, "structuredContent": structured});
            assert_eq!(ok(given, 4096), json!({"structured": structured}), "{blocks:?}");
        }
        let given = json!({"content": [block("hello"), block("more")], "structuredContent": {"a": "hello"}});
        assert_eq!(ok(given, 4096)["text"], "hello\nmore");
    }

    #[test]
    fn what_is_too_large_is_cut_and_says_so() {
        let given = json!({"content": [{"type": "text", "text": "가".repeat(1000)}]});
        let whole = ok(given, 100);
        assert_eq!(whole["text"], "가".repeat(33));
        assert_eq!(whole["cut"], "2901 bytes of text left out");
        let given = json!({
            "content": [{"type": "text", "text": "short"}],
            "structuredContent": {"long": "x".repeat(200)},
        });
        let expected = json!({"text": "short", "cut": "structured result of 211 bytes left out"});
        assert_eq!(ok(given, 100), expected);
        // There is nothing else to tell of it.
        let given = json!({"content": [], "structuredContent": {"long": "x".repeat(200)}});
        let expected = json!({"text": "", "cut": "structured result of 211 bytes left out"});
        assert_eq!(ok(given, 100), expected);
    }

    /// The result of a call whose answer has this in its structured result; `None`: the call is told that the
    /// answer is no JSON.
    fn told(structured: &[u8]) -> Option<Value> {
        let head = br#"{"id":1,"result":{"content":[],"structuredContent":{"x":"#.as_slice();
        let mut messages = messages(&[head, structured, b"}}}"].concat());
        assert_eq!(messages.len(), 1, "whoever waits for it is told something");
        let mut answer = messages.pop()?;
        match answer["error"]["message"].as_str() {
            Some(error) => {
                assert!(error.starts_with("the answer is not JSON ("), "{error}");
                None
            }
            None => Some(ok(answer["result"].take(), 4096)),
        }
    }

    #[test]
    fn a_doubtful_form_in_a_result_means_what_it_means_everywhere() {
        for (form, _, told_as) in doubtful() {
            let expected = told_as.map(|value| json!({"structured": {"x": value}}));
            assert_eq!(told(form), expected, "{}", String::from_utf8_lossy(form));
        }
        // The value that it stands in is a level of its own.
        let most = nested(LEVELS_MAX - 1);
        assert!(told(most.as_bytes()).unwrap()["structured"].is_object());
        for levels in [LEVELS_MAX, 100] {
            let cut = told(nested(levels).as_bytes()).unwrap()["cut"].take();
            assert_eq!(cut, "structured result left out: nested too deeply", "{levels}");
        }
    }

    #[test]
    fn a_result_that_says_that_it_is_an_error_is_one() {
        let given = json!({"content": [{"type": "text", "text": "no disk"}], "isError": true});
        let expected = ToolError::Failed("no disk".into());
        assert_eq!(rendered(result(given), 4096), Err(expected));
        let given = json!({"content": [{"type": "text", "text": "x".repeat(99)}], "isError": true});
        let error = rendered(result(given), 10).unwrap_err().to_string();
        assert_eq!(error, "xxxxxxxxxx [89 bytes left out]");
    }
}
